"""The training loop that task models share: batches, Adam, clipping, validation; the best epoch's weights are kept."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator

from ...data.batches import length_buckets, limited_groups, most_steps
from ...nn.optim import Adam, clip_scale, global_norm
from ...nn.parameter import parameters, zero_grad
from ...runtime.progress import Progress
from ...runtime.signals import Interrupted, interruptible
from ...runtime.threads import one_blas_thread
from ...types import Array
from .config import TaskConfig


class Network(Protocol):
    """A network that can be trained: the loss of a batch, and its gradients."""

    def forward(self, source: Any, lengths: Array, y: Array, /,
                rng: Generator | None = None) -> tuple[float, Any]: ...

    def backward(self, dloss: float, cache: Any) -> None: ...


LabelledBatch = tuple[Any, Array, Array]    # what is read, mostly layers (J, T, B, D); lengths (B,); labels


class Dataset(NamedTuple):
    """Labelled sentences as a network reads them."""

    lengths: Array                                      # (N,): words of each sentence
    batch: Callable[[Array], LabelledBatch]             # indices of sentences -> their batch


class EpochResult(NamedTuple):
    loss: float         # mean over the epoch's batches, with dropout
    valid_loss: float   # mean over the validation sentences
    valid: float        # the task's measure on them, higher is better


class FitInterrupted(Interrupted):
    """Training was stopped. best: the epoch whose weights the network has; None where the first has not ended."""

    def __init__(self, best: int | None):
        super().__init__("stopped", go_on=False)
        self.best = best


def fit(network: Network, config: TaskConfig, train: Dataset, valid: Dataset, score: Callable[[], float],
        progress: Progress) -> list[EpochResult]:
    """Train until the last epoch, or until patience runs out, and restore the weights of the best epoch.

    score   the task's measure on the validation sentences now, higher is better; of equal epochs the one with the
            lower validation loss is better: an F1 stays at zero for a while before it rises
    Raises Interrupted at Ctrl-C, after the end of the first epoch with the weights of the best one so far.
    """
    optimizer = Adam(parameters(network), config.learning_rate)
    order, dropout = (np.random.default_rng([config.seed, k]) for k in (1, 2))
    history: list[EpochResult] = []
    best, kept = 0, _values(network)
    with one_blas_thread(), interruptible() as signals:
        for epoch in range(1, config.epochs + 1):
            losses: list[float] = []
            for group in shuffled_groups(train.lengths, config.batch_size, order):
                losses.append(_step(network, optimizer, train.batch(group), dropout, config.clip_norm))
                progress.show(f"epoch {epoch}/{config.epochs}  batch {len(losses)}  loss {np.mean(losses):.4f}")
                if signals.raised:
                    break
            if signals.raised:
                break
            history.append(EpochResult(float(np.mean(losses)), _mean_loss(network, valid, config.batch_size), score()))
            own, before = history[-1], history[best]
            if epoch == 1 or (own.valid, -own.valid_loss) > (before.valid, -before.valid_loss):
                best, kept = epoch - 1, _values(network)
            progress.say(f"epoch {epoch}/{config.epochs}  loss {own.loss:.4f}  validation: loss {own.valid_loss:.4f}, "
                         f"score {own.valid:.4f}" + ("  (best so far)" if best == epoch - 1 else ""))
            if epoch - 1 - best >= config.patience:
                break
    for name, p in parameters(network).items():
        p.value[...] = kept[name]
    if signals.raised:
        raise FitInterrupted(best + 1 if history else None)
    return history


def _step(network: Network, optimizer: Adam, batch: LabelledBatch, dropout: Generator, clip_norm: float) -> float:
    """One update -> the loss before it."""
    zero_grad(network)
    loss, cache = network.forward(*batch, dropout)
    network.backward(1.0, cache)
    optimizer.step(clip_scale(global_norm(optimizer.parameters), clip_norm))
    return loss


def _values(network: Network) -> dict[str, Array]:
    return {name: p.value.copy() for name, p in parameters(network).items()}


def _mean_loss(network: Network, data: Dataset, batch_size: int) -> float:
    N = len(data.lengths)
    groups = map(np.array, limited_groups(range(N), data.lengths, batch_size, most_steps(batch_size)))
    return sum(network.forward(*data.batch(group))[0] * len(group) for group in groups) / N


def shuffled_groups(lengths: Array, batch_size: int, rng: Generator) -> Iterator[Array]:
    """The indices 0 .. N-1 in batches of about equal length, in an order that `rng` draws; long sentences in smaller
    batches, so that memory does not grow with the longest."""
    order = rng.permutation(len(lengths))
    groups: list[Array] = []
    for start in range(0, len(order), 32 * batch_size):
        window = order[start:start + 32 * batch_size]
        buckets = length_buckets([range(n) for n in lengths[window]], batch_size, most_steps(batch_size))
        groups += [window[group] for group in buckets]
    return (groups[k] for k in rng.permutation(len(groups)))


def padded(sentences: Sequence[Sequence[int]], padding: int) -> Array:
    """Ids of the words of B sentences -> (T, B), as long as the longest."""
    ids = np.full((max(map(len, sentences)), len(sentences)), padding)
    for b, own in enumerate(sentences):
        ids[:len(own), b] = own
    return ids

"""The training loop that task models share: batches, Adam, clipping, validation, the best epoch's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...data.batches import length_buckets
from ...nn.optim import Adam, clip_scale, global_norm
from ...nn.parameter import parameters, zero_grad
from ...runtime.progress import Progress
from ...runtime.threads import one_blas_thread
from ...types import Array
from .config import TaskConfig


class Network(Protocol):
    """What can be trained: a loss of a batch, and its gradients."""

    def forward(self, source: Any, lengths: Array, y: Array, /,
                rng: np.random.Generator | None = None) -> tuple[float, Any]: ...

    def backward(self, dloss: float, cache: Any) -> None: ...


Batch = tuple[Any, Array, Array]    # what is read, mostly layers (J, T, B, D); lengths (B,); labels


class Dataset(NamedTuple):
    """Labelled sentences as a network reads them."""

    lengths: Array                                  # (N,): words of each
    batch: Callable[[Array], Batch]                 # some of their numbers -> what is read for them


class Epoch(NamedTuple):
    """What an epoch came to."""

    loss: float         # mean over its batches, with dropout
    valid_loss: float   # mean over the validation sentences
    valid: float        # the measure of the task on them, higher is better


def fit(network: Network, config: TaskConfig, train: Dataset, valid: Dataset, score: Callable[[], float],
        progress: Progress) -> list[Epoch]:
    """Train until the epochs are over or the patience is, and leave the numbers of the best epoch.

    score   the measure of the task on the validation sentences now, higher is better; of equal epochs the one with the
            lower validation loss is better: an F1 stays at zero for a while before it rises
    """
    optimizer = Adam(parameters(network), config.learning_rate)
    order, dropout = (np.random.default_rng([config.seed, k]) for k in (1, 2))
    history: list[Epoch] = []
    best, kept = 0, {name: p.value.copy() for name, p in parameters(network).items()}
    with one_blas_thread():
        for epoch in range(1, config.epochs + 1):
            losses = []
            for group in shuffled_groups(train.lengths, config.batch_size, order):
                zero_grad(network)
                loss, cache = network.forward(*train.batch(group), dropout)
                network.backward(1.0, cache)
                optimizer.step(clip_scale(global_norm(optimizer.parameters), config.clip_norm))
                losses.append(loss)
                progress.show(f"epoch {epoch}/{config.epochs}  batch {len(losses)}  loss {np.mean(losses):.4f}")
            history.append(Epoch(float(np.mean(losses)), _mean_loss(network, valid, config.batch_size), score()))
            own, before = history[-1], history[best]
            if epoch == 1 or (own.valid, -own.valid_loss) > (before.valid, -before.valid_loss):
                best = epoch - 1
                kept = {name: p.value.copy() for name, p in parameters(network).items()}
            progress.say(f"epoch {epoch}/{config.epochs}  loss {own.loss:.4f}  validation: loss {own.valid_loss:.4f}, "
                         f"score {own.valid:.4f}" + ("  (best so far)" if best == epoch - 1 else ""))
            if epoch - 1 - best >= config.patience:
                break
    for name, p in parameters(network).items():
        p.value[...] = kept[name]
    return history


def _mean_loss(network: Network, source: Dataset, batch_size: int) -> float:
    numbers = np.arange(len(source.lengths))
    groups = np.split(numbers, range(batch_size, len(numbers), batch_size))
    return sum(network.forward(*source.batch(group))[0] * len(group) for group in groups) / len(numbers)


def shuffled_groups(lengths: Array, batch_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """The numbers 0 .. N-1 in batches of about equal length, in an order that `rng` draws."""
    order = rng.permutation(len(lengths))
    groups: list[Array] = []
    for start in range(0, len(order), 32 * batch_size):
        window = order[start:start + 32 * batch_size]
        groups += [window[group] for group in length_buckets([range(n) for n in lengths[window]], batch_size)]
    return (groups[k] for k in rng.permutation(len(groups)))

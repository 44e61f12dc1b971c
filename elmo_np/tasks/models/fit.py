"""The training loop that task models share: batches, Adam, clipping, validation; the best epoch's weights are kept."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.random import Generator

from ...data.batches import length_buckets, limited_groups, most_steps
from ...errors import UserError
from ...nn.optim import Adam, clip_scale, global_norm
from ...nn.parameter import parameters, zero_grad
from ...runtime.progress import Progress
from ...runtime.signals import Interrupted, interruptible
from ...runtime.threads import one_blas_thread
from ...types import Array
from ..nn.tuned_bilm import group_rate, groups, trained_groups
from .checkpointing import Checkpoint, load_arrays
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
        progress: Progress, checkpoint: Checkpoint | None = None) -> list[EpochResult]:
    """Train until the last epoch, or until patience runs out, and restore the weights of the best epoch.

    score       the task's measure on the validation sentences now, higher is better; of equal epochs the one with the
                lower validation loss is better: an F1 stays at zero for a while before it rises
    checkpoint  where to save after every epoch and at Ctrl-C; if the file is there, training goes on from it
    Raises FitInterrupted at Ctrl-C, also in the last validation, with the weights of the best epoch so far. Raises
    UserError for a training that diverges in the first epoch.
    """
    fitting = Fitting(network, config, train, valid, score, progress)
    # Overflows are found by the loss
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread(), interruptible() as signals:
        if checkpoint and checkpoint.path.exists():
            fitting.load_state(checkpoint)
        while not fitting.ended() and not signals.raised:
            fitting.epoch(signals.raised)
            if checkpoint:
                checkpoint.save(*fitting.state())
    fitting.restore_best()
    if signals.raised:
        raise FitInterrupted(fitting.best + 1 if fitting.history else None)
    return fitting.history


class Fitting:
    """A training on its way."""

    def __init__(self, network: Network, config: TaskConfig, train: Dataset, valid: Dataset,
                 score: Callable[[], float], progress: Progress):
        self.network, self.config, self.train, self.valid = network, config, train, valid
        self.score, self.progress = score, progress
        # Each group has its own: one that begins later counts its own steps
        self.optimizers = [Adam(group, group_rate(config.learning_rate, config.rate_decay, k))
                           for k, group in enumerate(groups(network))]
        self.order, self.dropout = (np.random.default_rng([config.seed, k]) for k in (1, 2))
        self.shuffle = self.order.bit_generator.state       # at the start of this epoch
        self.losses: list[float] = []                       # of the batches done in this epoch
        self.history: list[EpochResult] = []
        self.best = 0                                       # index into the history
        self.kept = {name: value.copy() for name, value in self.values().items()}   # the best epoch's weights

    def values(self) -> dict[str, Array]:
        return {name: p.value for name, p in parameters(self.network).items()}

    def ended(self) -> bool:
        done = len(self.history)
        return done >= self.config.epochs or (done > 0 and done - 1 - self.best >= self.config.patience)

    def epoch(self, interrupted: list[int]) -> None:
        """What is left of an epoch; once `interrupted` is filled, only the current batch."""
        number, config = len(self.history) + 1, self.config
        self.order.bit_generator.state = self.shuffle
        trained = self._unfreeze(number)
        batches = shuffled_groups(self.train.lengths, config.batch_size, self.order)
        for group in islice(batches, len(self.losses), None):
            loss = _step(self.network, trained, self.train.batch(group), self.dropout, config.clip_norm)
            self.losses.append(float(loss))
            self.progress.show(f"epoch {number}/{config.epochs}  batch {len(self.losses)}  "
                               f"loss {np.mean(self.losses):.4f}")
            if interrupted:
                return
        own = EpochResult(float(np.mean(self.losses)), _mean_loss(self.network, self.valid, config.batch_size),
                          self.score())
        if number == 1 and not np.isfinite(own.valid_loss):
            raise UserError(f"after the first epoch the validation loss is {own.valid_loss}, expected a finite number: "
                            f"lower learning_rate = {config.learning_rate:g}")
        self._end(own)
        self.progress.say(f"epoch {number}/{config.epochs}  loss {own.loss:.4f}  validation: loss {own.valid_loss:.4f},"
                          f" score {own.valid:.4f}" + ("  (best so far)" if self.best == number - 1 else ""))

    def _unfreeze(self, epoch: int) -> list[Adam]:
        """The optimisers of what is trained in an epoch, from 1; what is not gets no gradient."""
        count = trained_groups(epoch, len(self.optimizers))
        bilm = getattr(self.network, "bilm", None)
        if bilm:
            bilm.lowest = len(self.optimizers) - count
        return self.optimizers[:count]

    def _end(self, own: EpochResult) -> None:
        """Count an epoch, and keep its weights if it is the best so far."""
        self.history.append(own)
        self.losses, self.shuffle = [], self.order.bit_generator.state
        before = self.history[self.best]
        better = (own.valid, -own.valid_loss) > (before.valid, -before.valid_loss)
        if len(self.history) == 1 or (better and np.isfinite(own.valid_loss)):      # NaN predicts something too
            self.best = len(self.history) - 1
            self.kept = {name: value.copy() for name, value in self.values().items()}

    def restore_best(self) -> None:
        for name, value in self.values().items():
            value[...] = self.kept[name]

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Arrays, and the rest for JSON: everything that the next batch and decision depend on."""
        parts = {"network": self.values(), "best": self.kept,
                 **{name: optimizer.state() for name, optimizer in self._named_optimizers()}}
        tensors = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return tensors, {"history": self.history, "losses": self.losses, "best": self.best, "order": self.shuffle,
                         "dropout": self.dropout.bit_generator.state}

    def _named_optimizers(self) -> list[tuple[str, Adam]]:
        """By their names in a file: optimizer, optimizer1, .."""
        return [(f"optimizer{k or ''}", optimizer) for k, optimizer in enumerate(self.optimizers)]

    def load_state(self, checkpoint: Checkpoint) -> None:
        """Raises UserError for a damaged file."""
        tensors, place = checkpoint.load(self.progress)
        states = {name: optimizer.state() for name, optimizer in self._named_optimizers()}
        wanted = {**{f"network.{name}": value for name, value in self.values().items()},
                  **{f"best.{name}": value for name, value in self.kept.items()},
                  **{f"{part}.{name}": value for part, state in states.items() for name, value in state.items()}}
        load_arrays(checkpoint.path, wanted, tensors)
        for name, optimizer in self._named_optimizers():
            optimizer.load_state(states[name])
        try:
            self.history = [EpochResult(*map(float, own)) for own in place["history"]]
            self.losses = [float(loss) for loss in place["losses"]]
            self.best = range(max(1, len(self.history)))[place["best"]]
            self.order.bit_generator.state = self.shuffle = place["order"]
            self.dropout.bit_generator.state = place["dropout"]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise checkpoint.unusable() from error
        self.progress.say(f"resuming at epoch {len(self.history) + 1}, batch {len(self.losses)}")


def _step(network: Network, optimizers: Sequence[Adam], batch: LabelledBatch, dropout: Generator,
          clip_norm: float) -> float:
    """One update -> the loss before it."""
    zero_grad(network)
    loss, cache = network.forward(*batch, dropout)
    network.backward(1.0, cache)
    trained = {name: p for optimizer in optimizers for name, p in optimizer.parameters.items()}
    scale = clip_scale(global_norm(trained), clip_norm)
    for optimizer in optimizers:
        optimizer.step(scale)
    return loss


def _mean_loss(network: Network, data: Dataset, batch_size: int) -> float:
    N = len(data.lengths)
    batches = map(np.array, limited_groups(range(N), data.lengths, batch_size, most_steps(batch_size)))
    return sum(network.forward(*data.batch(group))[0] * len(group) for group in batches) / N


def shuffled_groups(lengths: Array, batch_size: int, rng: Generator) -> Iterator[Array]:
    """The indices 0 .. N-1 in batches of about equal length, in an order that `rng` draws; long sentences in smaller
    batches, so that memory does not grow with the longest."""
    order = rng.permutation(len(lengths))
    found: list[Array] = []
    for start in range(0, len(order), 32 * batch_size):
        window = order[start:start + 32 * batch_size]
        buckets = length_buckets([range(n) for n in lengths[window]], batch_size, most_steps(batch_size))
        found += [window[group] for group in buckets]
    return (found[k] for k in rng.permutation(len(found)))


def padded(sentences: Sequence[Sequence[int]], padding: int) -> Array:
    """Ids of the words of B sentences -> (T, B), as long as the longest."""
    ids = np.full((max(map(len, sentences)), len(sentences)), padding)
    for b, own in enumerate(sentences):
        ids[:len(own), b] = own
    return ids

"""The training loop that task models share: batches, Adam, clipping, validation, the best epoch's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..batches import length_groups
from ..optim import Adam, clip_scale, global_norm
from ..parallel import one_blas_thread
from ..parameter import Array, parameters, zero_grad
from ..progress import Progress
from .config import TaskConfig


class Network(Protocol):
    """What can be trained: a loss of a batch, and its gradients."""

    def forward(self, layers: Array, lengths: Array, y: Array,
                rng: np.random.Generator | None = None) -> tuple[float, Any]: ...

    def backward(self, dloss: float, cache: Any) -> None: ...


Batch = tuple[Array, Array, Array]                  # layers (J, T, B, D), lengths (B,), labels


class Epoch(NamedTuple):
    """What an epoch came to."""

    loss: float         # mean over its batches
    valid: float        # of the validation, higher is better


def fit(network: Network, config: TaskConfig, lengths: Array, batch: Callable[[Array], Batch],
        validate: Callable[[], float], progress: Progress) -> list[Epoch]:
    """Train until the epochs are over or the patience is, and leave the numbers of the best epoch.

    lengths     words of each training sentence, (N,)
    batch       numbers of training sentences -> what the network reads for them
    validate    how good the network is now, higher is better
    """
    optimizer = Adam(parameters(network), config.learning_rate)
    order, dropout = (np.random.default_rng([config.seed, k]) for k in (1, 2))
    history: list[Epoch] = []
    best, kept = -np.inf, {name: p.value.copy() for name, p in parameters(network).items()}
    with one_blas_thread():
        for epoch in range(1, config.epochs + 1):
            losses = []
            for group in shuffled_groups(lengths, config.batch_size, order):
                zero_grad(network)
                loss, cache = network.forward(*batch(group), dropout)
                network.backward(1.0, cache)
                optimizer.step(clip_scale(global_norm(optimizer.parameters), config.clip_norm))
                losses.append(loss)
                progress.show(f"epoch {epoch}/{config.epochs}  batch {len(losses)}  loss {np.mean(losses):.4f}")
            loss, valid = float(np.mean(losses)), validate()
            history.append(Epoch(loss, valid))
            if valid > best:
                best, since = valid, 0
                kept = {name: p.value.copy() for name, p in parameters(network).items()}
            else:
                since += 1
            progress.say(f"epoch {epoch}/{config.epochs}  loss {loss:.4f}  validation {valid:.4f}"
                         + ("" if since else "  (best so far)"))
            if since >= config.patience:
                break
    for name, p in parameters(network).items():
        p.value[...] = kept[name]
    return history


def shuffled_groups(lengths: Array, batch_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """The numbers 0 .. N-1 in batches of about equal length, in an order that `rng` draws."""
    order = rng.permutation(len(lengths))
    groups: list[Array] = []
    for start in range(0, len(order), 32 * batch_size):
        window = order[start:start + 32 * batch_size]
        groups += [window[group] for group in length_groups([range(n) for n in lengths[window]], batch_size)]
    return (groups[k] for k in rng.permutation(len(groups)))

"""elmo_np's side of every work, on its kernels or on the NumPy reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from itertools import count
from typing import Any

import numpy as np
from embed_elmo_np import embed, load
from jobs import Arrays, Job, Skipped, Task
from numpy.random import Generator
from threadpoolctl import threadpool_limits
from works import BLAS_THREADS, DECAY, PLAIN, PRODUCT, REFERENCE, REGULARISERS, SPLIT, Sizes

from elmo_np import backend
from elmo_np.backend import TWINS, Twin
from elmo_np.config.schema import BiLMConfig, Settings
from elmo_np.config.toml_files import replaced
from elmo_np.data.grammar import GrammarCorpus
from elmo_np.nn.bilm import Batch, BiLM, DirectionBatch
from elmo_np.nn.lstm import LSTM
from elmo_np.nn.optim import SGD, Adagrad, Adam, Optimizer, clip_scale, global_norm
from elmo_np.nn.parameter import Parameter, parameters, zero_grad
from elmo_np.nn.softmax import Softmax
from elmo_np.runtime.threads import one_blas_thread, threads
from elmo_np.training.trainer import KERNEL_MEMORY, train
from elmo_np.types import Array

CLIP_NORM, RATE, MOMENTUM = 5.0, 0.01, 0.9


@contextmanager
def setting(task: Task) -> Iterator[None]:
    """Run the body as elmo_np.training.trainer.train does."""
    work = task.work
    with ExitStack() as stack:
        if task.side == REFERENCE:
            stack.enter_context(backend.use("numpy"))
        if work.detail == BLAS_THREADS:
            stack.enter_context(threadpool_limits(work.threads, user_api="blas"))
        else:
            stack.enter_context(one_blas_thread())
        stack.enter_context(threads(work.threads))
        stack.enter_context(np.errstate(over="ignore", invalid="ignore"))
        if task.work.kind not in ("embed", "load"):
            stack.enter_context(backend.memory_limit(KERNEL_MEMORY))
        yield


def build(task: Task) -> tuple[Job, Arrays]:
    """The job, and the arrays from which a peer starts at the same point."""
    return {"step": step, "regularised": regularised, "lstm": lstm, "softmax": softmax, "twin": twin, "corpus": corpus,
            "product": product, "embed": embed, "load": load}[task.work.kind](task)


def step(task: Task) -> tuple[Job, Arrays]:
    """A training step. Both directions look words up in one table, as the peer's do."""
    model, batch = bilm(task.work.sizes), random_batch(task.work.sizes)
    over = parameters(model)
    optimizer = SGD(over, RATE, MOMENTUM, nesterov=True)

    def run() -> float:
        return training_step(model, optimizer, over, batch)
    return Job(run, lambda: [run() for _ in range(3)]), _start(over, batch)


def _start(over: dict[str, Parameter], batch: Batch) -> Arrays:
    """The arrays from which a peer starts."""
    arrays = {name: p.value for name, p in over.items()}
    return arrays | {"x": batch.forward.x, "after": batch.forward.y, "before": batch.backward.y[::-1]}


def regularised(task: Task) -> tuple[Job, Arrays]:
    """A training step with all regularisers. The figures are without masks, which the sides draw differently."""
    rates = {} if task.side == PLAIN else {**REGULARISERS, "locked_dropout": True}
    model = bilm(task.work.sizes, **rates)
    batch, over = random_batch(task.work.sizes), parameters(model)
    optimizer = SGD(over, RATE, MOMENTUM, nesterov=True)
    optimizer.decay = 0 if task.side == PLAIN else DECAY
    rngs = np.random.default_rng(2), np.random.default_rng(3)

    def run() -> float:
        return training_step(model, optimizer, over, batch, rngs)

    def figures() -> list[float]:
        return [] if task.work.peer == PLAIN else [training_step(model, optimizer, over, batch) for _ in range(3)]
    return Job(run, figures), _start(over, batch)


def training_step(model: BiLM, optimizer: Optimizer, over: dict[str, Parameter], batch: Batch,
                  rngs: tuple[Generator, Generator] | None = None) -> float:
    """The calls of elmo_np's Trainer._step, each batch from a fresh state; the loss before the update."""
    loss, _, cache = model.forward(batch, None, rngs)
    model.backward(1, cache)
    norm = global_norm(over)
    if not math.isfinite(loss.total) or not math.isfinite(norm):
        raise FloatingPointError(f"loss {loss.total}, norm of the gradients {norm}")
    optimizer.step(clip_scale(norm, CLIP_NORM))
    for parameter in over.values():
        parameter.zero_grad()
    return loss.total


def bilm(sizes: Sizes, **regularisers: Any) -> BiLM:
    config = BiLMConfig(embedding_dim=sizes.E, hidden_dim=sizes.H, layers=sizes.L, projection_dim=sizes.P,
                        share_embedding=True, **regularisers)
    return BiLM(config, sizes.V, rng=np.random.default_rng(0))


def random_batch(sizes: Sizes) -> Batch:
    rng = np.random.default_rng(1)
    x, after, before = (rng.integers(0, sizes.V, (sizes.T, sizes.B)) for _ in range(3))
    lengths = np.full(sizes.B, sizes.T)
    return Batch(DirectionBatch(x, after, lengths), DirectionBatch(x[::-1].copy(), before[::-1].copy(), lengths))


def lstm(task: Task) -> tuple[Job, Arrays]:
    """One direction's layers forward and backward; the loss is the sum of the outputs."""
    sizes, rng = task.work.sizes, np.random.default_rng(0)
    layers = [LSTM(D, sizes.H, sizes.P, rng=rng) for D in [sizes.E] + [sizes.output] * (sizes.L - 1)]
    over = [parameter for layer in layers for parameter in parameters(layer).values()]
    inputs = rng.standard_normal((sizes.T, sizes.B, sizes.E), np.float32)
    ones = np.ones((sizes.T, sizes.B, sizes.output), np.float32)

    def run() -> tuple[Array, Array, Array]:
        for parameter in over:
            parameter.zero_grad()
        x, caches = inputs, []
        for layer in layers:
            x, _, cache = layer.forward(x)
            caches.append(cache)
        loss, dx = x.sum(), ones
        for layer, cache in zip(reversed(layers), reversed(caches), strict=True):
            dx, _ = layer.backward(dx, cache)
        return loss, x, dx

    def figures() -> list[float]:
        _, y, dx = run()
        return norms(y, dx, *(parameter.grad for parameter in over))
    arrays = {f"layers.{k}.{name}": p.value for k, layer in enumerate(layers) for name, p in parameters(layer).items()}
    return Job(run, figures), arrays | {"inputs": inputs}


def softmax(task: Task) -> tuple[Job, Arrays]:
    """h -> loss, dh, dW, db."""
    sizes, rng = task.work.sizes, np.random.default_rng(0)
    layer = Softmax(sizes.output, sizes.V, rng=rng)
    h = rng.standard_normal((sizes.T, sizes.B, sizes.output), np.float32)
    y = rng.integers(0, sizes.V, (sizes.T, sizes.B))

    def run() -> tuple[float, Array]:
        zero_grad(layer)
        loss, cache = layer.forward(h, y)
        return loss, layer.backward(1, cache)

    def figures() -> list[float]:
        loss, dh = run()
        return [loss, *norms(dh, layer.W.grad, layer.b.grad)]
    return Job(run, figures), {"W": layer.W.value, "b": layer.b.value, "h": h, "y": y}


def twin(task: Task) -> tuple[Job, Arrays]:
    """All calls of one twin in a training step, one after another, with their arguments there."""
    found = TWINS[task.work.detail]
    function = found.reference if task.side == REFERENCE else found.compiled
    if function is None:
        raise Skipped(f"{task.work.detail} has no kernel here")
    calls = recorded(found, task.work.sizes)

    def run() -> None:
        for args, kwargs in calls:
            function(*args, **kwargs)
    return Job(run, list), {}


def recorded(wanted: Twin[..., Any], sizes: Sizes) -> list[tuple[Any, Any]]:
    """Arguments of every call of a twin in one training step, with the first optimiser that calls it."""
    calls: list[tuple[Any, Any]] = []
    call = Twin.__call__

    def noted(self: Twin[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self is wanted:
            calls.append(deepcopy((args, kwargs)))
        return call(self, *args, **kwargs)
    Twin.__call__ = noted  # type: ignore[method-assign]
    try:
        for optimizer in SGD, Adagrad, Adam:
            over = parameters(model := bilm(sizes))
            made = SGD(over, RATE, MOMENTUM, nesterov=True) if optimizer is SGD else optimizer(over)
            training_step(model, made, over, random_batch(sizes))
            if calls:
                return calls
    finally:
        Twin.__call__ = call  # type: ignore[method-assign]
    raise Skipped(f"no training step calls {wanted.reference.__name__}")


def corpus(task: Task) -> tuple[Job, Arrays]:
    """One epoch: read, count the words, train, validate, save. The text is a file, made before the clock runs."""
    work, sizes, runs = task.work, task.work.sizes, count()
    text = task.folder / "corpus.txt"
    with open(text, "w", encoding="utf-8") as file:
        file.writelines(" ".join(sentence) + "\n" for sentence in GrammarCorpus(sentences=int(work.detail)))
    settings = replaced(Settings(), embedding_dim=sizes.E, hidden_dim=sizes.H, layers=sizes.L, batch_size=sizes.B,
                        steps=sizes.T, max_vocabulary=sizes.V, epochs=1, learning_rate=RATE, momentum=MOMENTUM,
                        nesterov=True, clip_norm=CLIP_NORM, threads=work.threads)
    return Job(lambda: train(str(text), task.folder / f"run-{next(runs)}", settings=settings, quiet=True), list), {}


def product(task: Task) -> tuple[Job, Arrays]:
    """The large matrix product, in one of NumPy's ways."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((PRODUCT, PRODUCT), np.float32) for _ in range(2))
    c = np.empty_like(a)
    halves = [slice(0, PRODUCT // 2), slice(PRODUCT // 2, PRODUCT)]
    pool = ThreadPoolExecutor(2)

    def run() -> None:
        if task.work.detail == SPLIT:
            list(pool.map(lambda rows: np.matmul(a[rows], b, out=c[rows]), halves))
        else:
            np.matmul(a, b, out=c)
    return Job(run, list), {}


def norms(*arrays: Array) -> list[float]:
    """The sum in float64: a million values summed in float32 would differ by more than is allowed."""
    return [float(np.linalg.norm(array.astype(np.float64))) for array in arrays]

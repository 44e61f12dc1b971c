"""Two directions on two threads, with one BLAS thread each.

The directions are independent until the end of a step, and every matrix product and kernel releases the interpreter
lock. Results do not depend on the number of threads: each direction computes the same values in the same order, into
its own arrays. The number of threads and the BLAS limit are settings of the process: change them from one thread only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from ..errors import UserError

A = TypeVar("A")
B = TypeVar("B")

_threads = min(2, os.cpu_count() or 1)
_pool: ThreadPoolExecutor | None = None
_controller: ThreadpoolController | None = None


def _forget_pool() -> None:
    global _pool
    _pool = None        # a forked child has the object but not its thread


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """The results of both calls, run in parallel; an error in either is raised here."""
    global _pool
    if _threads == 1:
        return first(), second()
    if _pool is None:
        _pool = ThreadPoolExecutor(1, thread_name_prefix="elmo_np")
    # The second call sees the caller's context, such as NumPy's errstate.
    other = _pool.submit(copy_context().run, second)
    try:
        one = first()
    finally:
        other.exception()       # waits: nobody may continue while the other call still writes
    return one, other.result()


def each(compute: Callable[[A], B], items: Sequence[A], size: Callable[[A], int]) -> list[B]:
    """[compute(item) for item in items], with the items divided between both threads so that their sizes balance."""
    piles: tuple[list[int], list[int]] = [], []
    total = [0, 0]
    for k in sorted(range(len(items)), key=lambda k: -size(items[k])):
        smaller = total[0] > total[1]
        piles[smaller].append(k)
        total[smaller] += size(items[k])
    found: dict[int, B] = {}

    def work(pile: list[int]) -> None:
        for k in pile:
            found[k] = compute(items[k])
    both(lambda: work(piles[0]), lambda: work(piles[1]))
    return [found[k] for k in range(len(items))]


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Run the body with the directions on `number` threads, 1 or 2."""
    global _threads
    if number not in (1, 2):
        raise UserError(f"threads = {number}: expected 1 or 2, at most one per direction")
    before, _threads = _threads, number
    try:
        yield
    finally:
        _threads = before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the body with one BLAS thread per direction. The limit is process-wide: never set it in a worker."""
    global _controller
    if _controller is None:
        _controller = ThreadpoolController()        # searches all loaded libraries: once is enough
    with _controller.limit(limits=1, user_api="blas"):
        yield


def blas() -> str:
    """Which BLAS NumPy uses, its version and its kernel, for `elmo-np info`."""
    found = [library for library in ThreadpoolController().info() if library["user_api"] == "blas"]
    names = [f"{b['internal_api']} {b['version']} ({b.get('architecture', 'unknown')})" for b in found]
    return ", ".join(names) or "unknown"

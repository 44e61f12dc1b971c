"""Two directions, or two halves of a batch, on two threads, with one BLAS thread each.

They are independent until the end of a step, and every matrix product and kernel releases the interpreter lock. Results
do not depend on the number of threads: each of the two computes the same values in the same order, into its own arrays.
The number of threads and the BLAS limit are settings of the process. Change the number from one thread only; the limit
may be set in any number of threads, and ends when the last of them is done.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import threadpoolctl
from threadpoolctl import ThreadpoolController

from ..errors import UserError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

A = TypeVar("A")
B = TypeVar("B")

_threads = min(2, os.cpu_count() or 1)
_pool: ThreadPoolExecutor | None = None
_controller: ThreadpoolController | None = None
_lock = threading.Lock()        # of the pool, and of the two below
_limited = 0                    # bodies of `one_blas_thread` that are running
_lift: Callable[[], None] | None = None         # gives BLAS back the threads that it had before the first of them


def _forget_pool() -> None:
    global _pool, _lock
    _pool = None                # a forked child has the object but not its thread
    _lock = threading.Lock()    # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """The results of both calls, run in parallel; an error in either is raised here."""
    global _pool
    if _threads == 1:
        return first(), second()
    try:
        with _lock:
            if _pool is None:
                from concurrent.futures import ThreadPoolExecutor  # with logging, a tenth of all our imports

                _pool = ThreadPoolExecutor(1, thread_name_prefix="elmo_np")
            other = _pool.submit(_under, np.geterr(), second)
    except RuntimeError:        # the main thread has ended, and no new one may start: the same results, one by one
        _pool = None
        return first(), second()
    try:
        one = first()
    finally:
        other.exception()       # waits: nobody may continue while the other call still writes
    return one, other.result()


def _under(errors: Mapping[str, Any], compute: Callable[[], B]) -> B:
    """compute() with the caller's error settings, which NumPy 1 keeps per thread and NumPy 2 per context."""
    with np.errstate(**errors):
        return compute()


def parallel(calls: Sequence[Callable[[], A]]) -> list[A]:
    """The results of one or two calls; of two as by `both`."""
    return list(both(*calls)) if len(calls) == 2 else [call() for call in calls]


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
    """Run the body on `number` threads, 1 or 2."""
    global _threads
    if number not in (1, 2):
        raise UserError(f"threads = {number}: expected 1 or 2")
    before, _threads = _threads, number
    try:
        yield
    finally:
        _threads = before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the body with one BLAS thread per direction. The limit is process-wide; it ends when no thread needs it."""
    global _controller, _limited, _lift
    with _lock:
        if _controller is None:
            _controller = ThreadpoolController()        # searches all loaded libraries: once is enough
        if not _limited:
            _free_control()
            _lift = _controller.limit(limits=1, user_api="blas").restore_original_limits
        _limited += 1
    try:
        yield
    finally:
        with _lock:
            _limited -= 1
            if not _limited and _lift is not None:
                _free_control()
                _lift()
                _free_control()


def _free_control() -> None:
    """Let this thread, and later any other, change the limit: threadpoolctl 3.8 ignores all but the one that set it."""
    clear = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


def blas() -> str:
    """Which BLAS NumPy uses, its version and its kernel, for `elmo-np info`."""
    found = [library for library in ThreadpoolController().info() if library["user_api"] == "blas"]
    names = [f"{b['internal_api']} {b['version']} ({b.get('architecture', 'unknown')})" for b in found]
    return ", ".join(names) or "unknown"

"""The upper limit of this machine: a large float32 matrix product, measured along with every work."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from jobs import Task
from measure import OURS, Plan, Worker, in_turn
from works import BLAS_THREADS, PRODUCT, PRODUCT_FLOPS, SPLIT, TORCH, Sizes, Work

from elmo_np.runtime.progress import Progress

# Tells OpenBLAS to take another processor's kernels. If it is set, the machine may be faster than NumPy is, unless all
# sides shall take narrower vectors.
CORE, NARROWER = "OPENBLAS_CORETYPE", "ELMO_NP_SIMD"


class Products:
    """The product on each number of threads, in the fastest way available; its worker is kept for the works."""

    def __init__(self, plan: Plan, stack: ExitStack, progress: Progress):
        self._plan, self._stack, self._progress = plan, stack, progress
        self._fastest: dict[int, Worker] = {}

    def on(self, threads: int) -> Worker:
        if threads not in self._fastest:
            self._fastest[threads] = self._find(threads)
        return self._fastest[threads]

    def _find(self, threads: int) -> Worker:
        workers = self._start(threads)
        found = in_turn(workers, min(3, self._plan.rounds), "matrix product", self._progress)
        seconds = {way: median(times) for way, times in found.items()}
        fastest, *others = sorted(seconds, key=lambda way: seconds[way])
        for way in others:
            workers[way].close()
        self._progress.close()
        rates = "; ".join(f"{way}: {PRODUCT_FLOPS / seconds[way] / 1e9:.0f}" for way in [fastest, *others])
        print(f"float32 matrix product, {PRODUCT} x {PRODUCT}, threads {threads}, GFLOP/s: {rates}", flush=True)
        return workers[fastest]

    def _start(self, threads: int) -> dict[str, Worker]:
        """A worker for each way to compute it."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="elmo-np-benchmark-")))
        workers = {}
        for way, (side, detail, without) in ways(threads, self._plan.torch).items():
            work = Work("product", "", "product", Sizes(1, 1, 1, 1, 1, 1), threads, None, detail=detail)
            workers[way] = self._stack.enter_context(Worker(Task(work, side, folder), without))
            workers[way].begin()
            workers[way].warm_up(self._plan.turn)
        return workers


def ways(threads: int, torch: bool) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """{name of a way to compute the product: its side, the detail of its work, environment variables to remove}."""
    details = [BLAS_THREADS, SPLIT] if threads == 2 else [BLAS_THREADS]
    found: dict[str, tuple[str, str, tuple[str, ...]]] = {detail: (OURS, detail, ()) for detail in details}
    if CORE in os.environ and NARROWER not in os.environ:
        found |= {f"{detail}, without {CORE}={os.environ[CORE]}": (OURS, detail, (CORE,)) for detail in details}
    return found | ({TORCH: (TORCH, "", ())} if torch else {})

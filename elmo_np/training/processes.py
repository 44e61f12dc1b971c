"""Training on several processes, on one machine or many, by MPI: what they exchange, and how they end together.

An MPI launcher starts the same command several times: `mpiexec -n 4 elmo-np train ...`. Every process then reads the
corpus, has the whole model and makes every update; it computes the gradients of its own groups of rows, and counts the
words of its own shards. Process 0, the first, writes and prints. The only sums are made here, in the order of
`gradient_sum`: in a reduction of MPI, the order would be the library's choice.

Errors: what all processes find, or one of them before training begins, ends all of them in order (`agreed`, `first`).
What only one finds later, such as a full disk of its own, is printed by that one, which then aborts the others. A
process that is killed is noticed by the launcher, which ends the others. mpi4py is imported where a launcher is found,
and nowhere else.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..errors import ReportedElsewhere, UserError
from ..runtime.launcher import launched, once_per_machine
from ..runtime.signals import Interrupted
from ..types import Array
from .divergence import Diverged
from .gradient_sum import Gradient, Term, add

T = TypeVar("T")

FORWARDING = 0.5    # seconds in which the launcher reads what a process has printed: at its end, it drops the rest


class Agreed(UserError):
    """An error that every process raises."""


class OneProcess:
    """Training on this process alone: there is nobody to exchange anything with."""

    rank = 0
    number = 1

    def own(self, groups: range) -> range:
        """The groups that this process computes, a subtree of those in `tree_sum`."""
        size = len(groups) // self.number
        return groups[self.rank * size:(self.rank + 1) * size]

    def added(self, term: Term) -> Term:
        """The sum of the terms of all processes, in the tree of `tree_sum`: the same on every process."""
        return term

    def merged(self, item: T, plus: Callable[[T, T], T]) -> T:
        """The sum by plus(one, other) of what all processes give, in the same tree, on every process."""
        return item

    def gathered(self, item: T) -> list[T]:
        """What each process gives, in their order."""
        return [item]

    def first(self, compute: Callable[[], T]) -> T:
        """compute() on the first process; every process has the result, or the UserError as Agreed."""
        return compute()

    def agreed(self, compute: Callable[[], T]) -> T:
        """compute() on every process; where one raises a UserError, all raise it as Agreed."""
        return compute()

    def stops(self, flag: bool, read: int) -> bool:
        """Whether any process gives True. Raises Agreed unless all give the same checksum of what they have read."""
        return flag

    def check_same(self, values: Callable[[], Mapping[str, str]]) -> None:
        """Raise Agreed unless the values, by name, are the same on every process."""


class MPIProcesses(OneProcess):
    """This process among those of an MPI communicator.

    Every method is called by all of them at the same point of the training, as everything in MPI.
    """

    def __init__(self, comm: Any):
        self.comm = comm
        self.rank = comm.Get_rank()
        self.number = comm.Get_size()

    def added(self, term: Term) -> Term:
        return self._tree(term, self._swapped, add)

    def merged(self, item: T, plus: Callable[[T, T], T]) -> T:
        def swapped(item: T, partner: int) -> T:
            other: T = self.comm.sendrecv(item, partner, source=partner)
            return other
        return self._tree(item, swapped, plus)

    def _tree(self, item: T, swapped: Callable[[T, int], T], plus: Callable[[T, T], T]) -> T:
        """One level of the tree after the other: of the two processes of a pair, each gets the other's sum."""
        distance = 1
        while distance < self.number:
            partner = self.rank ^ distance
            other = swapped(item, partner)
            item = plus(item, other) if self.rank < partner else plus(other, item)
            distance *= 2
        return item

    def _swapped(self, term: Term, partner: int) -> Term:
        """The partner's term, in exchange for this one."""
        losses = self._exchange(term.losses, term.losses.shape, partner)
        # How many rows there are is known only to the process that has them.
        ours = np.array([0 if g.rows is None else len(g.rows) for g in term.gradients.values()], np.int64)
        theirs = self._exchange(ours, ours.shape, partner)
        gradients = {}
        for (name, (rows, values)), n in zip(term.gradients.items(), theirs.tolist(), strict=True):
            if rows is None:
                gradients[name] = Gradient(None, self._exchange(values, values.shape, partner))
            else:
                other = self._exchange(rows, (n,), partner)
                gradients[name] = Gradient(other, self._exchange(values, (n, *values.shape[1:]), partner))
        return Term(losses, gradients)

    def _exchange(self, array: Array, shape: tuple[int, ...], partner: int) -> Array:
        """The partner's array of that shape, in exchange for this one."""
        found = np.empty(shape, array.dtype)
        self.comm.Sendrecv(array, partner, recvbuf=found, source=partner)
        return found

    def gathered(self, item: T) -> list[T]:
        found: list[T] = self.comm.allgather(item)
        return found

    def first(self, compute: Callable[[], T]) -> T:
        result: Any = None
        error = None
        if self.rank == 0:
            try:
                result = compute()
            except UserError as own:
                error = str(own)
        found: T
        found, error = self.comm.bcast((result, error))
        if error is not None:
            raise Agreed(error)
        return found

    def agreed(self, compute: Callable[[], T]) -> T:
        result: Any = None
        error = None
        try:
            result = compute()
        except UserError as own:
            error = str(own)
        errors = self.gathered(error)
        if len(set(errors)) > 1:
            rank, message = next((rank, message) for rank, message in enumerate(errors) if message is not None)
            raise Agreed(f"process {rank} of 0 to {self.number - 1}: {message}")
        if error is not None:
            raise Agreed(error)
        found: T = result
        return found

    def stops(self, flag: bool, read: int) -> bool:
        found = self.gathered((flag, read))
        if len({total for _, total in found}) > 1:
            raise Agreed("the processes have read different text: expected files that are the same on every machine "
                         "and do not change: copy them again, and resume from the last save")
        return any(flag for flag, _ in found)

    def check_same(self, values: Callable[[], Mapping[str, str]]) -> None:
        ours, *others = self.gathered(dict(values()))
        for rank, theirs in enumerate(others, 1):
            for name in ours:
                if theirs[name] != ours[name]:
                    raise Agreed(f"{name} is {ours[name]} on process 0 and {theirs[name]} on process {rank}: expected "
                                 "the same on every process")

    def end_all(self, error: BaseException) -> NoReturn:
        """Report an error that only this process has, and end all processes."""
        code = 130 if isinstance(error, KeyboardInterrupt) else 2
        if isinstance(error, (UserError, OSError, MemoryError)):
            print(f"elmo-np: error: process {self.rank} of 0 to {self.number - 1}: {error}", file=sys.stderr)
        elif code != 130:
            traceback.print_exception(error)
        sys.stderr.flush()
        time.sleep(FORWARDING)
        self.comm.Abort(code)
        os._exit(code)      # Abort does not return


@contextmanager
def together() -> Iterator[OneProcess]:
    """The processes of this training, while the body runs; they end together. Without a launcher: this one.

    An error that all of them raise leaves the body on the first; on the others as ReportedElsewhere.
    Raises UserError where a launcher has started several processes, and MPI does not work.
    """
    number = launched()
    if number < 2:
        yield OneProcess()
        return
    processes = MPIProcesses(communicator(number))
    try:
        yield processes
    except ReportedElsewhere:
        raise
    except (Agreed, Diverged, Interrupted) as error:
        if processes.rank == 0:
            raise
        raise ReportedElsewhere(str(error), 130 if isinstance(error, Interrupted) else 2) from error
    except BaseException as error:
        processes.end_all(error)


def communicator(number: int) -> Any:
    """That of all processes. Raises UserError, on one process of a machine, where mpi4py does not work there."""
    started = f"a launcher has started {number} processes"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of a launcher of another MPI library: see below
            from mpi4py import MPI
    except (ImportError, RuntimeError) as error:        # RuntimeError: it finds no MPI library
        why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not work ({error})"
        raise once_per_machine(f"{started}, and mpi4py {why}: pip install 'elmo_np[mpi]', or start one process "
                               "without the launcher") from error
    comm = MPI.COMM_WORLD
    if comm.Get_size() != number:
        raise once_per_machine(f"{started}, and mpi4py sees {comm.Get_size()}: expected the launcher of the same MPI "
                               f"library, {MPI.Get_library_version().splitlines()[0]:.60}: use its mpiexec")
    return comm

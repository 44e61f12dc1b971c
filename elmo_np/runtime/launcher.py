"""Which of the processes of an MPI launcher this one is.

`mpiexec` and `mpirun` tell every process that they start its rank and the number of processes in two environment
variables. For work that is divided once, and needs no messages between processes, that is enough: no MPI library.
"""

import os

from ..errors import ReportedElsewhere, UserError

VARIABLES = (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),      # Open MPI
             ("PMI_RANK", "PMI_SIZE"),                              # MPICH, Intel MPI, Microsoft MPI, Slurm
             ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"))        # MVAPICH
# Those that tell the number of a process among those of its machine.
LOCAL_RANK = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")


def rank_and_size() -> tuple[int, int]:
    """This process's rank, from 0, and the number of processes; (0, 1) for one that no launcher started.

    Raises UserError for variables that are not such a pair.
    """
    for pair in VARIABLES:
        if not all(name in os.environ for name in pair):
            continue
        texts = [os.environ[name] for name in pair]
        rank, size = (int(text) if text.isdecimal() and len(text) < 10 else -1 for text in texts)
        if not 0 <= rank < size:
            found = " and ".join(f"{name}={text!r:.40}" for name, text in zip(pair, texts, strict=True))
            raise UserError(f"the environment has {found}: expected a rank from 0 to size - 1, as mpiexec sets them; "
                            "start the command with mpiexec, or unset both")
        return rank, size
    return 0, 1


def launched() -> int:
    """How many processes the launcher has started that started this one; 1 without one."""
    return rank_and_size()[1]


def check_alone(what: str) -> None:
    """Raise UserError, on one process of a machine, where a launcher has started several."""
    if (number := launched()) > 1:
        raise once_per_machine(f"a launcher has started {number} processes, and {what} works in one: expected no "
                               "launcher: start it without mpiexec")


def once_per_machine(message: str) -> UserError:
    """The error, to be reported by one process of a machine alone: without MPI they cannot agree on who does."""
    local = next((os.environ[name] for name in LOCAL_RANK if name in os.environ), "0")
    return UserError(message) if local == "0" else ReportedElsewhere(message, 2)

"""Which of the processes of an MPI launcher this one is.

`mpiexec` and `mpirun` tell every process that they start its rank and the number of processes in two environment
variables. For work that is divided once, and needs no messages between processes, that is enough: no MPI library.
"""

import os

from ..errors import UserError

VARIABLES = (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),      # Open MPI
             ("PMI_RANK", "PMI_SIZE"),                              # MPICH, Intel MPI, Microsoft MPI, Slurm
             ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"))        # MVAPICH


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

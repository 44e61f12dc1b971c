"""The tests. None runs on kernels that were compiled from other sources than those in kernels/."""

import os

# What the tests multiply is small: a second thread of BLAS mostly waits, at the cost of a processor. It is set before
# NumPy is imported, and for the processes that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tests.kernel_source import refuse_stale_kernels

refuse_stale_kernels()

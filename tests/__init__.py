"""The tests. None runs on kernels that were compiled from other sources than those in kernels/."""

from tests.kernel_source import refuse_stale_kernels

refuse_stale_kernels()

"""The product of two matrices, for layers that consist of nothing else."""

from ..backend import twin
from ..types import Array


@twin
def matmul(A: Array, B: Array, b: Array | None = None) -> Array:
    """A (M, K) B (K, N) [+ b (N,)] -> (M, N). A and B may be transposed views.

    In the kernel, a row's result does not depend on the other rows: a word has the same vector among any other words,
    bit for bit. A BLAS picks its algorithm by matrix shape, so its rounding varies with batch size.
    """
    C: Array = A @ B
    return C if b is None else C + b

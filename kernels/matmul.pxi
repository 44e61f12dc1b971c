"""The matrix product for layers that consist of nothing else: highways and projections of the character CNN."""


cdef enum:
    DEPTH = 128         # rows of B in a panel: 32 KB in float, which stay in the first-level cache while A is read
    MOST_ROWS = 1024    # of A, whose DEPTH columns stay in the second-level cache while all panels are used


cdef inline void panel_product(const floating *A, Py_ssize_t row, Py_ssize_t column, const floating *B, Py_ssize_t b_row,
                               Py_ssize_t b_column, floating *C, Py_ssize_t c_row, bint add, const floating *b,
                               Py_ssize_t M, Py_ssize_t K, Py_ssize_t N, floating *panel) noexcept nogil:
    """C [+]= A B [+ b] for columns that are one panel of B, which is packed here."""
    pack(B, b_row, b_column, K, N, False, panel)
    if floating is float:
        active.f.multiply(A, row, column, panel, 0, 4 * active.f.lanes, C, c_row, add, b, NULL, M, K, N, INFINITY)
    else:
        active.d.multiply(A, row, column, panel, 0, 4 * active.d.lanes, C, c_row, add, b, NULL, M, K, N, INFINITY)


def matmul(const floating[:, :] A, const floating[:, :] B, const floating[::1] b=None):
    """Twin of elmo_np.nn.matmul.matmul. A panel is packed just before use, so that B is read once for many rows."""
    cdef Py_ssize_t M = A.shape[0], K = A.shape[1], N = B.shape[1], size = sizeof(floating), m, k, n, i, j, p
    cdef Py_ssize_t row = A.strides[0] // size, column = A.strides[1] // size
    cdef Py_ssize_t b_row = B.strides[0] // size, b_column = B.strides[1] // size
    cdef Py_ssize_t width = 4 * (active.f.lanes if floating is float else active.d.lanes)
    C_ = empty((M, N), floating is float)
    cdef floating[:, ::1] C = C_
    cdef floating[::1] panel = empty((DEPTH * width,), floating is float)
    if K == 0 and b is None:
        C_[...] = 0
    elif K == 0:
        C_[...] = b
    with nogil:
        for i in range((M + MOST_ROWS - 1) // MOST_ROWS if N else 0):
            m = i * MOST_ROWS
            for j in range((K + DEPTH - 1) // DEPTH):
                k = j * DEPTH
                for p in range((N + width - 1) // width):
                    n = p * width
                    panel_product(&A[m, k], row, column, &B[k, n], b_row, b_column, &C[m, n], N, k > 0,
                                  NULL if b is None else &b[n], min(MOST_ROWS, M - m), min(DEPTH, K - k),
                                  min(width, N - n), &panel[0])
    return C_

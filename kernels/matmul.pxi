"""The matrix product for layers that consist of nothing else: highways and projections of the character CNN."""


cdef enum:
    MOST_ROWS = 1024    # of A, whose K_BLOCK columns stay in the second-level cache while all panels are used


cdef inline void panel_product(const floating *A, const floating *B, Py_ssize_t b_row, Py_ssize_t b_column, floating *C,
                               Py_ssize_t c_row, bint add, const floating *b, Py_ssize_t M, Py_ssize_t K, Py_ssize_t N,
                               floating *panel) noexcept nogil:
    """C [+]= A B [+ b] for A as `copy_block` leaves it, and columns that are one panel of B, which is packed here."""
    pack(B, b_row, b_column, K, N, False, panel)
    if floating is float:
        active.f.multiply(A, K, panel, 0, 4 * active.f.lanes, C, c_row, add, b, NULL, M, K, N, INFINITY)
    else:
        active.d.multiply(A, K, panel, 0, 4 * active.d.lanes, C, c_row, add, b, NULL, M, K, N, INFINITY)


cdef inline void multiply_once(const floating *A, const floating *B, floating *C, const floating *b, Py_ssize_t M,
                               Py_ssize_t K, Py_ssize_t N, floating *panel) noexcept nogil:
    """C (M, N) = A B + b, all contiguous, for a B that is needed only this once; panel: room for one."""
    cdef Py_ssize_t width = 4 * (active.f.lanes if floating is float else active.d.lanes), p, n
    if M <= few_rows(K, N, 1, sizeof(floating)):
        multiply_in_place(A, B, C, False, b, M, K, N, INFINITY)
    else:
        for p in range((N + width - 1) // width):
            n = p * width
            panel_product(A, B + n, N, 1, C + n, N, False, b + n, M, K, min(width, N - n), panel)


cdef inline void copy_block(const floating[:, :] A, floating[::1] to) noexcept nogil:
    cdef Py_ssize_t m, k
    for m in range(A.shape[0]):
        for k in range(A.shape[1]):
            to[m * A.shape[1] + k] = A[m, k]


def matmul(const floating[:, :] A, const floating[:, :] B, const floating[::1] b=None):
    """Twin of elmo_np.nn.matmul.matmul. A panel is packed just before use, so that B is read once for many rows; a block of
    A is copied, because rows a power of two apart would share few places of the cache. For few rows, B is read in place."""
    cdef Py_ssize_t M = A.shape[0], K = A.shape[1], N = B.shape[1], size = sizeof(floating), m, k, n, i, j, p
    cdef Py_ssize_t b_row = B.strides[0] // size, b_column = B.strides[1] // size
    cdef bint in_place = 0 < M <= few_rows(K, N, 1, sizeof(floating)) and K and b_column == 1 and b_row == N
    cdef Py_ssize_t rows, depth, blocks = 1 if in_place else (K + K_BLOCK - 1) // K_BLOCK
    cdef Py_ssize_t most = (K + blocks - 1) // blocks if blocks else 0
    cdef Py_ssize_t width = 4 * (active.f.lanes if floating is float else active.d.lanes)
    C_ = empty((M, N), floating is float)
    cdef floating[:, ::1] C = C_
    cdef floating[::1] block = empty((min(M, MOST_ROWS) * most,), floating is float)
    cdef floating[::1] panel = empty((0 if in_place else most * width,), floating is float)
    if K == 0 and b is None:
        C_[...] = 0
    elif K == 0:
        C_[...] = b
    with nogil:
        for i in range((M + MOST_ROWS - 1) // MOST_ROWS if N else 0):
            m = i * MOST_ROWS
            rows = min(MOST_ROWS, M - m)
            for j in range(blocks):
                k = j * most
                depth = min(most, K - k)
                copy_block(A[m:m + rows, k:k + depth], block)
                if in_place:
                    multiply_in_place(&block[0], &B[0, 0], &C[0, 0], False,
                                      <const floating *>NULL if b is None else &b[0], M, K, N, INFINITY)
                for p in range(0 if in_place else (N + width - 1) // width):
                    n = p * width
                    panel_product(&block[0], &B[k, n], b_row, b_column, &C[m, n], N, k > 0,
                                  <const floating *>NULL if b is None else &b[n], rows, depth, min(width, N - n),
                                  &panel[0])
    return C_

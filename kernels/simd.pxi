"""Which body of the vector code runs: base, AVX2 or AVX-512, chosen once at import (simd.h)."""

cdef extern from "simd.h" nogil:
    ctypedef struct float_operations:
        Py_ssize_t lanes, rows
        Py_ssize_t (*packed_size)(Py_ssize_t K, Py_ssize_t N, int gates) noexcept nogil
        void (*pack)(const float *W, Py_ssize_t row, Py_ssize_t column, Py_ssize_t K, Py_ssize_t N, int gates,
                     float *to) noexcept nogil
        void (*transpose)(const float *A, Py_ssize_t M, Py_ssize_t N, float *to) noexcept nogil
        void (*multiply)(const float *A, Py_ssize_t row, const float *B, Py_ssize_t b_panel, Py_ssize_t b_row, float *C,
                         Py_ssize_t c_row, int add, const float *bias, const float *row_bias, Py_ssize_t M,
                         Py_ssize_t K, Py_ssize_t N, float clip) noexcept nogil
        void (*multiply_in_place)(const float *A, const float *B, float *C, int add, const float *bias, Py_ssize_t M,
                                  Py_ssize_t K, Py_ssize_t N, float clip) noexcept nogil
        void (*gates)(const float *h, const float *packed, float *a, const float *c_prev, float *c, float *m, Py_ssize_t B,
                      Py_ssize_t K, Py_ssize_t H, float clip) noexcept nogil
        void (*gates_backward)(const float *dm, float *dc, const float *ifog, const float *c_prev, const float *c, float *da,
                               float *db, Py_ssize_t H, float clip) noexcept nogil
        void (*softmax_forward)(const float *h, const int64_t *y, const float *W, const float *b, float *z, int keep, float *top,
                                float *total, float *loss, Py_ssize_t R, Py_ssize_t P, Py_ssize_t V) noexcept nogil
        void (*softmax_backward)(float scale, const float *h, const float *h_by_row, const int64_t *y, const float *W,
                                 const float *b, const float *z, const float *top, const float *factor, float *block, float *dz,
                                 float *W_T, float *dW, float *db, int add, float *dh, Py_ssize_t R, Py_ssize_t R_whole,
                                 Py_ssize_t P, Py_ssize_t V) noexcept nogil
        void (*convolve)(const float *e, Py_ssize_t word, Py_ssize_t C, const int64_t *positions, const float *W, float *panel,
                         float *m, float *argmax, Py_ssize_t G, Py_ssize_t K, Py_ssize_t N) noexcept nogil
        void (*apply_sigmoid)(float *x, Py_ssize_t n) noexcept nogil
        void (*apply_tanh)(float *x, Py_ssize_t n) noexcept nogil
    ctypedef struct double_operations:
        Py_ssize_t lanes, rows
        Py_ssize_t (*packed_size)(Py_ssize_t K, Py_ssize_t N, int gates) noexcept nogil
        void (*pack)(const double *W, Py_ssize_t row, Py_ssize_t column, Py_ssize_t K, Py_ssize_t N, int gates,
                     double *to) noexcept nogil
        void (*transpose)(const double *A, Py_ssize_t M, Py_ssize_t N, double *to) noexcept nogil
        void (*multiply)(const double *A, Py_ssize_t row, const double *B, Py_ssize_t b_panel, Py_ssize_t b_row, double *C,
                         Py_ssize_t c_row, int add, const double *bias, const double *row_bias, Py_ssize_t M,
                         Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil
        void (*multiply_in_place)(const double *A, const double *B, double *C, int add, const double *bias, Py_ssize_t M,
                                  Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil
        void (*gates)(const double *h, const double *packed, double *a, const double *c_prev, double *c, double *m, Py_ssize_t B,
                      Py_ssize_t K, Py_ssize_t H, double clip) noexcept nogil
        void (*gates_backward)(const double *dm, double *dc, const double *ifog, const double *c_prev, const double *c, double *da,
                               double *db, Py_ssize_t H, double clip) noexcept nogil
        void (*softmax_forward)(const double *h, const int64_t *y, const double *W, const double *b, double *z, int keep, double *top,
                                double *total, double *loss, Py_ssize_t R, Py_ssize_t P, Py_ssize_t V) noexcept nogil
        void (*softmax_backward)(double scale, const double *h, const double *h_by_row, const int64_t *y, const double *W,
                                 const double *b, const double *z, const double *top, const double *factor, double *block, double *dz,
                                 double *W_T, double *dW, double *db, int add, double *dh, Py_ssize_t R, Py_ssize_t R_whole,
                                 Py_ssize_t P, Py_ssize_t V) noexcept nogil
        void (*convolve)(const double *e, Py_ssize_t word, Py_ssize_t C, const int64_t *positions, const double *W, double *panel,
                         double *m, double *argmax, Py_ssize_t G, Py_ssize_t K, Py_ssize_t N) noexcept nogil
        void (*apply_sigmoid)(double *x, Py_ssize_t n) noexcept nogil
        void (*apply_tanh)(double *x, Py_ssize_t n) noexcept nogil
    ctypedef struct body:
        const char *name
        float_operations f
        double_operations d
    const body *cpu_body(int index)
    void ask_caches()
    Py_ssize_t second_cache
    enum:
        WORDS
        DZ_WORDS
        K_BLOCK

cdef enum:
    PACKING = 4     # products of few rows that take as long as packing the matrix, if it stays in the second-level cache

ask_caches()
cdef const body *active = cpu_body(0)


def simd_paths():
    """Names of the bodies that this CPU can run, slowest first."""
    names, index = [], 0
    while cpu_body(index) != NULL:
        names.append(cpu_body(index).name.decode())
        index += 1
    return names


def simd():
    """Name of the body that runs."""
    return active.name.decode()


def use_simd(name):
    """Run the body of that name from now on."""
    global active
    active = cpu_body(simd_paths().index(name))


# One name for both number types, so that the callers are written once. Arguments: matmul.h, lstm.h, vector.h.

cdef Py_ssize_t packed_size(Py_ssize_t K, Py_ssize_t N, bint single, bint gates=False):
    """The number of values in the panels of a (K, N) matrix."""
    return active.f.packed_size(K, N, gates) if single else active.d.packed_size(K, N, gates)


cdef inline void pack(const floating *W, Py_ssize_t row, Py_ssize_t column, Py_ssize_t K, Py_ssize_t N, bint gates,
                      floating *to) noexcept nogil:
    if floating is float:
        active.f.pack(W, row, column, K, N, gates, to)
    else:
        active.d.pack(W, row, column, K, N, gates, to)


cdef object packed(const floating[:, ::1] W, bint transposed, bint gates):
    """W, or its transpose, in panels for the body that runs."""
    cdef Py_ssize_t K = W.shape[1] if transposed else W.shape[0], N = W.shape[0] if transposed else W.shape[1]
    cdef Py_ssize_t size = packed_size(K, N, floating is float, gates)
    out = empty((size,), floating is float)
    cdef floating[::1] to = out
    if size:
        pack(&W[0, 0], 1 if transposed else W.shape[1], W.shape[1] if transposed else 1, K, N, gates, &to[0])
    return out


cdef inline void multiply(const floating *A, const floating *panels, floating *C, int add, const floating *bias,
                          Py_ssize_t M, Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil:
    """C (M, N) = A times a packed (K, N), with C, A and the panels contiguous."""
    if floating is float:
        active.f.multiply(A, K, panels, K * 4 * active.f.lanes, 4 * active.f.lanes, C, N, add, bias, NULL, M, K, N,
                          <float>clip)
    else:
        active.d.multiply(A, K, panels, K * 4 * active.d.lanes, 4 * active.d.lanes, C, N, add, bias, NULL, M, K, N,
                          clip)


cdef inline void multiply_transposed(const floating *A, const floating *panels, floating *C, int add, Py_ssize_t M,
                                     Py_ssize_t K, Py_ssize_t N, floating *rows) noexcept nogil:
    """C (M, N) [+]= A^T times a packed (K, N), with C, A (K, M) and the panels contiguous; rows: room for A^T."""
    if floating is float:
        active.f.transpose(A, K, M, rows)
    else:
        active.d.transpose(A, K, M, rows)
    multiply(rows, panels, C, add, NULL, M, K, N, INFINITY)


cdef inline Py_ssize_t few_rows(Py_ssize_t K, Py_ssize_t N, Py_ssize_t uses, size_t size) noexcept nogil:
    """The most rows of A for which a (K, N) matrix, values of so many bytes, is read in place in so many products, one
    after another. 0 if its rows are not whole vectors, and where packing it pays: a matrix that stays in the second-level
    cache is then read a little faster, and one that does not is read more slowly."""
    cdef bint whole = N * size % (active.f.lanes * sizeof(float)) == 0
    cdef bint pays = uses > PACKING and K * N * <Py_ssize_t>size <= second_cache
    return 2 * active.f.rows if whole and not pays else 0


cdef inline void multiply_in_place(const floating *A, const floating *B, floating *C, int add, const floating *bias,
                                   Py_ssize_t M, Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil:
    if floating is float:
        active.f.multiply_in_place(A, B, C, add, bias, M, K, N, <float>clip)
    else:
        active.d.multiply_in_place(A, B, C, add, bias, M, K, N, clip)


cdef inline void multiply_rows(const floating *A, const floating *B, const floating *panels, floating *C, Py_ssize_t M,
                               Py_ssize_t K, Py_ssize_t N, double clip, Py_ssize_t few) noexcept nogil:
    """C (M, N) = A B, all contiguous: up to `few` rows with B in place, more with its panels."""
    if M <= few:
        multiply_in_place(A, B, C, False, NULL, M, K, N, clip)
    else:
        multiply(A, panels, C, False, NULL, M, K, N, clip)


cdef inline void gates(const floating *h, const floating *panels, floating *a, const floating *c_prev, floating *c,
                       floating *m, Py_ssize_t B, Py_ssize_t K, Py_ssize_t H, double clip) noexcept nogil:
    if floating is float:
        active.f.gates(h, panels, a, c_prev, c, m, B, K, H, <float>clip)
    else:
        active.d.gates(h, panels, a, c_prev, c, m, B, K, H, clip)


cdef inline void gates_backward(const floating *dm, floating *dc, const floating *ifog, const floating *c_prev,
                                const floating *c, floating *da, floating *db, Py_ssize_t H,
                                double clip) noexcept nogil:
    if floating is float:
        active.f.gates_backward(dm, dc, ifog, c_prev, c, da, db, H, <float>clip)
    else:
        active.d.gates_backward(dm, dc, ifog, c_prev, c, da, db, H, clip)


cdef inline void apply_sigmoid(floating *x, Py_ssize_t n) noexcept nogil:
    if floating is float:
        active.f.apply_sigmoid(x, n)
    else:
        active.d.apply_sigmoid(x, n)


cdef inline void apply_tanh(floating *x, Py_ssize_t n) noexcept nogil:
    if floating is float:
        active.f.apply_tanh(x, n)
    else:
        active.d.apply_tanh(x, n)

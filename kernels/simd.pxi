"""Which body of the vector code runs: base, AVX2 or AVX-512, chosen once at import (simd.h)."""

cdef extern from "simd.h" nogil:
    ctypedef struct float_operations:
        Py_ssize_t (*packed_size)(Py_ssize_t K, Py_ssize_t N, int gates) noexcept nogil
        void (*pack)(const float *W, Py_ssize_t row, Py_ssize_t column, Py_ssize_t K, Py_ssize_t N, int gates,
                     float *to) noexcept nogil
        void (*multiply)(const float *A, const float *packed, const float *bias, float *C, Py_ssize_t B,
                         Py_ssize_t K, Py_ssize_t N, float clip) noexcept nogil
        void (*gates)(const float *h, const float *packed, float *a, const float *c_prev, float *c, float *m, Py_ssize_t B,
                      Py_ssize_t K, Py_ssize_t H, float clip) noexcept nogil
        void (*gates_backward)(const float *dm, float *dc, const float *ifog, const float *c_prev, const float *c, float *da,
                               Py_ssize_t H, float clip) noexcept nogil
        double (*softmax_row)(float *z, Py_ssize_t V, Py_ssize_t y, float scale) noexcept nogil
    ctypedef struct double_operations:
        Py_ssize_t (*packed_size)(Py_ssize_t K, Py_ssize_t N, int gates) noexcept nogil
        void (*pack)(const double *W, Py_ssize_t row, Py_ssize_t column, Py_ssize_t K, Py_ssize_t N, int gates,
                     double *to) noexcept nogil
        void (*multiply)(const double *A, const double *packed, const double *bias, double *C, Py_ssize_t B,
                         Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil
        void (*gates)(const double *h, const double *packed, double *a, const double *c_prev, double *c, double *m, Py_ssize_t B,
                      Py_ssize_t K, Py_ssize_t H, double clip) noexcept nogil
        void (*gates_backward)(const double *dm, double *dc, const double *ifog, const double *c_prev, const double *c, double *da,
                               Py_ssize_t H, double clip) noexcept nogil
        double (*softmax_row)(double *z, Py_ssize_t V, Py_ssize_t y, double scale) noexcept nogil
    ctypedef struct body:
        const char *name
        float_operations f
        double_operations d
    const body *cpu_body(int index)

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


# One name for both number types, so that what calls them reads as one text. Arguments: lstm.h, softmax.h.

cdef object packed(const floating[:, ::1] W, bint transposed, bint gates):
    """W, or its transpose, in panels for the body that runs."""
    cdef Py_ssize_t K = W.shape[1] if transposed else W.shape[0], N = W.shape[0] if transposed else W.shape[1]
    cdef Py_ssize_t row = 1 if transposed else W.shape[1], column = W.shape[1] if transposed else 1
    cdef Py_ssize_t size = active.f.packed_size(K, N, gates) if floating is float else active.d.packed_size(K, N, gates)
    out = np.empty(size, np.float32 if floating is float else np.float64)
    cdef floating[::1] to = out
    if size:
        if floating is float:
            active.f.pack(&W[0, 0], row, column, K, N, gates, &to[0])
        else:
            active.d.pack(&W[0, 0], row, column, K, N, gates, &to[0])
    return out


cdef inline void multiply(const floating *A, const floating *panels, const floating *bias, floating *C, Py_ssize_t B,
                          Py_ssize_t K, Py_ssize_t N, double clip) noexcept nogil:
    if floating is float:
        active.f.multiply(A, panels, bias, C, B, K, N, <float>clip)
    else:
        active.d.multiply(A, panels, bias, C, B, K, N, clip)


cdef inline void gates(const floating *h, const floating *panels, floating *a, const floating *c_prev, floating *c,
                       floating *m, Py_ssize_t B, Py_ssize_t K, Py_ssize_t H, double clip) noexcept nogil:
    if floating is float:
        active.f.gates(h, panels, a, c_prev, c, m, B, K, H, <float>clip)
    else:
        active.d.gates(h, panels, a, c_prev, c, m, B, K, H, clip)


cdef inline void gates_backward(const floating *dm, floating *dc, const floating *ifog, const floating *c_prev,
                                const floating *c, floating *da, Py_ssize_t H, double clip) noexcept nogil:
    if floating is float:
        active.f.gates_backward(dm, dc, ifog, c_prev, c, da, H, <float>clip)
    else:
        active.d.gates_backward(dm, dc, ifog, c_prev, c, da, H, clip)


cdef inline double softmax_row(floating *z, Py_ssize_t V, Py_ssize_t y, double scale) noexcept nogil:
    if floating is float:
        return active.f.softmax_row(z, V, y, <float>scale)
    else:
        return active.d.softmax_row(z, V, y, scale)

"""Optimisers (O): every array of a parameter is read and written once per step."""


cdef inline floating root(floating x) noexcept nogil:
    if floating is float:
        return sqrtf(x)         # vectors of float; sqrt would convert to double and back
    else:
        return sqrt(x)


def squared_norm(const floating[::1] g):
    """Twin of elmo_np.nn.optim.squared_norm."""
    cdef Py_ssize_t N = g.shape[0], n, k
    cdef double total = 0
    cdef double[8] parts                    # a single sum would wait for its last addition at every element
    with nogil:
        for k in range(8):
            parts[k] = 0
        for n in range(0, N - 7, 8):
            for k in range(8):
                parts[k] += <double>g[n + k] * g[n + k]                         # (O1)
        for n in range(N - N % 8, N):
            total += <double>g[n] * g[n]                                        # (O1)
        for k in range(8):
            total += parts[k]
    return total


def sgd_update(floating[::1] w, const floating[::1] g, floating[::1] v, double scale, double rate, double momentum,
               bint nesterov):
    """Twin of elmo_np.nn.optim.sgd_update."""
    cdef Py_ssize_t n
    cdef floating mu = <floating>momentum, factor = <floating>(rate * scale), step      # (O1) scale
    if v is None:
        with nogil:
            for n in range(w.shape[0]):
                w[n] -= factor * g[n]                                           # (O2), (O3)
        return
    with nogil:
        for n in range(w.shape[0]):
            step = factor * g[n]
            v[n] = mu * v[n] - step                                             # (O2)
            w[n] += mu * v[n] - step if nesterov else v[n]                      # (O4), (O3)


def adagrad_update(floating[::1] w, const floating[::1] g, floating[::1] a, double scale, double rate):
    """Twin of elmo_np.nn.optim.adagrad_update."""
    cdef Py_ssize_t n
    cdef floating factor = <floating>scale, eta = <floating>rate, d
    with nogil:
        for n in range(w.shape[0]):
            d = factor * g[n]                                                   # (O1) scale
            a[n] += d * d                                                       # (O5)
            w[n] -= eta * d / root(a[n])                                        # (O5)


def adam_update(floating[::1] w, const floating[::1] g, floating[::1] m, floating[::1] u, double scale, rates,
                long long k):
    """Twin of elmo_np.nn.optim.adam_update."""
    cdef double rate, beta1, beta2, epsilon
    rate, beta1, beta2, epsilon = rates
    cdef Py_ssize_t n
    cdef floating factor = <floating>scale, eta = <floating>rate, tiny = <floating>epsilon, d
    cdef floating rest1 = <floating>(1 - beta1), rest2 = <floating>(1 - beta2)
    cdef floating m_hat = <floating>(1 / (1 - beta1**k)), u_hat = <floating>(1 / (1 - beta2**k))
    with nogil:
        for n in range(w.shape[0]):
            d = factor * g[n]                                                   # (O1) scale
            m[n] += rest1 * (d - m[n])                                          # (O6)
            u[n] += rest2 * (d * d - u[n])                                      # (O6)
            w[n] -= eta * m[n] * m_hat / (root(u[n] * u_hat) + tiny)                      # (O7)

"""Averaging (O): one pass over the average and the weights."""


def average_update(floating[::1] a, const floating[::1] w, double share):
    """Twin of elmo_np.nn.averaging.average_update."""
    cdef Py_ssize_t n
    cdef floating part = <floating>share
    with nogil:
        for n in range(a.shape[0]):
            a[n] += part * (w[n] - a[n])                                        # (O9)

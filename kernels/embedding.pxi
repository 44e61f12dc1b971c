"""Reverse of the word look-up (E): NumPy's add.at pays for its generality at every element."""


def scatter_add(floating[:, ::1] dE, const long long[::1] ids, const floating[:, ::1] dx):
    """Twin of elmo_np.nn.embedding.scatter_add."""
    cdef Py_ssize_t n, j
    with nogil:
        for n in range(ids.shape[0]):
            for j in range(dx.shape[1]):
                dE[ids[n], j] += dx[n, j]                                       # (E1)

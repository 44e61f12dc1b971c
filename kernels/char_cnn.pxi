"""Convolutions over characters (C): one call for the words of a part; char_cnn.h has the loop over filters."""


def convolve(const floating[:, :, ::1] e, const floating[:, ::1] W, const int64_t[::1] positions, bint keep):
    """Twin of elmo_np.nn.char_cnn.convolve."""
    if W.shape[0] == 0:
        raise ZeroDivisionError("filters of no values")
    cdef Py_ssize_t G = e.shape[0], C = e.shape[2], K = W.shape[0], N = W.shape[1], word = e.shape[1] * C
    cdef bint single = floating is float
    m_, argmax_ = empty((G, N), single), empty((G, N), single) if keep else None
    cdef floating[:, ::1] m = m_, argmax = argmax_
    cdef floating[::1] panel = empty((packed_size(K, 1, single),), single)
    if G and N and K:
        with nogil:
            if floating is float:
                active.f.convolve(&e[0, 0, 0], word, C, &positions[0], &W[0, 0], &panel[0], &m[0, 0],
                                  &argmax[0, 0] if keep else NULL, G, K, N)             # (C2), (C3)
            else:
                active.d.convolve(&e[0, 0, 0], word, C, &positions[0], &W[0, 0], &panel[0], &m[0, 0],
                                  &argmax[0, 0] if keep else NULL, G, K, N)             # (C2), (C3)
    return m_, argmax_.astype(np.int64) if keep else None

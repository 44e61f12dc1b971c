"""Softmax loss (S): one call a chunk of logits; a row is softmax.h's."""


def softmax_loss(floating[:, ::1] z, const long long[::1] y, double scale):
    """Twin of elmo_np.softmax.softmax_loss."""
    cdef Py_ssize_t N = z.shape[0], V = z.shape[1], n
    loss_ = np.empty(N, np.float32 if floating is float else np.float64)
    cdef floating[::1] loss = loss_
    with nogil:
        for n in range(N):
            loss[n] = <floating>softmax_row(&z[n, 0], V, y[n], scale)          # (S2), (S3)
    return loss_

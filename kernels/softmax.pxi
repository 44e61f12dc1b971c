"""Softmax loss (S) and its gradient: one call each for some hundred targets; softmax.h has the blocks of words."""


def softmax_forward(const floating[:, ::1] h, const int64_t[::1] y, const floating[:, ::1] W, const floating[::1] b,
                    bint keep):
    """Twin of elmo_np.nn.softmax.softmax_forward."""
    cdef Py_ssize_t R = h.shape[0], P = h.shape[1], V = W.shape[0]
    cdef bint single = floating is float
    loss_, top_, total_ = empty((R,), single), empty((R,), single), empty((R,), single)
    z_ = empty((V if keep else min(V, WORDS), R), single)
    cdef floating[:, ::1] z = z_
    cdef floating[::1] loss = loss_, top = top_, total = total_, columns = packed(h, True, False)
    if R == 0:
        return loss_, top_, total_, z_ if keep else None
    with nogil:
        if floating is float:
            active.f.softmax_forward(&columns[0], &y[0], &W[0, 0], &b[0], &z[0, 0], keep, &top[0], &total[0], &loss[0],
                                     R, P, V)                                           # (S1), (S2)
        else:
            active.d.softmax_forward(&columns[0], &y[0], &W[0, 0], &b[0], &z[0, 0], keep, &top[0], &total[0], &loss[0],
                                     R, P, V)                                           # (S1), (S2)
    return loss_, top_, total_, z_ if keep else None


def softmax_backward(double scale, chunk, const floating[:, ::1] W, const floating[::1] b, floating[:, ::1] dW, bint add):
    """Twin of elmo_np.nn.softmax.softmax_backward."""
    cdef const floating[:, ::1] h, z
    cdef const int64_t[::1] y
    cdef const floating[::1] top, total
    _, h, y, z, top, total = chunk
    cdef Py_ssize_t R = h.shape[0], P = h.shape[1], V = W.shape[0], r
    cdef Py_ssize_t lanes = active.f.lanes if floating is float else active.d.lanes
    cdef Py_ssize_t whole = (R + lanes - 1) // lanes * lanes
    cdef bint again = z is None
    cdef bint single = floating is float
    dh_, db_ = empty((P, whole), single), zeros((V,), single)
    dz_, factor_ = empty((DZ_WORDS, whole), single), zeros((whole,), single)
    cdef floating[:, ::1] dh = dh_, dz = dz_
    cdef floating[:, ::1] block = empty((DZ_WORDS, R), single) if again else None, W_T = empty((P, DZ_WORDS), single)
    cdef floating[::1] db = db_, factor = factor_, rows = packed(h, False, False)
    cdef floating[::1] columns = packed(h, True, False) if again else None
    cdef const floating *logits = NULL
    if R == 0:
        if not add:
            dW[...] = 0
        return empty((R, P), single), db_
    if not again:
        logits = &z[0, 0]
    dz_[:, R:] = 0
    for r in range(R):
        factor[r] = <floating>(scale / total[r]) if y[r] != -1 else 0                   # (S3)
    with nogil:
        if floating is float:
            active.f.softmax_backward(<float>scale, &columns[0] if again else NULL, &rows[0], &y[0], &W[0, 0], &b[0],
                                      logits, &top[0], &factor[0], &block[0, 0] if again else NULL,
                                      &dz[0, 0], &W_T[0, 0], &dW[0, 0], &db[0], add, &dh[0, 0], R, whole, P, V)  # (S2), (S1)
        else:
            active.d.softmax_backward(scale, &columns[0] if again else NULL, &rows[0], &y[0], &W[0, 0], &b[0],
                                      logits, &top[0], &factor[0], &block[0, 0] if again else NULL,
                                      &dz[0, 0], &W_T[0, 0], &dW[0, 0], &db[0], add, &dh[0, 0], R, whole, P, V)  # (S2), (S1)
    by_row = empty((R, P), single)
    by_row[...] = dh_[:, :R].T
    return by_row, db_

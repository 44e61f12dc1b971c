"""The recurrence (H) over a whole sequence without the interpreter.

The products are those of matmul.h; what follows them is written for one value at a time, and the sigmoid and the tanh
of a row are one call each (vector.h).
"""


cdef inline void gru_row(floating *a, const floating *s, const floating *bh, const floating *h, floating *q,
                         floating *h_t, Py_ssize_t H) noexcept nogil:
    """(H3)-(H5) of one sequence's step: a (3H) is x Wx + b and becomes r z n; s (3H) is h Wh; q, h_t (H) are written."""
    cdef Py_ssize_t j
    for j in range(2*H):
        a[j] += s[j]                                                                            # (H3)
    apply_sigmoid(a, 2*H)                                                                       # (H3)
    for j in range(H):
        q[j] = s[2*H + j] + bh[j]                                                               # (H4)
        a[2*H + j] += a[j] * q[j]                                                               # (H4)
    apply_tanh(a + 2*H, H)                                                                      # (H4)
    for j in range(H):
        h_t[j] = (1 - a[H + j]) * a[2*H + j] + a[H + j] * h[j]                                  # (H5)


def gru_forward(const floating[:, :, ::1] x, const floating[:, ::1] h0, weights, const int64_t[::1] lengths):
    """Twin of elmo_np.nn.gru.gru_forward."""
    cdef const floating[:, ::1] Wx, Wh
    cdef const floating[::1] b, bh
    Wx, Wh, b, bh = weights
    cdef Py_ssize_t T = x.shape[0], B = x.shape[1], D = x.shape[2], H = h0.shape[1], t, n
    cdef Py_ssize_t block = max(1, ROWS_AT_A_TIME // max(1, B))
    cdef bint single = floating is float
    rzn_, q_, h_ = empty((T, B, 3*H), single), empty((T, B, H), single), empty((T + 1, B, H), single)
    h_[0] = h0
    cdef floating[:, :, ::1] a = rzn_, q = q_, h = h_
    cdef floating[:, ::1] s = empty((B, 3*H), single)
    cdef floating[::1] entering = packed(Wx, False, False), recurrent = packed(Wh, False, False)
    with nogil:
        for t in range(T if B and H else 0):
            if t % block == 0:
                multiply(&x[t, 0, 0], &entering[0], &a[t, 0, 0], False, &b[0], min(block, T - t) * B, D, 3*H,
                         INFINITY)                                                              # (H1)
            multiply(&h[t, 0, 0], &recurrent[0], &s[0, 0], False, NULL, B, H, 3*H, INFINITY)        # (H2)
            for n in range(B):
                gru_row(&a[t, n, 0], &s[n, 0], &bh[0], &h[t, n, 0], &q[t, n, 0], &h[t+1, n, 0], H)  # (H3)-(H5)
                if t >= lengths[n]:
                    h[t+1, n, :] = h[t, n, :]
    return rzn_, q_, h_


def gru_forward_inference(const floating[:, :, ::1] x, const floating[:, ::1] h0, weights,
                          const int64_t[::1] lengths):
    """Twin of elmo_np.nn.gru.gru_forward_inference. Weights are read in place and packed as for the LSTM."""
    cdef const floating[:, ::1] Wx, Wh
    cdef const floating[::1] b, bh
    Wx, Wh, b, bh = weights
    cdef Py_ssize_t T = x.shape[0], B = x.shape[1], D = x.shape[2], H = h0.shape[1], t, n
    cdef Py_ssize_t block = max(1, ROWS_AT_A_TIME // max(1, B))
    cdef bint single = floating is float
    y_, h_ = zeros((T, B, H), single), empty((B, H), single)
    h_[...] = h0
    cdef floating[:, :, ::1] y = y_, a = empty((block, B, 3*H), single)
    cdef floating[:, ::1] h = h_, s = empty((B, 3*H), single)
    cdef floating[::1] q = empty((H,), single)
    cdef bint once = T <= block             # one block of steps
    cdef floating[::1] entering = empty((packed_size(D, 1, single),), single) if once else packed(Wx, False, False)
    cdef Py_ssize_t few = few_rows(H, 3*H, T, sizeof(floating))
    cdef floating[::1] recurrent = packed(Wh, False, False) if B > few else empty((0,), single)
    with nogil:
        for t in range(T if B and H else 0):
            if once and t == 0:
                multiply_once(&x[0, 0, 0], &Wx[0, 0], &a[0, 0, 0], &b[0], T * B, D, 3*H, &entering[0])  # (H1)
            elif t % block == 0:
                multiply(&x[t, 0, 0], &entering[0], &a[0, 0, 0], False, &b[0], min(block, T - t) * B, D, 3*H,
                         INFINITY)                                                              # (H1)
            multiply_rows(&h[0, 0], &Wh[0, 0], &recurrent[0], &s[0, 0], B, H, 3*H, INFINITY, few)   # (H2)
            for n in range(B):
                if t < lengths[n]:
                    gru_row(&a[t % block, n, 0], &s[n, 0], &bh[0], &h[n, 0], &q[0], &y[t, n, 0], H)     # (H3)-(H5)
                    h[n, :] = y[t, n, :]
    return y_, h_


def gru_backward(const floating[:, :, ::1] dy, const floating[:, ::1] dh, cache, weights, gradients, bint add):
    """Twin of elmo_np.nn.gru.gru_backward. The weights' gradients are computed one block of steps at a time."""
    cdef const floating[:, :, ::1] x, rzn, q, h
    cdef const int64_t[::1] lengths
    cdef const floating[:, ::1] Wx, Wh
    cdef floating[:, ::1] dWx, dWh
    x, rzn, q, h, lengths = cache
    Wx, Wh, _, _ = weights
    dWx, dWh, db_, dbh_ = gradients
    cdef Py_ssize_t T = dy.shape[0], B = dy.shape[1], H = dh.shape[1], D = x.shape[2], t, n, j, k
    cdef Py_ssize_t block = max(1, ROWS_AT_A_TIME // max(1, B)), count
    cdef bint single = floating is float
    cdef floating r, z, m, dh_now, da_r, da_z, da_n
    dx_, dh_ = empty((T, B, D), single), empty((B, H), single)
    db_sums, dbh_sums = zeros((3*H,), single), zeros((H,), single)
    dh_[...] = dh
    if not add and T * B * H == 0:
        dWx[...] = 0
        dWh[...] = 0
    if not add:
        db_[...] = 0
        dbh_[...] = 0
    if H == 0:
        dx_[...] = 0
    cdef floating[:, :, ::1] dx = dx_, da = empty((block, B, 3*H), single), ds = empty((block, B, 3*H), single)
    cdef floating[:, ::1] dh_t = dh_, back = empty((B, H), single)
    cdef floating[::1] sums = db_sums, q_sums = dbh_sums        # of da and dq, all steps and sequences
    cdef floating[::1] recurrent = packed(Wh, True, False), entering = packed(Wx, True, False)
    cdef floating[::1] panels = empty((packed_size(block * B, 3*H, single),), single)
    cdef floating[::1] columns = empty((block * B * max(D, H),), single)    # of a block of x or h
    with nogil:
        for t in range(T - 1 if B and H else -1, -1, -1):
            k = t % block
            for n in range(B):
                if t >= lengths[n]:
                    da[k, n, :] = 0
                    ds[k, n, :] = 0
                    continue
                for j in range(H):
                    r = rzn[t, n, j]
                    z = rzn[t, n, H + j]
                    m = rzn[t, n, 2*H + j]
                    dh_now = dy[t, n, j] + dh_t[n, j]                                           # (H5)
                    da_n = dh_now * (1 - z) * (1 - m * m)                                       # (H5), (H4)
                    da_z = dh_now * (h[t, n, j] - m) * z * (1 - z)                              # (H5), (H3)
                    da_r = da_n * q[t, n, j] * r * (1 - r)                                      # (H4), (H3)
                    da[k, n, j] = ds[k, n, j] = da_r
                    da[k, n, H + j] = ds[k, n, H + j] = da_z
                    da[k, n, 2*H + j] = da_n
                    ds[k, n, 2*H + j] = da_n * r                                                # (H4)
                    dh_t[n, j] = dh_now * z                                                     # (H5)
                for j in range(3*H):
                    sums[j] += da[k, n, j]                                                      # (H1)
                for j in range(H):
                    q_sums[j] += ds[k, n, 2*H + j]                                              # (H4)
            multiply(&ds[k, 0, 0], &recurrent[0], &back[0, 0], False, NULL, B, 3*H, H, INFINITY)            # (H2)
            for n in range(B):
                if t < lengths[n]:
                    for j in range(H):
                        dh_t[n, j] += back[n, j]                                                # (H2)
            if k == 0:                          # the block of steps is complete
                count = min(block, T - t) * B
                pack(&ds[0, 0, 0], 3*H, 1, count, 3*H, False, &panels[0])
                multiply_transposed(&h[t, 0, 0], &panels[0], &dWh[0, 0], add, H, count, 3*H, &columns[0])       # (H2)
                pack(&da[0, 0, 0], 3*H, 1, count, 3*H, False, &panels[0])
                multiply_transposed(&x[t, 0, 0], &panels[0], &dWx[0, 0], add, D, count, 3*H, &columns[0])       # (H1)
                multiply(&da[0, 0, 0], &entering[0], &dx[t, 0, 0], False, NULL, count, 3*H, D,
                         INFINITY)                                                              # (H1)
                add = True
    db_ += db_sums                                                                              # (H1)
    dbh_ += dbh_sums                                                                            # (H4)
    return dx_, dh_

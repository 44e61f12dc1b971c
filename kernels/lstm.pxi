"""The recurrence (L) over a whole sequence without the interpreter, so that two directions run side by side.

lstm.h has a step, product and gates in one. This file has the order of the steps, and what happens after a sequence's
end.
"""


cdef enum:
    ROWS_AT_A_TIME = 128    # rows of a block of steps: in float its gates stay in the second-level cache


def lstm_forward(const floating[:, :, ::1] x, state, weights, const int64_t[::1] lengths, clips):
    """Twin of elmo_np.nn.lstm.lstm_forward."""
    cdef const floating[:, ::1] h0, c0, Wx, Wh, Wp
    cdef const floating[::1] b
    cdef double cell_clip, proj_clip
    h0, c0 = state
    Wx, Wh, b, Wp = weights
    cell_clip, proj_clip = clips
    cdef Py_ssize_t T = x.shape[0], B = x.shape[1], D = x.shape[2], H = c0.shape[1], P = h0.shape[1], t, n
    cdef Py_ssize_t block = max(1, ROWS_AT_A_TIME // max(1, B))
    cdef bint projected = Wp is not None, single = floating is float
    ifog_, h_, c_ = empty((T, B, 4*H), single), empty((T + 1, B, P), single), empty((T + 1, B, H), single)
    m_ = empty((T, B, H), single) if projected else h_[1:]
    h_[0], c_[0] = h0, c0
    if D == 0:
        ifog_[...] = b
    if H == 0:      # nothing to compute, and the product of nothing is zero
        h_[1:] = np.where(np.asarray(lengths)[:, None] > 0, 0, h0)
    cdef floating[:, :, ::1] a = ifog_, h = h_, c = c_, m = m_
    cdef floating[::1] entering = packed(Wx, False, False), recurrent = packed(Wh, False, True), projection
    if projected:
        projection = packed(Wp, False, False)
    with nogil:
        for t in range(T if B and H else 0):
            if t % block == 0 and D:
                multiply(&x[t, 0, 0], &entering[0], &a[t, 0, 0], False, &b[0], min(block, T - t) * B, D, 4*H,
                         INFINITY)                                                              # (L1)
            gates(&h[t, 0, 0], &recurrent[0], &a[t, 0, 0], &c[t, 0, 0], &c[t+1, 0, 0], &m[t, 0, 0], B, P, H,
                  cell_clip)                                                                    # (L1)-(L5)
            if projected:
                multiply(&m[t, 0, 0], &projection[0], &h[t+1, 0, 0], False, NULL, B, H, P, proj_clip)  # (L6)
            for n in range(B):
                if t >= lengths[n]:
                    h[t+1, n, :] = h[t, n, :]
                    c[t+1, n, :] = c[t, n, :]
    return ifog_, h_, c_, m_


cdef inline void gates_inference(const floating *h, const floating *Wh, const floating *panels, floating *a, floating *c,
                                 floating *m, Py_ssize_t B, Py_ssize_t P, Py_ssize_t H, double clip,
                                 Py_ssize_t few) noexcept nogil:
    """`gates` for up to `few` rows with Wh in place, and for more with its panels; c is replaced."""
    if B <= few:
        multiply_in_place(h, Wh, a, True, <const floating *>NULL, B, P, 4*H, INFINITY)       # (L1)
        gates(h, panels, a, c, c, m, B, 0, H, clip)                                             # (L2)-(L5)
    else:
        gates(h, panels, a, c, c, m, B, P, H, clip)                                             # (L1)-(L5)


def lstm_forward_inference(const floating[:, :, ::1] x, state, weights, const int64_t[::1] lengths, clips):
    """Twin of elmo_np.nn.lstm.lstm_forward_inference. The sequences are sorted, longest first, so that those that go on
    are the first rows of every array; the words of a block of steps are gathered, so that one product serves them. Few
    sequences read large weights in place: packing them would take as long as several steps."""
    cdef const floating[:, ::1] h0, c0, Wx, Wh, Wp
    cdef const floating[::1] b
    cdef double cell_clip, proj_clip
    h0, c0 = state
    Wx, Wh, b, Wp = weights
    cell_clip, proj_clip = clips
    cdef Py_ssize_t T = x.shape[0], B = x.shape[1], D = x.shape[2], H = c0.shape[1], P = h0.shape[1]
    cdef Py_ssize_t t, n, first, end, rows, most = max(B, ROWS_AT_A_TIME)
    cdef bint projected = Wp is not None, single = floating is float
    order_ = np.argsort(-np.asarray(lengths), kind="stable")
    live_ = np.count_nonzero(np.arange(T)[:, None] < lengths, axis=1)
    y_, h_, c_ = zeros((T, B, P), single), empty((B, P), single), empty((B, H), single)
    h_[...], c_[...] = np.asarray(h0)[order_], np.asarray(c0)[order_]
    if H == 0:
        h_[np.asarray(lengths)[order_] > 0] = 0
    cdef const int64_t[::1] order = order_, live = live_        # positions of the sequences; how many go on, per step
    cdef floating[:, :, ::1] y = y_
    cdef floating[:, ::1] h = h_, c = c_, m = empty((B, H), single), xs = empty((most, D), single)
    cdef floating[:, ::1] a = empty((most, 4*H), single)
    cdef bint once = live_.sum() <= most    # one block of steps
    cdef floating[::1] entering = empty((packed_size(D, 1, single),), single) if once else packed(Wx, False, False)
    cdef Py_ssize_t few = few_rows(P, 4*H, T, sizeof(floating)), few_projected = few_rows(H, P, T, sizeof(floating))
    cdef floating[::1] recurrent = packed(Wh, False, True) if B > few else empty((0,), single), projection
    if projected:
        projection = packed(Wp, False, False) if B > few_projected else empty((0,), single)
    if D == 0:
        np.asarray(a)[...] = b
    with nogil:
        first = end = 0
        while end < T and live[end] and H:
            rows = 0
            while end < T and live[end] and rows + live[end] <= most:
                for n in range(live[end] if D else 0):
                    memcpy(&xs[rows + n, 0], &x[end, order[n], 0], D * sizeof(floating))
                rows += live[end]
                end += 1
            if D and once:
                multiply_once(&xs[0, 0], &Wx[0, 0], &a[0, 0], &b[0], rows, D, 4*H, &entering[0])            # (L1)
            elif D:
                multiply(&xs[0, 0], &entering[0], &a[0, 0], False, &b[0], rows, D, 4*H, INFINITY)     # (L1)
            rows = 0
            for t in range(first, end):
                gates_inference(&h[0, 0], &Wh[0, 0], &recurrent[0], &a[rows, 0], &c[0, 0], &m[0, 0], live[t], P, H,
                                cell_clip, few)                                                 # (L1)-(L5)
                if projected:
                    multiply_rows(&m[0, 0], &Wp[0, 0], &projection[0], &h[0, 0], live[t], H, P, proj_clip,
                                  few_projected)                                                # (L6)
                else:
                    memcpy(&h[0, 0], &m[0, 0], live[t] * H * sizeof(floating))                  # (L6)
                for n in range(live[t]):
                    memcpy(&y[t, order[n], 0], &h[n, 0], P * sizeof(floating))
                rows += live[t]
            first = end
    back = np.argsort(order_)
    return y_, h_[back], c_[back]


def lstm_backward(const floating[:, :, ::1] dy, dstate, cache, weights, clips, gradients, bint add):
    """Twin of elmo_np.nn.lstm.lstm_backward. The weights' gradients are computed one block of steps at a time."""
    cdef const floating[:, :, ::1] x, ifog, h, c, m
    cdef const int64_t[::1] lengths
    cdef const floating[:, ::1] dh, dc, Wx, Wh, Wp
    cdef floating[:, ::1] dWx, dWh, dWp
    cdef double cell_clip, proj_clip
    dh, dc = dstate
    x, ifog, h, c, m, lengths = cache
    Wx, Wh, _, Wp = weights
    dWx, dWh, db_, dWp = gradients
    cell_clip, proj_clip = clips
    cdef Py_ssize_t T = dy.shape[0], B = dy.shape[1], P = dh.shape[1], H = dc.shape[1], D = x.shape[2], t, n, j, k
    cdef Py_ssize_t block = max(1, ROWS_AT_A_TIME // max(1, B)), first, rows
    cdef bint projected = Wp is not None, single = floating is float
    cdef floating clip = <floating>proj_clip
    dx_, sums_ = empty((T, B, D), single), zeros((4*H,), single)
    dh_, dc_ = empty((B, P), single), empty((B, H), single)
    dh_[...], dc_[...] = dh, dc
    if not add and T * B * H == 0:
        dWx[...] = 0
        dWh[...] = 0
        if projected:
            dWp[...] = 0
    if not add:
        db_[...] = 0
    if H == 0:
        dx_[...] = 0
    cdef floating[:, :, ::1] dx = dx_
    cdef floating[::1] sums = sums_                         # of da, all steps and sequences
    cdef floating[:, ::1] dh_t = dh_, dc_t = dc_, dh_now = empty((B, P), single)
    cdef floating[:, :, ::1] da = empty((block, B, 4*H), single), dp = empty((block, B, P), single)
    cdef floating[:, ::1] dm = empty((B, H), single) if projected else dh_now     # without a projection, h is m
    cdef floating[::1] recurrent = packed(Wh, True, False), entering = packed(Wx, True, False), projection
    cdef floating[::1] panels = empty((packed_size(block * B, 4*H, single),), single), dp_panels
    cdef floating[::1] columns = empty((block * B * max(D, P, H),), single)     # of a block of x, h or m
    if projected:
        projection = packed(Wp, True, False)
        dp_panels = empty((packed_size(block * B, P, single),), single)
    with nogil:
        for t in range(T - 1 if B and H else -1, -1, -1):
            k = t % block
            for n in range(B):
                if t < lengths[n]:
                    for j in range(P):
                        dh_now[n, j] = dy[t, n, j] + dh_t[n, j]                                 # (L6)
                else:
                    dh_now[n, :] = 0
            if projected:
                for n in range(B):
                    for j in range(P):
                        dp[k, n, j] = dh_now[n, j] if -clip < h[t+1, n, j] < clip else 0        # (L6)
                multiply(&dp[k, 0, 0], &projection[0], &dm[0, 0], False, NULL, B, P, H, INFINITY)     # (L6)
            for n in range(B):
                if t < lengths[n]:
                    gates_backward(&dm[n, 0], &dc_t[n, 0], &ifog[t, n, 0], &c[t, n, 0], &c[t+1, n, 0], &da[k, n, 0],
                                   &sums[0], H, cell_clip)                                      # (L5)-(L1)
                else:
                    da[k, n, :] = 0
            # dh_now is free again: it takes the gradient of h_{t-1}; dh_t keeps that of a sequence that has ended.
            multiply(&da[k, 0, 0], &recurrent[0], &dh_now[0, 0], False, NULL, B, 4*H, P, INFINITY)  # (L1)
            for n in range(B):
                if t < lengths[n]:
                    dh_t[n, :] = dh_now[n, :]
            if k == 0:                          # the block of steps is complete, and its da is still in the cache
                rows = min(block, T - t) * B
                pack(&da[0, 0, 0], 4*H, 1, rows, 4*H, False, &panels[0])
                multiply_transposed(&h[t, 0, 0], &panels[0], &dWh[0, 0], add, P, rows, 4*H, &columns[0])        # (L1)
                if D:
                    multiply_transposed(&x[t, 0, 0], &panels[0], &dWx[0, 0], add, D, rows, 4*H, &columns[0])    # (L1)
                    multiply(&da[0, 0, 0], &entering[0], &dx[t, 0, 0], False, NULL, rows, 4*H, D,
                             INFINITY)                                                          # (L1)
                if projected:
                    pack(&dp[0, 0, 0], P, 1, rows, P, False, &dp_panels[0])
                    multiply_transposed(&m[t, 0, 0], &dp_panels[0], &dWp[0, 0], add, H, rows, P, &columns[0])   # (L6)
                add = True
    db_ += sums_                                                                                # (L1)
    return dx_, dh_, dc_

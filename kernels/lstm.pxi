"""The recurrence (L) over a whole sequence without the interpreter, so that two directions run side by side.

A step is lstm.h's: product and gates in one. Here stand the order of the steps and what happens past a sequence's end.
"""


def input_product(const floating[:, ::1] x, const floating[:, ::1] Wx, const floating[::1] b):
    """Twin of elmo_np.lstm.input_product."""
    cdef Py_ssize_t N = x.shape[0], D = x.shape[1], M = Wx.shape[1]
    a_ = np.empty((N, M), np.float32 if floating is float else np.float64)
    cdef floating[:, ::1] a = a_
    cdef floating[::1] panels = packed(Wx, False, False)
    with nogil:
        if N and D and M:
            multiply(&x[0, 0], &panels[0], &b[0], &a[0, 0], N, D, M, INFINITY)     # (L1)
    return a_


def lstm_forward(floating[:, :, ::1] a, const floating[:, ::1] h0, const floating[:, ::1] c0,
                 const floating[:, ::1] Wh, const floating[:, ::1] Wp, const long long[::1] lengths,
                 double cell_clip, double proj_clip):
    """Twin of elmo_np.lstm.lstm_forward."""
    cdef Py_ssize_t T = a.shape[0], B = a.shape[1], H = c0.shape[1], P = h0.shape[1], t, b
    cdef bint projected = Wp is not None
    dtype = np.float32 if floating is float else np.float64
    h_, c_ = np.empty((T + 1, B, P), dtype), np.empty((T + 1, B, H), dtype)
    m_ = np.empty((T, B, H), dtype) if projected else h_[1:]
    h_[0], c_[0] = h0, c0
    cdef floating[:, :, ::1] h = h_, c = c_, m = m_
    cdef floating[::1] recurrent = packed(Wh, False, True), projection
    if projected:
        projection = packed(Wp, False, False)
    with nogil:
        for t in range(T if B and H else 0):
            gates(&h[t, 0, 0], &recurrent[0], &a[t, 0, 0], &c[t, 0, 0], &c[t+1, 0, 0], &m[t, 0, 0], B, P, H,
                  cell_clip)                                                                    # (L1)-(L5)
            if projected:
                multiply(&m[t, 0, 0], &projection[0], NULL, &h[t+1, 0, 0], B, H, P, proj_clip)  # (L6)
            for b in range(B):
                if t >= lengths[b]:
                    h[t+1, b, :] = h[t, b, :]
                    c[t+1, b, :] = c[t, b, :]
    return a.base, h_, c_, m_


def lstm_backward(const floating[:, :, ::1] dy, const floating[:, ::1] dh, const floating[:, ::1] dc,
                  const floating[:, :, ::1] ifog, const floating[:, :, ::1] h, const floating[:, :, ::1] c,
                  const floating[:, ::1] Wh, const floating[:, ::1] Wp, const long long[::1] lengths,
                  double cell_clip, double proj_clip):
    """Twin of elmo_np.lstm.lstm_backward."""
    cdef Py_ssize_t T = dy.shape[0], B = dy.shape[1], P = dh.shape[1], H = dc.shape[1], t, b, j
    cdef bint projected = Wp is not None
    cdef floating clip = <floating>proj_clip
    dtype = np.float32 if floating is float else np.float64
    da_, dp_ = np.empty((T, B, 4*H), dtype), np.empty((T, B, P), dtype) if projected else None
    dh_, dc_ = np.array(dh), np.array(dc)
    cdef floating[:, :, ::1] da = da_, dp = dp_
    cdef floating[:, ::1] dh_t = dh_, dc_t = dc_
    cdef floating[:, ::1] dh_now = np.empty((B, P), dtype)
    cdef floating[:, ::1] dm = np.empty((B, H), dtype) if projected else dh_now     # without a projection h is m
    cdef floating[::1] recurrent = packed(Wh, True, False), projection
    if projected:
        projection = packed(Wp, True, False)
    with nogil:
        for t in range(T - 1 if B and H else -1, -1, -1):
            for b in range(B):
                for j in range(P):
                    dh_now[b, j] = dy[t, b, j] + dh_t[b, j] if t < lengths[b] else 0            # (L6)
                    if projected:
                        dp[t, b, j] = dh_now[b, j] if -clip < h[t+1, b, j] < clip else 0        # (L6)
            if projected:
                multiply(&dp[t, 0, 0], &projection[0], NULL, &dm[0, 0], B, P, H, INFINITY)      # (L6)
            for b in range(B):
                if t < lengths[b]:
                    gates_backward(&dm[b, 0], &dc_t[b, 0], &ifog[t, b, 0], &c[t, b, 0], &c[t+1, b, 0], &da[t, b, 0],
                                   H, cell_clip)                                                # (L5)-(L2)
                else:
                    da[t, b, :] = 0
            # dh_now has been used: it takes the gradient of h_{t-1}, and dh_t keeps that of a sequence that has ended.
            multiply(&da[t, 0, 0], &recurrent[0], NULL, &dh_now[0, 0], B, 4*H, P, INFINITY)     # (L1)
            for b in range(B):
                if t < lengths[b]:
                    dh_t[b, :] = dh_now[b, :]
    return da_, dp_, dh_, dc_

/* Log-sum-exp, loss and gradient of one row of logits, in place, while the row is in the first-level cache */

/* z (V) becomes scale * (p - 1[v = y]); returns -log p(y) in nats. y < 0 is padding: no loss, no gradient */
static double NAME(softmax_row)(REAL *z, ptrdiff_t V, ptrdiff_t y, REAL scale)
{
    if (y < 0) {
        memset(z, 0, (size_t)V * sizeof(REAL));
        return 0;
    }
    const ptrdiff_t whole = V - V % LANES;
    VEC top = NAME(all)(z[0]);
    for (ptrdiff_t v = 0; v < whole; v += LANES) {
        VEC x = NAME(load)(z + v, LANES);
        top = NAME(select)(x > top, x, top);
    }
    REAL max = top[0];
    for (ptrdiff_t l = 1; l < LANES; l++) max = top[l] > max ? top[l] : max;
    for (ptrdiff_t v = whole; v < V; v++) max = z[v] > max ? z[v] : max;
    const double target = z[y];

    VEC parts[4] = {{0}};           /* four sums: shorter chains, smaller rounding errors */
    for (ptrdiff_t v = 0, part = 0; v < whole; v += LANES, part = (part + 1) % 4) {
        VEC e = NAME(vexp)(NAME(load)(z + v, LANES) - max);
        NAME(store)(z + v, e, LANES);
        parts[part] += e;
    }
    double sum = 0;
    for (int part = 0; part < 4; part++)
        for (ptrdiff_t l = 0; l < LANES; l++) sum += parts[part][l];
    VEC tail = NAME(vexp)(NAME(load)(z + whole, V - whole) - max);
    for (ptrdiff_t l = 0; l < V - whole; l++) sum += z[whole + l] = tail[l];

    const REAL factor = (REAL)(scale / sum);
    for (ptrdiff_t v = 0; v < whole; v += LANES) NAME(store)(z + v, NAME(load)(z + v, LANES) * factor, LANES); /* (S2) p */
    for (ptrdiff_t v = whole; v < V; v++) z[v] *= factor;                               /* (S2) p */
    z[y] -= scale;                                                                      /* (S2) dz = p - 1[v = y], (S3) */
    return log(sum) - (target - max);                                                   /* (S2) */
}

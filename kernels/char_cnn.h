/* Convolutions over a word's characters, and the largest of each filter over all places.

   The windows of a word overlap, and stand in memory as rows that begin C numbers after one another: the product reads them
   where they are. Its accumulators hold all filters of a panel at up to ROWS places, of which only the largest is stored. */

/* Joins places first .. first + rows - 1 to the largest of each of the panel's filters so far; NaN stays, as it does in
   NumPy, and the first of equals */
INLINE void NAME(convolve_block)(const int rows, const int keep, const REAL *windows, ptrdiff_t C, const REAL *panel,
                                 ptrdiff_t K, ptrdiff_t first, VEC largest[4], VEC place[4])
{
    VEC acc[ROWS][4] = {{{0}}};
    NAME(product)(rows, 4, windows, C, 1, panel, 4 * LANES, K, acc);                    /* (C2) */
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            VEC x = acc[r][v];
            IVEC larger = ~(x <= largest[v]) & (largest[v] == largest[v]);
            if (keep) place[v] = NAME(select)(larger, NAME(all)((REAL)(first + r)), place[v]);
            largest[v] = NAME(select)(larger, x, largest[v]);                           /* (C3) */
        }
}

/* m (G, N): the largest of each filter over the first places[g] windows of word g, e + g * word; place (G, N): where it was,
   or NULL. W (K, N) with K = w C; panel: room for K * 4 * LANES numbers */
static void NAME(convolve)(const REAL *e, ptrdiff_t word, ptrdiff_t C, const int64_t *places, const REAL *W, REAL *panel,
                           REAL *m, REAL *place, ptrdiff_t G, ptrdiff_t K, ptrdiff_t N)
{
    for (ptrdiff_t n = 0; n < N; n += 4 * LANES) {
        const ptrdiff_t columns = N - n < 4 * LANES ? N - n : 4 * LANES;
        NAME(pack)(W + n, N, 1, K, columns, 0, panel);
        for (ptrdiff_t g = 0; g < G; g++) {
            VEC largest[4], where[4] = {{0}};
            for (int v = 0; v < 4; v++) largest[v] = NAME(all)((REAL)-HUGE_VAL);
#define CALL(rows)                                                                                                    \
    do {                                                                                                              \
        const REAL *windows = e + g * word + at * C;                                                                  \
        if (place) NAME(convolve_block)(rows, 1, windows, C, panel, K, at, largest, where);                           \
        else NAME(convolve_block)(rows, 0, windows, C, panel, K, at, largest, where);                                 \
    } while (0)
            FOR_BLOCKS(0, places[g], CALL)
#undef CALL
            for (int v = 0; v * LANES < columns; v++) {
                NAME(store)(m + g * N + n + v * LANES, largest[v], columns - v * LANES);
                if (place) NAME(store)(place + g * N + n + v * LANES, where[v], columns - v * LANES);
            }
        }
    }
}

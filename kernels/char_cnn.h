/* Convolutions over a word's characters, and the maximum of each filter over all positions.

   The windows of a word overlap: in memory they are rows that begin C values after one another, and the product reads them
   in place. Its accumulators hold all filters of a panel at up to ROWS positions, of which only the maximum is stored. */

/* Updates the maximum of each of the panel's filters with positions first .. first + rows - 1. As in NumPy, NaN stays,
   and the first of equal values. */
INLINE void NAME(convolve_block)(const int rows, const int keep, const REAL *windows, ptrdiff_t C, const REAL *panel,
                                 ptrdiff_t K, ptrdiff_t first, VEC max[4], VEC argmax[4])
{
    VEC acc[ROWS][4] = {{{0}}};
    NAME(product)(rows, 4, windows, C, panel, 4 * LANES, K, acc);                    /* (C2) */
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            VEC x = acc[r][v];
            IVEC larger = ~(x <= max[v]) & (max[v] == max[v]);
            if (keep) argmax[v] = NAME(select)(larger, NAME(all)((REAL)(first + r)), argmax[v]);
            max[v] = NAME(select)(larger, x, max[v]);                                   /* (C3) */
        }
}

/* m (G, N): the maximum of each filter over the first positions[g] windows of word g, e + g * word; argmax (G, N): its
   position, or NULL. W (K, N) with K = w C; panel: room for K * 4 * LANES values */
static void NAME(convolve)(const REAL *e, ptrdiff_t word, ptrdiff_t C, const int64_t *positions, const REAL *W, REAL *panel,
                           REAL *m, REAL *argmax, ptrdiff_t G, ptrdiff_t K, ptrdiff_t N)
{
    for (ptrdiff_t n = 0; n < N; n += 4 * LANES) {
        const ptrdiff_t columns = N - n < 4 * LANES ? N - n : 4 * LANES;
        NAME(pack)(W + n, N, 1, K, columns, 0, panel);
        for (ptrdiff_t g = 0; g < G; g++) {
            VEC max[4], where[4] = {{0}};
            for (int v = 0; v < 4; v++) max[v] = NAME(all)((REAL)-HUGE_VAL);
#define CALL(rows)                                                                                                    \
    do {                                                                                                              \
        const REAL *windows = e + g * word + at * C;                                                                  \
        if (argmax) NAME(convolve_block)(rows, 1, windows, C, panel, K, at, max, where);                               \
        else NAME(convolve_block)(rows, 0, windows, C, panel, K, at, max, where);                                     \
    } while (0)
            FOR_BLOCKS(0, positions[g], CALL)
#undef CALL
            for (int v = 0; v * LANES < columns; v++) {
                NAME(store)(m + g * N + n + v * LANES, max[v], columns - v * LANES);
                if (argmax) NAME(store)(argmax + g * N + n + v * LANES, where[v], columns - v * LANES);
            }
        }
    }
}

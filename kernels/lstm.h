/* One step of the LSTM for all sequences: product, gates, cell and output without leaving the registers.

   The product of a step is small (20 x 200 by 200 x 800, say). A general BLAS packs Wh again for every product, which
   costs as much as the product itself. Here Wh is packed once per sequence, in panels (matmul.h) whose four vectors are the
   gates i, f, o, g of the same LANES hidden units: the accumulators of a block of sequences are what (L2)-(L5) read. */

INLINE void NAME(gates_block)(const int rows, const REAL *h, const REAL *panel, const REAL *ahead, REAL *a,
                              const REAL *c_prev, REAL *c, REAL *m, ptrdiff_t K, ptrdiff_t H, ptrdiff_t p, REAL clip)
{
    VEC acc[ROWS][4];
    ptrdiff_t j = p * LANES, lanes = H - j;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) acc[r][v] = NAME(load)(a + (r * 4 + v) * H + j, lanes);
    NAME(product_ahead)(rows, 4, h, K, panel, 4 * LANES, K, ahead, acc);             /* (L1) */
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        VEC i = NAME(vsigmoid)(acc[r][0]), f = NAME(vsigmoid)(acc[r][1]);               /* (L2) */
        VEC o = NAME(vsigmoid)(acc[r][2]), g = NAME(vtanh)(acc[r][3]);                  /* (L2) */
        VEC c_t = f * NAME(load)(c_prev + r * H + j, lanes) + i * g;                    /* (L3) */
        c_t = NAME(clip)(c_t, -clip, clip);                                             /* (L4) */
        REAL *gate = a + r * 4 * H + j;
        NAME(store)(gate, i, lanes);
        NAME(store)(gate + H, f, lanes);
        NAME(store)(gate + 2 * H, o, lanes);
        NAME(store)(gate + 3 * H, g, lanes);
        NAME(store)(c + r * H + j, c_t, lanes);
        acc[r][0] = o;
        acc[r][1] = c_t;
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)          /* a separate loop: the rows' tanh do not wait for each other's gates */
        NAME(store)(m + r * H + j, acc[r][0] * NAME(vtanh)(acc[r][1]), lanes);          /* (L5) */
}

/* (L1)-(L5) of one step: a (B, 4H) holds x Wx + b and becomes the gates; h (B, K); c_prev, c, m (B, H). With K = 0, a holds
   all of (L1), and h and packed are not read. */
static void NAME(gates)(const REAL *h, const REAL *packed, REAL *a, const REAL *c_prev, REAL *c, REAL *m, ptrdiff_t B,
                        ptrdiff_t K, ptrdiff_t H, REAL clip)
{
    for (ptrdiff_t p = 0; p * LANES < H; p++) {
        const REAL *panel = packed + p * K * 4 * LANES, *next = panel + K * 4 * LANES;
#define CALL(rows)                                                                                                    \
    NAME(gates_block)(rows, h + at * K, panel, NAME(ahead)(next, block, K, K * 4 * H), a + at * 4 * H,                \
                      c_prev + at * H, c + at * H, m + at * H, K, H, p, clip)
        FOR_BLOCKS(0, B, CALL)
#undef CALL
    }
}

/* Reverse of (L5)-(L2) for one sequence: dm (H) -> da (4H), which is also added to db (4H); dc (H) is the gradient of c_t
   and becomes that of c_{t-1} */
static void NAME(gates_backward)(const REAL *dm, REAL *dc, const REAL *ifog, const REAL *c_prev, const REAL *c, REAL *da,
                                 REAL *db, ptrdiff_t H, REAL clip)
{
    for (ptrdiff_t j = 0; j < H; j += LANES) {
        ptrdiff_t n = H - j;
        VEC i = NAME(load)(ifog + j, n), f = NAME(load)(ifog + H + j, n);
        VEC o = NAME(load)(ifog + 2 * H + j, n), g = NAME(load)(ifog + 3 * H + j, n);
        VEC c_t = NAME(load)(c + j, n), tanh_c = NAME(vtanh)(c_t), dm_t = NAME(load)(dm + j, n);
        VEC do_t = dm_t * tanh_c;                                                       /* (L5) */
        VEC dc_t = NAME(load)(dc + j, n) + dm_t * o * (1 - tanh_c * tanh_c);            /* (L5) */
        dc_t = NAME(select)((c_t < clip) & (c_t > -clip), dc_t, NAME(all)(0));          /* (L4) */
        VEC di = dc_t * g, df = dc_t * NAME(load)(c_prev + j, n), dg = dc_t * i;        /* (L3) */
        VEC da_t[4] = {di * i * (1 - i), df * f * (1 - f), do_t * o * (1 - o), dg * (1 - g * g)};   /* (L2) */
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            NAME(store)(da + v * H + j, da_t[v], n);
            NAME(store)(db + v * H + j, NAME(load)(db + v * H + j, n) + da_t[v], n);    /* (L1) */
        }
        NAME(store)(dc + j, dc_t * f, n);                                               /* (L3) */
    }
}

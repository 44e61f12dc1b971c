/* One step of the LSTM for all sequences: product, gates, cell and output without leaving the registers.

   The product of a step is small (20 x 200 by 200 x 800, say) and is done once a step, so that packing Wh for every call,
   as a general BLAS does, costs as much as the product. Here Wh is packed once a call, in panels of 4 vectors:
   packed[panel][k][vector][lane]. In a panel for the gates, the four vectors of a row are the gates i, f, o, g of the same
   LANES hidden units, so that the accumulators of a block of sequences are just what (L2)-(L5) want next. */

/* Where the vector v of panel p starts among the N columns, and how many of its lanes are columns */
INLINE ptrdiff_t NAME(column)(ptrdiff_t p, int v, ptrdiff_t N, int gates, ptrdiff_t *lanes)
{
    ptrdiff_t start = gates ? p * LANES : (4 * p + v) * LANES, end = gates ? N / 4 : N;
    ptrdiff_t left = end - start;
    *lanes = left < 0 ? 0 : left < LANES ? left : LANES;
    return gates ? v * (N / 4) + start : start;
}

INLINE ptrdiff_t NAME(panels)(ptrdiff_t N)
{
    return (N + 4 * LANES - 1) / (4 * LANES);
}

static ptrdiff_t NAME(packed_size)(ptrdiff_t K, ptrdiff_t N, int gates)
{
    ptrdiff_t units = N / 4;
    return (gates ? (units + LANES - 1) / LANES : NAME(panels)(N)) * K * 4 * LANES;
}

/* Panels of the (K, N) matrix whose element (k, n) is W[k * row + n * column] */
static void NAME(pack)(const REAL *W, ptrdiff_t row, ptrdiff_t column, ptrdiff_t K, ptrdiff_t N, int gates, REAL *to)
{
    ptrdiff_t size = NAME(packed_size)(K, N, gates), panel = K * 4 * LANES, lanes;
    for (ptrdiff_t p = 0; p * panel < size; p++)
        for (int v = 0; v < 4; v++) {
            const REAL *from = W + NAME(column)(p, v, N, gates, &lanes) * column;
            REAL *into = to + p * panel + v * LANES;
            for (ptrdiff_t k = 0; k < K; k++)
                for (ptrdiff_t l = 0; l < LANES; l++)
                    into[k * 4 * LANES + l] = l < lanes ? from[k * row + l * column] : 0;
        }
}

/* acc[r][v] += sum_k A[r][k] packed[k][v]: 4 loads of weights and `rows` numbers of A for 4 rows multiply-adds */
INLINE void NAME(product)(const int rows, const REAL *A, const REAL *panel, ptrdiff_t K, VEC acc[ROWS][4])
{
    for (ptrdiff_t k = 0; k < K; k++) {
        const LOOSE *w = (const LOOSE *)(panel + k * 4 * LANES);
        VEC w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            REAL x = A[r * K + k];
            acc[r][0] += x * w0;
            acc[r][1] += x * w1;
            acc[r][2] += x * w2;
            acc[r][3] += x * w3;
        }
    }
}

/* Runs CALL(rows) over all B sequences in blocks of nearly equal size, `rows` a constant in each so that it unrolls */
#define FOR_BLOCKS(B, CALL)                                                                                           \
    for (ptrdiff_t b = 0, rows; b < (B); b += rows) {                                                                 \
        ptrdiff_t left = (B) - b, blocks = (left + ROWS - 1) / ROWS;                                                  \
        rows = (left + blocks - 1) / blocks;                                                                          \
        switch (rows) {                                                                                               \
        case 1: CALL(1); break;                                                                                       \
        case 2: if (ROWS >= 2) CALL(2); break;                                                                        \
        case 3: if (ROWS >= 3) CALL(3); break;                                                                        \
        case 4: if (ROWS >= 4) CALL(4); break;                                                                        \
        case 5: if (ROWS >= 5) CALL(5); break;                                                                        \
        case 6: if (ROWS >= 6) CALL(6); break;                                                                        \
        }                                                                                                             \
    }

INLINE void NAME(multiply_block)(const int rows, const REAL *A, const REAL *panel, const REAL *bias, REAL *C, ptrdiff_t K,
                                 ptrdiff_t N, ptrdiff_t p, REAL clip)
{
    VEC acc[ROWS][4] = {{{0}}};
    ptrdiff_t lanes;
    if (bias)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            ptrdiff_t n = NAME(column)(p, v, N, 0, &lanes);
            VEC start = NAME(load)(bias + n, lanes);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) acc[r][v] = start;
        }
    NAME(product)(rows, A, panel, K, acc);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            ptrdiff_t n = NAME(column)(p, v, N, 0, &lanes);
            NAME(store)(C + r * N + n, NAME(clip)(acc[r][v], -clip, clip), lanes);
        }
}

/* C (B, N) = clip(A (B, K) times the packed (K, N), plus bias (N) or NULL, +-clip): x Wx + b of (L1), (L6), and the products
   of their reverse. A row's result does not depend on the other rows: every block adds up its k in the same order. */
static void NAME(multiply)(const REAL *A, const REAL *packed, const REAL *bias, REAL *C, ptrdiff_t B, ptrdiff_t K,
                           ptrdiff_t N, REAL clip)
{
    for (ptrdiff_t p = 0; p < NAME(panels)(N); p++) {
        const REAL *panel = packed + p * K * 4 * LANES;
#define CALL(rows) NAME(multiply_block)(rows, A + b * K, panel, bias, C + b * N, K, N, p, clip)
        FOR_BLOCKS(B, CALL)
#undef CALL
    }
}

INLINE void NAME(gates_block)(const int rows, const REAL *h, const REAL *panel, REAL *a, const REAL *c_prev, REAL *c,
                              REAL *m, ptrdiff_t K, ptrdiff_t H, ptrdiff_t p, REAL clip)
{
    VEC acc[ROWS][4];
    ptrdiff_t j = p * LANES, lanes = H - j;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) acc[r][v] = NAME(load)(a + (r * 4 + v) * H + j, lanes);
    NAME(product)(rows, h, panel, K, acc);                                              /* (L1) */
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        VEC i = NAME(vsigmoid)(acc[r][0]), f = NAME(vsigmoid)(acc[r][1]);               /* (L2) */
        VEC o = NAME(vsigmoid)(acc[r][2]), g = NAME(vtanh)(acc[r][3]);                  /* (L2) */
        VEC c_t = f * NAME(load)(c_prev + r * H + j, lanes) + i * g;                    /* (L3) */
        c_t = NAME(clip)(c_t, -clip, clip);                                             /* (L4) */
        VEC m_t = o * NAME(vtanh)(c_t);                                                 /* (L5) */
        REAL *gate = a + r * 4 * H + j;
        NAME(store)(gate, i, lanes);
        NAME(store)(gate + H, f, lanes);
        NAME(store)(gate + 2 * H, o, lanes);
        NAME(store)(gate + 3 * H, g, lanes);
        NAME(store)(c + r * H + j, c_t, lanes);
        NAME(store)(m + r * H + j, m_t, lanes);
    }
}

/* (L1)-(L5) of one step: a (B, 4H) holds x Wx + b and becomes the gates; h (B, K); c_prev, c, m (B, H) */
static void NAME(gates)(const REAL *h, const REAL *packed, REAL *a, const REAL *c_prev, REAL *c, REAL *m, ptrdiff_t B,
                        ptrdiff_t K, ptrdiff_t H, REAL clip)
{
    for (ptrdiff_t p = 0; p * LANES < H; p++) {
        const REAL *panel = packed + p * K * 4 * LANES;
#define CALL(rows) NAME(gates_block)(rows, h + b * K, panel, a + b * 4 * H, c_prev + b * H, c + b * H, m + b * H, K, H, \
                                     p, clip)
        FOR_BLOCKS(B, CALL)
#undef CALL
    }
}
#undef FOR_BLOCKS

/* Reverse of (L5)-(L2) for one sequence: dm (H) -> da (4H); dc (H) is that of c_t and becomes that of c_{t-1} */
static void NAME(gates_backward)(const REAL *dm, REAL *dc, const REAL *ifog, const REAL *c_prev, const REAL *c, REAL *da,
                                 ptrdiff_t H, REAL clip)
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
        NAME(store)(da + j, di * i * (1 - i), n);                                       /* (L2) */
        NAME(store)(da + H + j, df * f * (1 - f), n);                                   /* (L2) */
        NAME(store)(da + 2 * H + j, do_t * o * (1 - o), n);                             /* (L2) */
        NAME(store)(da + 3 * H + j, dg * (1 - g * g), n);                               /* (L2) */
        NAME(store)(dc + j, dc_t * f, n);                                               /* (L3) */
    }
}

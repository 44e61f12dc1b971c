/* Matrix products C (M, N) = A (M, K) B (K, N) with B in panels. Every product of the model goes through here.

   A panel is up to 4 vectors wide: the 4 * LANES columns that a block of ROWS rows of C keeps in registers while k runs.
   B is either packed into panels, one after another, or a row-major matrix whose rows are whole vectors; A is read in
   place, row by row. Where the transpose of a matrix is multiplied, `transpose` copies it first: read by columns, every value
   would come from another line of the cache. For few rows of A, packing a large B would take as long as several products:
   for them there is multiply_in_place. Every element of C is summed over k = 0, 1, 2, .. whatever M, N and the blocks are:
   between two blocks of k it is stored and read as it is. So a sentence has the same hidden states alone and in any batch,
   bit for bit, and the sizes of the blocks may follow the caches of the machine. */

/* Maximum rows of a panel per block: 64 KB in float with AVX-512, 32 KB with AVX2. They come from the first- or second-level
   cache, which is fast enough for ROWS rows; smaller blocks would read and write C more often. */
#define K_BLOCK 256

/* Rows of B that multiply_in_place reads side by side. The processor fetches several streams of memory ahead, each in pages of
   its own, about twice as fast as one; more than eight are no faster, and their columns of more rows of A leave the cache. */
#define STREAMS 8

#define LINE (64 / (ptrdiff_t)sizeof(REAL))     /* values of a cache line */
#define FETCHED 16      /* lines that are fetched at a time: as many as the first-level cache can wait for */

/* The column at which vector v of panel p starts, and how many of its lanes are columns. With `gates`, the four vectors of
   a panel are the gates i, f, o, g of the same LANES hidden units. */
INLINE ptrdiff_t NAME(column)(ptrdiff_t p, int v, ptrdiff_t N, int gates, ptrdiff_t *lanes)
{
    ptrdiff_t start = gates ? p * LANES : (4 * p + v) * LANES, end = gates ? N / 4 : N;
    ptrdiff_t left = end - start;
    *lanes = left < 0 ? 0 : left < LANES ? left : LANES;
    return gates ? v * (N / 4) + start : start;
}

static ptrdiff_t NAME(packed_size)(ptrdiff_t K, ptrdiff_t N, int gates)
{
    ptrdiff_t units = N / 4;
    return (gates ? (units + LANES - 1) / LANES : (N + 4 * LANES - 1) / (4 * LANES)) * K * 4 * LANES;
}

/* Panels of the (K, N) matrix whose element (k, n) is W[k * row + n * column] */
static void NAME(pack)(const REAL *W, ptrdiff_t row, ptrdiff_t column, ptrdiff_t K, ptrdiff_t N, int gates, REAL *to)
{
    ptrdiff_t panels = K ? NAME(packed_size)(K, N, gates) / (K * 4 * LANES) : 0, lanes[4];
    for (ptrdiff_t p = 0; p < panels; p++) {
        const REAL *from[4];
        for (int v = 0; v < 4; v++) from[v] = W + NAME(column)(p, v, N, gates, &lanes[v]) * column;
        for (ptrdiff_t k = 0; k < K; k++)
            for (int v = 0; v < 4; v++, to += LANES) {
                if (column == 1)
                    NAME(store)(to, NAME(load)(from[v] + k * row, lanes[v]), LANES);
                else
                    for (ptrdiff_t l = 0; l < LANES; l++) to[l] = l < lanes[v] ? from[v][k * row + l * column] : 0;
            }
    }
}

/* to (N, M) = A^T of a contiguous A (M, N), by squares of one line by one line */
static void NAME(transpose)(const REAL *A, ptrdiff_t M, ptrdiff_t N, REAL *to)
{
    for (ptrdiff_t top = 0; top < M; top += LINE)
        for (ptrdiff_t left = 0; left < N; left += LINE) {
            const ptrdiff_t rows = M - top < LINE ? M - top : LINE, columns = N - left < LINE ? N - left : LINE;
            const REAL *from = A + top * N + left;
            REAL *square = to + left * M + top;
            for (ptrdiff_t m = 0; m < rows; m++)
                for (ptrdiff_t n = 0; n < columns; n++) square[n * M + m] = from[m * N + n];
        }
}

/* acc[r][v] += sum_k A[r][k] B[k][v]: `vectors` loads of B and `rows` values of A for rows * vectors multiply-adds */
INLINE void NAME(product)(const int rows, const int vectors, const REAL *A, ptrdiff_t row, const REAL *B, ptrdiff_t b_row,
                          ptrdiff_t K, VEC acc[ROWS][4])
{
    for (ptrdiff_t k = 0; k < K; k++) {
        const LOOSE *w = (const LOOSE *)(B + k * b_row);
        VEC w0 = w[0], w1 = w0, w2 = w0, w3 = w0;
        if (vectors > 1) w1 = w[1];
        if (vectors > 2) w2 = w[2];
        if (vectors > 3) w3 = w[3];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            REAL x = A[r * row + k];
            acc[r][0] += x * w0;
            if (vectors > 1) acc[r][1] += x * w1;
            if (vectors > 2) acc[r][2] += x * w2;
            if (vectors > 3) acc[r][3] += x * w3;
        }
    }
}

/* `product` for packed rows of B, while lines from `ahead` on are fetched, one per row of B; NULL: none. The next panel
   arrives with many rows of A in the time in which this one is multiplied, and not after it. */
INLINE void NAME(product_ahead)(const int rows, const int vectors, const REAL *A, ptrdiff_t row, const REAL *B,
                                ptrdiff_t b_row, ptrdiff_t K, const REAL *ahead, VEC acc[ROWS][4])
{
    const ptrdiff_t step = ahead ? FETCHED : K;
    for (ptrdiff_t k = 0; k < K; k += step) {
        const ptrdiff_t rest = K - k < step ? K - k : step;
        for (ptrdiff_t l = k; ahead && l < k + rest; l++) __builtin_prefetch(ahead + l * LINE, 0, 2);
        NAME(product)(rows, vectors, A + k, row, B + k * b_row, b_row, rest, acc);
    }
}

/* What block `block` of the rows of A fetches with product_ahead: its part of the panel at `next`, or of the rest of this
   one; NULL where all is fetched, or all of B, so many values, stays in the second-level cache */
INLINE const REAL *NAME(ahead)(const REAL *next, ptrdiff_t block, ptrdiff_t K, ptrdiff_t values)
{
    const int needed = values * (ptrdiff_t)sizeof(REAL) > second_cache && block * LINE < 4 * LANES;
    return needed ? next + block * K * LINE : NULL;
}

/* Runs CALL(rows) over all M rows in blocks of nearly equal size, `rows` a constant in each so that it unrolls */
#define FOR_BLOCKS(FIRST, END, CALL)                                                                                  \
    for (ptrdiff_t at = (FIRST), rows, block = 0; at < (END); at += rows, block++) {                                  \
        ptrdiff_t left = (END) - at, blocks = (left + ROWS - 1) / ROWS;                                               \
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

INLINE void NAME(multiply_block)(const int rows, const int vectors, const REAL *A, ptrdiff_t row, const REAL *B,
                                 ptrdiff_t b_row, const REAL *ahead, REAL *C, ptrdiff_t c_row, int add, const REAL *bias,
                                 const REAL *row_bias, ptrdiff_t K, ptrdiff_t N, REAL clip)
{
    VEC acc[ROWS][4] = {{{0}}};
    const ptrdiff_t last = N - (vectors - 1) * LANES;       /* lanes of the last vector that are columns */
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            const ptrdiff_t lanes = v == vectors - 1 ? last : LANES;
            if (add) acc[r][v] = NAME(load)(C + r * c_row + v * LANES, lanes);
            else if (bias) acc[r][v] = NAME(load)(bias + v * LANES, lanes);
            else if (row_bias) acc[r][v] = NAME(all)(row_bias[r]);
        }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)          /* the C of the next block arrives while this one is computed */
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) __builtin_prefetch(C + (r + rows) * c_row + v * LANES, 1);
    NAME(product_ahead)(rows, vectors, A, row, B, b_row, K, ahead, acc);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            VEC x = acc[r][v];
            if (clip < HUGE_VAL) x = NAME(clip)(x, -clip, clip);
            NAME(store)(C + r * c_row + v * LANES, x, v == vectors - 1 ? last : LANES);
        }
}

/* The size, at least 1, of blocks of at most `most` that divide n as evenly as possible */
INLINE ptrdiff_t NAME(block_size)(ptrdiff_t n, ptrdiff_t most)
{
    const ptrdiff_t blocks = (n + most - 1) / most;
    return blocks ? (n + blocks - 1) / blocks : 1;
}

/* `multiply` of rows `first` to `end` of A with K rows of a panel, the columns of C from n on; next: the panel's packed
   rows after these, or the panel after it, of so many values of B; or NULL */
INLINE void NAME(multiply_panel)(const REAL *A, ptrdiff_t row, const REAL *panel, ptrdiff_t b_row, const REAL *next,
                                 ptrdiff_t values, REAL *C, ptrdiff_t c_row, int add, const REAL *bias,
                                 const REAL *row_bias, ptrdiff_t first, ptrdiff_t end, ptrdiff_t K, ptrdiff_t n, ptrdiff_t N,
                                 REAL clip)
{
    const REAL *starts = bias ? bias + n : NULL;
#define CALL(rows, vectors)                                                                                           \
    NAME(multiply_block)(rows, vectors, A + at * row, row, panel, b_row,                                              \
                         next ? NAME(ahead)(next, block, K, values) : NULL, C + at * c_row + n, c_row, add, starts,   \
                         row_bias ? row_bias + at : NULL, K, N - n, clip)
#define CALL4(rows) CALL(rows, 4)
#define CALL3(rows) CALL(rows, 3)
#define CALL2(rows) CALL(rows, 2)
#define CALL1(rows) CALL(rows, 1)
    if (N - n > 3 * LANES) FOR_BLOCKS(first, end, CALL4)
    else if (N - n > 2 * LANES) FOR_BLOCKS(first, end, CALL3)
    else if (N - n > LANES) FOR_BLOCKS(first, end, CALL2)
    else FOR_BLOCKS(first, end, CALL1)
#undef CALL
#undef CALL1
#undef CALL2
#undef CALL3
#undef CALL4
}

/* C (M, N), rows c_row apart, = A B [+ C] [+ bias (N)] [+ row_bias (M)], clipped to +-clip; element (m, k) of A is
   A[m * row + k] */
static void NAME(multiply)(const REAL *A, ptrdiff_t row, const REAL *B, ptrdiff_t b_panel, ptrdiff_t b_row, REAL *C,
                           ptrdiff_t c_row, int add, const REAL *bias, const REAL *row_bias, ptrdiff_t M,
                           ptrdiff_t K, ptrdiff_t N, REAL clip)
{
    const ptrdiff_t row_bytes = (K + 1) * (ptrdiff_t)sizeof(REAL), fitting = second_cache / 2 / row_bytes;
    const ptrdiff_t size = NAME(block_size)(M, fitting > 8 * ROWS ? fitting : 8 * ROWS), depth = NAME(block_size)(K, K_BLOCK);
    const int packed = b_panel == K * b_row;
    for (ptrdiff_t first = 0; first < M; first += size) {       /* rows of A that stay in the second-level cache .. */
        const ptrdiff_t end = first + size < M ? first + size : M;
        for (ptrdiff_t n = 0; n < N; n += 4 * LANES)            /* .. while all panels are used .. */
            for (ptrdiff_t k = 0; k < K || k == 0; k += depth) {    /* .. and so do their C of a panel */
                const ptrdiff_t rest = K - k < depth ? K - k : depth;
                const REAL *panel = B + n / (4 * LANES) * b_panel + k * b_row;
                NAME(multiply_panel)(A + k, row, panel, b_row, packed ? panel + rest * b_row : NULL, K * N,
                                     C, c_row, add || k, bias, row_bias, first, end, rest, n, N,
                                     k + depth < K ? (REAL)HUGE_VAL : clip);
            }
    }
}

/* `multiply` for few rows of A and a row-major B (K, N) of whole vectors, which is read once, where it is: C = A B [+ C]
   [+ bias (N)], clipped. C stays in the second-level cache. */
static void NAME(multiply_in_place)(const REAL *A, const REAL *B, REAL *C, int add, const REAL *bias, ptrdiff_t M,
                                    ptrdiff_t K, ptrdiff_t N, REAL clip)
{
    for (ptrdiff_t k = 0; k < K || k == 0; k += STREAMS) {
        const ptrdiff_t rest = K - k < STREAMS ? K - k : STREAMS;
        const REAL bound = k + STREAMS < K ? (REAL)HUGE_VAL : clip;
        for (ptrdiff_t n = 0; n < N; n += 4 * LANES)
            NAME(multiply_panel)(A + k, K, B + k * N + n, N, NULL, 0, C, N, add || k, bias, NULL, 0, M,
                                 rest, n, N, bound);
    }
}

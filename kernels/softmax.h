/* Softmax and its gradient by blocks of words, while a block's logits are in the second-level cache.

   Logits have one row per word: z (V, R) = W (V, P) h^T (P, R). So the vectors hold targets, the sums over words are plain
   additions, and neither W nor anything else as large as the vocabulary is ever packed or transposed. */

/* Words per block: for some 400 targets 200 KB in float. A multiple of ROWS in every body except ARM's. */
#define WORDS 120
/* The same for backward, which reads and writes dh once per block */
#define DZ_WORDS 180

/* Updates top and total of the targets from r on, `vectors` vectors of them, with the words z (words, R) */
INLINE void NAME(update_total)(const int vectors, const REAL *z, ptrdiff_t words, ptrdiff_t R, ptrdiff_t r, REAL *top,
                               REAL *total)
{
    VEC before[4], max[4], sum[4] = {{0}};
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) max[v] = before[v] = NAME(load)(top + r + v * LANES, R - r - v * LANES);
    for (ptrdiff_t w = 0; w < words; w++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            VEC x = NAME(load)(z + w * R + r + v * LANES, R - r - v * LANES);
            max[v] = NAME(select)(x > max[v], x, max[v]);
        }
    for (ptrdiff_t w = 0; w < words; w++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[v] += NAME(vexp)(NAME(load)(z + w * R + r + v * LANES, R - r - v * LANES) - max[v]);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        const ptrdiff_t lanes = R - r - v * LANES;
        VEC scaled = NAME(load)(total + r + v * LANES, lanes) * NAME(vexp)(before[v] - max[v]);
        NAME(store)(total + r + v * LANES, scaled + sum[v], lanes);
        NAME(store)(top + r + v * LANES, max[v], lanes);
    }
}

/* -log p(y) of R targets in nats, 0 for y < 0; top, the maximum logit, and total, the sum of exp(z - top), for backward.

   h: h^T (P, R) packed; z (V, R) keeps the logits; where `keep` is 0, it is a work area (WORDS, R) */
static void NAME(softmax_forward)(const REAL *h, const int64_t *y, const REAL *W, const REAL *b, REAL *z, int keep,
                                  REAL *top, REAL *total, REAL *loss, ptrdiff_t R, ptrdiff_t P, ptrdiff_t V)
{
    for (ptrdiff_t r = 0; r < R; r++) top[r] = -(REAL)HUGE_VAL, total[r] = loss[r] = 0;
    for (ptrdiff_t first = 0; first < V; first += WORDS) {
        const ptrdiff_t words = V - first < WORDS ? V - first : WORDS;
        REAL *block = keep ? z + first * R : z;
        NAME(multiply)(W + first * P, P, h, P * 4 * LANES, 4 * LANES, block, R, 0, NULL, b + first, words, P, R,
                       (REAL)HUGE_VAL);                                                         /* (S1) */
        ptrdiff_t r = 0;
        for (; R - r >= 4 * LANES; r += 4 * LANES) NAME(update_total)(4, block, words, R, r, top, total);
        for (; r < R; r += LANES) NAME(update_total)(1, block, words, R, r, top, total);
        for (r = 0; r < R; r++)
            if (y[r] >= first && y[r] < first + words) loss[r] = block[(y[r] - first) * R + r];
    }
    for (ptrdiff_t r = 0; r < R; r++)
        loss[r] = y[r] < 0 ? 0 : (REAL)(log((double)total[r]) + ((double)top[r] - loss[r]));    /* (S2) */
}

/* dz (words, R_whole) of a block, zero past R, and its sums over the targets in db */
static void NAME(softmax_dz)(const REAL *z, const int64_t *y, const REAL *top, const REAL *factor, REAL scale, REAL *dz,
                             REAL *db, ptrdiff_t first, ptrdiff_t words, ptrdiff_t R, ptrdiff_t R_whole)
{
    for (ptrdiff_t w = 0; w < words; w++)
        for (ptrdiff_t r = 0; r < R; r += LANES) {
            VEC p = NAME(vexp)(NAME(load)(z + w * R + r, R - r) - NAME(load)(top + r, R - r));
            *(LOOSE *)(dz + w * R_whole + r) = p * *(const LOOSE *)(factor + r);                /* (S2), (S3) */
        }
    for (ptrdiff_t r = 0; r < R; r++)
        if (y[r] >= first && y[r] < first + words) dz[(y[r] - first) * R_whole + r] -= scale;   /* (S2) dz = p - 1[v = y] */
    for (ptrdiff_t w = 0; w < words; w++) {
        VEC sums = {0};
        for (ptrdiff_t r = 0; r < R; r += LANES) sums += *(const LOOSE *)(dz + w * R_whole + r);
        db[w] = 0;
        for (ptrdiff_t l = 0; l < LANES; l++) db[w] += sums[l];                                 /* (S1) db */
    }
}

/* Reverse of softmax_forward for `scale` times the sum of the losses: dh^T (P, R_whole), db and dW, which it accumulates
   if `add`.

   h_by_row: h (R, P) packed; z: the logits, or NULL to compute them again from h = h^T packed; dz (DZ_WORDS, R_whole),
   block (DZ_WORDS, R) and W_T (P, DZ_WORDS): work areas; factor (R_whole): scale / total, 0 at padding (y = -1) and past
   R. R_whole: R rounded up to whole vectors. */
static void NAME(softmax_backward)(REAL scale, const REAL *h, const REAL *h_by_row, const int64_t *y, const REAL *W,
                                   const REAL *b, const REAL *z, const REAL *top, const REAL *factor, REAL *block, REAL *dz,
                                   REAL *W_T, REAL *dW, REAL *db, int add, REAL *dh, ptrdiff_t R, ptrdiff_t R_whole,
                                   ptrdiff_t P, ptrdiff_t V)
{
    const REAL free = (REAL)HUGE_VAL;
    for (ptrdiff_t first = 0; first < V; first += DZ_WORDS) {
        const ptrdiff_t words = V - first < DZ_WORDS ? V - first : DZ_WORDS;
        const REAL *W_block = W + first * P, *z_block = z ? z + first * R : block;
        if (!z)
            NAME(multiply)(W_block, P, h, P * 4 * LANES, 4 * LANES, block, R, 0, NULL, b + first, words, P, R, free); /* (S1) */
        NAME(softmax_dz)(z_block, y, top, factor, scale, dz, db + first, first, words, R, R_whole);
        NAME(multiply)(dz, R_whole, h_by_row, R * 4 * LANES, 4 * LANES, dW + first * P, P, add, NULL, NULL, words, R, P,
                       free);                                                                   /* (S1) dW */
        NAME(transpose)(W_block, words, P, W_T);
        NAME(multiply)(W_T, words, dz, 4 * LANES, R_whole, dh, R_whole, first > 0, NULL, NULL, P, words, R_whole,
                       free);                                                                   /* (S1) dh */
    }
}

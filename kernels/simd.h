/* Three bodies of the same code, for three kinds of CPU, and the table through which one of them is called.

   matmul.h, char_cnn.h, lstm.h and softmax.h are written once, in GCC's vector types (clang has them too), for a number
   type REAL and vectors of WIDTH bytes. body.h turns them into functions; this file includes it once per kind of CPU. The
   choice is made at import and not at build time, so that a build can move to another machine. */
#ifndef ELMO_NP_SIMD_H
#define ELMO_NP_SIMD_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "The kernels use vector types that only gcc and clang have. On Windows, install clang: see kernels/README.md."
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __unix__
#include <unistd.h>
#endif

/* Bytes of a core's second-level cache, which set the sizes of blocks, never a result */
static ptrdiff_t second_cache = 1 << 20;

/* What the system knows of that cache; 1 MB where it tells nothing */
static void ask_caches(void)
{
#ifdef _SC_LEVEL2_CACHE_SIZE
    const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (size > 0) second_cache = size;
#endif
}

/* The functions of a body, for float and for double. The arguments are explained where the functions are defined. */
#define OPERATIONS(REAL)                                                                                              \
    struct {                                                                                                          \
        ptrdiff_t lanes, rows;                                                                                        \
        ptrdiff_t (*packed_size)(ptrdiff_t K, ptrdiff_t N, int gates);                                                \
        void (*pack)(const REAL *W, ptrdiff_t row, ptrdiff_t column, ptrdiff_t K, ptrdiff_t N, int gates, REAL *to);  \
        void (*transpose)(const REAL *A, ptrdiff_t M, ptrdiff_t N, REAL *to);                                         \
        void (*multiply)(const REAL *A, ptrdiff_t row, const REAL *B, ptrdiff_t b_panel, ptrdiff_t b_row, REAL *C,    \
                         ptrdiff_t c_row, int add, const REAL *bias, const REAL *row_bias, ptrdiff_t M, ptrdiff_t K,  \
                         ptrdiff_t N, REAL clip);                                                                     \
        void (*multiply_in_place)(const REAL *A, const REAL *B, REAL *C, int add, const REAL *bias, ptrdiff_t M,      \
                                  ptrdiff_t K, ptrdiff_t N, REAL clip);                                               \
        void (*gates)(const REAL *h, const REAL *packed, REAL *a, const REAL *c_prev, REAL *c, REAL *m, ptrdiff_t B,  \
                      ptrdiff_t K, ptrdiff_t H, REAL clip);                                                           \
        void (*gates_backward)(const REAL *dm, REAL *dc, const REAL *ifog, const REAL *c_prev, const REAL *c,         \
                               REAL *da, REAL *db, ptrdiff_t H, REAL clip);                                           \
        void (*softmax_forward)(const REAL *h, const int64_t *y, const REAL *W, const REAL *b, REAL *z, int keep,     \
                                REAL *top, REAL *total, REAL *loss, ptrdiff_t R, ptrdiff_t P, ptrdiff_t V);           \
        void (*softmax_backward)(REAL scale, const REAL *h, const REAL *h_by_row, const int64_t *y, const REAL *W,    \
                                 const REAL *b, const REAL *z, const REAL *top, const REAL *factor, REAL *block,      \
                                 REAL *dz, REAL *W_T, REAL *dW, REAL *db, int add, REAL *dh, ptrdiff_t R,             \
                                 ptrdiff_t R_whole, ptrdiff_t P, ptrdiff_t V);                                        \
        void (*convolve)(const REAL *e, ptrdiff_t word, ptrdiff_t C, const int64_t *positions, const REAL *W, REAL *panel, \
                         REAL *m, REAL *argmax, ptrdiff_t G, ptrdiff_t K, ptrdiff_t N);                                 \
        void (*apply_sigmoid)(REAL *x, ptrdiff_t n);                                                                  \
        void (*apply_tanh)(REAL *x, ptrdiff_t n);                                                                     \
    }
typedef OPERATIONS(float) float_operations;
typedef OPERATIONS(double) double_operations;
typedef struct { const char *name; float_operations f; double_operations d; } body;

/* ROWS: rows of a product whose accumulators (4 vectors each) fit the vector registers of the CPU. */
#define BODY base
#define WIDTH 16
#ifdef __aarch64__
#define ROWS 5      /* 32 registers */
#else
#define ROWS 2      /* 16 registers */
#endif
#include "body.h"
#undef BODY
#undef WIDTH
#undef ROWS

#ifdef __x86_64__
#include "cpu.h"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define BODY avx2
#define WIDTH 32
#define ROWS 3      /* 16 registers: 12 accumulators */
#include "body.h"
#undef BODY
#undef WIDTH
#undef ROWS
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma")
#endif
#define BODY avx512
#define WIDTH 64
#define ROWS 6      /* 32 registers: 24 accumulators */
#include "body.h"
#undef BODY
#undef WIDTH
#undef ROWS
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

/* Body `index` of those that this CPU can run, slowest first; NULL past the last. */
static const body *cpu_body(int index)
{
#ifdef __x86_64__
    static const body *const all[] = {&body_base, &body_avx2, &body_avx512};
    return index <= cpu_vectors() ? all[index] : NULL;
#else
    return index < 1 ? &body_base : NULL;
#endif
}

#endif

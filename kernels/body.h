/* One body: the functions of matmul.h, char_cnn.h, lstm.h and softmax.h for the CPU that BODY, WIDTH and ROWS describe.
   No include guard: simd.h includes it several times. */
#define JOIN_(a, b, c) a##_##b##_##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define NAME(f) JOIN(f, BODY, REAL)
#define OPERATIONS_OF(R)                                                                                              \
    {WIDTH / (ptrdiff_t)sizeof(R), ROWS, JOIN(packed_size, BODY, R), JOIN(pack, BODY, R), JOIN(transpose, BODY, R),  \
     JOIN(multiply, BODY, R), JOIN(multiply_in_place, BODY, R), JOIN(gates, BODY, R), JOIN(gates_backward, BODY, R),  \
     JOIN(softmax_forward, BODY, R), JOIN(softmax_backward, BODY, R),                                                 \
     JOIN(convolve, BODY, R), JOIN(apply_sigmoid, BODY, R), JOIN(apply_tanh, BODY, R)}
#define TABLE_(b) body_##b
#define TABLE(b) TABLE_(b)
#define STRING_(b) #b
#define STRING(b) STRING_(b)

#define REAL float
#define INTEGER int32_t
#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127
#define EXP_TERMS 7         /* Taylor to r^7 / 7!: |r| <= ln 2 / 2 leaves 5e-9 */
#define EXP_LOW -87.0f      /* from here to EXP_HIGH e^x is a normal number */
#define EXP_HIGH 88.0f
#define ROUNDER 12582912.0f /* 1.5 * 2^23: adding it rounds to a whole number */
#define LN2_HIGH 0.693359375f /* ln 2 in two parts, the first so short that n times it is exact */
#define LN2_LOW -2.12194440e-4f
#include "vector.h"
#include "matmul.h"
#include "char_cnn.h"
#include "lstm.h"
#include "softmax.h"
#undef FOR_BLOCKS
#undef REAL
#undef INTEGER
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef EXP_TERMS
#undef EXP_LOW
#undef EXP_HIGH
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW

#define REAL double
#define INTEGER int64_t
#define MANTISSA_BITS 52
#define EXPONENT_BIAS 1023
#define EXP_TERMS 14        /* r^14 / 14! leaves 1e-19 */
#define EXP_LOW -708.0
#define EXP_HIGH 709.0
#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define LN2_HIGH 6.93145751953125e-1
#define LN2_LOW 1.42860682030941723212e-6
#include "vector.h"
#include "matmul.h"
#include "char_cnn.h"
#include "lstm.h"
#include "softmax.h"
#undef FOR_BLOCKS
#undef REAL
#undef INTEGER
#undef MANTISSA_BITS
#undef EXPONENT_BIAS
#undef EXP_TERMS
#undef EXP_LOW
#undef EXP_HIGH
#undef ROUNDER
#undef LN2_HIGH
#undef LN2_LOW

static const body TABLE(BODY) = {STRING(BODY), OPERATIONS_OF(float), OPERATIONS_OF(double)};

#undef JOIN_
#undef JOIN
#undef NAME
#undef OPERATIONS_OF
#undef TABLE_
#undef TABLE
#undef STRING_
#undef STRING

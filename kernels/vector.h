/* Vectors of WIDTH bytes and the functions of (L2) on them, of one vector and of an array. body.h includes this file once per number type. */
#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif
#undef VEC
#undef IVEC
#undef LOOSE
#undef LANES
#define VEC NAME(vec)
#define IVEC NAME(ivec)
#define LOOSE NAME(loose)
#define LANES (WIDTH / (ptrdiff_t)sizeof(REAL))

typedef REAL VEC __attribute__((vector_size(WIDTH)));
typedef INTEGER IVEC __attribute__((vector_size(WIDTH)));
typedef REAL LOOSE __attribute__((vector_size(WIDTH), aligned(sizeof(REAL)), may_alias));   /* anywhere in memory */

/* n lanes from p (all of them if n is LANES or more), zeros in the others */
INLINE VEC NAME(load)(const REAL *p, ptrdiff_t n)
{
    VEC v = {0};
    if (n >= LANES) return *(const LOOSE *)p;
    memcpy(&v, p, (size_t)n * sizeof(REAL));
    return v;
}

INLINE void NAME(store)(REAL *p, VEC v, ptrdiff_t n)
{
    if (n >= LANES) *(LOOSE *)p = v;
    else memcpy(p, &v, (size_t)n * sizeof(REAL));
}

INLINE VEC NAME(all)(REAL x)
{
    VEC v = {0};
    return v + x;
}

/* C has no ?: on vectors */
INLINE VEC NAME(select)(IVEC mask, VEC yes, VEC no)
{
    return (VEC)((mask & (IVEC)yes) | (~mask & (IVEC)no));
}

/* A comparison with NaN is false, so NaN comes out as NaN: a diverging training run must not be hidden. */
INLINE VEC NAME(clip)(VEC x, REAL low, REAL high)
{
    x = NAME(select)(x < low, NAME(all)(low), x);
    return NAME(select)(x > high, NAME(all)(high), x);
}

/* e^x = scale + scale * p: x, first clipped to [low, high], = n ln 2 + r with |r| <= ln 2 / 2, scale = 2^n, and p = e^r - 1
   by its Taylor series */
INLINE VEC NAME(exp_parts)(VEC x, REAL low, REAL high, VEC *scale)
{
    static const REAL over_factorial[] = {1, 1, 1 / 2.0, 1 / 6.0, 1 / 24.0, 1 / 120.0, 1 / 720.0, 1 / 5040.0,
        1 / 40320.0, 1 / 362880.0, 1 / 3628800.0, 1 / 39916800.0, 1 / 479001600.0, 1 / 6227020800.0,
        1 / 87178291200.0};
    x = NAME(clip)(x, low, high);
    VEC shifted = x * (REAL)1.44269504088896340736 + ROUNDER;       /* the low bits now hold n = round(x / ln 2) */
    IVEC n = (IVEC)shifted;
    shifted -= ROUNDER;
    VEC r = x - shifted * LN2_HIGH;
    r -= shifted * LN2_LOW;
    VEC p = NAME(all)(over_factorial[EXP_TERMS]);
#pragma GCC unroll 16
    for (int k = EXP_TERMS - 1; k >= 1; k--) p = p * r + over_factorial[k];
    IVEC power = (n << MANTISSA_BITS) + ((INTEGER)EXPONENT_BIAS << MANTISSA_BITS);
    *scale = (VEC)power;
    return p * r;
}

INLINE VEC NAME(vexp)(VEC x)
{
    VEC scale, p = NAME(exp_parts)(x, EXP_LOW, EXP_HIGH, &scale);
    return scale + scale * p;
}

INLINE VEC NAME(vsigmoid)(VEC x)
{
    return 1 / (1 + NAME(vexp)(-x));
}

/* (e^2x - 1) / (e^2x + 1), from parts: near 0 minus_one is exact, where subtracting 1 from e^2x would lose every digit */
INLINE VEC NAME(vtanh)(VEC x)
{
    VEC scale, p = NAME(exp_parts)(x + x, -40, 40, &scale);     /* beyond 20 tanh is 1 to the last bit */
    VEC minus_one = scale * p + (scale - 1);
    return minus_one / (minus_one + 2);
}

/* x (n) becomes its sigmoid, or its tanh: what a kernel needs that is otherwise written for one value at a time */
static void NAME(apply_sigmoid)(REAL *x, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j += LANES) NAME(store)(x + j, NAME(vsigmoid)(NAME(load)(x + j, n - j)), n - j);
}

static void NAME(apply_tanh)(REAL *x, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j += LANES) NAME(store)(x + j, NAME(vtanh)(NAME(load)(x + j, n - j)), n - j);
}

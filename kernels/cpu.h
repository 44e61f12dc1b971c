/* Which vectors this x86-64 CPU has. Asked with cpuid itself: __builtin_cpu_supports needs a library that clang does not
   have on Windows. */
#ifndef ELMO_NP_CPU_H
#define ELMO_NP_CPU_H

enum { SSE_STATE = 1 << 1, AVX_STATE = 1 << 2, AVX512_STATE = 7 << 5 };     /* registers that the system saves */
enum { FMA = 1 << 12, OSXSAVE = 1 << 27, AVX = 1 << 28 };                   /* leaf 1, ecx */
enum { AVX2 = 1 << 5 };                                                     /* leaf 7, ebx */
#define AVX512_F_DQ_BW_VL (1u << 16 | 1u << 17 | 1u << 30 | 1u << 31)       /* leaf 7, ebx */

typedef struct { unsigned eax, ebx, ecx, edx; } cpuid_answer;

static cpuid_answer cpuid(unsigned leaf)
{
    cpuid_answer r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
}

/* 2 with AVX-512 (F, DQ, BW and VL), 1 with AVX2 and FMA, otherwise 0 */
static int cpu_vectors(void)
{
    const unsigned needed = FMA | OSXSAVE | AVX;
    unsigned saved, high;
    if (cpuid(0).eax < 7 || (cpuid(1).ecx & needed) != needed) return 0;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    (void)high;
    const unsigned features = cpuid(7).ebx, avx = SSE_STATE | AVX_STATE, avx512 = avx | AVX512_STATE;
    if ((saved & avx) != avx || !(features & AVX2)) return 0;
    return (saved & avx512) == avx512 && (features & AVX512_F_DQ_BW_VL) == AVX512_F_DQ_BW_VL ? 2 : 1;
}

#endif

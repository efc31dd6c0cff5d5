/* SPDX-License-Identifier: MIT */
#include "crypto/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[] = {
    "ssse3", "sse4.1",  "aes",      "pclmul",   "sha",      "bmi2",       "avx2",       "vaes",        "vpclmul",
    "gfni",  "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512ifma", "avx512vbmi", "avx512vbmi2",
};

const char *cx_cpu_bit_name(size_t i)
{
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

#if defined(__x86_64__)

enum reg { EAX, EBX, ECX, EDX };

/* Where CPUID shows each: bits of the leaves 1 and 7. */
static const struct {
    uint8_t leaf, reg, bit;
    uint32_t feature;
} where[] = {
    { 1, ECX, 1, CX_CPU_PCLMUL },      { 1, ECX, 9, CX_CPU_SSSE3 },       { 1, ECX, 19, CX_CPU_SSE41 },
    { 1, ECX, 25, CX_CPU_AESNI },      { 7, EBX, 5, CX_CPU_AVX2 },        { 7, EBX, 8, CX_CPU_BMI2 },
    { 7, EBX, 29, CX_CPU_SHANI },      { 7, EBX, 16, CX_CPU_AVX512F },    { 7, EBX, 17, CX_CPU_AVX512DQ },
    { 7, EBX, 21, CX_CPU_AVX512IFMA }, { 7, EBX, 30, CX_CPU_AVX512BW },   { 7, EBX, 31, CX_CPU_AVX512VL },
    { 7, ECX, 1, CX_CPU_AVX512VBMI },  { 7, ECX, 6, CX_CPU_AVX512VBMI2 }, { 7, ECX, 8, CX_CPU_GFNI },
    { 7, ECX, 9, CX_CPU_VAES },        { 7, ECX, 10, CX_CPU_VPCLMUL },
};

enum {
    OSXSAVE_BIT = 27,
    YMM_STATE = 0x06, /* XCR0: the registers of SSE and AVX */
    ZMM_STATE = 0xe6, /* and the masks and both parts of AVX-512's */
};

#define YMM_BITS ((uint32_t)(CX_CPU_AVX2 | CX_CPU_VAES | CX_CPU_VPCLMUL))
#define ZMM_BITS ((uint32_t)(CX_CPU_AVX512 | CX_CPU_AVX512IFMA | CX_CPU_AVX512VBMI | CX_CPU_AVX512VBMI2))

static uint32_t saved_state(uint32_t leaf1_ecx)
{
    uint32_t low = 0, high;
    if (leaf1_ecx >> OSXSAVE_BIT & 1)
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

uint32_t cx_cpu_detect(void)
{
    uint32_t leaf1[4] = { 0 }, leaf7[4] = { 0 }, found = 0;
    if (!__get_cpuid(1, &leaf1[EAX], &leaf1[EBX], &leaf1[ECX], &leaf1[EDX]))
        return 0;
    __get_cpuid_count(7, 0, &leaf7[EAX], &leaf7[EBX], &leaf7[ECX], &leaf7[EDX]);
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        const uint32_t *leaf = where[i].leaf == 1 ? leaf1 : leaf7;
        if (leaf[where[i].reg] >> where[i].bit & 1)
            found |= where[i].feature;
    }
    uint32_t saved = saved_state(leaf1[ECX]);
    if ((saved & YMM_STATE) != YMM_STATE)
        found &= ~YMM_BITS;
    if ((saved & ZMM_STATE) != ZMM_STATE)
        found &= ~ZMM_BITS;
    return found;
}

#else

uint32_t cx_cpu_detect(void)
{
    return 0;
}

#endif

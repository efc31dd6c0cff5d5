/* SPDX-License-Identifier: MIT */
/* What the processor and the operating system allow beyond the plain instruction set, as bits. On anything but x86-64 there are
 * none. Any thread. */
#ifndef CX_CPU_H
#define CX_CPU_H

#include <stddef.h>
#include <stdint.h>

enum cx_cpu_bit {
    CX_CPU_SSSE3 = 1u << 0,
    CX_CPU_SSE41 = 1u << 1,
    CX_CPU_AESNI = 1u << 2,
    CX_CPU_PCLMUL = 1u << 3,
    CX_CPU_SHANI = 1u << 4,
    CX_CPU_BMI2 = 1u << 5,
    CX_CPU_AVX2 = 1u << 6,
    CX_CPU_VAES = 1u << 7, /* with VPCLMULQDQ: of 256 bits; of 512 beside CX_CPU_AVX512F */
    CX_CPU_VPCLMUL = 1u << 8,
    CX_CPU_GFNI = 1u << 9,
    CX_CPU_AVX512F = 1u << 10,
    CX_CPU_AVX512BW = 1u << 11,
    CX_CPU_AVX512VL = 1u << 12,
    CX_CPU_AVX512DQ = 1u << 13,
    CX_CPU_AVX512IFMA = 1u << 14,
    CX_CPU_AVX512VBMI = 1u << 15,
    CX_CPU_AVX512VBMI2 = 1u << 16,
};

/* What every processor with AVX-512 has but the first Xeon Phis. */
#define CX_CPU_AVX512 ((uint32_t)(CX_CPU_AVX512F | CX_CPU_AVX512BW | CX_CPU_AVX512VL | CX_CPU_AVX512DQ))

/* The bits that hold here: CPUID's, without those whose registers the operating system does not save (XGETBV). */
uint32_t cx_cpu_detect(void);

/* The name of the i-th bit from the lowest, such as "vaes"; NULL past the last. */
const char *cx_cpu_bit_name(size_t i);

#endif

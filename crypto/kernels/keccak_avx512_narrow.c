/* SPDX-License-Identifier: MIT */
/* Keccak-f[1600] on four states, with AVX-512's instructions and 32 registers. */
#include <immintrin.h>

#include "crypto/keccak_lanes.h"

typedef __m256i word;

static inline word xor3(word a, word b, word c)
{
    return _mm256_ternarylogic_epi64(a, b, c, 0x96);
}

static inline word chi(word a, word b, word c)
{
    return _mm256_ternarylogic_epi64(a, b, c, 0xd2);
}

#define ROTATE(x, bits) _mm256_rol_epi64(x, bits)
#include "crypto/kernels/keccak_four_priv.h"

const struct cx_keccak_kernel cx_keccak_avx512_narrow = {
    .kernel = { "avx512-narrow", CX_TIER_AVX512, CX_CPU_AVX512 },
    .states = STATES,
    .permute = permute,
};

/* SPDX-License-Identifier: MIT */
/* Keccak-f[1600] on four states. 25 lanes and what is made of them do not fit 16 registers, so that a third of the time goes into
 * rotations of two shifts and as much into spilling. */
#include <immintrin.h>

#include "crypto/keccak_lanes.h"

typedef __m256i word;

static inline word xor3(word a, word b, word c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

static inline word chi(word a, word b, word c)
{
    return _mm256_xor_si256(a, _mm256_andnot_si256(b, c));
}

#define ROTATE(x, bits) _mm256_or_si256(_mm256_slli_epi64(x, bits), _mm256_srli_epi64(x, 64 - (bits)))
#include "crypto/kernels/keccak_four_priv.h"

const struct cx_keccak_kernel cx_keccak_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, CX_CPU_AVX2 },
    .states = STATES,
    .permute = permute,
    .narrow = &cx_keccak_portable,
};

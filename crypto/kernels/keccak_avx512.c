/* SPDX-License-Identifier: MIT */
/* Keccak-f[1600] on eight states: exclusive ors of three, chi and rotations are one instruction each, and the state stays in 25 of
 * the 32 registers. */
#include <immintrin.h>

#include "crypto/keccak_lanes.h"

typedef __m512i word;

static inline word xor3(word a, word b, word c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

static inline word chi(word a, word b, word c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0xd2);
}

static inline word broadcast(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

#define ROTATE(x, bits) _mm512_rol_epi64(x, bits)
#include "crypto/keccak_rounds_priv.h"

enum { STATES = 8 };

static void permute(uint64_t *lanes)
{
    word a[CX_KECCAK_LANES];
#pragma GCC unroll 25
    for (size_t i = 0; i < CX_KECCAK_LANES; i++)
        a[i] = _mm512_load_si512(lanes + STATES * i);
    keccak_rounds(a);
#pragma GCC unroll 25
    for (size_t i = 0; i < CX_KECCAK_LANES; i++)
        _mm512_store_si512(lanes + STATES * i, a[i]);
}

const struct cx_keccak_kernel cx_keccak_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, CX_CPU_AVX512 },
    .states = STATES,
    .permute = permute,
    .narrow = &cx_keccak_avx512_narrow,
};

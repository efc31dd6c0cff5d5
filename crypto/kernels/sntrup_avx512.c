/* SPDX-License-Identifier: MIT */
/* sntrup761 on vectors of 16 numbers of 32 bits. */
#include <immintrin.h>
#include <stdint.h>

typedef __m512i vector;
#define V(name) _mm512_##name

enum { LANES = 16 };

static inline vector load(const int32_t *p)
{
    return _mm512_load_si512(p);
}

static inline void store(int32_t *p, vector x)
{
    _mm512_store_si512(p, x);
}

static inline vector numbers(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline vector turn(vector x, unsigned flip)
{
    return _mm512_permutexvar_epi32(_mm512_xor_si512(numbers(), _mm512_set1_epi32((int)flip)), x);
}

static inline vector pick(vector low, vector high, unsigned bit)
{
    return _mm512_mask_blend_epi32(_mm512_test_epi32_mask(numbers(), _mm512_set1_epi32((int)bit)), low, high);
}

#include "crypto/kernels/sntrup_vector_priv.h"

const struct cx_sntrup_kernel cx_sntrup_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, CX_CPU_AVX512 },
    SNTRUP_FUNCTIONS,
};

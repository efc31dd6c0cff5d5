/* SPDX-License-Identifier: MIT */
/* sntrup761 on vectors of 8 numbers of 32 bits. */
#include <immintrin.h>
#include <stdint.h>

typedef __m256i vector;
#define V(name) _mm256_##name

enum { LANES = 8 };

static inline vector load(const int32_t *p)
{
    return _mm256_load_si256((const vector *)p);
}

static inline void store(int32_t *p, vector x)
{
    _mm256_store_si256((vector *)p, x);
}

static inline vector numbers(void)
{
    return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}

static inline vector turn(vector x, unsigned flip)
{
    return _mm256_permutevar8x32_epi32(x, _mm256_xor_si256(numbers(), _mm256_set1_epi32((int)flip)));
}

static inline vector pick(vector low, vector high, unsigned bit)
{
    vector bits = _mm256_set1_epi32((int)bit);
    return _mm256_blendv_epi8(low, high, _mm256_cmpeq_epi32(_mm256_and_si256(numbers(), bits), bits));
}

#include "crypto/kernels/sntrup_vector_priv.h"

const struct cx_sntrup_kernel cx_sntrup_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, CX_CPU_AVX2 },
    SNTRUP_FUNCTIONS,
};

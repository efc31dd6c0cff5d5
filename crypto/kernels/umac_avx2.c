/* SPDX-License-Identifier: MIT */
/* UMAC with NH in vectors of 256 bits: two groups of 32 bytes at a time; how words and keys lie is told in umac_avx512.c. */
#include <immintrin.h>

#include "crypto/secret.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    UMAC_RUNS_MAX = 4,
    UMAC_CHUNK_BYTES = 1024,
    STEP_BYTES = 64,
    STEP_WORDS = STEP_BYTES / 4,
    UMAC_KEY_ROOM = UMAC_CHUNK_BYTES / 4 + STEP_WORDS,
};

/* The four at `key` and the next but one. */
ALWAYS_INLINE __m256i key_fours(const uint32_t *key)
{
    __m128i first = _mm_loadu_si128((const void *)key);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(first), _mm_loadu_si128((const void *)(key + 8)), 1);
}

/* `groups` is all ones where a group is. */
ALWAYS_INLINE void nh_step(__m256i sum[], const uint32_t *key, const uint8_t *bytes, __m256i groups, const unsigned runs)
{
    __m256i low = _mm256_loadu_si256((const void *)bytes), high = _mm256_loadu_si256((const void *)(bytes + 32));
    __m256i even = _mm256_permute2x128_si256(low, high, 0x20), odd = _mm256_permute2x128_si256(low, high, 0x31);
    __m256i even_key = key_fours(key);
#pragma GCC unroll 4
    for (unsigned i = 0; i < runs; i++) {
        __m256i odd_key = key_fours(key + 4 * (i + 1));
        __m256i a = _mm256_and_si256(_mm256_add_epi32(even, even_key), groups), b = _mm256_add_epi32(odd, odd_key);
        sum[i] = _mm256_add_epi64(sum[i], _mm256_mul_epu32(a, b));
        sum[i] = _mm256_add_epi64(sum[i], _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)));
        even_key = odd_key;
    }
}

static inline uint64_t sum_of(__m256i x)
{
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

ALWAYS_INLINE void nh(uint64_t out[], const uint32_t *key, const uint8_t *bytes, size_t len, const unsigned runs)
{
    const __m256i all = _mm256_set1_epi32(-1);
    __m256i sum[UMAC_RUNS_MAX];
    size_t left = len;
    for (unsigned i = 0; i < runs; i++)
        sum[i] = _mm256_setzero_si256();
    for (; left >= STEP_BYTES; left -= STEP_BYTES, bytes += STEP_BYTES, key += STEP_WORDS)
        nh_step(sum, key, bytes, all, runs);
    if (left > 0 || len == 0) {
        uint8_t rest[STEP_BYTES] = { 0 };
        memcpy(rest, bytes, left);
        nh_step(sum, key, rest, left > 32 ? all : _mm256_set_epi64x(0, 0, -1, -1), runs);
        cx_secret_wipe(rest, sizeof rest);
    }
    for (unsigned i = 0; i < runs; i++)
        out[i] = sum_of(sum[i]);
}

#include "crypto/kernels/umac_priv.h"

const struct cx_mac_ops cx_mac_umac64_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, CX_CPU_AVX2 | CX_CPU_AESNI },
    .expand = expand,
    .release = release,
    .tags = tags64,
};

const struct cx_mac_ops cx_mac_umac128_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, CX_CPU_AVX2 | CX_CPU_AESNI },
    .expand = expand,
    .release = release,
    .tags = tags128,
};

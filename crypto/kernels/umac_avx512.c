/* SPDX-License-Identifier: MIT */
/* UMAC with NH in vectors of 512 bits: four groups of 32 bytes at a time. A group's words are added to as many words of key and
 * then multiplied, each with the fourth behind it, so that words come in fours of 128 bits: here the even fours of the message and
 * the odd ones each fill a vector, and those of the key likewise. A run's key begins one four later than the last run's: its even
 * fours are that one's odd ones. */
#include <immintrin.h>

#include "crypto/span.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    UMAC_RUNS_MAX = 4,
    UMAC_CHUNK_BYTES = 1024,
    STEP_BYTES = 128,
    STEP_WORDS = STEP_BYTES / 4,
    UMAC_KEY_ROOM = UMAC_CHUNK_BYTES / 4 + STEP_WORDS,
};

/* Every other four of eight, from the four at `key` on. */
ALWAYS_INLINE __m512i key_fours(const uint32_t *key)
{
    return _mm512_shuffle_i64x2(_mm512_loadu_si512(key), _mm512_loadu_si512(key + 16), 0x88);
}

/* `groups` has two bits for each group there is. */
ALWAYS_INLINE void nh_step(__m512i sum[], const uint32_t *key, __m512i low, __m512i high, __mmask8 groups, const unsigned runs)
{
    __m512i even = _mm512_shuffle_i64x2(low, high, 0x88), odd = _mm512_shuffle_i64x2(low, high, 0xdd), even_key = key_fours(key);
#pragma GCC unroll 4
    for (unsigned i = 0; i < runs; i++) {
        __m512i odd_key = key_fours(key + 4 * (i + 1));
        __m512i a = _mm512_add_epi32(even, even_key), b = _mm512_add_epi32(odd, odd_key);
        sum[i] = _mm512_add_epi64(sum[i], _mm512_maskz_mul_epu32(groups, a, b));
        sum[i] = _mm512_add_epi64(sum[i], _mm512_maskz_mul_epu32(groups, _mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)));
        even_key = odd_key;
    }
}

ALWAYS_INLINE __mmask64 first_bytes(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

/* _mm512_reduce_add_epi64 would add signed numbers, which may not wrap. */
ALWAYS_INLINE uint64_t sum_of(__m512i x)
{
    __m256i four = _mm256_add_epi64(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

ALWAYS_INLINE void nh(uint64_t out[], const uint32_t *key, const uint8_t *bytes, size_t len, const unsigned runs)
{
    __m512i sum[UMAC_RUNS_MAX];
    size_t left = len;
    for (unsigned i = 0; i < runs; i++)
        sum[i] = _mm512_setzero_si512();
    for (; left >= STEP_BYTES; left -= STEP_BYTES, bytes += STEP_BYTES, key += STEP_WORDS)
        nh_step(sum, key, _mm512_loadu_si512(bytes), _mm512_loadu_si512(bytes + 64), 0xff, runs);
    if (left > 0 || len == 0) {
        size_t groups = left == 0 ? 1 : (left + 31) / 32;
        __m512i low = _mm512_maskz_loadu_epi8(first_bytes(left), bytes);
        __m512i high = _mm512_maskz_loadu_epi8(left > 64 ? first_bytes(left - 64) : 0, bytes + 64);
        nh_step(sum, key, low, high, (__mmask8)((1u << 2 * groups) - 1), runs);
    }
    for (unsigned i = 0; i < runs; i++)
        out[i] = sum_of(sum[i]);
}

#include "crypto/kernels/umac_priv.h"

const struct cx_mac_ops cx_mac_umac64_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, CX_CPU_AVX512 | CX_CPU_AESNI },
    .expand = expand,
    .release = release,
    .tags = tags64,
};

const struct cx_mac_ops cx_mac_umac128_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, CX_CPU_AVX512 | CX_CPU_AESNI },
    .expand = expand,
    .release = release,
    .tags = tags128,
};

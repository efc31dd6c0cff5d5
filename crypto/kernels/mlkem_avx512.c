/* SPDX-License-Identifier: MIT */
/* ML-KEM-768 on vectors of 32 coefficients: a polynomial is eight registers. */
#include <immintrin.h>

#include "crypto/kex/mlkem768_priv.h"

typedef __m512i vector;
#define V(name) _mm512_##name

enum { LANES = 32, GROUPS = 4 };

static inline vector load(const int16_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline void store(int16_t *p, vector x)
{
    _mm512_storeu_si512(p, x);
}

static inline vector both(vector a, vector b)
{
    return _mm512_and_si512(a, b);
}

static inline vector either(vector a, vector b)
{
    return _mm512_or_si512(a, b);
}

static inline bool none(vector x)
{
    return _mm512_test_epi64_mask(x, x) == 0;
}

static inline vector repeat_64(long long x)
{
    return _mm512_set1_epi64(x);
}

static inline vector repeat_group(const void *bytes)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128(bytes));
}

static inline vector widen_64(const int16_t *p)
{
    return _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)p));
}

static inline void part(vector *a, vector *b, unsigned len)
{
    vector x = *a, y = *b;
    switch (len) {
    case 16:
        *a = _mm512_shuffle_i64x2(x, y, 0x44);
        *b = _mm512_shuffle_i64x2(x, y, 0xee);
        break;
    case 8:
        *a = _mm512_permutex2var_epi64(x, _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), y);
        *b = _mm512_permutex2var_epi64(x, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), y);
        break;
    case 4:
        *a = _mm512_unpacklo_epi64(x, y);
        *b = _mm512_unpackhi_epi64(x, y);
        break;
    default:
        *a = _mm512_mask_blend_epi32(0xaaaa, x, _mm512_slli_epi64(y, 32));
        *b = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(x, 32), y);
    }
}

/* Root i of the first vector, then of the second, by turns. */
static inline vector spread(const int16_t *roots, unsigned len)
{
    static const uint8_t order[4][32] = {
        { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
        { 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3 },
        { 0, 0, 0, 0, 4, 4, 4, 4, 1, 1, 1, 1, 5, 5, 5, 5, 2, 2, 2, 2, 6, 6, 6, 6, 3, 3, 3, 3, 7, 7, 7, 7 },
        { 0, 0, 8, 8, 1, 1, 9, 9, 2, 2, 10, 10, 3, 3, 11, 11, 4, 4, 12, 12, 5, 5, 13, 13, 6, 6, 14, 14, 7, 7, 15, 15 },
    };
    const uint8_t *of = order[len == 16 ? 0 : len == 8 ? 1 : len == 4 ? 2 : 3];
    vector index = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)of));
    return _mm512_permutexvar_epi16(index, _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)roots)));
}

static inline vector load_bytes(const uint8_t *in)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)in));
}

/* What each byte of a group of `bytes` is in the others: a mask takes no more than that out of memory. */
static inline vector load_groups(const uint8_t *in, size_t bytes)
{
    __mmask16 some = (__mmask16)((1u << bytes) - 1);
    vector x = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(some, in));
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(some, in + bytes), 1);
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(some, in + 2 * bytes), 2);
    return _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(some, in + 3 * bytes), 3);
}

static inline void store_groups(uint8_t *out, vector x, size_t bytes)
{
    __mmask16 some = (__mmask16)((1u << bytes) - 1);
    _mm_mask_storeu_epi8(out, some, _mm512_castsi512_si128(x));
    _mm_mask_storeu_epi8(out + bytes, some, _mm512_extracti32x4_epi32(x, 1));
    _mm_mask_storeu_epi8(out + 2 * bytes, some, _mm512_extracti32x4_epi32(x, 2));
    _mm_mask_storeu_epi8(out + 3 * bytes, some, _mm512_extracti32x4_epi32(x, 3));
}

static inline void to_bits(uint8_t *out, vector x)
{
    uint32_t bits = _mm512_movepi16_mask(_mm512_slli_epi16(x, 15));
    memcpy(out, &bits, sizeof bits);
}

static inline vector from_bits(const uint8_t *in)
{
    uint32_t bits;
    memcpy(&bits, in, sizeof bits);
    return _mm512_movm_epi16(bits);
}

/* 48 bytes are 32 candidates. The mask and so the addresses come out of rho, which is public. */
static size_t take_uniform(struct cx_mlkem_poly *p, const uint8_t *bytes, size_t len)
{
    enum { STEP = 48 };
    static const uint8_t order[64] = { 0,  1,  1,  2,  3,  4,  4,  5,  6,  7,  7,  8,  9,  10, 10, 11, 12, 13, 13, 14, 15, 16,
                                       16, 17, 18, 19, 19, 20, 21, 22, 22, 23, 24, 25, 25, 26, 27, 28, 28, 29, 30, 31, 31, 32,
                                       33, 34, 34, 35, 36, 37, 37, 38, 39, 40, 40, 41, 42, 43, 43, 44, 45, 46, 46, 47 };
    const vector index = _mm512_loadu_si512(order), odd = _mm512_set1_epi32(4 << 16);
    size_t have = 0;
    for (size_t at = 0; at < len && have < MLKEM_N; at += STEP) {
        size_t left = len - at, room = MLKEM_N - have;
        __mmask64 some = left < STEP ? ((__mmask64)1 << left) - 1 : ((__mmask64)1 << STEP) - 1;
        vector x = _mm512_permutexvar_epi8(index, _mm512_maskz_loadu_epi8(some, bytes + at));
        x = _mm512_and_si512(_mm512_srlv_epi16(x, odd), _mm512_set1_epi16(0x0fff));
        __mmask32 whole = left < STEP ? ((__mmask32)1 << left / 3 * 2) - 1 : ~(__mmask32)0;
        __mmask32 good = _mm512_mask_cmplt_epu16_mask(whole, x, _mm512_set1_epi16(MLKEM_Q));
        size_t count = (size_t)__builtin_popcount(good);
        count = count < room ? count : room;
        __mmask32 taken = (__mmask32)(((uint64_t)1 << count) - 1);
        _mm512_mask_storeu_epi16(p->c + have, taken, _mm512_maskz_compress_epi16(good, x));
        have += count;
    }
    return have;
}

#include "crypto/kernels/mlkem_vector_priv.h"

const struct cx_mlkem_kernel cx_mlkem_avx512 = {
    .kernel = { "avx512", CX_TIER_AVX512, CX_CPU_AVX512 | CX_CPU_AVX512VBMI | CX_CPU_AVX512VBMI2 },
    MLKEM_FUNCTIONS,
};

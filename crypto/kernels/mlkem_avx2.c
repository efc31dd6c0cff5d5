/* SPDX-License-Identifier: MIT */
/* ML-KEM-768 on vectors of 16 coefficients. */
#include <immintrin.h>

#include "crypto/kex/mlkem768_priv.h"

typedef __m256i vector;
#define V(name) _mm256_##name

enum { LANES = 16, GROUPS = 2 };

static inline vector load(const int16_t *p)
{
    return _mm256_loadu_si256((const vector *)p);
}

static inline void store(int16_t *p, vector x)
{
    _mm256_storeu_si256((vector *)p, x);
}

static inline vector both(vector a, vector b)
{
    return _mm256_and_si256(a, b);
}

static inline vector either(vector a, vector b)
{
    return _mm256_or_si256(a, b);
}

static inline bool none(vector x)
{
    return _mm256_testz_si256(x, x);
}

static inline vector repeat_64(long long x)
{
    return _mm256_set1_epi64x(x);
}

static inline vector repeat_group(const void *bytes)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes));
}

static inline vector widen_64(const int16_t *p)
{
    return _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i *)p));
}

static inline void part(vector *a, vector *b, unsigned len)
{
    vector x = *a, y = *b;
    switch (len) {
    case 16:
        break;
    case 8:
        *a = _mm256_permute2x128_si256(x, y, 0x20);
        *b = _mm256_permute2x128_si256(x, y, 0x31);
        break;
    case 4:
        *a = _mm256_unpacklo_epi64(x, y);
        *b = _mm256_unpackhi_epi64(x, y);
        break;
    default:
        *a = _mm256_blend_epi32(x, _mm256_slli_epi64(y, 32), 0xaa);
        *b = _mm256_blend_epi32(_mm256_srli_epi64(x, 32), y, 0xaa);
    }
}

/* Root i of the first vector, then of the second, by turns; bytes. */
static inline vector spread(const int16_t *roots, unsigned len)
{
    static const int8_t order[4][32] = {
        { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 },
        { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3 },
        { 0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5, 2, 3, 2, 3, 2, 3, 2, 3, 6, 7, 6, 7, 6, 7, 6, 7 },
        { 0, 1, 0, 1, 8, 9, 8, 9, 2, 3, 2, 3, 10, 11, 10, 11, 4, 5, 4, 5, 12, 13, 12, 13, 6, 7, 6, 7, 14, 15, 14, 15 },
    };
    const int8_t *of = order[len == 16 ? 0 : len == 8 ? 1 : len == 4 ? 2 : 3];
    return _mm256_shuffle_epi8(repeat_group(roots), _mm256_loadu_si256((const vector *)of));
}

static inline vector load_bytes(const uint8_t *in)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)in));
}

/* From 8 to 12 bytes of a group, and no more out of memory. */
static inline __m128i load_group(const uint8_t *in, size_t bytes)
{
    uint32_t rest = 0;
    memcpy(&rest, in + 8, bytes - 8);
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)in), _mm_cvtsi32_si128((int)rest));
}

static inline vector load_groups(const uint8_t *in, size_t bytes)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load_group(in, bytes)), load_group(in + bytes, bytes), 1);
}

/* 4, 10 or 12 bytes, each part straight out of the vector. */
static inline void store_group(uint8_t *out, __m128i x, size_t bytes)
{
    if (bytes == 4) {
        _mm_storeu_si32(out, x);
        return;
    }
    _mm_storel_epi64((__m128i *)out, x);
    if (bytes == 10) {
        int16_t rest = (int16_t)_mm_extract_epi16(x, 4);
        memcpy(out + 8, &rest, sizeof rest);
    } else {
        _mm_storeu_si32(out + 8, _mm_srli_si128(x, 8));
    }
}

static inline void store_groups(uint8_t *out, vector x, size_t bytes)
{
    store_group(out, _mm256_castsi256_si128(x), bytes);
    store_group(out + bytes, _mm256_extracti128_si256(x, 1), bytes);
}

static inline void to_bits(uint8_t *out, vector x)
{
    x = _mm256_slli_epi16(x, 15);
    int bits = _mm_movemask_epi8(_mm_packs_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
    out[0] = (uint8_t)bits;
    out[1] = (uint8_t)(bits >> 8);
}

static inline vector from_bits(const uint8_t *in)
{
    const vector bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, INT16_MIN);
    vector x = _mm256_set1_epi16((int16_t)(in[0] | in[1] << 8));
    return _mm256_cmpeq_epi16(_mm256_and_si256(x, bit), bit);
}

/* Four numbers: those at the bits of `which`, moved to the front. */
static inline __m128i squeeze_four(__m128i x, unsigned which)
{
    static const uint64_t order[16] = {
        0,      0x0100,     0x0302,     0x03020100,     0x0504,     0x05040100,     0x05040302,     0x050403020100,
        0x0706, 0x07060100, 0x07060302, 0x070603020100, 0x07060504, 0x070605040100, 0x070605040302, 0x0706050403020100,
    };
    return _mm_shuffle_epi8(x, _mm_loadl_epi64((const __m128i *)&order[which]));
}

/* 12 bytes are 8 candidates, as long as there is room for all of them; the rest goes one by one. The masks, and so the addresses,
 * come out of rho, which is public. */
static size_t take_uniform(struct cx_mlkem_poly *p, const uint8_t *bytes, size_t len)
{
    enum { STEP = 12, CANDIDATES = 8 };
    const __m128i index = _mm_setr_epi8(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11);
    size_t have = 0, at = 0;
    for (; len - at >= STEP && have <= MLKEM_N - CANDIDATES; at += STEP) {
        __m128i x = _mm_mullo_epi16(_mm_shuffle_epi8(load_group(bytes + at, STEP), index), _mm_set1_epi32(1 << 16 | 16));
        x = _mm_srli_epi16(x, 4);
        __m128i good = _mm_cmpgt_epi16(_mm_set1_epi16(MLKEM_Q), x);
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(good, good)) & 0xff;
        _mm_storel_epi64((__m128i *)(p->c + have), squeeze_four(x, mask & 15));
        have += (size_t)__builtin_popcount(mask & 15);
        _mm_storel_epi64((__m128i *)(p->c + have), squeeze_four(_mm_unpackhi_epi64(x, x), mask >> 4));
        have += (size_t)__builtin_popcount(mask >> 4);
    }
    return cx_mlkem_take_uniform(p, have, bytes + at, len - at);
}

#include "crypto/kernels/mlkem_vector_priv.h"

const struct cx_mlkem_kernel cx_mlkem_avx2 = {
    .kernel = { "avx2", CX_TIER_AVX2, CX_CPU_AVX2 },
    MLKEM_FUNCTIONS,
};

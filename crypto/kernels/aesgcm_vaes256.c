/* SPDX-License-Identifier: MIT */
/* AES-GCM with VAES and VPCLMULQDQ of 256 bits: two blocks an instruction, for processors without AVX-512. */
#include <immintrin.h>
#include <stdint.h>

#include "crypto/span.h"

typedef __m256i vec;

enum { STRIDE = 8 };

static inline __m128i block_reversal(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline vec vec_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vec vec_broadcast(__m128i block)
{
    return _mm256_broadcastsi128_si256(block);
}

static inline __m128i vec_lane0(vec x)
{
    return _mm256_castsi256_si128(x);
}

static inline vec vec_load(const void *from)
{
    return _mm256_loadu_si256(from);
}

static inline void vec_store(void *to, vec x)
{
    _mm256_storeu_si256(to, x);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

static inline vec vec_aes(vec x, vec key)
{
    return _mm256_aesenc_epi128(x, key);
}

static inline vec vec_aes_last(vec x, vec key)
{
    return _mm256_aesenclast_epi128(x, key);
}

#define vec_clmul(a, b, halves) _mm256_clmulepi64_epi128(a, b, halves)

static inline vec vec_turn(vec x)
{
    return _mm256_shuffle_epi32(x, _MM_SHUFFLE(1, 0, 3, 2));
}

static inline vec vec_reverse(vec x)
{
    return _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(block_reversal()));
}

static inline vec vec_fold(vec x)
{
    return _mm256_zextsi128_si256(_mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

static inline vec vec_up(vec x, __m128i first)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(first), _mm256_castsi256_si128(x), 1);
}

static inline vec vec_down(vec x)
{
    return _mm256_permute2x128_si256(x, x, 0x11);
}

static inline vec vec_put(vec x, size_t lane, __m128i block)
{
    return lane == 0 ? _mm256_inserti128_si256(x, block, 0) : _mm256_inserti128_si256(x, block, 1);
}

/* Less than a block, by way of a register: what is decrypted may not stay on the stack. SSH's packets fill their blocks, so that
 * this is out of the way. */
static __attribute__((noinline)) void store_few(uint8_t *to, __m128i x, size_t n)
{
    uint64_t half = (uint64_t)_mm_cvtsi128_si64(x);
    for (size_t i = 0; i < n; i++, half >>= 8) {
        if (i == 8)
            half = (uint64_t)_mm_extract_epi64(x, 1);
        to[i] = (uint8_t)half;
    }
}

static __attribute__((noinline)) __m128i load_few(const uint8_t *from, size_t n)
{
    uint64_t half[2] = { 0, 0 };
    for (size_t i = 0; i < n; i++)
        half[i / 8] |= (uint64_t)from[i] << i % 8 * 8;
    return _mm_set_epi64x((long long)half[1], (long long)half[0]);
}

static inline __m128i load_block(const uint8_t *from, size_t n)
{
    return n >= 16 ? _mm_loadu_si128((const __m128i *)from) : load_few(from, n);
}

static inline void store_block(uint8_t *to, __m128i x, size_t n)
{
    if (n >= 16)
        _mm_storeu_si128((__m128i *)to, x);
    else
        store_few(to, x, n);
}

static inline vec vec_load_part(const uint8_t *from, size_t n)
{
    if (n >= sizeof(vec))
        return vec_load(from);
    __m128i low = load_block(from, n), high = n > 16 ? load_block(from + 16, n - 16) : _mm_setzero_si128();
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

static inline vec vec_keep(vec x, size_t n)
{
    const __m256i index = _mm256_set_epi8(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9,
                                          8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm256_and_si256(x, _mm256_cmpgt_epi8(_mm256_set1_epi8((char)n), index));
}

static inline void vec_store_part(uint8_t *to, vec x, size_t n)
{
    if (n >= sizeof(vec)) {
        vec_store(to, x);
        return;
    }
    store_block(to, _mm256_castsi256_si128(x), n);
    if (n > 16)
        store_block(to + 16, _mm256_extracti128_si256(x, 1), n - 16);
}

static inline vec vec_count_from(const uint8_t iv[16])
{
    __m128i block = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)iv), block_reversal());
    block = _mm_blend_epi32(block, _mm_setzero_si128(), 1);
    return _mm256_add_epi32(_mm256_broadcastsi128_si256(block), _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 1));
}

static inline vec vec_count_on(vec count)
{
    return _mm256_add_epi32(count, _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2));
}

#include "crypto/kernels/aesgcm_priv.h"

const struct cx_packet_ops cx_packet_gcm_vaes256 = {
    .kernel = { "vaes256", CX_TIER_AVX2, CX_CPU_AVX2 | CX_CPU_AESNI | CX_CPU_PCLMUL | CX_CPU_SSE41 | CX_CPU_VAES | CX_CPU_VPCLMUL },
    .expand = expand,
    .release = release,
    .peek = cx_packet_peek_clear,
    .advance = cx_packet_advance_gcm,
    .seal = seal_batch,
    .open = open_batch,
};

/* SPDX-License-Identifier: MIT */
/* AES-GCM with VAES and VPCLMULQDQ of 512 bits: four blocks an instruction. */
#include "crypto/kernels/vec512_priv.h"

typedef __m512i vec;

enum { STRIDE = 8 };

static inline __m128i block_reversal(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline vec vec_zero(void)
{
    return _mm512_setzero_si512();
}

static inline vec vec_broadcast(__m128i block)
{
    return _mm512_broadcast_i32x4(block);
}

static inline __m128i vec_lane0(vec x)
{
    return _mm512_castsi512_si128(x);
}

static inline vec vec_load(const void *from)
{
    return _mm512_loadu_si512(from);
}

static inline void vec_store(void *to, vec x)
{
    _mm512_storeu_si512(to, x);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm512_xor_si512(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

static inline vec vec_aes(vec x, vec key)
{
    return _mm512_aesenc_epi128(x, key);
}

static inline vec vec_aes_last(vec x, vec key)
{
    return _mm512_aesenclast_epi128(x, key);
}

#define vec_clmul(a, b, halves) _mm512_clmulepi64_epi128(a, b, halves)

/* The two halves of each lane change places. */
static inline vec vec_turn(vec x)
{
    return _mm512_shuffle_epi32(x, _MM_PERM_BADC);
}

/* The bytes of each lane in reverse. */
static inline vec vec_reverse(vec x)
{
    return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(block_reversal()));
}

/* The sum of all lanes in the first, zeros in the others. */
static inline vec vec_fold(vec x)
{
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm512_zextsi128_si512(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

/* Each lane one further up, and `first` into the first; each one further down. */
static inline vec vec_up(vec x, __m128i first)
{
    return _mm512_mask_broadcast_i32x4(_mm512_alignr_epi64(x, x, 6), 0x000f, first);
}

static inline vec vec_down(vec x)
{
    return _mm512_alignr_epi64(x, x, 2);
}

static inline vec vec_put(vec x, size_t lane, __m128i block)
{
    return _mm512_mask_broadcast_i32x4(x, (__mmask16)(0xf << 4 * lane), block);
}

static inline __mmask64 first_bytes(size_t n)
{
    return _bzhi_u64(UINT64_MAX, (unsigned)n);
}

/* Of the first n bytes; the others are zero, or stay. */
static inline vec vec_load_part(const uint8_t *from, size_t n)
{
    return _mm512_maskz_loadu_epi8(first_bytes(n), from);
}

static inline vec vec_keep(vec x, size_t n)
{
    return _mm512_maskz_mov_epi8(first_bytes(n), x);
}

static inline void vec_store_part(uint8_t *to, vec x, size_t n)
{
    if (n < sizeof x)
        cx_vec512_store_part(to, x, n);
    else
        vec_store(to, x);
}

/* The counter blocks 1 to 4 (SP 800-38D section 7.1), and the next four; reversed, the count is the lowest word. */
static inline vec vec_count_from(const uint8_t iv[12])
{
    __m128i block = _mm_shuffle_epi8(_mm_maskz_loadu_epi8(0x0fff, iv), block_reversal());
    return _mm512_add_epi32(_mm512_broadcast_i32x4(block), _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1));
}

static inline vec vec_count_on(vec count)
{
    return _mm512_add_epi32(count, _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4));
}

#include "crypto/kernels/aesgcm_priv.h"

const struct cx_packet_ops cx_packet_gcm_vaes512 = {
    .kernel = { "vaes512", CX_TIER_AVX512,
                CX_CPU_AVX512 | CX_CPU_AESNI | CX_CPU_PCLMUL | CX_CPU_VAES | CX_CPU_VPCLMUL | CX_CPU_BMI2 },
    .expand = expand,
    .release = release,
    .peek = cx_packet_peek_clear,
    .advance = cx_packet_advance_gcm,
    .seal = seal_batch,
    .open = open_batch,
};

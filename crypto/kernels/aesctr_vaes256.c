/* SPDX-License-Identifier: MIT */
/* AES-CTR, two blocks a vector (VAES with AVX2). */
#include <immintrin.h>
#include <string.h>

#include "crypto/secret.h"

typedef __m256i vec;

enum { VEC_BLOCKS = 2, UNROLL = 8 };

#define vec_broadcast _mm256_broadcastsi128_si256
#define vec_xor _mm256_xor_si256
#define vec_aes _mm256_aesenc_epi128
#define vec_aes_last _mm256_aesenclast_epi128
#define vec_load(from) _mm256_loadu_si256((const void *)(from))
#define vec_store(to, x) _mm256_storeu_si256((void *)(to), x)
#define vec_add(count, blocks) _mm256_add_epi64(count, _mm256_set_epi64x(0, blocks, 0, blocks))

/* Packets end with whole blocks: what is shorter is a length field that is looked at ahead of its packet. */
static inline __m256i vec_load_part(const void *from, size_t len)
{
    uint8_t bytes[sizeof(vec)] = { 0 };
    memcpy(bytes, from, len);
    return vec_load(bytes);
}

/* Past len x is key stream. */
static inline void vec_store_part(void *to, __m256i x, size_t len)
{
    uint8_t bytes[sizeof(vec)];
    vec_store(bytes, x);
    memcpy(to, bytes, len);
    cx_secret_wipe(bytes, sizeof bytes);
}

static inline __m256i vec_count(unsigned long long high, unsigned long long low)
{
    return _mm256_set_epi64x((long long)high, (long long)(low + 1), (long long)high, (long long)low);
}

/* The sixteen bytes of each block in the other order. */
static inline __m256i vec_swap(__m256i count)
{
    const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm256_shuffle_epi8(count, _mm256_broadcastsi128_si256(order));
}

#include "crypto/kernels/aesctr_priv.h"

const struct cx_ctr_kernel cx_ctr_vaes256 = {
    .kernel = { "vaes256", CX_TIER_AVX2, CX_CPU_AVX2 | CX_CPU_AESNI | CX_CPU_VAES },
    .expand = expand,
    .release = release,
    .crypt = crypt_all,
};

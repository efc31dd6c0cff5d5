/* SPDX-License-Identifier: MIT */
/* Poly1305 in AVX2: numbers modulo 2^130 - 5 in five limbs of 26 bits.
 *
 * A message is four interleaved ones: lane j takes the blocks j, j + 4, …, two groups of four at once (by r^4 and r^8), and is
 * multiplied in the end by the power of r that its last block is away from the end. The first group is filled up in front with
 * zeros, which do not count, so that every message of whole blocks ends with a whole group. */
#include <immintrin.h>

#include "crypto/kernels/chachapoly_priv.h"
#include "crypto/secret.h"

enum { LIMBS = 5, LANES = 4, GROUP_BYTES = LANES * CX_POLY1305_BLOCK, SHIFT = 26, MASK = (1 << SHIFT) - 1 };

#define INLINE static inline __attribute__((always_inline))

struct limbs {
    __m256i l[LIMBS];
};

/* What is multiplied by, and five times its upper limbs: what passes 2^130 comes back so. */
struct factor {
    __m256i r[LIMBS], r_5[LIMBS];
};

struct powers {
    struct factor ends; /* r^4 … r^1, in the order of lanes */
    struct factor r4, r8;
};

INLINE __m256i mask(void)
{
    return _mm256_set1_epi64x(MASK);
}

/* The number that stands in 64-bit words. */
INLINE void split_words(uint64_t limb[LIMBS], const uint64_t h[3])
{
    limb[0] = h[0] & MASK;
    limb[1] = h[0] >> SHIFT & MASK;
    limb[2] = (h[0] >> 2 * SHIFT | h[1] << (64 - 2 * SHIFT)) & MASK;
    limb[3] = h[1] >> (3 * SHIFT - 64) & MASK;
    limb[4] = h[1] >> (4 * SHIFT - 64) | h[2] << (128 - 4 * SHIFT);
}

INLINE void set_factor(struct factor *f, int limb, __m256i r)
{
    f->r[limb] = r;
    f->r_5[limb] = _mm256_add_epi64(r, _mm256_slli_epi64(r, 2));
}

static void make_powers(struct powers *p, const uint8_t key[CX_POLY1305_KEY])
{
    uint64_t power[2 * LANES][3], limb[2 * LANES][LIMBS];
    cx_poly1305_powers(key, power, 2 * LANES);
    for (int i = 0; i < 2 * LANES; i++)
        split_words(limb[i], power[i]);
    for (int i = 0; i < LIMBS; i++) {
        /* unpacking the halves of blocks brings them to lanes in the order 0, 2, 1, 3 */
        set_factor(&p->ends, i,
                   _mm256_setr_epi64x((long long)limb[3][i], (long long)limb[1][i], (long long)limb[2][i], (long long)limb[0][i]));
        set_factor(&p->r4, i, _mm256_set1_epi64x((long long)limb[3][i]));
        set_factor(&p->r8, i, _mm256_set1_epi64x((long long)limb[7][i]));
    }
    cx_secret_wipe(power, sizeof power);
    cx_secret_wipe(limb, sizeof limb);
}

INLINE void multiply_add(struct limbs *sum, const struct limbs *a, const struct factor *f)
{
    for (int i = 0; i < LIMBS; i++)
        for (int j = 0; j < LIMBS; j++) {
            __m256i factor = i + j < LIMBS ? f->r[j] : f->r_5[j];
            int to = (i + j) % LIMBS;
            sum->l[to] = _mm256_add_epi64(sum->l[to], _mm256_mul_epu32(a->l[i], factor));
        }
}

INLINE void carry_from(struct limbs *x, int limb)
{
    __m256i over = _mm256_srli_epi64(x->l[limb], SHIFT);
    x->l[limb] = _mm256_and_si256(x->l[limb], mask());
    if (limb == LIMBS - 1)
        over = _mm256_add_epi64(over, _mm256_slli_epi64(over, 2));
    x->l[(limb + 1) % LIMBS] = _mm256_add_epi64(x->l[(limb + 1) % LIMBS], over);
}

/* To limbs of 26 bits and a little: two chains at once, which meet. */
INLINE void carry(struct limbs *x)
{
    carry_from(x, 0);
    carry_from(x, 3);
    carry_from(x, 1);
    carry_from(x, 4);
    carry_from(x, 2);
    carry_from(x, 0);
    carry_from(x, 3);
}

INLINE struct limbs split(__m256i low, __m256i high, __m256i top)
{
    __m256i middle = _mm256_or_si256(_mm256_srli_epi64(low, 2 * SHIFT), _mm256_slli_epi64(high, 64 - 2 * SHIFT));
    return (struct limbs){ { _mm256_and_si256(low, mask()), _mm256_and_si256(_mm256_srli_epi64(low, SHIFT), mask()),
                             _mm256_and_si256(middle, mask()), _mm256_and_si256(_mm256_srli_epi64(high, 3 * SHIFT - 64), mask()),
                             _mm256_or_si256(_mm256_srli_epi64(high, 4 * SHIFT - 64), top) } };
}

INLINE __m256i block_bit(void)
{
    return _mm256_set1_epi64x(1LL << (128 - 4 * SHIFT));
}

INLINE struct limbs load_group(const uint8_t *bytes)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)bytes), b = _mm256_loadu_si256((const __m256i *)(bytes + GROUP_BYTES / 2));
    return split(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), block_bit());
}

/* The group of `blocks` blocks, 1 to 4, at its end, and zeros in front. What stands in front of them is not read. */
INLINE struct limbs load_first_group(const uint8_t *bytes, size_t blocks)
{
    long long missing = LANES - (long long)blocks;
    const void *front = (const void *)((uintptr_t)bytes - (uintptr_t)missing * CX_POLY1305_BLOCK);
    const void *back = (const void *)((uintptr_t)front + GROUP_BYTES / 2);
    __m256i before = _mm256_set1_epi64x(missing - 1);
    __m256i a = _mm256_maskload_epi64(front, _mm256_cmpgt_epi64(_mm256_setr_epi64x(0, 0, 1, 1), before));
    __m256i b = _mm256_maskload_epi64(back, _mm256_cmpgt_epi64(_mm256_setr_epi64x(2, 2, 3, 3), before));
    __m256i there = _mm256_cmpgt_epi64(_mm256_setr_epi64x(0, 2, 1, 3), before);
    return split(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b), _mm256_and_si256(there, block_bit()));
}

INLINE uint64_t lane_sum(__m256i x)
{
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(half, _mm_unpackhi_epi64(half, half)));
}

/* The lanes' sum into 64-bit words, below 2^130 and a little. */
INLINE void join(uint64_t h[3], const struct limbs *x)
{
    uint64_t limb[LIMBS];
    for (int i = 0; i < LIMBS; i++)
        limb[i] = lane_sum(x->l[i]);
    limb[0] += (limb[4] >> SHIFT) * 5;
    limb[4] &= MASK;
    for (int i = 0; i + 1 < LIMBS; i++) {
        limb[i + 1] += limb[i] >> SHIFT;
        limb[i] &= MASK;
    }
    h[0] = limb[0] | limb[1] << SHIFT | limb[2] << 2 * SHIFT;
    h[1] = limb[2] >> (64 - 2 * SHIFT) | limb[3] << (3 * SHIFT - 64) | limb[4] << (4 * SHIFT - 64);
    h[2] = limb[4] >> (128 - 4 * SHIFT);
}

static void take_blocks(uint64_t h[3], const struct powers *p, const uint8_t *bytes, size_t blocks)
{
    size_t first = (blocks - 1) % LANES + 1, groups = (blocks - first) / LANES;
    struct limbs x = load_first_group(bytes, first), sum;
    bytes += first * CX_POLY1305_BLOCK;
    if (groups % 2 == 1) {
        sum = load_group(bytes);
        multiply_add(&sum, &x, &p->r4);
        carry(&sum);
        x = sum;
        bytes += GROUP_BYTES;
    }
    for (; groups >= 2; groups -= 2, bytes += 2 * GROUP_BYTES) {
        struct limbs ahead = load_group(bytes);
        sum = load_group(bytes + GROUP_BYTES);
        multiply_add(&sum, &ahead, &p->r4);
        multiply_add(&sum, &x, &p->r8);
        carry(&sum);
        x = sum;
    }
    for (int i = 0; i < LIMBS; i++)
        sum.l[i] = _mm256_setzero_si256();
    multiply_add(&sum, &x, &p->ends);
    carry(&sum);
    join(h, &sum);
}

static void tags(const struct cx_poly1305_job job[], size_t n)
{
    struct powers p;
    for (size_t i = 0; i < n; i++) {
        struct cx_poly1305 rest = cx_poly1305_start(job[i].key);
        size_t blocks = job[i].len / CX_POLY1305_BLOCK;
        make_powers(&p, job[i].key);
        take_blocks(rest.h, &p, job[i].bytes, blocks);
        cx_poly1305_finish(&rest, job[i].bytes, blocks * CX_POLY1305_BLOCK, job[i].len, job[i].key, job[i].tag);
    }
    cx_secret_wipe(&p, sizeof p);
}

const struct cx_poly1305_kernel cx_poly1305_avx2 = { .least = 16 * CX_POLY1305_BLOCK, .tags = tags };

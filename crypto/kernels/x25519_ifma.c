/* SPDX-License-Identifier: MIT */
/* X25519 in AVX-512 with 52-bit multiplication. A step of the ladder (RFC 7748 section 5, whose letters these are) is three rounds
 * of four products side by side: the lanes are x_2, z_2, x_3 and z_3 between steps.
 *
 * Numbers are five limbs of 51 bits. A factor's may have 52, all that is multiplied: what is added or taken away is carried first.
 * Products are at most 5 times 2^52 and 10 times that again, and 19 times as much comes back from above: below 2^61. One carry of
 * all limbs at once then leaves 2^51 and 2^14 more. */
#include <immintrin.h>

#include "crypto/kex/x25519_priv.h"
#include "crypto/secret.h"

enum { LIMBS = CX_X25519_LIMBS, LANES = 4, LIMB_BITS = 51, A24 = 121665, TOP_BIT = 254 };

/* Lanes by their bits, and where each comes from by two bits, the last lane first. */
enum { FIRST = 1, SECOND = 2, THIRD = 4, FOURTH = 8 };
#define FROM(first, second, third, fourth) ((first) | (second) << 2 | (third) << 4 | (fourth) << 6)

#define INLINE static inline __attribute__((always_inline))

struct lanes {
    __m256i l[LIMBS];
};

INLINE __m256i all(uint64_t value)
{
    return _mm256_set1_epi64x((long long)value);
}

INLINE struct lanes carry(struct lanes a)
{
    __m256i over[LIMBS];
    for (size_t i = 0; i < LIMBS; i++) {
        over[i] = _mm256_srli_epi64(a.l[i], LIMB_BITS);
        a.l[i] = _mm256_and_si256(a.l[i], all((UINT64_C(1) << LIMB_BITS) - 1));
    }
    a.l[0] = _mm256_madd52lo_epu64(a.l[0], over[LIMBS - 1], all(19)); /* 2^255 is 19 */
    for (size_t i = 1; i < LIMBS; i++)
        a.l[i] = _mm256_add_epi64(a.l[i], over[i - 1]);
    return a;
}

INLINE __m256i times19(__m256i a)
{
    return _mm256_add_epi64(_mm256_add_epi64(_mm256_slli_epi64(a, 4), _mm256_slli_epi64(a, 1)), a);
}

/* The high half of a product is of 2^52, which is two of the next limb's 2^51. */
INLINE struct lanes multiply(struct lanes a, struct lanes b)
{
    __m256i low[2 * LIMBS], high[2 * LIMBS], sum[2 * LIMBS];
    for (size_t i = 0; i < 2 * LIMBS; i++)
        low[i] = high[i] = _mm256_setzero_si256();
    for (size_t i = 0; i < LIMBS; i++) {
        for (size_t j = 0; j < LIMBS; j++) {
            low[i + j] = _mm256_madd52lo_epu64(low[i + j], a.l[i], b.l[j]);
            high[i + j + 1] = _mm256_madd52hi_epu64(high[i + j + 1], a.l[i], b.l[j]);
        }
    }
    for (size_t i = 0; i < 2 * LIMBS; i++)
        sum[i] = _mm256_add_epi64(low[i], _mm256_add_epi64(high[i], high[i]));
    for (size_t i = 0; i < LIMBS; i++)
        a.l[i] = _mm256_add_epi64(sum[i], times19(sum[i + LIMBS]));
    return carry(a);
}

/* Of a, b, c and d: a + b, a - b, c + d and c - d; where a lane is not of `both`, the first of the two alone. */
INLINE struct lanes sums_and_differences(struct lanes a, __mmask8 both)
{
    for (size_t i = 0; i < LIMBS; i++) {
        __m256i twice_p = all((UINT64_C(1) << (LIMB_BITS + 1)) - (i == 0 ? 38 : 2));
        __m256i x = _mm256_permutex_epi64(a.l[i], FROM(0, 0, 2, 2)), z = _mm256_permutex_epi64(a.l[i], FROM(1, 1, 3, 3));
        z = _mm256_mask_sub_epi64(z, SECOND | FOURTH, twice_p, z);
        a.l[i] = _mm256_add_epi64(x, _mm256_maskz_mov_epi64(both, z));
    }
    return carry(a);
}

/* s is AA, E and what is to be squared; r begins with AA and BB. What s is multiplied by: BB, AA + a24 * E, and itself. */
INLINE struct lanes factors(struct lanes s, struct lanes r)
{
    const __m256i a24 = _mm256_set_epi64x(0, 0, A24, 0);
    __m256i over[LIMBS];
    for (size_t i = 0; i < LIMBS; i++) {
        __m256i high = _mm256_madd52hi_epu64(_mm256_setzero_si256(), s.l[i], a24);
        over[i] = _mm256_add_epi64(high, high);
    }
    for (size_t i = 0; i < LIMBS; i++) {
        __m256i from = _mm256_mask_mov_epi64(_mm256_permutex_epi64(r.l[i], FROM(1, 0, 0, 0)), THIRD | FOURTH, s.l[i]);
        from = _mm256_madd52lo_epu64(from, s.l[i], a24);
        r.l[i] = _mm256_add_epi64(from, i > 0 ? over[i - 1] : times19(over[LIMBS - 1]));
    }
    return carry(r);
}

INLINE struct lanes swap(struct lanes p, __mmask8 mask)
{
    for (size_t i = 0; i < LIMBS; i++)
        p.l[i] = _mm256_mask_permutex_epi64(p.l[i], mask, p.l[i], FROM(2, 3, 0, 1));
    return p;
}

INLINE struct lanes step(struct lanes p, struct lanes last)
{
    struct lanes s = sums_and_differences(p, FIRST | SECOND | THIRD | FOURTH), t; /* A, B, C, D */
    for (size_t i = 0; i < LIMBS; i++)
        t.l[i] = _mm256_permutex_epi64(s.l[i], FROM(0, 1, 1, 0));
    struct lanes r = multiply(s, t);                      /* AA, BB, CB, DA */
    s = sums_and_differences(r, SECOND | THIRD | FOURTH); /* AA, E, CB + DA, CB - DA */
    return multiply(multiply(s, factors(s, r)), last);
}

INLINE struct lanes load(const uint64_t first[LIMBS], const uint64_t second[LIMBS], const uint64_t third[LIMBS],
                         const uint64_t fourth[LIMBS])
{
    struct lanes a;
    for (size_t i = 0; i < LIMBS; i++)
        a.l[i] = _mm256_set_epi64x((long long)fourth[i], (long long)third[i], (long long)second[i], (long long)first[i]);
    return a;
}

/* x_2 / z_2. */
INLINE void finish(uint8_t out[CX_X25519_BYTES], struct lanes p)
{
    uint64_t limb[LIMBS][LANES], x[LIMBS], z[LIMBS];
    for (size_t i = 0; i < LIMBS; i++)
        _mm256_storeu_si256((__m256i *)limb[i], p.l[i]);
    for (size_t i = 0; i < LIMBS; i++) {
        x[i] = limb[i][0];
        z[i] = limb[i][1];
    }
    cx_x25519_divide(out, x, z);
    cx_secret_wipe(limb, sizeof limb);
    cx_secret_wipe(x, sizeof x);
    cx_secret_wipe(z, sizeof z);
}

static bool multiply_point(uint8_t out[CX_X25519_BYTES], const uint8_t scalar[CX_X25519_BYTES],
                           const uint8_t point[CX_X25519_BYTES])
{
    static const uint64_t zero[LIMBS], one[LIMBS] = { 1 };
    static const uint8_t nothing[CX_X25519_BYTES];
    uint64_t u[LIMBS];
    uint8_t k[CX_X25519_BYTES];
    memcpy(k, scalar, sizeof k);
    cx_x25519_clamp(k);
    cx_x25519_read(u, point);
    struct lanes p = load(one, zero, u, one), last = load(one, one, one, u);
    unsigned swapped = 0;
    for (size_t i = 0; i <= TOP_BIT; i++) {
        unsigned bit = k[(TOP_BIT - i) / 8] >> (TOP_BIT - i) % 8 & 1;
        p = step(swap(p, (__mmask8)(0u - (swapped ^ bit))), last);
        swapped = bit;
    }
    finish(out, p); /* the last bit is always 0: nothing is swapped */
    cx_secret_wipe(k, sizeof k);
    return !cx_secret_equal(out, nothing, sizeof nothing);
}

const struct cx_x25519_kernel cx_x25519_ifma = {
    .kernel = { "avx512-ifma", CX_TIER_AVX512, CX_CPU_AVX512 | CX_CPU_AVX512IFMA },
    .multiply = multiply_point,
};

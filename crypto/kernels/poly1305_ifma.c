/* SPDX-License-Identifier: MIT */
/* Poly1305 in AVX-512 with 52-bit multiplication: numbers modulo 2^130 - 5 in limbs of 44, 44 and 42 bits.
 *
 * A message is eight interleaved ones: lane j takes the blocks j, j + 8, …, steps by r^8 (or, four at once, by r^32), and is
 * multiplied in the end by the power of r that its last block is away from the end. The first group of eight is filled up in front
 * with zeros, which do not count, so that every message of whole blocks ends with a whole group; an incomplete last block is left
 * to cx_poly1305_finish. The powers of all messages are made together, a lane each. */
#include <immintrin.h>

#include "crypto/kernels/chachapoly_priv.h"
#include "crypto/secret.h"

enum {
    LIMBS = 3,
    LANES = 8,
    GROUP_BYTES = LANES * CX_POLY1305_BLOCK,
    STEPS = 4,                    /* groups that are multiplied before one carry */
    LONG_BYTES = 9 * GROUP_BYTES, /* from here on it pays to make r^16, r^24 and r^32 */
    TOP_SHIFT = 42,
    SHIFT = 44,
};

#define INLINE static inline __attribute__((always_inline))

struct limbs {
    __m512i l[LIMBS];
};

/* What is multiplied by; twenty is what a carry out of 132 bits comes back as. */
struct factor {
    struct limbs r;
    __m512i r1_20, r2_20;
};

/* Sums of products: of their low 52 bits and of those above. */
struct sums {
    __m512i low[LIMBS], high[LIMBS];
};

/* A factor of each message, as numbers. */
struct factors {
    uint64_t r[LIMBS][LANES], r1_20[LANES], r2_20[LANES];
};

struct powers {
    __m512i ends[LANES][LIMBS];  /* a message: r^8 … r^1, in the order of lanes */
    struct factors steps[STEPS]; /* r^8, r^16, r^24, r^32 */
};

INLINE __m512i mask_of(int bits)
{
    return _mm512_set1_epi64((1LL << bits) - 1);
}

INLINE __m512i times_20(__m512i x)
{
    return _mm512_add_epi64(_mm512_slli_epi64(x, 4), _mm512_slli_epi64(x, 2));
}

INLINE struct factor factor_of(struct limbs r)
{
    return (struct factor){ r, times_20(r.l[1]), times_20(r.l[2]) };
}

INLINE struct sums sums_from(struct limbs x)
{
    struct sums s;
    for (int i = 0; i < LIMBS; i++) {
        s.low[i] = x.l[i];
        s.high[i] = _mm512_setzero_si512();
    }
    return s;
}

INLINE void add_product(struct sums *s, int limb, __m512i a, __m512i b)
{
    s->low[limb] = _mm512_madd52lo_epu64(s->low[limb], a, b);
    s->high[limb] = _mm512_madd52hi_epu64(s->high[limb], a, b);
}

INLINE void multiply_add(struct sums *s, struct limbs a, struct factor b)
{
    add_product(s, 0, a.l[1], b.r2_20);
    add_product(s, 1, a.l[1], b.r.l[0]);
    add_product(s, 2, a.l[1], b.r.l[1]);
    add_product(s, 0, a.l[2], b.r1_20);
    add_product(s, 1, a.l[2], b.r2_20);
    add_product(s, 2, a.l[2], b.r.l[0]);
    add_product(s, 0, a.l[0], b.r.l[0]);
    add_product(s, 1, a.l[0], b.r.l[1]);
    add_product(s, 2, a.l[0], b.r.l[2]);
}

/* Limbs of at most a little over their bits: below 2^45, as multiply_add wants them. */
INLINE struct limbs carry(struct sums s)
{
    struct limbs x;
    __m512i over = _mm512_add_epi64(_mm512_srli_epi64(s.low[0], SHIFT), _mm512_slli_epi64(s.high[0], 52 - SHIFT));
    x.l[0] = _mm512_and_si512(s.low[0], mask_of(SHIFT));
    s.low[1] = _mm512_add_epi64(s.low[1], over);
    over = _mm512_add_epi64(_mm512_srli_epi64(s.low[1], SHIFT), _mm512_slli_epi64(s.high[1], 52 - SHIFT));
    x.l[1] = _mm512_and_si512(s.low[1], mask_of(SHIFT));
    s.low[2] = _mm512_add_epi64(s.low[2], over);
    over = _mm512_add_epi64(_mm512_srli_epi64(s.low[2], TOP_SHIFT), _mm512_slli_epi64(s.high[2], 52 - TOP_SHIFT));
    x.l[2] = _mm512_and_si512(s.low[2], mask_of(TOP_SHIFT));
    x.l[0] = _mm512_add_epi64(x.l[0], _mm512_add_epi64(over, _mm512_slli_epi64(over, 2)));
    x.l[1] = _mm512_add_epi64(x.l[1], _mm512_srli_epi64(x.l[0], SHIFT));
    x.l[0] = _mm512_and_si512(x.l[0], mask_of(SHIFT));
    return x;
}

INLINE struct limbs zero(void)
{
    __m512i z = _mm512_setzero_si512();
    return (struct limbs){ { z, z, z } };
}

INLINE struct limbs multiply(struct limbs a, struct factor b)
{
    struct sums s = sums_from(zero());
    multiply_add(&s, a, b);
    return carry(s);
}

/* Numbers of 128 bits in halves, and what stands above them. */
INLINE struct limbs split(__m512i low, __m512i high, __m512i top)
{
    __m512i middle = _mm512_or_si512(_mm512_srli_epi64(low, SHIFT), _mm512_slli_epi64(high, 64 - SHIFT));
    return (struct limbs){ { _mm512_and_si512(low, mask_of(SHIFT)), _mm512_and_si512(middle, mask_of(SHIFT)),
                             _mm512_or_si512(_mm512_srli_epi64(high, 2 * SHIFT - 64), top) } };
}

/* ---- powers ---- */

INLINE struct limbs load_r(const struct cx_poly1305_job job[], size_t n)
{
    uint64_t low[LANES] = { 0 }, high[LANES] = { 0 };
    for (size_t i = 0; i < n; i++) {
        struct cx_poly1305 p = cx_poly1305_start(job[i].key);
        low[i] = p.r[0];
        high[i] = p.r[1];
    }
    return split(_mm512_loadu_si512(low), _mm512_loadu_si512(high), _mm512_setzero_si512());
}

/* From a register a power to a register a message. */
INLINE void transpose(__m512i x[LANES])
{
    __m512i t[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        __m512i low0 = _mm512_shuffle_i64x2(t[i], t[2 + i], 0x88), low1 = _mm512_shuffle_i64x2(t[4 + i], t[6 + i], 0x88);
        __m512i high0 = _mm512_shuffle_i64x2(t[i], t[2 + i], 0xdd), high1 = _mm512_shuffle_i64x2(t[4 + i], t[6 + i], 0xdd);
        x[i] = _mm512_shuffle_i64x2(low0, low1, 0x88);
        x[4 + i] = _mm512_shuffle_i64x2(low0, low1, 0xdd);
        x[2 + i] = _mm512_shuffle_i64x2(high0, high1, 0x88);
        x[6 + i] = _mm512_shuffle_i64x2(high0, high1, 0xdd);
    }
}

/* Lane j of a group holds block order[j]: what unpacking the halves of sixteen-byte blocks comes to. */
static const uint8_t order[LANES] = { 0, 4, 1, 5, 2, 6, 3, 7 };

INLINE void store_ends(struct powers *p, const struct limbs power[LANES + 1])
{
    for (int limb = 0; limb < LIMBS; limb++) {
        __m512i x[LANES];
        for (int j = 0; j < LANES; j++)
            x[j] = power[LANES - order[j]].l[limb];
        transpose(x);
        for (int j = 0; j < LANES; j++)
            p->ends[j][limb] = x[j];
    }
}

INLINE void store_step(struct powers *p, int step, struct factor f)
{
    for (int limb = 0; limb < LIMBS; limb++)
        _mm512_storeu_si512(p->steps[step].r[limb], f.r.l[limb]);
    _mm512_storeu_si512(p->steps[step].r1_20, f.r1_20);
    _mm512_storeu_si512(p->steps[step].r2_20, f.r2_20);
}

static void make_powers(struct powers *p, const struct cx_poly1305_job job[], size_t n, bool some_long)
{
    struct limbs power[LANES + 1];
    power[1] = load_r(job, n);
    struct factor f = factor_of(power[1]);
    power[2] = multiply(power[1], f);
    power[3] = multiply(power[2], f);
    f = factor_of(power[2]);
    power[4] = multiply(power[2], f);
    f = factor_of(power[4]);
    for (int i = 1; i <= 4; i++)
        power[4 + i] = multiply(power[i], f);
    store_ends(p, power);
    f = factor_of(power[8]);
    store_step(p, 0, f);
    if (!some_long)
        return;
    struct limbs twice = multiply(power[8], f);
    store_step(p, 1, factor_of(twice));
    store_step(p, 2, factor_of(multiply(twice, f)));
    store_step(p, 3, factor_of(multiply(twice, factor_of(twice))));
}

INLINE struct factor factor_at(const struct powers *p, size_t step, size_t message)
{
    const struct factors *f = &p->steps[step];
    struct limbs r;
    for (int limb = 0; limb < LIMBS; limb++)
        r.l[limb] = _mm512_set1_epi64((long long)f->r[limb][message]);
    return (struct factor){ r, _mm512_set1_epi64((long long)f->r1_20[message]), _mm512_set1_epi64((long long)f->r2_20[message]) };
}

/* ---- messages ---- */

INLINE __m512i block_bit(void)
{
    return _mm512_set1_epi64(1LL << (128 - 2 * SHIFT));
}

INLINE struct limbs load_group(const uint8_t *bytes)
{
    __m512i a = _mm512_loadu_si512(bytes), b = _mm512_loadu_si512(bytes + GROUP_BYTES / 2);
    return split(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b), block_bit());
}

/* The group of `blocks` blocks, 1 to 8, at its end, and zeros in front. What stands in front of them is not read. */
INLINE struct limbs load_first_group(const uint8_t *bytes, size_t blocks)
{
    unsigned missing = LANES - (unsigned)blocks;
    uint32_t words = 0xffffu << 2 * missing;
    const void *front = (const void *)((uintptr_t)bytes - missing * CX_POLY1305_BLOCK);
    const void *back = (const void *)((uintptr_t)front + GROUP_BYTES / 2);
    __m512i a = _mm512_maskz_loadu_epi64((__mmask8)words, front), b = _mm512_maskz_loadu_epi64((__mmask8)(words >> 8), back);
    __m512i orders = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)order));
    __mmask8 there = _mm512_cmpge_epu64_mask(orders, _mm512_set1_epi64(missing));
    return split(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b), _mm512_maskz_mov_epi64(there, block_bit()));
}

/* Past `count` groups, 1 to STEPS, with one carry. What depends on x comes last: the other products do not wait for it. */
INLINE struct limbs step(struct limbs x, const uint8_t *bytes, size_t count, const struct powers *p, size_t message)
{
    struct sums s = sums_from(load_group(bytes + (count - 1) * GROUP_BYTES));
    for (size_t i = 0; i + 1 < count; i++)
        multiply_add(&s, load_group(bytes + i * GROUP_BYTES), factor_at(p, count - 2 - i, message));
    multiply_add(&s, x, factor_at(p, count - 1, message));
    return carry(s);
}

/* The lanes' sum into 64-bit words, below 2^130 and a little. */
INLINE void join(uint64_t h[3], struct limbs x)
{
    const uint64_t mask = (UINT64_C(1) << SHIFT) - 1, top_mask = (UINT64_C(1) << TOP_SHIFT) - 1;
    uint64_t l0 = (uint64_t)_mm512_reduce_add_epi64(x.l[0]), l1 = (uint64_t)_mm512_reduce_add_epi64(x.l[1]);
    uint64_t l2 = (uint64_t)_mm512_reduce_add_epi64(x.l[2]);
    l0 += (l2 >> TOP_SHIFT) * 5;
    l1 += l0 >> SHIFT;
    l2 = (l2 & top_mask) + (l1 >> SHIFT);
    l0 &= mask;
    l1 &= mask;
    h[0] = l0 | l1 << SHIFT;
    h[1] = l1 >> (64 - SHIFT);
    uint64_t upper = l2 << (2 * SHIFT - 64);
    h[1] |= upper;
    h[2] = l2 >> (128 - 2 * SHIFT);
}

static void take_blocks(uint64_t h[3], const struct powers *p, size_t message, const uint8_t *bytes, size_t blocks)
{
    size_t first = (blocks - 1) % LANES + 1, groups = (blocks - first) / LANES;
    struct limbs x = load_first_group(bytes, first);
    bytes += first * CX_POLY1305_BLOCK;
    size_t most = blocks * CX_POLY1305_BLOCK >= LONG_BYTES ? STEPS : 1, odd = groups % most;
    if (odd > 0)
        x = step(x, bytes, odd, p, message);
    bytes += odd * GROUP_BYTES;
    groups -= odd;
    if (most == STEPS)
        for (; groups > 0; groups -= STEPS, bytes += STEPS * GROUP_BYTES)
            x = step(x, bytes, STEPS, p, message);
    for (; groups > 0; groups--, bytes += GROUP_BYTES)
        x = step(x, bytes, 1, p, message);
    struct limbs ends;
    for (int limb = 0; limb < LIMBS; limb++)
        ends.l[limb] = p->ends[message][limb];
    join(h, multiply(x, factor_of(ends)));
}

static void tags(const struct cx_poly1305_job job[], size_t n)
{
    struct powers p;
    bool some_long = false;
    for (size_t i = 0; i < n; i++)
        some_long |= job[i].len >= LONG_BYTES;
    make_powers(&p, job, n, some_long);
    for (size_t i = 0; i < n; i++) {
        struct cx_poly1305 rest = cx_poly1305_start(job[i].key);
        size_t blocks = job[i].len / CX_POLY1305_BLOCK;
        take_blocks(rest.h, &p, i, job[i].bytes, blocks);
        cx_poly1305_finish(&rest, job[i].bytes, blocks * CX_POLY1305_BLOCK, job[i].len, job[i].key, job[i].tag);
    }
    cx_secret_wipe(&p, sizeof p);
}

const struct cx_poly1305_kernel cx_poly1305_ifma = { .least = 8 * CX_POLY1305_BLOCK, .tags = tags };

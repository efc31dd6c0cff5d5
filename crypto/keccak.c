/* SPDX-License-Identifier: MIT */
/* Keccak-f[1600] and its sponge: FIPS 202 sections 3 to 6. Byte i of the state is bits 8 (i mod 8) and on of lane i / 8.
 *
 * The loops over lanes have constant bounds and are unrolled in full, so that the state stays in registers and every rotation
 * is by a constant; rolled, a permutation takes more than twice as long. */
#include "crypto/keccak.h"

#include <assert.h>

#include "crypto/secret.h"

enum { ROUNDS = 24 };

static const struct {
    unsigned rate;
    uint8_t suffix;
} algorithms[CX_KECCAK_ALG_COUNT] = {
    [CX_SHA3_256] = { 136, 0x06 },
    [CX_SHA3_512] = { 72, 0x06 },
    [CX_SHAKE128] = { CX_SHAKE128_RATE_BYTES, 0x1f },
    [CX_SHAKE256] = { 136, 0x1f },
};

/* iota: section 3.2.5 */
static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* rho, in the order in which pi's single cycle visits the lanes from lane 1 on: section 3.2.2 */
static const uint8_t cycle_rotation[24] = { 1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                            27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44 };
static const uint8_t cycle_lane[24] = { 10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1 };

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void one_round(uint64_t a[CX_KECCAK_LANES], uint64_t constant)
{
    uint64_t c[5], b[CX_KECCAK_LANES];
#pragma GCC unroll 5
    for (unsigned x = 0; x < 5; x++)
        c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 25
    for (unsigned i = 0; i < CX_KECCAK_LANES; i++)
        a[i] ^= c[(i + 4) % 5] ^ rotate_left(c[(i + 1) % 5], 1);
    b[0] = a[0];
    unsigned from = 1;
#pragma GCC unroll 24
    for (unsigned t = 0; t < 24; t++) {
        b[cycle_lane[t]] = rotate_left(a[from], cycle_rotation[t]);
        from = cycle_lane[t];
    }
#pragma GCC unroll 25
    for (unsigned i = 0; i < CX_KECCAK_LANES; i++)
        a[i] = b[i] ^ (~b[i / 5 * 5 + (i + 1) % 5] & b[i / 5 * 5 + (i + 2) % 5]);
    a[0] ^= constant;
}

static void permute(uint64_t state[CX_KECCAK_LANES])
{
    uint64_t a[CX_KECCAK_LANES];
    memcpy(a, state, sizeof a);
    for (unsigned round = 0; round < ROUNDS; round++)
        one_round(a, round_constants[round]);
    memcpy(state, a, sizeof a);
}

void cx_keccak_begin(struct cx_keccak *k, enum cx_keccak_alg alg)
{
    assert((unsigned)alg < CX_KECCAK_ALG_COUNT);
    *k = (struct cx_keccak){ .rate = algorithms[alg].rate, .suffix = algorithms[alg].suffix };
}

static void turn_if_full(struct cx_keccak *k)
{
    if (k->at < k->rate)
        return;
    permute(k->lane);
    k->at = 0;
}

static void absorb_byte(struct cx_keccak *k, unsigned at, uint8_t byte)
{
    k->lane[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

static uint64_t load_lane(const uint8_t *p)
{
    uint64_t lane;
    memcpy(&lane, p, sizeof lane);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? lane : __builtin_bswap64(lane);
}

static void store_lane(uint8_t *p, uint64_t lane)
{
    lane = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? lane : __builtin_bswap64(lane);
    memcpy(p, &lane, sizeof lane);
}

void cx_keccak_absorb(struct cx_keccak *k, struct cx_view bytes)
{
    assert(!k->squeezing);
    size_t i = 0;
    while (i < bytes.len) {
        turn_if_full(k);
        if (k->at % 8 == 0 && bytes.len - i >= 8) {
            k->lane[k->at / 8] ^= load_lane(bytes.data + i);
            k->at += 8;
            i += 8;
        } else {
            absorb_byte(k, k->at++, bytes.data[i++]);
        }
    }
}

static void pad(struct cx_keccak *k)
{
    turn_if_full(k);
    absorb_byte(k, k->at, k->suffix);
    absorb_byte(k, k->rate - 1, 0x80);
    k->at = k->rate;
    k->squeezing = true;
}

void cx_keccak_squeeze(struct cx_keccak *k, uint8_t *out, size_t len)
{
    if (!k->squeezing)
        pad(k);
    size_t i = 0;
    while (i < len) {
        turn_if_full(k);
        if (k->at % 8 == 0 && len - i >= 8) {
            store_lane(out + i, k->lane[k->at / 8]);
            k->at += 8;
            i += 8;
        } else {
            out[i++] = (uint8_t)(k->lane[k->at / 8] >> 8 * (k->at % 8));
            k->at++;
        }
    }
}

void cx_keccak(enum cx_keccak_alg alg, struct cx_view a, struct cx_view b, uint8_t *out, size_t len)
{
    struct cx_keccak k;
    cx_keccak_begin(&k, alg);
    cx_keccak_absorb(&k, a);
    cx_keccak_absorb(&k, b);
    cx_keccak_squeeze(&k, out, len);
    cx_secret_wipe(&k, sizeof k);
}

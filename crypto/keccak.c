/* SPDX-License-Identifier: MIT */
/* Keccak-f[1600] of one state, and the sponge: FIPS 202 sections 3 to 6. Byte i of the state is bits 8 (i mod 8) and on of lane
 * i / 8. */
#include <assert.h>

#include "crypto/keccak_priv.h"

#include "crypto/secret.h"

typedef uint64_t word;

static inline word xor3(word a, word b, word c)
{
    return a ^ b ^ c;
}

static inline word chi(word a, word b, word c)
{
    return a ^ (~b & c);
}

static inline word broadcast(uint64_t x)
{
    return x;
}

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
#include "crypto/keccak_rounds_priv.h"

const struct keccak_sponge cx_keccak_sponges[CX_KECCAK_ALG_COUNT] = {
    [CX_SHA3_256] = { 136, 0x06 },
    [CX_SHA3_512] = { 72, 0x06 },
    [CX_SHAKE128] = { CX_SHAKE128_RATE_BYTES, 0x1f },
    [CX_SHAKE256] = { 136, 0x1f },
};

void cx_keccak_permute(uint64_t lanes[CX_KECCAK_LANES])
{
    uint64_t a[CX_KECCAK_LANES];
    memcpy(a, lanes, sizeof a);
    keccak_rounds(a);
    memcpy(lanes, a, sizeof a);
}

void cx_keccak_begin(struct cx_keccak *k, enum cx_keccak_alg alg)
{
    assert((unsigned)alg < CX_KECCAK_ALG_COUNT);
    *k = (struct cx_keccak){ .rate = cx_keccak_sponges[alg].rate, .suffix = cx_keccak_sponges[alg].suffix };
}

static void turn_if_full(struct cx_keccak *k)
{
    if (k->at < k->rate)
        return;
    cx_keccak_permute(k->lane);
    k->at = 0;
}

static void absorb_byte(struct cx_keccak *k, unsigned at, uint8_t byte)
{
    k->lane[at / 8] ^= (uint64_t)byte << 8 * (at % 8);
}

void cx_keccak_absorb(struct cx_keccak *k, struct cx_view bytes)
{
    assert(!k->squeezing);
    size_t i = 0;
    while (i < bytes.len) {
        turn_if_full(k);
        if (k->at % 8 == 0 && bytes.len - i >= 8) {
            k->lane[k->at / 8] ^= keccak_load_lane(bytes.data + i);
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
            keccak_store_lane(out + i, k->lane[k->at / 8]);
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

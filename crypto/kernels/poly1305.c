/* SPDX-License-Identifier: MIT */
/* Poly1305 in 64-bit words, for short messages and for the ends of long ones: RFC 8439 section 2.5.
 *
 * h stands in two words and a little one. r's clamped bits make r[1] a multiple of four, so that what passes 2^130 comes back as
 * 5/4 of it without a remainder. */
#include "crypto/kernels/chachapoly_priv.h"
#include "crypto/secret.h"

typedef unsigned __int128 wide;

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

void cx_poly1305_start(struct cx_poly1305 *p, const uint8_t key[CX_POLY1305_KEY])
{
    *p = (struct cx_poly1305){ .r = { load(key) & 0x0ffffffc0fffffff, load(key + 8) & 0x0ffffffc0ffffffc } };
}

/* h = (h + block) r; top is the bit above the block's 128. */
static inline void take(struct cx_poly1305 *p, uint64_t low, uint64_t high, uint64_t top)
{
    uint64_t r0 = p->r[0], r1 = p->r[1], folded = r1 + (r1 >> 2);
    wide sum = (wide)p->h[0] + low;
    uint64_t h0 = (uint64_t)sum;
    sum = (wide)p->h[1] + high + (uint64_t)(sum >> 64);
    uint64_t h1 = (uint64_t)sum, h2 = p->h[2] + top + (uint64_t)(sum >> 64);
    wide d0 = (wide)h0 * r0 + (wide)h1 * folded;
    wide d1 = (wide)h0 * r1 + (wide)h1 * r0 + (wide)h2 * folded + (uint64_t)(d0 >> 64);
    uint64_t d2 = h2 * r0 + (uint64_t)(d1 >> 64);
    sum = (wide)(uint64_t)d0 + (d2 & ~UINT64_C(3)) + (d2 >> 2);
    p->h[0] = (uint64_t)sum;
    sum = (wide)(uint64_t)d1 + (uint64_t)(sum >> 64);
    p->h[1] = (uint64_t)sum;
    p->h[2] = (d2 & 3) + (uint64_t)(sum >> 64);
}

/* Modulo 2^130 - 5, and the key's second half added modulo 2^128. */
static void give(const struct cx_poly1305 *p, const uint8_t *pad, uint8_t tag[CX_POLY1305_TAG])
{
    wide sum = (wide)p->h[0] + 5;
    uint64_t less0 = (uint64_t)sum;
    sum = (wide)p->h[1] + (uint64_t)(sum >> 64);
    uint64_t less1 = (uint64_t)sum;
    /* all ones where h reaches the modulus */
    uint64_t reaches = 0 - ((p->h[2] + (uint64_t)(sum >> 64)) >> 2);
    uint64_t h0 = (p->h[0] & ~reaches) | (less0 & reaches), h1 = (p->h[1] & ~reaches) | (less1 & reaches);
    sum = (wide)h0 + load(pad);
    h0 = (uint64_t)sum;
    h1 += load(pad + 8) + (uint64_t)(sum >> 64);
    memcpy(tag, &h0, sizeof h0);
    memcpy(tag + 8, &h1, sizeof h1);
}

void cx_poly1305_finish(struct cx_poly1305 *p, const uint8_t *bytes, size_t len, const uint8_t key[CX_POLY1305_KEY],
                        uint8_t tag[CX_POLY1305_TAG])
{
    struct cx_poly1305 local = *p;
    for (; len >= CX_POLY1305_BLOCK; len -= CX_POLY1305_BLOCK, bytes += CX_POLY1305_BLOCK)
        take(&local, load(bytes), load(bytes + 8), 1);
    if (len > 0) {
        uint8_t last[CX_POLY1305_BLOCK] = { 0 };
        memcpy(last, bytes, len);
        last[len] = 1;
        take(&local, load(last), load(last + 8), 0);
    }
    give(&local, key + CX_POLY1305_KEY / 2, tag);
    cx_secret_wipe(&local, sizeof local);
    cx_secret_wipe(p, sizeof *p);
}

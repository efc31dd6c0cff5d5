/* SPDX-License-Identifier: MIT */
/* Poly1305 in 64-bit words, for short messages and for the ends of long ones: RFC 8439 section 2.5. Inlined where it is used, so
 * that one-time keys stay in registers.
 *
 * h stands in two words and a little one. r's clamped bits make r[1] a multiple of four, so that what passes 2^130 comes back as
 * 5/4 of it without a remainder. */
#ifndef CX_POLY1305_PRIV_H
#define CX_POLY1305_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CX_POLY1305_KEY = 32,
    CX_POLY1305_TAG = 16,
    CX_POLY1305_BLOCK = 16,
};

typedef unsigned __int128 cx_poly1305_wide;

struct cx_poly1305 {
    uint64_t h[3]; /* below 2^130 and a little */
    uint64_t r[2];
};

static inline uint64_t cx_poly1305_load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline struct cx_poly1305 cx_poly1305_start(const uint8_t key[CX_POLY1305_KEY])
{
    return (
        struct cx_poly1305){ .r = { cx_poly1305_load(key) & 0x0ffffffc0fffffff, cx_poly1305_load(key + 8) & 0x0ffffffc0ffffffc } };
}

/* h = (h + block) r; top is what stands above the block's 128 bits. */
static inline void cx_poly1305_take(struct cx_poly1305 *p, uint64_t low, uint64_t high, uint64_t top)
{
    typedef cx_poly1305_wide wide;
    uint64_t r0 = p->r[0], r1 = p->r[1], folded = r1 + (r1 >> 2);
    wide sum = (wide)p->h[0] + low;
    uint64_t h0 = (uint64_t)sum;
    sum = (wide)p->h[1] + high + (uint64_t)(sum >> 64);
    uint64_t h1 = (uint64_t)sum, h2 = p->h[2] + top + (uint64_t)(sum >> 64);
    wide d0 = (wide)h0 * r0 + (wide)h1 * folded;
    wide d1 = (wide)h0 * r1 + (wide)h1 * r0 + h2 * folded + (uint64_t)(d0 >> 64);
    uint64_t d2 = h2 * r0 + (uint64_t)(d1 >> 64);
    sum = (wide)(uint64_t)d0 + (d2 & ~UINT64_C(3)) + (d2 >> 2);
    p->h[0] = (uint64_t)sum;
    sum = (wide)(uint64_t)d1 + (uint64_t)(sum >> 64);
    p->h[1] = (uint64_t)sum;
    p->h[2] = (d2 & 3) + (uint64_t)(sum >> 64);
}

/* Modulo 2^130 - 5, and the key's second half added modulo 2^128. */
static inline void cx_poly1305_give(const struct cx_poly1305 *p, const uint8_t key[CX_POLY1305_KEY], uint8_t tag[CX_POLY1305_TAG])
{
    typedef cx_poly1305_wide wide;
    wide sum = (wide)p->h[0] + 5;
    uint64_t less0 = (uint64_t)sum;
    sum = (wide)p->h[1] + (uint64_t)(sum >> 64);
    uint64_t less1 = (uint64_t)sum;
    /* all ones where h reaches the modulus */
    uint64_t reaches = 0 - ((p->h[2] + (uint64_t)(sum >> 64)) >> 2);
    uint64_t h0 = (p->h[0] & ~reaches) | (less0 & reaches), h1 = (p->h[1] & ~reaches) | (less1 & reaches);
    sum = (wide)h0 + cx_poly1305_load(key + CX_POLY1305_KEY / 2);
    h0 = (uint64_t)sum;
    h1 += cx_poly1305_load(key + CX_POLY1305_KEY / 2 + 8) + (uint64_t)(sum >> 64);
    memcpy(tag, &h0, sizeof h0);
    memcpy(tag + 8, &h1, sizeof h1);
}

/* The last bytes of a message, fewer than a block, as a number: the end of the block that ends there, if the message has one, is
 * loaded whole, since copying byte by byte would hold up the load behind it. */
static inline cx_poly1305_wide cx_poly1305_rest(const uint8_t *bytes, size_t len)
{
    size_t rest = len % CX_POLY1305_BLOCK;
    uint8_t padded[CX_POLY1305_BLOCK] = { 0 };
    if (len < CX_POLY1305_BLOCK)
        memcpy(padded, bytes, len);
    const uint8_t *last = len < CX_POLY1305_BLOCK ? padded : bytes + len - CX_POLY1305_BLOCK;
    cx_poly1305_wide number = (cx_poly1305_wide)cx_poly1305_load(last + 8) << 64 | cx_poly1305_load(last);
    return len < CX_POLY1305_BLOCK ? number : number >> 8 * (CX_POLY1305_BLOCK - rest);
}

/* The message from the byte `done`, a multiple of CX_POLY1305_BLOCK, to its end; what is in front stands in h. */
static inline void cx_poly1305_finish(struct cx_poly1305 *p, const uint8_t *bytes, size_t done, size_t len,
                                      const uint8_t key[CX_POLY1305_KEY], uint8_t tag[CX_POLY1305_TAG])
{
    for (; len - done >= CX_POLY1305_BLOCK; done += CX_POLY1305_BLOCK)
        cx_poly1305_take(p, cx_poly1305_load(bytes + done), cx_poly1305_load(bytes + done + 8), 1);
    if (done < len) {
        cx_poly1305_wide rest = cx_poly1305_rest(bytes, len) | (cx_poly1305_wide)1 << 8 * (len - done);
        cx_poly1305_take(p, (uint64_t)rest, (uint64_t)(rest >> 64), 0);
    }
    cx_poly1305_give(p, key, tag);
}

#endif

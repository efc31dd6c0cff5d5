/* SPDX-License-Identifier: MIT */
/* Poly1305 in 64-bit words: RFC 8439 section 2.5. For x86-64 with BMI2.
 *
 * h stands in two words and a little one. r's clamped bits make r[1] a multiple of four, so that what passes 2^130 comes back as
 * 5/4 of it without a remainder. Keys stay in registers as far as there are some. */
#include "crypto/kernels/poly1305_priv.h"

#include <immintrin.h>

typedef unsigned __int128 wide;

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* h = (h + block) r; top is what stands above the block's 128 bits. Carries are spelt out, since gcc 12 keeps sums of 128 bits in
 * memory: twice the instructions. */
static inline void take(struct cx_poly1305 *p, uint64_t low, uint64_t high, uint64_t top)
{
    typedef unsigned long long word; /* what the carry's functions point to */
    word r0 = p->r[0], r1 = p->r[1], folded = r1 + (r1 >> 2), h0, h1, h2, d0, d1, d2, next, over;
    uint8_t c = _addcarry_u64(0, p->h[0], low, &h0);
    c = _addcarry_u64(c, p->h[1], high, &h1);
    _addcarry_u64(c, p->h[2], top, &h2);

    d0 = _mulx_u64(h0, r0, &d1);
    next = _mulx_u64(h1, folded, &over);
    c = _addcarry_u64(0, d0, next, &d0);
    _addcarry_u64(c, d1, over, &d1); /* what d0 hands to the next word */
    word e1 = _mulx_u64(h0, r1, &d2);
    next = _mulx_u64(h1, r0, &over);
    c = _addcarry_u64(0, e1, next, &e1);
    _addcarry_u64(c, d2, over, &d2);
    c = _addcarry_u64(0, e1, h2 * folded, &e1);
    _addcarry_u64(c, d2, h2 * r0, &d2);
    c = _addcarry_u64(0, d1, e1, &d1);
    _addcarry_u64(c, d2, 0, &d2);

    c = _addcarry_u64(0, d0, (d2 & ~3ull) + (d2 >> 2), &h0);
    c = _addcarry_u64(c, d1, 0, &h1);
    _addcarry_u64(c, d2 & 3, 0, &h2);
    p->h[0] = h0;
    p->h[1] = h1;
    p->h[2] = h2;
}

/* Modulo 2^130 - 5, and the key's second half added modulo 2^128. */
static inline void give(const struct cx_poly1305 *p, const uint8_t key[CX_POLY1305_KEY], uint8_t tag[CX_POLY1305_TAG])
{
    unsigned long long less0, less1, less2, h0, h1;
    uint8_t c = _addcarry_u64(0, p->h[0], 5, &less0);
    c = _addcarry_u64(c, p->h[1], 0, &less1);
    _addcarry_u64(c, p->h[2], 0, &less2);
    /* all ones where h reaches the modulus */
    uint64_t reaches = 0 - (uint64_t)(less2 >> 2);
    h0 = (p->h[0] & ~reaches) | (less0 & reaches);
    h1 = (p->h[1] & ~reaches) | (less1 & reaches);
    c = _addcarry_u64(0, h0, load(key + CX_POLY1305_KEY / 2), &h0);
    _addcarry_u64(c, h1, load(key + CX_POLY1305_KEY / 2 + 8), &h1);
    memcpy(tag, &h0, sizeof h0);
    memcpy(tag + 8, &h1, sizeof h1);
}

/* The last bytes of a message, fewer than a block, as a number: the end of the block that ends there, if the message has one, is
 * loaded whole, since copying byte by byte would hold up the load behind it. */
static inline wide rest_of(const uint8_t *bytes, size_t len)
{
    size_t rest = len % CX_POLY1305_BLOCK;
    uint8_t padded[CX_POLY1305_BLOCK] = { 0 };
    if (len < CX_POLY1305_BLOCK)
        memcpy(padded, bytes, len);
    const uint8_t *last = len < CX_POLY1305_BLOCK ? padded : bytes + len - CX_POLY1305_BLOCK;
    wide number = (wide)load(last + 8) << 64 | load(last);
    return len < CX_POLY1305_BLOCK ? number : number >> 8 * (CX_POLY1305_BLOCK - rest);
}

void cx_poly1305_finish(const struct cx_poly1305 *p, const uint8_t *bytes, size_t done, size_t len,
                        const uint8_t key[CX_POLY1305_KEY], uint8_t tag[CX_POLY1305_TAG])
{
    struct cx_poly1305 here = *p;
    for (; len - done >= CX_POLY1305_BLOCK; done += CX_POLY1305_BLOCK)
        take(&here, load(bytes + done), load(bytes + done + 8), 1);
    if (done < len) {
        wide rest = rest_of(bytes, len) | (wide)1 << 8 * (len - done);
        take(&here, (uint64_t)rest, (uint64_t)(rest >> 64), 0);
    }
    give(&here, key, tag);
}

void cx_poly1305_powers(const uint8_t key[CX_POLY1305_KEY], uint64_t power[][3], size_t n)
{
    struct cx_poly1305 p = cx_poly1305_start(key);
    p.h[0] = p.r[0];
    p.h[1] = p.r[1];
    for (size_t i = 0; i < n; i++) {
        memcpy(power[i], p.h, sizeof p.h);
        take(&p, 0, 0, 0);
    }
}

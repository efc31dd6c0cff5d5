/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels and its tests only: what chachapoly.c, which knows packets, asks of the files that know one instruction
 * set.
 *
 * Everything here works on many packets of one direction. ChaCha20 takes blocks as lanes, whichever packet they are of; Poly1305
 * takes messages, each under its own one-time key. */
#ifndef CX_CHACHAPOLY_PRIV_H
#define CX_CHACHAPOLY_PRIV_H

#include "crypto/kernels/poly1305_priv.h"
#include "crypto/packet/packet_priv.h"

enum {
    CX_CHACHA20_BLOCK = 64,
    CX_CHACHA20_LANES = 32,  /* most blocks a call */
    CX_CHACHAPOLY_AHEAD = 8, /* sequence numbers whose rows are made at once */
    CX_CHACHAPOLY_EARLY = 2, /* blocks of a body's stream that stand in its row */
    CX_POLY1305_LANES = 8,   /* most messages a call */
};

/* What a packet needs that its bytes have no part in. */
struct cx_chachapoly_row {
    uint8_t stream[CX_CHACHAPOLY_EARLY * CX_CHACHA20_BLOCK]; /* the body's, from block 1 on */
    uint8_t mac_key[CX_POLY1305_KEY];                        /* the body's block 0 */
    uint8_t length_pad[CX_PACKET_LENGTH_BYTES];
};

/* ChaCha20's words, of this machine's order, which is the algorithm's. */
struct cx_chacha20_key {
    uint32_t word[8];
};

/* Blocks of the stream under one key, each XORed into bytes of its own. */
struct cx_chacha20_lanes {
    size_t n;
    uint32_t counter[CX_CHACHA20_LANES];
    uint32_t seq[CX_CHACHA20_LANES];
    const uint8_t *from[CX_CHACHA20_LANES];
    uint8_t *to[CX_CHACHA20_LANES]; /* equal to from, or not overlapping */
    uint8_t len[CX_CHACHA20_LANES]; /* 1 to CX_CHACHA20_BLOCK */
};

struct cx_chacha20_kernel {
    /* The rows of seq and the sequence numbers behind it, which do not wrap. */
    void (*ahead)(const struct cx_chacha20_key *body, const struct cx_chacha20_key *length, uint32_t seq,
                  struct cx_chachapoly_row row[CX_CHACHAPOLY_AHEAD]);
    void (*lanes)(const struct cx_chacha20_key *key, const struct cx_chacha20_lanes *lanes);
    /* So many times CX_CHACHA20_LANES blocks that follow each other, from block `counter` on. */
    void (*stretch)(const struct cx_chacha20_key *key, uint32_t seq, uint32_t counter, uint8_t *to, const uint8_t *from,
                    size_t times);
};

struct cx_poly1305_job {
    const uint8_t *key; /* CX_POLY1305_KEY bytes */
    const uint8_t *bytes;
    size_t len;
    uint8_t *tag; /* CX_POLY1305_TAG bytes; outside bytes */
};

struct cx_poly1305_kernel {
    size_t least; /* shorter messages go faster in 64-bit words: poly1305_priv.h */
    /* n is from 1 to CX_POLY1305_LANES; messages of `least` bytes and more. */
    void (*tags)(const struct cx_poly1305_job job[], size_t n);
};

extern const struct cx_chacha20_kernel cx_chacha20_avx512;
extern const struct cx_chacha20_kernel cx_chacha20_avx2;
extern const struct cx_poly1305_kernel cx_poly1305_ifma;
extern const struct cx_poly1305_kernel cx_poly1305_avx2;

#endif

/* SPDX-License-Identifier: MIT */
/* SHA-3 and SHAKE (FIPS 202), as ML-KEM uses them: absorb, then squeeze, each in any number of pieces. EVP's contexts cost more
 * than the permutation itself where inputs are 34 bytes long; these states live on the stack. Time depends on lengths only.
 * A cx_keccak is used by one thread at a time; what holds a secret is wiped by its owner. */
#ifndef CX_KECCAK_H
#define CX_KECCAK_H

#include "crypto/span.h"

enum cx_keccak_alg { CX_SHA3_256, CX_SHA3_512, CX_SHAKE128, CX_SHAKE256, CX_KECCAK_ALG_COUNT };

enum { CX_KECCAK_LANES = 25, CX_SHA3_256_BYTES = 32, CX_SHA3_512_BYTES = 64, CX_SHAKE128_RATE_BYTES = 168 };

struct cx_keccak {
    uint64_t lane[CX_KECCAK_LANES];
    unsigned rate;  /* bytes of the state that input and output pass through */
    unsigned at;    /* how many of them are used */
    uint8_t suffix; /* domain separation and the first bit of the padding */
    bool squeezing;
};

void cx_keccak_begin(struct cx_keccak *k, enum cx_keccak_alg alg);
/* Not after the first squeeze. */
void cx_keccak_absorb(struct cx_keccak *k, struct cx_view bytes);
void cx_keccak_squeeze(struct cx_keccak *k, uint8_t *out, size_t len);

/* All at once: len bytes of the digest of a and b one behind the other. */
void cx_keccak(enum cx_keccak_alg alg, struct cx_view a, struct cx_view b, uint8_t *out, size_t len);

#endif

/* SPDX-License-Identifier: MIT */
/* SHA-2, incrementally. A cx_hash is used by one thread at a time; begin/end pair up, and end frees. */
#ifndef CX_HASH_H
#define CX_HASH_H

#include "crypto/err.h"
#include "crypto/span.h"

enum cx_hash_alg { CX_SHA256, CX_SHA384, CX_SHA512, CX_HASH_COUNT };
enum { CX_HASH_MAX_BYTES = 64 };

size_t cx_hash_len(enum cx_hash_alg alg);

struct cx_hash {
    void *ctx; /* opaque */
    enum cx_hash_alg alg;
};

CX_MUST_CHECK enum cx_err cx_hash_begin(struct cx_hash *h, enum cx_hash_alg alg);
void cx_hash_add(struct cx_hash *h, struct cx_view bytes);
/* RFC 4251 section 5 forms: a uint32, and a string with its length in front. */
void cx_hash_add_u32(struct cx_hash *h, uint32_t value);
void cx_hash_add_string(struct cx_hash *h, struct cx_view bytes);
/* Writes cx_hash_len(alg) bytes and frees; out may be NULL to abandon. An error of any earlier call comes out here. */
CX_MUST_CHECK enum cx_err cx_hash_end(struct cx_hash *h, uint8_t *out);

#endif

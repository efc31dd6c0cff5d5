/* SPDX-License-Identifier: MIT */
/* Key exchange methods, in the shape of a KEM, so that Diffie-Hellman and post-quantum hybrids are one thing:
 *   client:  cx_kex_start   -> C            server:  cx_kex_respond(C) -> S, K       client:  cx_kex_finish(S) -> K
 * K comes out encoded as the method's exchange hash wants it (mpint, RFC 4253 section 8; or string), length included.
 * State belongs to one connection's thread. */
#ifndef CX_KEX_H
#define CX_KEX_H

#include "crypto/err.h"
#include "crypto/hash.h"
#include "crypto/random.h"

enum {
    CX_KEX_PUBLIC_MAX = 2048, /* C or S of any method */
    CX_KEX_SHARED_MAX = 1040, /* K, encoded */
};

struct cx_dh;
struct cx_kem;

struct cx_kex {
    const char *name;
    enum cx_hash_alg hash;
    const struct cx_kem *kem; /* of a hybrid: its part of C and S comes first; else NULL */
    const struct cx_dh *dh;   /* NULL: its group is exchanged first, see group.h */
};

struct cx_kex_shared {
    size_t len;
    uint8_t bytes[CX_KEX_SHARED_MAX];
};

struct cx_kex_public {
    size_t len;
    uint8_t bytes[CX_KEX_PUBLIC_MAX];
};

const struct cx_kex *cx_kex_find(struct cx_view name);
/* The i-th that exists, NULL past the end. */
const struct cx_kex *cx_kex_at(size_t i);
const char *cx_kex_name_at(size_t i);

/* The client's secret between start and finish; opaque, wiped and freed by cx_kex_state_free (NULL is fine). */
struct cx_kex_state;

CX_MUST_CHECK enum cx_err cx_kex_start(const struct cx_kex *kex, const struct cx_random *random, struct cx_kex_state **state,
                                       struct cx_kex_public *c);
/* A C or S of the wrong length or form, or an ML-KEM key that fails its check: CX_E_MALFORMED; a point off its curve, a value out
 * of its group's range or an all-zero result: CX_E_WEAK. A KEM's ciphertext that is well-formed but wrong is no error: K is one
 * that nobody else has. */
CX_MUST_CHECK enum cx_err cx_kex_respond(const struct cx_kex *kex, const struct cx_random *random, struct cx_view c,
                                         struct cx_kex_public *s, struct cx_kex_shared *k);
CX_MUST_CHECK enum cx_err cx_kex_finish(const struct cx_kex *kex, struct cx_kex_state *state, struct cx_view s,
                                        struct cx_kex_shared *k);
void cx_kex_state_free(struct cx_kex_state *state);

#endif

/* SPDX-License-Identifier: MIT */
/* Inside crypto/kex only: what a method is to the table. A method's state starts with struct cx_kex_state. */
#ifndef CX_KEX_PRIV_H
#define CX_KEX_PRIV_H

#include "crypto/kex/kex.h"

struct cx_kex_state {
    size_t size; /* of the whole state: what is wiped */
};

/* The functions of kex.h, for one method. */
struct cx_kex_ops {
    enum cx_err (*start)(const struct cx_random *random, struct cx_kex_state **state, struct cx_kex_public *c);
    enum cx_err (*respond)(const struct cx_random *random, struct cx_view c, struct cx_kex_public *s, struct cx_kex_shared *k);
    enum cx_err (*finish)(struct cx_kex_state *state, struct cx_view s, struct cx_kex_shared *k);
};

extern const struct cx_kex_ops cx_kex_x25519;
extern const struct cx_kex_ops cx_kex_ecdh_p256;

/* K as an mpint, from its big-endian bytes. */
void cx_kex_shared_mpint(struct cx_kex_shared *k, struct cx_view secret);

#endif

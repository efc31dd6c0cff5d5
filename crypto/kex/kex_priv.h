/* SPDX-License-Identifier: MIT */
/* Inside crypto/kex only: what methods are made of, a Diffie-Hellman group and, in front of it, perhaps a KEM (kex.c puts them
 * together). Each kind of part is a table of functions with its own sizes; parts know nothing of SSH's encodings of K. */
#ifndef CX_KEX_PRIV_H
#define CX_KEX_PRIV_H

#include "crypto/kex/kex.h"
#include "crypto/wire.h"

enum {
    CX_DH_SECRET_MAX = 66,   /* of P-521 */
    CX_DH_SHARED_MAX = 1024, /* of an 8192-bit group */
    CX_KEM_SHARED_BYTES = 32,
};

struct cx_dh {
    size_t secret_bytes;
    int nid; /* OpenSSL's number, where several groups share their functions */
    /* Draws a secret of secret_bytes and appends its public value. */
    enum cx_err (*make_pair)(const struct cx_dh *dh, const struct cx_random *random, uint8_t *secret, struct cx_writer *public);
    /* Judges the peer's public value, length included, and appends what both sides share: big-endian, of the group's length;
     * X25519's as it is. At most CX_DH_SHARED_MAX bytes. */
    enum cx_err (*agree)(const struct cx_dh *dh, const uint8_t *secret, struct cx_view peer, struct cx_writer *shared);
    struct cx_view prime, generator; /* of an exchanged group, which has no number: the contents of their mpints */
};

extern const struct cx_dh cx_dh_x25519;
extern const struct cx_dh cx_dh_nistp256;
extern const struct cx_dh cx_dh_nistp384;
extern const struct cx_dh cx_dh_nistp521;
extern const struct cx_dh cx_dh_group14;
extern const struct cx_dh cx_dh_group16;
extern const struct cx_dh cx_dh_group18;
extern const struct cx_dh cx_dh_exchanged; /* what group.c fills in */

/* Whether this is the content of a positive mpint in its shortest form. */
bool cx_dh_is_mpint(struct cx_view v);

/* Lengths are checked by the caller. A ciphertext that is well-formed but wrong yields a secret that nobody else has. */
struct cx_kem {
    size_t secret_bytes, public_bytes, ciphertext_bytes;
    enum cx_err (*make_pair)(const struct cx_random *random, uint8_t *secret, uint8_t *public);
    enum cx_err (*encapsulate)(const struct cx_random *random, const uint8_t *public, uint8_t *ciphertext,
                               uint8_t shared[CX_KEM_SHARED_BYTES]);
    enum cx_err (*decapsulate)(const uint8_t *secret, const uint8_t *ciphertext, uint8_t shared[CX_KEM_SHARED_BYTES]);
};

extern const struct cx_kem cx_kem_mlkem768;
extern const struct cx_kem cx_kem_sntrup761;

#endif

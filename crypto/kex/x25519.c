/* SPDX-License-Identifier: MIT */
/* X25519 (RFC 7748, RFC 8731) on libsodium. Public values and what is shared are the 32 bytes as they are: RFC 8731 section 3
 * reads them as a big-endian number, although X25519 itself is little-endian. */
#include <sodium.h>

#include "crypto/kex/kex_priv.h"

enum { VALUE_BYTES = crypto_scalarmult_curve25519_BYTES };

/* sodium_init picks the fastest implementation, once; every further call returns at once. */
static enum cx_err make_pair(const struct cx_dh *dh, const struct cx_random *random, uint8_t *secret, struct cx_writer *public)
{
    (void)dh;
    uint8_t *value = cx_writer_room(public, VALUE_BYTES);
    if (!value || sodium_init() < 0)
        return CX_E_RESOURCE;
    cx_random_fill(random, secret, VALUE_BYTES);
    return crypto_scalarmult_curve25519_base(value, secret) == 0 ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err agree(const struct cx_dh *dh, const uint8_t *secret, struct cx_view peer, struct cx_writer *shared)
{
    (void)dh;
    if (peer.len != VALUE_BYTES)
        return CX_E_MALFORMED;
    uint8_t *value = cx_writer_room(shared, VALUE_BYTES);
    /* it fails on an all-zero result, which RFC 8731 section 3 refuses */
    return value && crypto_scalarmult_curve25519(value, secret, peer.data) == 0 ? CX_OK : CX_E_WEAK;
}

const struct cx_dh cx_dh_x25519 = { .secret_bytes = VALUE_BYTES, .make_pair = make_pair, .agree = agree };

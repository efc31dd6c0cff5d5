/* SPDX-License-Identifier: MIT */
/* curve25519-sha256: RFC 8731, on libsodium. C and S are the 32-byte public values as they are. */
#include <sodium.h>
#include <stdlib.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"

enum { VALUE_BYTES = crypto_scalarmult_curve25519_BYTES };

struct x25519_state {
    struct cx_kex_state base;
    uint8_t secret[VALUE_BYTES];
};

/* sodium_init picks the fastest implementation, once; every further call returns at once. */
static enum cx_err make_pair(const struct cx_random *random, uint8_t secret[VALUE_BYTES], struct cx_kex_public *public)
{
    if (sodium_init() < 0)
        return CX_E_RESOURCE;
    cx_random_fill(random, secret, VALUE_BYTES);
    public->len = VALUE_BYTES;
    return crypto_scalarmult_curve25519_base(public->bytes, secret) == 0 ? CX_OK : CX_E_RESOURCE;
}

/* RFC 8731 section 3: the 32 bytes are read as a big-endian number, although X25519 itself is little-endian. */
static enum cx_err agree(const uint8_t secret[VALUE_BYTES], struct cx_view peer, struct cx_kex_shared *k)
{
    uint8_t shared[VALUE_BYTES];
    if (peer.len != VALUE_BYTES)
        return CX_E_MALFORMED;
    /* it fails on an all-zero result, which RFC 8731 section 3 refuses */
    bool good = crypto_scalarmult_curve25519(shared, secret, peer.data) == 0;
    if (good)
        cx_kex_shared_mpint(k, cx_view(shared, sizeof shared));
    cx_secret_wipe(shared, sizeof shared);
    return good ? CX_OK : CX_E_WEAK;
}

static enum cx_err start(const struct cx_random *random, struct cx_kex_state **state, struct cx_kex_public *c)
{
    struct x25519_state *mine = calloc(1, sizeof *mine);
    if (!mine)
        return CX_E_RESOURCE;
    mine->base.size = sizeof *mine;
    enum cx_err err = make_pair(random, mine->secret, c);
    if (err)
        cx_kex_state_free(&mine->base);
    else
        *state = &mine->base;
    return err;
}

static enum cx_err respond(const struct cx_random *random, struct cx_view c, struct cx_kex_public *s, struct cx_kex_shared *k)
{
    uint8_t secret[VALUE_BYTES];
    enum cx_err err = make_pair(random, secret, s);
    if (!err)
        err = agree(secret, c, k);
    cx_secret_wipe(secret, sizeof secret);
    return err;
}

static enum cx_err finish(struct cx_kex_state *state, struct cx_view s, struct cx_kex_shared *k)
{
    return agree(((struct x25519_state *)state)->secret, s, k);
}

const struct cx_kex_ops cx_kex_x25519 = { start, respond, finish };

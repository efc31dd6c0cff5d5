/* SPDX-License-Identifier: MIT */
/* ecdh-sha2-nistp256: RFC 5656 section 4, on OpenSSL's P-256. C and S are uncompressed points.
 *
 * The point functions are used rather than EVP_PKEY_derive, since the scalar comes from the randomness that is handed in;
 * OpenSSL's own multiplication under both is the same, and constant in time. */
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"

enum { SCALAR_BYTES = 32, POINT_BYTES = 65, POINT_UNCOMPRESSED = 4 };

struct ecdh_state {
    struct cx_kex_state base;
    uint8_t secret[SCALAR_BYTES];
};

struct curve {
    EC_GROUP *group;
    EC_POINT *point;
    BIGNUM *scalar;
    BN_CTX *scratch;
};

static bool curve_init(struct curve *c)
{
    c->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    c->point = c->group ? EC_POINT_new(c->group) : NULL;
    c->scalar = BN_secure_new();
    c->scratch = BN_CTX_secure_new();
    if (c->scalar)
        BN_set_flags(c->scalar, BN_FLG_CONSTTIME);
    return c->point && c->scalar && c->scratch;
}

static void curve_deinit(struct curve *c)
{
    BN_CTX_free(c->scratch);
    BN_clear_free(c->scalar);
    EC_POINT_clear_free(c->point);
    EC_GROUP_free(c->group);
}

/* A scalar from 1 to the order - 1. The order is so near to 2^256 that a second draw is a matter of 1 in 2^32. */
static bool draw_scalar(struct curve *c, const struct cx_random *random, uint8_t secret[SCALAR_BYTES])
{
    do {
        cx_random_fill(random, secret, SCALAR_BYTES);
        if (!BN_bin2bn(secret, SCALAR_BYTES, c->scalar))
            return false;
    } while (BN_is_zero(c->scalar) || BN_cmp(c->scalar, EC_GROUP_get0_order(c->group)) >= 0);
    return true;
}

static enum cx_err make_pair(struct curve *c, const struct cx_random *random, uint8_t secret[SCALAR_BYTES],
                             struct cx_kex_public *public)
{
    if (!draw_scalar(c, random, secret) || EC_POINT_mul(c->group, c->point, c->scalar, NULL, NULL, c->scratch) != 1)
        return CX_E_RESOURCE;
    public->len =
        EC_POINT_point2oct(c->group, c->point, POINT_CONVERSION_UNCOMPRESSED, public->bytes, sizeof public->bytes, c->scratch);
    return public->len == POINT_BYTES ? CX_OK : CX_E_RESOURCE;
}

/* The scalar is in c already. The cofactor is 1: a point on the curve that is not infinity is of the right order. */
static enum cx_err agree(struct curve *c, struct cx_view peer, struct cx_kex_shared *k)
{
    uint8_t shared[POINT_BYTES];
    if (peer.len != POINT_BYTES || peer.data[0] != POINT_UNCOMPRESSED)
        return CX_E_MALFORMED;
    if (EC_POINT_oct2point(c->group, c->point, peer.data, peer.len, c->scratch) != 1)
        return CX_E_WEAK;
    bool good =
        EC_POINT_mul(c->group, c->point, NULL, c->point, c->scalar, c->scratch) == 1 &&
        EC_POINT_point2oct(c->group, c->point, POINT_CONVERSION_UNCOMPRESSED, shared, sizeof shared, c->scratch) == POINT_BYTES;
    if (good)
        cx_kex_shared_mpint(k, cx_view(shared + 1, SCALAR_BYTES)); /* the x coordinate: RFC 5656 section 4 */
    cx_secret_wipe(shared, sizeof shared);
    return good ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err start(const struct cx_random *random, struct cx_kex_state **state, struct cx_kex_public *c)
{
    struct curve curve;
    struct ecdh_state *mine = calloc(1, sizeof *mine);
    if (!mine)
        return CX_E_RESOURCE;
    mine->base.size = sizeof *mine;
    enum cx_err err = curve_init(&curve) ? make_pair(&curve, random, mine->secret, c) : CX_E_RESOURCE;
    curve_deinit(&curve);
    if (err)
        cx_kex_state_free(&mine->base);
    else
        *state = &mine->base;
    return err;
}

static enum cx_err respond(const struct cx_random *random, struct cx_view c, struct cx_kex_public *s, struct cx_kex_shared *k)
{
    struct curve curve;
    uint8_t secret[SCALAR_BYTES];
    enum cx_err err = curve_init(&curve) ? make_pair(&curve, random, secret, s) : CX_E_RESOURCE;
    if (!err)
        err = agree(&curve, c, k);
    curve_deinit(&curve);
    cx_secret_wipe(secret, sizeof secret);
    return err;
}

static enum cx_err finish(struct cx_kex_state *state, struct cx_view s, struct cx_kex_shared *k)
{
    struct curve curve;
    const uint8_t *secret = ((struct ecdh_state *)state)->secret;
    bool ready = curve_init(&curve) && BN_bin2bn(secret, SCALAR_BYTES, curve.scalar);
    enum cx_err err = ready ? agree(&curve, s, k) : CX_E_RESOURCE;
    curve_deinit(&curve);
    return err;
}

const struct cx_kex_ops cx_kex_ecdh_p256 = { start, respond, finish };

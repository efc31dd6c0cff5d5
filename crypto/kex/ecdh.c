/* SPDX-License-Identifier: MIT */
/* ECDH on NIST's curves: RFC 5656 section 4, on OpenSSL. Public values are uncompressed points, what is shared is the x
 * coordinate.
 *
 * The point functions are used rather than EVP_PKEY_derive, since the scalar comes from the randomness that is handed in;
 * OpenSSL's own multiplication under both is the same, and constant in time. */
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"

enum { POINT_MAX = 1 + 2 * CX_DH_SECRET_MAX, POINT_UNCOMPRESSED = 4 };

struct curve {
    EC_GROUP *group;
    EC_POINT *point;
    BIGNUM *scalar;
    BN_CTX *scratch;
    size_t field_bytes; /* a coordinate's, and a scalar's */
};

static bool curve_init(struct curve *c, const struct cx_dh *dh)
{
    c->group = EC_GROUP_new_by_curve_name(dh->nid);
    c->point = c->group ? EC_POINT_new(c->group) : NULL;
    c->scalar = BN_secure_new();
    c->scratch = BN_CTX_secure_new();
    c->field_bytes = dh->secret_bytes;
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

/* A scalar from 1 to the order - 1. Without the bits above the order's a second draw is a matter of 1 in 2^32 at most: each of
 * the three orders is that near to a power of 2. */
static bool draw_scalar(struct curve *c, const struct cx_random *random, uint8_t *secret)
{
    const BIGNUM *order = EC_GROUP_get0_order(c->group);
    uint8_t top_mask = (uint8_t)(0xff >> (8 * c->field_bytes - (size_t)BN_num_bits(order)));
    do {
        cx_random_fill(random, secret, c->field_bytes);
        secret[0] &= top_mask;
        if (!BN_bin2bn(secret, (int)c->field_bytes, c->scalar))
            return false;
    } while (BN_is_zero(c->scalar) || BN_cmp(c->scalar, order) >= 0);
    return true;
}

static enum cx_err write_point(struct curve *c, struct cx_writer *public)
{
    size_t len = 1 + 2 * c->field_bytes;
    uint8_t *out = cx_writer_room(public, len);
    bool good = out && EC_POINT_point2oct(c->group, c->point, POINT_CONVERSION_UNCOMPRESSED, out, len, c->scratch) == len;
    return good ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err make_pair(const struct cx_dh *dh, const struct cx_random *random, uint8_t *secret, struct cx_writer *public)
{
    struct curve c;
    bool good = curve_init(&c, dh) && draw_scalar(&c, random, secret) &&
                EC_POINT_mul(c.group, c.point, c.scalar, NULL, NULL, c.scratch) == 1;
    enum cx_err err = good ? write_point(&c, public) : CX_E_RESOURCE;
    curve_deinit(&c);
    return err;
}

/* The cofactor is 1: a point on the curve that is not infinity is of the right order. */
static enum cx_err multiply(struct curve *c, struct cx_view peer, struct cx_writer *shared)
{
    uint8_t point[POINT_MAX];
    if (EC_POINT_oct2point(c->group, c->point, peer.data, peer.len, c->scratch) != 1)
        return CX_E_WEAK;
    bool good = EC_POINT_mul(c->group, c->point, NULL, c->point, c->scalar, c->scratch) == 1 &&
                EC_POINT_point2oct(c->group, c->point, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, c->scratch) == peer.len;
    if (good)
        cx_writer_raw(shared, cx_view(point + 1, c->field_bytes)); /* the x coordinate: RFC 5656 section 4 */
    cx_secret_wipe(point, sizeof point);
    return good ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err agree(const struct cx_dh *dh, const uint8_t *secret, struct cx_view peer, struct cx_writer *shared)
{
    struct curve c;
    if (peer.len != 1 + 2 * dh->secret_bytes || peer.data[0] != POINT_UNCOMPRESSED)
        return CX_E_MALFORMED;
    bool ready = curve_init(&c, dh) && BN_bin2bn(secret, (int)dh->secret_bytes, c.scalar);
    enum cx_err err = ready ? multiply(&c, peer, shared) : CX_E_RESOURCE;
    curve_deinit(&c);
    return err;
}

const struct cx_dh cx_dh_nistp256 = { 32, NID_X9_62_prime256v1, make_pair, agree };
const struct cx_dh cx_dh_nistp384 = { 48, NID_secp384r1, make_pair, agree };
const struct cx_dh cx_dh_nistp521 = { 66, NID_secp521r1, make_pair, agree };

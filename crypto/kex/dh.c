/* SPDX-License-Identifier: MIT */
/* Diffie-Hellman in the groups of RFC 3526 (RFC 4253 section 8, RFC 8268) and in exchanged ones, on OpenSSL's numbers. A public
 * value is the content of its mpint. Each prime p is safe and 2 generates the subgroup of prime order: what lies between 1 and p -
 * 1 is of large order.
 */
#include <openssl/bn.h>
#include <openssl/obj_mac.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"

/* Twice the 256 bits of the largest key derived from it, what RFC 4419 section 6.2 asks of short exponents. */
enum { EXPONENT_BYTES = 64 };

struct group {
    BIGNUM *prime, *exponent, *value;
    BN_CTX *scratch;
};

static BIGNUM *prime_of(const struct cx_dh *dh)
{
    switch (dh->nid) {
    case NID_undef:
        return BN_bin2bn(dh->prime.data, (int)dh->prime.len, NULL);
    case NID_modp_2048:
        return BN_get_rfc3526_prime_2048(NULL);
    case NID_modp_4096:
        return BN_get_rfc3526_prime_4096(NULL);
    default:
        return BN_get_rfc3526_prime_8192(NULL);
    }
}

static bool group_init(struct group *g, const struct cx_dh *dh)
{
    g->prime = prime_of(dh);
    g->exponent = BN_secure_new();
    g->value = BN_secure_new();
    g->scratch = BN_CTX_secure_new();
    return g->prime && g->exponent && g->value && g->scratch;
}

static void group_deinit(struct group *g)
{
    BN_CTX_free(g->scratch);
    BN_clear_free(g->value);
    BN_clear_free(g->exponent);
    BN_free(g->prime);
}

/* base ^ secret, in value: constant in time by the exponent's flag. */
static bool raise(struct group *g, const BIGNUM *base, const uint8_t *secret)
{
    if (!BN_bin2bn(secret, EXPONENT_BYTES, g->exponent))
        return false;
    BN_set_flags(g->exponent, BN_FLG_CONSTTIME);
    return BN_mod_exp(g->value, base, g->exponent, g->prime, g->scratch) == 1;
}

/* 1 < value < p - 1: RFC 8268 section 4 leaves out 1 and p - 1, whose powers anybody knows. */
static bool in_range(struct group *g, const BIGNUM *value)
{
    BN_CTX_start(g->scratch);
    BIGNUM *last = BN_CTX_get(g->scratch);
    bool good = last && BN_sub(last, g->prime, BN_value_one()) == 1 && BN_cmp(value, BN_value_one()) > 0 && BN_cmp(value, last) < 0;
    BN_CTX_end(g->scratch);
    return good;
}

/* As the content of an mpint: the sign byte in front where the highest bit is set. */
static enum cx_err write_value(struct group *g, struct cx_writer *public)
{
    int bits = BN_num_bits(g->value);
    int len = bits / 8 + 1;
    uint8_t *out = cx_writer_room(public, (size_t)len);
    return out && BN_bn2binpad(g->value, out, len) == len ? CX_OK : CX_E_RESOURCE;
}

static enum cx_err make_pair(const struct cx_dh *dh, const struct cx_random *random, uint8_t *secret, struct cx_writer *public)
{
    struct group g;
    static const uint8_t two = 2;
    struct cx_view generator = dh->generator.len > 0 ? dh->generator : cx_view(&two, 1);
    BIGNUM *base = BN_bin2bn(generator.data, (int)generator.len, NULL);
    bool good = group_init(&g, dh) && base;
    if (good) {
        cx_random_fill(random, secret, EXPONENT_BYTES);
        good = raise(&g, base, secret);
    }
    /* a power out of range is one in 2^500; as a peer would not take it, it is not sent */
    enum cx_err err = good && in_range(&g, g.value) ? write_value(&g, public) : CX_E_RESOURCE;
    BN_free(base);
    group_deinit(&g);
    return err;
}

/* The peer's value is in base. */
static enum cx_err multiply(struct group *g, const BIGNUM *base, const uint8_t *secret, struct cx_writer *shared)
{
    if (!in_range(g, base))
        return CX_E_WEAK;
    int len = BN_num_bytes(g->prime);
    uint8_t *out = cx_writer_room(shared, (size_t)len);
    return out && raise(g, base, secret) && BN_bn2binpad(g->value, out, len) == len ? CX_OK : CX_E_RESOURCE;
}

/* What is no positive mpint in its shortest form is malformed. */
bool cx_dh_is_mpint(struct cx_view v)
{
    if (v.len == 0 || v.data[0] >= 0x80)
        return false;
    return v.data[0] != 0 || (v.len > 1 && v.data[1] >= 0x80);
}

static enum cx_err agree(const struct cx_dh *dh, const uint8_t *secret, struct cx_view peer, struct cx_writer *shared)
{
    struct group g;
    if (!cx_dh_is_mpint(peer) || peer.len > CX_DH_SHARED_MAX + 1)
        return CX_E_MALFORMED;
    BIGNUM *base = BN_bin2bn(peer.data, (int)peer.len, NULL);
    enum cx_err err = group_init(&g, dh) && base ? multiply(&g, base, secret, shared) : CX_E_RESOURCE;
    BN_free(base);
    group_deinit(&g);
    return err;
}

const struct cx_dh cx_dh_group14 = { EXPONENT_BYTES, NID_modp_2048, make_pair, agree };
const struct cx_dh cx_dh_group16 = { EXPONENT_BYTES, NID_modp_4096, make_pair, agree };
const struct cx_dh cx_dh_group18 = { EXPONENT_BYTES, NID_modp_8192, make_pair, agree };
const struct cx_dh cx_dh_exchanged = { EXPONENT_BYTES, NID_undef, make_pair, agree };

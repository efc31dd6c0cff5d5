/* SPDX-License-Identifier: MIT */
/* ECDSA and RSA keys into OpenSSL's form. Secret numbers are of BIGNUM's "secure" kind, which OpenSSL wipes wherever it
 * copies them. */
#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "crypto/keys/key_priv.h"

/* What a key is built of; remembers a failure, as a writer does. */
struct builder {
    OSSL_PARAM_BLD *params;
    BIGNUM *number[8]; /* params borrows them until the key is built */
    size_t numbers;
    bool failed;
};

static struct builder builder_new(void)
{
    struct builder b = { .params = OSSL_PARAM_BLD_new() };
    b.failed = !b.params;
    return b;
}

/* Takes the number over. */
static BIGNUM *push_number(struct builder *b, const char *name, BIGNUM *number)
{
    if (!number || b->failed || OSSL_PARAM_BLD_push_BN(b->params, name, number) != 1) {
        BN_clear_free(number);
        b->failed = true;
        return NULL;
    }
    assert(b->numbers < sizeof b->number / sizeof b->number[0]);
    b->number[b->numbers++] = number;
    return number;
}

static void push_public(struct builder *b, const char *name, struct cx_view magnitude)
{
    push_number(b, name, BN_bin2bn(magnitude.data, (int)magnitude.len, NULL));
}

static BIGNUM *secret_number(struct cx_view magnitude)
{
    BIGNUM *number = BN_secure_new();
    if (number && !BN_bin2bn(magnitude.data, (int)magnitude.len, number)) {
        BN_clear_free(number);
        return NULL;
    }
    if (number)
        BN_set_flags(number, BN_FLG_CONSTTIME);
    return number;
}

static const BIGNUM *push_secret(struct builder *b, const char *name, struct cx_view magnitude)
{
    return push_number(b, name, secret_number(magnitude));
}

static void push_point(struct builder *b, const struct cx_public_parts *parts)
{
    b->failed = b->failed ||
                OSSL_PARAM_BLD_push_utf8_string(b->params, OSSL_PKEY_PARAM_GROUP_NAME, cx_key_curve(parts->type)->group, 0) != 1 ||
                OSSL_PARAM_BLD_push_octet_string(b->params, OSSL_PKEY_PARAM_PUB_KEY, parts->point.data, parts->point.len) != 1;
}

/* Uses the builder up. refused: what a library's refusal means here. */
static enum cx_err build(struct builder *b, const char *algorithm, int selection, enum cx_err refused, EVP_PKEY **out)
{
    EVP_PKEY_CTX *ctx = NULL;
    OSSL_PARAM *params = b->failed ? NULL : OSSL_PARAM_BLD_to_param(b->params);
    enum cx_err err = CX_E_RESOURCE;
    *out = NULL;
    if (params && (ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL)) && EVP_PKEY_fromdata_init(ctx) == 1)
        err = EVP_PKEY_fromdata(ctx, out, selection, params) == 1 ? CX_OK : refused;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b->params);
    for (size_t i = 0; i < b->numbers; i++)
        BN_clear_free(b->number[i]);
    return err;
}

enum cx_err cx_evp_public(const struct cx_public_parts *parts, EVP_PKEY **out)
{
    struct builder b = builder_new();
    if (cx_key_curve(parts->type)) {
        push_point(&b, parts);
        return build(&b, "EC", EVP_PKEY_PUBLIC_KEY, CX_E_WEAK, out);
    }
    assert(parts->type == CX_KEY_RSA);
    push_public(&b, OSSL_PKEY_PARAM_RSA_N, parts->n);
    push_public(&b, OSSL_PKEY_PARAM_RSA_E, parts->e);
    return build(&b, "RSA", EVP_PKEY_PUBLIC_KEY, CX_E_RESOURCE, out);
}

enum cx_err cx_evp_private_ecdsa(const struct cx_public_parts *parts, struct cx_view scalar, EVP_PKEY **out)
{
    struct builder b = builder_new();
    push_point(&b, parts);
    push_secret(&b, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    return build(&b, "EC", EVP_PKEY_KEYPAIR, CX_E_WEAK, out);
}

/* d modulo prime - 1: what OpenSSH's files leave out. */
static void push_exponent(struct builder *b, const char *name, const BIGNUM *d, const BIGNUM *prime, BN_CTX *scratch)
{
    BIGNUM *less = BN_secure_new(), *exponent = BN_secure_new();
    if (less)
        BN_set_flags(less, BN_FLG_CONSTTIME);
    b->failed = b->failed || !less || !exponent || !BN_copy(less, prime) || BN_sub_word(less, 1) != 1 ||
                BN_mod(exponent, d, less, scratch) != 1;
    BN_clear_free(less);
    push_number(b, name, exponent);
}

enum cx_err cx_evp_private_rsa(const struct cx_public_parts *parts, const struct cx_rsa_secret *secret, EVP_PKEY **out)
{
    struct builder b = builder_new();
    BN_CTX *scratch = BN_CTX_secure_new();
    push_public(&b, OSSL_PKEY_PARAM_RSA_E, parts->e);
    push_public(&b, OSSL_PKEY_PARAM_RSA_N, parts->n);
    const BIGNUM *d = push_secret(&b, OSSL_PKEY_PARAM_RSA_D, secret->d);
    const BIGNUM *p = push_secret(&b, OSSL_PKEY_PARAM_RSA_FACTOR1, secret->p);
    const BIGNUM *q = push_secret(&b, OSSL_PKEY_PARAM_RSA_FACTOR2, secret->q);
    push_secret(&b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, secret->inverse_q);
    b.failed = b.failed || !scratch;
    /* nothing can be reduced modulo 0; what else may be wrong is for cx_rsa_check to find */
    bool no_primes = !b.failed && (BN_cmp(p, BN_value_one()) <= 0 || BN_cmp(q, BN_value_one()) <= 0);
    if (!b.failed && !no_primes) {
        push_exponent(&b, OSSL_PKEY_PARAM_RSA_EXPONENT1, d, p, scratch);
        push_exponent(&b, OSSL_PKEY_PARAM_RSA_EXPONENT2, d, q, scratch);
    }
    b.failed = b.failed || no_primes;
    enum cx_err err = build(&b, "RSA", EVP_PKEY_KEYPAIR, CX_E_MALFORMED, out);
    BN_CTX_free(scratch);
    return no_primes ? CX_E_MALFORMED : err;
}

const EVP_MD *cx_evp_digest(enum cx_hash_alg hash)
{
    switch (hash) {
    case CX_SHA256:
        return EVP_sha256();
    case CX_SHA384:
        return EVP_sha384();
    default:
        return EVP_sha512();
    }
}

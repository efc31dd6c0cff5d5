/* SPDX-License-Identifier: MIT */
/* Private keys in memory: made of their parts, generated, proved and freed. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/keys/key_priv.h"
#include "crypto/secret.h"

enum { GENERATED_RSA_BITS = 3072 };

/* A key whose private half is not the public half's must not serve: a peer could learn from its wrong signatures, and a
 * person would only learn that nothing works. */
static enum cx_err prove(const struct cx_private_key *key)
{
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature, i = 0;
    const struct cx_view text = cx_view_text("both halves of this key belong together");
    const struct cx_sign_alg *alg;
    enum cx_err err = key->type == CX_KEY_RSA ? cx_rsa_check(key->evp) : CX_OK;
    if (err)
        return err;
    while ((alg = cx_sign_alg_at(i)) && alg->type != key->type)
        i++;
    if (cx_private_key_sign(key, alg, text, signature, &len))
        return CX_E_MALFORMED;
    return cx_key_verify(cx_private_key_blob(key), alg, cx_view(signature, len), text) ? CX_E_MALFORMED : CX_OK;
}

/* The last step of making a key: the writer has filled its blob. Frees on an error. */
static enum cx_err complete(struct cx_private_key *key, const struct cx_writer *blob, struct cx_private_key **out)
{
    enum cx_key_type type;
    enum cx_err err = cx_writer_ok(blob) ? CX_OK : CX_E_WEAK; /* only an oversized RSA key does not fit */
    key->blob_len = blob->used;
    if (!err)
        err = cx_key_blob_check(cx_private_key_blob(key), &type);
    if (!err)
        err = prove(key);
    if (err)
        cx_private_key_free(key);
    else
        *out = key;
    return err;
}

static struct cx_private_key *key_new(enum cx_key_type type, struct cx_writer *blob)
{
    struct cx_private_key *key = calloc(1, sizeof *key);
    if (!key)
        return NULL;
    key->type = type;
    *blob = cx_writer((struct cx_span){ key->blob, sizeof key->blob });
    cx_writer_text(blob, cx_key_type_name(type));
    return key;
}

enum cx_err cx_private_key_from_ed25519(const uint8_t *secret, struct cx_private_key **out)
{
    struct cx_writer blob;
    struct cx_private_key *key = key_new(CX_KEY_ED25519, &blob);
    if (!key)
        return CX_E_RESOURCE;
    memcpy(key->ed25519, secret, sizeof key->ed25519);
    cx_writer_string(&blob, cx_view(secret + CX_ED25519_SECRET_BYTES - CX_ED25519_PUBLIC_BYTES, CX_ED25519_PUBLIC_BYTES));
    return complete(key, &blob, out);
}

static bool find_group(const char *group, enum cx_key_type *type)
{
    for (unsigned i = 0; i < CX_KEY_PRIVATE_COUNT; i++) {
        const struct cx_curve *curve = cx_key_curve((enum cx_key_type)i);
        if (curve && strcmp(group, curve->group) == 0) {
            *type = (enum cx_key_type)i;
            return true;
        }
    }
    return false;
}

/* *type, or false for a key that is not ours to speak. */
static bool evp_type(const EVP_PKEY *evp, enum cx_key_type *type)
{
    char group[32];
    BIGNUM *third_prime = NULL;
    if (EVP_PKEY_is_a(evp, "EC"))
        return EVP_PKEY_get_group_name(evp, group, sizeof group, NULL) == 1 && find_group(group, type);
    *type = CX_KEY_RSA;
    /* OpenSSH's files have room for two primes only */
    bool multi_prime = EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_FACTOR3, &third_prime) == 1;
    BN_clear_free(third_prime);
    return EVP_PKEY_is_a(evp, "RSA") && !multi_prime;
}

/* Big-endian bytes of a public number, padded to `padded` if that is not 0; fails where it would not fit. */
static struct cx_view public_number(const EVP_PKEY *evp, const char *name, size_t padded, uint8_t bytes[CX_RSA_BYTES_MAX])
{
    BIGNUM *number = NULL;
    int len = -1;
    if (EVP_PKEY_get_bn_param(evp, name, &number) == 1 && BN_num_bytes(number) <= CX_RSA_BYTES_MAX)
        len = BN_bn2binpad(number, bytes, padded > 0 ? (int)padded : BN_num_bytes(number));
    BN_free(number);
    return cx_view(bytes, len > 0 ? (size_t)len : 0);
}

static void write_rsa(const EVP_PKEY *evp, struct cx_writer *blob)
{
    uint8_t bytes[CX_RSA_BYTES_MAX];
    cx_writer_mpint(blob, public_number(evp, OSSL_PKEY_PARAM_RSA_E, 0, bytes));
    cx_writer_mpint(blob, public_number(evp, OSSL_PKEY_PARAM_RSA_N, 0, bytes));
}

/* From the coordinates, since the key may remember a file's compressed form. */
static void write_ecdsa(const EVP_PKEY *evp, const struct cx_curve *curve, struct cx_writer *blob)
{
    uint8_t bytes[CX_RSA_BYTES_MAX];
    cx_writer_text(blob, curve->name);
    cx_writer_u32(blob, 1 + 2 * (uint32_t)curve->scalar_bytes);
    cx_writer_u8(blob, POINT_CONVERSION_UNCOMPRESSED);
    cx_writer_raw(blob, public_number(evp, OSSL_PKEY_PARAM_EC_PUB_X, curve->scalar_bytes, bytes));
    cx_writer_raw(blob, public_number(evp, OSSL_PKEY_PARAM_EC_PUB_Y, curve->scalar_bytes, bytes));
}

enum cx_err cx_private_key_from_evp(EVP_PKEY *evp, struct cx_private_key **out)
{
    enum cx_key_type type = CX_KEY_TYPE_COUNT; /* gcc does not see that evp_type sets it */
    struct cx_writer blob;
    bool known = evp_type(evp, &type);
    struct cx_private_key *key = known ? key_new(type, &blob) : NULL;
    if (!key) {
        EVP_PKEY_free(evp);
        return known ? CX_E_RESOURCE : CX_E_UNSUPPORTED;
    }
    key->evp = evp;
    if (type == CX_KEY_RSA)
        write_rsa(evp, &blob);
    else
        write_ecdsa(evp, cx_key_curve(type), &blob);
    return complete(key, &blob, out);
}

enum cx_err cx_private_key_generate(enum cx_key_type type, struct cx_private_key **out)
{
    if (type >= CX_KEY_PRIVATE_COUNT)
        return CX_E_UNSUPPORTED;
    if (type == CX_KEY_ED25519) {
        uint8_t public[CX_ED25519_PUBLIC_BYTES], secret[CX_ED25519_SECRET_BYTES];
        if (sodium_init() < 0)
            return CX_E_RESOURCE;
        crypto_sign_ed25519_keypair(public, secret);
        enum cx_err err = cx_private_key_from_ed25519(secret, out);
        cx_secret_wipe(secret, sizeof secret);
        return err;
    }
    EVP_PKEY *evp = type == CX_KEY_RSA ? EVP_RSA_gen(GENERATED_RSA_BITS) : EVP_EC_gen(cx_key_curve(type)->group);
    return evp ? cx_private_key_from_evp(evp, out) : CX_E_RESOURCE;
}

enum cx_err cx_private_key_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out)
{
    *out = NULL;
    if (text.len > CX_KEY_FILE_MAX)
        return CX_E_MALFORMED;
    if (memmem(text.data, text.len, CX_OPENSSH_BEGIN, strlen(CX_OPENSSH_BEGIN)))
        return cx_private_openssh_parse(text, passphrase, out);
    return cx_private_pem_parse(text, passphrase, out);
}

void cx_private_key_free(struct cx_private_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->evp);
    cx_secret_wipe(key, sizeof *key);
    free(key);
}

enum cx_key_type cx_private_key_type(const struct cx_private_key *key)
{
    return key->type;
}

struct cx_view cx_private_key_blob(const struct cx_private_key *key)
{
    return cx_view(key->blob, key->blob_len);
}

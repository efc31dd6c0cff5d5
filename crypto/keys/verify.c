/* SPDX-License-Identifier: MIT */
/* Signatures of others: Ed25519 on libsodium (which refuses small-order keys and unreduced scalars), the rest on OpenSSL. */
#include <openssl/ec.h>
#include <sodium.h>

#include "crypto/keys/key_priv.h"

enum { DER_MAX_BYTES = 144 }; /* two 67-byte integers in a sequence take 141 */

static enum cx_err verify_ed25519(const struct cx_public_parts *key, struct cx_view signature, struct cx_view data)
{
    bool good = signature.len == crypto_sign_ed25519_BYTES &&
                crypto_sign_ed25519_verify_detached(signature.data, data.data, data.len, key->point.data) == 0;
    return good ? CX_OK : CX_E_SIGNATURE;
}

static enum cx_err verify_evp(const struct cx_public_parts *key, enum cx_hash_alg hash, struct cx_view signature,
                              struct cx_view data)
{
    EVP_PKEY *evp = NULL;
    enum cx_err err = cx_evp_public(key, &evp);
    if (err)
        return err;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    err = CX_E_RESOURCE;
    if (ctx && EVP_DigestVerifyInit(ctx, NULL, cx_evp_digest(hash), NULL, evp) == 1)
        err = EVP_DigestVerify(ctx, signature.data, signature.len, data.data, data.len) == 1 ? CX_OK : CX_E_SIGNATURE;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(evp);
    return err;
}

/* r and s to the ASN.1 form that OpenSSL takes; 0 on failure. */
static size_t write_der(struct cx_view r, struct cx_view s, uint8_t out[DER_MAX_BYTES])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r_number = BN_bin2bn(r.data, (int)r.len, NULL), *s_number = BN_bin2bn(s.data, (int)s.len, NULL);
    if (!pair || !r_number || !s_number || ECDSA_SIG_set0(pair, r_number, s_number) != 1) {
        BN_free(r_number);
        BN_free(s_number);
        ECDSA_SIG_free(pair);
        return 0;
    }
    int len = i2d_ECDSA_SIG(pair, &out);
    ECDSA_SIG_free(pair);
    return len > 0 ? (size_t)len : 0;
}

/* RFC 5656 section 3.1.2: mpint r, mpint s. */
static enum cx_err verify_ecdsa(const struct cx_public_parts *key, enum cx_hash_alg hash, struct cx_view signature,
                                struct cx_view data)
{
    struct cx_reader reader = cx_reader(signature);
    struct cx_view r = cx_reader_mpint(&reader), s = cx_reader_mpint(&reader);
    uint8_t der[DER_MAX_BYTES];
    size_t half_bytes = cx_key_curve(key->type)->scalar_bytes;
    if (!cx_reader_done(&reader) || r.len > half_bytes || s.len > half_bytes)
        return CX_E_SIGNATURE;
    size_t len = write_der(r, s, der);
    return len > 0 ? verify_evp(key, hash, cx_view(der, len), data) : CX_E_RESOURCE;
}

/* RFC 8332 section 3 asks for the modulus' length, yet some agents drop leading zeros; OpenSSH takes these, so must we. */
static enum cx_err verify_rsa(const struct cx_public_parts *key, enum cx_hash_alg hash, struct cx_view signature,
                              struct cx_view data)
{
    uint8_t padded[CX_RSA_BYTES_MAX] = { 0 };
    if (signature.len == 0 || signature.len > key->n.len)
        return CX_E_SIGNATURE;
    memcpy(padded + key->n.len - signature.len, signature.data, signature.len);
    return verify_evp(key, hash, cx_view(padded, key->n.len), data);
}

static enum cx_err verify_raw(const struct cx_public_parts *key, enum cx_hash_alg hash, struct cx_view signature,
                              struct cx_view data)
{
    switch (key->type) {
    case CX_KEY_ED25519:
    case CX_KEY_SK_ED25519:
        return verify_ed25519(key, signature, data);
    case CX_KEY_RSA:
        return verify_rsa(key, hash, signature, data);
    default:
        return verify_ecdsa(key, hash, signature, data);
    }
}

enum cx_err cx_key_verify_details(struct cx_view key_blob, const struct cx_sign_alg *alg, struct cx_view signature,
                                  struct cx_view data, struct cx_verified *verified)
{
    struct cx_public_parts key;
    struct cx_security_key_message message;
    memset(verified, 0, sizeof *verified);
    enum cx_err err = alg->certificate ? cx_certificate_public_parse(key_blob, &key) : cx_public_parse(key_blob, &key);
    if (err)
        return err == CX_E_UNSUPPORTED ? CX_E_SIGNATURE : err; /* a blob of another type than alg's */
    struct cx_reader r = cx_reader(signature);
    struct cx_view name = cx_reader_string(&r), raw = cx_reader_string(&r);
    if (!cx_reader_ok(&r) || !cx_view_is(name, alg->signature_name) || key.type != alg->type)
        return CX_E_SIGNATURE;
    if (key.type < CX_KEY_PRIVATE_COUNT)
        return cx_reader_done(&r) ? verify_raw(&key, alg->hash, raw, data) : CX_E_SIGNATURE;
    err = cx_security_key_message(alg, key.application, &r, data, &message);
    if (!err)
        err = verify_raw(&key, alg->hash, raw, cx_view(message.bytes, message.len));
    if (!err)
        *verified = message.verified;
    return err;
}

enum cx_err cx_key_verify(struct cx_view key_blob, const struct cx_sign_alg *alg, struct cx_view signature, struct cx_view data)
{
    struct cx_verified verified;
    enum cx_err err = cx_key_verify_details(key_blob, alg, signature, data, &verified);
    return !err && verified.security_key && !verified.user_present ? CX_E_SIGNATURE : err;
}

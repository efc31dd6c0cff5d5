/* SPDX-License-Identifier: MIT */
/* Our own signatures, in the wire form of each algorithm. */
#include <openssl/ec.h>
#include <sodium.h>

#include "crypto/keys/key_priv.h"

static enum cx_err sign_ed25519(const struct cx_private_key *key, struct cx_view data, struct cx_writer *w)
{
    uint8_t raw[crypto_sign_ed25519_BYTES];
    if (crypto_sign_ed25519_detached(raw, NULL, data.data, data.len, key->ed25519) != 0)
        return CX_E_RESOURCE;
    cx_writer_string(w, cx_view(raw, sizeof raw));
    return CX_OK;
}

/* RFC 5656 section 3.1.2: a string that holds mpint r, mpint s. */
static enum cx_err write_ecdsa(const uint8_t *der, size_t len, size_t half_bytes, struct cx_writer *w)
{
    uint8_t r[CX_SCALAR_BYTES_MAX], s[CX_SCALAR_BYTES_MAX], inner[2 * (4 + 1 + CX_SCALAR_BYTES_MAX)];
    struct cx_writer pair = cx_writer((struct cx_span){ inner, sizeof inner });
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool good = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), r, (int)half_bytes) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parsed), s, (int)half_bytes) > 0;
    ECDSA_SIG_free(parsed);
    if (!good)
        return CX_E_RESOURCE;
    cx_writer_mpint(&pair, cx_view(r, half_bytes));
    cx_writer_mpint(&pair, cx_view(s, half_bytes));
    cx_writer_string(w, cx_writer_view(&pair));
    return CX_OK;
}

static enum cx_err sign_evp(const struct cx_private_key *key, enum cx_hash_alg hash, struct cx_view data, struct cx_writer *w)
{
    uint8_t raw[CX_RSA_BYTES_MAX];
    size_t len = sizeof raw;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, cx_evp_digest(hash), NULL, key->evp) == 1 &&
                EVP_DigestSign(ctx, raw, &len, data.data, data.len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        return CX_E_RESOURCE;
    const struct cx_curve *curve = cx_key_curve(key->type);
    if (curve)
        return write_ecdsa(raw, len, curve->scalar_bytes, w);
    cx_writer_string(w, cx_view(raw, len));
    return CX_OK;
}

enum cx_err cx_private_key_sign(const struct cx_private_key *key, const struct cx_sign_alg *alg, struct cx_view data, uint8_t *out,
                                size_t *len)
{
    struct cx_writer w = cx_writer((struct cx_span){ out, *len });
    if (alg->type != key->type)
        return CX_E_UNSUPPORTED;
    cx_writer_text(&w, alg->signature_name);
    enum cx_err err = key->type == CX_KEY_ED25519 ? sign_ed25519(key, data, &w) : sign_evp(key, alg->hash, data, &w);
    *len = w.used;
    return err || cx_writer_ok(&w) ? err : CX_E_RESOURCE;
}

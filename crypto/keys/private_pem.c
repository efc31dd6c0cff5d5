/* SPDX-License-Identifier: MIT */
/* Reads PEM private keys (PKCS#1, SEC1, PKCS#8) with OpenSSL's decoders. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "crypto/keys/key_priv.h"
#include "crypto/secret.h"

struct question {
    struct cx_view passphrase;
    bool asked;
};

/* OpenSSL asks for the passphrase of an encrypted file; without this it would ask on the terminal. */
static int answer(char *out, int room, int writing, void *user)
{
    struct question *q = user;
    (void)writing;
    q->asked = true;
    if (q->passphrase.len == 0 || q->passphrase.len > (size_t)room)
        return -1;
    memcpy(out, q->passphrase.data, q->passphrase.len);
    return (int)q->passphrase.len;
}

static enum cx_err from_ed25519(EVP_PKEY *evp, struct cx_private_key **out)
{
    uint8_t seed[crypto_sign_ed25519_SEEDBYTES], public[CX_ED25519_PUBLIC_BYTES], secret[CX_ED25519_SECRET_BYTES];
    size_t len = sizeof seed;
    bool good = EVP_PKEY_get_raw_private_key(evp, seed, &len) == 1 && len == sizeof seed &&
                crypto_sign_ed25519_seed_keypair(public, secret, seed) == 0;
    EVP_PKEY_free(evp);
    enum cx_err err = good ? cx_private_key_from_ed25519(secret, out) : CX_E_MALFORMED;
    cx_secret_wipe(seed, sizeof seed);
    cx_secret_wipe(secret, sizeof secret);
    return err;
}

enum cx_err cx_private_pem_parse(struct cx_view text, struct cx_view passphrase, struct cx_private_key **out)
{
    struct question q = { passphrase, false };
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    if (!bio)
        return CX_E_RESOURCE;
    EVP_PKEY *evp = PEM_read_bio_PrivateKey(bio, NULL, answer, &q);
    BIO_free(bio);
    if (!evp) {
        ERR_clear_error();
        return q.asked ? CX_E_PASSPHRASE : CX_E_MALFORMED;
    }
    return EVP_PKEY_is_a(evp, "ED25519") ? from_ed25519(evp, out) : cx_private_key_from_evp(evp, out);
}

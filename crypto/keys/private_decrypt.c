/* SPDX-License-Identifier: MIT */
/* Opens the secret section of an openssh-key-v1 file: AES-256 under a key that bcrypt makes of a passphrase. */
#include "crypto/keys/bcrypt_pbkdf.h"
#include "crypto/keys/key_priv.h"
#include "crypto/secret.h"

enum { KEY_BYTES = 32, IV_BYTES = 16, BLOCK_BYTES = 16, PLAIN_BLOCK_BYTES = 8 };

/* The first is ssh-keygen's choice, the second was that of releases before 7.8. */
static const struct {
    const char *name;
    const EVP_CIPHER *(*cipher)(void);
} ciphers[] = {
    { "aes256-ctr", EVP_aes_256_ctr },
    { "aes256-cbc", EVP_aes_256_cbc },
};

static const EVP_CIPHER *find_cipher(struct cx_view name)
{
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++)
        if (cx_view_is(name, ciphers[i].name))
            return ciphers[i].cipher();
    return NULL;
}

static enum cx_err derive(const struct cx_private_lock *lock, uint8_t secret[KEY_BYTES + IV_BYTES])
{
    struct cx_reader r = cx_reader(lock->kdf_options);
    struct cx_view salt = cx_reader_string(&r);
    uint32_t rounds = cx_reader_u32(&r);
    if (!cx_reader_done(&r))
        return CX_E_MALFORMED;
    return cx_bcrypt_pbkdf(lock->passphrase, salt, rounds, (struct cx_span){ secret, KEY_BYTES + IV_BYTES });
}

static enum cx_err decrypt(const EVP_CIPHER *cipher, const uint8_t *secret, struct cx_span section)
{
    int done = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good = ctx && EVP_DecryptInit_ex(ctx, cipher, NULL, secret, secret + KEY_BYTES) == 1 &&
                EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
                EVP_DecryptUpdate(ctx, section.data, &done, section.data, (int)section.len) == 1 && (size_t)done == section.len;
    EVP_CIPHER_CTX_free(ctx);
    return good ? CX_OK : CX_E_RESOURCE;
}

enum cx_err cx_private_decrypt(const struct cx_private_lock *lock, struct cx_span section, size_t *block_bytes, bool *locked)
{
    *locked = !cx_view_is(lock->cipher, "none");
    *block_bytes = *locked ? BLOCK_BYTES : PLAIN_BLOCK_BYTES;
    if (!*locked)
        return cx_view_is(lock->kdf, "none") && lock->kdf_options.len == 0 ? CX_OK : CX_E_MALFORMED;
    const EVP_CIPHER *cipher = find_cipher(lock->cipher);
    if (!cipher || !cx_view_is(lock->kdf, "bcrypt"))
        return CX_E_UNSUPPORTED;
    if (section.len == 0 || section.len % BLOCK_BYTES != 0)
        return CX_E_MALFORMED;
    if (lock->passphrase.len == 0)
        return CX_E_PASSPHRASE;
    uint8_t secret[KEY_BYTES + IV_BYTES];
    enum cx_err err = derive(lock, secret);
    if (!err)
        err = decrypt(cipher, secret, section);
    cx_secret_wipe(secret, sizeof secret);
    return err;
}

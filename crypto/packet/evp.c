/* SPDX-License-Identifier: MIT */
/* OpenSSL's cipher contexts as the families use them: keyed once, restarted with an IV a packet. */
#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>

#include "crypto/packet/packet_priv.h"

const char *cx_openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

EVP_CIPHER_CTX *cx_evp_cipher_new(const EVP_CIPHER *cipher, const uint8_t *key, bool encrypting)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx && EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypting, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

bool cx_evp_cipher_restart(EVP_CIPHER_CTX *ctx, const uint8_t *iv)
{
    return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) == 1;
}

bool cx_evp_cipher_apply(EVP_CIPHER_CTX *ctx, uint8_t *to, const uint8_t *from, size_t len)
{
    int out = 0;
    assert(len <= INT_MAX);
    return EVP_CipherUpdate(ctx, to, &out, from, (int)len) == 1 && out == (int)len;
}

bool cx_evp_fetch(struct cx_evp *evp)
{
    static const char *const ciphers[CX_EVP_CIPHER_COUNT] = {
        [CX_EVP_AES_128_GCM] = "AES-128-GCM", [CX_EVP_AES_256_GCM] = "AES-256-GCM", [CX_EVP_AES_128_CTR] = "AES-128-CTR",
        [CX_EVP_AES_192_CTR] = "AES-192-CTR", [CX_EVP_AES_256_CTR] = "AES-256-CTR", [CX_EVP_CHACHA20] = "ChaCha20",
    };
    static const char *const macs[CX_EVP_MAC_COUNT] = { [CX_EVP_HMAC] = "HMAC", [CX_EVP_POLY1305] = "POLY1305" };
    bool good = true;
    for (size_t i = 0; i < CX_EVP_CIPHER_COUNT; i++)
        good &= (evp->cipher[i] = EVP_CIPHER_fetch(NULL, ciphers[i], NULL)) != NULL;
    for (size_t i = 0; i < CX_EVP_MAC_COUNT; i++)
        good &= (evp->mac[i] = EVP_MAC_fetch(NULL, macs[i], NULL)) != NULL;
    return good;
}

void cx_evp_drop(struct cx_evp *evp)
{
    for (size_t i = 0; i < CX_EVP_CIPHER_COUNT; i++)
        EVP_CIPHER_free(evp->cipher[i]);
    for (size_t i = 0; i < CX_EVP_MAC_COUNT; i++)
        EVP_MAC_free(evp->mac[i]);
}

/* SPDX-License-Identifier: MIT */
/* OpenSSL's cipher contexts as the families use them: keyed once, restarted with an IV a packet, worked in place. */
#include <assert.h>
#include <limits.h>

#include "crypto/packet/packet_priv.h"

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

bool cx_evp_cipher_apply(EVP_CIPHER_CTX *ctx, uint8_t *bytes, uint32_t len)
{
    int out = 0;
    assert(len <= INT_MAX);
    return EVP_CipherUpdate(ctx, bytes, &out, bytes, (int)len) == 1 && out == (int)len;
}

/* SPDX-License-Identifier: MIT */
/* AES in counter mode by OpenSSL: the portable kernel. */
#include "crypto/packet/packet_priv.h"

static void *expand(const struct cx_evp *evp, const uint8_t *key, size_t key_len)
{
    static const enum cx_evp_cipher by_key_len[] = { CX_EVP_AES_128_CTR, CX_EVP_AES_192_CTR, CX_EVP_AES_256_CTR };
    return cx_evp_cipher_new(evp->cipher[by_key_len[(key_len - 16) / 8]], key, true);
}

static void release(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

static bool crypt_all(void *context, const struct cx_ctr_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!cx_evp_cipher_restart(context, job[i].iv) || !cx_evp_cipher_apply(context, job[i].to, job[i].from, job[i].len))
            return false;
    return true;
}

const struct cx_ctr_kernel cx_ctr_evp = {
    .kernel = { "evp", CX_TIER_PORTABLE, 0 }, .expand = expand, .release = release, .crypt = crypt_all
};

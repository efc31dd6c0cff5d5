/* SPDX-License-Identifier: MIT */
/* hmac-sha2-256 and hmac-sha2-512 (RFC 6668): over the sequence number, four bytes, and the packet (RFC 4253 section 6.4). */
#include <openssl/core_names.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

static void *expand(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    char sha256[] = "SHA256", sha512[] = "SHA512";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, k->mac->tag_len == 32 ? sha256 : sha512, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *hmac = EVP_MAC_CTX_new(evp->mac[CX_EVP_HMAC]);
    if (hmac && EVP_MAC_init(hmac, k->mac_key, k->mac->key_len, params) != 1) {
        EVP_MAC_CTX_free(hmac);
        hmac = NULL;
    }
    return hmac;
}

static void release(void *context)
{
    EVP_MAC_CTX_free(context);
}

static bool make_tag(EVP_MAC_CTX *hmac, const struct cx_mac_job *job, size_t tag_len)
{
    uint8_t number[4];
    size_t len = 0;
    cx_store_u32(number, job->seq);
    return EVP_MAC_init(hmac, NULL, 0, NULL) == 1 && EVP_MAC_update(hmac, number, sizeof number) == 1 &&
           EVP_MAC_update(hmac, job->bytes, job->len) == 1 && EVP_MAC_final(hmac, job->tag, &len, tag_len) == 1 && len == tag_len;
}

static bool make_tags(void *context, const struct cx_mac_job job[], size_t n)
{
    size_t tag_len = EVP_MAC_CTX_get_mac_size(context);
    for (size_t i = 0; i < n; i++)
        if (!make_tag(context, &job[i], tag_len))
            return false;
    return true;
}

const struct cx_mac_ops cx_mac_hmac_sha256 = {
    .kernel = { "evp", CX_TIER_PORTABLE, 0 }, .expand = expand, .release = release, .tags = make_tags
};

const struct cx_mac_ops cx_mac_hmac_sha512 = {
    .kernel = { "evp", CX_TIER_PORTABLE, 0 }, .expand = expand, .release = release, .tags = make_tags
};

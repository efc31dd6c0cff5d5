/* SPDX-License-Identifier: MIT */
/* aes128-gcm@openssh.com and aes256-gcm@openssh.com: RFC 5647 as OpenSSH negotiates it (PROTOCOL section 1.6).
 * The length field is associated data, in the clear. The nonce is four fixed bytes and a 64-bit counter of packets, which
 * a rekey restarts long before it could wrap. */
#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

enum { FIXED_BYTES = 4, NONCE_BYTES = 12, TAG_BYTES = 16 };

static void *expand(const struct cx_evp *evp, const struct cx_kernels *kernels, const struct cx_packet_key *k)
{
    (void)kernels;
    enum cx_evp_cipher which = k->cipher->key_len == 16 ? CX_EVP_AES_128_GCM : CX_EVP_AES_256_GCM;
    return cx_evp_cipher_new(evp->cipher[which], k->key, k->sealing);
}

static void release(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

/* In the pieces that the nonce is made of: a load over two stores, or over a part of one, waits until those have left the
 * processor's store buffer. */
void cx_packet_advance_gcm(const struct cx_packet_job *job, struct cx_packet_job *next)
{
    next->seq = job->seq + 1;
    cx_store_u32(next->iv, cx_load_u32(job->iv));
    cx_store_u64(next->iv + FIXED_BYTES, cx_load_u64(job->iv + FIXED_BYTES) + 1);
    cx_store_u32(next->iv + NONCE_BYTES, cx_load_u32(job->iv + NONCE_BYTES));
}

static bool begin(EVP_CIPHER_CTX *ctx, const struct cx_packet_job *job)
{
    int out = 0;
    memmove(job->start, job->from, CX_PACKET_LENGTH_BYTES);
    return cx_evp_cipher_restart(ctx, job->iv) && EVP_CipherUpdate(ctx, NULL, &out, job->from, CX_PACKET_LENGTH_BYTES) == 1 &&
           cx_evp_cipher_apply(ctx, job->start + CX_PACKET_LENGTH_BYTES, job->from + CX_PACKET_LENGTH_BYTES, job->len);
}

static enum cx_err seal_batch(void *context, const struct cx_packet_job job[], size_t n)
{
    int out = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t *tag = job[i].start + CX_PACKET_LENGTH_BYTES + job[i].len;
        if (!begin(context, &job[i]) || EVP_CipherFinal_ex(context, tag, &out) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) != 1)
            return CX_E_RESOURCE;
    }
    return CX_OK;
}

static enum cx_err open_batch(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    int out = 0;
    for (*good = 0; *good < n; ++*good) {
        const struct cx_packet_job *j = &job[*good];
        uint8_t tag[TAG_BYTES];
        memcpy(tag, j->from + CX_PACKET_LENGTH_BYTES + j->len, TAG_BYTES);
        if (!begin(context, j) || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
            return CX_E_RESOURCE;
        if (EVP_CipherFinal_ex(context, tag, &out) != 1)
            return CX_E_TAG;
    }
    return CX_OK;
}

const struct cx_packet_ops cx_packet_gcm = {
    .kernel = { "evp", CX_TIER_PORTABLE, 0 },
    .expand = expand,
    .release = release,
    .peek = cx_packet_peek_clear,
    .advance = cx_packet_advance_gcm,
    .seal = seal_batch,
    .open = open_batch,
};

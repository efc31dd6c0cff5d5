/* SPDX-License-Identifier: MIT */
/* SHA-2 on OpenSSL's EVP. A failure drops the context, so that the calls behind it do nothing and the end reports it. */
#include "crypto/hash.h"

#include <assert.h>
#include <openssl/evp.h>

#include "crypto/wire.h"

static const struct {
    const EVP_MD *(*algorithm)(void);
    size_t len;
} hashes[CX_HASH_COUNT] = {
    [CX_SHA256] = { EVP_sha256, 32 },
    [CX_SHA384] = { EVP_sha384, 48 },
    [CX_SHA512] = { EVP_sha512, 64 },
};

size_t cx_hash_len(enum cx_hash_alg alg)
{
    assert((unsigned)alg < CX_HASH_COUNT);
    return hashes[alg].len;
}

static void drop(struct cx_hash *h)
{
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

enum cx_err cx_hash_begin(struct cx_hash *h, enum cx_hash_alg alg)
{
    assert((unsigned)alg < CX_HASH_COUNT);
    h->alg = alg;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx && EVP_DigestInit_ex(h->ctx, hashes[alg].algorithm(), NULL) != 1)
        drop(h);
    return h->ctx ? CX_OK : CX_E_RESOURCE;
}

void cx_hash_add(struct cx_hash *h, struct cx_view bytes)
{
    if (h->ctx && EVP_DigestUpdate(h->ctx, bytes.data, bytes.len) != 1)
        drop(h);
}

void cx_hash_add_u32(struct cx_hash *h, uint32_t value)
{
    uint8_t bytes[4];
    cx_store_u32(bytes, value);
    cx_hash_add(h, cx_view(bytes, sizeof bytes));
}

void cx_hash_add_string(struct cx_hash *h, struct cx_view bytes)
{
    assert(bytes.len <= UINT32_MAX);
    cx_hash_add_u32(h, (uint32_t)bytes.len);
    cx_hash_add(h, bytes);
}

enum cx_err cx_hash_end(struct cx_hash *h, uint8_t *out)
{
    bool good = h->ctx && (!out || EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
    drop(h);
    return good ? CX_OK : CX_E_RESOURCE;
}

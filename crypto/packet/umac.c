/* SPDX-License-Identifier: MIT */
/* umac-64@openssh.com and umac-128@openssh.com: RFC 4418 on nettle, as draft-miller-secsh-umac-01 puts it into SSH: the packet's
 * sequence number is the nonce, eight bytes, and no part of the message.
 *
 * A context holds the universal hash's keys, which are made of the 16-byte key by AES: 2.5 to 2.7 KiB, and so it is what the cache
 * is for. */
#include <nettle/umac.h>
#include <stdlib.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

enum { NONCE_BYTES = 8 };

static void *expand_64(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    (void)evp;
    struct umac64_ctx *c = calloc(1, sizeof *c);
    if (c)
        umac64_set_key(c, k->mac_key);
    return c;
}

static void *expand_128(const struct cx_evp *evp, const struct cx_packet_key *k)
{
    (void)evp;
    struct umac128_ctx *c = calloc(1, sizeof *c);
    if (c)
        umac128_set_key(c, k->mac_key);
    return c;
}

static void release_64(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct umac64_ctx));
    free(context);
}

static void release_128(void *context)
{
    if (context)
        cx_secret_wipe(context, sizeof(struct umac128_ctx));
    free(context);
}

static bool tags_64(void *context, const struct cx_mac_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t nonce[NONCE_BYTES];
        cx_store_u64(nonce, job[i].seq);
        umac64_set_nonce(context, sizeof nonce, nonce);
        umac64_update(context, job[i].len, job[i].bytes);
        umac64_digest(context, UMAC64_DIGEST_SIZE, job[i].tag);
    }
    return true;
}

static bool tags_128(void *context, const struct cx_mac_job job[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t nonce[NONCE_BYTES];
        cx_store_u64(nonce, job[i].seq);
        umac128_set_nonce(context, sizeof nonce, nonce);
        umac128_update(context, job[i].len, job[i].bytes);
        umac128_digest(context, UMAC128_DIGEST_SIZE, job[i].tag);
    }
    return true;
}

const struct cx_mac_ops cx_mac_umac64 = {
    .kernel = { "nettle", CX_TIER_PORTABLE, 0 }, .expand = expand_64, .release = release_64, .tags = tags_64
};

const struct cx_mac_ops cx_mac_umac128 = {
    .kernel = { "nettle", CX_TIER_PORTABLE, 0 }, .expand = expand_128, .release = release_128, .tags = tags_128
};

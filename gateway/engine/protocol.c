/* SPDX-License-Identifier: MIT */
/* What a mux_session borrows for its life is owned here, so that a reload never pulls it from under a connection: old connections
 * keep the algorithms and keys that they negotiated with, and the last of them frees the snapshot. */
#include <stdlib.h>

#include "gateway/engine/protocol.h"

/* A key exchange waits for the peer's network and for our signer; who needs longer than this will not finish. */
static const uint64_t kex_timeout_ns = 60ull * 1000000000;

struct gw_protocol *gw_protocol_new(struct gw_snapshot snapshot)
{
    struct gw_protocol *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    const struct gw_config *config = snapshot.config;
    atomic_init(&p->users, 1);
    p->snapshot = snapshot;
    p->mux = (struct mux_config){
        .server = true,
        .software = "sluice_" SLUICE_VERSION,
        .kex = config->kex,
        .host_key_algs = config->host_key_algs,
        .ciphers = config->ciphers,
        .macs = config->macs,
        .compression = config->compression,
        .host_keys = snapshot.host_keys,
        .host_key_count = snapshot.host_key_count,
        .announce_host_keys = true,
        .banner = config->banner ? cx_view_text(config->banner) : cx_view("", 0),
        .rekey_bytes = config->rekey_bytes,
        .rekey_ns = config->rekey_ns,
        .kex_timeout_ns = kex_timeout_ns,
        .channels_max = config->max_channels,
    };
    return p;
}

struct gw_protocol *gw_protocol_hold(struct gw_protocol *p)
{
    /* relaxed: whoever holds already keeps it alive */
    atomic_fetch_add_explicit(&p->users, 1, memory_order_relaxed);
    return p;
}

void gw_protocol_drop(struct gw_protocol *p)
{
    /* acq_rel: the last one sees all that the others did with it before it frees */
    if (!p || atomic_fetch_sub_explicit(&p->users, 1, memory_order_acq_rel) > 1)
        return;
    gw_snapshot_deinit(&p->snapshot);
    free(p);
}

/* SPDX-License-Identifier: MIT */
/* A snapshot as the protocol engine wants it: gw_config and public host keys turned into one mux_config, shared by all connections
 * that began under it and counted by them. Immutable; any thread. */
#ifndef GW_PROTOCOL_H
#define GW_PROTOCOL_H

#include <stdatomic.h>

#include "gateway/config/config.h"
#include "gateway/monitor/ipc.h"

struct gw_protocol {
    atomic_uint users;
    struct gw_snapshot snapshot;
    struct mux_config mux; /* points into snapshot */
};

/* Takes the snapshot over, with one hold. NULL: out of memory, and the snapshot stays the caller's. */
struct gw_protocol *gw_protocol_new(struct gw_snapshot snapshot);
struct gw_protocol *gw_protocol_hold(struct gw_protocol *p);
void gw_protocol_drop(struct gw_protocol *p); /* the last one frees; NULL is fine */

#endif

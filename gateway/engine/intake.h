/* SPDX-License-Identifier: MIT */
/* Between the acceptor and one worker: connections, and how many the worker has. */
#ifndef GW_INTAKE_H
#define GW_INTAKE_H

#include "gateway/engine/startups.h"
#include "mux/exchange/ring.h"

enum {
    GW_INTAKE_SLOTS = 1024,
    GW_INTAKE_PROXIED = -2, /* in place of a startup slot: a trusted proxy's, which has none before its header has come */
};

struct gw_intake {
    struct mux_ring accepted; /* acceptor pushes: gw_intake_pack */
    atomic_uint connections;  /* the acceptor adds at the hand-off, the worker subtracts at the end: whom to give the next */
};

static inline uint64_t gw_intake_pack(int fd, int32_t startup)
{
    return (uint64_t)(uint32_t)fd << 32 | (uint32_t)startup;
}

static inline void gw_intake_unpack(uint64_t item, int *fd, int32_t *startup)
{
    *fd = (int)(uint32_t)(item >> 32);
    *startup = (int32_t)(uint32_t)item;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Between the acceptor and one worker: connections one way, their startup slots back, and how many the worker has. */
#ifndef GW_INTAKE_H
#define GW_INTAKE_H

#include "gateway/engine/startups.h"
#include "mux/exchange/ring.h"

enum { GW_INTAKE_SLOTS = 1024 };

struct gw_intake {
    struct mux_ring accepted;   /* acceptor pushes: gw_intake_pack */
    struct mux_ring given_back; /* worker pushes startup slots; as many as exist, so never full */
    atomic_uint connections;    /* the acceptor adds at the hand-off, the worker subtracts at the end: whom to give the next */
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

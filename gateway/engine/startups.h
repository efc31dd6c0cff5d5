/* SPDX-License-Identifier: MIT */
/* Connections that are not authenticated yet, counted exactly: MaxStartups begin:rate:full and PerSourceMaxStartups over the
 * blocks of PerSourceNetBlockSize (sshd_config(5)). No clock, no socket. One thread at a time: door.h. */
#ifndef GW_STARTUPS_H
#define GW_STARTUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/random.h"
#include "gateway/net/addr.h"

enum {
    GW_STARTUPS_MAX = 16384, /* slots; a power of two: MaxStartups' full is cut to it */
    GW_STARTUP_NONE = -1,    /* dropped */
};

struct gw_config;
struct gw_startups;

/* NULL: out of memory. random: borrowed for life; decides who is dropped between begin and full. */
struct gw_startups *gw_startups_new(const struct cx_random *random);
void gw_startups_free(struct gw_startups *s); /* NULL is fine */
/* Takes the limits from a snapshot: at first, and at each reload. Slots that are taken stay taken. */
void gw_startups_limit(struct gw_startups *s, const struct gw_config *config);
/* Admits a connection from peer: its slot, to be given back once, or GW_STARTUP_NONE. */
int32_t gw_startups_admit(struct gw_startups *s, const struct gw_addr *peer);
/* The slot's connection is authenticated, or gone. */
void gw_startups_give_back(struct gw_startups *s, int32_t slot);
unsigned gw_startups_count(const struct gw_startups *s);
/* Few enough again that throttling is over: below begin by some, so that the log does not flutter. */
bool gw_startups_relaxed(const struct gw_startups *s);

#endif

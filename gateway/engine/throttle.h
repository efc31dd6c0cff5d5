/* SPDX-License-Identifier: MIT */
/* What the log says about connections that were not let in, in sshd's words, without letting whoever causes them fill the disk.
 * One thread at a time; times are seconds of a monotonic clock. */
#ifndef GW_THROTTLE_H
#define GW_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/net/addr.h"

/* Zero is "not throttling". */
struct gw_throttle {
    bool dropping;
    uint64_t began_s, said_s;
    unsigned dropped;
    uint64_t exhausted_said_s; /* "no descriptors" was said then */
    bool exhausted_once;
    uint64_t not_a_proxy_said_s; /* so was that */
    bool not_a_proxy_once;
};

/* One was dropped, with so many startups under way. */
void gw_throttle_dropped(struct gw_throttle *t, uint64_t now_s, unsigned startups, const struct gw_addr *peer,
                         const struct gw_addr *local);
/* One was admitted; relaxed: there is room again. */
void gw_throttle_admitted(struct gw_throttle *t, uint64_t now_s, bool relaxed);
/* A peer of a listener for proxies was turned away: why, static. */
void gw_throttle_not_a_proxy(struct gw_throttle *t, uint64_t now_s, const struct gw_addr *peer, const char *why);
/* accept failed for a reason of ours. */
void gw_throttle_exhausted(struct gw_throttle *t, uint64_t now_s, const char *why);

#endif

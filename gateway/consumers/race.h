/* SPDX-License-Identifier: MIT */
/* Private to gateway/consumers/: how a TCP connection to a name or an address comes about (RFC 8305). One worker. */
#ifndef GW_RACE_H
#define GW_RACE_H

#include "gateway/consumers/consumer.h"

struct gw_race; /* opaque */

enum gw_race_state { GW_RACE_RUNNING, GW_RACE_WON, GW_RACE_LOST };

struct gw_race_end {
    struct gw_watch *watch; /* WON: connected, in the loop, and the caller's to move, before the race is freed */
    struct gw_addr address; /* WON: its; LOST: that was tried or refused last; family 0: none */
    enum gw_consumer_failure failure;
    const char *why; /* LOST: a static string for logs */
};

/* For the consumer c, which is woken, and whose owner judges the addresses. NULL: out of memory. */
struct gw_race *gw_race_new(struct gw_consumer *c, const struct gw_tcp_setup *setup);
/* Goes on; *end is set by WON and LOST, after which only free is legal. */
enum gw_race_state gw_race_progress(struct gw_race *r, struct gw_race_end *end);
void gw_race_free(struct gw_race *r); /* NULL is fine */

#endif

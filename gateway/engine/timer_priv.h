/* SPDX-License-Identifier: MIT */
/* The timers of one loop: a pairing heap whose links stand in the timers. loop.c owns one; zero is empty. */
#ifndef GW_TIMER_PRIV_H
#define GW_TIMER_PRIV_H

#include "gateway/engine/loop.h"

struct gw_timers {
    struct gw_timer *root; /* the earliest */
    uint64_t fired_ns;     /* all up to here has fired */
};

void gw_timers_set(struct gw_timers *h, struct gw_timer *t, uint64_t at_ns);
void gw_timers_cancel(struct gw_timers *h, struct gw_timer *t);
/* When the earliest is due; UINT64_MAX: none is set. */
uint64_t gw_timers_next_ns(const struct gw_timers *h);
/* Fires what is due at now_ns; what a fire sets anew, however early, waits for a later time. */
void gw_timers_fire(struct gw_timers *h, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: MIT */
/* The health of the members whose queues have their home in this worker: checks in their intervals, members that go down and come
 * back, and the weight that grows after that. One a worker, used by its thread alone. */
#ifndef GW_HEALTH_H
#define GW_HEALTH_H

#include "gateway/consumers/linger.h"
#include "gateway/net/dns.h"
#include "gateway/queues/registry.h"

struct gw_health;

struct gw_health_setup { /* all borrowed for life */
    struct gw_loop *loop;
    struct gw_dns *dns;
    struct gw_linger *linger;
    struct gw_registry *registry;
    unsigned worker;
};

/* NULL: out of memory. */
struct gw_health *gw_health_new(const struct gw_health_setup *setup);
/* NULL is fine. Before what it borrows. */
void gw_health_free(struct gw_health *h);
/* The worker has switched to this snapshot, behind gw_registry_apply. False: out of memory; what could be checked is. */
bool gw_health_apply(struct gw_health *h, const struct gw_config *config);
/* Pass 2 of a round. */
void gw_health_serve(struct gw_health *h);

#endif

/* SPDX-License-Identifier: MIT */
/* Operators' questions and orders, which come through ControlSocket: one thread of the engine that serves sluicectl. The protocol
 * stands in PROTOCOL.md. Nothing that a client of it does, or leaves undone, costs a worker more than a look at its own list of
 * connections. */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "gateway/engine/worker.h"

struct gw_admin;

struct gw_admin_setup {
    int listener;                 /* passes, also to a failure */
    struct gw_registry *registry; /* borrowed until free, as the rest */
    struct gw_worker *const *workers;
    unsigned worker_count;
};

/* NULL: errno. */
struct gw_admin *gw_admin_new(const struct gw_admin_setup *setup);
bool gw_admin_start(struct gw_admin *a); /* false: errno */
/* Disconnects all clients, and waits for the thread. The workers still exist. NULL is fine. */
void gw_admin_stop(struct gw_admin *a);
/* Only once no worker runs. NULL is fine. */
void gw_admin_free(struct gw_admin *a);

#endif

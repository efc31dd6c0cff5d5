/* SPDX-License-Identifier: MIT */
/* A worker: one thread with a loop of its own, which owns its connections for life. What tunnels may ask of it stands in conn.h. */
#ifndef GW_WORKER_H
#define GW_WORKER_H

#include "gateway/engine/door.h"
#include "gateway/engine/inbox.h"
#include "gateway/engine/intake.h"

enum { GW_DELAY_KEY_BYTES = 32 };

struct gw_worker;
struct gw_registry;

struct gw_worker_setup {
    unsigned index;
    int link_fd;                  /* to the monitor; passes */
    int done_fd;                  /* an eventfd, written when the thread ends; borrowed */
    struct gw_protocol *protocol; /* its hold passes */
    struct gw_registry *registry; /* borrowed, as the rest */
    struct gw_door *door;
    struct mux_window_budget *budget;
    const uint8_t *delay_key; /* GW_DELAY_KEY_BYTES: the jitter of authentication failures */
};

/* NULL: errno. */
struct gw_worker *gw_worker_new(const struct gw_worker_setup *setup);
bool gw_worker_start(struct gw_worker *w); /* false: errno */
/* The acceptor's ends. */
struct gw_intake *gw_worker_intake(struct gw_worker *w);
struct gw_inbox *gw_worker_inbox(struct gw_worker *w);
/* The main thread's. */
struct gw_orders *gw_worker_orders(struct gw_worker *w);
/* Waits for the thread, then frees. Only after a drain, and after the acceptor has ended. */
void gw_worker_join(struct gw_worker *w);

#endif

/* SPDX-License-Identifier: MIT */
/* The acceptor: one thread that accepts, drops what is over MaxStartups or no proxy where only proxies are served, and hands each
 * connection to the worker that has the fewest. It does nothing else, so that a flood of connections costs those who are being
 * served as little as possible. */
#ifndef GW_ACCEPTOR_H
#define GW_ACCEPTOR_H

#include "gateway/engine/worker.h"

struct gw_acceptor;

struct gw_acceptor_setup {
    const int *listeners; /* the descriptors pass, the array does not */
    unsigned listener_count;
    struct gw_worker *const *workers; /* borrowed until the join */
    unsigned worker_count;
    struct gw_protocol *protocol; /* its hold passes */
    struct gw_door *door;         /* borrowed */
};

/* NULL: errno. */
struct gw_acceptor *gw_acceptor_new(const struct gw_acceptor_setup *setup);
bool gw_acceptor_start(struct gw_acceptor *a); /* false: errno */
/* The main thread's. A drain closes the listeners and ends the thread. */
struct gw_orders *gw_acceptor_orders(struct gw_acceptor *a);
/* Waits for the thread, then frees. Only after a drain. */
void gw_acceptor_join(struct gw_acceptor *a);

#endif

/* SPDX-License-Identifier: MIT */
/* A consumer that is another tunnel: two tunnels, whose connections may belong to different workers, each with one end of a pipe
 * (mux/exchange/pipe.h) for its consumer. All calls: the worker of the tunnel that has the end.
 *
 *   near    made by the tunnel that asks; CONNECTING until the far one confirms.
 *   far     arrives by mail at the other worker, OPEN. A tunnel there becomes its owner (wake, owner), or it is closed at once.
 *
 * A close that is not graceful is an abort: of the far end, while the near one is CONNECTING, it is the refusal, and its `why` the
 * reason. A graceful one lets the other side read what was written, and shows there as far_closed at once. */
#ifndef GW_PIPE_H
#define GW_PIPE_H

#include "gateway/consumers/consumer.h"
#include "gateway/queues/registry.h"

struct gw_pipe_setup {
    struct gw_registry *registry;
    unsigned here, there; /* seats of the two workers */
    /* In the worker there, which it gets as receiver. */
    void (*arrive)(struct gw_consumer *far, void *receiver);
    uint64_t handle;           /* of whom it asks for there */
    struct gw_addr originator; /* who asks */
    uint64_t timeout_ns;       /* for the other side to confirm */
};

/* The near end. NULL: out of memory. */
struct gw_consumer *gw_pipe_new(struct gw_consumer_owner o, const struct gw_pipe_setup *setup);
/* As it was made. */
const struct gw_pipe_setup *gw_pipe_setup_of(const struct gw_consumer *c);

#endif

/* SPDX-License-Identifier: MIT */
/* A tunnel request at its queue: offered, granted a member, served or failed, given back.
 *
 *   offered --grant--> granted --served--> served --release--> gone
 *                        | failed: granted the next member, or (false) gone
 *
 * The grant comes through the request's own callback, so that a request which has to wait for a member is no other case to its
 * owner than one that is granted at once. All calls of one request: the worker that owns it. */
#ifndef GW_QUEUE_H
#define GW_QUEUE_H

#include "gateway/config/config.h"
#include "gateway/queues/registry.h"

/* Embedded in its owner. */
struct gw_request {
    /* Set by the owner. Called within offer and failed; only records: target and member are set. */
    void (*granted)(struct gw_request *r);
    struct gw_queue *queue;
    struct gw_member *member;         /* held; NULL: none */
    const struct gw_config *snapshot; /* held until served or gone; the two below live in it */
    const struct gw_queue_config *terms;
    const struct gw_target *target;
    unsigned first, tried; /* of terms->targets */
};

/* Offers r, whose granted is set, to the queue that terms of that snapshot describe. False: out of memory; r is gone. */
bool gw_queue_offer(struct gw_registry *registry, struct gw_request *r, const struct gw_config *snapshot,
                    const struct gw_queue_config *terms);
/* The granted member could not be connected: another one is granted, each at most once. False: none is left; r is gone. */
bool gw_queue_failed(struct gw_request *r);
/* The granted member was connected: target, terms and snapshot are given back, member and queue stay. */
void gw_queue_served(struct gw_request *r);
/* Gives back all that r holds, in any state. */
void gw_queue_release(struct gw_request *r);

#endif

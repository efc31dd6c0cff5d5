/* SPDX-License-Identifier: MIT */
/* What lives while the gateway runs, by name, outside of the configuration's snapshots: queues with their members and counters,
 * how many channels each user holds, and the seats of the workers between which requests travel. One for the process.
 * A queue, once found, stays until the registry is freed: a reload makes at most as many as the configuration names. A user's
 * entry goes when the last channel is given back. Any thread, where nothing else is said. */
#ifndef GW_REGISTRY_H
#define GW_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/config/config.h"

struct gw_registry;
struct gw_queue;
struct gw_inbox;
struct gw_loop;

/* workers: how many threads will sit in it. NULL: out of memory. */
struct gw_registry *gw_registry_new(unsigned workers);
/* After the last worker has ended. NULL is fine. */
void gw_registry_free(struct gw_registry *r);
/* Where worker i is reached, and whose time it keeps. All sit before the first of them runs. */
void gw_registry_seat(struct gw_registry *r, unsigned i, struct gw_inbox *inbox, struct gw_loop *loop);

struct gw_inbox *gw_registry_inbox(const struct gw_registry *r, unsigned i);

/* ---- queues ---- */

/* The queue of that name, made if it is not there. NULL: out of memory. */
struct gw_queue *gw_registry_queue(struct gw_registry *r, const char *name);
/* Lives as long as the registry. */
const char *gw_queue_name(const struct gw_queue *q);
/* All of them, in the order in which they were made: the first for NULL; NULL behind the last. */
struct gw_queue *gw_registry_next(const struct gw_registry *r, const struct gw_queue *q);
/* Worker i has switched to that snapshot: the queues whose home it is get its terms, and members that are no longer named take no
 * more. Requests at a queue that it does not name wait until they are released, or a newer one names it again. Before the workers
 * run: for each of them, by whoever starts them. False: out of memory; what could be applied was. */
bool gw_registry_apply(struct gw_registry *r, unsigned i, const struct gw_config *config);

/* "waited 10 s", for what a client is told; lives as long as the registry, one for each QueueTimeout that ever was. */
const char *gw_registry_waited_text(struct gw_registry *r, uint64_t waited_ns);

/* ---- the end of the workers ---- */

/* What travels between workers (a request, a membership) must find them alive: from enter to leave none of them may end. */
void gw_registry_enter(struct gw_registry *r);
void gw_registry_leave(struct gw_registry *r);
/* Each worker, once, when it starts no more of that. */
void gw_registry_drain(struct gw_registry *r);
/* All workers drain, and nothing travels any more: a worker may end. The last to leave wakes all of them. */
bool gw_registry_idle(const struct gw_registry *r);

/* ---- users ---- */

struct gw_user_channels;

/* Takes one of the user's `limit` channels. NULL: all are taken, or out of memory. */
struct gw_user_channels *gw_registry_user_take(struct gw_registry *r, const char *user, unsigned limit);
void gw_registry_user_give(struct gw_registry *r, struct gw_user_channels *u);

#endif

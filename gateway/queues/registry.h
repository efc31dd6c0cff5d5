/* SPDX-License-Identifier: MIT */
/* What lives while the gateway runs, by name, outside of the configuration's snapshots: queues with their members and counters,
 * and how many channels each user holds. One for the process; any thread.
 * A queue and a member, once found, stay until the registry is freed: a reload makes at most as many as the configuration
 * names. A user's entry goes when the last channel is given back. */
#ifndef GW_REGISTRY_H
#define GW_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gw_registry;

/* Counters: written by any worker without order, read for metrics. */
struct gw_member {
    struct gw_member *next;
    atomic_uint active;      /* tunnels that hold it now, connecting ones included */
    _Atomic uint64_t served; /* connected */
    _Atomic uint64_t failed; /* could not be connected */
    char text[];             /* the target as configured */
};

struct gw_queue {
    struct gw_queue *next;
    struct gw_registry *registry;
    struct gw_member *members; /* under the registry's lock */
    atomic_uint cursor;        /* round robin */
    atomic_uint active;        /* granted requests */
    _Atomic uint64_t served, failed;
    char name[];
};

struct gw_user_channels;

/* NULL: out of memory. */
struct gw_registry *gw_registry_new(void);
/* After the last worker has ended. NULL is fine. */
void gw_registry_free(struct gw_registry *r);
/* The queue of that name, made if it is not there. NULL: out of memory. */
struct gw_queue *gw_registry_queue(struct gw_registry *r, const char *name);
/* The member of that text, made if it is not there. NULL: out of memory. */
struct gw_member *gw_registry_member(struct gw_queue *q, const char *text);

/* Takes one of the user's `limit` channels. NULL: all are taken, or out of memory. */
struct gw_user_channels *gw_registry_user_take(struct gw_registry *r, const char *user, unsigned limit);
void gw_registry_user_give(struct gw_registry *r, struct gw_user_channels *u);

#endif

/* SPDX-License-Identifier: MIT */
/* Members of a queue: those that its configuration names, and those that join and leave while it runs. Both stand in one pool, in
 * slots that never move, and are used again with a new generation once nobody holds them. */
#ifndef GW_MEMBER_H
#define GW_MEMBER_H

#include "gateway/engine/inbox.h"
#include "gateway/queues/registry.h"

enum { GW_WEIGHT_ONE = 256, GW_REVERSE_MEMBERS_MAX = 256 };

struct gw_member;

/* Where a member is: immutable once shared, counted, freed by the last. */
struct gw_destination {
    atomic_uint users;
    enum gw_target_kind kind;
    uint16_t port;
    unsigned
        worker; /* of a member that is itself a connection: who owns it, and its handle there; the queue does not look at them */
    uint64_t handle;
    const char *host; /* "": none */
    char text[];      /* its name in the queue: unlike that of any other member there */
};

/* One user: the caller. NULL: out of memory. */
struct gw_destination *gw_destination_new(enum gw_target_kind kind, const char *text, const char *host, uint16_t port);
struct gw_destination *gw_destination_hold(struct gw_destination *d);
void gw_destination_drop(struct gw_destination *d); /* NULL is fine */

struct gw_member_terms {
    unsigned limit;  /* tunnels at once; UINT_MAX: any number */
    unsigned weight; /* in parts of GW_WEIGHT_ONE: a slow start sets it step by step; at least 1 */
    bool backup;
    uint64_t connect_timeout_ns; /* of a member that is connected; 0: the queue's */
    bool sends_proxy;            /* of a member that is connected: it expects a PROXY header */
};

/* ---- from any worker: a member that comes and goes ----
 *
 *   join --mail--> home --mail--> joined(true) … leave --mail--> home --mail--> left
 *                             or  joined(false): there was no slot; leave is still to be called
 *
 * leave may come before joined; joined then comes first, or not at all if the slot was never given. */

/* The owner's object; all fields but the last ones are set before join and stay. Lives until left was called. */
struct gw_membership {
    struct gw_queue *queue;
    unsigned worker;                    /* the owner's seat */
    struct gw_destination *destination; /* borrowed until left */
    struct gw_member_terms terms;
    /* In the owner's worker. */
    void (*joined)(struct gw_membership *m, bool ok);
    void (*left)(struct gw_membership *m); /* the last call */

    /* member.c's own */
    struct gw_mail join_mail, leave_mail;
    struct gw_member *member; /* the home's until joined is called, then anybody's to read */
    uint32_t generation;
    bool answered, leaving;
};
void gw_member_join(struct gw_membership *m);
/* Once. No request is granted it any more when this returns, if joined was called before; tunnels that it has live on. */
void gw_member_leave(struct gw_membership *m);

/* Joined, and not leaving: how many tunnels at once it takes from now on. */
void gw_member_set_limit(struct gw_membership *m, unsigned limit);

/* Whose members a queue has. */
struct gw_member_user;

/* A place among those of the queue's members that users bring, at most GW_REVERSE_MEMBERS_MAX: to be had before join, and given
 * back with leave. A user gets no more than then are left free for others; alone: any number, but nobody else gets one as long as
 * the one who came first has any. NULL: there is none, or out of memory. */
struct gw_member_user *gw_member_reserve(struct gw_queue *q, const char *user, bool alone);
void gw_member_unreserve(struct gw_queue *q, struct gw_member_user *u);

/* ---- any thread ---- */

/* An operator's word: a draining member takes nothing new and finishes what it has. False: there is none of that text. */
bool gw_member_drain(struct gw_queue *q, const char *text, bool on);

/* ---- who holds one of the member's slots ---- */

/* Lives as long as the slot is held. */
struct gw_destination *gw_member_destination(const struct gw_member *m);
struct gw_queue *gw_member_queue(const struct gw_member *m);
/* Gives the slot back, and the queue's that was taken with it (gw_request_served). */
void gw_member_give(struct gw_member *m);

/* ---- in the home of the queue only (gw_queue_home) ---- */

/* The member that the configuration names so, whether it still does or did once: it stays as long as the queue. NULL: none. */
struct gw_member *gw_member_configured(const struct gw_queue *q, const char *text);
/* What a health check says: why it is down, a static string, or NULL for up. Requests that wait are looked at again. */
void gw_member_set_down(struct gw_queue *q, struct gw_member *m, const char *why);
/* In parts of GW_WEIGHT_ONE. Less than its terms': a slow start. */
void gw_member_set_weight(struct gw_member *m, unsigned weight);

#endif

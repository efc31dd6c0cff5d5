/* SPDX-License-Identifier: MIT */
/* A tunnel request at its queue: offered, granted a member or refused, served or failed, given back. The essay on who owns it when
 * stands at the head of request.c.
 *
 *   new --offer--> asked --answered--> granted --served--> gone; what it has taken stays so until it is given back
 *                    ^                 |    \--answered--> refused --release--> gone
 *                    +-----failed------+
 *
 * The answer comes through the request's own callback, within offer and failed or any time later, so that a request which waits for
 * a member is no other case to its owner than one that is granted at once. All calls: the worker that made the request. */
#ifndef GW_REQUEST_H
#define GW_REQUEST_H

#include "gateway/queues/member.h"

enum gw_answer {
    GW_ANSWER_NONE, /* not yet */
    GW_ANSWER_GRANTED,
    GW_ANSWER_QUEUE_FULL,  /* MaxQueue requests wait already */
    GW_ANSWER_TIMED_OUT,   /* QueueTimeout has passed */
    GW_ANSWER_NO_CONSUMER, /* no member is up */
    GW_ANSWER_FAILED,      /* no member that could be tried was connected */
    GW_ANSWER_MEMORY,
    GW_ANSWER_COUNT
};

struct gw_request; /* opaque */

struct gw_request_setup {
    struct gw_registry *registry;
    unsigned worker;                     /* the caller's seat */
    const struct gw_config *snapshot;    /* held until served or gone */
    const struct gw_queue_config *terms; /* in it; once a newer one does not name the queue, the request is to be released */
    const char *user;                    /* whose turn it counts as, and PerUserMaxConn; copied */
    const struct gw_addr *source;        /* for Balance source; family 0: unknown */
    void (*answered)(struct gw_request *r, void *owner); /* only records and marks; never comes after release */
    void *owner;
};

/* NULL: out of memory. */
struct gw_request *gw_request_new(const struct gw_request_setup *setup);
void gw_request_offer(struct gw_request *r);
/* The granted member could not be connected: another one is asked for. */
void gw_request_failed(struct gw_request *r);
/* The granted member was connected. It and its queue stay taken, by no more than the member that is returned, and r is gone: give
 * back with gw_member_give. NULL: the home counts r's user, so that r keeps them itself until it is released. */
struct gw_member *gw_request_served(struct gw_request *r);
/* Not gone: gives back all that it holds. r is gone. */
void gw_request_release(struct gw_request *r);

enum gw_answer gw_request_answer(const struct gw_request *r);
struct gw_queue *gw_request_queue(const struct gw_request *r);
/* The member that was granted last; NULL: none yet. Lives as long as r, or a hold. */
struct gw_destination *gw_request_destination(const struct gw_request *r);
/* Until served: how long the member that was granted last may take to be connected; 0: for ever. */
uint64_t gw_request_connect_timeout_ns(const struct gw_request *r);
/* Until served: whether the member that was granted last expects a PROXY header. */
bool gw_request_sends_proxy(const struct gw_request *r);
/* Until served: what it was offered by. */
const struct gw_queue_config *gw_request_terms(const struct gw_request *r);

#endif

/* SPDX-License-Identifier: MIT */
/* A worker's line to the monitor: requests up, answers down, in any order. All requests of a loop round leave in one datagram.
 * A request is an object of its asker, so that asking allocates nothing but a number. The owning worker alone. */
#ifndef GW_LINK_H
#define GW_LINK_H

#include "gateway/engine/loop.h"
#include "gateway/monitor/ipc.h"

struct gw_link;

struct gw_link_request {
    /* Set by the asker. build fills in type and fields when the datagram is made: what its views point at lives until then. */
    void (*build)(const struct gw_link_request *q, struct gw_ipc_record *r);
    /* Once, unless cancelled before. fd: -1, or a descriptor that is the callee's now. The request may be asked again inside. */
    void (*answer)(struct gw_link_request *q, const struct gw_ipc_record *r, int fd);
    /* The link's own; zero: not under way. */
    uint64_t id;
    struct gw_link_request *next, **at; /* while it waits to be sent */
};

/* Takes fd over, and registers it. NULL: errno. */
struct gw_link *gw_link_new(struct gw_loop *loop, int fd);
void gw_link_free(struct gw_link *l);
/* False: too many are under way. */
bool gw_link_ask(struct gw_link *l, struct gw_link_request *q);
/* No answer comes after this; also right when it is not under way. */
void gw_link_cancel(struct gw_link *l, struct gw_link_request *q);
/* One JSON record without newline; copied. Lost, with a log line, only if the monitor takes nothing for very long. */
void gw_link_audit(struct gw_link *l, const char *json);
/* Tells the monitor that a connection whose key exchange it may have signed has ended: its id, of GW_IPC_CONNECTION_BYTES. It
 * leaves with the next record of another kind, or with enough of its own. Lost without memory, or at the end, which the monitor's
 * own bound makes up for. */
void gw_link_forget(struct gw_link *l, const char *connection);
/* Pass 2: hands in answers that have come. True: more may be there; do not wait. False also when nothing was readable. */
bool gw_link_serve(struct gw_link *l);
/* The end of a round: sends. */
void gw_link_flush(struct gw_link *l);
/* Nothing waits to be sent but farewells. */
bool gw_link_idle(const struct gw_link *l);

#endif

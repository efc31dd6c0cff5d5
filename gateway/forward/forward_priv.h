/* SPDX-License-Identifier: MIT */
/* Forwards, as the rooms of gateway/forward share them: request.c (what is asked, and whether it may be), member.c (as members of
 * queues), listener.c (as listening sockets), socket_path.c (where those of Unix stand). The worker that owns the connection. */
#ifndef GW_FORWARD_PRIV_H
#define GW_FORWARD_PRIV_H

#include "gateway/forward/forward.h"
#include "gateway/queues/member.h"

enum {
    GW_FORWARDS_MAX = 64,          /* a connection; each counts as one of MaxChannelsPerUser, too */
    GW_FORWARD_PORT_FIRST = 49152, /* made-up ports are of the range that is nobody's: RFC 6335 section 6 */
    GW_FORWARD_PORT_COUNT = 16384,
};

struct gw_forward {
    struct gw_forward *next, **link;                /* of the connection */
    struct gw_forward *next_by_handle, **by_handle; /* of the worker; both as long as conn is set */
    struct gw_conn *conn;                           /* NULL: it was taken back */
    uint64_t handle;
    struct gw_user_channels *user_channels;
    struct gw_listener *listener; /* NULL: it is a member, and what follows is set */
    struct gw_queue *queue;
    struct gw_member_user *place; /* in it */
    unsigned limit;               /* ReverseMaxConn */
    struct gw_destination *destination;
    struct gw_membership membership;
    bool is_path;
    uint32_t asked_port, port; /* port: asked_port, or made up or chosen where that is 0 */
    size_t host_len;
    char host[]; /* or the path: as asked, raw, with a NUL behind */
};

/* What is asked for, by tcpip-forward or by streamlocal-forward. */
struct gw_forward_ask {
    bool is_path;
    struct cx_view host; /* or the path */
    uint32_t port;       /* of a path 0 */
};

/* ---- request.c ---- */

/* In both lists; the rest is the caller's to fill in. NULL: out of memory. */
struct gw_forward *gw_forward_new(struct gw_conn *c, const struct gw_forward_ask *ask, uint32_t port);
/* Takes f out of both lists, so that nothing finds it any more. */
void gw_forward_unlink(struct gw_forward *f);
struct gw_forward *gw_forward_find(struct gw_worker *w, uint64_t handle);

/* ---- member.c ---- */

/* f joins the queue where it has that place, for at most limit tunnels at once. False: out of memory, and the place is still the
 * caller's. */
bool gw_forward_join(struct gw_forward *f, struct gw_queue *queue, struct gw_member_user *place, const char *member_text,
                     unsigned limit);
/* How many tunnels at once it takes from now on. */
void gw_forward_set_limit(struct gw_forward *f, unsigned limit);
/* f leaves its queue, and is freed when the queue's home has heard of it. */
void gw_forward_leave(struct gw_forward *f);

/* ---- listener.c ---- */

struct gw_listener;

/* Whether the host that was asked for is one to listen on, and not a name. */
bool gw_listener_takes(struct cx_view host);
/* *port: 0, and then the one that was chosen. NULL: no such address or port can be had, or out of memory. */
struct gw_listener *gw_listener_new(struct gw_loop *loop, enum gw_gateway_ports ports, struct cx_view host, uint16_t *port);
/* The same on a path, which is short enough for one. */
struct gw_listener *gw_listener_new_path(struct gw_loop *loop, struct cx_view path, const struct gw_config *config);
/* Once, before the loop goes on. */
void gw_listener_serves(struct gw_listener *l, struct gw_forward *f);
void gw_listener_serve(struct gw_listener *l);
void gw_listener_free(struct gw_listener *l);

#endif

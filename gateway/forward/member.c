/* SPDX-License-Identifier: MIT */
/* A forward as a member of a queue, and a request that was granted it.
 *
 * The member's destination names the worker and the forward's handle. Whoever is granted it makes a pipe (consumers/pipe.h), whose
 * far end arrives in that worker. There the handle is looked up: a forward that has been taken back meanwhile is not found, the
 * pipe is aborted, and the request goes to another member. Else forwarded-tcpip is opened on the connection, with host and port as
 * the client asked for them, for it finds its own end by both.
 *
 * A forward that is taken back cannot be found from that moment on; its object lives until the home of the queue has answered. */
#include <stdlib.h>

#include "gateway/consumers/pipe.h"
#include "gateway/forward/forward_priv.h"
#include "gateway/observe/log.h"
#include "gateway/tunnel/tunnel_priv.h"
#include "mux/connection/forward.h"

/* ---- the membership ---- */

static struct gw_forward *forward_of(struct gw_membership *m)
{
    return (struct gw_forward *)((char *)m - offsetof(struct gw_forward, membership));
}

static void on_joined(struct gw_membership *m, bool ok)
{
    struct gw_forward *f = forward_of(m);
    struct gw_conn *c = f->conn;
    if (ok) {
        if (f->limit != m->terms.limit) /* a reload came in between */
            gw_member_set_limit(m, f->limit);
        return;
    }
    /* The client was told that it is a member. It connects again, when there may be room. */
    gw_log(GW_LOG_ERROR, "Queue %s has no room for one more member: disconnecting conn=%s", gw_queue_name(m->queue),
           gw_conn_identity(c)->id);
    gw_conn_disconnect(c, MUX_E_BY_APPLICATION, "the queue has no room for one more member");
    gw_conn_mark(c);
}

static void on_left(struct gw_membership *m)
{
    struct gw_forward *f = forward_of(m);
    gw_destination_drop(f->destination);
    free(f);
}

bool gw_forward_join(struct gw_forward *f, struct gw_queue *queue, struct gw_member_user *place, const char *member_text,
                     unsigned limit)
{
    unsigned worker = gw_worker_index(gw_conn_worker(f->conn));
    f->destination = gw_destination_new(GW_TARGET_REVERSE, member_text, f->host, (uint16_t)f->port);
    if (!f->destination)
        return false;
    f->destination->worker = worker;
    f->destination->handle = f->handle;
    f->queue = queue;
    f->place = place;
    f->limit = limit;
    f->membership = (struct gw_membership){ .queue = queue,
                                            .worker = worker,
                                            .destination = f->destination,
                                            .terms = { .limit = limit, .weight = GW_WEIGHT_ONE },
                                            .joined = on_joined,
                                            .left = on_left };
    gw_member_join(&f->membership);
    return true;
}

void gw_forward_set_limit(struct gw_forward *f, unsigned limit)
{
    f->limit = limit;
    if (f->membership.answered && f->membership.member)
        gw_member_set_limit(&f->membership, limit);
}

void gw_forward_leave(struct gw_forward *f)
{
    gw_forward_unlink(f);
    gw_member_unreserve(f->queue, f->place);
    gw_member_leave(&f->membership); /* f is the membership's from here on */
}

/* ---- a request that was granted it ---- */

static bool open_channel(struct gw_forward *f, struct gw_consumer *far)
{
    const struct gw_pipe_setup *pipe = gw_pipe_setup_of(far);
    uint8_t room[2 * 255 + 64];
    char originator[GW_ADDR_TEXT];
    struct mux_direct_tcpip m = { .host = cx_view(f->host, f->host_len),
                                  .port = f->port,
                                  .originator = cx_view_text(gw_addr_text(&pipe->originator, originator)),
                                  .originator_port = pipe->originator.port };
    size_t len = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &m);
    struct gw_outgoing_setup setup = { .type = "forwarded-tcpip",
                                       .data = cx_view(room, len),
                                       .consumer = far,
                                       .host = m.host,
                                       .port = m.port,
                                       .queue = f->queue,
                                       .destination = f->destination,
                                       .timeout_ns = pipe->timeout_ns };
    return gw_outgoing_open(f->conn, &setup);
}

static void on_arrive(struct gw_consumer *far, void *receiver)
{
    struct gw_forward *f = gw_forward_find(receiver, gw_pipe_setup_of(far)->handle);
    far->ops->progress(far);
    if (f && far->state == GW_CONSUMER_OPEN && open_channel(f, far))
        return;
    if (!f)
        far->why = "the member has left";
    far->ops->close(far, false);
}

struct gw_consumer *gw_forward_dial(struct gw_tunnel *t, struct gw_consumer_owner owner)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    struct gw_pipe_setup setup = { .registry = gw_worker_registry(w),
                                   .here = gw_worker_index(w),
                                   .there = t->ends->destination->worker,
                                   .arrive = on_arrive,
                                   .handle = t->ends->destination->handle,
                                   .originator = gw_conn_identity(t->conn)->peer,
                                   .timeout_ns = gw_request_terms(t->ends->request)->connect_timeout_ns };
    return gw_pipe_new(owner, &setup);
}

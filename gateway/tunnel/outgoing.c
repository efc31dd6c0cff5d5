/* SPDX-License-Identifier: MIT */
/* Tunnels whose channel the gateway opens on a client's connection: forwarded-tcpip and its kin. The consumer is there first; the
 * client is asked, and once it has confirmed, the tunnel is like any other. A client that refuses, that does not answer in time, or
 * whose consumer gives up meanwhile is a failure of the consumer's other side, which may look for another. */
#include <stdlib.h>
#include <string.h>

#include "gateway/tunnel/tunnel_priv.h"

bool gw_outgoing_open(struct gw_conn *c, const struct gw_outgoing_setup *setup)
{
    struct gw_loop *loop = gw_worker_loop(gw_conn_worker(c));
    setup->consumer->why = "out of resources at the member";
    const struct gw_config *config = gw_worker_config(gw_conn_worker(c));
    if (gw_conn_tunnels(c)->count >= config->max_channels)
        return false;
    struct gw_tunnel *t = gw_tunnel_new(c, UINT32_MAX, setup->host, setup->port);
    if (!t)
        return false;
    t->outgoing = true;
    t->is_path = setup->is_path;
    if (!setup->counts || gw_tunnel_count(t, config->max_channels_per_user))
        t->channel = mux_channel_open(gw_conn_session(c), setup->type, setup->data, t);
    if (t->channel == UINT32_MAX) {
        gw_tunnel_free(t, false);
        return false;
    }
    t->consumer = setup->consumer;
    t->consumer->wake = gw_tunnel_on_wake;
    t->consumer->owner = t;
    t->ends->queue = setup->queue;
    t->ends->destination = setup->destination ? gw_destination_hold(setup->destination) : NULL;
    gw_tunnel_set_patience(t, gw_loop_now_ns(loop) + setup->timeout_ns);
    gw_tunnel_mark(t);
    return true;
}

void gw_tunnel_opened(struct gw_tunnel *t)
{
    if (!t)
        return;
    if (t->ends->queue)
        gw_timer_cancel(gw_worker_loop(gw_conn_worker(t->conn)), &t->ends->patience);
    else
        gw_tunnel_free_ends(t);
    t->expired = false;
    t->accepted = true;
    if (t->consumer->ops->confirmed)
        t->consumer->ops->confirmed(t->consumer);
    gw_tunnel_log_open(t);
    gw_tunnel_mark(t);
}

void gw_tunnel_refused(struct gw_tunnel *t)
{
    if (!t)
        return;
    t->client_closed = true; /* the channel is gone already */
    gw_tunnel_mark(t);
}

void gw_outgoing_give_up(struct gw_tunnel *t, const char *reason)
{
    t->consumer->why = reason;
    gw_tunnel_record_refusal(t, reason);
    if (!t->client_closed)
        mux_channel_release(gw_conn_session(t->conn), t->channel);
    gw_tunnel_free(t, false);
}

void gw_outgoing_wait(struct gw_tunnel *t)
{
    struct gw_consumer *c = t->consumer;
    c->ops->progress(c);
    if (t->client_closed)
        gw_outgoing_give_up(t, "refused by the client");
    else if (c->state != GW_CONSUMER_OPEN)
        gw_outgoing_give_up(t, "whoever asked for it is gone");
    else if (t->expired)
        gw_outgoing_give_up(t, "the client did not confirm it in time");
}

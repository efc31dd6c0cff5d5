/* SPDX-License-Identifier: MIT */
/* tcpip-forward and its cancel: which queue is meant, and whether the client may. A name that is no queue's is refused, never
 * bound. The answer is given at once: the word to the queue's home goes out before it, so that whoever acts upon the answer finds
 * the member there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/forward/forward_priv.h"
#include "gateway/observe/log.h"
#include "gateway/tunnel.h"
#include "mux/connection/forward.h"

/* ---- lists ---- */

struct gw_forward *gw_forward_new(struct gw_conn *c, struct cx_view host, uint32_t asked_port, uint32_t port)
{
    struct gw_forward *f = calloc(1, sizeof *f + host.len + 1);
    if (!f)
        return NULL;
    struct gw_forward_list *list = gw_conn_forwards(c);
    struct gw_forward_table *table = gw_worker_forwards(gw_conn_worker(c));
    f->conn = c;
    f->asked_port = asked_port;
    f->port = port;
    f->host_len = host.len;
    memcpy(f->host, host.data, host.len);
    f->next = list->all;
    f->link = &list->all;
    if (f->next)
        f->next->link = &f->next;
    list->all = f;
    list->count++;
    f->handle = ++table->last_handle; /* 64 bits: never used again */
    f->by_handle = &table->bucket[f->handle % GW_FORWARD_BUCKETS];
    f->next_by_handle = *f->by_handle;
    if (f->next_by_handle)
        f->next_by_handle->by_handle = &f->next_by_handle;
    *f->by_handle = f;
    return f;
}

void gw_forward_unlink(struct gw_forward *f)
{
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
    *f->by_handle = f->next_by_handle;
    if (f->next_by_handle)
        f->next_by_handle->by_handle = f->by_handle;
    gw_conn_forwards(f->conn)->count--;
    f->conn = NULL;
}

struct gw_forward *gw_forward_find(struct gw_worker *w, uint64_t handle)
{
    struct gw_forward *f = gw_worker_forwards(w)->bucket[handle % GW_FORWARD_BUCKETS];
    while (f && f->handle != handle)
        f = f->next_by_handle;
    return f;
}

/* The one on host and port; by its own port, or by the 0 that it was asked with. */
static struct gw_forward *find_asked(struct gw_conn *c, struct cx_view host, uint32_t port)
{
    struct gw_forward *f = gw_conn_forwards(c)->all;
    while (f && !(cx_view_is(host, f->host) && (f->port == port || (port == 0 && f->asked_port == 0))))
        f = f->next;
    return f;
}

static bool port_is_taken(struct gw_conn *c, uint32_t port)
{
    for (struct gw_forward *f = gw_conn_forwards(c)->all; f; f = f->next)
        if (f->port == port)
            return true;
    return false;
}

/* Nothing listens on it: the client only tells its forwards apart by it, so it is unlike all others of the connection. */
static uint32_t make_up_port(struct gw_conn *c)
{
    uint32_t port;
    do
        port = GW_FORWARD_PORT_FIRST + gw_conn_forwards(c)->ports_given++ % GW_FORWARD_PORT_COUNT;
    while (port_is_taken(c, port));
    return port;
}

/* ---- tcpip-forward ---- */

/* NULL: it may; else why not, for the log. */
static const char *judge(struct gw_conn *c, const struct mux_tcpip_forward *ask, const struct gw_queue_config **terms)
{
    struct gw_worker *w = gw_conn_worker(c);
    const struct gw_config *config = gw_worker_config(w);
    const struct gw_identity *who = gw_conn_identity(c);
    *terms = gw_config_queue(config, ask->host);
    if (gw_worker_draining(w))
        return "the gateway is shutting down";
    if (!*terms)
        return "no queue has that name";
    if (!gw_config_accepts_reverse(config, *terms, who->user, who->proves_name, &who->peer))
        return "the queue's AcceptReverse does not admit the user";
    if (!gw_key_options_permit_listen(who->options, ask->host, ask->port))
        return "the key's options do not permit it";
    if (gw_conn_forwards(c)->count == GW_FORWARDS_MAX)
        return "the connection has too many forwards";
    if (ask->port != 0 && find_asked(c, ask->host, ask->port))
        return "the connection has it already";
    return NULL;
}

/* The places that it takes: among the user's channels, and among the queue's members. Then it joins. NULL: done; else why not. */
static const char *admit(struct gw_conn *c, const struct mux_tcpip_forward *ask, const struct gw_queue_config *terms,
                         uint32_t *port)
{
    struct gw_registry *registry = gw_worker_registry(gw_conn_worker(c));
    const struct gw_identity *who = gw_conn_identity(c);
    const char *user = gw_tunnel_counted_name(who);
    struct gw_queue *queue = gw_registry_queue(registry, terms->name);
    struct gw_user_channels *taken =
        gw_registry_user_take(registry, user, gw_worker_config(gw_conn_worker(c))->max_channels_per_user);
    const char *why = NULL;
    if (!queue || !taken)
        why = taken ? "out of memory" : "MaxChannelsPerUser is reached";
    else if (!gw_member_reserve(queue, user, terms->reverse_owner_first))
        why = "the queue is another user's, or has too many members";
    if (why) {
        if (taken)
            gw_registry_user_give(registry, taken);
        return why;
    }
    *port = ask->port != 0 ? ask->port : make_up_port(c);
    char text[GW_USER_MAX + 64];
    snprintf(text, sizeof text, "%s#%.12s:%u", who->user, who->id, *port);
    struct gw_forward *f = gw_forward_new(c, ask->host, ask->port, *port);
    if (f) {
        f->user_channels = taken;
        if (gw_forward_join(f, queue, text, terms->reverse_max_conn))
            return NULL;
        gw_forward_unlink(f);
        free(f);
    }
    gw_member_unreserve(queue);
    gw_registry_user_give(registry, taken);
    return "out of memory";
}

enum { LOG_HOST_MAX = 4 * 255 + 1 };

static bool forward(struct gw_conn *c, struct cx_view data, uint32_t *port)
{
    struct mux_tcpip_forward ask;
    if (!mux_tcpip_forward_parse(data, &ask))
        return false;
    const struct gw_identity *who = gw_conn_identity(c);
    const struct gw_queue_config *terms;
    uint32_t given = 0;
    const char *why = judge(c, &ask, &terms);
    if (!why)
        why = admit(c, &ask, terms, &given);
    char peer[GW_ADDR_TEXT], host[LOG_HOST_MAX];
    gw_log_escape(host, sizeof host, ask.host, true);
    if (why)
        gw_log(GW_LOG_INFO, "Refused reverse forward of %s from %s to %s:%u: %s on conn=%s", who->user,
               gw_addr_port_text(&who->peer, peer), host, ask.port, why, who->id);
    else
        gw_log(GW_LOG_INFO, "Reverse forward of %s from %s to %s:%u joins queue %s on conn=%s", who->user,
               gw_addr_port_text(&who->peer, peer), host, given, terms->name, who->id);
    if (ask.port == 0)
        *port = given;
    return !why;
}

static bool cancel(struct gw_conn *c, struct cx_view data)
{
    struct mux_tcpip_forward ask;
    struct gw_forward *f = mux_tcpip_forward_parse(data, &ask) ? find_asked(c, ask.host, ask.port) : NULL;
    if (!f)
        return false;
    gw_log(GW_LOG_INFO, "Reverse forward to %s:%u leaves queue %s on conn=%s", f->host, f->port, gw_queue_name(f->queue),
           gw_conn_identity(c)->id);
    gw_forward_leave(f);
    return true;
}

bool gw_forward_request(struct gw_conn *c, struct cx_view name, struct cx_view data, uint32_t *port)
{
    *port = 0;
    if (cx_view_is(name, "tcpip-forward"))
        return forward(c, data, port);
    if (cx_view_is(name, "cancel-tcpip-forward"))
        return cancel(c, data);
    return false;
}

void gw_forward_end_all(struct gw_conn *c)
{
    while (gw_conn_forwards(c)->all)
        gw_forward_leave(gw_conn_forwards(c)->all);
}

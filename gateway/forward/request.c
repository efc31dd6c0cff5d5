/* SPDX-License-Identifier: MIT */
/* tcpip-forward, streamlocal-forward and their cancels: which queue is meant, or what to listen on, and whether the client may. A
 * name that is no queue's is refused, never bound. The answer is given at once: the word to the queue's home goes out before it, so
 * that whoever acts upon the answer finds the member there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/forward/forward_priv.h"
#include "gateway/forward/socket_path.h"
#include "gateway/observe/log.h"
#include "gateway/tunnel/tunnel.h"
#include "mux/connection/forward.h"

/* ---- lists ---- */

struct gw_forward *gw_forward_new(struct gw_conn *c, const struct gw_forward_ask *ask, uint32_t port)
{
    struct gw_forward *f = calloc(1, sizeof *f + ask->host.len + 1);
    if (!f)
        return NULL;
    struct gw_forward_list *list = gw_conn_forwards(c);
    struct gw_forward_table *table = gw_worker_forwards(gw_conn_worker(c));
    f->conn = c;
    f->is_path = ask->is_path;
    f->asked_port = ask->port;
    f->port = port;
    f->host_len = ask->host.len;
    memcpy(f->host, ask->host.data, ask->host.len);
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

/* Of a port, by its own, or by the 0 that it was asked with. */
static bool is_asked(const struct gw_forward *f, const struct gw_forward_ask *ask)
{
    return f->is_path == ask->is_path && cx_view_is(ask->host, f->host) &&
           (f->port == ask->port || (ask->port == 0 && f->asked_port == 0));
}

static struct gw_forward *find_asked(struct gw_conn *c, const struct gw_forward_ask *ask)
{
    struct gw_forward *f = gw_conn_forwards(c)->all;
    while (f && !is_asked(f, ask))
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

/* ---- whether it may be ---- */

#define BY_KEY "the key's options do not permit it"
#define SHUTTING_DOWN "the gateway is shutting down"

static const char *judge_path(const struct gw_config *config, const struct gw_identity *who, struct cx_view path)
{
    if (!gw_socket_path_within(path, config->stream_local_directory))
        return "it is no name in StreamLocalBindDirectory";
    return gw_key_options_permit_listen_path(who->options) ? NULL : BY_KEY;
}

/* By the newest snapshot. NULL: the client may, and may go on with what it has; else why not, for the log. *terms: of the queue
 * that it would join; NULL: the gateway would listen. */
static const char *judge(const struct gw_conn *c, const struct gw_forward_ask *ask, const struct gw_queue_config **terms)
{
    const struct gw_config *config = gw_worker_config(gw_conn_worker(c));
    const struct gw_identity *who = gw_conn_identity(c);
    *terms = ask->is_path ? NULL : gw_config_queue(config, ask->host);
    if (!*terms && gw_worker_draining(gw_conn_worker(c)))
        return SHUTTING_DOWN;
    if (ask->is_path)
        return judge_path(config, who, ask->host);
    if (!*terms && !gw_listener_takes(ask->host))
        return "no queue has that name";
    if (*terms && !gw_config_accepts_reverse(config, *terms, who->user, who->proves_name, &who->peer))
        return "the queue's AcceptReverse does not admit the user";
    if (!*terms && !gw_permits_have(config->permit_listens, config->permit_listen_count, ask->host, ask->port))
        return "PermitListen does not permit it";
    return gw_key_options_permit_listen(who->options, ask->host, ask->port) ? NULL : BY_KEY;
}

static const char *judge_room(struct gw_conn *c, const struct gw_forward_ask *ask)
{
    if (gw_worker_draining(gw_conn_worker(c)))
        return SHUTTING_DOWN;
    if (gw_conn_forwards(c)->count == GW_FORWARDS_MAX)
        return "the connection has too many forwards";
    if ((ask->port != 0 || ask->is_path) && find_asked(c, ask))
        return "the connection has it already";
    return NULL;
}

/* ---- beginning ---- */

/* A place among the queue's members, and f with it. NULL: done; else why not. */
static const char *join(struct gw_conn *c, const struct gw_forward_ask *ask, const struct gw_queue_config *terms,
                        struct gw_forward **out)
{
    const struct gw_identity *who = gw_conn_identity(c);
    struct gw_queue *queue = gw_registry_queue(gw_worker_registry(gw_conn_worker(c)), terms->name);
    if (!queue)
        return "out of memory";
    struct gw_member_user *place = gw_member_reserve(queue, gw_tunnel_counted_name(who), terms->reverse_owner_first);
    if (!place)
        return terms->reverse_owner_first ? "the queue is another user's, or has too many members"
                                          : "the queue has too many members, or of the user's as many as it has places left";
    uint32_t port = ask->port != 0 ? ask->port : make_up_port(c);
    char text[GW_USER_MAX + 64];
    snprintf(text, sizeof text, "%s%s#%.12s:%u", who->user, who->proves_name ? "" : "?", who->id, port);
    struct gw_forward *f = gw_forward_new(c, ask, port);
    if (f && gw_forward_join(f, queue, place, text, terms->reverse_max_conn)) {
        *out = f;
        return NULL;
    }
    if (f)
        gw_forward_unlink(f);
    free(f);
    gw_member_unreserve(queue, place);
    return "out of memory";
}

/* The same with sockets that listen. */
static const char *listen_for(struct gw_conn *c, const struct gw_forward_ask *ask, struct gw_forward **out)
{
    struct gw_loop *loop = gw_worker_loop(gw_conn_worker(c));
    const struct gw_config *config = gw_worker_config(gw_conn_worker(c));
    uint16_t port = (uint16_t)ask->port;
    struct gw_listener *l = ask->is_path ? gw_listener_new_path(loop, ask->host, config)
                                         : gw_listener_new(loop, config->gateway_ports, ask->host, &port);
    struct gw_forward *f = l ? gw_forward_new(c, ask, port) : NULL;
    if (f) {
        gw_listener_serves(l, f);
        *out = f;
        return NULL;
    }
    if (l)
        gw_listener_free(l);
    return l ? "out of memory" : "it cannot be listened on";
}

/* It takes one of the user's channels. NULL: done; else why not. */
static const char *admit(struct gw_conn *c, const struct gw_forward_ask *ask, const struct gw_queue_config *terms,
                         struct gw_forward **f)
{
    struct gw_registry *registry = gw_worker_registry(gw_conn_worker(c));
    struct gw_user_channels *taken = gw_registry_user_take(registry, gw_tunnel_counted_name(gw_conn_identity(c)),
                                                           gw_worker_config(gw_conn_worker(c))->max_channels_per_user);
    if (!taken)
        return "MaxChannelsPerUser is reached";
    const char *why = terms ? join(c, ask, terms, f) : listen_for(c, ask, f);
    if (why)
        gw_registry_user_give(registry, taken);
    else
        (*f)->user_channels = taken;
    return why;
}

enum { LOG_HOST_MAX = 4 * 255 + 1 };

static void log_forward(const struct gw_conn *c, const char *did, const struct gw_forward_ask *ask, uint32_t port, const char *how,
                        const char *what)
{
    const struct gw_identity *who = gw_conn_identity(c);
    char peer[GW_ADDR_TEXT], host[LOG_HOST_MAX], port_text[16] = "";
    if (!ask->is_path)
        snprintf(port_text, sizeof port_text, ":%u", port);
    gw_log(GW_LOG_INFO, "%s of %s from %s to %s%s%s%s on conn=%s", did, who->user, gw_addr_port_text(&who->peer, peer),
           gw_log_escape(host, sizeof host, ask->host, true), port_text, how, what, who->id);
}

static bool forward(struct gw_conn *c, const struct gw_forward_ask *ask, uint32_t *port)
{
    const struct gw_queue_config *terms;
    struct gw_forward *f = NULL;
    const char *why = judge(c, ask, &terms);
    if (!why)
        why = judge_room(c, ask);
    if (!why)
        why = admit(c, ask, terms, &f);
    if (why) {
        log_forward(c, "Refused reverse forward", ask, ask->port, ": ", why);
        return false;
    }
    log_forward(c, "Reverse forward", ask, f->port, terms ? " joins queue " : " listens", terms ? terms->name : "");
    if (ask->port == 0)
        *port = f->port;
    return true;
}

/* ---- ending ---- */

static void end(struct gw_forward *f)
{
    gw_registry_user_give(gw_worker_registry(gw_conn_worker(f->conn)), f->user_channels);
    if (!f->listener) {
        gw_forward_leave(f);
        return;
    }
    gw_listener_free(f->listener);
    gw_forward_unlink(f);
    free(f);
}

static bool cancel(struct gw_conn *c, const struct gw_forward_ask *ask)
{
    struct gw_forward *f = find_asked(c, ask);
    if (!f)
        return false;
    log_forward(c, "Cancelled reverse forward", ask, f->port, f->listener ? "" : ": leaves queue ",
                f->listener ? "" : gw_queue_name(f->queue));
    end(f);
    return true;
}

/* ---- what comes ---- */

static bool read_tcpip(struct cx_view data, struct gw_forward_ask *ask)
{
    struct mux_tcpip_forward m;
    if (!mux_tcpip_forward_parse(data, &m))
        return false;
    *ask = (struct gw_forward_ask){ .host = m.host, .port = m.port };
    return true;
}

static bool read_streamlocal(struct cx_view data, struct gw_forward_ask *ask)
{
    *ask = (struct gw_forward_ask){ .is_path = true };
    return mux_streamlocal_forward_parse(data, &ask->host);
}

bool gw_forward_request(struct gw_conn *c, struct cx_view name, struct cx_view data, uint32_t *port)
{
    struct gw_forward_ask ask;
    *port = 0;
    if (cx_view_is(name, "tcpip-forward"))
        return read_tcpip(data, &ask) && forward(c, &ask, port);
    if (cx_view_is(name, "cancel-tcpip-forward"))
        return read_tcpip(data, &ask) && cancel(c, &ask);
    if (cx_view_is(name, "streamlocal-forward@openssh.com"))
        return read_streamlocal(data, &ask) && forward(c, &ask, port);
    if (cx_view_is(name, "cancel-streamlocal-forward@openssh.com"))
        return read_streamlocal(data, &ask) && cancel(c, &ask);
    return false;
}

void gw_forward_serve(struct gw_conn *c)
{
    struct gw_forward_list *list = gw_conn_forwards(c);
    if (!list->listeners_ready)
        return;
    list->listeners_ready = false;
    for (struct gw_forward *f = list->all; f; f = f->next)
        if (f->listener)
            gw_listener_serve(f->listener);
}

void gw_forward_rejudge(struct gw_conn *c)
{
    for (struct gw_forward *f = gw_conn_forwards(c)->all, *next; f; f = next) {
        next = f->next;
        struct gw_forward_ask ask = { f->is_path, cx_view(f->host, f->host_len), f->asked_port };
        const struct gw_queue_config *terms;
        const char *why = judge(c, &ask, &terms);
        if (why) {
            log_forward(c, "Ended reverse forward", &ask, f->port, ": ", why);
            end(f);
        } else if (terms) {
            gw_forward_set_limit(f, terms->reverse_max_conn);
        }
    }
}

void gw_forward_end_all(struct gw_conn *c)
{
    while (gw_conn_forwards(c)->all)
        end(gw_conn_forwards(c)->all);
}

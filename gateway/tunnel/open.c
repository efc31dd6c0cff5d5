/* SPDX-License-Identifier: MIT */
/* From the client's CHANNEL_OPEN to the answer: judged by the newest snapshot and by the key's options, counted against the
 * user's channels, offered to its queue, connected through the consumer of the member that was granted. Only a consumer that
 * stands is accepted, so that `ssh -W` fails at once where the service is down. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "gateway/tunnel/tunnel_priv.h"
#include "mux/connection/forward.h"

/* What is unknown and what is forbidden look alike: a client learns no names that it may not use. No text has addresses. */
#define ALIKE "not available"
static const struct gw_refusal_row rows[GW_REFUSAL_COUNT] = {
    [GW_REFUSAL_DRAINING] = { MUX_OPEN_RESOURCE_SHORTAGE, "the gateway is shutting down", "the gateway is shutting down",
                              "the gateway is shutting down" },
    [GW_REFUSAL_SESSION] = { MUX_OPEN_PROHIBITED, "this gateway forwards tunnels only; use ssh -N, -W, -L, -D or -J",
                             "this gateway forwards tunnels only; use ssh -N, -W, -L, -D or -J", "sessions are not served" },
    [GW_REFUSAL_TYPE] = { MUX_OPEN_UNKNOWN_TYPE, "unknown channel type", "unknown channel type", "unknown channel type" },
    [GW_REFUSAL_MALFORMED] = { MUX_OPEN_PROHIBITED, ALIKE, "malformed host, port or path", "malformed host, port or path" },
    [GW_REFUSAL_NO_QUEUE] = { MUX_OPEN_PROHIBITED, ALIKE, "no such queue", "no queue takes it" },
    [GW_REFUSAL_NOT_ALLOWED] = { MUX_OPEN_PROHIBITED, ALIKE, "not allowed", "the queue's Allow and Deny do not admit the user" },
    [GW_REFUSAL_KEY_OPTIONS] = { MUX_OPEN_PROHIBITED, ALIKE, "not permitted for this key", "the key's options do not permit it" },
    [GW_REFUSAL_USER_LIMIT] = { MUX_OPEN_RESOURCE_SHORTAGE, "too many channels", "too many channels",
                                "MaxChannelsPerUser is reached" },
    [GW_REFUSAL_CONNECTION_LIMIT] = { MUX_OPEN_RESOURCE_SHORTAGE, "too many channels", "too many channels",
                                      "MaxChannels is reached" },
    [GW_REFUSAL_MEMORY] = { MUX_OPEN_RESOURCE_SHORTAGE, "out of resources", "out of resources", "out of memory" },
    [GW_REFUSAL_QUEUE_FULL] = { MUX_OPEN_RESOURCE_SHORTAGE, "queue full", "queue full", "MaxQueue requests wait already" },
    [GW_REFUSAL_TIMED_OUT] = { MUX_OPEN_RESOURCE_SHORTAGE, "waited too long", "waited too long", "QueueTimeout has passed" },
    [GW_REFUSAL_NO_CONSUMER] = { MUX_OPEN_CONNECT_FAILED, "no consumer", "no consumer", "no member is up" },
    [GW_REFUSAL_CONNECT] = { MUX_OPEN_CONNECT_FAILED, "connect failed", "connect failed", "no member could be connected" },
    [GW_REFUSAL_ADDRESS] = { MUX_OPEN_PROHIBITED, ALIKE, "address not allowed", "no address may be connected to" },
    [GW_REFUSAL_SHORTAGE] = { MUX_OPEN_RESOURCE_SHORTAGE, "out of resources", "out of resources", "out of resources" },
};

const struct gw_refusal_row *gw_tunnel_refusal(enum gw_refusal r)
{
    assert(r < GW_REFUSAL_COUNT);
    return &rows[r];
}

static const char *text_for_client(const struct gw_tunnel *t, enum gw_refusal r)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    if (r == GW_REFUSAL_TIMED_OUT)
        return gw_registry_waited_text(gw_worker_registry(w), gw_request_terms(t->ends->request)->queue_timeout_ns);
    const struct gw_refusal_row *row = gw_tunnel_refusal(r);
    return gw_worker_config(w)->queue_errors_detailed ? row->detailed : row->text;
}

/* Tells the client, the log and the audit; t is gone. */
static void refuse(struct gw_tunnel *t, enum gw_refusal r)
{
    const struct gw_refusal_row *row = gw_tunnel_refusal(r);
    mux_channel_refuse(gw_conn_session(t->conn), t->channel, row->reason, text_for_client(t, r));
    gw_tunnel_record_refusal(t, row->truth);
    gw_tunnel_free(t, false);
}

/* By the newest snapshot, which may be another than that which the request was admitted by. */
static bool permits(void *owner, const struct gw_addr *address)
{
    const struct gw_tunnel *t = owner;
    const struct gw_config *config = gw_worker_config(gw_conn_worker(t->conn));
    const struct gw_queue_config *terms = gw_config_queue(config, cx_view_text(gw_queue_name(gw_tunnel_queue(t))));
    return terms && gw_config_dial_permits(config, terms, cx_view(t->host, t->host_len), address);
}

static struct gw_consumer *new_consumer(struct gw_tunnel *t)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    const struct gw_destination *to = t->ends->destination;
    const struct gw_request *r = t->ends->request;
    struct gw_consumer_owner owner = { gw_tunnel_on_wake, t };
    struct gw_tcp_setup tcp = { .dns = gw_worker_dns(w),
                                .linger = gw_worker_linger(w),
                                .host = to->host,
                                .port = to->port,
                                .timeout_ns = gw_request_connect_timeout_ns(r),
                                .preface = gw_request_sends_proxy(r) ? gw_tunnel_preface : NULL };
    switch (to->kind) {
    case GW_TARGET_TCP:
        return gw_tcp_new(owner, &tcp);
    case GW_TARGET_UNIX:
        return gw_unix_new(owner, &(struct gw_unix_setup){ tcp.linger, to->host, tcp.timeout_ns, tcp.preface });
    case GW_TARGET_DIAL:
        tcp.host = t->host;
        tcp.port = (uint16_t)t->port;
        tcp.permits = permits;
        return gw_tcp_new(owner, &tcp);
    case GW_TARGET_ECHO:
        return gw_echo_new(owner);
    case GW_TARGET_DISCARD:
        return gw_discard_new(owner);
    case GW_TARGET_SOURCE:
        return gw_source_new(owner);
    case GW_TARGET_HTTP:
        return gw_http_new(owner, gw_queue_name(gw_tunnel_queue(t)), gw_conn_identity(t->conn)->user);
    case GW_TARGET_REVERSE:
        return gw_forward_dial(t, owner);
    }
    assert(!"a target of no kind");
    return NULL;
}

/* Within offer and failed, or out of the worker's mail. */
static void on_answered(struct gw_request *r, void *owner)
{
    struct gw_tunnel *t = owner;
    t->answered = true;
    if (gw_request_answer(r) == GW_ANSWER_GRANTED) {
        gw_destination_drop(t->ends->destination);
        t->ends->destination = gw_destination_hold(gw_request_destination(r));
        t->consumer = new_consumer(t);
    }
    gw_tunnel_mark(t);
}

static enum gw_refusal refusal_of_consumer(const struct gw_consumer *c)
{
    switch (c->failure) {
    case GW_FAILURE_PROHIBITED:
        return GW_REFUSAL_ADDRESS;
    case GW_FAILURE_RESOURCE:
        return GW_REFUSAL_SHORTAGE;
    case GW_FAILURE_CONNECT:
        break;
    }
    return GW_REFUSAL_CONNECT;
}

static enum gw_refusal refusal_of_answer(const struct gw_tunnel *t)
{
    switch (gw_request_answer(t->ends->request)) {
    case GW_ANSWER_QUEUE_FULL:
        return GW_REFUSAL_QUEUE_FULL;
    case GW_ANSWER_TIMED_OUT:
        return GW_REFUSAL_TIMED_OUT;
    case GW_ANSWER_NO_CONSUMER:
        return GW_REFUSAL_NO_CONSUMER;
    case GW_ANSWER_FAILED:
        return t->ends->failure;
    default: /* also where a grant found no memory for its consumer */
        return GW_REFUSAL_MEMORY;
    }
}

/* The consumer could not be connected: another member is asked for. False: t is gone. */
static bool try_next(struct gw_tunnel *t)
{
    struct gw_consumer *c = t->consumer;
    struct gw_tunnel_ends *e = t->ends;
    e->failure = refusal_of_consumer(c);
    e->why = c->why;
    e->resolved = gw_consumer_address(c);
    t->consumer = NULL;
    t->answered = false;
    c->ops->close(c, false);
    gw_tunnel_log_failed(t);
    /* Where this process is short of something, another member is no remedy. */
    if (e->failure == GW_REFUSAL_SHORTAGE) {
        refuse(t, e->failure);
        return false;
    }
    gw_request_failed(e->request);
    return true;
}

static void accept_channel(struct gw_tunnel *t)
{
    t->accepted = true;
    t->member = gw_request_served(t->ends->request);
    if (t->member) {
        t->ends->request = NULL;
        gw_tunnel_free_ends(t);
    }
    mux_channel_accept(gw_conn_session(t->conn), t->channel, t);
    gw_tunnel_log_open(t);
}

bool gw_tunnel_connect(struct gw_tunnel *t)
{
    while (t->consumer) {
        struct gw_consumer *c = t->consumer;
        c->ops->progress(c);
        if (c->state == GW_CONSUMER_CONNECTING)
            return false;
        if (c->state == GW_CONSUMER_OPEN) {
            accept_channel(t);
            return true;
        }
        if (!try_next(t))
            return false;
    }
    if (t->answered)
        refuse(t, refusal_of_answer(t));
    return false;
}

struct gw_tunnel *gw_tunnel_new(struct gw_conn *c, uint32_t channel, struct cx_view host, uint32_t port)
{
    struct gw_tunnel_list *list = gw_conn_tunnels(c);
    assert(host.len <= UINT8_MAX);
    size_t size = offsetof(struct gw_tunnel, host) + host.len + 1;
    struct gw_tunnel *t = calloc(1, size > sizeof *t ? size : sizeof *t);
    struct gw_tunnel_ends *ends = t ? calloc(1, sizeof *ends) : NULL;
    if (!ends) {
        free(t);
        return NULL;
    }
    ends->tunnel = t;
    t->ends = ends;
    t->conn = c;
    t->channel = channel;
    t->number = list->next_number++;
    t->began_us = gw_tunnel_wall_us();
    t->port = port;
    t->host_len = (uint8_t)host.len;
    if (host.len > 0)
        memcpy(t->host, host.data, host.len);
    list->count++;
    if (channel != UINT32_MAX)
        mux_channel_set_user(gw_conn_session(c), channel, t);
    return t;
}

const char *gw_tunnel_counted_name(const struct gw_identity *who)
{
    return who->proves_name ? who->user : who->fingerprint;
}

bool gw_tunnel_count(struct gw_tunnel *t, unsigned limit)
{
    struct gw_registry *registry = gw_worker_registry(gw_conn_worker(t->conn));
    struct gw_user_channels *user = gw_registry_user_take(registry, gw_tunnel_counted_name(gw_conn_identity(t->conn)), limit);
    if (user) {
        gw_conn_tunnels(t->conn)->user = user; /* the same as before, if one is counted */
        t->is_counted = true;
    }
    return user != NULL;
}

/* False: refused, and t is gone. */
static bool count_channel(struct gw_tunnel *t, const struct gw_config *config)
{
    if (gw_conn_tunnels(t->conn)->count > config->max_channels) {
        refuse(t, GW_REFUSAL_CONNECTION_LIMIT);
        return false;
    }
    if (!gw_tunnel_count(t, config->max_channels_per_user)) {
        refuse(t, GW_REFUSAL_USER_LIMIT);
        return false;
    }
    return true;
}

static void offer(struct gw_tunnel *t, const struct gw_config *config, const struct gw_queue_config *terms)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    struct gw_request_setup setup = { .registry = gw_worker_registry(w),
                                      .worker = gw_worker_index(w),
                                      .snapshot = config,
                                      .terms = terms,
                                      .user = gw_tunnel_counted_name(gw_conn_identity(t->conn)),
                                      .source = &gw_conn_identity(t->conn)->peer,
                                      .answered = on_answered,
                                      .owner = t };
    t->ends->request = gw_request_new(&setup);
    if (!t->ends->request) {
        refuse(t, GW_REFUSAL_MEMORY);
        return;
    }
    gw_request_offer(t->ends->request);
    gw_tunnel_serve(t);
}

/* By the newest snapshot. GW_REFUSAL_COUNT: the client may have it. *terms: of the queue that it goes to; NULL: there is none. */
static enum gw_refusal judge(const struct gw_tunnel *t, const struct gw_queue_config **terms)
{
    const struct gw_config *config = gw_worker_config(gw_conn_worker(t->conn));
    const struct gw_identity *who = gw_conn_identity(t->conn);
    struct cx_view host = cx_view(t->host, t->host_len);
    *terms = t->is_path ? gw_config_route_path(config, host) : gw_config_route(config, host, t->port);
    if (!*terms)
        return GW_REFUSAL_NO_QUEUE;
    if (!gw_config_allows(config, *terms, who->user, who->proves_name, &who->peer))
        return GW_REFUSAL_NOT_ALLOWED;
    if (!(t->is_path ? gw_key_options_permit_path(who->options) : gw_key_options_permit(who->options, host, t->port)))
        return GW_REFUSAL_KEY_OPTIONS;
    return GW_REFUSAL_COUNT;
}

static void admit(struct gw_tunnel *t)
{
    struct gw_worker *w = gw_conn_worker(t->conn);
    const struct gw_queue_config *terms;
    enum gw_refusal why = judge(t, &terms);
    t->ends->queue = terms ? gw_registry_queue(gw_worker_registry(w), terms->name) : NULL;
    if (why != GW_REFUSAL_COUNT || !t->ends->queue)
        refuse(t, why != GW_REFUSAL_COUNT ? why : GW_REFUSAL_MEMORY);
    else if (count_channel(t, gw_worker_config(w)))
        offer(t, gw_worker_config(w), terms);
}

void gw_tunnel_rejudge(struct gw_conn *c)
{
    struct gw_tunnel *t;
    for (uint32_t channel = 0; (t = mux_session_next_user(gw_conn_session(c), &channel)); channel++) {
        if (t->accepted || t->outgoing)
            continue;
        const struct gw_queue_config *terms;
        enum gw_refusal why = judge(t, &terms);
        if (why == GW_REFUSAL_COUNT && strcmp(terms->name, gw_queue_name(gw_tunnel_queue(t))) != 0)
            why = GW_REFUSAL_NO_QUEUE; /* another one takes it now */
        if (why != GW_REFUSAL_COUNT)
            refuse(t, why);
    }
}

struct ask {
    bool is_known, is_path; /* of the channel's type */
    bool parsed;
    bool has_form; /* the fields are all there: if it is not parsed, only their values are out of bounds */
    struct cx_view host;
    uint32_t port;
};

static struct ask read_tcpip(struct cx_view data)
{
    struct mux_direct_tcpip m = { 0 };
    struct cx_reader r = cx_reader(data);
    cx_reader_string(&r);
    cx_reader_u32(&r);
    cx_reader_string(&r);
    cx_reader_u32(&r);
    struct ask ask = { .is_known = true, .has_form = cx_reader_done(&r), .parsed = mux_direct_tcpip_parse(data, &m) };
    if (ask.parsed) {
        ask.host = m.host;
        ask.port = m.port;
    }
    return ask;
}

static struct ask read_streamlocal(struct cx_view data)
{
    struct cx_view path;
    struct cx_reader r = cx_reader(data);
    cx_reader_string(&r);
    cx_reader_string(&r);
    cx_reader_u32(&r);
    struct ask ask = { .is_known = true, .is_path = true, .has_form = cx_reader_done(&r) };
    ask.parsed = mux_direct_streamlocal_parse(data, &path) && path.len <= MUX_HOST_MAX;
    if (ask.parsed)
        ask.host = path;
    return ask;
}

static struct ask read_ask(struct cx_view type, struct cx_view data)
{
    if (cx_view_is(type, "direct-tcpip"))
        return read_tcpip(data);
    if (cx_view_is(type, "direct-streamlocal@openssh.com"))
        return read_streamlocal(data);
    return (struct ask){ .is_known = false };
}

enum mux_err gw_tunnel_open(struct gw_conn *c, uint32_t channel, struct cx_view type, struct cx_view data)
{
    struct ask ask = read_ask(type, data);
    struct gw_tunnel *t = gw_tunnel_new(c, channel, ask.parsed ? ask.host : cx_view("", 0), ask.port);
    if (t)
        t->is_path = ask.is_path;
    if (!t)
        mux_channel_refuse(gw_conn_session(c), channel, MUX_OPEN_RESOURCE_SHORTAGE, rows[GW_REFUSAL_MEMORY].text);
    else if (gw_worker_draining(gw_conn_worker(c)))
        refuse(t, GW_REFUSAL_DRAINING);
    else if (!ask.is_known)
        refuse(t, cx_view_is(type, "session") ? GW_REFUSAL_SESSION : GW_REFUSAL_TYPE);
    else if (!ask.parsed)
        refuse(t, GW_REFUSAL_MALFORMED);
    else
        admit(t);
    return ask.is_known && !ask.has_form ? MUX_E_MALFORMED : MUX_OK;
}

/* SPDX-License-Identifier: MIT */
#include "tunnel_world.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "gateway/forward/forward.h"
#include "gateway/tunnel/tunnel_priv.h"
#include "mux/connection/forward.h"

struct gw_conn {
    struct gw_identity identity;
    struct gw_tunnel_list tunnels;
    struct gw_forward_list forwards;
    struct world *world;
};

struct gw_worker {
    struct gw_loop *loop;
    struct gw_config *config;
    struct gw_dns *dns;
    struct gw_registry *registry;
    struct gw_inbox inbox;
    struct gw_linger *linger;
    struct gw_forward_table forwards;
    struct world *world;
};

/* ---- conn.h ---- */

const struct gw_identity *gw_conn_identity(const struct gw_conn *c)
{
    return &c->identity;
}

bool gw_conn_local(const struct gw_conn *c, struct gw_addr *out)
{
    (void)c;
    return gw_addr_parse(out, "198.51.100.1");
}

struct mux_session *gw_conn_session(const struct gw_conn *c)
{
    return c->world->pair->server.session;
}

struct gw_worker *gw_conn_worker(const struct gw_conn *c)
{
    return c->world->worker;
}

void gw_conn_spend(struct gw_conn *c, unsigned calls)
{
    (void)c;
    (void)calls;
}

void gw_conn_mark(struct gw_conn *c)
{
    (void)c; /* this one is served in every round */
}

struct gw_tunnel_list *gw_conn_tunnels(struct gw_conn *c)
{
    return &c->tunnels;
}

void gw_conn_disconnect(struct gw_conn *c, enum mux_err err, const char *text)
{
    mux_session_disconnect(gw_conn_session(c), err, text);
}

struct gw_forward_list *gw_conn_forwards(struct gw_conn *c)
{
    return &c->forwards;
}

struct gw_forward_table *gw_worker_forwards(struct gw_worker *w)
{
    return &w->forwards;
}

struct gw_loop *gw_worker_loop(struct gw_worker *w)
{
    return w->loop;
}

const struct gw_config *gw_worker_config(const struct gw_worker *w)
{
    return w->config;
}

struct gw_dns *gw_worker_dns(struct gw_worker *w)
{
    return w->dns;
}

struct gw_registry *gw_worker_registry(struct gw_worker *w)
{
    return w->registry;
}

struct gw_linger *gw_worker_linger(struct gw_worker *w)
{
    return w->linger;
}

unsigned gw_worker_index(const struct gw_worker *w)
{
    (void)w;
    return 0;
}

bool gw_worker_draining(const struct gw_worker *w)
{
    return w->world->draining;
}

bool gw_worker_keeps_audit(const struct gw_worker *w)
{
    return !w->world->keeps_no_audit;
}

void gw_worker_audit(struct gw_worker *w, const char *json)
{
    struct world *world = w->world;
    cr_assert_lt(world->audits, WORLD_AUDITS);
    snprintf(world->audit[world->audits++], WORLD_AUDIT_MAX, "%s", json);
}

/* ---- the two ends ---- */

static struct world_channel *client_channel(struct world *w, uint32_t id)
{
    for (size_t i = w->channels; i-- > 0;)
        if (w->channel[i].id == id && !w->channel[i].released)
            return &w->channel[i];
    return NULL;
}

static void keep(struct world_channel *ch, struct cx_span data)
{
    if (ch->received_room - ch->received_len < data.len) {
        ch->received_room = 2 * (ch->received_len + data.len);
        ch->received = realloc(ch->received, ch->received_room);
    }
    memcpy(ch->received + ch->received_len, data.data, data.len);
    ch->received_len += data.len;
}

/* The gateway opens a channel: forwarded-tcpip and its kin. */
static void on_client_open(struct world *w, const struct mux_event *ev)
{
    struct mux_session *s = w->pair->client.session;
    if (w->refuses) {
        w->refused++;
        mux_channel_refuse(s, ev->channel, MUX_OPEN_CONNECT_FAILED, "refused");
        return;
    }
    cr_assert_lt(w->channels, WORLD_CHANNELS);
    struct world_channel *ch = &w->channel[w->channels++];
    *ch = (struct world_channel){ .id = ev->channel, .opened = true };
    snprintf(ch->text, sizeof ch->text, "%.*s", (int)ev->open.type.len, (const char *)ev->open.type.data);
    cr_assert_leq(ev->open.data.len, sizeof ch->asked);
    memcpy(ch->asked, ev->open.data.data, ev->open.data.len);
    ch->asked_len = ev->open.data.len;
    mux_channel_accept(s, ev->channel, NULL);
}

static void on_client_event(struct world *w, const struct mux_event *ev)
{
    struct mux_session *s = w->pair->client.session;
    struct world_channel *ch = client_channel(w, ev->channel);
    switch (ev->kind) {
    case MUX_EV_CHANNEL_OPEN:
        on_client_open(w, ev);
        break;
    case MUX_EV_CHANNEL_OPENED:
        ch->opened = true;
        mux_channel_ready(s, ch->id);
        break;
    case MUX_EV_CHANNEL_REFUSED:
        ch->refused = ch->released = true;
        ch->reason = ev->refused.reason;
        snprintf(ch->text, sizeof ch->text, "%.*s", (int)ev->refused.text.len, (const char *)ev->refused.text.data);
        break;
    case MUX_EV_CHANNEL_DATA:
        keep(ch, ev->data.data);
        if (ch->hold)
            ch->held += ev->data.data.len;
        else
            mux_channel_drained(s, ch->id, ev->data.data.len);
        break;
    case MUX_EV_CHANNEL_EOF:
        ch->eof = true;
        break;
    case MUX_EV_CHANNEL_CLOSE:
        ch->closed = ch->released = true;
        mux_channel_release(s, ch->id);
        break;
    default:
        break;
    }
}

static void on_server_event(struct world *w, const struct mux_event *ev)
{
    switch (ev->kind) {
    case MUX_EV_CHANNEL_OPEN:
        w->open_error = gw_tunnel_open(w->conn, ev->channel, ev->open.type, ev->open.data);
        break;
    case MUX_EV_CHANNEL_OPENED:
        gw_tunnel_opened(ev->user);
        break;
    case MUX_EV_CHANNEL_REFUSED:
        gw_tunnel_refused(ev->user);
        break;
    case MUX_EV_CHANNEL_DATA: {
        struct iovec iov = { ev->data.data.data, ev->data.data.len };
        gw_tunnel_data(ev->user, &iov, 1);
        break;
    }
    case MUX_EV_CHANNEL_EOF:
        gw_tunnel_eof(ev->user);
        break;
    case MUX_EV_CHANNEL_CLOSE:
        gw_tunnel_closed(ev->user);
        break;
    default:
        break;
    }
}

static size_t pull_server(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)ctx;
    (void)channel;
    return gw_tunnel_pull(user, iov, iov_count, more);
}

static size_t pull_client(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)user;
    struct world_channel *ch = client_channel(ctx, channel);
    size_t total = 0;
    for (int i = 0; i < iov_count && ch->sent < ch->send_len; i++) {
        size_t left = ch->send_len - ch->sent, k = left < iov[i].iov_len ? left : iov[i].iov_len;
        memcpy(iov[i].iov_base, ch->send + ch->sent, k);
        ch->sent += k;
        total += k;
    }
    bool all = ch->sent == ch->send_len;
    *more = !all ? MUX_PULL_MORE : ch->eof_after ? MUX_PULL_EOF : MUX_PULL_DRY;
    return total;
}

static bool carry(struct world *w, bool to_server)
{
    static uint8_t area[128 * 1024];
    struct pair_side *from = to_server ? &w->pair->client : &w->pair->server;
    struct pair_side *to = to_server ? &w->pair->server : &w->pair->client;
    struct mux_source source = { to_server ? pull_client : pull_server, w };
    enum mux_err err = MUX_OK;
    w->pair->now_ns += 1000;
    size_t n = mux_session_produce(from->session, w->pair->now_ns, (struct cx_span){ area, sizeof area }, &source, &err);
    for (size_t at = 0; at < n;) {
        struct mux_event ev[8];
        size_t count = 8, used = 0;
        err = mux_session_feed(to->session, w->pair->now_ns, (struct cx_span){ area + at, n - at }, &used, ev, &count, NULL);
        for (size_t i = 0; i < count; i++)
            (to_server ? on_server_event : on_client_event)(w, &ev[i]);
        at += used;
        if (err != MUX_OK)
            return true;
        cr_assert(used > 0 || count > 0);
    }
    return n > 0;
}

bool world_step(struct world *w)
{
    bool moved = carry(w, true);
    gw_forward_serve(w->conn);
    gw_tunnel_serve_marked(w->conn);
    moved |= carry(w, false);
    for (size_t i = 0; i < w->channels; i++) {
        struct world_channel *ch = &w->channel[i];
        if (ch->close_after && ch->sent == ch->send_len && !ch->released) {
            ch->close_after = false;
            mux_channel_close(w->pair->client.session, ch->id);
        }
    }
    gw_loop_round(w->worker->loop, false);
    gw_inbox_serve(&w->worker->inbox, w->worker);
    return moved;
}

void world_run(struct world *w, unsigned milliseconds)
{
    for (unsigned idle = 0; idle < 2 * milliseconds;)
        if (!world_step(w)) {
            usleep(500);
            idle++;
        }
}

bool world_until(struct world *w, const bool *flag)
{
    for (unsigned idle = 0; idle < 20000 && !*flag;)
        if (!world_step(w)) {
            usleep(500);
            idle++;
        }
    return *flag;
}

bool world_until_received(struct world *w, const struct world_channel *ch, size_t len)
{
    for (unsigned idle = 0; idle < 20000 && ch->received_len < len;)
        if (!world_step(w)) {
            usleep(500);
            idle++;
        }
    return ch->received_len >= len;
}

size_t world_parked(struct world *w)
{
    size_t n = 0;
    struct gw_tunnel *t;
    for (uint32_t channel = 0; (t = mux_session_next_user(w->pair->server.session, &channel)); channel++)
        n += t->consumer ? t->consumer->inbox.len : 0;
    return n;
}

/* ---- life ---- */

static struct gw_config *parse(const char *queues)
{
    char text[4096], error[GW_CONFIG_ERROR_MAX];
    snprintf(text, sizeof text, "ListenAddress 127.0.0.1:2222\nHostKey /k\nAuthorizedKeysFile /k/%%u\n%s", queues);
    struct gw_config *config = gw_config_parse(text, "test", error);
    cr_assert(config, "%s", error);
    return config;
}

struct world *world_new(const char *queues)
{
    signal(SIGPIPE, SIG_IGN);
    struct world *w = calloc(1, sizeof *w);
    w->pair = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(w->pair, SIZE_MAX));
    w->conn = calloc(1, sizeof *w->conn);
    w->conn->world = w;
    struct gw_identity *who = &w->conn->identity;
    snprintf(who->id, sizeof who->id, "0123456789abcdef0123456789abcdef");
    snprintf(who->user, sizeof who->user, "alice");
    snprintf(who->fingerprint, sizeof who->fingerprint, "SHA256:abc");
    who->proves_name = true;
    gw_addr_parse(&who->peer, "192.0.2.7");
    who->peer.port = 4711;
    w->worker = calloc(1, sizeof *w->worker);
    w->worker->world = w;
    w->worker->loop = gw_loop_new();
    w->worker->dns = gw_dns_new(w->worker->loop, "127.0.0.1:1"); /* nobody there: names come from the hosts file alone */
    w->worker->linger = gw_linger_new(w->worker->loop);
    cr_assert(gw_inbox_init(&w->worker->inbox));
    w->worker->registry = gw_registry_new(1);
    gw_registry_seat(w->worker->registry, 0, &w->worker->inbox, w->worker->loop);
    w->worker->config = parse(queues);
    cr_assert(gw_registry_apply(w->worker->registry, 0, w->worker->config));
    return w;
}

void world_free(struct world *w)
{
    gw_forward_end_all(w->conn);
    gw_tunnel_end_all(w->conn, "test over");
    cr_assert_eq(w->conn->tunnels.count, 0);
    for (int i = 0; i < 4; i++) /* what was on its way between the two sides of a request comes home */
        gw_inbox_serve(&w->worker->inbox, w->worker);
    gw_linger_free(w->worker->linger);
    gw_dns_free(w->worker->dns);
    gw_registry_free(w->worker->registry);
    gw_inbox_deinit(&w->worker->inbox);
    gw_loop_free(w->worker->loop);
    cr_assert_eq(w->worker->config->users, 1); /* nothing holds the snapshot any more */
    gw_config_drop(w->worker->config);
    for (size_t i = 0; i < w->channels; i++)
        free(w->channel[i].received);
    pair_free(w->pair);
    free(w->conn);
    free(w->worker);
    free(w);
}

void world_reconfigure(struct world *w, const char *queues)
{
    struct gw_config *old = w->worker->config;
    w->worker->config = parse(queues);
    gw_config_drop(old);
    cr_assert(gw_registry_apply(w->worker->registry, 0, w->worker->config));
    gw_forward_rejudge(w->conn);
    gw_tunnel_rejudge(w->conn);
}

struct gw_identity *world_identity(struct world *w)
{
    return &w->conn->identity;
}

struct gw_loop *world_loop(struct world *w)
{
    return w->worker->loop;
}

struct gw_registry *world_registry(struct world *w)
{
    return w->worker->registry;
}

struct world_channel *world_open_raw(struct world *w, const char *type, struct cx_view data)
{
    cr_assert_lt(w->channels, WORLD_CHANNELS);
    struct world_channel *ch = &w->channel[w->channels++];
    ch->id = mux_channel_open(w->pair->client.session, type, data, NULL);
    cr_assert_neq(ch->id, UINT32_MAX);
    return ch;
}

struct world_channel *world_open(struct world *w, const char *host, uint32_t port)
{
    uint8_t room[512];
    struct mux_direct_tcpip m = { cx_view_text(host), port, cx_view_text("127.0.0.1"), 1 };
    return world_open_raw(w, "direct-tcpip", cx_view(room, mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &m)));
}

void world_send(struct world *w, struct world_channel *ch, const void *bytes, size_t len, bool eof_after)
{
    ch->send = bytes;
    ch->send_len = len;
    ch->sent = 0;
    ch->eof_after = eof_after;
    if (ch->opened && !ch->released)
        mux_channel_ready(w->pair->client.session, ch->id);
}

bool world_audit_has(const struct world *w, size_t i, const char *part)
{
    return i < w->audits && strstr(w->audit[i], part);
}

/* SPDX-License-Identifier: MIT */
/* A connection's life: AWAY -> CONNECTING -> LOGIN -> UP, and by LEAVING (handshakes) or FAILED back to AWAY. Connecting is the
 * worker's to allow, so that a server which limits logins is not simply run over; everything else happens in load_conn_serve. */
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/load/conn_priv.h"

static const uint64_t RETRY_NS = 500000000, GIVE_UP_NS = 60000000000;

static void on_ready(struct gw_watch *watch)
{
    struct load_conn *c = (struct load_conn *)((char *)watch - offsetof(struct load_conn, watch));
    load_worker_mark(c->worker, c);
}

static void on_timer(struct gw_timer *timer, uint64_t now_ns)
{
    struct load_conn *c = (struct load_conn *)((char *)timer - offsetof(struct load_conn, timer));
    (void)now_ns;
    load_worker_mark(c->worker, c);
}

void load_conn_init(struct load_conn *c, struct load_worker *w, struct load_channel *channels, uint32_t index)
{
    *c = (struct load_conn){ .watch = { .fd = -1, .on_ready = on_ready }, .timer.fire = on_timer };
    c->worker = w;
    c->channels = channels;
    c->index = index;
    c->phase = LOAD_CONN_AWAY;
    /* spread evenly: the i-th is slow if its share of them has grown by a whole one */
    c->slow = (uint64_t)(index + 1) * w->settings->slow_percent / 100 > (uint64_t)index * w->settings->slow_percent / 100;
    for (unsigned i = 0; i < w->settings->channels; i++)
        channels[i].conn = c;
}

static void forget(struct load_kept *k)
{
    free(k->bytes);
    *k = (struct load_kept){ 0 };
}

static void settle(struct load_conn *c)
{
    if (!c->settled)
        load_count(&c->worker->tally.live.settled, 1);
    c->settled = true;
}

void load_conn_fail(struct load_conn *c, enum load_fault_kind kind, const char *text)
{
    if (c->phase == LOAD_CONN_FAILED)
        return;
    load_worker_fault(c->worker, kind, text);
    load_conn_enter(c, LOAD_CONN_FAILED);
}

void load_conn_cut(struct load_conn *c)
{
    if (c->phase != LOAD_CONN_UP)
        return;
    load_count(&c->worker->tally.live.cuts, 1);
    c->was_cut = true;
    load_conn_enter(c, LOAD_CONN_FAILED);
    load_worker_mark(c->worker, c);
}

void load_conn_leave(struct load_conn *c)
{
    mux_session_disconnect(c->session, MUX_E_BY_APPLICATION, NULL);
    load_conn_enter(c, LOAD_CONN_LEAVING);
}

void load_conn_enter(struct load_conn *c, enum load_conn_phase phase)
{
    struct load_worker *w = c->worker;
    bool was_login = c->phase == LOAD_CONN_CONNECTING || c->phase == LOAD_CONN_LOGIN;
    bool is_login = phase == LOAD_CONN_CONNECTING || phase == LOAD_CONN_LOGIN;
    w->logins += is_login && !was_login;
    w->logins -= was_login && !is_login;
    load_count(&w->tally.live.connected, (uint64_t)(phase == LOAD_CONN_UP) - (c->phase == LOAD_CONN_UP));
    c->phase = phase;
}

/* Back to AWAY, at once or after a while. */
static void close_down(struct load_conn *c, bool again_at_once)
{
    struct load_worker *w = c->worker;
    for (unsigned i = 0; i < w->settings->channels; i++)
        load_channel_enter(&c->channels[i], LOAD_CHANNEL_DOWN);
    if (c->watch.fd >= 0) {
        gw_loop_remove(w->loop, &c->watch);
        close(c->watch.fd);
    }
    c->watch.fd = -1;
    mux_session_free(c->session);
    c->session = NULL;
    forget(&c->in);
    forget(&c->out);
    c->held = c->was_cut = false;
    c->give_up_ns = c->read_at_ns = 0;
    load_conn_enter(c, LOAD_CONN_AWAY);
    settle(c);
    c->retry_ns = load_now_ns() + (again_at_once ? 0 : RETRY_NS);
}

/* ---- connecting ---- */

static bool bind_source(const struct load_conn *c, int fd)
{
    const struct load_settings *s = c->worker->settings;
    struct sockaddr_storage address;
    int on = 1;
    if (s->sources == 0)
        return true;
    socklen_t len = gw_addr_to_sockaddr(&s->source[c->index % s->sources], &address);
    /* the port is chosen by connect, for the pair of addresses: else an address would serve no more than 28,000 connections */
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
           bind(fd, (struct sockaddr *)&address, len) == 0;
}

/* The descriptor of a connect under way; -1: errno. */
static int dial(const struct load_conn *c)
{
    const struct gw_addr *server = &c->worker->settings->server;
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(server, &address);
    int on = 1, fd = socket(server->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind_source(c, fd) && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        (connect(fd, (struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS))
        return fd;
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

static bool is_ours(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS || err == EADDRNOTAVAIL || err == EADDRINUSE;
}

void load_conn_connect(struct load_conn *c)
{
    struct load_worker *w = c->worker;
    assert(c->phase == LOAD_CONN_AWAY);
    load_conn_enter(c, LOAD_CONN_CONNECTING);
    c->start_ns = load_now_ns();
    c->give_up_ns = c->start_ns + GIVE_UP_NS;
    c->send_room = LOAD_SEND_ROOM_LEAST;
    c->watch.fd = dial(c);
    if (c->watch.fd >= 0 && !gw_loop_add(w->loop, &c->watch)) {
        close(c->watch.fd);
        c->watch.fd = -1;
    }
    if (c->watch.fd < 0)
        load_conn_fail(c, is_ours(errno) ? LOAD_FAULT_OWN : LOAD_FAULT_CONNECT, strerror(errno));
    load_worker_mark(w, c);
}

static void finish_connect(struct load_conn *c)
{
    struct load_worker *w = c->worker;
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    if (err != 0) {
        load_conn_fail(c, is_ours(err) ? LOAD_FAULT_OWN : LOAD_FAULT_CONNECT, strerror(err));
        return;
    }
    c->session = mux_session_new(&w->settings->protocol, &w->shared, load_now_ns(), c);
    if (c->session)
        load_conn_enter(c, LOAD_CONN_LOGIN);
    else
        load_conn_fail(c, LOAD_FAULT_OWN, "out of memory");
}

/* ---- a turn ---- */

static uint64_t nearest(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

static void set_timer(struct load_conn *c)
{
    uint64_t at = c->session ? mux_session_deadline(c->session) : UINT64_MAX;
    at = nearest(nearest(nearest(at, c->retry_ns), c->give_up_ns), c->read_at_ns);
    if (at == UINT64_MAX)
        gw_timer_cancel(c->worker->loop, &c->timer);
    else if (at != c->timer.at_ns)
        gw_timer_set(c->worker->loop, &c->timer, at);
}

static bool is_due(uint64_t *at_ns, uint64_t now_ns)
{
    if (*at_ns == 0 || *at_ns > now_ns)
        return false;
    *at_ns = 0;
    return true;
}

static void keep_time(struct load_conn *c, uint64_t now_ns)
{
    if (is_due(&c->give_up_ns, now_ns))
        load_conn_fail(c, LOAD_FAULT_TIMEOUT,
                       c->phase == LOAD_CONN_CONNECTING ? "no TCP connection within 60 s" : "no login within 60 s");
    if (c->session && mux_session_deadline(c->session) <= now_ns) {
        enum mux_err err = mux_session_tick(c->session, now_ns);
        if (err != MUX_OK)
            load_conn_fail(c, LOAD_FAULT_PROTOCOL, mux_err_text(err));
    }
    if (is_due(&c->retry_ns, now_ns)) {
        if (c->phase == LOAD_CONN_AWAY)
            load_worker_enqueue(c->worker, c);
        else if (c->phase == LOAD_CONN_UP)
            load_conn_open_all(c);
    }
}

static bool has_session(const struct load_conn *c)
{
    return c->phase == LOAD_CONN_LOGIN || c->phase == LOAD_CONN_UP || c->phase == LOAD_CONN_LEAVING;
}

void load_conn_serve(struct load_conn *c)
{
    keep_time(c, load_now_ns());
    if (c->phase == LOAD_CONN_CONNECTING && (c->watch.ready & (GW_WRITABLE | GW_HUNG_UP)))
        finish_connect(c);
    if (has_session(c))
        load_conn_read(c);
    if (has_session(c))
        load_conn_write(c);
    if (has_session(c) && c->held && !mux_session_blocked(c->session))
        load_worker_mark(c->worker, c);
    if (c->phase == LOAD_CONN_UP && (c->settle_anyway || c->opened == c->worker->settings->channels))
        settle(c);
    if (c->phase == LOAD_CONN_FAILED)
        close_down(c, c->was_cut);
    else if (c->phase == LOAD_CONN_LEAVING && c->out.len == 0)
        close_down(c, true);
    set_timer(c);
}

void load_conn_up(struct load_conn *c)
{
    struct load_worker *w = c->worker;
    load_conn_enter(c, LOAD_CONN_UP);
    c->give_up_ns = 0;
    bench_histogram_add(&w->tally.login_ns, load_now_ns() - c->start_ns);
    if (!w->work->opens_first)
        settle(c);
    load_conn_open_all(c);
}

void load_conn_stop(struct load_conn *c)
{
    if (has_session(c)) {
        load_conn_leave(c);
        load_conn_write(c);
    }
    close_down(c, false);
    gw_timer_cancel(c->worker->loop, &c->timer);
}

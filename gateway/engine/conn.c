/* SPDX-License-Identifier: MIT */
/* A connection's life: accepted, served, ended. What comes and what goes is conn_read.c's and conn_write.c's.
 *
 * Nothing frees a connection but gw_conn_serve, at its end, and not while it is marked: events, timers and orders only move the
 * phase on and mark it. So every callback may end a connection without looking over its shoulder.
 *
 * One timer serves all deadlines. It is set to the nearest and left alone when that moves away (each received byte would move the
 * keepalive's): it then fires once too early, finds nothing due, and is set anew. */
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/engine/conn_priv.h"

static const uint64_t linger_ns = 2ull * 1000000000;

enum { SEND_ROOM_FIRST = MUX_PRODUCE_BYTES };

/* ---- marks ---- */

static struct gw_ready_list *list_of(struct gw_conn *c)
{
    return mux_session_authenticated(c->session) ? &c->worker->ready : &c->worker->ready_logins;
}

void gw_conn_mark(struct gw_conn *c)
{
    if (c->marked)
        return;
    struct gw_ready_list *list = list_of(c);
    c->marked = true;
    c->ready_next = NULL;
    *list->end = c;
    list->end = &c->ready_next;
}

static void on_ready(struct gw_watch *w)
{
    gw_conn_mark((struct gw_conn *)w);
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    gw_conn_mark((struct gw_conn *)((char *)t - offsetof(struct gw_conn, timer)));
}

/* ---- accept ---- */

static void make_id(struct gw_conn *c)
{
    static const char digit[] = "0123456789abcdef";
    uint8_t bytes[(GW_CONN_ID_TEXT - 1) / 2];
    cx_random_fill(&c->worker->shared.random, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        c->identity.id[2 * i] = digit[bytes[i] >> 4];
        c->identity.id[2 * i + 1] = digit[bytes[i] & 15];
    }
}

/* The peer may be gone already: then there is no address to log, and nobody to serve. */
static bool learn_peer(struct gw_conn *c)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    return c->identity.peer.family != 0 || (getpeername(c->watch.fd, (struct sockaddr *)&sa, &len) == 0 &&
                                            gw_addr_from_sockaddr(&c->identity.peer, (struct sockaddr *)&sa));
}

bool gw_conn_local(const struct gw_conn *c, struct gw_addr *out)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    return getsockname(c->watch.fd, (struct sockaddr *)&sa, &len) == 0 && gw_addr_from_sockaddr(out, (struct sockaddr *)&sa);
}

static void log_accepted(const struct gw_conn *c)
{
    struct gw_addr local;
    if (!gw_log_enabled(GW_LOG_VERBOSE) || !gw_conn_local(c, &local))
        return;
    char peer[GW_ADDR_TEXT + 16], text[GW_ADDR_TEXT];
    char proxy[GW_ADDR_TEXT];
    bool proxied = c->identity.proxy.family != 0;
    gw_conn_log(c, GW_LOG_VERBOSE, false, "Connection from %s on %s port %u%s%s", gw_conn_peer_text(c, peer),
                gw_addr_text(&local, text), local.port, proxied ? " through " : "",
                proxied ? gw_addr_port_text(&c->identity.proxy, proxy) : "");
}

static struct gw_conn *new_conn(struct gw_worker *w, const struct gw_arrival *arrival)
{
    struct gw_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    uint64_t now_ns = gw_loop_now_ns(w->loop);
    c->watch = (struct gw_watch){ .fd = arrival->fd, .on_ready = on_ready };
    c->timer.fire = on_timer;
    c->worker = w;
    c->startup = arrival->startup;
    c->identity.peer = arrival->peer;
    c->identity.proxy = arrival->proxy;
    c->send_room = SEND_ROOM_FIRST;
    c->receive_room = w->receive_area.len;
    c->began_ns = now_ns;
    c->heard_at_ns = now_ns;
    c->protocol = gw_protocol_hold(w->protocol);
    uint64_t grace_ns = c->protocol->snapshot.config->login_grace_ns;
    c->grace_at_ns = grace_ns > 0 ? arrival->since_ns + grace_ns : UINT64_MAX;
    make_id(c);
    if (learn_peer(c) && (c->session = mux_session_new(&c->protocol->mux, &w->shared, now_ns, c))) {
        if (gw_loop_add(w->loop, &c->watch))
            return c;
        mux_session_free(c->session);
    }
    gw_protocol_drop(c->protocol);
    free(c);
    return NULL;
}

void gw_conn_accept(struct gw_worker *w, const struct gw_arrival *arrival)
{
    struct gw_conn *c = new_conn(w, arrival);
    if (!c) {
        close(arrival->fd);
        gw_door_give_back(w->door, arrival->startup);
        atomic_fetch_sub_explicit(&w->intake.connections, 1, memory_order_relaxed);
        return;
    }
    c->next = w->conns;
    c->at = &w->conns;
    if (c->next)
        c->next->at = &c->next;
    w->conns = c;
    w->conn_count++;
    log_accepted(c);
    gw_conn_mark(c); /* we speak first: the identification is owed */
}

void gw_conn_admit(struct gw_conn *c)
{
    c->admitted = true;
    c->grace_at_ns = UINT64_MAX;
    c->alive_from_ns = gw_loop_now_ns(c->worker->loop);
    c->alive_missed = 0;
    gw_door_give_back(c->worker->door, c->startup);
    c->startup = GW_STARTUP_NONE;
}

/* ---- the end ---- */

static void leave_open(struct gw_conn *c, enum gw_conn_phase phase, const char *reason)
{
    c->phase = phase;
    if (!c->end_reason)
        c->end_reason = reason;
    c->linger_until_ns = gw_loop_now_ns(c->worker->loop) + linger_ns;
}

void gw_conn_end(struct gw_conn *c, enum mux_err err)
{
    if (c->phase != GW_CONN_OPEN)
        return;
    leave_open(c, GW_CONN_ENDING, mux_err_text(err));
    gw_conn_log_end(c, err);
}

void gw_conn_disconnect(struct gw_conn *c, enum mux_err err, const char *text)
{
    if (c->phase != GW_CONN_OPEN)
        return;
    mux_session_disconnect(c->session, err, text);
    leave_open(c, GW_CONN_ENDING, text);
}

void gw_conn_abort(struct gw_conn *c, const char *reason)
{
    if (c->phase != GW_CONN_OVER)
        leave_open(c, GW_CONN_OVER, reason);
}

static void free_conn(struct gw_conn *c)
{
    struct gw_worker *w = c->worker;
    gw_timer_cancel(w->loop, &c->timer);
    gw_loop_close(w->loop, &c->watch);
    *c->at = c->next;
    if (c->next)
        c->next->at = c->at;
    if (c->startup != GW_STARTUP_NONE)
        gw_door_give_back(w->door, c->startup);
    gw_conn_forget_held(c);
    mux_session_free(c->session);
    free(c->parked.bytes);
    gw_key_options_free(c->options);
    gw_protocol_drop(c->protocol);
    free(c);
    w->conn_count--;
    atomic_fetch_sub_explicit(&w->intake.connections, 1, memory_order_relaxed);
}

/* What must not outlive the session's last event: tunnels, questions to the monitor, bytes that nobody will feed. */
static void end_parts(struct gw_conn *c)
{
    if (c->parts_ended)
        return;
    c->parts_ended = true;
    gw_forward_end_all(c);
    gw_tunnel_end_all(c, c->end_reason);
    gw_conn_cancel_sign(c);
    gw_conn_cancel_proofs(c);
    if (c->signed_once)
        gw_link_forget(c->worker->link, c->identity.id);
    gw_authn_end(c);
    gw_conn_forget_held(c);
}

/* ---- deadlines ---- */

/* ClientAliveInterval and ClientAliveCountMax: a keepalive for each interval without a byte, and the end after so many. */
static void serve_alive(struct gw_conn *c, uint64_t now_ns)
{
    const struct gw_config *config = c->protocol->snapshot.config;
    if (config->alive_interval_ns == 0 || !c->admitted)
        return;
    if (c->heard_at_ns > c->alive_from_ns) {
        c->alive_from_ns = c->heard_at_ns;
        c->alive_missed = 0;
    }
    if (now_ns - c->alive_from_ns < config->alive_interval_ns)
        return;
    c->alive_from_ns = now_ns;
    if (++c->alive_missed > config->alive_count) {
        char who[GW_CONN_WHO_TEXT];
        gw_conn_log(c, GW_LOG_INFO, false, "Timeout, client not responding from %s", gw_conn_who(c, who));
        gw_conn_abort(c, "client not responding");
        return;
    }
    mux_session_keepalive(c->session);
}

static void serve_grace(struct gw_conn *c, uint64_t now_ns)
{
    if (now_ns < c->grace_at_ns)
        return;
    char peer[GW_ADDR_TEXT + 16];
    gw_conn_log(c, GW_LOG_INFO, false, "Timeout before authentication for %s", gw_conn_peer_text(c, peer));
    gw_conn_disconnect(c, MUX_E_TIMEOUT, "login timed out");
}

/* A drain: who has no tunnel takes his leave. */
static bool is_drained(const struct gw_conn *c)
{
    return c->worker->draining && c->phase == GW_CONN_OPEN && mux_session_channel_count(c->session) == 0;
}

static void serve_drain(struct gw_conn *c)
{
    if (!is_drained(c))
        return;
    char who[GW_CONN_WHO_TEXT];
    gw_conn_log(c, GW_LOG_VERBOSE, !c->admitted, "Closing connection to %s", gw_conn_who(c, who));
    gw_conn_disconnect(c, MUX_E_BY_APPLICATION, "the gateway is shutting down");
}

static void serve_deadlines(struct gw_conn *c, uint64_t now_ns)
{
    if (c->phase == GW_CONN_OPEN)
        gw_authn_serve(c, now_ns);
    if (c->phase == GW_CONN_OPEN)
        serve_grace(c, now_ns);
    if (c->phase == GW_CONN_OPEN && now_ns >= mux_session_deadline(c->session)) {
        enum mux_err err = mux_session_tick(c->session, now_ns);
        if (err != MUX_OK)
            gw_conn_end(c, err);
    }
    if (c->phase == GW_CONN_OPEN)
        serve_alive(c, now_ns);
    serve_drain(c);
    if ((c->phase == GW_CONN_ENDING || c->phase == GW_CONN_LINGERING) && now_ns >= c->linger_until_ns)
        gw_conn_abort(c, NULL);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_deadline_ns(const struct gw_conn *c)
{
    if (c->phase != GW_CONN_OPEN)
        return c->linger_until_ns;
    uint64_t at_ns = earlier(earlier(c->grace_at_ns, gw_authn_due_ns(c->authn)), mux_session_deadline(c->session));
    const struct gw_config *config = c->protocol->snapshot.config;
    if (config->alive_interval_ns > 0 && c->admitted) {
        uint64_t from_ns = c->heard_at_ns > c->alive_from_ns ? c->heard_at_ns : c->alive_from_ns;
        at_ns = earlier(at_ns, from_ns + config->alive_interval_ns);
    }
    return at_ns;
}

static void set_timer(struct gw_conn *c)
{
    uint64_t at_ns = next_deadline_ns(c);
    if (at_ns != UINT64_MAX && (c->timer.at_ns == 0 || at_ns < c->timer.at_ns))
        gw_timer_set(c->worker->loop, &c->timer, at_ns);
}

/* ---- pass 2 ---- */

/* Once all that the ending session owed has left: shut our side, and wait for the peer's. */
static void settle(struct gw_conn *c)
{
    if (c->phase != GW_CONN_ENDING || c->parked.bytes || mux_session_owes(c->session))
        return;
    if (c->read_end || shutdown(c->watch.fd, SHUT_WR) != 0)
        c->phase = GW_CONN_OVER;
    else
        c->phase = GW_CONN_LINGERING;
}

static void rejudge(struct gw_conn *c)
{
    if (!c->rejudge)
        return;
    c->rejudge = false;
    gw_forward_rejudge(c);
    gw_tunnel_rejudge(c);
}

/* During a login client and gateway take turns, and where it is the client's turn twice, its second packet waits for our
 * acknowledgement of the first (Nagle), which we would delay by 40 ms: two times that in each login of a stock client. Where we
 * answer, at once or when the signature or the verdict has come, the acknowledgement rides on that, as it does where data flows. */
static bool waits_for_acknowledgement(const struct gw_conn *c, uint64_t bytes_in_before, uint64_t bytes_out_before)
{
    return !c->admitted && c->phase == GW_CONN_OPEN && c->bytes_in > bytes_in_before && c->bytes_out == bytes_out_before &&
           !mux_session_blocked(c->session);
}

void gw_conn_serve(struct gw_conn *c)
{
    uint64_t now_ns = gw_loop_now_ns(c->worker->loop), bytes_in = c->bytes_in, bytes_out = c->bytes_out;
    mux_session_clock(c->session, now_ns);
    if (c->phase == GW_CONN_OPEN)
        gw_conn_read(c);
    if (c->phase == GW_CONN_OPEN) {
        rejudge(c);
        gw_forward_serve(c);
        gw_tunnel_serve_marked(c);
    }
    serve_deadlines(c, now_ns);
    if (c->phase != GW_CONN_OPEN)
        end_parts(c);
    bool cut_off = (c->phase == GW_CONN_OPEN || c->phase == GW_CONN_ENDING) && gw_conn_write(c);
    if (waits_for_acknowledgement(c, bytes_in, bytes_out))
        gw_conn_acknowledge(c);
    if (c->phase != GW_CONN_OPEN)
        end_parts(c); /* produce may have ended it */
    settle(c);
    if (c->phase == GW_CONN_LINGERING)
        gw_conn_discard(c);
    if (c->phase == GW_CONN_OVER) {
        end_parts(c);
        /* its own tunnels may have marked it while it was served: then it stands in the list, and the next round frees it */
        if (!c->marked)
            free_conn(c);
        return;
    }
    set_timer(c);
    /* the last channel may have ended with the CLOSE that was just written: no event will say so */
    if (cut_off || gw_conn_can_read(c) || is_drained(c))
        gw_conn_mark(c);
}

/* ---- what tunnels ask ---- */

const struct gw_identity *gw_conn_identity(const struct gw_conn *c)
{
    return &c->identity;
}

struct mux_session *gw_conn_session(const struct gw_conn *c)
{
    return c->session;
}

void gw_conn_spend(struct gw_conn *c, unsigned calls)
{
    c->calls_in_turn += calls;
}

struct gw_worker *gw_conn_worker(const struct gw_conn *c)
{
    return c->worker;
}

struct gw_tunnel_list *gw_conn_tunnels(struct gw_conn *c)
{
    return &c->tunnels;
}

struct gw_forward_list *gw_conn_forwards(struct gw_conn *c)
{
    return &c->forwards;
}

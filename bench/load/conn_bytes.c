/* SPDX-License-Identifier: MIT */
/* A connection's bytes, both ways, through the worker's areas: a connection that is idle owns no buffer. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bench/load/conn_priv.h"

enum {
    READ_BUDGET_BYTES = 512 * 1024, /* a turn */
    WRITE_BUDGET_BYTES = 512 * 1024,
    SLOW_READ_BYTES = 16 * 1024, /* of a slow reader, each SLOW_READ_NS: 160 KiB/s */
};
static const uint64_t SLOW_READ_NS = 100000000;

static bool keep(struct load_conn *c, struct load_kept *k, const uint8_t *rest, size_t len)
{
    if (k->room < len) {
        free(k->bytes);
        k->bytes = malloc(len);
        k->room = k->bytes ? len : 0;
    }
    k->start = k->len = 0;
    if (!k->bytes) {
        load_conn_fail(c, LOAD_FAULT_OWN, "out of memory");
        return false;
    }
    memmove(k->bytes, rest, len);
    k->len = len;
    return true;
}

static void drop(struct load_kept *k)
{
    free(k->bytes);
    *k = (struct load_kept){ 0 };
}

static bool is_listening(const struct load_conn *c)
{
    return c->phase == LOAD_CONN_LOGIN || c->phase == LOAD_CONN_UP;
}

static void dispatch(struct load_conn *c, size_t count)
{
    for (size_t i = 0; i < count && is_listening(c); i++)
        load_conn_on_event(c, &c->worker->events[i]);
}

/* Feeds the first len bytes of the area and keeps what is not used. */
static void feed(struct load_conn *c, size_t len)
{
    struct load_worker *w = c->worker;
    size_t at = 0, used, count, need = 0;
    do {
        count = LOAD_EVENTS_A_FEED;
        struct cx_span in = { w->receive_area.bytes + at, len - at };
        enum mux_err err = mux_session_feed(c->session, w->now_ns, in, &used, w->events, &count, &need);
        at += used;
        dispatch(c, count);
        if (err != MUX_OK && is_listening(c))
            load_conn_fail(c, LOAD_FAULT_PROTOCOL, mux_err_text(err));
    } while (is_listening(c) && at < len && (used > 0 || count > 0) && !mux_session_blocked(c->session));
    c->held = at < len && mux_session_blocked(c->session);
    if (at == len || !is_listening(c))
        drop(&c->in);
    else
        keep(c, &c->in, w->receive_area.bytes + at, len - at);
}

static void end_of_input(struct load_conn *c, int err)
{
    bool early = c->phase == LOAD_CONN_LOGIN;
    load_conn_fail(c, early ? LOAD_FAULT_TURNED_AWAY : LOAD_FAULT_LOST,
                   err == 0 ? "the server closed the connection" : strerror(err));
}

/* One recv behind what is kept. Returns the bytes that stand in the area; 0: nothing came. */
static size_t receive(struct load_conn *c, size_t most)
{
    const struct gw_area *area = &c->worker->receive_area;
    size_t kept = c->in.len, room = area->len - kept < most ? area->len - kept : most;
    ssize_t n = recv(c->watch.fd, area->bytes + kept, room, 0);
    c->worker->now_ns = load_now_ns();
    if (n < 0 && errno == EAGAIN)
        c->watch.ready &= (uint8_t)~GW_READABLE;
    else if (n <= 0)
        end_of_input(c, n < 0 ? errno : 0);
    if (n <= 0)
        return 0;
    /* A short read has emptied the socket, and the next byte makes a new edge; behind a hang-up no edge comes any more. */
    if ((size_t)n < room && !(c->watch.ready & GW_HUNG_UP))
        c->watch.ready &= (uint8_t)~GW_READABLE;
    if (kept > 0)
        memcpy(area->bytes, c->in.bytes, kept);
    return kept + (size_t)n;
}

static void feed_held(struct load_conn *c)
{
    size_t len = c->in.len;
    memcpy(c->worker->receive_area.bytes, c->in.bytes, len);
    c->held = false;
    feed(c, len);
}

static void read_slowly(struct load_conn *c)
{
    uint64_t now = load_now_ns();
    if (c->read_at_ns > now)
        return;
    c->read_at_ns = 0;
    if (!(c->watch.ready & GW_READABLE))
        return;
    size_t len = receive(c, SLOW_READ_BYTES);
    if (len > 0)
        feed(c, len);
    c->read_at_ns = now + SLOW_READ_NS;
}

void load_conn_read(struct load_conn *c)
{
    gw_area_open(&c->worker->receive_area, c->worker->receive_area.len);
    c->worker->now_ns = load_now_ns();
    if (c->held && !mux_session_blocked(c->session))
        feed_held(c);
    bool slow = c->slow && c->phase == LOAD_CONN_UP;
    if (slow && !c->held && !mux_session_blocked(c->session))
        read_slowly(c);
    size_t budget = slow ? 0 : READ_BUDGET_BYTES;
    while (budget > 0 && is_listening(c) && !c->held && !mux_session_blocked(c->session) && (c->watch.ready & GW_READABLE)) {
        size_t len = receive(c, c->worker->receive_area.len);
        if (len > 0)
            feed(c, len);
        budget -= len < budget ? len : budget;
    }
    if (budget == 0 && !slow && is_listening(c))
        load_worker_mark(c->worker, c);
    gw_area_open(&c->worker->receive_area, 0);
}

/* ---- out ---- */

static size_t pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct load_worker *w = ctx;
    (void)channel;
    return w->work->pull(user, iov, iov_count, more);
}

/* How many bytes the socket took; clears its readiness if that was not all. */
static size_t send_some(struct load_conn *c, const uint8_t *bytes, size_t len)
{
    ssize_t n = send(c->watch.fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && is_listening(c))
        end_of_input(c, errno);
    else if (n < 0 && errno != EAGAIN)
        load_conn_enter(c, LOAD_CONN_FAILED); /* the goodbye did not get through */
    size_t taken = n > 0 ? (size_t)n : 0;
    if (taken < len)
        c->watch.ready &= (uint8_t)~GW_WRITABLE;
    return taken;
}

/* Doubled by each send that was taken whole, halved by one that was not. */
static void learn_room(struct load_conn *c, bool whole)
{
    uint32_t room = whole ? c->send_room * 2 : c->send_room / 2;
    c->send_room = room > LOAD_SEND_AREA_BYTES ? LOAD_SEND_AREA_BYTES : room < LOAD_SEND_ROOM_LEAST ? LOAD_SEND_ROOM_LEAST : room;
}

/* One produce and one send. Returns the bytes that were produced. */
static size_t produce_and_send(struct load_conn *c)
{
    struct load_worker *w = c->worker;
    const struct mux_source source = { .pull = pull, .ctx = w };
    enum mux_err err = MUX_OK;
    struct cx_span room = { w->send_area.bytes, c->send_room };
    w->now_ns = load_now_ns();
    size_t len = mux_session_produce(c->session, w->now_ns, room, &source, &err);
    if (err != MUX_OK && is_listening(c))
        load_conn_fail(c, LOAD_FAULT_PROTOCOL, mux_err_text(err));
    if (len == 0)
        return 0;
    size_t taken = send_some(c, w->send_area.bytes, len);
    learn_room(c, taken == len);
    if (taken < len && c->phase != LOAD_CONN_FAILED)
        keep(c, &c->out, w->send_area.bytes + taken, len - taken);
    return len;
}

static void send_kept(struct load_conn *c)
{
    size_t taken = send_some(c, c->out.bytes + c->out.start, c->out.len);
    c->out.start += taken;
    c->out.len -= taken;
    if (c->out.len == 0)
        drop(&c->out);
}

static bool can_produce(const struct load_conn *c)
{
    return (is_listening(c) || c->phase == LOAD_CONN_LEAVING) && (c->watch.ready & GW_WRITABLE) && c->out.len == 0 &&
           mux_session_owes(c->session);
}

void load_conn_write(struct load_conn *c)
{
    gw_area_open(&c->worker->send_area, c->worker->send_area.len);
    if (c->out.len > 0 && (c->watch.ready & GW_WRITABLE))
        send_kept(c);
    size_t budget = WRITE_BUDGET_BYTES, n = 1;
    while (n > 0 && budget > 0 && can_produce(c)) {
        n = produce_and_send(c);
        budget -= n < budget ? n : budget;
    }
    if (budget == 0 && can_produce(c))
        load_worker_mark(c->worker, c);
    gw_area_open(&c->worker->send_area, 0);
}

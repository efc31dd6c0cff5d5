/* SPDX-License-Identifier: MIT */
/* Client to gateway: recv into the worker's area, feed in place until nothing more can be used, copy the rest aside.
 *
 * What a connection holds between rounds is one partial packet, or, while the session is blocked, or where compressed packets or
 * system calls took a turn's work, what one recv brought; which is then soon no more than a turn uses. A packet that trickles in is
 * gathered in a buffer of its own until it is whole, so that a byte at a time costs a byte at a time. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "crypto/secret.h"
#include "gateway/engine/conn_priv.h"

enum {
    READ_BUDGET_BYTES = 256 * 1024, /* a turn, about what stays in L2 */
    CALLS_A_TURN = 128,             /* or one feed's events more; 0.5 ms, in which 1.3 MiB of bulk would have passed */
    RECEIVE_LEAST = 8 * 1024,
    LENGTH_AND_TAG = 4 + 64, /* what stands on the wire around packet_length bytes */
    /* Before authentication no more is taken from the socket than the longest packet needs. */
    PREAUTH_BYTES = MUX_PACKET_PREAUTH_MAX + LENGTH_AND_TAG,
    DISCARD_BYTES_MAX = 1024 * 1024, /* what is read and thrown away of a connection that ends */
};

_Static_assert(GW_RECEIVE_AREA_BYTES > MUX_PACKET_MAX + LENGTH_AND_TAG, "a whole packet always fits");

void gw_conn_forget_held(struct gw_conn *c)
{
    struct gw_held *h = &c->held;
    if (h->bytes && !mux_session_authenticated(c->session))
        cx_secret_wipe(h->bytes, h->len);
    free(h->bytes);
    *h = (struct gw_held){ 0 };
}

static size_t limit_of(const struct gw_conn *c)
{
    return mux_session_authenticated(c->session) ? c->worker->receive_area.len : PREAUTH_BYTES;
}

/* Holds the rest, which may be of any length up to the area's. */
static void hold(struct gw_conn *c, const uint8_t *rest, size_t len, bool feedable)
{
    struct gw_held *h = &c->held;
    if (len == 0) {
        gw_conn_forget_held(c);
        return;
    }
    size_t limit = limit_of(c), room = h->need > len && h->need <= limit ? h->need : len;
    if (h->room < room) {
        size_t need = h->need;
        gw_conn_forget_held(c);
        h->bytes = malloc(room);
        if (!h->bytes) {
            gw_conn_abort(c, "out of memory");
            return;
        }
        h->room = room;
        h->need = need;
    }
    memcpy(h->bytes, rest, len);
    h->len = len;
    h->feedable = feedable;
}

/* Feeds the first len bytes of the area, as far as they can be used, and holds the rest. */
static void feed(struct gw_conn *c, size_t len)
{
    struct gw_worker *w = c->worker;
    uint64_t now_ns = gw_loop_now_ns(w->loop);
    bool wipe = !mux_session_authenticated(c->session);
    size_t at = 0;
    /* a few bytes may inflate to a thousand times as many */
    uint64_t turn_end = mux_session_inflated_bytes(c->session) + READ_BUDGET_BYTES;
    bool over = false;
    c->held.need = 0;
    while (at < len && c->phase == GW_CONN_OPEN && !mux_session_blocked(c->session) && !over) {
        size_t used = 0, count = GW_EVENTS_A_FEED;
        struct cx_span in = { w->receive_area.bytes + at, len - at };
        enum mux_err err = mux_session_feed(c->session, now_ns, in, &used, w->events, &count, &c->held.need);
        at += used;
        gw_conn_dispatch(c, w->events, count);
        if (err != MUX_OK)
            gw_conn_end(c, err);
        over = mux_session_inflated_bytes(c->session) >= turn_end || c->calls_in_turn >= CALLS_A_TURN;
        if (used == 0 && count == 0)
            break;
    }
    if (c->calls_in_turn >= CALLS_A_TURN)
        c->receive_room = at < RECEIVE_LEAST ? RECEIVE_LEAST : at;
    if (c->phase == GW_CONN_OPEN)
        hold(c, w->receive_area.bytes + at, len - at, over || mux_session_blocked(c->session));
    /* Credentials may have stood there. */
    if (wipe)
        cx_secret_wipe(w->receive_area.bytes, len);
}

/* Moves what is held in front of the n bytes that stand behind its place in the area. */
static void feed_held_and(struct gw_conn *c, size_t n)
{
    struct gw_held *h = &c->held;
    size_t len = h->len + n;
    gw_area_open(&c->worker->receive_area, len);
    if (h->len > 0)
        memcpy(c->worker->receive_area.bytes, h->bytes, h->len);
    h->len = 0;
    feed(c, len);
    gw_area_open(&c->worker->receive_area, 0);
}

/* n more bytes of a packet that is still not whole: gathers them without a look at what came before. */
static bool gather(struct gw_conn *c, size_t n)
{
    struct gw_held *h = &c->held;
    if (h->len == 0 || h->feedable || h->room < h->need || h->len + n >= h->need)
        return false;
    memcpy(h->bytes + h->len, c->worker->receive_area.bytes + h->len, n);
    h->len += n;
    return true;
}

static void end_of_input(struct gw_conn *c, int err)
{
    char who[GW_CONN_WHO_TEXT];
    c->read_end = true;
    const char *how = err == 0 ? "closed" : "reset";
    gw_conn_log(c, GW_LOG_INFO, !c->admitted, "Connection %s by %s", how, gw_conn_who(c, who));
    gw_conn_abort(c, err == 0 ? "connection closed by peer" : "connection reset by peer");
}

void gw_conn_acknowledge(const struct gw_conn *c)
{
    int on = 1;
    (void)setsockopt(c->watch.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on); /* a failure leaves it slow, not wrong */
}

/* One recv. Returns the bytes that came; 0: none now, or the end. */
static size_t receive(struct gw_conn *c)
{
    struct gw_held *h = &c->held;
    const struct gw_area *area = &c->worker->receive_area;
    size_t limit = limit_of(c);
    if (h->len >= limit) { /* no legal packet is that long, and feed would have said so */
        gw_conn_end(c, MUX_E_PACKET_LENGTH);
        return 0;
    }
    size_t most = h->need > c->receive_room ? h->need : c->receive_room;
    assert(h->len < most); /* what is held is a part of one packet, that of need bytes */
    size_t room = (limit < most ? limit : most) - h->len;
    gw_area_open(area, limit);
    ssize_t n = recv(c->watch.fd, area->bytes + h->len, room, 0);
    if (n < 0) {
        if (errno == EAGAIN)
            c->watch.ready &= (uint8_t)~GW_READABLE;
        else if (errno != EINTR)
            end_of_input(c, errno);
        return 0;
    }
    if (n == 0) {
        end_of_input(c, 0);
        return 0;
    }
    /* A short read has emptied the socket, and the next byte makes a new edge; behind a hang-up no edge comes any more. */
    if ((size_t)n < room && !(c->watch.ready & GW_HUNG_UP))
        c->watch.ready &= (uint8_t)~GW_READABLE;
    if ((size_t)n == room && c->receive_room < area->len)
        c->receive_room *= 2; /* unless what came is too much for a turn: feed */
    c->bytes_in += (uint64_t)n;
    c->heard_at_ns = gw_loop_now_ns(c->worker->loop);
    return (size_t)n;
}

void gw_conn_read(struct gw_conn *c)
{
    c->calls_in_turn = 0;
    if (c->held.feedable && !mux_session_blocked(c->session))
        feed_held_and(c, 0);
    size_t budget = READ_BUDGET_BYTES;
    while (!c->held.feedable && gw_conn_can_read(c) && budget > 0 && c->calls_in_turn < CALLS_A_TURN) {
        size_t n = receive(c);
        if (n > 0 && !gather(c, n))
            feed_held_and(c, n);
        budget -= n < budget ? n : budget;
    }
    gw_area_open(&c->worker->receive_area, 0);
}

bool gw_conn_can_read(const struct gw_conn *c)
{
    return c->phase == GW_CONN_OPEN && !mux_session_blocked(c->session) && (c->held.feedable || (c->watch.ready & GW_READABLE));
}

void gw_conn_discard(struct gw_conn *c)
{
    const struct gw_area *area = &c->worker->receive_area;
    gw_area_open(area, area->len);
    while (c->watch.ready & GW_READABLE) {
        ssize_t n = recv(c->watch.fd, area->bytes, area->len, 0);
        if (n < 0 && errno == EAGAIN)
            c->watch.ready &= (uint8_t)~GW_READABLE;
        else if (n <= 0 || (c->linger_discarded += (size_t)n) > DISCARD_BYTES_MAX)
            break;
    }
    gw_area_open(area, 0);
    if (c->watch.ready & GW_READABLE)
        gw_conn_abort(c, NULL);
}

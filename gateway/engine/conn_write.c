/* SPDX-License-Identifier: MIT */
/* Gateway to client: produce pulls from the backends into packet slots and seals them in place; one send. Sealed bytes cannot be
 * reordered or taken back, so what the socket does not take is parked, nothing is produced while it is, and no more is produced at
 * a time than the last sends let expect to be taken. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "gateway/engine/conn_priv.h"

enum {
    WRITE_BUDGET_BYTES = 256 * 1024,                 /* a turn */
    SEND_ROOM_LEAST = MUX_CHANNEL_PACKET_MAX + 1024, /* below this produce might make no progress */
};

static size_t pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)ctx;
    (void)channel;
    return gw_tunnel_pull(user, iov, iov_count, more);
}

static void forget_parked(struct gw_conn *c)
{
    free(c->parked.bytes);
    c->parked = (struct gw_parked){ 0 };
}

/* How many of the bytes the socket took; clears its readiness if that was not all. */
static size_t send_some(struct gw_conn *c, const uint8_t *bytes, size_t len)
{
    ssize_t n;
    do
        n = send(c->watch.fd, bytes, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        char who[GW_CONN_WHO_TEXT];
        if (c->phase == GW_CONN_OPEN)
            gw_conn_log(c, GW_LOG_INFO, !c->admitted, "Connection %s by %s", errno == EPIPE ? "closed" : "reset",
                        gw_conn_who(c, who));
        gw_conn_abort(c, "connection reset by peer");
        return 0;
    }
    size_t taken = n > 0 ? (size_t)n : 0;
    c->bytes_out += taken;
    if (taken < len)
        c->watch.ready &= (uint8_t)~GW_WRITABLE;
    return taken;
}

static void send_parked(struct gw_conn *c)
{
    struct gw_parked *p = &c->parked;
    p->sent += send_some(c, p->bytes + p->sent, p->len - p->sent);
    if (p->sent == p->len)
        forget_parked(c);
}

static void park(struct gw_conn *c, const uint8_t *rest, size_t len)
{
    c->parked.bytes = malloc(len);
    if (!c->parked.bytes) {
        gw_conn_abort(c, "out of memory"); /* a gap in the stream cannot be mended */
        return;
    }
    memcpy(c->parked.bytes, rest, len);
    c->parked.len = len;
    c->parked.sent = 0;
}

/* Doubled by each send that was taken whole, halved by one that was not. */
static void learn_room(struct gw_conn *c, bool whole)
{
    size_t room = whole ? c->send_room * 2 : c->send_room / 2;
    size_t most = mux_session_produce_bytes(c->session);
    c->send_room = room > most ? most : room < SEND_ROOM_LEAST ? SEND_ROOM_LEAST : room;
}

/* One produce and one send. Returns the bytes produced; 0: nothing is owed that can be written now. */
static size_t produce_and_send(struct gw_conn *c)
{
    const struct gw_area *area = &c->worker->send_area;
    static const struct mux_source source = { .pull = pull };
    enum mux_err err = MUX_OK;
    gw_area_open(area, c->send_room);
    struct cx_span room = { area->bytes, c->send_room };
    size_t len = mux_session_produce(c->session, gw_loop_now_ns(c->worker->loop), room, &source, &err);
    if (err != MUX_OK)
        gw_conn_end(c, err);
    if (len > 0) {
        size_t taken = send_some(c, area->bytes, len);
        learn_room(c, taken == len);
        if (taken < len && c->phase != GW_CONN_OVER)
            park(c, area->bytes + taken, len - taken);
    }
    gw_area_open(area, 0);
    return len;
}

static bool can_produce(const struct gw_conn *c)
{
    return (c->phase == GW_CONN_OPEN || c->phase == GW_CONN_ENDING) && (c->watch.ready & GW_WRITABLE) && !c->parked.bytes &&
           mux_session_owes(c->session);
}

bool gw_conn_write(struct gw_conn *c)
{
    if (c->parked.bytes && (c->watch.ready & GW_WRITABLE))
        send_parked(c);
    for (size_t budget = WRITE_BUDGET_BYTES; can_produce(c);) {
        size_t n = produce_and_send(c);
        if (n == 0)
            return false;
        /* deflating is work, however little comes of it */
        size_t cost = mux_session_deflates(c->session) && n < MUX_DEFLATE_A_PRODUCE ? MUX_DEFLATE_A_PRODUCE : n;
        if (cost >= budget)
            return can_produce(c);
        budget -= cost;
    }
    return false;
}

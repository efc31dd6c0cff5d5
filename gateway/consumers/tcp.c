/* SPDX-License-Identifier: MIT */
/* A TCP connection to a backend.
 *
 *   connecting (race.c) --won--> open --> closed, or handed to the lingerer
 *                  \---lost--> failed */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/consumers/race.h"
#include "gateway/consumers/stream.h"

enum { KEEPALIVE_IDLE_SECONDS = 120 };

struct tcp {
    struct gw_stream stream; /* first */
    union {
        struct {
            struct gw_race *race;
            gw_preface *preface;
        } dial;                 /* while CONNECTING */
        struct gw_addr address; /* afterwards */
    };
};

static struct tcp *tcp_of(struct gw_consumer *c)
{
    return (struct tcp *)c;
}

static void send_at_once(const struct tcp *t)
{
    int on = 1;
    setsockopt(t->stream.watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Its socket is in the loop. */
static void begin(struct tcp *t)
{
    int on = 1, idle = KEEPALIVE_IDLE_SECONDS, fd = t->stream.watch.fd;
    if (t->stream.base.has_written)
        send_at_once(t);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    t->stream.base.state = GW_CONSUMER_OPEN;
}

static void progress_race(struct tcp *t)
{
    struct gw_race_end end;
    gw_preface *preface = t->dial.preface;
    enum gw_race_state state = gw_race_progress(t->dial.race, &end);
    if (state == GW_RACE_RUNNING)
        return;
    if (state == GW_RACE_WON)
        gw_stream_adopt(&t->stream, end.watch);
    gw_race_free(t->dial.race);
    t->address = end.address;
    if (state == GW_RACE_LOST)
        gw_stream_fail(&t->stream, end.failure, end.why);
    else if (gw_stream_preface(&t->stream, t->stream.watch.fd, preface))
        begin(t);
    else
        gw_stream_fail_with(&t->stream, errno);
}

static void progress(struct gw_consumer *c)
{
    struct tcp *t = tcp_of(c);
    if (c->state == GW_CONSUMER_CONNECTING)
        progress_race(t);
    gw_stream_progress(&t->stream);
}

/* What waits for an acknowledgement of earlier bytes is what TCP_NODELAY sends: it is not missed before there are any, and many
 * tunnels never send one. */
static ssize_t tcp_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    if (!c->has_written)
        send_at_once(tcp_of(c));
    return gw_stream_write(c, iov, iov_count);
}

static void tcp_close(struct gw_consumer *c, bool graceful)
{
    struct tcp *t = tcp_of(c);
    if (c->state == GW_CONSUMER_CONNECTING)
        gw_race_free(t->dial.race);
    gw_stream_close(&t->stream, graceful);
    free(t);
}

static struct gw_addr address_of(const struct gw_consumer *c)
{
    return c->state == GW_CONSUMER_CONNECTING ? (struct gw_addr){ 0 } : ((const struct tcp *)c)->address;
}

static const struct gw_consumer_ops tcp_ops = {
    .keeps_bytes = true,
    .progress = progress,
    .write = tcp_write,
    .pull = gw_stream_pull,
    .shutdown_write = gw_stream_shutdown_write,
    .close = tcp_close,
    .address = address_of,
};

struct gw_consumer *gw_tcp_new(struct gw_consumer_owner o, const struct gw_tcp_setup *setup)
{
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    gw_stream_init(&t->stream, &tcp_ops, o, setup->linger);
    t->dial.preface = setup->preface;
    t->dial.race = gw_race_new(&t->stream.base, setup);
    if (!t->dial.race) {
        free(t);
        return NULL;
    }
    progress(&t->stream.base);
    return &t->stream.base;
}

struct gw_consumer *gw_tcp_accepted(struct gw_linger *linger, int fd, const struct gw_addr *peer)
{
    struct tcp *t = gw_stream_is_reserved(fd) ? NULL : calloc(1, sizeof *t);
    if (!t)
        return NULL;
    gw_stream_init(&t->stream, &tcp_ops, (struct gw_consumer_owner){ NULL, NULL }, linger);
    t->address = *peer;
    if (!gw_stream_attach(&t->stream, fd)) {
        free(t);
        return NULL;
    }
    begin(t);
    return &t->stream.base;
}

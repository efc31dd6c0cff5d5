/* SPDX-License-Identifier: MIT */
/* See stream.h. Readiness is a bit that a short read or write ends. */
#include "gateway/consumers/stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that dialling leaves to accept(2), logs and DNS. */
enum { DESCRIPTOR_RESERVE = 64, PREFACE_MAX = 512 };

static void on_ready(struct gw_watch *w)
{
    struct gw_stream *s = (struct gw_stream *)((char *)w - offsetof(struct gw_stream, watch));
    s->base.wake(&s->base);
}

void gw_stream_init(struct gw_stream *s, const struct gw_consumer_ops *ops, struct gw_consumer_owner o, struct gw_linger *linger)
{
    s->base = (struct gw_consumer){ .ops = ops, .wake = o.wake, .owner = o.owner };
    s->watch.fd = -1;
    s->linger = linger;
}

/* Descriptor numbers are given out lowest first: one near the limit means that few are left. The kernel is asked again only where
 * what it last said would be met, so that a limit which an operator raises counts at once. */
bool gw_stream_is_reserved(int fd)
{
    static _Atomic rlim_t known = 0;
    rlim_t needed = (rlim_t)fd + DESCRIPTOR_RESERVE;
    if (needed < atomic_load_explicit(&known, memory_order_relaxed))
        return false;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    atomic_store_explicit(&known, limit.rlim_cur, memory_order_relaxed); /* RLIM_INFINITY is the largest */
    return needed >= limit.rlim_cur;
}

int gw_stream_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (gw_stream_is_reserved(fd)) {
        close(fd);
        errno = EMFILE;
        return -1;
    }
    return fd;
}

bool gw_stream_preface(struct gw_stream *s, int fd, gw_preface *preface)
{
    uint8_t bytes[PREFACE_MAX];
    if (!preface)
        return true;
    size_t len = preface(s->base.owner, (struct cx_span){ bytes, sizeof bytes });
    assert(len > 0);
    s->base.has_written = true;
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    if (n == (ssize_t)len)
        return true;
    if (n >= 0 || errno == EAGAIN) /* in a socket's first buffer there is room: the machine has none */
        errno = ENOBUFS;
    return false;
}

bool gw_stream_attach(struct gw_stream *s, int fd)
{
    s->watch = (struct gw_watch){ .fd = fd, .on_ready = on_ready };
    if (gw_loop_add(gw_stream_loop(s), &s->watch))
        return true;
    s->watch.fd = -1;
    return false;
}

void gw_stream_adopt(struct gw_stream *s, struct gw_watch *from)
{
    s->watch.on_ready = on_ready;
    gw_loop_move(gw_stream_loop(s), from, &s->watch);
}

void gw_stream_detach(struct gw_stream *s)
{
    if (s->watch.fd >= 0)
        gw_loop_close(gw_stream_loop(s), &s->watch);
}

void gw_stream_fail(struct gw_stream *s, enum gw_consumer_failure failure, const char *why)
{
    gw_stream_detach(s);
    s->base.state = GW_CONSUMER_FAILED;
    s->base.failure = failure;
    s->base.why = why;
}

bool gw_stream_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL;
}

void gw_stream_fail_with(struct gw_stream *s, int error)
{
    gw_stream_fail(s, gw_stream_is_shortage(error) ? GW_FAILURE_RESOURCE : GW_FAILURE_CONNECT, strerrordesc_np(error));
}

void gw_stream_progress(struct gw_stream *s)
{
    s->base.readable = s->base.state == GW_CONSUMER_OPEN && !s->base.read_ended && (s->watch.ready & (GW_READABLE | GW_HUNG_UP));
}

ssize_t gw_stream_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    struct gw_stream *s = gw_stream_of(c);
    if (!(s->watch.ready & GW_WRITABLE))
        return 0;
    int count = iov_count < IOV_MAX ? iov_count : IOV_MAX;
    ssize_t n;
    do
        n = writev(s->watch.fd, iov, count); /* the engine ignores SIGPIPE */
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        c->why = strerrordesc_np(errno);
        return -1;
    }
    if (n < 0)
        n = 0;
    c->has_written |= n > 0;
    if ((size_t)n < gw_iov_len(iov, count))
        s->watch.ready &= (uint8_t)~GW_WRITABLE;
    return n;
}

size_t gw_stream_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct gw_stream *s = gw_stream_of(c);
    *more = MUX_PULL_DRY;
    if (s->base.read_ended || !(s->watch.ready & (GW_READABLE | GW_HUNG_UP))) {
        *more = s->base.read_ended ? MUX_PULL_EOF : MUX_PULL_DRY;
        c->readable = false;
        return 0;
    }
    int count = iov_count < IOV_MAX ? iov_count : IOV_MAX;
    ssize_t n;
    do
        n = readv(s->watch.fd, iov, count);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        c->why = strerrordesc_np(errno);
        c->state = GW_CONSUMER_BROKEN;
        c->readable = false;
        return 0;
    }
    if (n == 0) {
        s->base.read_ended = true;
        c->readable = false;
        *more = MUX_PULL_EOF;
        return 0;
    }
    if (n < 0)
        s->watch.ready &= (uint8_t) ~(GW_READABLE | GW_HUNG_UP);
    else if ((size_t)n < gw_iov_len(iov, count))
        s->watch.ready &= (uint8_t)~GW_READABLE; /* a hang-up stays: its end was not read yet */
    c->readable = (s->watch.ready & (GW_READABLE | GW_HUNG_UP)) != 0;
    *more = c->readable ? MUX_PULL_MORE : MUX_PULL_DRY;
    return n > 0 ? (size_t)n : 0;
}

void gw_stream_shutdown_write(struct gw_consumer *c)
{
    shutdown(gw_stream_of(c)->watch.fd, SHUT_WR);
}

/* There may be bytes that a reset would take from the service. Where nothing was sent, closing at once does no harm, and saves the
 * kernel four calls and a wake-up; but what the service has said is not answered by a reset. */
static bool must_linger(const struct gw_stream *s)
{
    const struct gw_consumer *c = &s->base;
    if (c->inbox.len > 0)
        return true;
    return !c->read_ended && (c->has_written || (s->watch.ready & GW_READABLE));
}

void gw_stream_close(struct gw_stream *s, bool graceful)
{
    if (graceful && s->base.state == GW_CONSUMER_OPEN && must_linger(s))
        gw_linger_take(s->linger, &s->watch, &s->base.inbox);
    gw_stream_detach(s);
    gw_bytes_clear(&s->base.inbox);
}

/* SPDX-License-Identifier: MIT */
/* A TCP connection to a backend.
 *
 *   resolving --answer--> connecting --writable, no error--> open --> closed, or handed to the lingerer
 *       |                  |      ^
 *       |                  +------+ next address: the last one failed, or its share of the time is over
 *       +--> failed <------+ no address left
 *
 * Every step is made in progress(): DNS answers, the timer and readiness only wake the owner. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/consumers/consumer.h"
#include "gateway/net/host.h"

/* Descriptors that dialling leaves to accept(2), logs and DNS. */
enum { DESCRIPTOR_RESERVE = 64, KEEPALIVE_IDLE_SECONDS = 120 };

/* What only a connect needs; gone once it stands, so that an idle tunnel does not carry it. */
struct attempt {
    struct gw_dns_query query; /* its addresses are the candidates */
    struct gw_timer timer;
    struct tcp *tcp;
    size_t next;          /* candidate */
    uint64_t deadline_ns; /* of all; 0: none */
    bool resolved, timed_out;
    bool any_permitted, any_refused;
    bool (*permits)(void *owner, const struct gw_addr *address);
};

struct tcp {
    struct gw_consumer base;
    struct gw_watch watch; /* fd -1: none */
    struct gw_loop *loop;
    struct gw_linger *linger;
    struct attempt *attempt; /* NULL once open or failed */
    bool read_ended;
};

static struct tcp *tcp_of(struct gw_consumer *c)
{
    return (struct tcp *)((char *)c - offsetof(struct tcp, base));
}

static void on_ready(struct gw_watch *w)
{
    struct tcp *t = (struct tcp *)((char *)w - offsetof(struct tcp, watch));
    t->base.wake(&t->base);
}

static void on_resolved(struct gw_dns_query *q)
{
    struct attempt *a = (struct attempt *)((char *)q - offsetof(struct attempt, query));
    a->resolved = true;
    a->tcp->base.wake(&a->tcp->base);
}

static void on_timer(struct gw_timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct attempt *a = (struct attempt *)((char *)timer - offsetof(struct attempt, timer));
    a->timed_out = true;
    a->tcp->base.wake(&a->tcp->base);
}

static void close_socket(struct tcp *t)
{
    if (t->watch.fd < 0)
        return;
    gw_loop_remove(t->loop, &t->watch);
    close(t->watch.fd);
    t->watch.fd = -1;
}

static void end_attempt(struct tcp *t)
{
    if (!t->attempt)
        return;
    gw_dns_cancel(&t->attempt->query);
    gw_timer_cancel(t->loop, &t->attempt->timer);
    free(t->attempt);
    t->attempt = NULL;
}

static void fail(struct tcp *t, enum gw_consumer_failure failure, const char *why)
{
    close_socket(t);
    end_attempt(t);
    t->base.state = GW_CONSUMER_FAILED;
    t->base.failure = failure;
    t->base.why = why;
}

/* Descriptor numbers are given out lowest first: one near the limit means that few are left. */
static bool descriptor_is_reserved(int fd)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           (rlim_t)fd + DESCRIPTOR_RESERVE >= limit.rlim_cur;
}

static void set_options(int fd)
{
    int on = 1, idle = KEEPALIVE_IDLE_SECONDS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
}

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (descriptor_is_reserved(fd)) {
        close(fd);
        errno = EMFILE;
        return -1;
    }
    set_options(fd);
    return fd;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EADDRNOTAVAIL;
}

/* One address gets an equal share of the time that is left, so that a silent first one leaves some to the others. */
static void start_timer(struct tcp *t)
{
    struct attempt *a = t->attempt;
    a->timed_out = false;
    if (a->deadline_ns == 0)
        return;
    uint64_t now_ns = gw_loop_now_ns(t->loop);
    uint64_t left_ns = a->deadline_ns > now_ns ? a->deadline_ns - now_ns : 0;
    uint64_t addresses = a->query.count > a->next ? a->query.count - a->next + 1 : 1;
    gw_timer_set(t->loop, &a->timer, now_ns + left_ns / addresses);
}

/* 0: under way (the registration reports its end, also where it came at once), else errno. */
static int connect_to(struct tcp *t, const struct gw_addr *address)
{
    struct sockaddr_storage sa;
    socklen_t len = gw_addr_to_sockaddr(address, &sa);
    int fd = open_socket(sa.ss_family);
    if (fd < 0)
        return errno;
    int error = 0;
    if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS)
        error = errno;
    t->watch = (struct gw_watch){ .fd = fd, .on_ready = on_ready };
    if (error == 0 && !gw_loop_add(t->loop, &t->watch))
        error = errno;
    if (error != 0) {
        close(fd);
        t->watch.fd = -1;
        return error;
    }
    t->base.address = *address;
    return 0;
}

/* Starts the next candidate that may be connected to; without one it has failed, for the last error's reason. */
static void connect_next(struct tcp *t, int error)
{
    struct attempt *a = t->attempt;
    close_socket(t);
    while (a->next < a->query.count && !is_shortage(error)) {
        const struct gw_addr *address = &a->query.addresses[a->next++];
        if (a->permits && !a->permits(t->base.owner, address)) {
            t->base.address = *address;
            a->any_refused = true;
            continue;
        }
        a->any_permitted = true;
        error = connect_to(t, address);
        if (error == 0) {
            start_timer(t);
            return;
        }
    }
    if (is_shortage(error))
        fail(t, GW_FAILURE_RESOURCE, strerrordesc_np(error));
    else if (a->any_refused && !a->any_permitted)
        fail(t, GW_FAILURE_PROHIBITED, "no address that may be connected to");
    else
        fail(t, GW_FAILURE_CONNECT, strerrordesc_np(error));
}

static void progress_connect(struct tcp *t)
{
    struct attempt *a = t->attempt;
    if (t->watch.fd < 0) {
        if (a->resolved && a->query.count > 0)
            connect_next(t, 0);
        else if (a->resolved)
            fail(t, a->query.out_of_room ? GW_FAILURE_RESOURCE : GW_FAILURE_CONNECT, a->query.error);
        else if (a->timed_out)
            fail(t, GW_FAILURE_CONNECT, "the name lookup took too long");
        return;
    }
    if (t->watch.ready & (GW_WRITABLE | GW_HUNG_UP)) {
        int error = 0;
        socklen_t len = sizeof error;
        if (getsockopt(t->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
        if (error != 0) {
            connect_next(t, error);
            return;
        }
        end_attempt(t);
        t->base.state = GW_CONSUMER_OPEN;
    } else if (a->timed_out) {
        connect_next(t, ETIMEDOUT);
    }
}

static void progress(struct gw_consumer *c)
{
    struct tcp *t = tcp_of(c);
    if (c->state == GW_CONSUMER_CONNECTING)
        progress_connect(t);
    c->readable = c->state == GW_CONSUMER_OPEN && !t->read_ended && (t->watch.ready & (GW_READABLE | GW_HUNG_UP));
}

static ssize_t tcp_write(struct gw_consumer *c, const struct iovec *iov, int iov_count)
{
    struct tcp *t = tcp_of(c);
    if (!(t->watch.ready & GW_WRITABLE))
        return 0;
    int count = iov_count < IOV_MAX ? iov_count : IOV_MAX;
    ssize_t n;
    do
        n = writev(t->watch.fd, iov, count); /* the engine ignores SIGPIPE */
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        c->why = strerrordesc_np(errno);
        return -1;
    }
    if (n < 0)
        n = 0;
    if ((size_t)n < gw_iov_len(iov, count))
        t->watch.ready &= (uint8_t)~GW_WRITABLE;
    return n;
}

static size_t tcp_pull(struct gw_consumer *c, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct tcp *t = tcp_of(c);
    *more = MUX_PULL_DRY;
    if (t->read_ended || !(t->watch.ready & (GW_READABLE | GW_HUNG_UP))) {
        *more = t->read_ended ? MUX_PULL_EOF : MUX_PULL_DRY;
        c->readable = false;
        return 0;
    }
    int count = iov_count < IOV_MAX ? iov_count : IOV_MAX;
    ssize_t n;
    do
        n = readv(t->watch.fd, iov, count);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN) {
        c->why = strerrordesc_np(errno);
        c->state = GW_CONSUMER_BROKEN;
        c->readable = false;
        return 0;
    }
    if (n == 0) {
        t->read_ended = true;
        c->readable = false;
        *more = MUX_PULL_EOF;
        return 0;
    }
    if (n < 0)
        t->watch.ready &= (uint8_t) ~(GW_READABLE | GW_HUNG_UP);
    else if ((size_t)n < gw_iov_len(iov, count))
        t->watch.ready &= (uint8_t)~GW_READABLE; /* a hang-up stays: its end was not read yet */
    c->readable = (t->watch.ready & (GW_READABLE | GW_HUNG_UP)) != 0;
    *more = c->readable ? MUX_PULL_MORE : MUX_PULL_DRY;
    return n > 0 ? (size_t)n : 0;
}

static void tcp_shutdown_write(struct gw_consumer *c)
{
    shutdown(tcp_of(c)->watch.fd, SHUT_WR);
}

static void tcp_close(struct gw_consumer *c, bool graceful)
{
    struct tcp *t = tcp_of(c);
    end_attempt(t);
    if (graceful && c->state == GW_CONSUMER_OPEN && !(t->read_ended && c->inbox.len == 0)) {
        gw_loop_remove(t->loop, &t->watch);
        gw_linger_take(t->linger, t->watch.fd, &c->inbox);
        t->watch.fd = -1;
    }
    close_socket(t);
    gw_bytes_clear(&c->inbox);
    free(t);
}

static const struct gw_consumer_ops tcp_ops = { true, progress, tcp_write, tcp_pull, tcp_shutdown_write, tcp_close };

struct gw_consumer *gw_tcp_new(struct gw_consumer_owner o, const struct gw_tcp_setup *setup)
{
    struct tcp *t = calloc(1, sizeof *t);
    struct attempt *a = calloc(1, sizeof *a);
    if (!t || !a) {
        free(t);
        free(a);
        return NULL;
    }
    t->base = (struct gw_consumer){ .ops = &tcp_ops, .wake = o.wake, .owner = o.owner };
    t->watch.fd = -1;
    t->loop = setup->loop;
    t->linger = setup->linger;
    t->attempt = a;
    a->tcp = t;
    a->timer.fire = on_timer;
    a->query.done = on_resolved;
    a->permits = setup->permits;
    a->deadline_ns = setup->timeout_ns ? gw_loop_now_ns(setup->loop) + setup->timeout_ns : 0;
    struct gw_host host = gw_host_read(cx_view_text(setup->host));
    if (host.kind == GW_HOST_LITERAL) {
        a->query.addresses[0] = host.address;
        a->query.addresses[0].port = setup->port;
        a->query.count = 1;
        a->resolved = true;
    } else {
        start_timer(t);
        gw_dns_resolve(setup->dns, &a->query, setup->host, setup->port);
    }
    progress(&t->base);
    return &t->base;
}

struct gw_consumer *gw_tcp_accepted(struct gw_loop *loop, struct gw_linger *linger, int fd, const struct gw_addr *peer)
{
    struct tcp *t = descriptor_is_reserved(fd) ? NULL : calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->base = (struct gw_consumer){ .ops = &tcp_ops, .state = GW_CONSUMER_OPEN, .address = *peer };
    t->watch = (struct gw_watch){ .fd = fd, .on_ready = on_ready };
    t->loop = loop;
    t->linger = linger;
    set_options(fd);
    if (gw_loop_add(loop, &t->watch))
        return &t->base;
    free(t);
    return NULL;
}

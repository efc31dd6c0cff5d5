/* SPDX-License-Identifier: MIT */
/* A TCP connection to a backend.
 *
 *   resolving --answer--> connecting --writable, no error--> open --> closed, or handed to the lingerer
 *       |                  |      ^
 *       |                  +------+ next address: the last one failed, or its share of the time is over
 *       +--> failed <------+ no address left
 *
 * Every step is made in progress(): DNS answers, the timer and readiness only wake the owner. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/consumers/stream.h"
#include "gateway/net/host.h"

enum { KEEPALIVE_IDLE_SECONDS = 120 };

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
    struct gw_stream stream; /* first */
    struct attempt *attempt; /* NULL once open or failed */
};

static struct tcp *tcp_of(struct gw_consumer *c)
{
    return (struct tcp *)c;
}

static void on_resolved(struct gw_dns_query *q)
{
    struct attempt *a = (struct attempt *)((char *)q - offsetof(struct attempt, query));
    a->resolved = true;
    a->tcp->stream.base.wake(&a->tcp->stream.base);
}

static void on_timer(struct gw_timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    struct attempt *a = (struct attempt *)((char *)timer - offsetof(struct attempt, timer));
    a->timed_out = true;
    a->tcp->stream.base.wake(&a->tcp->stream.base);
}

static void end_attempt(struct tcp *t)
{
    if (!t->attempt)
        return;
    gw_dns_cancel(&t->attempt->query);
    gw_timer_cancel(t->stream.loop, &t->attempt->timer);
    free(t->attempt);
    t->attempt = NULL;
}

static void fail(struct tcp *t, enum gw_consumer_failure failure, const char *why)
{
    end_attempt(t);
    gw_stream_fail(&t->stream, failure, why);
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
    int fd = gw_stream_socket(family);
    if (fd >= 0)
        set_options(fd);
    return fd;
}

/* One address gets an equal share of the time that is left, so that a silent first one leaves some to the others. */
static void start_timer(struct tcp *t)
{
    struct attempt *a = t->attempt;
    a->timed_out = false;
    if (a->deadline_ns == 0)
        return;
    uint64_t now_ns = gw_loop_now_ns(t->stream.loop);
    uint64_t left_ns = a->deadline_ns > now_ns ? a->deadline_ns - now_ns : 0;
    uint64_t addresses = a->query.count > a->next ? a->query.count - a->next + 1 : 1;
    gw_timer_set(t->stream.loop, &a->timer, now_ns + left_ns / addresses);
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
    if (error == 0 && !gw_stream_attach(&t->stream, fd))
        error = errno;
    if (error != 0) {
        close(fd);
        return error;
    }
    t->stream.base.address = *address;
    return 0;
}

/* Starts the next candidate that may be connected to; without one it has failed, for the last error's reason. */
static void connect_next(struct tcp *t, int error)
{
    struct attempt *a = t->attempt;
    gw_stream_detach(&t->stream);
    while (a->next < a->query.count && !gw_stream_is_shortage(error)) {
        const struct gw_addr *address = &a->query.addresses[a->next++];
        if (a->permits && !a->permits(t->stream.base.owner, address)) {
            t->stream.base.address = *address;
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
    if (gw_stream_is_shortage(error))
        fail(t, GW_FAILURE_RESOURCE, strerrordesc_np(error));
    else if (a->any_refused && !a->any_permitted)
        fail(t, GW_FAILURE_PROHIBITED, "no address that may be connected to");
    else
        fail(t, GW_FAILURE_CONNECT, strerrordesc_np(error));
}

static void progress_connect(struct tcp *t)
{
    struct attempt *a = t->attempt;
    if (t->stream.watch.fd < 0) {
        if (a->resolved && a->query.count > 0)
            connect_next(t, 0);
        else if (a->resolved)
            fail(t, a->query.out_of_room ? GW_FAILURE_RESOURCE : GW_FAILURE_CONNECT, a->query.error);
        else if (a->timed_out)
            fail(t, GW_FAILURE_CONNECT, "the name lookup took too long");
        return;
    }
    if (t->stream.watch.ready & (GW_WRITABLE | GW_HUNG_UP)) {
        int error = 0;
        socklen_t len = sizeof error;
        if (getsockopt(t->stream.watch.fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
        if (error != 0) {
            connect_next(t, error);
            return;
        }
        end_attempt(t);
        t->stream.base.state = GW_CONSUMER_OPEN;
    } else if (a->timed_out) {
        connect_next(t, ETIMEDOUT);
    }
}

static void progress(struct gw_consumer *c)
{
    struct tcp *t = tcp_of(c);
    if (c->state == GW_CONSUMER_CONNECTING)
        progress_connect(t);
    gw_stream_progress(&t->stream);
}

static void tcp_close(struct gw_consumer *c, bool graceful)
{
    struct tcp *t = tcp_of(c);
    end_attempt(t);
    gw_stream_close(&t->stream, graceful);
    free(t);
}

static const struct gw_consumer_ops tcp_ops = {
    .keeps_bytes = true,
    .progress = progress,
    .write = gw_stream_write,
    .pull = gw_stream_pull,
    .shutdown_write = gw_stream_shutdown_write,
    .close = tcp_close,
};

struct gw_consumer *gw_tcp_new(struct gw_consumer_owner o, const struct gw_tcp_setup *setup)
{
    struct tcp *t = calloc(1, sizeof *t);
    struct attempt *a = calloc(1, sizeof *a);
    if (!t || !a) {
        free(t);
        free(a);
        return NULL;
    }
    gw_stream_init(&t->stream, &tcp_ops, o, setup->loop, setup->linger);
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
    progress(&t->stream.base);
    return &t->stream.base;
}

struct gw_consumer *gw_tcp_accepted(struct gw_loop *loop, struct gw_linger *linger, int fd, const struct gw_addr *peer)
{
    struct tcp *t = gw_stream_is_reserved(fd) ? NULL : calloc(1, sizeof *t);
    if (!t)
        return NULL;
    gw_stream_init(&t->stream, &tcp_ops, (struct gw_consumer_owner){ NULL, NULL }, loop, linger);
    t->stream.base.state = GW_CONSUMER_OPEN;
    t->stream.base.address = *peer;
    set_options(fd);
    if (gw_stream_attach(&t->stream, fd))
        return &t->stream.base;
    free(t);
    return NULL;
}

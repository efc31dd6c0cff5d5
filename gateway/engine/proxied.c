/* SPDX-License-Identifier: MIT */
/* The header is peeked at until it is whole, and only then taken off the socket: so nothing is kept here, and what stands behind
 * it is the connection's to read. A header that comes in many pieces is looked at as many times, but only a trusted peer has its
 * header read at all. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/engine/conn_priv.h"
#include "gateway/engine/proxied.h"
#include "gateway/net/proxy_header.h"

struct gw_proxied {
    struct gw_watch watch;
    struct gw_timer timer;
    struct gw_worker *worker;
    struct gw_proxied *next, **at; /* all of the worker */
    struct gw_proxied *marked_next;
    bool marked, timed_out;
    uint64_t since_ns;
    struct gw_addr proxy;
};

static void mark(struct gw_proxied *p)
{
    if (p->marked)
        return;
    p->marked = true;
    p->marked_next = p->worker->proxied_marked;
    p->worker->proxied_marked = p;
}

static void on_ready(struct gw_watch *w)
{
    mark((struct gw_proxied *)((char *)w - offsetof(struct gw_proxied, watch)));
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct gw_proxied *p = (struct gw_proxied *)((char *)t - offsetof(struct gw_proxied, timer));
    p->timed_out = true;
    mark(p);
}

/* The descriptor stays open. */
static void free_proxied(struct gw_proxied *p)
{
    gw_timer_cancel(p->worker->loop, &p->timer);
    gw_loop_remove(p->worker->loop, &p->watch);
    *p->at = p->next;
    if (p->next)
        p->next->at = p->at;
    free(p);
}

static void close_one(struct gw_worker *w, int fd)
{
    close(fd);
    atomic_fetch_sub_explicit(&w->intake.connections, 1, memory_order_relaxed);
}

static bool learn_proxy(struct gw_proxied *p)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    return getpeername(p->watch.fd, (struct sockaddr *)&sa, &len) == 0 && gw_addr_from_sockaddr(&p->proxy, (struct sockaddr *)&sa);
}

void gw_proxied_accept(struct gw_worker *w, int fd)
{
    struct gw_proxied *p = w->draining ? NULL : calloc(1, sizeof *p);
    if (!p) {
        close_one(w, fd);
        return;
    }
    p->worker = w;
    p->watch = (struct gw_watch){ .fd = fd, .on_ready = on_ready };
    p->timer.fire = on_timer;
    p->since_ns = gw_loop_now_ns(w->loop);
    if (!learn_proxy(p) || !gw_loop_add(w->loop, &p->watch)) {
        free(p);
        close_one(w, fd);
        return;
    }
    p->next = w->proxied;
    p->at = &w->proxied;
    if (p->next)
        p->next->at = &p->next;
    w->proxied = p;
    uint64_t grace_ns = w->protocol->snapshot.config->login_grace_ns;
    if (grace_ns > 0)
        gw_timer_set(w->loop, &p->timer, p->since_ns + grace_ns);
}

/* The header is whole. */
static void let_in(struct gw_proxied *p, const struct gw_proxy_header *header)
{
    struct gw_worker *w = p->worker;
    struct gw_arrival arrival = {
        .fd = p->watch.fd,
        .peer = header->source.family ? header->source : p->proxy,
        .proxy = p->proxy,
        .since_ns = p->since_ns,
    };
    free_proxied(p);
    arrival.startup = gw_door_admit(w->door, arrival.fd, &arrival.peer);
    if (arrival.startup == GW_STARTUP_NONE)
        close_one(w, arrival.fd);
    else
        gw_conn_accept(w, &arrival);
}

static void leave(struct gw_proxied *p)
{
    struct gw_worker *w = p->worker;
    int fd = p->watch.fd;
    free_proxied(p);
    close_one(w, fd);
}

static void turn_away(struct gw_proxied *p, const char *why)
{
    gw_door_not_a_proxy(p->worker->door, &p->proxy, why);
    leave(p);
}

static void serve(struct gw_proxied *p)
{
    uint8_t bytes[GW_PROXY_HEADER_MAX];
    struct gw_proxy_header header;
    ssize_t n = recv(p->watch.fd, bytes, sizeof bytes, MSG_PEEK);
    bool failed = n < 0 && errno != EAGAIN && errno != EINTR;
    enum gw_proxy_result result = n > 0 ? gw_proxy_header_read(cx_view(bytes, (size_t)n), &header) : GW_PROXY_MORE;
    if (n == 0) /* without a word: how proxies look whether we are there */
        leave(p);
    else if (result == GW_PROXY_DONE && recv(p->watch.fd, bytes, header.bytes, 0) == (ssize_t)header.bytes)
        let_in(p, &header);
    else if (result == GW_PROXY_MALFORMED)
        turn_away(p, "its PROXY header is malformed");
    else if (failed || result == GW_PROXY_DONE || (p->watch.ready & GW_HUNG_UP))
        turn_away(p, "it left before its PROXY header was whole");
    else if (p->timed_out)
        turn_away(p, "its PROXY header did not come in time");
}

void gw_proxied_serve(struct gw_worker *w)
{
    while (w->proxied_marked) {
        struct gw_proxied *p = w->proxied_marked;
        w->proxied_marked = p->marked_next;
        p->marked = false;
        serve(p);
    }
}

void gw_proxied_end_all(struct gw_worker *w)
{
    w->proxied_marked = NULL;
    while (w->proxied)
        leave(w->proxied);
}

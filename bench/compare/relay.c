/* SPDX-License-Identifier: MIT */
/* A pair is two sockets, and what was read from one and not yet written to the other: of a relay without delay at most what one
 * write left over, of a long path all that is under way. An end that has said it all is passed on behind its bytes. */
#include "bench/compare/relay.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/child.h"
#include "gateway/engine/loop.h"

enum {
    BUFFER_BYTES = 256 * 1024,
    UNDER_WAY_MAX = 256 * 1024 * 1024, /* each way, of a delayed pair: 50 ms at 5 GB/s */
    TURN_CALLS = 8,                    /* reads, a side's turn */
    DIALS_A_TURN = 16,
    TURNS_A_SECOND = 400,
    NOT_STARTED = 127,
};

struct relay;
struct pair;

struct chunk {
    struct chunk *next;
    uint64_t due_ns;
    size_t at, len;
    uint8_t bytes[];
};

/* One socket, and the bytes for it. */
struct side {
    struct gw_watch watch;
    struct pair *pair;
    struct chunk *first, **end;
    size_t under_way;
    bool ended;  /* nothing more comes from it */
    bool closed; /* nothing more goes to it */
};

struct pair {
    struct side side[2];
    struct gw_timer timer;
    struct relay *relay;
    struct pair *next_marked;
    bool marked, broken;
};

struct listener {
    struct gw_watch watch;
    struct relay *relay;
    struct gw_addr to;
    bool marked;
};

struct relay {
    struct gw_loop *loop;
    struct listener listener[COMPARE_ROUTES_MAX];
    unsigned routes;
    uint64_t delay_ns;
    struct pair *marked;
    uint8_t buffer[BUFFER_BYTES];
};

static void mark(struct pair *p)
{
    if (p->marked)
        return;
    p->marked = true;
    p->next_marked = p->relay->marked;
    p->relay->marked = p;
}

static void on_side_ready(struct gw_watch *watch)
{
    mark(((struct side *)((char *)watch - offsetof(struct side, watch)))->pair);
}

static void on_due(struct gw_timer *timer, uint64_t now_ns)
{
    (void)now_ns;
    mark((struct pair *)((char *)timer - offsetof(struct pair, timer)));
}

static void on_listener_ready(struct gw_watch *watch)
{
    ((struct listener *)((char *)watch - offsetof(struct listener, watch)))->marked = true;
}

/* ---- bytes ---- */

/* How many were taken. */
static size_t write_some(struct side *s, const uint8_t *bytes, size_t len)
{
    ssize_t n = send(s->watch.fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        s->pair->broken = true;
    if (n < (ssize_t)len)
        s->watch.ready &= (uint8_t)~GW_WRITABLE;
    return n > 0 ? (size_t)n : 0;
}

static void keep(struct side *to, const uint8_t *bytes, size_t len)
{
    struct chunk *c = malloc(sizeof *c + len);
    if (!c) {
        to->pair->broken = true;
        return;
    }
    *c = (struct chunk){ .due_ns = gw_loop_now_ns(to->pair->relay->loop) + to->pair->relay->delay_ns, .len = len };
    memcpy(c->bytes, bytes, len);
    *to->end = c;
    to->end = &c->next;
    to->under_way += len;
}

static void pass(struct side *to, const uint8_t *bytes, size_t len)
{
    bool at_once = to->pair->relay->delay_ns == 0 && !to->first;
    size_t taken = at_once ? write_some(to, bytes, len) : 0;
    if (taken < len && !to->pair->broken)
        keep(to, bytes + taken, len - taken);
}

static void send_due(struct side *to, uint64_t now_ns)
{
    struct chunk *c;
    while ((c = to->first) && c->due_ns <= now_ns && (to->watch.ready & GW_WRITABLE) && !to->pair->broken) {
        size_t n = write_some(to, c->bytes + c->at, c->len - c->at);
        c->at += n;
        to->under_way -= n;
        if (c->at < c->len)
            return;
        to->first = c->next;
        if (!to->first)
            to->end = &to->first;
        free(c);
    }
}

static bool has_room(const struct side *to)
{
    return to->pair->relay->delay_ns > 0 ? to->under_way < UNDER_WAY_MAX : !to->first;
}

/* False: nothing more can be read now. */
static bool read_once(struct side *from, struct side *to)
{
    struct relay *r = from->pair->relay;
    if (from->ended || !(from->watch.ready & GW_READABLE) || !has_room(to))
        return false;
    ssize_t n = recv(from->watch.fd, r->buffer, BUFFER_BYTES, 0);
    if (n > 0) {
        pass(to, r->buffer, (size_t)n);
        /* a short read: nothing is left, and a hang-up comes as an event of its own */
        if (n < BUFFER_BYTES && !(from->watch.ready & GW_HUNG_UP))
            from->watch.ready &= (uint8_t)~GW_READABLE;
        return true;
    }
    if (n == 0)
        from->ended = true;
    else if (errno == EAGAIN)
        from->watch.ready &= (uint8_t)~GW_READABLE;
    else
        from->pair->broken = true;
    return false;
}

static void serve_way(struct side *from, struct side *to, uint64_t now_ns)
{
    send_due(to, now_ns);
    for (int i = 0; i < TURN_CALLS && read_once(from, to); i++)
        ;
    /* one that is still connecting would be torn down */
    if (from->ended && !to->first && !to->closed && (to->watch.ready & GW_WRITABLE)) {
        shutdown(to->watch.fd, SHUT_WR);
        to->closed = true;
    }
}

/* ---- pairs ---- */

static void end_pair(struct pair *p)
{
    gw_timer_cancel(p->relay->loop, &p->timer);
    for (int i = 0; i < 2; i++) {
        struct chunk *next;
        if (p->side[i].watch.fd < 0)
            continue;
        gw_loop_remove(p->relay->loop, &p->side[i].watch);
        close(p->side[i].watch.fd);
        for (struct chunk *c = p->side[i].first; c; c = next) {
            next = c->next;
            free(c);
        }
    }
    free(p);
}

static void set_timer(struct pair *p, uint64_t now_ns)
{
    uint64_t due_ns = UINT64_MAX;
    for (int i = 0; i < 2; i++)
        if (p->side[i].first && p->side[i].first->due_ns > now_ns && p->side[i].first->due_ns < due_ns)
            due_ns = p->side[i].first->due_ns;
    if (due_ns != UINT64_MAX)
        gw_timer_set(p->relay->loop, &p->timer, due_ns);
}

static bool may_read(const struct side *from, const struct side *to)
{
    return !from->ended && (from->watch.ready & GW_READABLE) && has_room(to);
}

static void serve_pair(struct pair *p)
{
    uint64_t now_ns = gw_loop_now_ns(p->relay->loop);
    struct side *a = &p->side[0], *b = &p->side[1];
    serve_way(a, b, now_ns);
    serve_way(b, a, now_ns);
    if (p->broken || (a->closed && b->closed)) {
        end_pair(p);
        return;
    }
    if (p->relay->delay_ns > 0)
        set_timer(p, now_ns);
    if (may_read(a, b) || may_read(b, a))
        mark(p);
}

static int dial(const struct gw_addr *to)
{
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(to, &address);
    int fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, (struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void start_pair(struct listener *l, int fd)
{
    struct pair *p = calloc(1, sizeof *p);
    int to_fd = p ? dial(&l->to) : -1, on = 1;
    if (!p) {
        close(fd);
        return;
    }
    *p = (struct pair){ .relay = l->relay, .timer.fire = on_due };
    for (int i = 0; i < 2; i++) {
        p->side[i] = (struct side){ .watch = { .fd = i == 0 ? fd : to_fd, .on_ready = on_side_ready }, .pair = p };
        p->side[i].end = &p->side[i].first;
        if (p->side[i].watch.fd < 0)
            continue;
        (void)setsockopt(p->side[i].watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        p->broken |= !gw_loop_add(l->relay->loop, &p->side[i].watch);
    }
    if (p->broken || to_fd < 0)
        end_pair(p);
}

static void accept_all(struct listener *l)
{
    int fd;
    l->marked = false;
    while ((fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        start_pair(l, fd);
}

/* ---- processes ---- */

static void serve(struct relay *r)
{
    for (;;) {
        gw_loop_round(r->loop, !r->marked);
        for (unsigned i = 0; i < r->routes; i++)
            if (r->listener[i].marked)
                accept_all(&r->listener[i]);
        struct pair *p = r->marked, *next;
        r->marked = NULL;
        for (; p; p = next) {
            next = p->next_marked;
            p->marked = false;
            serve_pair(p);
        }
    }
}

static void run(const struct compare_relay *settings)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r || !(r->loop = gw_loop_new()))
        return;
    r->routes = settings->routes;
    r->delay_ns = settings->delay_ns;
    for (unsigned i = 0; i < r->routes; i++) {
        struct listener *l = &r->listener[i];
        *l = (struct listener){ .watch = { .fd = settings->route[i].listen_fd, .on_ready = on_listener_ready },
                                .relay = r,
                                .to = settings->route[i].to };
        if (!gw_loop_add(r->loop, &l->watch))
            return;
    }
    serve(r);
}

pid_t compare_relay_start(const struct compare_relay *relay, const cpu_set_t *cores)
{
    pid_t pid = compare_child_fork(cores);
    if (pid == 0) {
        run(relay);
        _exit(NOT_STARTED);
    }
    for (unsigned i = 0; i < relay->routes; i++)
        close(relay->route[i].listen_fd);
    return pid;
}

static void dial_forever(const struct gw_addr *to, _Atomic uint64_t *count)
{
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(to, &address);
    for (unsigned i = 1;; i++) {
        int fd = socket(to->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) != 0)
            return;
        close(fd);
        (*count)++;
        if (i % DIALS_A_TURN == 0)
            usleep(1000000 / TURNS_A_SECOND);
    }
}

pid_t compare_dialer_start(const struct gw_addr *to, const cpu_set_t *cores, _Atomic uint64_t *count)
{
    pid_t pid = compare_child_fork(cores);
    if (pid != 0)
        return pid;
    dial_forever(to, count);
    _exit(NOT_STARTED);
}

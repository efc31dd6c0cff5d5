/* SPDX-License-Identifier: MIT */
/* The loop on epoll. A descriptor costs one epoll_ctl in its life: edge-triggered for everything, so that a connection which turns
 * from reading to writing costs no system call, at the price that whoever reads or writes must remember readiness (gw_watch.ready)
 * until the kernel says EAGAIN. The kernel knows descriptors only, and whose each is stands in a table here: so it can pass from a
 * connect to a tunnel, and on to the lingerer, with what is known of its readiness, and the kernel is not asked.
 *
 * A round has two passes. This file is the first: it fetches events and timers and calls back, and callbacks only mark. The worker
 * then serves what is marked. Nothing is read or written in between, so that all descriptors of a connection that became ready
 * together are served together: their packets leave in one batch and one send. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "gateway/engine/timer_priv.h"

enum { EVENTS_A_ROUND = 256, WATCHES_MIN = 64, IDLE_MS = 1000 };

struct gw_loop {
    int epoll_fd;
    uint64_t now_ns;
    void (*on_idle)(void); /* NULL: nothing is to be done */
    bool is_idle;          /* on_idle was called, and nothing has happened since */
    struct gw_timers timers;
    struct gw_watch **watches; /* by descriptor */
    size_t watch_room;
    int event_count, event_next; /* fetched, and the first that was not delivered yet */
    struct epoll_event events[EVENTS_A_ROUND];
};

static uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct gw_loop *gw_loop_new(void)
{
    struct gw_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return NULL;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        free(loop);
        return NULL;
    }
    loop->now_ns = monotonic_ns();
    return loop;
}

void gw_loop_free(struct gw_loop *loop)
{
    if (!loop)
        return;
    close(loop->epoll_fd);
    free(loop->watches);
    free(loop);
}

uint64_t gw_loop_now_ns(const struct gw_loop *loop)
{
    return loop->now_ns;
}

static bool watch(struct gw_loop *loop, struct gw_watch *w, int operation, uint32_t events)
{
    struct epoll_event e = { .events = events | EPOLLRDHUP | EPOLLET, .data.fd = w->fd };
    return epoll_ctl(loop->epoll_fd, operation, w->fd, &e) == 0;
}

static bool make_room(struct gw_loop *loop, size_t fd)
{
    size_t room = loop->watch_room ? loop->watch_room : WATCHES_MIN;
    while (room <= fd)
        room *= 2;
    if (room == loop->watch_room)
        return true;
    struct gw_watch **grown = realloc(loop->watches, room * sizeof(struct gw_watch *));
    if (!grown)
        return false; /* errno is ENOMEM */
    memset(grown + loop->watch_room, 0, (room - loop->watch_room) * sizeof(struct gw_watch *));
    loop->watches = grown;
    loop->watch_room = room;
    return true;
}

static bool begin_watch(struct gw_loop *loop, struct gw_watch *w, uint32_t events)
{
    if (!make_room(loop, (size_t)w->fd) || !watch(loop, w, EPOLL_CTL_ADD, events))
        return false;
    loop->watches[w->fd] = w;
    return true;
}

bool gw_loop_add(struct gw_loop *loop, struct gw_watch *w)
{
    assert(w->on_ready);
    w->ready = 0;
    w->waits_to_write = false;
    return begin_watch(loop, w, EPOLLIN | EPOLLOUT);
}

bool gw_loop_add_reader(struct gw_loop *loop, struct gw_watch *w)
{
    assert(w->on_ready);
    w->ready = GW_WRITABLE;
    w->waits_to_write = false;
    return begin_watch(loop, w, EPOLLIN);
}

/* A change looks at the descriptor anew, so what became ready before it is told as well. */
void gw_loop_await_writing(struct gw_loop *loop, struct gw_watch *w)
{
    w->ready &= (uint8_t)~GW_WRITABLE;
    w->waits_to_write = true;
    bool changed = watch(loop, w, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    assert(changed);
}

static void end_wait_to_write(struct gw_loop *loop, struct gw_watch *w)
{
    w->waits_to_write = false;
    bool changed = watch(loop, w, EPOLL_CTL_MOD, EPOLLIN);
    assert(changed);
}

/* Its number may be another descriptor's before the events that were fetched are delivered. One that could not be added is not
 * there. */
static void forget(struct gw_loop *loop, const struct gw_watch *w)
{
    if ((size_t)w->fd >= loop->watch_room || loop->watches[w->fd] != w)
        return;
    loop->watches[w->fd] = NULL;
    for (int i = loop->event_next; i < loop->event_count; i++)
        if (loop->events[i].data.fd == w->fd)
            loop->events[i].data.fd = -1;
}

void gw_loop_remove(struct gw_loop *loop, struct gw_watch *w)
{
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    forget(loop, w);
}

void gw_loop_close(struct gw_loop *loop, struct gw_watch *w)
{
    forget(loop, w);
    close(w->fd);
    w->fd = -1;
}

void gw_loop_move(struct gw_loop *loop, struct gw_watch *from, struct gw_watch *to)
{
    assert(to->on_ready && !from->waits_to_write);
    to->fd = from->fd;
    to->ready = from->ready;
    to->waits_to_write = false;
    loop->watches[to->fd] = to;
    from->fd = -1;
}

static uint8_t ready_bits(uint32_t events)
{
    uint8_t bits = 0;
    if (events & EPOLLIN)
        bits |= GW_READABLE;
    if (events & EPOLLOUT)
        bits |= GW_WRITABLE;
    if (events & EPOLLRDHUP)
        bits |= GW_HUNG_UP | GW_READABLE;
    /* An error or a full hang-up is learned by whichever call comes next, so both kinds are due. */
    if (events & (EPOLLHUP | EPOLLERR))
        bits |= GW_HUNG_UP | GW_READABLE | GW_WRITABLE;
    return bits;
}

/* Whole milliseconds until the next timer, rounded up: a timer never fires early. */
static int wait_ms(const struct gw_loop *loop)
{
    uint64_t at_ns = gw_timers_next_ns(&loop->timers);
    if (at_ns == UINT64_MAX)
        return -1;
    uint64_t now_ns = monotonic_ns();
    if (at_ns <= now_ns)
        return 0;
    uint64_t ms = (at_ns - now_ns + 999999) / 1000000;
    return ms < 3600000 ? (int)ms : 3600000;
}

void gw_loop_on_idle(struct gw_loop *loop, void (*idle)(void))
{
    loop->on_idle = idle;
}

static int fetch(struct gw_loop *loop, bool may_wait)
{
    int ms = may_wait ? wait_ms(loop) : 0;
    bool may_idle = loop->on_idle && !loop->is_idle && (unsigned)ms > IDLE_MS; /* -1, for ever, too */
    int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_A_ROUND, may_idle ? IDLE_MS : ms);
    assert(n >= 0 || errno == EINTR);
    loop->is_idle = may_idle && n == 0;
    if (loop->is_idle)
        loop->on_idle();
    return n;
}

void gw_loop_round(struct gw_loop *loop, bool may_wait)
{
    int n = fetch(loop, may_wait);
    loop->now_ns = monotonic_ns();
    loop->event_count = n > 0 ? n : 0;
    for (loop->event_next = 0; loop->event_next < loop->event_count;) {
        const struct epoll_event *e = &loop->events[loop->event_next++];
        struct gw_watch *w = e->data.fd < 0 ? NULL : loop->watches[e->data.fd];
        if (!w)
            continue;
        w->ready |= ready_bits(e->events);
        if (w->waits_to_write && (w->ready & GW_WRITABLE))
            end_wait_to_write(loop, w);
        w->on_ready(w);
    }
    loop->event_count = 0;
    gw_timers_fire(&loop->timers, loop->now_ns);
}

void gw_timer_set(struct gw_loop *loop, struct gw_timer *t, uint64_t at_ns)
{
    gw_timers_set(&loop->timers, t, at_ns);
}

void gw_timer_cancel(struct gw_loop *loop, struct gw_timer *t)
{
    gw_timers_cancel(&loop->timers, t);
}

/* SPDX-License-Identifier: MIT */
/* A worker's rounds. Pass 1 is the loop's: events and timers only mark connections. Pass 2 serves each marked connection once:
 * read, tunnels, one produce and one send, each within a budget. Who was cut off by its budget, or was marked while being served,
 * stands in the list for the next round, which then does not wait.
 *
 * Nothing here is shared but what intake.h, inbox.h and the registry share by their own means. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/consumers/linger.h"
#include "gateway/engine/conn_priv.h"
#include "gateway/engine/engine.h"
#include "gateway/engine/memory.h"
#include "gateway/engine/proxied.h"
#include "gateway/health/health.h"
#include "gateway/net/dns.h"
#include "gateway/queues/registry.h"

enum {
    CACHE_ENTRIES = 1024, /* expanded cipher contexts: 1.4 to 4.0 KiB each */
    LOGINS_A_ROUND = 16,  /* unauthenticated connections served a round: each may cost a public-key operation or two */
    INTAKE_A_ROUND = 64,  /* connections taken from the acceptor a round */
};

static void on_wake(struct gw_watch *watch)
{
    (void)watch; /* every round looks at the bits */
}

static void begin_drain(struct gw_mail *m, void *receiver);
static void switch_snapshot(struct gw_mail *m, void *receiver);

static struct gw_health *new_health(const struct gw_worker *w)
{
    return gw_health_new(&(struct gw_health_setup){ w->loop, w->dns, w->linger, w->registry, w->index });
}

/* The parts that can fail, in an order in which gw_worker_free can take back any beginning of them. */
static bool set_up(struct gw_worker *w, const struct gw_worker_setup *setup)
{
    w->wake = (struct gw_watch){ .fd = w->inbox.wake_fd, .on_ready = on_wake };
    return mux_ring_init(&w->intake.accepted, GW_INTAKE_SLOTS) && gw_area_init(&w->receive_area, GW_RECEIVE_AREA_BYTES) &&
           gw_area_init(&w->send_area, GW_SEND_AREA_BYTES) && gw_area_init(&w->staging_area, MUX_STAGING_BYTES) &&
           (w->shared.cache = cx_packet_cache_new(CACHE_ENTRIES, cx_kernels_current())) && (w->loop = gw_loop_new()) &&
           gw_loop_add_reader(w->loop, &w->wake) && (w->link = gw_link_new(w->loop, setup->link_fd)) &&
           (w->dns = gw_dns_new(w->loop, NULL)) && (w->linger = gw_linger_new(w->loop)) && (w->health = new_health(w));
}

static void free_worker(struct gw_worker *w)
{
    gw_health_free(w->health);
    gw_linger_free(w->linger);
    gw_dns_free(w->dns);
    gw_link_free(w->link);
    gw_loop_free(w->loop);
    cx_packet_cache_free(w->shared.cache);
    gw_area_deinit(&w->staging_area);
    gw_area_deinit(&w->send_area);
    gw_area_deinit(&w->receive_area);
    mux_ring_deinit(&w->intake.accepted);
    gw_protocol_drop(gw_orders_take(&w->orders));
    gw_protocol_drop(w->protocol);
    gw_inbox_deinit(&w->inbox);
    free(w);
}

struct gw_worker *gw_worker_new(const struct gw_worker_setup *setup)
{
    struct gw_worker *w = aligned_alloc(MUX_CACHE_LINE_BYTES, sizeof *w);
    if (!w)
        return NULL;
    memset(w, 0, sizeof *w);
    if (!gw_inbox_init(&w->inbox)) {
        free(w);
        return NULL;
    }
    w->index = setup->index;
    w->done_fd = setup->done_fd;
    w->registry = setup->registry;
    w->door = setup->door;
    w->delay_key = setup->delay_key;
    w->protocol = setup->protocol;
    w->shared.random = cx_random_system(&w->random_pool);
    w->shared.budget = setup->budget;
    w->ready.end = &w->ready.first;
    w->ready_logins.end = &w->ready_logins.first;
    w->orders = (struct gw_orders){ .to = &w->inbox, .switch_mail.deliver = switch_snapshot, .drain_mail.deliver = begin_drain };
    if (!set_up(w, setup)) {
        int saved_errno = errno;
        w->protocol = NULL; /* stays the caller's */
        free_worker(w);
        errno = saved_errno;
        return NULL;
    }
    gw_registry_seat(w->registry, w->index, &w->inbox, w->loop);
    gw_area_open(&w->staging_area, w->staging_area.len);
    w->shared.staging = (struct cx_span){ w->staging_area.bytes, w->staging_area.len };
    return w;
}

/* ---- orders ---- */

static void mark_all(struct gw_worker *w)
{
    for (struct gw_conn *c = w->conns; c; c = c->next)
        gw_conn_mark(c);
}

static void rejudge_all(struct gw_worker *w)
{
    for (struct gw_conn *c = w->conns; c; c = c->next)
        c->rejudge = true;
    mark_all(w);
}

static void switch_snapshot(struct gw_mail *m, void *receiver)
{
    struct gw_worker *w = receiver;
    (void)m;
    struct gw_protocol *newest = gw_orders_take(&w->orders);
    if (!newest)
        return;
    gw_protocol_drop(w->protocol);
    w->protocol = newest;
    bool ok = gw_registry_apply(w->registry, w->index, newest->snapshot.config);
    if (!gw_health_apply(w->health, newest->snapshot.config) || !ok)
        gw_log(GW_LOG_ERROR, "out of memory: not all members of the new configuration serve, or are checked");
    rejudge_all(w);
}

/* HardStopAfter has passed: who still has a tunnel is disconnected now. */
static void stop_hard(struct gw_timer *t, uint64_t now_ns)
{
    struct gw_worker *w = (struct gw_worker *)((char *)t - offsetof(struct gw_worker, hard_stop));
    (void)now_ns;
    w->stopping_hard = true;
    for (struct gw_conn *c = w->conns; c; c = c->next) {
        if (c->phase == GW_CONN_OPEN)
            gw_conn_disconnect(c, MUX_E_BY_APPLICATION, "the gateway is shutting down");
    }
    mark_all(w);
}

static void begin_drain(struct gw_mail *m, void *receiver)
{
    struct gw_worker *w = receiver;
    (void)m;
    w->draining = true;
    gw_registry_drain(w->registry);
    w->hard_stop.fire = stop_hard;
    gw_timer_set(w->loop, &w->hard_stop, gw_loop_now_ns(w->loop) + w->protocol->snapshot.config->hard_stop_ns);
    gw_proxied_end_all(w);
    rejudge_all(w); /* each that is empty takes its leave when served */
}

/* ---- rounds ---- */

static void take_accepted(struct gw_worker *w)
{
    uint64_t item;
    w->intake_left = true;
    for (int i = 0; i < INTAKE_A_ROUND; i++) {
        if (!mux_ring_pop(&w->intake.accepted, &item)) {
            w->intake_left = false;
            return;
        }
        int fd;
        int32_t startup;
        gw_intake_unpack(item, &fd, &startup);
        if (startup == GW_INTAKE_PROXIED)
            gw_proxied_accept(w, fd);
        else
            gw_conn_accept(w, &(struct gw_arrival){ .fd = fd, .startup = startup, .since_ns = gw_loop_now_ns(w->loop) });
    }
}

static struct gw_conn *first_of(struct gw_ready_list *list)
{
    struct gw_conn *c = list->first;
    list->first = c->ready_next;
    if (!list->first)
        list->end = &list->first;
    c->ready_next = NULL;
    c->marked = false;
    return c;
}

/* Serves what stood in the list when the round's pass 2 began, at most `most`; what is marked meanwhile is behind it. */
static void serve_list(struct gw_ready_list *list, unsigned most)
{
    struct gw_conn *const *end = list->end;
    while (list->first && most-- > 0) {
        bool is_last = end == &list->first->ready_next;
        gw_conn_serve(first_of(list));
        if (is_last)
            return;
    }
}

static void round_once(struct gw_worker *w)
{
    gw_loop_round(w->loop, !w->ready.first && !w->ready_logins.first && !w->intake_left && !w->link_left);
    if (w->wake.ready & GW_READABLE) {
        w->wake.ready = 0;
        w->intake_left = true;
        gw_inbox_serve(&w->inbox, w);
    }
    if (w->intake_left)
        take_accepted(w);
    gw_proxied_serve(w);
    gw_health_serve(w->health);
    w->link_left = gw_link_serve(w->link);
    serve_list(&w->ready, UINT_MAX);
    serve_list(&w->ready_logins, LOGINS_A_ROUND);
    gw_link_flush(w->link);
}

/* What clients had sent before they left still reaches its backends. */
static bool is_finished(const struct gw_worker *w)
{
    return w->draining && w->conn_count == 0 && !w->intake_left && gw_link_idle(w->link) &&
           (gw_linger_unwritten(w->linger) == 0 || w->stopping_hard) && gw_registry_idle(w->registry);
}

static void *run(void *arg)
{
    struct gw_worker *w = arg;
    if (!gw_health_apply(w->health, w->protocol->snapshot.config))
        gw_log(GW_LOG_ERROR, "out of memory: not all members are checked");
    gw_health_serve(w->health); /* the first checks wait for nobody */
    gw_loop_on_idle(w->loop, gw_memory_give_back);
    while (!is_finished(w))
        round_once(w);
    gw_timer_cancel(w->loop, &w->hard_stop);
    uint64_t one = 1;
    ssize_t n = write(w->done_fd, &one, sizeof one);
    assert(n == sizeof one);
    return NULL;
}

bool gw_worker_start(struct gw_worker *w)
{
    int err = pthread_create(&w->thread, NULL, run, w);
    errno = err;
    if (err != 0)
        return false;
    char name[16];
    snprintf(name, sizeof name, "worker %u", w->index % 100000);
    pthread_setname_np(w->thread, name);
    return true;
}

void gw_worker_join(struct gw_worker *w)
{
    pthread_join(w->thread, NULL);
    uint64_t item;
    while (mux_ring_pop(&w->intake.accepted, &item)) { /* what came between the last look and the acceptor's end */
        int fd;
        int32_t startup;
        gw_intake_unpack(item, &fd, &startup);
        close(fd);
    }
    free_worker(w);
}

struct gw_intake *gw_worker_intake(struct gw_worker *w)
{
    return &w->intake;
}

struct gw_inbox *gw_worker_inbox(struct gw_worker *w)
{
    return &w->inbox;
}

struct gw_orders *gw_worker_orders(struct gw_worker *w)
{
    return &w->orders;
}

/* ---- what tunnels ask ---- */

struct gw_loop *gw_worker_loop(struct gw_worker *w)
{
    return w->loop;
}

const struct gw_config *gw_worker_config(const struct gw_worker *w)
{
    return w->protocol->snapshot.config;
}

struct gw_dns *gw_worker_dns(struct gw_worker *w)
{
    return w->dns;
}

struct gw_registry *gw_worker_registry(struct gw_worker *w)
{
    return w->registry;
}

struct gw_linger *gw_worker_linger(struct gw_worker *w)
{
    return w->linger;
}

struct gw_forward_table *gw_worker_forwards(struct gw_worker *w)
{
    return &w->forwards;
}

bool gw_worker_draining(const struct gw_worker *w)
{
    return w->draining;
}

bool gw_worker_keeps_audit(const struct gw_worker *w)
{
    return gw_worker_config(w)->audit_log != NULL;
}

void gw_worker_audit(struct gw_worker *w, const char *json)
{
    gw_link_audit(w->link, json);
}

unsigned gw_worker_index(const struct gw_worker *w)
{
    return w->index;
}

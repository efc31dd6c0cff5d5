/* SPDX-License-Identifier: MIT */
/* A round has two passes, as the gateway's: the loop's callbacks only mark connections, and then each marked one is served once.
 * The watching thread is heard through the phase, an atomic that it sets before it wakes us, and hears of us through the tally's
 * live counters; everything else is this thread's own. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/work.h"
#include "bench/load/worker_priv.h"
#include "mux/connection/forward.h"

enum { CACHE_ENTRIES_MIN = 16, CACHE_ENTRIES_MAX = 4096, CACHED_A_CONNECTION = 2 };
static const uint64_t LONGEST_NAP_NS = 1000000000;

uint64_t load_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- cuts ---- */

static void on_cut_timer(struct gw_timer *timer, uint64_t now_ns)
{
    struct load_worker *w = (struct load_worker *)((char *)timer - offsetof(struct load_worker, cut_timer));
    uint32_t guess;
    cx_random_fill(&w->shared.random, &guess, sizeof guess);
    load_conn_cut(&w->conns[guess % w->share.connections]);
    gw_timer_set(w->loop, timer, now_ns + (uint64_t)(1e9 / w->share.cuts_per_second));
}

/* ---- life ---- */

static void on_wake(struct gw_watch *watch)
{
    (void)watch; /* every round looks at the bits */
}

static void on_connect_timer(struct gw_timer *timer, uint64_t now_ns)
{
    (void)timer; /* the round goes on with connecting */
    (void)now_ns;
}

/* The algorithm that a key of ours signs with. */
static const struct cx_sign_alg *sign_alg_of(enum cx_key_type type)
{
    size_t i = 0;
    while (cx_sign_alg_at(i)->type != type)
        i++;
    return cx_sign_alg_at(i);
}

static size_t cache_entries(const struct load_share *share)
{
    size_t wanted = (size_t)share->connections * CACHED_A_CONNECTION;
    return wanted < CACHE_ENTRIES_MIN ? CACHE_ENTRIES_MIN : wanted > CACHE_ENTRIES_MAX ? CACHE_ENTRIES_MAX : wanted;
}

static bool write_open_data(struct load_worker *w)
{
    const struct load_settings *s = w->settings;
    struct mux_direct_tcpip m = { s->target_host, s->target_port, cx_view_text("127.0.0.1"), 1 };
    w->open_data = (struct cx_span){ w->open_room, sizeof w->open_room };
    w->open_data.len = mux_direct_tcpip_write(w->open_data, &m);
    return w->open_data.len > 0;
}

static bool add_watches(struct load_worker *w)
{
    w->wake = (struct gw_watch){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .on_ready = on_wake };
    w->tick = (struct gw_watch){ .fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), .on_ready = on_wake };
    return w->wake.fd >= 0 && w->tick.fd >= 0 && gw_loop_add(w->loop, &w->wake) && gw_loop_add(w->loop, &w->tick);
}

static bool make_conns(struct load_worker *w)
{
    unsigned channels = w->settings->channels;
    w->conns = calloc(w->share.connections, sizeof *w->conns);
    w->channels = calloc((size_t)w->share.connections * channels, sizeof *w->channels);
    if (!w->conns || !w->channels)
        return false;
    for (unsigned i = 0; i < w->share.connections; i++) {
        load_conn_init(&w->conns[i], w, &w->channels[(size_t)i * channels], w->share.first + i);
        load_worker_enqueue(w, &w->conns[i]);
    }
    for (unsigned i = 0; i < load_worker_channels(w); i++)
        w->channels[i].turn = i;
    return true;
}

/* In an order in which load_worker_free can take back any beginning of it. */
static bool set_up(struct load_worker *w)
{
    if (!gw_area_init(&w->receive_area, LOAD_RECEIVE_AREA_BYTES) || !gw_area_init(&w->send_area, LOAD_SEND_AREA_BYTES) ||
        !(w->loop = gw_loop_new()) || !add_watches(w))
        return false;
    errno = ENOMEM;
    w->shared.cache = cx_packet_cache_new(cache_entries(&w->share), cx_kernels_current());
    if (!w->shared.cache || cx_private_key_parse(w->settings->key_text, cx_view(NULL, 0), &w->key) != CX_OK)
        return false;
    w->sign_alg = sign_alg_of(cx_private_key_type(w->key));
    return write_open_data(w) && make_conns(w);
}

struct load_worker *load_worker_new(const struct load_settings *settings, const struct load_share *share,
                                    const _Atomic unsigned *phase)
{
    struct load_worker *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->settings = settings;
    w->share = *share;
    w->phase = phase;
    w->work = load_works[settings->mode];
    w->budget.left_bytes = INT64_MAX;
    w->shared.random = cx_random_system(&w->random_pool);
    w->shared.budget = &w->budget;
    w->ready.end = &w->ready.first;
    w->waiting.end = &w->waiting.first;
    w->wake.fd = w->tick.fd = -1;
    w->connect_timer.fire = on_connect_timer;
    w->cut_timer.fire = on_cut_timer;
    if (set_up(w))
        return w;
    int saved_errno = errno;
    load_worker_free(w);
    errno = saved_errno;
    return NULL;
}

void load_worker_free(struct load_worker *w)
{
    if (!w)
        return;
    free(w->channels);
    free(w->conns);
    cx_private_key_free(w->key);
    cx_packet_cache_free(w->shared.cache);
    gw_loop_free(w->loop);
    if (w->tick.fd >= 0)
        close(w->tick.fd);
    if (w->wake.fd >= 0)
        close(w->wake.fd);
    gw_area_deinit(&w->send_area);
    gw_area_deinit(&w->receive_area);
    free(w);
}

/* ---- lists and counts ---- */

static void append(struct load_list *list, struct load_conn *c)
{
    if (c->listed)
        return;
    c->listed = true;
    c->next = NULL;
    *list->end = c;
    list->end = &c->next;
}

static struct load_conn *take_first(struct load_list *list)
{
    struct load_conn *c = list->first;
    list->first = c->next;
    if (!list->first)
        list->end = &list->first;
    c->listed = false;
    return c;
}

/* A connection that waits for its turn to connect has nothing to be served, and so one link does for both lists. */
void load_worker_mark(struct load_worker *w, struct load_conn *c)
{
    append(&w->ready, c);
}

void load_worker_enqueue(struct load_worker *w, struct load_conn *c)
{
    append(&w->waiting, c);
}

void load_worker_fault(struct load_worker *w, enum load_fault_kind kind, const char *text)
{
    load_faults_add(&w->tally.faults, kind, cx_view_text(text), 1);
    load_count(&w->tally.live.faults, 1);
}

void load_worker_latency(struct load_worker *w, const struct load_conn *c, uint64_t ns)
{
    if (!c->slow && load_phase_of(w) == LOAD_MEASURE)
        bench_histogram_add(&w->tally.latency_ns, ns);
}

const struct load_tally *load_worker_tally(const struct load_worker *w)
{
    return &w->tally;
}

/* ---- rounds ---- */

/* As many as may be under way, at the pace that was asked for. A burst does not make up for time in which nothing waited. */
static void connect_waiting(struct load_worker *w)
{
    double rate = w->share.connects_per_second;
    while (w->waiting.first && w->logins < w->share.connects_at_once) {
        uint64_t now = load_now_ns();
        if (rate > 0 && load_pace_next_ns(&w->connect_pace) > now) {
            gw_timer_set(w->loop, &w->connect_timer, load_pace_next_ns(&w->connect_pace));
            return;
        }
        if (rate > 0 && load_pace_next_ns(&w->connect_pace) + LONGEST_NAP_NS < now)
            w->connect_pace = load_pace(now, rate);
        w->connect_pace.next++;
        load_conn_connect(take_first(&w->waiting));
    }
}

/* Work begins: channels that are open are told. */
static void begin_work(struct load_worker *w)
{
    double rate = w->share.echoes_per_second;
    w->working = true;
    if (w->share.cuts_per_second > 0)
        gw_timer_set(w->loop, &w->cut_timer, load_now_ns() + (uint64_t)(1e9 / w->share.cuts_per_second));
    if (rate > 0) /* the threads' turns stand between each other */
        w->echo_pace = load_pace(load_now_ns() + (uint64_t)(w->share.index * 1e9 / rate / w->share.threads), rate);
    for (unsigned i = 0; i < load_worker_channels(w); i++) {
        struct load_channel *ch = &w->channels[i];
        bool ready = w->work->opens_first ? ch->state == LOAD_CHANNEL_OPEN : ch->conn->phase == LOAD_CONN_UP;
        if (ready)
            w->work->begin(ch);
        if (ready)
            load_worker_mark(w, ch->conn);
    }
}

/* Hands out the turns that are due, and sets the clock to the next. */
static void take_turns(struct load_worker *w)
{
    if (w->share.echoes_per_second <= 0 || !w->work->turn)
        return;
    uint64_t now = load_now_ns();
    while (load_pace_next_ns(&w->echo_pace) <= now)
        w->work->turn(&w->channels[w->echo_pace.next++ % load_worker_channels(w)]);
    uint64_t next = load_pace_next_ns(&w->echo_pace);
    struct itimerspec at = { .it_value = { (time_t)(next / 1000000000u), (long)(next % 1000000000u) } };
    int err = timerfd_settime(w->tick.fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(err == 0);
    w->tick.ready = 0;
}

/* Serves what stood in the list when the pass began; what is marked meanwhile is behind it. */
static void serve_ready(struct load_worker *w)
{
    struct load_conn *const *end = w->ready.end;
    while (w->ready.first) {
        bool is_last = end == &w->ready.first->next;
        load_conn_serve(take_first(&w->ready));
        if (is_last)
            return;
    }
}

static void stop(struct load_worker *w)
{
    for (unsigned i = 0; i < load_worker_channels(w); i++)
        w->tally.behind += w->channels[i].due + (w->channels[i].expected > 0);
    for (unsigned i = 0; i < w->share.connections; i++)
        load_conn_stop(&w->conns[i]);
}

static void *run(void *arg)
{
    struct load_worker *w = arg;
    if (w->share.connects_per_second > 0)
        w->connect_pace = load_pace(load_now_ns(), w->share.connects_per_second);
    for (;;) {
        unsigned phase = load_phase_of(w);
        if (phase == LOAD_STOP)
            break;
        if (phase != LOAD_RAMP && !w->working)
            begin_work(w);
        if (w->working)
            take_turns(w);
        connect_waiting(w);
        gw_loop_round(w->loop, !w->ready.first);
        serve_ready(w);
    }
    stop(w);
    return NULL;
}

bool load_worker_start(struct load_worker *w)
{
    errno = pthread_create(&w->thread, NULL, run, w);
    w->started = errno == 0;
    return w->started;
}

void load_worker_wake(struct load_worker *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->wake.fd, &one, sizeof one);
    assert(n == sizeof one);
}

void load_worker_join(struct load_worker *w)
{
    if (w->started)
        pthread_join(w->thread, NULL);
    w->started = false;
}

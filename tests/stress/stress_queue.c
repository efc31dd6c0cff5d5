/* SPDX-License-Identifier: MIT */
/* Queues between several workers, each a thread with an inbox and a loop, under randomised schedules: clients that offer, wait,
 * give up and go, connects that fail, timeouts, members that join and leave, operators, reloads. What must hold: the limits; every
 * patient request is answered in the end (a lost wake-up hangs, and the watchdog says so); all mail comes home; all counters end at
 * zero. */
#include <pthread.h>
#include <unistd.h>

#include "gateway/queues/queue_priv.h"
#include "schedule.h"

enum { WORKERS = 4, HELD = 24, USERS = 5, QUEUES = 3, WATCHDOG_SECONDS = 60, TIGHT_LIMIT = 3 };

static const uint64_t ms_ns = 1000000;

#define HEAD "ListenAddress 127.0.0.1:1\nHostKey /k\nAuthorizedKeysFile /k/%u\n"

/* Reloads go from one to the other. TIGHT_LIMIT is the larger of the limits of `tight`. */
static const char *const texts[2] = {
    HEAD "Queue open\nTarget a:1 maxconn 2\nTarget b:1 maxconn 3 weight 2\nTarget c:1 maxconn 1 backup\nAllow *\n"
         "Queue tight\nMaxConn 2\nTarget a:1\nBalance leastconn\nMaxQueue 40\nAllow *\n"
         "Queue fair\nPerUserMaxConn 1\nTarget a:1 maxconn 4\nBalance random\nAllow *\n",
    HEAD "Queue open\nTarget a:1 maxconn 1\nTarget d:1 maxconn 2\nBalance source\nHoldForConsumer yes\nAllow *\n"
         "Queue tight\nMaxConn 3\nTarget a:1\nTarget b:1 maxconn 1\nAllow *\n"
         "Queue fair\nPerUserMaxConn 2\nMaxConn 5\nTarget a:1\nAllow *\n",
};

struct worker;

struct held {
    struct worker *worker;
    struct gw_request *request; /* NULL: free, or served and gone */
    bool is_patient;            /* neither times out nor gives up */
    bool is_answered, is_served;
    struct gw_queue *queue;
    struct gw_member *member; /* taken by a request that was served and is gone; NULL: none */
};

struct worker {
    pthread_t thread;
    unsigned index;
    uint64_t seed, end_ns;
    struct gw_inbox inbox;
    struct gw_watch wake;
    struct gw_loop *loop;
    struct gw_timer nap;
    struct held held[HELD];
    struct gw_membership membership;
    enum { AWAY, JOINING, MEMBER, LEAVING } membership_state;
    uint64_t offered, granted, refused, given_up, failed, joined;
};

static struct gw_registry *registry;
static struct gw_config *configs[2][2]; /* by text, and by patience */
static struct worker workers[WORKERS];

static void on_wake(struct gw_watch *w)
{
    (void)w; /* every round looks into the inbox */
}

static void on_nap(struct gw_timer *t, uint64_t now_ns)
{
    (void)t;
    (void)now_ns;
}

static bool one_in(struct worker *w, unsigned n)
{
    return schedule_next(&w->seed) % n == 0;
}

/* ---- requests ---- */

static void on_answered(struct gw_request *r, void *owner)
{
    struct held *h = owner;
    enum gw_answer answer = gw_request_answer(r);
    STRESS_REQUIRE(answer != GW_ANSWER_NONE && answer != GW_ANSWER_MEMORY, "answer %d", (int)answer);
    STRESS_REQUIRE(!h->is_patient || answer != GW_ANSWER_TIMED_OUT, "a patient request timed out");
    STRESS_REQUIRE(!h->is_answered, "answered twice");
    h->is_answered = true;
    if (answer == GW_ANSWER_GRANTED)
        h->worker->granted++;
    else
        h->worker->refused++;
}

static void offer(struct worker *w, struct held *h)
{
    static const char *const users[USERS] = { "alice", "bob", "carol", "dave", "eve" };
    struct gw_addr source = { .family = AF_INET, .bytes = { 10, 0, 0, (uint8_t)(schedule_next(&w->seed) % 16) } };
    bool is_patient = one_in(w, 2);
    const struct gw_config *config = configs[one_in(w, 2)][is_patient];
    struct gw_request_setup setup = { .registry = registry,
                                      .worker = w->index,
                                      .snapshot = config,
                                      .terms = &config->queues[schedule_next(&w->seed) % QUEUES],
                                      .user = users[schedule_next(&w->seed) % USERS],
                                      .source = &source,
                                      .answered = on_answered,
                                      .owner = h };
    *h = (struct held){ .worker = w, .is_patient = is_patient, .request = gw_request_new(&setup) };
    STRESS_REQUIRE(h->request, "out of memory");
    w->offered++;
    gw_request_offer(h->request);
}

static bool is_held(const struct held *h)
{
    return h->request || h->member;
}

static void release(struct held *h)
{
    if (h->member)
        gw_member_give(h->member);
    else
        gw_request_release(h->request);
    h->member = NULL;
    h->request = NULL;
}

/* One step of what a client may do next. */
static void advance(struct worker *w, struct held *h)
{
    if (!h->is_answered) {
        if (!h->is_patient && one_in(w, 8)) {
            w->given_up++;
            release(h);
        }
    } else if (h->is_served || gw_request_answer(h->request) != GW_ANSWER_GRANTED) {
        release(h);
    } else if (one_in(w, 4)) {
        h->is_answered = false;
        w->failed++;
        gw_request_failed(h->request);
    } else {
        h->is_served = true;
        h->queue = gw_request_queue(h->request);
        h->member = gw_request_served(h->request);
        if (h->member)
            h->request = NULL;
    }
}

/* Of the queue, and of its member that has the same limit in all configurations that name it. */
static void check_limits(struct worker *w)
{
    struct gw_queue *q = gw_registry_queue(registry, "tight");
    struct gw_queue_stats stats;
    gw_queue_stats(q, &stats);
    STRESS_REQUIRE(stats.active <= TIGHT_LIMIT, "%u tunnels at once", stats.active);
    struct gw_member_stats m;
    for (size_t at = 0; gw_queue_members(q, gw_loop_now_ns(w->loop), &at, &m, 1) == 1;)
        STRESS_REQUIRE(strcmp(m.text, "b:1") != 0 || m.active <= 1, "%u tunnels at once at b:1", m.active);
}

/* ---- members, operators, reloads ---- */

static void on_joined(struct gw_membership *m, bool ok)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, membership));
    STRESS_REQUIRE(ok && w->membership_state == JOINING, "joined in state %d", (int)w->membership_state);
    w->membership_state = MEMBER;
    w->joined++;
}

static void on_left(struct gw_membership *m)
{
    struct worker *w = (struct worker *)((char *)m - offsetof(struct worker, membership));
    STRESS_REQUIRE(w->membership_state == LEAVING, "left in state %d", (int)w->membership_state);
    gw_destination_drop(m->destination);
    w->membership_state = AWAY;
}

static void leave(struct worker *w)
{
    w->membership_state = LEAVING;
    gw_member_leave(&w->membership);
}

static void come_and_go(struct worker *w)
{
    if (w->membership_state == JOINING || w->membership_state == MEMBER) {
        leave(w);
        return;
    }
    if (w->membership_state == LEAVING)
        return;
    char text[32];
    snprintf(text, sizeof text, "member of worker %u", w->index);
    w->membership = (struct gw_membership){ .queue = gw_registry_queue(registry, "open"),
                                            .worker = w->index,
                                            .destination = gw_destination_new(GW_TARGET_ECHO, text, "", 0),
                                            .terms = { 1 + w->index, GW_WEIGHT_ONE, false },
                                            .joined = on_joined,
                                            .left = on_left };
    w->membership_state = JOINING;
    gw_member_join(&w->membership);
}

static void meddle(struct worker *w)
{
    if (one_in(w, 50))
        come_and_go(w);
    if (one_in(w, 200))
        STRESS_REQUIRE(gw_registry_apply(registry, w->index, configs[one_in(w, 2)][0]), "out of memory");
    if (one_in(w, 200))
        gw_member_drain(gw_registry_queue(registry, "tight"), "b:1", one_in(w, 2));
    if (one_in(w, 100)) {
        struct gw_member_stats members[8];
        size_t at = 0;
        while (gw_queue_members(gw_registry_queue(registry, "open"), gw_loop_now_ns(w->loop), &at, members, 8) > 0)
            ;
    }
}

/* ---- a worker ---- */

static void round_once(struct worker *w, bool may_wait)
{
    gw_timer_set(w->loop, &w->nap, gw_loop_now_ns(w->loop) + ms_ns);
    gw_loop_round(w->loop, may_wait);
    gw_inbox_serve(&w->inbox, w);
    schedule_pause(&w->seed);
}

/* Takes back what is answered. True: something is still out. */
static bool finish(struct worker *w)
{
    bool out = w->membership_state != AWAY;
    if (w->membership_state == JOINING || w->membership_state == MEMBER)
        leave(w);
    for (unsigned i = 0; i < HELD; i++) {
        struct held *h = &w->held[i];
        if (is_held(h) && (h->is_answered || !h->is_patient))
            release(h);
        out |= is_held(h);
    }
    return out;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    while (schedule_now_ns() < w->end_ns) {
        for (unsigned n = 0; n < 4; n++) {
            struct held *h = &w->held[schedule_next(&w->seed) % HELD];
            if (is_held(h))
                advance(w, h);
            else
                offer(w, h);
            schedule_pause(&w->seed);
        }
        meddle(w);
        check_limits(w);
        round_once(w, one_in(w, 16));
    }
    while (finish(w))
        round_once(w, true);
    gw_registry_drain(registry);
    while (!gw_registry_idle(registry))
        round_once(w, true);
    gw_timer_cancel(w->loop, &w->nap);
    return NULL;
}

/* ---- life ---- */

static struct gw_config *parse(const char *text, uint64_t queue_timeout_ns)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_parse(text, "stress", error);
    STRESS_REQUIRE(c, "%s", error);
    for (size_t i = 0; i < c->queue_count; i++)
        c->queues[i].queue_timeout_ns = queue_timeout_ns;
    return c;
}

static void set_up(uint64_t seed)
{
    registry = gw_registry_new(WORKERS);
    for (unsigned i = 0; i < 2; i++) {
        configs[i][0] = parse(texts[i], 3 * ms_ns);
        configs[i][1] = parse(texts[i], 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker *w = &workers[i];
        w->index = i;
        w->seed = schedule_next(&seed) | 1;
        w->end_ns = schedule_now_ns() + SCHEDULE_SECONDS * 1000 * ms_ns;
        w->nap.fire = on_nap;
        w->loop = gw_loop_new();
        STRESS_REQUIRE(gw_inbox_init(&w->inbox) && w->loop, "no worker");
        w->wake = (struct gw_watch){ .fd = w->inbox.wake_fd, .on_ready = on_wake };
        STRESS_REQUIRE(gw_loop_add(w->loop, &w->wake), "no watch");
        gw_registry_seat(registry, i, &w->inbox, w->loop);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        STRESS_REQUIRE(gw_registry_apply(registry, i, configs[0][0]), "out of memory");
}

static void tear_down(void)
{
    for (struct gw_queue *q = gw_registry_next(registry, NULL); q; q = gw_registry_next(registry, q)) {
        struct gw_queue_stats stats;
        gw_queue_stats(q, &stats);
        STRESS_REQUIRE(stats.active == 0 && stats.waiting == 0, "%s: %u active, %u waiting", gw_queue_name(q), stats.active,
                       stats.waiting);
        struct gw_member_stats m;
        for (size_t at = 0; gw_queue_members(q, 0, &at, &m, 1) == 1;)
            STRESS_REQUIRE(m.active == 0, "%s of %s: %u active", m.text, gw_queue_name(q), m.active);
    }
    gw_registry_free(registry);
    for (unsigned i = 0; i < WORKERS; i++) {
        gw_inbox_deinit(&workers[i].inbox);
        gw_loop_free(workers[i].loop);
    }
    for (unsigned i = 0; i < 4; i++) {
        STRESS_REQUIRE(atomic_load(&configs[i / 2][i % 2]->users) == 1, "a snapshot is still held");
        gw_config_drop(configs[i / 2][i % 2]);
    }
}

int main(void)
{
    gw_log_init(STDERR_FILENO, GW_LOG_QUIET, "stress_queue");
    alarm(WATCHDOG_SECONDS); /* a request that is never answered would wait for ever */
    set_up(schedule_seed("stress_queue"));
    for (unsigned i = 0; i < WORKERS; i++)
        STRESS_REQUIRE(pthread_create(&workers[i].thread, NULL, run, &workers[i]) == 0, "no thread");
    uint64_t offered = 0, granted = 0, refused = 0, given_up = 0, failed = 0, joined = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        offered += workers[i].offered;
        granted += workers[i].granted;
        refused += workers[i].refused;
        given_up += workers[i].given_up;
        failed += workers[i].failed;
        joined += workers[i].joined;
    }
    tear_down();
    printf("stress_queue: %llu offered, %llu granted, %llu refused, %llu given up, %llu failed connects, %llu members joined\n",
           (unsigned long long)offered, (unsigned long long)granted, (unsigned long long)refused, (unsigned long long)given_up,
           (unsigned long long)failed, (unsigned long long)joined);
    return 0;
}

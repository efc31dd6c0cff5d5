/* SPDX-License-Identifier: MIT */
/* A patient is a member that is checked: once an interval, at whose end the check under way has failed and the next one begins.
 *
 * As in HAProxy, a member begins up, and its first check alone may take it down; later it takes `fall` failures in a row, and
 * `rise` successes to come back. A name that cannot be resolved is a failure like any other. What changes is logged, not what is
 * checked.
 *
 * All patients of a snapshot are checked at once when it comes, so that what is dead is known soon. From then on they are spread
 * over their intervals: the second check of each is later than an interval by another share of it.
 *
 * Checks begin and go on in gw_health_serve alone: timers and consumers only mark. */
#include "gateway/health/health.h"

#include <stdlib.h>

#include "gateway/health/check.h"
#include "gateway/queues/member.h"
#include "gateway/queues/stats.h"

enum {
    BUCKET_BITS = 10, /* of patients: a reload finds each by its member */
    SLOW_STEPS = 50,
    SLOW_FIRST = 10, /* its weight begins at a tenth: at much less, round robin would make it wait for its second request beyond the
                        slow start's end */
};

struct patient {
    struct patient *next; /* in its bucket */
    struct patient *marked_next;
    struct gw_health *health;
    struct gw_queue *queue;
    struct gw_member *member;
    const struct gw_target *target; /* of the snapshot that is held */
    uint64_t connect_timeout_ns;
    struct gw_check *check; /* NULL: idle */
    struct gw_timer timer, slow_timer;
    uint64_t slow_since_ns; /* 0: its weight is whole */
    unsigned in_row;        /* results against its state */
    bool marked, is_due, is_down, is_named;
    bool is_spread; /* its second check of this snapshot was put off */
};

struct gw_health {
    struct gw_health_setup setup;
    const struct gw_config *config; /* NULL: none yet */
    struct patient *patients[1 << BUCKET_BITS];
    struct patient *marked;
    uint32_t spread; /* the last share of an interval, in 2^-32 */
};

static void mark(void *owner)
{
    struct patient *p = owner;
    if (p->marked)
        return;
    p->marked = true;
    p->marked_next = p->health->marked;
    p->health->marked = p;
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct patient *p = (struct patient *)((char *)t - offsetof(struct patient, timer));
    p->is_due = true;
    mark(p);
}

/* ---- slow start ---- */

static void set_weight(struct patient *p, uint64_t now_ns)
{
    uint64_t whole = (uint64_t)p->target->weight * GW_WEIGHT_ONE, all_ns = p->target->slowstart_ns;
    uint64_t gone_ns = now_ns > p->slow_since_ns ? now_ns - p->slow_since_ns : 0;
    if (p->slow_since_ns == 0 || gone_ns >= all_ns) {
        p->slow_since_ns = 0;
        gw_member_set_weight(p->member, (unsigned)whole);
        return;
    }
    double share = 1.0 / SLOW_FIRST + (1 - 1.0 / SLOW_FIRST) * (double)gone_ns / (double)all_ns;
    gw_member_set_weight(p->member, (unsigned)((double)whole * share));
    gw_timer_set(p->health->setup.loop, &p->slow_timer, now_ns + all_ns / SLOW_STEPS);
}

static void on_slow_timer(struct gw_timer *t, uint64_t now_ns)
{
    set_weight((struct patient *)((char *)t - offsetof(struct patient, slow_timer)), now_ns);
}

static void begin_slowly(struct patient *p)
{
    if (p->target->slowstart_ns == 0)
        return;
    p->slow_since_ns = gw_loop_now_ns(p->health->setup.loop);
    set_weight(p, p->slow_since_ns);
}

/* ---- checks ---- */

/* Steps of the golden ratio: however many there are, they lie evenly. */
static uint64_t put_off_ns(struct patient *p, uint64_t interval_ns)
{
    if (p->is_spread)
        return 0;
    p->is_spread = true;
    p->health->spread += 0x9e3779b9u;
    return (uint64_t)((double)interval_ns * p->health->spread / 4294967296.0);
}

static void begin_check(struct patient *p)
{
    const struct gw_health_setup *s = &p->health->setup;
    uint64_t interval_ns = p->target->check.interval_ns;
    struct gw_check_setup setup = {
        .dns = s->dns,
        .linger = s->linger,
        .target = p->target,
        .connect_timeout_ns =
            p->connect_timeout_ns > 0 && p->connect_timeout_ns < interval_ns ? p->connect_timeout_ns : interval_ns,
        .wake = mark,
        .owner = p,
    };
    gw_timer_set(s->loop, &p->timer, gw_loop_now_ns(s->loop) + interval_ns + put_off_ns(p, interval_ns));
    p->check = gw_check_new(&setup); /* where there is no memory for one, the timer tries again */
    mark(p);                         /* it may have ended already */
}

static void change(struct patient *p, bool down, const char *why)
{
    p->is_down = down;
    p->in_row = 0;
    gw_log(GW_LOG_INFO, "Member %s of queue %s is %s%s%s", p->target->text, gw_queue_name(p->queue), down ? "down" : "up again",
           down ? ": " : "", down ? why : "");
    if (!down)
        begin_slowly(p);
    gw_member_set_down(p->queue, p->member, down ? why : NULL);
}

static void take_result(struct patient *p, enum gw_check_result result, const char *why)
{
    if (result == GW_CHECK_UNKNOWN)
        return;
    bool failed = result == GW_CHECK_FAILED;
    if (failed == p->is_down)
        p->in_row = 0;
    else if (++p->in_row >= (failed ? p->target->check.fall : p->target->check.rise))
        change(p, failed, why);
}

static void end_check(struct patient *p)
{
    gw_check_free(p->check);
    p->check = NULL;
}

static void serve(struct patient *p)
{
    bool is_due = p->is_due;
    p->is_due = false;
    if (p->check) {
        const char *why = "it did not answer in time";
        enum gw_check_result result = gw_check_progress(p->check, &why);
        if (result == GW_CHECK_RUNNING && !is_due)
            return;
        end_check(p);
        take_result(p, result == GW_CHECK_RUNNING ? GW_CHECK_FAILED : result, why);
    }
    if (is_due)
        begin_check(p);
}

void gw_health_serve(struct gw_health *h)
{
    while (h->marked) {
        struct patient *p = h->marked;
        h->marked = p->marked_next;
        p->marked = false;
        serve(p);
    }
}

/* ---- snapshots ---- */

struct gw_health *gw_health_new(const struct gw_health_setup *setup)
{
    struct gw_health *h = calloc(1, sizeof *h);
    if (h)
        h->setup = *setup;
    return h;
}

static void end_timers(struct patient *p)
{
    gw_timer_cancel(p->health->setup.loop, &p->timer);
    gw_timer_cancel(p->health->setup.loop, &p->slow_timer);
}

void gw_health_free(struct gw_health *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < 1 << BUCKET_BITS; i++) {
        for (struct patient *p = h->patients[i], *next; p; p = next) {
            next = p->next;
            end_timers(p);
            gw_check_free(p->check);
            free(p);
        }
    }
    if (h->config)
        gw_config_drop(h->config);
    free(h);
}

static struct patient **bucket_of(struct gw_health *h, const struct gw_member *m)
{
    return &h->patients[(uintptr_t)m * 0x9e3779b97f4a7c15ull >> (64 - BUCKET_BITS)];
}

static struct patient *find(struct gw_health *h, const struct gw_member *m)
{
    struct patient *p = *bucket_of(h, m);
    while (p && p->member != m)
        p = p->next;
    return p;
}

static struct patient *new_patient(struct gw_health *h, struct gw_queue *q, struct gw_member *m, const struct gw_target *target)
{
    struct patient *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->health = h;
    p->queue = q;
    p->member = m;
    p->timer.fire = on_timer;
    p->slow_timer.fire = on_slow_timer;
    p->in_row = target->check.fall - 1;
    struct patient **bucket = bucket_of(h, m);
    p->next = *bucket;
    *bucket = p;
    return p;
}

/* What is under way was begun by other terms, maybe, and begins anew. */
static bool apply_target(struct gw_health *h, struct gw_queue *q, const struct gw_queue_config *terms,
                         const struct gw_target *target)
{
    struct gw_member *m = gw_member_configured(q, target->text);
    struct patient *p = m ? find(h, m) : NULL;
    if (!p && m)
        p = new_patient(h, q, m, target);
    if (!p)
        return false;
    end_check(p);
    end_timers(p);
    p->target = target;
    p->connect_timeout_ns = target->connect_timeout_ns > 0 ? target->connect_timeout_ns : terms->connect_timeout_ns;
    p->is_named = p->is_due = true;
    p->is_spread = false;
    set_weight(p, gw_loop_now_ns(h->setup.loop));
    return true;
}

/* Who is checked no more is up as far as checks go. */
static void dismiss_unnamed(struct patient **link)
{
    while (*link) {
        struct patient *p = *link;
        p->marked = false;
        if (p->is_named) {
            p->is_named = false;
            mark(p);
            link = &p->next;
            continue;
        }
        *link = p->next;
        end_check(p);
        end_timers(p);
        if (p->is_down)
            gw_member_set_down(p->queue, p->member, NULL);
        free(p);
    }
}

bool gw_health_apply(struct gw_health *h, const struct gw_config *config)
{
    const struct gw_config *older = h->config;
    bool ok = true;
    h->config = gw_config_hold(config);
    for (size_t i = 0; i < config->queue_count; i++) {
        const struct gw_queue_config *terms = &config->queues[i];
        struct gw_queue *q = gw_registry_queue(h->setup.registry, terms->name);
        for (size_t n = 0; q && gw_queue_home(q) == h->setup.worker && n < terms->target_count; n++)
            if (terms->targets[n].check.on)
                ok &= apply_target(h, q, terms, &terms->targets[n]);
        ok &= q != NULL;
    }
    h->marked = NULL;
    for (size_t i = 0; i < 1 << BUCKET_BITS; i++)
        dismiss_unnamed(&h->patients[i]);
    if (older)
        gw_config_drop(older);
    return ok;
}

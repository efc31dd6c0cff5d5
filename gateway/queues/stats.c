/* SPDX-License-Identifier: MIT */
/* Queue times are kept as a histogram of eight buckets an octave of microseconds: enough for percentiles, and nothing to allocate,
 * to lock or to forget. */
#include "gateway/queues/stats.h"

#include <stdio.h>

#include "gateway/queues/queue_priv.h"

void gw_stats_queue_time(struct gw_queue *q, uint64_t waited_ns)
{
    unsigned bucket = gw_bucket_of(waited_ns / 1000, GW_TIME_BITS);
    unsigned last = GW_TIME_BUCKETS - 1;
    atomic_fetch_add_explicit(&q->queue_times[bucket < last ? bucket : last], 1, memory_order_relaxed);
}

/* The time that `share` of 100 did not wait longer than. */
static uint64_t percentile(const uint64_t times[GW_TIME_BUCKETS], uint64_t all, unsigned share)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < GW_TIME_BUCKETS; i++) {
        below += times[i];
        if (below > 0 && below * 100 >= all * share)
            return gw_bucket_begin(i, GW_TIME_BITS);
    }
    return 0;
}

void gw_queue_stats(const struct gw_queue *q, struct gw_queue_stats *out)
{
    uint64_t times[GW_TIME_BUCKETS], all = 0;
    for (unsigned i = 0; i < GW_TIME_BUCKETS; i++)
        all += times[i] = atomic_load_explicit(&q->queue_times[i], memory_order_relaxed);
    *out = (struct gw_queue_stats){
        .is_named = atomic_load_explicit(&q->is_named, memory_order_relaxed),
        .active = atomic_load_explicit(&q->active, memory_order_relaxed),
        .limit = atomic_load_explicit(&q->limit, memory_order_relaxed),
        .waiting = atomic_load_explicit(&q->waiting, memory_order_relaxed),
        .served = atomic_load_explicit(&q->served, memory_order_relaxed),
        .failed = atomic_load_explicit(&q->failed, memory_order_relaxed),
        .queue_time_p50_us = percentile(times, all, 50),
        .queue_time_p99_us = percentile(times, all, 99),
    };
    for (unsigned i = 0; i < GW_ANSWER_COUNT; i++)
        out->refused[i] = atomic_load_explicit(&q->refused[i], memory_order_relaxed);
}

static enum gw_member_state state_of(uint64_t state)
{
    if (!(state & GW_STATE_PRESENT) || state & GW_STATE_LEFT)
        return GW_MEMBER_LEAVING;
    if (state & GW_STATE_DRAINING)
        return GW_MEMBER_DRAINING;
    return state & GW_STATE_DOWN ? GW_MEMBER_DOWN : GW_MEMBER_UP;
}

/* False: nobody's slot. Under the queue's lock. */
static bool fill(const struct gw_member *m, uint64_t now_ns, struct gw_member_stats *out)
{
    /* acquire: of one that is present the terms are there too */
    uint64_t state = atomic_load_explicit(&m->state, memory_order_acquire);
    unsigned active = atomic_load_explicit(&m->active, memory_order_relaxed);
    if (!m->destination || (!(state & GW_STATE_PRESENT) && active == 0))
        return false;
    *out = (struct gw_member_stats){
        .kind = m->destination->kind,
        .state = state_of(state),
        .backup = (state & GW_STATE_BACKUP) != 0,
        .marked = atomic_load_explicit(&m->marked_until_ns, memory_order_relaxed) > now_ns,
        .active = active,
        .limit = atomic_load_explicit(&m->limit, memory_order_relaxed),
        .weight = atomic_load_explicit(&m->weight, memory_order_relaxed),
        .whole_weight = atomic_load_explicit(&m->whole_weight, memory_order_relaxed),
        .served = atomic_load_explicit(&m->served, memory_order_relaxed),
        .failed = atomic_load_explicit(&m->failed, memory_order_relaxed),
    };
    if (out->state == GW_MEMBER_DOWN)
        out->down_reason = atomic_load_explicit(&m->down_reason, memory_order_relaxed);
    snprintf(out->text, sizeof out->text, "%s", m->destination->text);
    return true;
}

size_t gw_queue_members(struct gw_queue *q, uint64_t now_ns, size_t *at, struct gw_member_stats *out, size_t room)
{
    size_t filled = 0;
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_acquire);
    pthread_mutex_lock(&q->lock);
    while (*at < count && filled < room)
        filled += fill(gw_queue_member(q, (unsigned)(*at)++), now_ns, &out[filled]);
    pthread_mutex_unlock(&q->lock);
    return filled;
}

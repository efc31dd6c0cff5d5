/* SPDX-License-Identifier: MIT */
/* Round robin over a queue's targets. The cursor moves once a request, not once a try, so that a dead member's share is spread
 * by the members' order behind it and the even turn of new requests is kept. */
#include "gateway/queues/queue.h"

#include <assert.h>

static void drop_snapshot(struct gw_request *r)
{
    if (r->snapshot)
        gw_config_drop(r->snapshot);
    r->snapshot = NULL;
    r->terms = NULL;
    r->target = NULL;
}

static void drop_member(struct gw_request *r)
{
    if (!r->member)
        return;
    atomic_fetch_sub_explicit(&r->member->active, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&r->queue->active, 1, memory_order_relaxed);
    r->member = NULL;
}

static bool grant_next(struct gw_request *r)
{
    if (r->tried == r->terms->target_count)
        return false;
    const struct gw_target *target = &r->terms->targets[(r->first + r->tried) % r->terms->target_count];
    r->tried++;
    struct gw_member *m = gw_registry_member(r->queue, target->text);
    if (!m)
        return false;
    atomic_fetch_add_explicit(&m->active, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->queue->active, 1, memory_order_relaxed);
    r->member = m;
    r->target = target;
    r->granted(r);
    return true;
}

bool gw_queue_offer(struct gw_registry *registry, struct gw_request *r, const struct gw_config *snapshot,
                    const struct gw_queue_config *terms)
{
    *r = (struct gw_request){ .granted = r->granted, .snapshot = gw_config_hold(snapshot), .terms = terms };
    r->queue = gw_registry_queue(registry, terms->name);
    if (r->queue && terms->target_count > 0) {
        r->first = atomic_fetch_add_explicit(&r->queue->cursor, 1, memory_order_relaxed) % (unsigned)terms->target_count;
        if (grant_next(r))
            return true;
    }
    gw_queue_release(r);
    return false;
}

bool gw_queue_failed(struct gw_request *r)
{
    assert(r->member && r->target);
    atomic_fetch_add_explicit(&r->member->failed, 1, memory_order_relaxed);
    drop_member(r);
    if (grant_next(r))
        return true;
    atomic_fetch_add_explicit(&r->queue->failed, 1, memory_order_relaxed);
    gw_queue_release(r);
    return false;
}

void gw_queue_served(struct gw_request *r)
{
    assert(r->member && r->target);
    atomic_fetch_add_explicit(&r->member->served, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->queue->served, 1, memory_order_relaxed);
    drop_snapshot(r);
}

void gw_queue_release(struct gw_request *r)
{
    drop_member(r);
    drop_snapshot(r);
}

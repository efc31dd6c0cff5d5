/* SPDX-License-Identifier: MIT */
/* A request between two workers: the one that owns the channel which asks (the owner), and the one that owns what moves in the
 * queue (its home). They may be the same; the words are.
 *
 * What is shared is counters: of the queue and of each member, how many slots are taken and how many there are; and of the queue,
 * how many requests `waiting` for the home's answer. Everything else has one owner at a time:
 *
 *   new       the owner's.
 *   asked     the home's, from the moment that home_mail is posted until it has posted answer_mail. It waits in the home's line, or
 *             is on its way there. The owner may do one thing: abandon it.
 *   granted   the owner's. It holds one of the queue's slots and one of a member's.
 *   served    the connect has come about. The slots pass to the owner's caller, who may keep them for days, and the request is
 * freed; but one that the home counts for its user stays, without its snapshot, to tell the home when it is over. refused   the
 * owner's; it holds nothing. gone      from release on, to the owner's caller. What is left of it comes home by itself and is
 * freed.
 *
 * Fast path. While nobody waits, the owner takes the slots itself (pool.c), and the home never hears of it. A queue with
 * PerUserMaxConn has no fast path, since only the home counts users.
 *
 * No wake-up is lost. Whoever asks the home first raises `waiting`, and the home looks at the slots after that. Whoever gives slots
 * back (or brings a member up, ends its mark, or raises a limit) does so first, and then looks at `waiting`; where somebody waits,
 * the home is poked and looks again. All of this is sequentially consistent, so that one of the two sees the other. A taker that
 * holds the queue's slot for a moment and finds no member may make another one believe that the queue is full: a fast path that
 * fails asks the home, which looks again, and whom the home disturbs so, asks the home too. One that holds a member's slot for a
 * moment, and finds that the member has changed, gives it back as if it had had it. So nobody sleeps beside a free slot
 * (tests/model/queue.pml proves it, of slots; of marks pool.c tells).
 *
 * A poke is one flag and one node in the queue: whoever raises the flag posts the node; the home lowers the flag, and then looks.
 *
 * Abandoning (the client is gone). cancel_mail follows home_mail to the home, which takes the request out of its line if it is
 * there still, and sends cancel_mail back in either case: cancelled, or answered already. Mail between two threads keeps its order,
 * so an answer that was under way arrives before cancel_mail does: a grant that finds its request abandoned gives the slots back.
 * When cancel_mail is home, all mail is, and the request is freed.
 *
 * A retry (the member could not be connected) gives its slots back and asks again, in front of the line; the members it has tried
 * are passed over. QueueTimeout bounds what it waits in all its tries; connecting is ConnectTimeout's. (HAProxy begins `timeout
 * queue` anew with each redispatch, so that a request may wait as often as members fail it.) What the home has counted for a user
 * stays counted until the request is over; then home_mail carries the request there a last time, and the home frees it.
 *
 * A worker that drains starts no requests, and none ends before all workers drain and all requests of all of them are gone
 * (gw_registry_idle), so that every word finds somebody who reads it. */
#include "gateway/queues/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/observe/log.h"
#include "gateway/queues/queue_priv.h"

static uint64_t hash_source(const struct gw_addr *a)
{
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < sizeof a->bytes; i++)
        h = (h ^ a->bytes[i]) * 1099511628211ull;
    return (h ^ a->family) * 1099511628211ull;
}

struct gw_request *gw_request_new(const struct gw_request_setup *setup)
{
    struct gw_queue *q = gw_registry_queue(setup->registry, setup->terms->name);
    size_t len = strlen(setup->user) + 1;
    struct gw_request *r = q ? calloc(1, sizeof *r + len) : NULL;
    if (!r)
        return NULL;
    r->registry = setup->registry;
    r->queue = q;
    r->worker = setup->worker;
    r->answered = setup->answered;
    r->owner = setup->owner;
    r->snapshot = gw_config_hold(setup->snapshot);
    r->terms = setup->terms;
    r->home_mail.deliver = gw_home_on_offer;
    r->answer_mail.deliver = gw_request_on_answer;
    r->source_hash = hash_source(setup->source);
    r->tries_left = setup->terms->retries + 1;
    memcpy(r->user, setup->user, len);
    gw_registry_enter(r->registry);
    return r;
}

static void drop_snapshot(struct gw_request *r)
{
    if (r->snapshot)
        gw_config_drop(r->snapshot);
    r->snapshot = NULL;
    r->terms = NULL;
}

static void dispose(struct gw_request *r)
{
    assert(!r->member && !r->line_user && !r->counted_user);
    drop_snapshot(r);
    gw_destination_drop(r->destination);
    free(r);
}

void gw_request_free(struct gw_request *r)
{
    struct gw_registry *registry = r->registry;
    dispose(r);
    gw_registry_leave(registry);
}

/* ---- slots ---- */

void gw_request_poke(struct gw_queue *q)
{
    if (!atomic_exchange(&q->poked, true))
        gw_inbox_send(gw_queue_home_inbox(q), &q->poke_mail);
}

void gw_request_look_who_waits(struct gw_queue *q)
{
    if (atomic_load(&q->waiting) > 0)
        gw_request_poke(q);
}

static void give_slots(struct gw_queue *q, struct gw_member *m)
{
    gw_pool_give(q, m);
    gw_request_look_who_waits(q);
}

static void give_back(struct gw_request *r)
{
    give_slots(r->queue, r->member);
    r->member = NULL;
}

void gw_member_give(struct gw_member *m)
{
    struct gw_registry *registry = m->queue->registry;
    give_slots(m->queue, m);
    gw_registry_leave(registry);
}

/* ---- asking ---- */

static uint64_t now_ns(const struct gw_request *r)
{
    return gw_loop_now_ns(gw_registry_seat_of(r->registry, r->worker)->loop);
}

static bool take_directly(struct gw_request *r)
{
    struct gw_queue *q = r->queue;
    if (atomic_load(&q->waiting) > 0 || atomic_load(&q->home_only) || gw_pool_take(q, r, r->asked_ns) != GW_TAKE_OK)
        return false;
    r->state = GW_REQUEST_GRANTED;
    r->answer = GW_ANSWER_GRANTED;
    gw_stats_queue_time(q, 0);
    return true;
}

static void ask_home(struct gw_request *r)
{
    r->state = GW_REQUEST_ASKED;
    r->answer = GW_ANSWER_NONE;
    atomic_fetch_add(&r->queue->waiting, 1);
    gw_inbox_send(gw_queue_home_inbox(r->queue), &r->home_mail);
}

/* A retry has what is left of its time. Once nothing is, it gets a place that is free now, or is told how long it has waited. */
static uint64_t deadline_ns(const struct gw_request *r)
{
    uint64_t whole_ns = r->terms->queue_timeout_ns;
    if (whole_ns == 0)
        return 0;
    return r->asked_ns + (whole_ns > r->waited_ns ? whole_ns - r->waited_ns : 0);
}

void gw_request_offer(struct gw_request *r)
{
    assert(r->state == GW_REQUEST_NEW && r->snapshot);
    r->asked_ns = now_ns(r);
    r->deadline_ns = deadline_ns(r);
    r->tries_left--;
    if (take_directly(r))
        r->answered(r, r->owner);
    else
        ask_home(r);
}

void gw_request_failed(struct gw_request *r)
{
    assert(r->state == GW_REQUEST_GRANTED);
    struct gw_member *m = r->member;
    r->tried[r->tried_count++] = (r->member_state >> 32 << 32) | m->index;
    /* What was dialled was the client's choice: that it could not be connected says nothing of what the next one asks for. */
    if (r->destination->kind == GW_TARGET_DIAL)
        atomic_fetch_add_explicit(&m->failed, 1, memory_order_relaxed);
    else if (gw_pool_failed(m, now_ns(r)))
        gw_log(GW_LOG_INFO, "Member %s of queue %s: %u connects in a row have failed; avoided for a while", r->destination->text,
               r->queue->name, GW_MARK_AFTER);
    give_back(r);
    r->state = GW_REQUEST_NEW;
    if (r->tries_left > 0) {
        gw_request_offer(r);
        return;
    }
    atomic_fetch_add_explicit(&r->queue->failed, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->queue->refused[GW_ANSWER_FAILED], 1, memory_order_relaxed);
    r->state = GW_REQUEST_REFUSED;
    r->answer = GW_ANSWER_FAILED;
    r->answered(r, r->owner);
}

struct gw_member *gw_request_served(struct gw_request *r)
{
    assert(r->state == GW_REQUEST_GRANTED);
    struct gw_member *m = r->member;
    r->state = GW_REQUEST_SERVED;
    if (gw_pool_connected(m))
        gw_request_look_who_waits(r->queue);
    atomic_fetch_add_explicit(&r->queue->served, 1, memory_order_relaxed);
    if (r->is_counted) {
        drop_snapshot(r);
        return NULL;
    }
    r->member = NULL;
    dispose(r); /* the registry hears of it when the slots are given back */
    return m;
}

/* ---- the end ---- */

/* All mail is home. */
static void finish(struct gw_request *r)
{
    drop_snapshot(r);
    if (!r->is_counted) {
        gw_request_free(r);
        return;
    }
    r->home_mail.deliver = gw_home_on_return;
    gw_inbox_send(gw_queue_home_inbox(r->queue), &r->home_mail);
}

void gw_request_release(struct gw_request *r)
{
    assert(!r->is_abandoned);
    if (r->state == GW_REQUEST_ASKED) {
        r->is_abandoned = true;
        r->cancel_mail.deliver = gw_home_on_cancel;
        gw_inbox_send(gw_queue_home_inbox(r->queue), &r->cancel_mail);
        return;
    }
    if (r->member)
        give_back(r);
    finish(r);
}

/* ---- answers ---- */

void gw_request_on_answer(struct gw_mail *m, void *receiver)
{
    struct gw_request *r = (struct gw_request *)((char *)m - offsetof(struct gw_request, answer_mail));
    (void)receiver;
    r->state = r->answer == GW_ANSWER_GRANTED ? GW_REQUEST_GRANTED : GW_REQUEST_REFUSED;
    if (!r->is_abandoned)
        r->answered(r, r->owner);
    else if (r->member)
        give_back(r); /* nobody wants it any more */
}

void gw_request_on_cancelled(struct gw_mail *m, void *receiver)
{
    struct gw_request *r = (struct gw_request *)((char *)m - offsetof(struct gw_request, cancel_mail));
    (void)receiver;
    finish(r);
}

/* ---- what the owner asks ---- */

enum gw_answer gw_request_answer(const struct gw_request *r)
{
    return r->answer;
}

struct gw_queue *gw_request_queue(const struct gw_request *r)
{
    return r->queue;
}

struct gw_destination *gw_request_destination(const struct gw_request *r)
{
    return r->destination;
}

uint64_t gw_request_connect_timeout_ns(const struct gw_request *r)
{
    uint64_t own_ns = r->member ? atomic_load_explicit(&r->member->connect_timeout_ns, memory_order_relaxed) : 0;
    return own_ns > 0 ? own_ns : r->terms->connect_timeout_ns;
}

bool gw_request_sends_proxy(const struct gw_request *r)
{
    return r->member && atomic_load_explicit(&r->member->sends_proxy, memory_order_relaxed);
}

const struct gw_queue_config *gw_request_terms(const struct gw_request *r)
{
    return r->terms;
}

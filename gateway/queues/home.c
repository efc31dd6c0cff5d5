/* SPDX-License-Identifier: MIT */
/* The home's side of a queue: its line, the timeouts of who waits, and the terms that its configuration sets. See the essay at the
 * head of request.c. Everything here runs in the home's worker; nothing here touches a request after its answer was posted, for
 * by then its owner may have freed it. */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "gateway/queues/queue_priv.h"

/* ---- answers ---- */

static void answer(struct gw_queue *q, struct gw_request *r, enum gw_answer answer)
{
    gw_timer_cancel(gw_queue_home_loop(q), &r->timer);
    r->answer = answer;
    atomic_fetch_sub(&q->waiting, 1);
    gw_inbox_send(gw_registry_seat_of(q->registry, r->worker)->inbox, &r->answer_mail);
}

/* It is in no line any more. */
static void refuse(struct gw_queue *q, struct gw_request *r, enum gw_answer why)
{
    atomic_fetch_add_explicit(&q->refused[why], 1, memory_order_relaxed);
    if (why == GW_ANSWER_FAILED)
        atomic_fetch_add_explicit(&q->failed, 1, memory_order_relaxed);
    answer(q, r, why);
}

/* Its slots are taken. */
static void grant(struct gw_queue *q, struct gw_request *r)
{
    bool counts = q->per_user_max_conn != UINT_MAX && !r->is_counted;
    uint64_t now_ns = gw_loop_now_ns(gw_queue_home_loop(q)), waited_ns = now_ns > r->asked_ns ? now_ns - r->asked_ns : 0;
    r->is_counted |= counts;
    r->waited_ns += waited_ns;
    gw_line_grant(&q->line, r, counts);
    gw_stats_queue_time(q, waited_ns);
    answer(q, r, GW_ANSWER_GRANTED);
}

/* No member is up that it has not tried. True: it stays in the line for one to come. */
static bool holds_out(struct gw_queue *q, struct gw_request *r)
{
    if (q->hold_for_consumer)
        return true;
    gw_line_remove(&q->line, r);
    refuse(q, r, r->tried_count > 0 ? GW_ANSWER_FAILED : GW_ANSWER_NO_CONSUMER);
    return false;
}

/* All that are up have failed it. False: it may try them again, since none other has come in all that time. */
static bool avoids_them(struct gw_queue *q, const struct gw_request *r, uint64_t now_ns)
{
    uint64_t again_ns = r->asked_ns + GW_MARK_NS;
    if (now_ns >= again_ns)
        return false;
    q->again_ns = again_ns < q->again_ns ? again_ns : q->again_ns;
    return true;
}

/* ---- who is next ---- */

enum turn {
    TURN_DONE,   /* it left the line */
    TURN_PASSED, /* it waits, another one may go */
    TURN_STOP,   /* so does everybody */
};

static enum turn try_to_grant(struct gw_queue *q, struct gw_request *r)
{
    uint64_t now_ns = gw_loop_now_ns(gw_queue_home_loop(q));
    enum gw_take take = gw_pool_take(q, r, now_ns);
    if (take == GW_TAKE_TRIED && q->hold_for_consumer && !avoids_them(q, r, now_ns)) {
        r->tried_count = 0;
        take = gw_pool_take(q, r, now_ns);
    }
    switch (take) {
    case GW_TAKE_OK:
        grant(q, r);
        return TURN_DONE;
    case GW_TAKE_QUEUE_FULL:
        return TURN_STOP;
    case GW_TAKE_MEMBERS_FULL: /* those it has tried may take another one */
        return r->tried_count > 0 ? TURN_PASSED : TURN_STOP;
    case GW_TAKE_TRIED:
    case GW_TAKE_NONE:
        if (!holds_out(q, r))
            return TURN_DONE;
        return r->tried_count > 0 ? TURN_PASSED : TURN_STOP;
    }
    assert(!"a take of no kind");
    return TURN_STOP;
}

/* Retries stand first, and one that waits for a member which it has not tried must not hold up those behind it. */
static enum turn take_turn(struct gw_queue *q, struct gw_line_user *u)
{
    enum turn turn = TURN_PASSED;
    for (struct gw_request *r = TAILQ_FIRST(&u->requests), *next; r && turn == TURN_PASSED; r = next) {
        next = TAILQ_NEXT(r, line);
        if (u->granted >= q->per_user_max_conn && !r->is_counted)
            break;
        turn = try_to_grant(q, r);
    }
    return turn;
}

static void take_turns(struct gw_queue *q)
{
    struct gw_line_user *u = TAILQ_FIRST(&q->line.turns);
    while (u) {
        struct gw_line_user *next = TAILQ_NEXT(u, turns);
        enum turn turn = take_turn(q, u);
        if (turn == TURN_STOP)
            return;
        /* whoever had to let others pass is first again as soon as anything has changed */
        u = turn == TURN_DONE ? TAILQ_FIRST(&q->line.turns) : next;
    }
}

static void on_mark_end(struct gw_timer *t, uint64_t now_ns)
{
    struct gw_queue *q = (struct gw_queue *)((char *)t - offsetof(struct gw_queue, mark_timer));
    (void)now_ns;
    gw_home_serve(q);
}

void gw_home_serve(struct gw_queue *q)
{
    struct gw_loop *loop = gw_queue_home_loop(q);
    q->again_ns = UINT64_MAX;
    take_turns(q);
    uint64_t at_ns = q->line.waiting > 0 ? gw_pool_next_mark_end_ns(q, gw_loop_now_ns(loop)) : UINT64_MAX;
    at_ns = q->again_ns < at_ns ? q->again_ns : at_ns;
    if (at_ns == UINT64_MAX) {
        gw_timer_cancel(loop, &q->mark_timer);
        return;
    }
    q->mark_timer.fire = on_mark_end;
    gw_timer_set(loop, &q->mark_timer, at_ns);
}

/* ---- mail ---- */

static void on_timeout(struct gw_timer *t, uint64_t now_ns)
{
    struct gw_request *r = (struct gw_request *)((char *)t - offsetof(struct gw_request, timer));
    struct gw_queue *q = r->queue;
    (void)now_ns;
    gw_line_remove(&q->line, r);
    refuse(q, r, GW_ANSWER_TIMED_OUT);
}

void gw_home_on_offer(struct gw_mail *m, void *receiver)
{
    struct gw_request *r = (struct gw_request *)((char *)m - offsetof(struct gw_request, home_mail));
    struct gw_queue *q = r->queue;
    (void)receiver;
    /* Its owner may have switched to the snapshot that brings the queue before we did. */
    if ((!q->is_configured && !gw_home_apply(q, r->terms)) || !gw_line_add(&q->line, r)) {
        refuse(q, r, GW_ANSWER_MEMORY);
        return;
    }
    if (r->deadline_ns > 0) {
        r->timer.fire = on_timeout;
        gw_timer_set(gw_queue_home_loop(q), &r->timer, r->deadline_ns);
    }
    gw_home_serve(q);
    struct gw_request *newest = q->line.newest; /* r, if it waits */
    if (newest && q->line.waiting > q->max_queue && newest->tried_count == 0) {
        struct gw_request *excess = gw_line_excess(&q->line);
        gw_line_remove(&q->line, excess);
        refuse(q, excess, GW_ANSWER_QUEUE_FULL);
    }
}

void gw_home_on_cancel(struct gw_mail *m, void *receiver)
{
    struct gw_request *r = (struct gw_request *)((char *)m - offsetof(struct gw_request, cancel_mail));
    struct gw_queue *q = r->queue;
    (void)receiver;
    if (r->line_user) {
        gw_timer_cancel(gw_queue_home_loop(q), &r->timer);
        gw_line_remove(&q->line, r);
        atomic_fetch_sub(&q->waiting, 1);
    }
    r->cancel_mail.deliver = gw_request_on_cancelled;
    gw_inbox_send(gw_registry_seat_of(q->registry, r->worker)->inbox, &r->cancel_mail);
}

void gw_home_on_return(struct gw_mail *m, void *receiver)
{
    struct gw_request *r = (struct gw_request *)((char *)m - offsetof(struct gw_request, home_mail));
    struct gw_queue *q = r->queue;
    (void)receiver;
    gw_line_return(&q->line, r);
    gw_request_free(r);
    gw_home_serve(q); /* its user may have one more */
}

void gw_home_on_poke(struct gw_mail *m, void *receiver)
{
    struct gw_queue *q = (struct gw_queue *)((char *)m - offsetof(struct gw_queue, poke_mail));
    (void)receiver;
    atomic_store(&q->poked, false); /* before the look: what is given back behind it pokes again */
    gw_home_serve(q);
}

/* ---- terms ---- */

/* A target that was named before finds its member and counters again, even if a reload had dropped it in between. */
static bool apply_target(struct gw_queue *q, const struct gw_target *target)
{
    struct gw_member_terms terms = { .limit = target->max_conn,
                                     .weight = target->weight * GW_WEIGHT_ONE,
                                     .backup = target->backup,
                                     .connect_timeout_ns = target->connect_timeout_ns,
                                     .sends_proxy = target->sends_proxy };
    struct gw_member *m = gw_member_configured(q, target->text);
    if (m) {
        gw_member_set_terms(m, &terms);
        gw_member_set_bit(m, GW_STATE_PRESENT, true);
    } else {
        struct gw_destination *d = gw_destination_new(target->kind, target->text, target->host ? target->host : "", target->port);
        m = d ? gw_member_admit(q, d, &terms) : NULL;
        gw_destination_drop(d);
        if (!m)
            return false;
        m->is_configured = true;
    }
    m->is_named = true;
    return true;
}

/* Members that are named no more take nothing new; their tunnels live on. */
static void dismiss_unnamed(struct gw_queue *q)
{
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++) {
        struct gw_member *m = gw_queue_member(q, i);
        if (m->is_configured && !m->is_named)
            gw_member_set_bit(m, GW_STATE_PRESENT, false);
        m->is_named = false;
    }
}

bool gw_home_apply(struct gw_queue *q, const struct gw_queue_config *terms)
{
    bool ok = true;
    q->is_configured = true;
    atomic_store_explicit(&q->is_named, terms != NULL, memory_order_relaxed);
    if (terms) {
        atomic_store(&q->limit, terms->max_conn);
        atomic_store(&q->balance, terms->balance);
        atomic_store(&q->home_only, terms->per_user_max_conn != UINT_MAX);
        q->per_user_max_conn = terms->per_user_max_conn;
        q->max_queue = terms->max_queue;
        q->hold_for_consumer = terms->hold_for_consumer;
    } else {
        /* Who asks by an older snapshot is released by its owner, which learns from the newer one that there is no such queue. Who
         * asks by a still newer one, which brings it back, waits until we have that, too. */
        q->hold_for_consumer = true;
        q->max_queue = UINT_MAX;
    }
    for (size_t i = 0; terms && i < terms->target_count; i++)
        ok &= apply_target(q, &terms->targets[i]);
    dismiss_unnamed(q);
    gw_home_serve(q);
    return ok;
}

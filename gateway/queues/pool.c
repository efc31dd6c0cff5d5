/* SPDX-License-Identifier: MIT */
/* Which member a request gets. Any worker, at any time, without a lock: the members are looked over, one is chosen, and its slot is
 * taken by compare-and-swap; whoever comes too late looks again.
 *
 * What keeps a slot from being given to a member that has just gone: a taker raises `active` and then reads the state again, the
 * home clears the state and then reads `active` (both sequentially consistent), so that either the taker sees the member gone, or
 * the home sees it held and does not use the slot again.
 *
 * Tiers. Members whose connects have failed GW_MARK_AFTER times in a row are marked: for GW_MARK_NS they are the last choice, and
 * then one request tries them again. A mark alone never leaves a queue without members: where all are marked, they are used as they
 * are. A mark that ends lets requests through that wait for other members: where it ends by time, the home's timer looks again;
 * where a connect that came about ends it, whoever ends it pokes the home. Backups serve while no other member is up, full or not.
 *
 * Round robin is start-time fair queueing: each member has a virtual time, advanced by SCALE / weight at each pick; the smallest is
 * next. A time that has fallen behind the queue's (the start of the last pick) counts as that: who was full, down or is new gets no
 * more than its share when it comes back. The other ways of balancing use it to decide between equals.
 *
 * Source: rendezvous hashing, -weight / ln(u) with u drawn from the hash of member and source; when a member goes, only its own
 * sources move, and when a weight changes, only as many as it must. A source whose member is full gets the next best one. */
#include <assert.h>
#include <math.h>

#include "gateway/queues/queue_priv.h"

enum { VTIME_SCALE_BITS = 32 };

/* Better tiers first. */
enum tier { TIER_UP, TIER_BACKUP, TIER_MARKED, TIER_MARKED_BACKUP, TIER_TRIED, TIER_NONE };

struct candidate {
    struct gw_member *member; /* NULL: none */
    uint64_t state;
    uint64_t marked_until_ns;
    unsigned active, weight;
    uint64_t vtime;
    double score;
};

struct choice {
    enum gw_balance balance;
    uint64_t source_hash, random;
    uint64_t weights; /* of all that were considered */
    struct candidate best, second;
};

/* ---- looking ---- */

static bool was_tried(const struct gw_request *r, uint64_t state, uint32_t index)
{
    for (unsigned i = 0; i < r->tried_count; i++)
        if (r->tried[i] == ((state >> 32 << 32) | index))
            return true;
    return false;
}

static enum tier tier_of(const struct gw_request *r, uint32_t index, uint64_t now_ns, struct candidate *c)
{
    c->state = atomic_load(&c->member->state);
    if ((c->state & GW_STATE_TAKES_MASK) != GW_STATE_TAKES)
        return TIER_NONE;
    if (was_tried(r, c->state, index))
        return TIER_TRIED;
    c->marked_until_ns = atomic_load_explicit(&c->member->marked_until_ns, memory_order_relaxed);
    bool avoided = c->marked_until_ns > now_ns;
    if (c->state & GW_STATE_BACKUP)
        return avoided ? TIER_MARKED_BACKUP : TIER_BACKUP;
    return avoided ? TIER_MARKED : TIER_UP;
}

/* ---- choosing ---- */

/* splitmix64's finish: every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static double rendezvous(const struct candidate *c, uint64_t source_hash)
{
    uint64_t hash = mix(atomic_load_explicit(&c->member->hash, memory_order_relaxed) ^ mix(source_hash));
    double u = ((double)(hash >> 12) + 0.5) / (double)(1ull << 52); /* exact: within 0 and 1, neither of them */
    return -(double)c->weight / log(u);
}

/* With this request on it, a's share of its weight against b's: below 0 where a has less. */
static int compare_load(const struct candidate *a, const struct candidate *b)
{
    uint64_t left = ((uint64_t)a->active + 1) * b->weight, right = ((uint64_t)b->active + 1) * a->weight;
    return left < right ? -1 : left > right;
}

static bool is_better(const struct choice *choice, const struct candidate *a, const struct candidate *b)
{
    if (choice->balance == GW_BALANCE_SOURCE && a->score != b->score)
        return a->score > b->score;
    int load = choice->balance == GW_BALANCE_LEASTCONN ? compare_load(a, b) : 0;
    return load != 0 ? load < 0 : a->vtime < b->vtime;
}

/* Two draws by weight, each independent of the other: a candidate takes the place of those before it with its share of all weights
 * so far, so that in the end each stands there with its share of all. */
static void draw(struct choice *choice, const struct candidate *c)
{
    choice->weights += c->weight;
    struct candidate *places[] = { &choice->best, &choice->second };
    for (size_t i = 0; i < 2; i++) {
        choice->random = mix(choice->random + 0x9e3779b97f4a7c15ull);
        if (choice->random % choice->weights < c->weight)
            *places[i] = *c;
    }
}

static void consider(struct choice *choice, const struct candidate *c)
{
    if (choice->balance == GW_BALANCE_RANDOM)
        draw(choice, c);
    else if (!choice->best.member || is_better(choice, c, &choice->best))
        choice->best = *c;
}

/* False: it is full. */
static bool has_room(struct candidate *c)
{
    c->active = atomic_load(&c->member->active);
    return c->active < atomic_load_explicit(&c->member->limit, memory_order_relaxed);
}

/* Of the best tier that has a member at all, full or not. Each member is looked at once: were the tier found in a first pass, a
 * mark that comes in between would hide all members. */
static struct candidate choose(struct gw_queue *q, const struct gw_request *r, uint64_t now_ns, enum tier *best)
{
    *best = TIER_NONE;
    struct choice choice = {
        .balance = (enum gw_balance)atomic_load_explicit(&q->balance, memory_order_relaxed),
        .source_hash = r->source_hash,
        .random = atomic_fetch_add_explicit(&q->draws, 1, memory_order_relaxed),
    };
    uint64_t queue_vtime = atomic_load_explicit(&q->vtime, memory_order_relaxed);
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        struct candidate c = { .member = gw_queue_member(q, i) };
        enum tier tier = tier_of(r, i, now_ns, &c);
        if (tier > *best)
            continue;
        if (tier < *best) {
            *best = tier;
            choice.best.member = NULL; /* what was considered does not count */
            choice.weights = 0;
        }
        if (tier >= TIER_TRIED || !has_room(&c))
            continue;
        c.weight = atomic_load_explicit(&c.member->weight, memory_order_relaxed);
        c.vtime = atomic_load_explicit(&c.member->vtime, memory_order_relaxed);
        c.vtime = c.vtime > queue_vtime ? c.vtime : queue_vtime;
        if (choice.balance == GW_BALANCE_SOURCE)
            c.score = rendezvous(&c, choice.source_hash);
        consider(&choice, &c);
    }
    if (choice.balance == GW_BALANCE_RANDOM && choice.best.member && compare_load(&choice.second, &choice.best) < 0)
        return choice.second;
    return choice.best;
}

/* ---- taking ---- */

static bool take_slot(atomic_uint *active, const atomic_uint *limit)
{
    unsigned now = atomic_load(active);
    do {
        if (now >= atomic_load_explicit(limit, memory_order_relaxed))
            return false;
    } while (!atomic_compare_exchange_weak(active, &now, now + 1));
    return true;
}

static void charge(struct gw_queue *q, const struct candidate *c)
{
    uint64_t step = ((uint64_t)1 << VTIME_SCALE_BITS) / c->weight, start = c->vtime;
    uint64_t old = atomic_load_explicit(&c->member->vtime, memory_order_relaxed);
    do
        start = old > start ? old : start;
    while (
        !atomic_compare_exchange_weak_explicit(&c->member->vtime, &old, start + step, memory_order_relaxed, memory_order_relaxed));
    old = atomic_load_explicit(&q->vtime, memory_order_relaxed);
    while (old < start &&
           !atomic_compare_exchange_weak_explicit(&q->vtime, &old, start, memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Whoever is first behind the mark's end tries the member; the others see it marked again. */
static bool may_try(const struct candidate *c, uint64_t now_ns)
{
    uint64_t until = c->marked_until_ns;
    return until == 0 || until > now_ns || atomic_compare_exchange_strong(&c->member->marked_until_ns, &until, now_ns + GW_MARK_NS);
}

static bool take_member(struct gw_queue *q, struct gw_request *r, const struct candidate *c, uint64_t now_ns)
{
    struct gw_member *m = c->member;
    if (!take_slot(&m->active, &m->limit))
        return false;
    if (atomic_load(&m->state) != c->state || !may_try(c, now_ns)) {
        atomic_fetch_sub(&m->active, 1);
        gw_request_look_who_waits(q); /* the home may have seen it taken, and r may find another member */
        return false;
    }
    charge(q, c);
    gw_destination_drop(r->destination);
    r->destination = gw_destination_hold(m->destination);
    r->member = m;
    r->member_state = c->state;
    return true;
}

enum gw_take gw_pool_take(struct gw_queue *q, struct gw_request *r, uint64_t now_ns)
{
    if (!take_slot(&q->active, &q->limit))
        return GW_TAKE_QUEUE_FULL;
    for (;;) {
        enum tier tier;
        struct candidate c = choose(q, r, now_ns, &tier);
        if (c.member && take_member(q, r, &c, now_ns))
            return GW_TAKE_OK;
        if (!c.member) {
            atomic_fetch_sub(&q->active, 1);
            return tier == TIER_NONE ? GW_TAKE_NONE : tier == TIER_TRIED ? GW_TAKE_TRIED : GW_TAKE_MEMBERS_FULL;
        }
    }
}

void gw_pool_give(struct gw_queue *q, struct gw_member *m)
{
    unsigned before = atomic_fetch_sub(&m->active, 1);
    assert(before > 0);
    before = atomic_fetch_sub(&q->active, 1);
    assert(before > 0);
}

/* ---- marks ---- */

bool gw_pool_connected(struct gw_member *m)
{
    atomic_fetch_add_explicit(&m->served, 1, memory_order_relaxed);
    /* Both are asked: a connect that fails at the same time may count before this one does, and mark behind it. */
    if (atomic_load_explicit(&m->failed_in_row, memory_order_relaxed) == 0 &&
        atomic_load_explicit(&m->marked_until_ns, memory_order_relaxed) == 0)
        return false; /* the usual case dirties no line that takers read */
    atomic_store_explicit(&m->failed_in_row, 0, memory_order_relaxed);
    return atomic_exchange(&m->marked_until_ns, 0) != 0;
}

uint64_t gw_pool_next_mark_end_ns(const struct gw_queue *q, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        uint64_t end_ns = atomic_load(&gw_queue_member(q, i)->marked_until_ns);
        if (end_ns > now_ns && end_ns < next_ns)
            next_ns = end_ns;
    }
    return next_ns;
}

bool gw_pool_failed(struct gw_member *m, uint64_t now_ns)
{
    atomic_fetch_add_explicit(&m->failed, 1, memory_order_relaxed);
    unsigned in_row = atomic_fetch_add_explicit(&m->failed_in_row, 1, memory_order_relaxed) + 1;
    if (in_row >= GW_MARK_AFTER)
        atomic_store_explicit(&m->marked_until_ns, now_ns + GW_MARK_NS, memory_order_relaxed);
    return in_row == GW_MARK_AFTER;
}

/* SPDX-License-Identifier: MIT */
/* One mutex guards the tables. It is taken a few times for each tunnel that opens or ends, for a look-up in a short chain, and
 * never on the path of a byte. Queues are only ever added, so that whoever holds one needs no lock. Users come and go (a key
 * without a proved name may claim any), so an entry lives from a user's first channel to the last one, and is counted under the
 * lock.
 *
 * The end. Each worker counts itself among those that drain; what travels between workers is counted too. Whoever moves one of the
 * two counts does so first and then looks at the other (sequentially consistent), so that the last one of all sees both at their
 * ends, and wakes everybody. A worker's inbox lives until all of them are joined, so that waking one that has ended does no harm.
 */
#include "gateway/queues/registry.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/queues/queue_priv.h"

enum { QUEUE_BUCKETS = 256, USER_BUCKETS = 4096 };

struct gw_user_channels {
    struct gw_user_channels *next;
    unsigned taken;
    char name[];
};

struct waited_text {
    struct waited_text *next;
    uint64_t waited_ns;
    char text[32];
};

struct gw_registry {
    pthread_mutex_t lock;
    struct waited_text *waited_texts;
    struct gw_queue *queues[QUEUE_BUCKETS];
    struct gw_user_channels *users[USER_BUCKETS];
    _Atomic(struct gw_queue *) all; /* the first that was made, and the others behind it */
    _Atomic(struct gw_queue *) *all_end;
    unsigned next_home;
    atomic_uint travelling, draining;
    unsigned workers;
    struct gw_seat seats[];
};

/* Names are judged by the caps on logins and channels: chains cannot be made long. */
static size_t bucket_of(const char *name, size_t buckets)
{
    return (size_t)gw_queue_hash(name) % buckets;
}

struct gw_registry *gw_registry_new(unsigned workers)
{
    assert(workers > 0);
    struct gw_registry *r = calloc(1, sizeof *r + workers * sizeof *r->seats);
    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->workers = workers;
    r->all_end = &r->all;
    return r;
}

static void free_queue(struct gw_queue *q)
{
    unsigned count = atomic_load(&q->member_count);
    assert(atomic_load(&q->active) == 0 && atomic_load(&q->waiting) == 0); /* a request outlived its worker */
    for (unsigned i = 0; i < count; i++)
        gw_destination_drop(gw_queue_member(q, i)->destination);
    for (size_t i = 0; i < sizeof q->chunks / sizeof q->chunks[0]; i++)
        free(atomic_load(&q->chunks[i]));
    assert(!q->member_users); /* a membership outlived its worker */
    gw_line_deinit(&q->line);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

void gw_registry_free(struct gw_registry *r)
{
    if (!r)
        return;
    assert(atomic_load(&r->travelling) == 0);
    for (struct gw_queue *q = atomic_load(&r->all), *next; q; q = next) {
        next = atomic_load(&q->all_next);
        free_queue(q);
    }
    for (struct waited_text *t = r->waited_texts, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    for (size_t i = 0; i < USER_BUCKETS; i++)
        assert(!r->users[i]); /* a channel outlived its worker */
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void gw_registry_seat(struct gw_registry *r, unsigned i, struct gw_inbox *inbox, struct gw_loop *loop)
{
    assert(i < r->workers);
    r->seats[i] = (struct gw_seat){ inbox, loop };
}

const struct gw_seat *gw_registry_seat_of(const struct gw_registry *r, unsigned i)
{
    assert(i < r->workers && r->seats[i].inbox);
    return &r->seats[i];
}

struct gw_inbox *gw_registry_inbox(const struct gw_registry *r, unsigned i)
{
    return gw_registry_seat_of(r, i)->inbox;
}

/* ---- queues ---- */

static struct gw_queue *new_queue(struct gw_registry *r, const char *name)
{
    size_t len = strlen(name) + 1;
    struct gw_queue *q = calloc(1, sizeof *q + len);
    if (!q)
        return NULL;
    memcpy(q->name, name, len);
    q->registry = r;
    q->home = r->next_home++ % r->workers;
    q->poke_mail.deliver = gw_home_on_poke;
    q->per_user_max_conn = UINT_MAX;
    atomic_init(&q->limit, UINT_MAX);
    atomic_init(&q->draws, gw_queue_hash(name));
    pthread_mutex_init(&q->lock, NULL);
    gw_line_init(&q->line);
    /* release: who walks the list finds the queue made */
    atomic_store_explicit(r->all_end, q, memory_order_release);
    r->all_end = &q->all_next;
    return q;
}

struct gw_queue *gw_registry_queue(struct gw_registry *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    struct gw_queue **bucket = &r->queues[bucket_of(name, QUEUE_BUCKETS)];
    struct gw_queue *q = *bucket;
    while (q && strcmp(q->name, name) != 0)
        q = q->next;
    if (!q && (q = new_queue(r, name))) {
        q->next = *bucket;
        *bucket = q;
    }
    pthread_mutex_unlock(&r->lock);
    return q;
}

const char *gw_queue_name(const struct gw_queue *q)
{
    return q->name;
}

unsigned gw_queue_home(const struct gw_queue *q)
{
    return q->home;
}

struct gw_queue *gw_registry_next(const struct gw_registry *r, const struct gw_queue *q)
{
    return atomic_load_explicit(q ? &q->all_next : &r->all, memory_order_acquire);
}

bool gw_registry_apply(struct gw_registry *r, unsigned i, const struct gw_config *config)
{
    bool ok = true;
    for (size_t n = 0; n < config->queue_count; n++) {
        struct gw_queue *q = gw_registry_queue(r, config->queues[n].name);
        if (q && q->home == i) {
            ok &= gw_home_apply(q, &config->queues[n]);
            q->was_applied = true;
        }
        ok &= q != NULL;
    }
    for (struct gw_queue *q = gw_registry_next(r, NULL); q; q = gw_registry_next(r, q)) {
        if (q->home != i)
            continue;
        if (!q->was_applied)
            ok &= gw_home_apply(q, NULL); /* it is named no more */
        q->was_applied = false;
    }
    return ok;
}

const char *gw_registry_waited_text(struct gw_registry *r, uint64_t waited_ns)
{
    pthread_mutex_lock(&r->lock);
    struct waited_text *t = r->waited_texts;
    while (t && t->waited_ns != waited_ns)
        t = t->next;
    if (!t && (t = calloc(1, sizeof *t))) {
        t->waited_ns = waited_ns;
        snprintf(t->text, sizeof t->text, "waited %llu s", (unsigned long long)(waited_ns / 1000000000));
        t->next = r->waited_texts;
        r->waited_texts = t;
    }
    pthread_mutex_unlock(&r->lock);
    return t ? t->text : "waited too long";
}

/* ---- the end of the workers ---- */

bool gw_registry_idle(const struct gw_registry *r)
{
    /* draining first: once all do, nothing sets out any more */
    return atomic_load(&r->draining) == r->workers && atomic_load(&r->travelling) == 0;
}

static void wake_if_idle(struct gw_registry *r)
{
    if (!gw_registry_idle(r))
        return;
    for (unsigned i = 0; i < r->workers; i++)
        gw_inbox_wake(r->seats[i].inbox);
}

void gw_registry_enter(struct gw_registry *r)
{
    atomic_fetch_add(&r->travelling, 1);
}

void gw_registry_leave(struct gw_registry *r)
{
    unsigned before = atomic_fetch_sub(&r->travelling, 1);
    assert(before > 0);
    if (before == 1)
        wake_if_idle(r);
}

void gw_registry_drain(struct gw_registry *r)
{
    unsigned before = atomic_fetch_add(&r->draining, 1);
    assert(before < r->workers);
    wake_if_idle(r);
}

/* ---- users ---- */

struct gw_user_channels *gw_registry_user_take(struct gw_registry *r, const char *user, unsigned limit)
{
    if (limit == 0)
        return NULL;
    pthread_mutex_lock(&r->lock);
    struct gw_user_channels **bucket = &r->users[bucket_of(user, USER_BUCKETS)];
    struct gw_user_channels *u = *bucket;
    while (u && strcmp(u->name, user) != 0)
        u = u->next;
    if (!u) {
        size_t len = strlen(user) + 1;
        u = calloc(1, sizeof *u + len);
        if (u) {
            memcpy(u->name, user, len);
            u->next = *bucket;
            *bucket = u;
        }
    }
    if (u && u->taken >= limit)
        u = NULL;
    if (u)
        u->taken++;
    pthread_mutex_unlock(&r->lock);
    return u;
}

void gw_registry_user_give(struct gw_registry *r, struct gw_user_channels *u)
{
    pthread_mutex_lock(&r->lock);
    assert(u->taken > 0);
    if (--u->taken == 0) {
        struct gw_user_channels **link = &r->users[bucket_of(u->name, USER_BUCKETS)];
        while (*link != u)
            link = &(*link)->next;
        *link = u->next;
        free(u);
    }
    pthread_mutex_unlock(&r->lock);
}

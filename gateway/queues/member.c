/* SPDX-License-Identifier: MIT */
/* Slots of members. They stand in chunks that are only ever added, so that takers need no lock to look at them; a slot is used
 * again when its member is gone and nobody holds it any more (pool.c says why a late taker cannot be mistaken), under the next
 * generation, which tells a request that has tried the old member from one that has tried the new.
 *
 * The state is one word, changed by single bits from several threads: the home (present, down), an operator (draining), the owner
 * of a membership (left). */
#include "gateway/queues/member.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/queues/queue_priv.h"

/* ---- destinations ---- */

struct gw_destination *gw_destination_new(enum gw_target_kind kind, const char *text, const char *host, uint16_t port)
{
    size_t text_len = strlen(text) + 1, host_len = strlen(host) + 1;
    struct gw_destination *d = calloc(1, sizeof *d + text_len + host_len);
    if (!d)
        return NULL;
    atomic_init(&d->users, 1);
    d->kind = kind;
    d->port = port;
    memcpy(d->text, text, text_len);
    memcpy(d->text + text_len, host, host_len);
    d->host = d->text + text_len;
    return d;
}

struct gw_destination *gw_destination_hold(struct gw_destination *d)
{
    /* relaxed: whoever holds already keeps it alive */
    atomic_fetch_add_explicit(&d->users, 1, memory_order_relaxed);
    return d;
}

void gw_destination_drop(struct gw_destination *d)
{
    /* acq_rel: the last one frees behind everybody's reads */
    if (d && atomic_fetch_sub_explicit(&d->users, 1, memory_order_acq_rel) == 1)
        free(d);
}

/* ---- slots ---- */

/* One that nobody holds; NULL: there is none. Those of targets that a reload has dropped are spared while there are others: the
 * next reload may name them again, and finds their counters. */
static struct gw_member *find_free(struct gw_queue *q, bool of_targets)
{
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++) {
        struct gw_member *m = gw_queue_member(q, i);
        if (m->is_configured == of_targets && !(atomic_load(&m->state) & GW_STATE_PRESENT) && atomic_load(&m->active) == 0)
            return m;
    }
    return NULL;
}

/* One more; NULL: all are used, or out of memory. */
static struct gw_member *new_slot(struct gw_queue *q)
{
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_relaxed);
    if (count == GW_MEMBERS_MAX)
        return NULL;
    if (count % GW_MEMBERS_A_CHUNK == 0) {
        struct gw_member *chunk = calloc(GW_MEMBERS_A_CHUNK, sizeof *chunk);
        if (!chunk)
            return NULL;
        for (unsigned i = 0; i < GW_MEMBERS_A_CHUNK; i++) {
            chunk[i].queue = q;
            chunk[i].index = count + i;
        }
        atomic_store_explicit(&q->chunks[count / GW_MEMBERS_A_CHUNK], chunk, memory_order_release);
    }
    /* release: takers look at slots below the count only, and find them made */
    atomic_store_explicit(&q->member_count, count + 1, memory_order_release);
    return gw_queue_member(q, count);
}

static struct gw_member *free_slot(struct gw_queue *q)
{
    struct gw_member *m = find_free(q, false);
    if (!m)
        m = new_slot(q);
    return m ? m : find_free(q, true);
}

void gw_member_set_bit(struct gw_member *m, uint64_t bit, bool on)
{
    if (on)
        atomic_fetch_or(&m->state, bit);
    else
        atomic_fetch_and(&m->state, ~bit);
}

void gw_member_set_terms(struct gw_member *m, const struct gw_member_terms *terms)
{
    assert(terms->weight > 0 && terms->limit > 0);
    atomic_store(&m->limit, terms->limit);
    atomic_store(&m->weight, terms->weight);
    atomic_store_explicit(&m->whole_weight, terms->weight, memory_order_relaxed);
    atomic_store_explicit(&m->connect_timeout_ns, terms->connect_timeout_ns, memory_order_relaxed);
    atomic_store_explicit(&m->sends_proxy, terms->sends_proxy, memory_order_relaxed);
    gw_member_set_bit(m, GW_STATE_BACKUP, terms->backup);
}

struct gw_member *gw_member_admit(struct gw_queue *q, struct gw_destination *d, const struct gw_member_terms *terms)
{
    struct gw_member *m = free_slot(q);
    if (!m)
        return NULL;
    pthread_mutex_lock(&q->lock);
    gw_destination_drop(m->destination);
    m->destination = gw_destination_hold(d);
    pthread_mutex_unlock(&q->lock);
    m->is_configured = false;
    atomic_store_explicit(&m->hash, gw_queue_hash(d->text), memory_order_relaxed);
    atomic_store_explicit(&m->vtime, 0, memory_order_relaxed);
    atomic_store_explicit(&m->failed_in_row, 0, memory_order_relaxed);
    atomic_store_explicit(&m->marked_until_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&m->served, 0, memory_order_relaxed);
    atomic_store_explicit(&m->failed, 0, memory_order_relaxed);
    uint64_t generation = (atomic_load(&m->state) >> 32) + 1;
    atomic_store(&m->state, generation << 32);
    gw_member_set_terms(m, terms);
    gw_member_set_bit(m, GW_STATE_PRESENT, true);
    return m;
}

struct gw_destination *gw_member_destination(const struct gw_member *m)
{
    return m->destination;
}

struct gw_queue *gw_member_queue(const struct gw_member *m)
{
    return m->queue;
}

/* ---- memberships ---- */

static void send_home(struct gw_membership *m, struct gw_mail *mail, void (*deliver)(struct gw_mail *, void *))
{
    mail->deliver = deliver;
    gw_inbox_send(gw_queue_home_inbox(m->queue), mail);
}

static void send_back(struct gw_membership *m, struct gw_mail *mail, void (*deliver)(struct gw_mail *, void *))
{
    mail->deliver = deliver;
    gw_inbox_send(gw_registry_seat_of(m->queue->registry, m->worker)->inbox, mail);
}

static void on_joined(struct gw_mail *mail, void *receiver)
{
    struct gw_membership *m = (struct gw_membership *)((char *)mail - offsetof(struct gw_membership, join_mail));
    (void)receiver;
    m->answered = true;
    if (!m->leaving)
        m->joined(m, m->member != NULL);
}

static void on_left(struct gw_mail *mail, void *receiver)
{
    struct gw_membership *m = (struct gw_membership *)((char *)mail - offsetof(struct gw_membership, leave_mail));
    struct gw_registry *registry = m->queue->registry;
    (void)receiver;
    m->left(m);
    gw_registry_leave(registry);
}

static void on_join(struct gw_mail *mail, void *receiver)
{
    struct gw_membership *m = (struct gw_membership *)((char *)mail - offsetof(struct gw_membership, join_mail));
    (void)receiver;
    m->member = gw_member_admit(m->queue, m->destination, &m->terms);
    if (m->member)
        m->generation = (uint32_t)(atomic_load(&m->member->state) >> 32);
    gw_home_serve(m->queue);
    send_back(m, &m->join_mail, on_joined);
}

static void on_leave(struct gw_mail *mail, void *receiver)
{
    struct gw_membership *m = (struct gw_membership *)((char *)mail - offsetof(struct gw_membership, leave_mail));
    (void)receiver;
    if (m->member)
        gw_member_set_bit(m->member, GW_STATE_PRESENT, false);
    gw_home_serve(m->queue); /* who waits for nobody any more is told so */
    send_back(m, &m->leave_mail, on_left);
}

void gw_member_join(struct gw_membership *m)
{
    gw_registry_enter(m->queue->registry);
    m->member = NULL;
    m->answered = m->leaving = false;
    send_home(m, &m->join_mail, on_join);
}

/* PRESENT is the home's to take away: it tells whether the slot may be used for another member, which on_leave must not hit. */
void gw_member_leave(struct gw_membership *m)
{
    assert(!m->leaving);
    m->leaving = true;
    if (m->answered && m->member)
        gw_member_set_bit(m->member, GW_STATE_LEFT, true);
    send_home(m, &m->leave_mail, on_leave);
}

void gw_member_set_limit(struct gw_membership *m, unsigned limit)
{
    assert(m->answered && m->member && !m->leaving && limit > 0);
    atomic_store(&m->member->limit, limit);
    gw_request_poke(m->queue);
}

/* ---- places ---- */

/* A farm of one user's has half of all places, which is plenty; whoever else joins has half of what that leaves, and so on: nobody
 * can take all, by whatever number of connections, and there is nothing to configure. Taking places back from those who have many
 * would end tunnels that are served; and a fixed number for each user would be too small for the farm, or leave others none. */
struct gw_member_user {
    struct gw_member_user *next;
    unsigned places;
    char name[];
};

/* Of the user, or at the end. Users are as few as places. */
static struct gw_member_user **user_link(struct gw_queue *q, const char *name)
{
    struct gw_member_user **link = &q->member_users;
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

static struct gw_member_user *new_user(const char *name)
{
    size_t len = strlen(name) + 1;
    struct gw_member_user *u = calloc(1, sizeof *u + len);
    if (u)
        memcpy(u->name, name, len);
    return u;
}

struct gw_member_user *gw_member_reserve(struct gw_queue *q, const char *user, bool alone)
{
    pthread_mutex_lock(&q->lock);
    struct gw_member_user **link = user_link(q, user), *u = NULL;
    unsigned left = GW_REVERSE_MEMBERS_MAX - q->reserved, has = *link ? (*link)->places : 0;
    bool is_first = link == &q->member_users;
    if (alone ? is_first && left > 0 : has < left)
        u = *link ? *link : new_user(user);
    if (u) {
        *link = u;
        u->places++;
        q->reserved++;
    }
    pthread_mutex_unlock(&q->lock);
    return u;
}

void gw_member_unreserve(struct gw_queue *q, struct gw_member_user *u)
{
    pthread_mutex_lock(&q->lock);
    assert(q->reserved > 0 && u->places > 0);
    q->reserved--;
    if (--u->places == 0) {
        *user_link(q, u->name) = u->next;
        free(u);
    }
    pthread_mutex_unlock(&q->lock);
}

/* ---- what others decide ---- */

bool gw_member_drain(struct gw_queue *q, const char *text, bool on)
{
    bool found = false;
    pthread_mutex_lock(&q->lock);
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_acquire);
    for (unsigned i = 0; i < count; i++) {
        struct gw_member *m = gw_queue_member(q, i);
        if (!m->destination || strcmp(m->destination->text, text) != 0 || !(atomic_load(&m->state) & GW_STATE_PRESENT))
            continue;
        gw_member_set_bit(m, GW_STATE_DRAINING, on);
        found = true;
    }
    pthread_mutex_unlock(&q->lock);
    gw_request_poke(q);
    return found;
}

struct gw_member *gw_member_configured(const struct gw_queue *q, const char *text)
{
    unsigned count = atomic_load_explicit(&q->member_count, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++) {
        struct gw_member *m = gw_queue_member(q, i);
        if (m->is_configured && strcmp(m->destination->text, text) == 0)
            return m;
    }
    return NULL;
}

void gw_member_set_down(struct gw_queue *q, struct gw_member *m, const char *why)
{
    atomic_store_explicit(&m->down_reason, why, memory_order_relaxed);
    gw_member_set_bit(m, GW_STATE_DOWN, why != NULL);
    gw_home_serve(q);
}

void gw_member_set_weight(struct gw_member *m, unsigned weight)
{
    assert(weight > 0);
    atomic_store(&m->weight, weight);
}

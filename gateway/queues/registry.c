/* SPDX-License-Identifier: MIT */
/* One mutex guards the tables. It is taken a few times for each tunnel that opens or ends, for a look-up in a short chain, and
 * never on the path of a byte. Queues and members are only ever added, so that whoever holds one needs no lock; counters in
 * them are atomic. Users come and go (a key without a proved name may claim any), so an entry lives from a user's first channel
 * to the last one, and is counted under the lock. */
#include "gateway/queues/registry.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_BUCKETS = 256, USER_BUCKETS = 4096 };

struct gw_user_channels {
    struct gw_user_channels *next;
    unsigned taken;
    char name[];
};

struct gw_registry {
    pthread_mutex_t lock;
    struct gw_queue *queues[QUEUE_BUCKETS];
    struct gw_user_channels *users[USER_BUCKETS];
};

/* FNV-1a. Names are judged by the caps on logins and channels: chains cannot be made long. */
static size_t bucket_of(const char *name, size_t buckets)
{
    uint64_t h = 14695981039346656037ull;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211ull;
    return (size_t)(h ^ h >> 32) % buckets;
}

struct gw_registry *gw_registry_new(void)
{
    struct gw_registry *r = calloc(1, sizeof *r);
    if (r)
        pthread_mutex_init(&r->lock, NULL);
    return r;
}

static void free_queue(struct gw_queue *q)
{
    while (q->members) {
        struct gw_member *m = q->members;
        q->members = m->next;
        free(m);
    }
    free(q);
}

void gw_registry_free(struct gw_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < QUEUE_BUCKETS; i++)
        while (r->queues[i]) {
            struct gw_queue *q = r->queues[i];
            r->queues[i] = q->next;
            free_queue(q);
        }
    for (size_t i = 0; i < USER_BUCKETS; i++)
        assert(!r->users[i]); /* a channel outlived its worker */
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct gw_queue *gw_registry_queue(struct gw_registry *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    struct gw_queue **bucket = &r->queues[bucket_of(name, QUEUE_BUCKETS)];
    struct gw_queue *q = *bucket;
    while (q && strcmp(q->name, name) != 0)
        q = q->next;
    if (!q) {
        size_t len = strlen(name) + 1;
        q = calloc(1, sizeof *q + len);
        if (q) {
            memcpy(q->name, name, len);
            q->registry = r;
            q->next = *bucket;
            *bucket = q;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return q;
}

struct gw_member *gw_registry_member(struct gw_queue *q, const char *text)
{
    pthread_mutex_lock(&q->registry->lock);
    struct gw_member *m = q->members;
    while (m && strcmp(m->text, text) != 0)
        m = m->next;
    if (!m) {
        size_t len = strlen(text) + 1;
        m = calloc(1, sizeof *m + len);
        if (m) {
            memcpy(m->text, text, len);
            m->next = q->members;
            q->members = m;
        }
    }
    pthread_mutex_unlock(&q->registry->lock);
    return m;
}

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

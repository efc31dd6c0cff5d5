/* SPDX-License-Identifier: MIT */
/* Who waits at a queue: first come, first served within a user; users take turns. A user who offers a thousand requests at once
 * therefore delays another one's first by one grant, not by a thousand; and where the line is full, it is that user's last who is
 * sent away, not another one's first. A request that is tried again was served its turn already
 * and goes in front. The home of the queue alone. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/queues/queue_priv.h"

void gw_line_init(struct gw_line *l)
{
    *l = (struct gw_line){ 0 };
    TAILQ_INIT(&l->turns);
}

void gw_line_deinit(struct gw_line *l)
{
    for (size_t i = 0; i < GW_LINE_BUCKETS; i++)
        assert(!l->users[i]); /* a request outlived its worker */
}

static struct gw_line_user **bucket_of(struct gw_line *l, const char *name)
{
    return &l->users[gw_queue_hash(name) % GW_LINE_BUCKETS];
}

static struct gw_line_user *find_user(struct gw_line *l, const char *name)
{
    struct gw_line_user **bucket = bucket_of(l, name), *u = *bucket;
    while (u && strcmp(u->name, name) != 0)
        u = u->next;
    if (u)
        return u;
    size_t len = strlen(name) + 1;
    u = calloc(1, sizeof *u + len);
    if (!u)
        return NULL;
    memcpy(u->name, name, len);
    TAILQ_INIT(&u->requests);
    u->next = *bucket;
    *bucket = u;
    return u;
}

static void forget_if_idle(struct gw_line *l, struct gw_line_user *u)
{
    if (u->waiting > 0 || u->granted > 0)
        return;
    struct gw_line_user **link = bucket_of(l, u->name);
    while (*link != u)
        link = &(*link)->next;
    *link = u->next;
    free(u);
}

bool gw_line_add(struct gw_line *l, struct gw_request *r)
{
    struct gw_line_user *u = find_user(l, r->user);
    if (!u)
        return false;
    bool retries = r->tried_count > 0;
    if (u->waiting > 0 && retries)
        TAILQ_REMOVE(&l->turns, u, turns);
    if (retries) {
        TAILQ_INSERT_HEAD(&u->requests, r, line);
        TAILQ_INSERT_HEAD(&l->turns, u, turns);
    } else {
        TAILQ_INSERT_TAIL(&u->requests, r, line);
        if (u->waiting == 0)
            TAILQ_INSERT_TAIL(&l->turns, u, turns);
    }
    u->waiting++;
    l->waiting++;
    l->newest = r;
    r->line_user = u;
    return true;
}

static void take_out(struct gw_line *l, struct gw_request *r)
{
    struct gw_line_user *u = r->line_user;
    TAILQ_REMOVE(&u->requests, r, line);
    r->line_user = NULL;
    l->waiting--;
    if (--u->waiting == 0)
        TAILQ_REMOVE(&l->turns, u, turns);
    if (l->newest == r)
        l->newest = NULL;
}

void gw_line_remove(struct gw_line *l, struct gw_request *r)
{
    struct gw_line_user *u = r->line_user;
    take_out(l, r);
    forget_if_idle(l, u);
}

struct gw_request *gw_line_excess(struct gw_line *l)
{
    struct gw_line_user *u, *most = l->newest->line_user;
    TAILQ_FOREACH(u, &l->turns, turns)
    {
        if (u->waiting > most->waiting)
            most = u;
    }
    struct gw_request *last = TAILQ_LAST(&most->requests, gw_line_requests);
    return last->tried_count == 0 ? last : l->newest; /* who was granted before stays */
}

void gw_line_grant(struct gw_line *l, struct gw_request *r, bool counts)
{
    struct gw_line_user *u = r->line_user;
    take_out(l, r);
    if (u->waiting > 0) {
        TAILQ_REMOVE(&l->turns, u, turns);
        TAILQ_INSERT_TAIL(&l->turns, u, turns);
    }
    if (counts) {
        assert(!r->counted_user);
        u->granted++;
        r->counted_user = u;
    }
    forget_if_idle(l, u);
}

void gw_line_return(struct gw_line *l, struct gw_request *r)
{
    struct gw_line_user *u = r->counted_user;
    r->counted_user = NULL;
    assert(u->granted > 0);
    u->granted--;
    forget_if_idle(l, u);
}

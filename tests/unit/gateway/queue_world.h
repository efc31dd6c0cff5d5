/* SPDX-License-Identifier: MIT */
/* Queues without a gateway around them: one or two workers that are nothing but an inbox and a loop, in one thread. */
#ifndef QUEUE_WORLD_H
#define QUEUE_WORLD_H

#include "gateway/queues/queue_priv.h"

enum { QUEUE_WORLD_WORKERS = 2 };

struct queue_world {
    struct gw_registry *registry;
    struct gw_config *config;
    struct gw_inbox inbox[QUEUE_WORLD_WORKERS];
    struct gw_loop *loop[QUEUE_WORLD_WORKERS];
};

/* A request as its owner sees it. */
struct asked {
    struct gw_request *request; /* NULL: served and gone */
    struct gw_member *member;   /* taken by one that was served; NULL: none */
    unsigned answers;
};

/* block: what stands in `Queue web`, whose home is worker 0; Allow is given. */
void queue_world_init(struct queue_world *w, const char *block);
/* A new snapshot; workers switch at once. */
void queue_world_reload(struct queue_world *w, const char *block);
/* Asserts that all counters are at zero. */
void queue_world_deinit(struct queue_world *w);
struct gw_queue *queue_world_queue(struct queue_world *w);
/* Delivers all mail. */
void queue_world_settle(struct queue_world *w);
/* Rounds of the loops for so long, which fires timers. */
void queue_world_run(struct queue_world *w, unsigned milliseconds);
/* Offers a request of worker 1 to the queue, without delivering mail. */
void queue_world_offer(struct queue_world *w, struct asked *a, const char *user, const char *source);
/* The same and delivers. Returns the answer. */
enum gw_answer queue_world_ask(struct queue_world *w, struct asked *a, const char *user);
/* Its member was connected. */
void queue_world_serve(struct asked *a);
void queue_world_release(struct queue_world *w, struct asked *a);
const char *asked_member(const struct asked *a);
struct gw_queue_stats queue_world_stats(struct queue_world *w);
struct gw_member_stats queue_world_member(struct queue_world *w, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
#include "queue_world.h"

#include <criterion/criterion.h>
#include <unistd.h>

static struct gw_config *configure(const char *block)
{
    char text[4096], error[GW_CONFIG_ERROR_MAX];
    snprintf(text, sizeof text, "ListenAddress 127.0.0.1:2222\nHostKey /k\nAuthorizedKeysFile /k/%%u\nQueue web\n%s\nAllow *\n",
             block);
    struct gw_config *c = gw_config_parse(text, "test", error);
    cr_assert(c, "%s", error);
    return c;
}

static void apply(struct queue_world *w)
{
    for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++)
        cr_assert(gw_registry_apply(w->registry, i, w->config));
}

void queue_world_init(struct queue_world *w, const char *block)
{
    *w = (struct queue_world){ .registry = gw_registry_new(QUEUE_WORLD_WORKERS), .config = configure(block) };
    cr_assert(w->registry);
    for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++) {
        cr_assert(gw_inbox_init(&w->inbox[i]));
        w->loop[i] = gw_loop_new();
        gw_registry_seat(w->registry, i, &w->inbox[i], w->loop[i]);
    }
    apply(w);
    cr_assert_eq(gw_queue_home(queue_world_queue(w)), 0);
}

void queue_world_reload(struct queue_world *w, const char *block)
{
    gw_config_drop(w->config);
    w->config = configure(block);
    apply(w);
    queue_world_settle(w);
}

void queue_world_deinit(struct queue_world *w)
{
    queue_world_settle(w);
    struct gw_queue_stats stats = queue_world_stats(w);
    cr_assert(stats.active == 0 && stats.waiting == 0, "%u active, %u waiting", stats.active, stats.waiting);
    cr_assert(!gw_registry_idle(w->registry));
    for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++)
        gw_registry_drain(w->registry);
    cr_assert(gw_registry_idle(w->registry));
    gw_registry_free(w->registry); /* asserts that nobody waits and no member is held */
    cr_assert_eq(w->config->users, 1);
    gw_config_drop(w->config);
    for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++) {
        gw_inbox_deinit(&w->inbox[i]);
        gw_loop_free(w->loop[i]);
    }
}

struct gw_queue *queue_world_queue(struct queue_world *w)
{
    return gw_registry_queue(w->registry, "web");
}

void queue_world_settle(struct queue_world *w)
{
    for (int round = 0; round < 8; round++) /* more than any word goes to and fro */
        for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++)
            gw_inbox_serve(&w->inbox[i], w);
}

void queue_world_run(struct queue_world *w, unsigned milliseconds)
{
    uint64_t end_ns = gw_loop_now_ns(w->loop[0]) + milliseconds * 1000000ull;
    while (gw_loop_now_ns(w->loop[0]) < end_ns) {
        usleep(1000);
        for (unsigned i = 0; i < QUEUE_WORLD_WORKERS; i++)
            gw_loop_round(w->loop[i], false);
        queue_world_settle(w);
    }
}

static void on_answered(struct gw_request *r, void *owner)
{
    struct asked *a = owner;
    (void)r;
    a->answers++;
}

void queue_world_offer(struct queue_world *w, struct asked *a, const char *user, const char *source)
{
    struct gw_addr address;
    cr_assert(gw_addr_parse(&address, source));
    struct gw_request_setup setup = { .registry = w->registry,
                                      .worker = 1,
                                      .snapshot = w->config,
                                      .terms = &w->config->queues[0],
                                      .user = user,
                                      .source = &address,
                                      .answered = on_answered,
                                      .owner = a };
    a->answers = 0;
    a->member = NULL;
    a->request = gw_request_new(&setup);
    cr_assert(a->request);
    gw_request_offer(a->request);
}

enum gw_answer queue_world_ask(struct queue_world *w, struct asked *a, const char *user)
{
    queue_world_offer(w, a, user, "192.0.2.1");
    queue_world_settle(w);
    return gw_request_answer(a->request);
}

void queue_world_serve(struct asked *a)
{
    a->member = gw_request_served(a->request);
    if (a->member)
        a->request = NULL;
}

void queue_world_release(struct queue_world *w, struct asked *a)
{
    if (a->request)
        gw_request_release(a->request);
    else
        gw_member_give(a->member);
    a->request = NULL;
    queue_world_settle(w);
}

const char *asked_member(const struct asked *a)
{
    struct gw_destination *d = a->member ? gw_member_destination(a->member) : gw_request_destination(a->request);
    return d ? d->text : "";
}

struct gw_queue_stats queue_world_stats(struct queue_world *w)
{
    struct gw_queue_stats stats;
    gw_queue_stats(queue_world_queue(w), &stats);
    return stats;
}

struct gw_member_stats queue_world_member(struct queue_world *w, const char *text)
{
    struct gw_member_stats m;
    size_t at = 0;
    while (gw_queue_members(queue_world_queue(w), gw_loop_now_ns(w->loop[0]), &at, &m, 1) == 1)
        if (strcmp(m.text, text) == 0)
            return m;
    cr_assert(false, "no member %s", text);
    return m;
}

/* SPDX-License-Identifier: MIT */
/* Both ends of a pipe as tunnels see them, in one worker. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "gateway/consumers/pipe.h"
#include "gateway/engine/inbox.h"

static struct gw_registry *registry;
static struct gw_inbox inbox;
static struct gw_loop *loop;
static struct gw_consumer *near_end, *far_end;
static unsigned wakes;

static void on_wake(struct gw_consumer *c)
{
    (void)c;
    wakes++;
}

static void on_arrive(struct gw_consumer *far, void *receiver)
{
    (void)receiver;
    far_end = far;
    far->wake = on_wake;
}

/* Confirmed: both ends are open. */
static void make(void)
{
    registry = gw_registry_new(1);
    loop = gw_loop_new();
    cr_assert(gw_inbox_init(&inbox));
    gw_registry_seat(registry, 0, &inbox, loop);
    struct gw_pipe_setup setup = { .registry = registry, .arrive = on_arrive };
    near_end = gw_pipe_new((struct gw_consumer_owner){ .wake = on_wake }, &setup);
    cr_assert(near_end && near_end->state == GW_CONSUMER_CONNECTING);
    gw_inbox_serve(&inbox, NULL);
    far_end->ops->confirmed(far_end);
    near_end->ops->progress(near_end);
    cr_assert(near_end->state == GW_CONSUMER_OPEN && far_end->state == GW_CONSUMER_OPEN);
}

/* Both ends are closed. */
static void unmake(void)
{
    gw_registry_free(registry);
    gw_inbox_deinit(&inbox);
    gw_loop_free(loop);
}

/* As a tunnel does it: what is not taken waits in the inbox. */
static void send_byte(struct gw_consumer *c, uint8_t byte)
{
    struct iovec iov = { &byte, 1 };
    if (c->inbox.len > 0 || c->ops->write(c, &iov, 1) == 0)
        cr_assert(gw_bytes_append(&c->inbox, &iov, 1, 0));
}

static void read_counting(struct gw_consumer *c, size_t len)
{
    uint8_t bytes[1000];
    for (size_t got = 0; got < len;) {
        struct iovec iov = { bytes, sizeof bytes };
        enum mux_pull more;
        size_t n = c->ops->pull(c, &iov, 1, &more);
        cr_assert_gt(n, 0);
        for (size_t i = 0; i < n; i++, got++)
            cr_assert_eq(bytes[i], got % 251);
    }
}

Test(consumer_pipe, few_bytes_behind_many_are_gathered_and_none_is_lost_at_the_close)
{
    enum { SENT = 100000 };
    make();
    for (size_t i = 0; i < SENT; i++)
        send_byte(near_end, (uint8_t)(i % 251));
    cr_assert_gt(near_end->inbox.len, SENT / 2, "they wait to be written together");
    near_end->ops->close(near_end, true);
    far_end->ops->progress(far_end);
    cr_assert(far_end->readable && far_end->far_closed);
    read_counting(far_end, SENT);
    enum mux_pull more;
    cr_assert_eq(far_end->ops->pull(far_end, NULL, 0, &more), 0);
    cr_assert_eq(more, MUX_PULL_EOF);
    far_end->ops->close(far_end, true);
    unmake();
}

Test(consumer_pipe, an_end_hears_that_the_other_has_left_before_it_has_read_all)
{
    static uint8_t bytes[3000];
    make();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    struct iovec iov = { bytes, sizeof bytes };
    cr_assert_eq(far_end->ops->write(far_end, &iov, 1), sizeof bytes);
    cr_assert_eq(near_end->ops->write(near_end, &iov, 1), sizeof bytes);
    iov.iov_len = 1000;
    cr_assert_eq(near_end->ops->pull(near_end, &iov, 1, &(enum mux_pull){ 0 }), 1000);
    wakes = 0;
    near_end->ops->close(near_end, true);
    cr_assert_gt(wakes, 0);
    far_end->ops->progress(far_end);
    cr_assert(far_end->state == GW_CONSUMER_OPEN && far_end->far_closed && far_end->readable);
    cr_assert_eq(far_end->drained, 1000);
    cr_assert_eq(far_end->lost, 2000, "its sender must not wait for credit that nobody gives");
    cr_assert_eq(far_end->ops->write(far_end, &iov, 1), -1);
    read_counting(far_end, sizeof bytes);
    far_end->ops->close(far_end, true);
    unmake();
}

/* SPDX-License-Identifier: MIT */
/* The loop on socket pairs: readiness as bits, one registration, removal in the middle of a round, timers that are never early. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/engine/loop.h"

struct end {
    struct gw_watch watch; /* first */
    unsigned called;
    struct gw_loop *loop;
    struct end *removes;
};

static void on_ready(struct gw_watch *w)
{
    struct end *e = (struct end *)w;
    e->called++;
    if (e->removes) {
        gw_loop_remove(e->loop, &e->removes->watch);
        e->removes = NULL;
    }
}

static struct gw_loop *loop;
static struct end ends[2];

static void set_up(void)
{
    int pair[2];
    loop = gw_loop_new();
    cr_assert(loop);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct end){ .watch = { .fd = pair[i], .on_ready = on_ready }, .loop = loop };
        cr_assert(gw_loop_add(loop, &ends[i].watch));
    }
}

static void tear_down(void)
{
    for (int i = 0; i < 2; i++)
        close(ends[i].watch.fd);
    gw_loop_free(loop);
}

Test(loop, a_new_socket_is_writable_and_not_readable, .init = set_up, .fini = tear_down)
{
    gw_loop_round(loop, false);
    cr_assert_eq(ends[0].watch.ready, GW_WRITABLE);
    cr_assert_eq(ends[1].watch.ready, GW_WRITABLE);
}

Test(loop, bits_stay_until_they_are_cleared_and_edges_come_once, .init = set_up, .fini = tear_down)
{
    cr_assert_eq(write(ends[0].watch.fd, "x", 1), 1);
    gw_loop_round(loop, false);
    unsigned called = ends[1].called;
    cr_assert(ends[1].watch.ready & GW_READABLE);
    gw_loop_round(loop, false);
    cr_assert_eq(ends[1].called, called, "no second edge for the same byte");
    cr_assert(ends[1].watch.ready & GW_READABLE);
    cr_assert_eq(write(ends[0].watch.fd, "y", 1), 1);
    gw_loop_round(loop, false);
    cr_assert_gt(ends[1].called, called, "a new byte is a new edge");
}

/* The first end, registered anew, sends to the second until nothing more goes in. */
static size_t fill_as_reader(void)
{
    char bytes[4096] = { 0 };
    size_t sent = 0;
    gw_loop_remove(loop, &ends[0].watch);
    cr_assert(gw_loop_add_reader(loop, &ends[0].watch));
    cr_assert_eq(ends[0].watch.ready, GW_WRITABLE, "from the start");
    for (ssize_t n; (n = write(ends[0].watch.fd, bytes, sizeof bytes)) > 0;)
        sent += (size_t)n;
    return sent;
}

static void drain(size_t bytes)
{
    char room[4096];
    for (ssize_t n; bytes > 0 && (n = read(ends[1].watch.fd, room, sizeof room)) > 0;)
        bytes -= (size_t)n;
    cr_assert_eq(bytes, 0);
}

Test(loop, a_reader_is_not_woken_by_who_takes_what_it_wrote, .init = set_up, .fini = tear_down)
{
    size_t sent = fill_as_reader();
    gw_loop_round(loop, false);
    ends[0].called = 0;
    drain(sent);
    gw_loop_round(loop, false);
    cr_assert_eq(ends[0].called, 0);
}

Test(loop, a_reader_that_met_a_full_socket_hears_of_room_once, .init = set_up, .fini = tear_down)
{
    size_t sent = fill_as_reader();
    gw_loop_await_writing(loop, &ends[0].watch);
    gw_loop_round(loop, false);
    cr_assert_eq(ends[0].watch.ready & GW_WRITABLE, 0);
    drain(sent);
    gw_loop_round(loop, false);
    cr_assert(ends[0].watch.ready & GW_WRITABLE);

    ends[0].called = 0;
    cr_assert_eq(write(ends[0].watch.fd, "x", 1), 1);
    drain(1);
    gw_loop_round(loop, false);
    cr_assert_eq(ends[0].called, 0, "a reader again");
}

Test(loop, room_that_came_before_a_reader_waits_for_it_is_told, .init = set_up, .fini = tear_down)
{
    drain(fill_as_reader());
    gw_loop_await_writing(loop, &ends[0].watch);
    gw_loop_round(loop, false);
    cr_assert(ends[0].watch.ready & GW_WRITABLE);
}

Test(loop, the_end_of_the_peer_is_a_hang_up_that_can_be_read, .init = set_up, .fini = tear_down)
{
    cr_assert_eq(shutdown(ends[0].watch.fd, SHUT_WR), 0);
    gw_loop_round(loop, false);
    cr_assert_eq(ends[1].watch.ready & (GW_READABLE | GW_HUNG_UP), GW_READABLE | GW_HUNG_UP);
}

Test(loop, what_was_removed_is_not_called_even_if_its_event_was_fetched, .init = set_up, .fini = tear_down)
{
    /* both ends become ready in the same round; whichever comes first removes the other */
    ends[0].removes = &ends[1];
    ends[1].removes = &ends[0];
    gw_loop_round(loop, false);
    cr_assert_eq(ends[0].called + ends[1].called, 1);
}

static unsigned fired;
static uint64_t fired_at_ns;

static void fire(struct gw_timer *t, uint64_t now_ns)
{
    (void)t;
    fired++;
    fired_at_ns = now_ns;
}

Test(loop, a_timer_fires_once_and_never_early, .init = set_up, .fini = tear_down)
{
    struct gw_timer t = { .fire = fire };
    fired = 0;
    gw_loop_round(loop, false); /* takes the first edges away, so that the next rounds wait */
    for (unsigned i = 0; i < 5; i++) {
        uint64_t at_ns = gw_loop_now_ns(loop) + 1000000 + i * 300001;
        gw_timer_set(loop, &t, at_ns);
        while (fired == i)
            gw_loop_round(loop, true);
        cr_assert_geq(fired_at_ns, at_ns);
        cr_assert_eq(t.at_ns, 0);
    }
}

Test(loop, a_round_that_may_not_wait_does_not, .init = set_up, .fini = tear_down)
{
    struct gw_timer t = { .fire = fire };
    fired = 0;
    gw_loop_round(loop, false);
    gw_timer_set(loop, &t, gw_loop_now_ns(loop) + 3600ull * 1000000000);
    gw_loop_round(loop, false); /* would hang for an hour */
    cr_assert_eq(fired, 0);
    gw_timer_cancel(loop, &t);
}

Test(loop, a_descriptor_that_moves_is_reported_to_whom_it_moved)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    loop = gw_loop_new();
    struct end from = { .watch = { .fd = fds[0], .on_ready = on_ready } };
    struct end to = { .watch = { .fd = -1, .on_ready = on_ready } };
    cr_assert(gw_loop_add(loop, &from.watch));
    gw_loop_round(loop, false);
    cr_assert(from.called == 1 && from.watch.ready == GW_WRITABLE);
    gw_loop_move(loop, &from.watch, &to.watch);
    cr_assert(from.watch.fd == -1 && to.watch.fd == fds[0] && to.watch.ready == GW_WRITABLE, "what was known is not told again");
    cr_assert_eq(write(fds[1], "x", 1), 1);
    gw_loop_round(loop, false);
    cr_assert(from.called == 1 && to.called == 1 && (to.watch.ready & GW_READABLE));
    gw_loop_close(loop, &to.watch);
    cr_assert(to.watch.fd == -1 && fcntl(fds[0], F_GETFD) < 0);
    close(fds[1]);
    gw_loop_free(loop);
}

Test(loop, a_number_that_is_used_again_hears_nothing_of_the_one_before)
{
    int a[2], b[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
    loop = gw_loop_new();
    struct end first = { .watch = { .fd = a[0], .on_ready = on_ready } };
    cr_assert(gw_loop_add(loop, &first.watch));
    cr_assert_eq(write(a[1], "x", 1), 1);
    int number = a[0];
    gw_loop_close(loop, &first.watch); /* readable, and not told yet */
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
    cr_assert_eq(b[0], number);
    struct end second = { .watch = { .fd = b[0], .on_ready = on_ready } };
    cr_assert(gw_loop_add(loop, &second.watch));
    gw_loop_round(loop, false);
    cr_assert(first.called == 0 && second.called == 1 && second.watch.ready == GW_WRITABLE);
    gw_loop_close(loop, &second.watch);
    close(a[1]);
    close(b[1]);
    gw_loop_free(loop);
}

static unsigned idled;

static void on_idle(void)
{
    idled++;
}

Test(loop, it_is_idle_once_until_something_happens, .init = set_up, .fini = tear_down)
{
    struct gw_timer t = { .fire = fire };
    gw_loop_on_idle(loop, on_idle);
    gw_loop_round(loop, true); /* both may be written */
    cr_assert_eq(idled, 0);
    gw_loop_round(loop, true);
    cr_assert_eq(idled, 1, "a second has passed");
    for (unsigned times = 1; times <= 2; times++) { /* the timer is what happens */
        gw_timer_set(loop, &t, gw_loop_now_ns(loop) + 1500000000);
        while (fired < times)
            gw_loop_round(loop, true);
        cr_assert_eq(idled, times);
    }
}

/* SPDX-License-Identifier: MIT */
/* The worker's line to the monitor, with the test as the monitor: numbers, order, late answers, audit records that wait. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/engine/link.h"

struct question {
    struct gw_link_request request; /* first */
    uint32_t index;
    unsigned answers;
    bool opened;
};

static struct gw_loop *loop;
static struct gw_link *monitor_link;
static int monitor_fd;
static uint8_t room[GW_IPC_DATAGRAM_MAX];

static void build(const struct gw_link_request *q, struct gw_ipc_record *r)
{
    r->type = GW_IPC_OPEN_KEYS;
    r->open_keys.user = cx_view_text("alice");
    r->open_keys.index = ((const struct question *)q)->index;
}

static void answer(struct gw_link_request *q, const struct gw_ipc_record *r, int fd)
{
    struct question *one = (struct question *)q;
    one->answers++;
    one->opened = r->keys.opened;
    cr_assert_eq(fd >= 0, r->keys.opened);
    if (fd >= 0)
        close(fd);
}

static void set_up(void)
{
    int pair[2];
    loop = gw_loop_new();
    cr_assert(gw_ipc_pair(pair));
    monitor_link = gw_link_new(loop, pair[0]);
    monitor_fd = pair[1];
    cr_assert(loop && monitor_link);
    gw_loop_round(loop, false);
}

static void tear_down(void)
{
    gw_link_free(monitor_link);
    gw_loop_free(loop);
    close(monitor_fd);
}

static struct question question(uint32_t index)
{
    return (struct question){ .request = { .build = build, .answer = answer }, .index = index };
}

/* One datagram as the monitor sees it; the number of records, their ids in ids[]. */
static unsigned receive(uint64_t *ids, unsigned most)
{
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count, n = 0;
    ssize_t len = gw_ipc_receive(monitor_fd, room, fds, &fd_count);
    if (len <= 0)
        return 0;
    struct cx_view datagram = { room, (size_t)len };
    struct gw_ipc_record r;
    while (gw_ipc_next(&datagram, &r) == 1 && n < most)
        ids[n++] = r.id;
    return n;
}

static void say(uint64_t id, int fd)
{
    struct gw_ipc_out out;
    struct gw_ipc_record r = { .type = GW_IPC_KEYS, .id = id, .keys = { .opened = fd >= 0, .last = true } };
    cr_assert(gw_ipc_out_init(&out));
    cr_assert(gw_ipc_put(&out, &r, fd));
    cr_assert_eq(gw_ipc_send(&out, monitor_fd), 1);
    gw_ipc_out_deinit(&out);
    gw_loop_round(loop, false);
    gw_link_serve(monitor_link);
}

Test(link, requests_of_a_round_leave_in_one_datagram_in_order, .init = set_up, .fini = tear_down)
{
    struct question q[3];
    uint64_t ids[8];
    for (uint32_t i = 0; i < 3; i++) {
        q[i] = question(i);
        cr_assert(gw_link_ask(monitor_link, &q[i].request));
    }
    cr_assert_eq(receive(ids, 8), 0, "nothing leaves before the end of the round");
    gw_link_flush(monitor_link);
    cr_assert(gw_link_idle(monitor_link));
    cr_assert_eq(receive(ids, 8), 3);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(ids[i], q[i].request.id);
}

Test(link, answers_find_their_askers_in_any_order, .init = set_up, .fini = tear_down)
{
    struct question a = question(0), b = question(1);
    gw_link_ask(monitor_link, &a.request);
    gw_link_ask(monitor_link, &b.request);
    gw_link_flush(monitor_link);
    uint64_t a_id = a.request.id;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    say(b.request.id, null);
    cr_assert_eq(b.answers, 1);
    cr_assert(b.opened);
    cr_assert_eq(a.answers, 0);
    say(a_id, -1);
    cr_assert_eq(a.answers, 1);
    cr_assert(!a.opened);
    cr_assert_eq(a.request.id, 0, "it may be asked again");
    close(null);
}

Test(link, a_late_answer_never_reaches_the_next_user_of_the_number, .init = set_up, .fini = tear_down)
{
    struct question old = question(0), next = question(1);
    gw_link_ask(monitor_link, &old.request);
    gw_link_flush(monitor_link);
    uint64_t old_id = old.request.id;
    gw_link_cancel(monitor_link, &old.request);
    gw_link_ask(monitor_link, &next.request);
    cr_assert_eq((uint32_t)next.request.id, (uint32_t)old_id, "the slot is used again");
    gw_link_flush(monitor_link);
    say(old_id, -1);
    cr_assert_eq(old.answers + next.answers, 0);
    say(next.request.id, -1);
    cr_assert_eq(next.answers, 1);
}

Test(link, a_request_cancelled_before_the_flush_is_not_sent, .init = set_up, .fini = tear_down)
{
    struct question a = question(0), b = question(1), c = question(2);
    uint64_t ids[8];
    gw_link_ask(monitor_link, &a.request);
    gw_link_ask(monitor_link, &b.request);
    gw_link_cancel(monitor_link, &b.request);
    gw_link_ask(monitor_link, &c.request);
    gw_link_flush(monitor_link);
    cr_assert_eq(receive(ids, 8), 2);
    cr_assert_eq(ids[0], a.request.id);
    cr_assert_eq(ids[1], c.request.id);
}

Test(link, an_answer_to_a_number_that_never_was_is_dropped, .init = set_up, .fini = tear_down)
{
    say(0x100000000ull + 17, -1);
    say(0, -1);
}

/* Reads, as the monitor, count records of len bytes whose first eight are their numbers. */
static void take_audits(unsigned count, size_t len)
{
    for (unsigned came = 0; came < count;) {
        int fds[GW_IPC_FDS_MAX];
        unsigned fd_count;
        ssize_t n = gw_ipc_receive(monitor_fd, room, fds, &fd_count);
        if (n < 0) {
            cr_assert_not(gw_link_idle(monitor_link), "%u of %u came", came, count);
            gw_loop_round(loop, false);
            gw_link_flush(monitor_link);
            continue;
        }
        struct cx_view datagram = { room, (size_t)n };
        struct gw_ipc_record r;
        while (gw_ipc_next(&datagram, &r) == 1) {
            cr_assert_eq(r.type, GW_IPC_AUDIT);
            cr_assert_eq(r.bytes.len, len);
            cr_assert_eq(strtoul((const char *)r.bytes.data, NULL, 10), came, "record %u", came);
            came++;
        }
    }
    cr_assert(gw_link_idle(monitor_link));
}

static void put_audits(unsigned count, size_t len)
{
    char json[8192], number[16];
    memset(json, 'x', sizeof json);
    json[len] = '\0';
    for (unsigned i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%08u", i);
        memcpy(json, number, 8);
        gw_link_audit(monitor_link, json);
    }
    gw_link_flush(monitor_link);
}

Test(link, audit_records_wait_while_the_monitor_is_busy_and_come_in_order, .init = set_up, .fini = tear_down)
{
    put_audits(100, 8191);
    cr_assert(!gw_link_idle(monitor_link), "the test did not fill the socket");
    take_audits(100, 8191);
}

Test(link, no_record_is_lost_where_very_many_tunnels_end_at_once, .init = set_up, .fini = tear_down)
{
    put_audits(50000, 550);
    take_audits(50000, 550);
}

static const char connection[] = "0123456789abcdef0123456789abcdef";

Test(link, farewells_leave_in_company, .init = set_up, .fini = tear_down)
{
    uint64_t ids[8];
    struct question q = question(0);
    gw_link_forget(monitor_link, connection);
    gw_link_flush(monitor_link);
    cr_assert(gw_link_idle(monitor_link), "a worker may end without them");
    cr_assert_eq(receive(ids, 8), 0);
    cr_assert(gw_link_ask(monitor_link, &q.request));
    gw_link_flush(monitor_link);
    cr_assert_eq(receive(ids, 8), 2);
    gw_link_forget(monitor_link, connection);
    gw_link_flush(monitor_link);
    cr_assert_eq(receive(ids, 8), 0, "the company of before counts no more");
}

Test(link, farewells_leave_by_themselves_where_they_are_many, .init = set_up, .fini = tear_down)
{
    uint64_t ids[100];
    unsigned sent = 0, came = 0;
    while (came == 0 && sent < 100) {
        gw_link_forget(monitor_link, connection);
        gw_link_flush(monitor_link);
        sent++;
        came = receive(ids, 100);
    }
    cr_assert_eq(came, sent);
    cr_assert_gt(sent, 8);
}

Test(link, farewells_wait_their_turn_among_audit_records, .init = set_up, .fini = tear_down)
{
    unsigned before = 0, came = 0;
    put_audits(60, 8191);
    cr_assert(!gw_link_idle(monitor_link), "the test did not fill the socket");
    gw_link_forget(monitor_link, connection);
    while (came == 0) {
        int fds[GW_IPC_FDS_MAX];
        unsigned fd_count;
        ssize_t n = gw_ipc_receive(monitor_fd, room, fds, &fd_count);
        gw_loop_round(loop, false);
        gw_link_flush(monitor_link);
        struct cx_view datagram = { room, n > 0 ? (size_t)n : 0 };
        for (struct gw_ipc_record r; gw_ipc_next(&datagram, &r) == 1;) {
            before += r.type == GW_IPC_AUDIT;
            came += r.type == GW_IPC_FORGET && cx_view_is(r.bytes, connection);
        }
    }
    cr_assert_eq(before, 60);
    cr_assert(gw_link_idle(monitor_link));
}

/* SPDX-License-Identifier: MIT */
/* gateway/consumers/linger: a backend gets all bytes however slowly it takes them, and keeps nothing by talking. The clock is the
 * test's: it stands still but for what the test adds. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "gateway/consumers/linger.h"

static time_t now_s; /* 0 outside of tests, where the framework wants the true time */

/* In the place of libc's. */
int clock_gettime(clockid_t id, struct timespec *out)
{
    if (now_s == 0)
        return (int)syscall(SYS_clock_gettime, id, out);
    *out = (struct timespec){ .tv_sec = now_s };
    return 0;
}

static struct gw_loop *loop;
static struct gw_linger *linger;
static int ours, backend;
static struct gw_watch before; /* that has our end until it lingers */

static void ignore(struct gw_watch *w)
{
    (void)w;
}

static void set_up(void)
{
    now_s = 1000;
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    int listener = socket(AF_INET, SOCK_STREAM, 0), small = 64 * 1024;
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    cr_assert(bind(listener, (struct sockaddr *)&sa, len) == 0 && listen(listener, 1) == 0);
    getsockname(listener, (struct sockaddr *)&sa, &len);
    ours = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(ours, (struct sockaddr *)&sa, len), 0);
    backend = accept(listener, NULL, NULL);
    close(listener);
    fcntl(ours, F_SETFL, O_NONBLOCK);
    fcntl(backend, F_SETFL, O_NONBLOCK);
    loop = gw_loop_new();
    linger = gw_linger_new(loop);
    cr_assert(loop && linger && backend >= 0);
    before = (struct gw_watch){ .fd = ours, .on_ready = ignore };
    cr_assert(gw_loop_add(loop, &before));
    gw_loop_round(loop, false);
}

static void tear_down(void)
{
    close(backend);
    gw_linger_free(linger);
    gw_loop_free(loop);
}

/* Lets the loop see what the sockets have, and then the clock go on. */
static void pass(unsigned seconds)
{
    for (int i = 0; i < 3; i++) {
        gw_loop_round(loop, false);
        usleep(500);
    }
    now_s += seconds;
    gw_loop_round(loop, false);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

Test(linger, a_backend_that_ticks_and_never_ends_is_let_go, .init = set_up, .fini = tear_down)
{
    struct gw_bytes none = { 0 };
    gw_linger_take(linger, &before, &none);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(send(backend, "t", 1, MSG_NOSIGNAL), 1);
        pass(1);
    }
    cr_assert(is_open(ours), "it had 30 seconds to end by itself");
    for (int i = 0; i < 20; i++) {
        (void)!send(backend, "t", 1, MSG_NOSIGNAL);
        pass(1);
    }
    cr_assert_not(is_open(ours));
}

Test(linger, a_backend_that_takes_slowly_gets_every_byte, .init = set_up, .fini = tear_down)
{
    enum { ALL = 8 * 1024 * 1024, PART = 128 * 1024 };
    uint8_t *sent = malloc(ALL), *part = malloc(PART);
    for (size_t i = 0; i < ALL; i++)
        sent[i] = (uint8_t)(i * 131 + (i >> 8) * 7);
    struct gw_bytes unwritten = { 0 };
    cr_assert(gw_bytes_append(&unwritten, &(struct iovec){ sent, ALL }, 1, 0));
    gw_linger_take(linger, &before, &unwritten);
    cr_assert_gt(gw_linger_unwritten(linger), 0);
    size_t got = 0;
    ssize_t n = 0;
    for (int i = 0; i < 2000 && (got < ALL || n != 0); i++) {
        n = recv(backend, part, PART, 0);
        if (n > 0) {
            cr_assert(memcmp(part, sent + got, (size_t)n) == 0, "behind %zu", got);
            got += (size_t)n;
        }
        pass(n > 0 ? 20 : 0);
    }
    cr_assert(got == ALL && n == 0, "%zu", got);
    cr_assert_eq(gw_linger_unwritten(linger), 0);
    free(sent);
    free(part);
}

Test(linger, a_backend_that_takes_nothing_is_let_go, .init = set_up, .fini = tear_down)
{
    static uint8_t bytes[8 * 1024 * 1024];
    struct gw_bytes unwritten = { 0 };
    cr_assert(gw_bytes_append(&unwritten, &(struct iovec){ bytes, sizeof bytes }, 1, 0));
    gw_linger_take(linger, &before, &unwritten);
    pass(0);
    pass(29);
    cr_assert(is_open(ours));
    pass(31);
    pass(31);
    cr_assert_not(is_open(ours));
    cr_assert_eq(gw_linger_unwritten(linger), 0);
}

enum { TALKERS = 24 };

/* Bytes that wait to be read of all that linger. */
static size_t waiting(const int fd[TALKERS])
{
    size_t all = 0;
    for (size_t i = 0; i < TALKERS; i++) {
        int n = 0;
        cr_assert_eq(ioctl(fd[i], FIONREAD, &n), 0);
        all += (size_t)n;
    }
    return all;
}

/* Unix sockets: what was sent is there at once. */
static void talk(int ours_of[TALKERS], int talker[TALKERS])
{
    static char bytes[16 * 1024];
    int room = 100 * 1024; /* which the kernel doubles */
    for (size_t i = 0; i < TALKERS; i++) {
        int fd[2];
        struct gw_bytes none = { 0 };
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
        setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        while (send(fd[1], bytes, sizeof bytes, 0) > 0)
            continue;
        struct gw_watch w = { .fd = fd[0], .on_ready = ignore };
        cr_assert(gw_loop_add(loop, &w));
        gw_loop_round(loop, false);
        gw_linger_take(linger, &w, &none);
        ours_of[i] = fd[0];
        talker[i] = fd[1];
    }
}

Test(linger, many_that_talk_share_a_round, .init = set_up, .fini = tear_down)
{
    enum { PORTION = 256 * 1024 };
    int from[TALKERS], talker[TALKERS];
    talk(from, talker);
    size_t before_round = waiting(from);
    cr_assert_gt(before_round, 2 * (GW_LINGER_ROUND_BYTES + PORTION), "%zu", before_round);
    unsigned rounds = 0;
    for (size_t left = before_round; left > 0; rounds++) {
        now_s++;
        gw_loop_round(loop, false);
        size_t now_left = waiting(from);
        cr_assert_lt(now_left, left, "nobody had a turn");
        cr_assert_leq(left - now_left, GW_LINGER_ROUND_BYTES + PORTION, "too much for a round");
        left = now_left;
    }
    cr_assert_leq(rounds, before_round / GW_LINGER_ROUND_BYTES + 1);
    for (size_t i = 0; i < TALKERS; i++)
        close(talker[i]);
}

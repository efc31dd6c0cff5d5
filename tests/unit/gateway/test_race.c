/* SPDX-License-Identifier: MIT */
/* Names with several addresses, over loopback: 127.0.0.1 and ::1 answer, on 127.0.0.9 and from 127.0.0.20 on nobody listens, and
 * what is sent to the backlog of 127.0.0.2 and its neighbours is dropped. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dns_responder.h"
#include "gateway/consumers/consumer.h"

static const struct dns_zone zones[] = {
    { .label = "both", .v4 = "127.0.0.1", .v6 = "::1" },
    { .label = "v4", .v4 = "127.0.0.1", .v6 = "" },
    { .label = "v6", .v4 = "", .v6 = "::1" },
    { .label = "unroutable", .v4 = "127.0.0.1", .v6 = "100::1" },
    { .label = "mute", .v4 = "127.0.0.1", .v6 = NULL },
    { .label = "soon", .v4 = "127.0.0.1", .v6 = "::1", .v6_late_ms = 5 },
    { .label = "late", .v4 = "127.0.0.1", .v6 = "::1", .v6_late_ms = 1500 },
    { .label = "refused",
      .v4 = "127.0.0.20 127.0.0.21 127.0.0.22 127.0.0.23 127.0.0.24 127.0.0.25 127.0.0.26 127.0.0.27 127.0.0.28 127.0.0.29 "
            "127.0.0.30 127.0.0.31 127.0.0.32 127.0.0.33 127.0.0.34 127.0.0.1",
      .v6 = "" },
    { .label = "nobody", .v4 = "127.0.0.9", .v6 = "" },
    { .label = "silent1", .v4 = "127.0.0.2 127.0.0.1", .v6 = "" },
    { .label = "silent3", .v4 = "127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.1", .v6 = "" },
    { .label = "silent10",
      .v4 = "127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 127.0.0.8 127.0.0.10 127.0.0.11 "
            "127.0.0.12 127.0.0.1",
      .v6 = "" },
    { .label = "many", .v4 = "10.0.0.1 10.0.0.2", .v6 = "fd00::1 fd00::2 fd00::3 fd00::4" },
    { .label = "hole", .v4 = "127.0.0.2", .v6 = "" },
    { .label = "holes", .v4 = "127.0.0.2 127.0.0.3 127.0.0.4", .v6 = "" },
    { .label = "none", .v4 = "", .v6 = "" },
    { .label = "unanswered" },
    { .label = NULL },
};

enum { HOLES = 10, FILLERS = 3 };

static struct dns_responder responder;
static struct gw_loop *loop;
static struct gw_dns *dns;
static struct gw_linger *linger;
static int v4, v6, holes[HOLES], fillers[HOLES][FILLERS];
static uint16_t port;
static bool woken;

static int listen_at(const char *literal, uint16_t at, int backlog)
{
    struct gw_addr a;
    struct sockaddr_storage sa;
    cr_assert(gw_addr_parse(&a, literal));
    a.port = at;
    socklen_t len = gw_addr_to_sockaddr(&a, &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    cr_assert(bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, backlog) == 0, "%s:%u", literal, at);
    return fd;
}

/* Its backlog is filled, so that SYNs are dropped. */
static void open_hole(size_t i)
{
    static const char *const literals[HOLES] = { "127.0.0.2", "127.0.0.3", "127.0.0.4",  "127.0.0.5",  "127.0.0.6",
                                                 "127.0.0.7", "127.0.0.8", "127.0.0.10", "127.0.0.11", "127.0.0.12" };
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    holes[i] = listen_at(literals[i], port, 0);
    getsockname(holes[i], (struct sockaddr *)&sa, &len);
    for (size_t n = 0; n < FILLERS; n++) {
        fillers[i][n] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i][n], (struct sockaddr *)&sa, len);
    }
}

static void start(void)
{
    struct sockaddr_in sa;
    socklen_t len = sizeof sa;
    dns_responder_start(&responder, zones);
    loop = gw_loop_new();
    dns = gw_dns_new(loop, responder.servers);
    linger = gw_linger_new(loop);
    v4 = listen_at("127.0.0.1", 0, 16);
    getsockname(v4, (struct sockaddr *)&sa, &len);
    port = ntohs(sa.sin_port);
    v6 = listen_at("::1", port, 16);
    for (size_t i = 0; i < HOLES; i++)
        open_hole(i);
}

static void stop(void)
{
    gw_linger_free(linger);
    gw_dns_free(dns);
    gw_loop_free(loop);
    dns_responder_stop(&responder);
    close(v4);
    close(v6);
    for (size_t i = 0; i < HOLES; i++) {
        close(holes[i]);
        for (size_t n = 0; n < FILLERS; n++)
            close(fillers[i][n]);
    }
}

TestSuite(race, .init = start, .fini = stop);

static void on_wake(struct gw_consumer *c)
{
    (void)c;
    woken = true;
}

static unsigned now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (unsigned)t.tv_sec * 1000u + (unsigned)t.tv_nsec / 1000000u;
}

static struct gw_consumer *begin(const char *name, unsigned timeout_ms, bool (*permits)(void *, const struct gw_addr *))
{
    struct gw_tcp_setup setup = { dns, linger, name, port, timeout_ms * 1000000ull, permits };
    gw_loop_round(loop, false); /* the loop's clock is the round's */
    struct gw_consumer *c = gw_tcp_new((struct gw_consumer_owner){ on_wake, NULL }, &setup);
    cr_assert(c);
    return c;
}

/* What is answered at once has been when it goes on, so that neither family is ahead by chance. */
static struct gw_consumer *begin_answered(const char *name, unsigned timeout_ms, bool (*permits)(void *, const struct gw_addr *))
{
    unsigned handled = responder.handled;
    struct gw_consumer *c = begin(name, timeout_ms, permits);
    while (responder.handled < handled + 2)
        usleep(100);
    return c;
}

/* Only wakes make it go on, as in a worker. Returns the rounds that it took. */
static unsigned run(struct gw_consumer *c)
{
    unsigned rounds = 0, until_ms = now_ms() + 20000;
    while (c->state == GW_CONSUMER_CONNECTING && now_ms() < until_ms) {
        gw_loop_round(loop, true);
        rounds++;
        if (woken)
            c->ops->progress(c);
        woken = false;
    }
    return rounds;
}

static void address_text(const struct gw_consumer *c, char text[GW_ADDR_TEXT])
{
    struct gw_addr a = gw_consumer_address(c);
    gw_addr_text(&a, text);
}

/* What came of it, as text: the address, or why not. */
static const char *outcome(const char *name, unsigned *took_ms)
{
    static char text[128];
    unsigned before = now_ms();
    struct gw_consumer *c = begin_answered(name, 5000, NULL);
    cr_assert_lt(run(c), 100, "%s", name); /* no turning round without anything to do */
    *took_ms = now_ms() - before;
    if (c->state == GW_CONSUMER_OPEN)
        address_text(c, text);
    else
        snprintf(text, sizeof text, "%s", c->why);
    c->ops->close(c, false);
    return text;
}

Test(race, the_first_that_answers_wins)
{
    static const struct {
        const char *name, *outcome;
        unsigned least_ms;
    } rows[] = {
        { "both.example", "::1", 0 },
        { "v4.example", "127.0.0.1", 0 },
        { "v6.example", "::1", 0 },
        { "unroutable.example", "127.0.0.1", 0 },
        { "refused.example", "127.0.0.1", 0 },
        /* A waits 50 ms for AAAA, and no longer */
        { "mute.example", "127.0.0.1", 50 },
        { "late.example", "127.0.0.1", 50 },
        /* a further one every 250 ms */
        { "silent1.example", "127.0.0.1", 250 },
        { "silent3.example", "127.0.0.1", 750 },
        { "silent10.example", "127.0.0.1", 2500 },
        { "nobody.example", "Connection refused", 0 },
        { "none.example", "DNS server returned answer with no data", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned took_ms;
        const char *got = outcome(rows[i].name, &took_ms);
        cr_expect_str_eq(got, rows[i].outcome, "%s: %s", rows[i].name, got);
        cr_expect_geq(took_ms, rows[i].least_ms, "%s: %u ms", rows[i].name, took_ms);
    }
}

Test(race, an_answer_for_ipv6_that_comes_soon_is_waited_for)
{
    bool waited = false;
    for (int i = 0; i < 10 && !waited; i++) { /* on a machine that is busy, soon may not be soon enough */
        unsigned took_ms;
        waited = strcmp(outcome("soon.example", &took_ms), "::1") == 0;
    }
    cr_assert(waited);
}

Test(race, all_addresses_have_their_turn_where_time_is_short)
{
    struct gw_consumer *c = begin("silent10.example", 2000, NULL);
    run(c);
    cr_assert_eq(c->state, GW_CONSUMER_OPEN, "%s", c->why);
    c->ops->close(c, false);
}

Test(race, who_does_not_answer_is_waited_for_until_the_time_is_over)
{
    unsigned before = now_ms();
    struct gw_consumer *c = begin("hole.example", 500, NULL);
    cr_assert_lt(run(c), 100);
    cr_assert_geq(now_ms() - before, 500);
    cr_assert_str_eq(c->why, "Connection timed out");
    c->ops->close(c, false);
}

Test(race, a_lookup_without_an_answer_ends_with_the_time)
{
    struct gw_consumer *c = begin("unanswered.example", 300, NULL);
    run(c);
    cr_assert(c->state == GW_CONSUMER_FAILED && c->failure == GW_FAILURE_CONNECT);
    cr_assert_str_eq(c->why, "the name lookup took too long");
    c->ops->close(c, false);
}

static unsigned judged;

static bool permits_v4(void *owner, const struct gw_addr *address)
{
    (void)owner;
    judged++;
    return address->family == AF_INET;
}

static bool permits_none(void *owner, const struct gw_addr *address)
{
    (void)owner;
    (void)address;
    judged++;
    return false;
}

static char turns[16];

static bool note_family(void *owner, const struct gw_addr *address)
{
    (void)owner;
    strcat(turns, address->family == AF_INET6 ? "6" : "4");
    return false;
}

Test(race, families_take_turns)
{
    struct gw_consumer *c = begin_answered("many.example", 5000, note_family);
    run(c);
    cr_assert_str_eq(turns, "646466");
    c->ops->close(c, false);
}

Test(race, each_address_is_judged_before_it_is_tried)
{
    struct gw_consumer *c = begin_answered("both.example", 5000, permits_v4);
    run(c);
    cr_assert(c->state == GW_CONSUMER_OPEN && gw_consumer_address(c).family == AF_INET && judged == 2);
    c->ops->close(c, false);
    c = begin_answered("both.example", 5000, permits_none);
    run(c);
    cr_assert(c->state == GW_CONSUMER_FAILED && c->failure == GW_FAILURE_PROHIBITED && judged == 4);
    c->ops->close(c, false);
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    cr_assert(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

Test(race, those_that_lost_are_closed)
{
    unsigned took_ms;
    outcome("v4.example", &took_ms); /* c-ares has its socket now */
    unsigned before = descriptors();
    outcome("silent10.example", &took_ms);
    cr_assert_eq(descriptors(), before);
    struct gw_consumer *c = begin("holes.example", 0, NULL);
    while (c->state == GW_CONSUMER_CONNECTING && descriptors() < before + 2) {
        gw_loop_round(loop, true);
        c->ops->progress(c);
    }
    cr_assert_eq(c->state, GW_CONSUMER_CONNECTING);
    c->ops->close(c, false);
    cr_assert_eq(descriptors(), before);
}

Test(race, it_may_be_given_up_in_any_state)
{
    static const char *const names[] = { "unanswered.example", "mute.example", "silent3.example", "both.example", "127.0.0.2" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (unsigned rounds = 0; rounds < 5; rounds++) {
            struct gw_consumer *c = begin(names[i], 5000, NULL);
            for (unsigned n = 0; n < rounds; n++) {
                gw_loop_round(loop, false);
                c->ops->progress(c);
                usleep(2000);
            }
            c->ops->close(c, false);
        }
}

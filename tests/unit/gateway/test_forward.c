/* SPDX-License-Identifier: MIT */
/* What a client asks to have forwarded to it: who may, how much, under which names and ports; listeners, and who connects to them;
 * reloads. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/forward/forward_priv.h"
#include "mux/connection/forward.h"
#include "tunnel_world.h"

#define BUILDS "Queue builds\n AcceptReverse alice\n Allow *\n"

static bool ask(struct world *w, const char *name, const char *host, uint32_t port, uint32_t *answer)
{
    uint8_t room[512];
    struct mux_tcpip_forward m = { cx_view_text(host), port };
    uint32_t ignored;
    struct cx_view data = cx_view(room, mux_tcpip_forward_write((struct cx_span){ room, sizeof room }, &m));
    return gw_forward_request(w->conn, cx_view_text(name), data, answer ? answer : &ignored);
}

static bool forward(struct world *w, const char *host, uint32_t port)
{
    return ask(w, "tcpip-forward", host, port, NULL);
}

static bool cancel(struct world *w, const char *host, uint32_t port)
{
    return ask(w, "cancel-tcpip-forward", host, port, NULL);
}

static unsigned count(struct world *w)
{
    return gw_conn_forwards(w->conn)->count;
}

/* A port that is answered where 0 was asked for; 0: refused. */
static uint32_t forward_any(struct world *w, const char *host)
{
    uint32_t port;
    return ask(w, "tcpip-forward", host, 0, &port) ? port : 0;
}

/* ---- members ---- */

Test(forward, names_are_queues_that_accept)
{
    struct world *w = world_new(BUILDS "Queue bobs\n AcceptReverse bob\n Allow *\nQueue fixed\n Target builtin:echo\n Allow *\n");
    cr_assert(forward(w, "builds", 80) && forward(w, "Builds.", 81));
    static const char *const refused[] = { "bobs", "fixed", "none", "", "*", "localhost", "127.0.0.1", "::1", "80" };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_assert_not(forward(w, refused[i], 80), "%s", refused[i]);
    cr_assert_eq(count(w), 2);
    world_free(w);
}

Test(forward, made_up_ports_are_unlike_all_others_of_the_connection)
{
    struct world *w = world_new(BUILDS);
    uint32_t seen[20];
    cr_assert(forward(w, "builds", GW_FORWARD_PORT_FIRST + 3));
    for (size_t i = 0; i < 20; i++) {
        seen[i] = forward_any(w, "builds");
        cr_assert(seen[i] >= GW_FORWARD_PORT_FIRST && seen[i] != GW_FORWARD_PORT_FIRST + 3);
        for (size_t n = 0; n < i; n++)
            cr_assert_neq(seen[i], seen[n]);
    }
    world_free(w);
}

Test(forward, a_cancel_takes_one_away)
{
    struct world *w = world_new(BUILDS);
    uint32_t port = forward_any(w, "builds");
    cr_assert(forward(w, "builds", 80));
    cr_assert_not(forward(w, "builds", 80), "it has it already");
    cr_assert_not(cancel(w, "builds", 81));
    cr_assert_not(cancel(w, "build", 80));
    cr_assert(cancel(w, "builds", 80));
    cr_assert_not(cancel(w, "builds", 80));
    cr_assert(forward(w, "builds", 80));
    cr_assert(cancel(w, "builds", 0), "as it was asked for");
    cr_assert_not(cancel(w, "builds", port));
    cr_assert_eq(count(w), 1);
    world_free(w);
}

Test(forward, a_connection_has_a_limited_number)
{
    struct world *w = world_new(BUILDS);
    for (unsigned i = 0; i < GW_FORWARDS_MAX; i++)
        cr_assert(forward(w, "builds", 1000 + i));
    cr_assert_not(forward(w, "builds", 999));
    cr_assert(cancel(w, "builds", 1000));
    cr_assert(forward(w, "builds", 999));
    world_free(w);
}

Test(forward, each_counts_as_one_of_the_users_channels)
{
    struct world *w = world_new("MaxChannelsPerUser 2\nPermitListen any\n" BUILDS);
    cr_assert(forward(w, "builds", 1) && forward_any(w, "localhost"));
    cr_assert_not(forward(w, "builds", 2));
    cr_assert_not(forward_any(w, "localhost"));
    cr_assert(cancel(w, "localhost", 0));
    cr_assert(forward(w, "builds", 2));
    world_free(w);
}

Test(forward, nothing_begins_while_the_gateway_drains)
{
    struct world *w = world_new("PermitListen any\n" BUILDS);
    w->draining = true;
    cr_assert_not(forward(w, "builds", 1));
    cr_assert_not(forward_any(w, "localhost"));
    world_free(w);
}

Test(forward, what_is_malformed_or_unknown_is_refused)
{
    struct world *w = world_new(BUILDS);
    uint32_t port;
    static const char *const names[] = { "tcpip-forward", "cancel-tcpip-forward", "streamlocal-forward@openssh.com",
                                         "cancel-streamlocal-forward@openssh.com", "forward" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        cr_assert_not(gw_forward_request(w->conn, cx_view_text(names[i]), cx_view("\0\0\0\x09builds", 10), &port), "%s", names[i]);
    world_free(w);
}

/* ---- reloads ---- */

Test(forward, a_reload_ends_what_it_does_not_permit)
{
    struct world *w = world_new("PermitListen any\n" BUILDS "Queue more\n AcceptReverse alice\n Allow *\n");
    cr_assert(forward(w, "builds", 1) && forward(w, "more", 1) && forward_any(w, "localhost"));
    world_run(w, 5);
    world_reconfigure(w, "PermitListen any\nQueue more\n AcceptReverse alice\n Allow *\n");
    cr_assert_eq(count(w), 2);
    world_reconfigure(w, "Queue more\n AcceptReverse bob\n Allow *\n");
    cr_assert_eq(count(w), 0);
    world_free(w);
}

Test(forward, a_reload_refuses_who_waits_and_may_no_more)
{
    static const char held[] = "Queue held\n HoldForConsumer yes\n Allow alice\n",
                      bobs[] = "Queue held\n HoldForConsumer yes\n Allow bob\n";
    struct world *w = world_new(held);
    struct world_channel *ch = world_open(w, "held", 1);
    world_run(w, 20);
    world_reconfigure(w, held);
    world_run(w, 20);
    cr_assert_not(ch->refused);
    world_reconfigure(w, bobs);
    cr_assert(world_until(w, &ch->refused));
    cr_assert(ch->reason == MUX_OPEN_PROHIBITED && strcmp(ch->text, "not available") == 0);
    world_free(w);
}

/* ---- listeners ---- */

static int connect_to(uint32_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static uint16_t own_port(int fd)
{
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    return ntohs(own.sin_port);
}

static void until_channels(struct world *w, size_t channels)
{
    for (unsigned i = 0; i < 1000 && w->channels < channels; i++)
        world_run(w, 5);
    cr_assert_eq(w->channels, channels);
}

Test(forward, whoever_connects_gets_a_channel)
{
    struct world *w = world_new("PermitListen any\n");
    uint32_t port = forward_any(w, "localhost");
    int fd = connect_to(port);
    cr_assert(port > 0 && fd >= 0);
    until_channels(w, 1);
    struct world_channel *ch = &w->channel[0];
    struct mux_direct_tcpip m;
    cr_assert_str_eq(ch->text, "forwarded-tcpip");
    cr_assert(mux_forwarded_tcpip_parse(cx_view(ch->asked, ch->asked_len), &m));
    cr_assert(cx_view_is(m.host, "localhost") && m.port == port);
    cr_assert(cx_view_is(m.originator, "127.0.0.1") && m.originator_port == own_port(fd));
    cr_assert_eq(send(fd, "hello", 5, 0), 5);
    cr_assert(world_until_received(w, ch, 5));
    world_send(w, ch, "there", 5, true);
    world_run(w, 50);
    char got[8];
    cr_assert_eq(recv(fd, got, sizeof got, 0), 5);
    cr_assert_eq(recv(fd, got, sizeof got, 0), 0);
    close(fd);
    cr_assert(world_until(w, &ch->closed));
    cr_assert(strstr(w->audit[0], "\"reverse_tunnel\"") && strstr(w->audit[0], "\"host\":\"localhost\""), "%s", w->audit[0]);
    world_free(w);
}

Test(forward, whom_the_client_refuses_is_closed)
{
    struct world *w = world_new("PermitListen any\n");
    int fd = connect_to(forward_any(w, "localhost"));
    char got;
    w->refuses = true;
    for (unsigned i = 0; i < 1000 && w->refused == 0; i++)
        world_run(w, 5);
    world_run(w, 50);
    ssize_t n = recv(fd, &got, 1, MSG_DONTWAIT);
    cr_assert(n == 0 || (n < 0 && errno == ECONNRESET));
    close(fd);
    world_free(w);
}

/* More than one round accepts. */
Test(forward, all_who_connect_at_once_are_accepted)
{
    struct world *w = world_new("PermitListen any\n");
    uint32_t port = forward_any(w, "localhost");
    int fds[25];
    w->refuses = true;
    for (size_t i = 0; i < 25; i++)
        cr_assert_geq(fds[i] = connect_to(port), 0);
    for (unsigned i = 0; i < 1000 && w->refused < 25; i++)
        world_run(w, 5);
    cr_assert_eq(w->refused, 25);
    for (size_t i = 0; i < 25; i++)
        close(fds[i]);
    world_free(w);
}

Test(forward, who_connects_while_descriptors_are_short_is_accepted_later)
{
    struct world *w = world_new("PermitListen any\n");
    int fd = connect_to(forward_any(w, "localhost")), next = dup(fd);
    struct rlimit limit, low;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    close(next);
    low = (struct rlimit){ (rlim_t)next, limit.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    world_run(w, 50);
    cr_assert_eq(w->channels, 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    until_channels(w, 1);
    close(fd);
    world_free(w);
}

Test(forward, listening_leaves_a_reserve_of_descriptors)
{
    struct world *w = world_new("PermitListen any\n");
    struct rlimit limit, low;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int next = dup(0);
    close(next);
    low = (struct rlimit){ (rlim_t)next + 10, limit.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
    cr_assert_eq(forward_any(w, "localhost"), 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_neq(forward_any(w, "localhost"), 0);
    world_free(w);
}

Test(forward, a_listener_is_gone_with_its_cancel)
{
    struct world *w = world_new("PermitListen any\n");
    uint32_t port = forward_any(w, "localhost");
    int fd = connect_to(port);
    until_channels(w, 1);
    cr_assert_not(forward(w, "localhost", port), "the port is taken");
    cr_assert(cancel(w, "localhost", port));
    cr_assert_eq(connect_to(port), -1);
    cr_assert_not(w->channel[0].closed, "what is open lives on");
    close(fd);
    world_free(w);
}

Test(forward, only_what_permit_listen_names_is_listened_on)
{
    struct world *w = world_new("PermitListen 127.0.0.1:9 [::1]:* localhost:7 *:5\n");
    static const struct {
        const char *host;
        uint32_t port;
    } refused[] = { { "127.0.0.1", 8 }, { "127.0.0.2", 9 }, { "localhost", 9 }, { "", 7 }, { "*", 7 }, { "localhost", 0 } };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_assert_not(forward(w, refused[i].host, refused[i].port), "%s:%u", refused[i].host, refused[i].port);
    world_free(w);
}

/* SPDX-License-Identifier: MIT */
/* What tunnels carry, from the accepted channel to the audit record, over real sockets on loopback; test_tunnel_open.c has how they
 * begin. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "tunnel_world.h"

enum { BIG = 600000 };

static uint8_t *pattern(size_t len)
{
    uint8_t *p = malloc(len);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i * 7 + (i >> 9));
    return p;
}

Test(tunnel, builtin_echo_gives_back_every_byte)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    uint8_t *big = pattern(BIG);
    struct world_channel *ch = world_open(w, "Echo.", 7);
    world_send(w, ch, big, BIG, true);
    cr_assert(world_until(w, &ch->closed));
    cr_assert(ch->eof && ch->received_len == BIG && memcmp(ch->received, big, BIG) == 0);
    cr_assert_eq(w->audits, 1);
    cr_assert(world_audit_has(w, 0, "\"event\":\"tunnel\"") && world_audit_has(w, 0, "\"bytes_up\":600000,\"bytes_down\":600000"));
    cr_assert(world_audit_has(w, 0, "\"user\":\"alice\"") &&
              world_audit_has(w, 0, "\"queue\":\"echo\",\"member\":\"builtin:echo\""));
    cr_assert(world_audit_has(w, 0, "\"host\":\"Echo.\",\"port\":7,\"address\":null"));
    free(big);
    world_free(w);
}

Test(tunnel, where_no_audit_is_kept_none_is_written)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    w->keeps_no_audit = true;
    struct world_channel *ch = world_open(w, "echo", 7), *refused = world_open(w, "nothing", 7);
    world_send(w, ch, "abc", 3, true);
    cr_assert(world_until(w, &ch->closed) && world_until(w, &refused->refused));
    cr_assert_eq(w->audits, 0);
    world_free(w);
}

Test(tunnel, builtin_echo_is_bounded_by_the_window)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    uint8_t *big = pattern(4 * BIG);
    struct world_channel *ch = world_open(w, "echo", 7);
    ch->hold = true;
    world_send(w, ch, big, 4 * BIG, false);
    world_run(w, 200);
    cr_assert_leq(world_parked(w), MUX_WINDOW_INITIAL);
    cr_assert_lt(ch->sent, 4 * BIG);
    struct world_channel *other = world_open(w, "echo", 7);
    world_send(w, other, big, 1000, false);
    cr_assert(world_until_received(w, other, 1000));
    free(big);
    world_free(w);
}

/* ---- turns ---- */

enum { STEPS_MAX = 20000 };

Test(tunnel, many_that_end_together_end_in_turns)
{
    enum { MANY = 48, A_TURN = 32 };
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    struct world_channel *ch[MANY];
    for (size_t i = 0; i < MANY; i++)
        ch[i] = world_open(w, "echo", 7);
    cr_assert(world_until(w, &ch[MANY - 1]->opened));
    for (size_t i = 0; i < MANY; i++)
        ch[i]->close_after = true;
    for (unsigned step = 0; step < STEPS_MAX && w->audits < MANY; step++) {
        size_t before = w->audits;
        world_step(w);
        cr_assert_leq(w->audits - before, A_TURN);
    }
    cr_assert_eq(w->audits, MANY);
    world_free(w);
}

enum { SERVICES = 15, WAITS = 128 * 1024, EACH = 2 * 1024 * 1024 };

/* Nothing of a Unix socket's bytes is under way: what was written is there. */
static void accept_all(int listener, int service[SERVICES])
{
    for (size_t i = 0; i < SERVICES; i++) {
        service[i] = accept(listener, NULL, NULL);
        cr_assert_geq(service[i], 0);
    }
}

static size_t read_all(const int service[SERVICES])
{
    static uint8_t part[256 * 1024];
    size_t all = 0;
    ssize_t n;
    for (size_t i = 0; i < SERVICES; i++)
        while ((n = recv(service[i], part, sizeof part, MSG_DONTWAIT)) > 0)
            all += (size_t)n;
    return all;
}

Test(tunnel, what_had_to_wait_is_written_in_turns)
{
    enum { A_TURN = 1024 * 1024 + 256 * 1024 };
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    char queue[256];
    snprintf(sa.sun_path, sizeof sa.sun_path, "/tmp/test_tunnel.%d", (int)getpid());
    snprintf(queue, sizeof queue, "Queue web\n  Target unix:%s\n  Allow alice\n", sa.sun_path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), service[SERVICES];
    cr_assert(bind(listener, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(listener, SERVICES) == 0);
    struct world *w = world_new(queue);
    uint8_t *big = pattern(EACH);
    for (size_t i = 0; i < SERVICES; i++)
        world_send(w, world_open(w, "web", 80), big, EACH, false);
    for (unsigned step = 0; step < STEPS_MAX && world_parked(w) < SERVICES * WAITS; step++)
        world_step(w);
    accept_all(listener, service);
    size_t read = read_all(service);
    gw_loop_round(world_loop(w), false);
    size_t parked = world_parked(w);
    gw_tunnel_serve_marked(w->conn);
    cr_assert_lt(world_parked(w), parked);
    cr_assert_leq(parked - world_parked(w), A_TURN);
    for (unsigned step = 0; step < STEPS_MAX && read < SERVICES * EACH; step++) {
        world_step(w);
        read += read_all(service);
    }
    cr_assert_eq(read, SERVICES * EACH);
    for (size_t i = 0; i < SERVICES; i++)
        close(service[i]);
    close(listener);
    unlink(sa.sun_path);
    free(big);
    world_free(w);
}

/* ---- services ---- */

Test(tunnel, builtin_http_answers_requests_that_come_together)
{
    static const char requests[] = "GET /a HTTP/1.1\r\nHost: web\r\nContent-Length: 3\r\n\r\nabc"
                                   "HEAD /b HTTP/1.1\r\nHost: web\r\n\r\n"
                                   "GET /c HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
    struct world *w = world_new("Queue web\n  Target builtin:http\n  Allow *\n");
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, requests, sizeof requests - 1, false);
    cr_assert(world_until(w, &ch->eof));
    char *text = strndup((char *)ch->received, ch->received_len);
    unsigned answers = 0, pages = 0;
    for (char *p = text; (p = strstr(p, "HTTP/1.1 200 OK\r\n")); p++)
        answers++;
    for (char *p = text; (p = strstr(p, "queue: web\nuser: alice\n")); p++)
        pages++;
    cr_assert(answers == 3 && pages == 2, "%s", text);
    cr_assert(strstr(text, "Connection: close"));
    free(text);
    world_free(w);
}

Test(tunnel, builtin_source_and_discard_run_until_the_client_closes)
{
    struct world *w =
        world_new("Queue source\n  Target builtin:source\n  Allow *\nQueue discard\n  Target builtin:discard\n  Allow *\n");
    uint8_t *big = pattern(BIG);
    struct world_channel *source = world_open(w, "source", 1), *sink = world_open(w, "discard", 1);
    world_send(w, sink, big, BIG, true);
    cr_assert(world_until(w, &sink->closed));
    cr_assert(sink->eof && sink->sent == BIG);
    cr_assert(world_until_received(w, source, BIG));
    for (size_t i = 0; i < BIG; i++)
        cr_assert_eq(source->received[i], i & 255);
    source->close_after = true;
    cr_assert(world_until(w, &source->closed));
    world_run(w, 5);
    cr_assert(world_audit_has(w, 1, "closed by the client"));
    free(big);
    world_free(w);
}

Test(tunnel, whose_event_came_first_is_served_first)
{
    struct world *w = world_new("Queue discard\n  Target builtin:discard\n  Allow *\n");
    struct world_channel *ch[4];
    for (uint32_t i = 0; i < 4; i++) {
        ch[i] = world_open(w, "discard", 100 + i);
        cr_assert(world_until(w, &ch[i]->opened));
    }
    for (unsigned i = 0; i < 4; i++) /* all leave in one produce */
        mux_channel_close(w->pair->client.session, ch[i]->id);
    cr_assert(world_until(w, &ch[0]->closed) && world_until(w, &ch[3]->closed));
    cr_assert_eq(w->audits, 4);
    for (unsigned i = 0; i < 4; i++) {
        char port[32];
        snprintf(port, sizeof port, "\"port\":%u,", 100 + i);
        cr_assert(world_audit_has(w, i, port), "%u: %s", i, w->audit[i]);
    }
    world_free(w);
}

Test(tunnel, a_tcp_member_serves_both_ways_and_ends_cleanly)
{
    struct backend b;
    backend_start(&b, BACKEND_ECHO);
    struct world *w = world_new(backend_queue(&b));
    uint8_t *big = pattern(BIG);
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, big, BIG, true);
    cr_assert(world_until(w, &ch->closed));
    cr_assert(ch->eof && ch->received_len == BIG && memcmp(ch->received, big, BIG) == 0);
    char address[64];
    snprintf(address, sizeof address, "\"address\":\"127.0.0.1:%u\"", b.port);
    cr_assert(world_audit_has(w, 0, address) && world_audit_has(w, 0, "both sides have ended"), "%s", w->audit[0]);
    struct gw_queue_stats stats;
    gw_queue_stats(gw_registry_queue(world_registry(w), "web"), &stats);
    cr_assert(stats.active == 0 && stats.waiting == 0 && stats.served == 1);
    world_free(w);
    free(big);
    cr_assert(b.clean_end);
    backend_join(&b);
}

Test(tunnel, half_close_by_the_client_leaves_the_way_back_open)
{
    struct backend b;
    backend_start(&b, BACKEND_HALF);
    struct world *w = world_new(backend_queue(&b));
    uint8_t *big = pattern(BIG);
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, big, BIG, true);
    cr_assert(world_until(w, &ch->closed));
    cr_assert(ch->received_len == BIG && memcmp(ch->received, big, BIG) == 0);
    world_free(w);
    free(big);
    backend_join(&b);
}

Test(tunnel, what_a_backend_sent_before_it_closed_arrives)
{
    struct backend b;
    backend_start(&b, BACKEND_GREET);
    struct world *w = world_new(backend_queue(&b));
    uint8_t *big = pattern(BIG);
    struct world_channel *ch = world_open(w, "web", 80);
    cr_assert(world_until(w, &ch->eof));
    cr_assert_eq(ch->received_len, 300000);
    cr_assert(!ch->closed); /* the other direction is the client's to end */
    world_send(w, ch, big, 10, true);
    cr_assert(world_until(w, &ch->closed));
    free(big);
    world_free(w);
    backend_join(&b);
}

Test(tunnel, a_backend_that_does_not_read_costs_at_most_the_window)
{
    struct backend slow, quick;
    backend_start(&slow, BACKEND_SINK);
    backend_start(&quick, BACKEND_ECHO);
    char text[512];
    snprintf(text, sizeof text, "Queue web\n  Target 127.0.0.1:%u\n  Allow *\nQueue other\n  Target 127.0.0.1:%u\n  Allow *\n",
             slow.port, quick.port);
    struct world *w = world_new(text);
    size_t huge = 32 * 1024 * 1024;
    uint8_t *big = pattern(huge);
    struct world_channel *ch = world_open(w, "web", 80), *other = world_open(w, "other", 80);
    world_send(w, ch, big, huge, true);
    world_run(w, 300);
    cr_assert_gt(world_parked(w), 0);
    cr_assert_leq(world_parked(w), MUX_WINDOW_MAX);
    cr_assert_lt(ch->sent, huge);
    world_send(w, other, big, 1000, true);
    cr_assert(world_until(w, &other->closed));
    slow.go = true;
    cr_assert(world_until(w, &ch->closed));
    cr_assert_eq(world_parked(w), 0);
    world_free(w);
    cr_assert(slow.clean_end && slow.len == huge && memcmp(slow.bytes, big, huge) == 0);
    free(big);
    backend_join(&slow);
    backend_join(&quick);
}

Test(tunnel, no_byte_is_lost_when_the_client_closes_early)
{
    struct backend b;
    backend_start(&b, BACKEND_SINK);
    struct world *w = world_new(backend_queue(&b));
    size_t huge = 16 * 1024 * 1024;
    uint8_t *big = pattern(huge);
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, big, huge, false);
    world_run(w, 200);
    ch->send_len = ch->sent; /* closes with what it could send so far */
    ch->close_after = true;
    cr_assert(world_until(w, &ch->closed));
    cr_assert_gt(world_parked(w), 0);
    b.go = true;
    for (int i = 0; i < 200 && w->audits == 0; i++)
        world_run(w, 10);
    cr_assert(world_audit_has(w, 0, "closed by the client"));
    for (int i = 0; i < 200 && !b.clean_end; i++)
        world_run(w, 10);
    cr_assert(b.clean_end && b.len == ch->sent && memcmp(b.bytes, big, b.len) == 0, "%zu of %zu", b.len, ch->sent);
    world_free(w);
    free(big);
    backend_join(&b);
}

/* Most of the bytes are in our socket still when the client has closed: a plain close would answer what the backend says now with
 * a reset, and drop them. */
Test(tunnel, a_backend_that_still_talks_gets_all_bytes_and_a_clean_end)
{
    struct backend b;
    backend_start(&b, BACKEND_TALK);
    struct world *w = world_new(backend_queue(&b));
    uint8_t *big = pattern(700000);
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, big, 700000, false);
    ch->close_after = true;
    cr_assert(world_until(w, &ch->closed));
    world_run(w, 10);
    cr_assert(world_audit_has(w, 0, "\"bytes_up\":700000") && world_audit_has(w, 0, "closed by the client"));
    b.go = true;
    for (int i = 0; i < 200 && !b.clean_end; i++)
        world_run(w, 5);
    cr_assert(b.clean_end && b.len == 700000 && memcmp(b.bytes, big, 700000) == 0);
    world_free(w);
    free(big);
    backend_join(&b);
}

Test(tunnel, parked_bytes_survive_the_end_of_the_connection)
{
    struct backend b;
    backend_start(&b, BACKEND_SINK);
    struct world *w = world_new(backend_queue(&b));
    size_t huge = 16 * 1024 * 1024;
    uint8_t *big = pattern(huge);
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, big, huge, false);
    world_run(w, 200);
    size_t sent = ch->sent;
    cr_assert_gt(world_parked(w), 0);
    gw_tunnel_end_all(w->conn, "connection lost");
    cr_assert(world_audit_has(w, 0, "connection lost"));
    b.go = true;
    for (int i = 0; i < 300 && !b.clean_end; i++) {
        gw_loop_round(world_loop(w), false);
        usleep(2000);
    }
    cr_assert(b.clean_end && b.len == sent && memcmp(b.bytes, big, sent) == 0, "%zu of %zu", b.len, sent);
    world_free(w);
    free(big);
    backend_join(&b);
}

Test(tunnel, a_reset_by_the_backend_closes_the_channel)
{
    struct backend b;
    backend_start(&b, BACKEND_RESET);
    struct world *w = world_new(backend_queue(&b));
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, "x", 1, false);
    cr_assert(world_until(w, &ch->closed));
    cr_assert(world_audit_has(w, 0, "reset by peer"), "%s", w->audit[0]);
    world_free(w);
    backend_join(&b);
}

/* SPDX-License-Identifier: MIT */
/* From the client's CHANNEL_OPEN to its answer: who may go where, what is connected, and what is told where nothing is. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "mux/connection/forward.h"
#include "tunnel_world.h"

static const char *closed_port(char text[512], unsigned extra_port)
{
    struct backend b;
    backend_start(&b, BACKEND_SINK);
    shutdown(b.listener, SHUT_RDWR);
    b.go = true;
    backend_join(&b);
    int n = snprintf(text, 512, "Queue web\n  Target 127.0.0.1:%u\n", b.port);
    if (extra_port)
        n += snprintf(text + n, 512 - (size_t)n, "  Target 127.0.0.1:%u\n", extra_port);
    snprintf(text + n, 512 - (size_t)n, "  Allow *\n");
    return text;
}

Test(tunnel_open, a_refused_connect_names_no_address_to_the_client)
{
    char text[512];
    struct world *w = world_new(closed_port(text, 0));
    struct world_channel *ch = world_open(w, "web", 80);
    cr_assert(world_until(w, &ch->refused));
    cr_assert_eq(ch->reason, MUX_OPEN_CONNECT_FAILED);
    cr_assert_str_eq(ch->text, "connect failed");
    cr_assert(world_audit_has(w, 0, "\"event\":\"tunnel_refused\"") && world_audit_has(w, 0, "Connection refused"), "%s",
              w->audit[0]);
    world_free(w);
}

Test(tunnel_open, the_next_member_is_tried)
{
    char text[512];
    struct backend b;
    backend_start(&b, BACKEND_ECHO);
    struct world *w = world_new(closed_port(text, b.port));
    struct world_channel *ch = world_open(w, "web", 80);
    world_send(w, ch, "hello", 5, true);
    cr_assert(world_until(w, &ch->closed));
    cr_assert_eq(ch->received_len, 5);
    world_free(w);
    backend_join(&b);
}

/* A port where connects hang: its backlog is full, so that SYNs are dropped. */
struct black_hole {
    int listener, fill[4];
    uint16_t port;
};

static void black_hole_open(struct black_hole *h)
{
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof sa;
    h->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(h->listener, (struct sockaddr *)&sa, sizeof sa), 0);
    cr_assert_eq(listen(h->listener, 0), 0);
    getsockname(h->listener, (struct sockaddr *)&sa, &len);
    h->port = ntohs(sa.sin_port);
    for (int i = 0; i < 4; i++) {
        h->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(h->fill[i], (struct sockaddr *)&sa, sizeof sa);
    }
    usleep(10000);
}

static void black_hole_close(struct black_hole *h)
{
    close(h->listener);
    for (int i = 0; i < 4; i++)
        close(h->fill[i]);
}

Test(tunnel_open, a_silent_member_runs_into_the_timeout)
{
    struct black_hole h;
    black_hole_open(&h);
    char text[256];
    snprintf(text, sizeof text, "Queue web\n  Target 127.0.0.1:%u\n  ConnectTimeout 1s\n  Allow *\n", h.port);
    struct world *w = world_new(text);
    struct world_channel *ch = world_open(w, "web", 80);
    world_run(w, 300);
    cr_assert(!ch->refused && !ch->opened);
    cr_assert(world_until(w, &ch->refused));
    cr_assert_eq(ch->reason, MUX_OPEN_CONNECT_FAILED);
    cr_assert(world_audit_has(w, 0, "timed out"), "%s", w->audit[0]);
    world_free(w);
    black_hole_close(&h);
}

Test(tunnel_open, a_connection_may_end_while_its_tunnels_connect)
{
    struct black_hole h;
    black_hole_open(&h);
    char text[256];
    snprintf(text, sizeof text, "Queue web\n  Target 127.0.0.1:%u\n  Allow *\nQueue name\n  Target a.example:1\n  Allow *\n",
             h.port);
    struct world *w = world_new(text);
    world_open(w, "web", 80);
    world_run(w, 20);
    world_open(w, "name", 80);
    cr_assert_eq(w->audits, 0);
    gw_tunnel_end_all(w->conn, "connection lost");
    cr_assert(world_audit_has(w, 0, "\"event\":\"tunnel_refused\"") && world_audit_has(w, 0, "connection lost"));
    world_free(w);
    black_hole_close(&h);
}

Test(tunnel_open, a_name_that_does_not_resolve_is_a_failed_connect)
{
    struct world *w = world_new("Queue web\n  Target nowhere.example:80\n  Allow *\n");
    struct world_channel *ch = world_open(w, "web", 80);
    cr_assert(world_until(w, &ch->refused));
    cr_assert_eq(ch->reason, MUX_OPEN_CONNECT_FAILED);
    cr_assert_str_eq(ch->text, "connect failed");
    world_free(w);
}

Test(tunnel_open, dialling_leaves_a_reserve_of_descriptors)
{
    struct backend b;
    backend_start(&b, BACKEND_ECHO);
    struct world *w = world_new(backend_queue(&b));
    int highest = dup(0);
    struct rlimit limit = { (rlim_t)highest + 32, (rlim_t)highest + 32 };
    close(highest);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct world_channel *ch = world_open(w, "web", 80);
    cr_assert(world_until(w, &ch->refused));
    cr_assert_eq(ch->reason, MUX_OPEN_RESOURCE_SHORTAGE);
    cr_assert(world_audit_has(w, 0, "Too many open files"), "%s", w->audit[0]);
    world_free(w);
    shutdown(b.listener, SHUT_RDWR);
    backend_join(&b);
}

Test(tunnel_open, unknown_and_forbidden_queues_look_alike)
{
    for (int detailed = 0; detailed <= 1; detailed++) {
        char text[256];
        snprintf(text, sizeof text, "QueueErrors %s\nQueue secret\n  Target builtin:echo\n  Allow bob\n",
                 detailed ? "detailed" : "alike");
        struct world *w = world_new(text);
        struct world_channel *unknown = world_open(w, "no.such\nthing", 1), *forbidden = world_open(w, "secret", 1);
        cr_assert(world_until(w, &unknown->refused) && world_until(w, &forbidden->refused));
        cr_assert(unknown->reason == MUX_OPEN_PROHIBITED && forbidden->reason == MUX_OPEN_PROHIBITED);
        cr_assert_eq(strcmp(unknown->text, forbidden->text) != 0, detailed);
        cr_assert(world_audit_has(w, 0, "no queue takes it") && world_audit_has(w, 0, "no.such\\u000athing"), "%s", w->audit[0]);
        cr_assert(world_audit_has(w, 1, "Allow") && world_audit_has(w, 1, "\"queue\":\"secret\""));
        world_free(w);
    }
}

Test(tunnel_open, key_options_limit_what_is_opened)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    struct gw_key_options none = { .no_forwarding = true };
    world_identity(w)->options = &none;
    struct world_channel *ch = world_open(w, "echo", 1);
    cr_assert(world_until(w, &ch->refused));
    cr_assert_str_eq(ch->text, "not available");
    world_free(w);
}

Test(tunnel_open, sessions_and_other_types_are_refused)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    struct world_channel *session = world_open_raw(w, "session", cx_view("", 0));
    struct world_channel *other = world_open_raw(w, "x11", cx_view("", 0));
    cr_assert(world_until(w, &session->refused) && world_until(w, &other->refused));
    cr_assert(session->reason == MUX_OPEN_PROHIBITED && strstr(session->text, "ssh -N"));
    cr_assert_eq(other->reason, MUX_OPEN_UNKNOWN_TYPE);
    cr_assert_eq(w->open_error, MUX_OK);
    world_free(w);
}

Test(tunnel_open, malformed_opens_are_told_from_values_out_of_bounds)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    static const uint8_t cut[] = { 0, 0, 0, 9, 'e' }, port[] = { 0, 0, 0, 1, 'e', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    struct world_channel *a = world_open_raw(w, "direct-tcpip", cx_view(port, sizeof port));
    cr_assert(world_until(w, &a->refused));
    cr_assert_eq(w->open_error, MUX_OK);
    struct world_channel *b = world_open_raw(w, "direct-tcpip", cx_view(cut, sizeof cut));
    cr_assert(world_until(w, &b->refused));
    cr_assert_eq(w->open_error, MUX_E_MALFORMED);
    world_free(w);
}

static struct world_channel *open_path(struct world *w, const char *path)
{
    uint8_t room[2048];
    size_t len = mux_direct_streamlocal_write((struct cx_span){ room, sizeof room }, cx_view_text(path));
    return world_open_raw(w, "direct-streamlocal@openssh.com", cx_view(room, len));
}

Test(tunnel_open, a_path_goes_to_its_queue_or_is_refused)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Route unix:/run/*\n  Allow *\n");
    struct world_channel *named = open_path(w, "/echo"), *routed = open_path(w, "/run/x"), *other = open_path(w, "/var/x");
    cr_assert(world_until(w, &named->opened) && world_until(w, &routed->opened) && world_until(w, &other->refused));
    cr_assert(other->reason == MUX_OPEN_PROHIBITED && strcmp(other->text, "not available") == 0);
    char text[1001] = "/run/";
    memset(text + 5, 'x', sizeof text - 6);
    struct world_channel *longer = open_path(w, text);
    cr_assert(world_until(w, &longer->refused));
    cr_assert(longer->reason == MUX_OPEN_PROHIBITED && w->open_error == MUX_OK);
    struct world_channel *cut = world_open_raw(w, "direct-streamlocal@openssh.com", cx_view("\0\0\0\x09/", 5));
    cr_assert(world_until(w, &cut->refused));
    cr_assert_eq(w->open_error, MUX_E_MALFORMED);
    world_free(w);
}

Test(tunnel_open, a_connection_may_end_while_a_unix_socket_has_no_room)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    snprintf(sa.sun_path, sizeof sa.sun_path, "/tmp/sluice-test-%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), filler = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(bind(listener, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(listener, 0) == 0);
    cr_assert_eq(connect(filler, (struct sockaddr *)&sa, sizeof sa), 0);
    char text[256];
    snprintf(text, sizeof text, "Queue app\n  Target unix:%s\n  Allow *\n", sa.sun_path);
    struct world *w = world_new(text);
    struct world_channel *ch = world_open(w, "app", 1);
    world_run(w, 100);
    cr_assert(!ch->opened && !ch->refused);
    world_free(w);
    close(filler);
    close(listener);
    unlink(sa.sun_path);
}

Test(tunnel_open, channels_a_user_are_capped)
{
    struct world *w = world_new("MaxChannelsPerUser 2\nQueue echo\n  Target builtin:echo\n  Allow *\n");
    struct world_channel *ch[3];
    for (int i = 0; i < 3; i++)
        ch[i] = world_open(w, "echo", 1);
    cr_assert(world_until(w, &ch[2]->refused));
    cr_assert(ch[0]->opened && ch[1]->opened);
    cr_assert_eq(ch[2]->reason, MUX_OPEN_RESOURCE_SHORTAGE);
    ch[0]->close_after = true;
    cr_assert(world_until(w, &ch[0]->closed));
    world_run(w, 5);
    struct world_channel *again = world_open(w, "echo", 1);
    cr_assert(world_until(w, &again->opened));
    world_free(w);
}

Test(tunnel_open, a_draining_worker_refuses)
{
    struct world *w = world_new("Queue echo\n  Target builtin:echo\n  Allow *\n");
    struct world_channel *before = world_open(w, "echo", 1);
    cr_assert(world_until(w, &before->opened));
    w->draining = true;
    struct world_channel *after = world_open(w, "echo", 1);
    cr_assert(world_until(w, &after->refused));
    world_send(w, before, "still", 5, true);
    cr_assert(world_until(w, &before->closed));
    cr_assert_eq(before->received_len, 5);
    world_free(w);
}

/* ---- dial ---- */

Test(tunnel_open, dial_connects_only_where_a_route_allows)
{
    struct backend b;
    backend_start(&b, BACKEND_ECHO);
    static const struct {
        const char *routes, *host;
        bool opened;
    } cases[] = {
        { "*:*", "localhost", false },                             /* a name must not lead to loopback by itself */
        { "0.0.0.0/0:*", "127.0.0.1", false },                     /* nor must a wide range */
        { "0.0.0.0/0:* [::/0]:* *:*", "::ffff:127.0.0.1", false }, /* nor a mapped address */
        { "0.0.0.0/0:* [::/0]:* *:*", "64:ff9b::7f00:1", false },  /* nor NAT64 */
        { "0.0.0.0/0:* [::/0]:* *:*", "0.0.0.0", false },
        { "127.0.0.0/8:*", "127.0.0.1", true },
        { "127.0.0.0/8:1", "127.0.0.1", false },
        { "127.0.0.0/8:* localhost:*", "localhost", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "Queue any\n  Route %s\n  Target dial\n  Allow *\n", cases[i].routes);
        struct world *w = world_new(text);
        struct world_channel *ch = world_open(w, cases[i].host, b.port);
        cr_assert(world_until(w, cases[i].opened ? &ch->opened : &ch->refused), "case %zu: %s", i, ch->text);
        if (!cases[i].opened)
            cr_assert_str_eq(ch->text, "not available", "case %zu: %s", i, ch->text);
        world_free(w);
        if (cases[i].opened) {
            backend_join(&b);
            backend_start(&b, BACKEND_ECHO);
        }
    }
    shutdown(b.listener, SHUT_RDWR);
    backend_join(&b);
}

/* SPDX-License-Identifier: MIT */
/* Channels of type "session", and stderr on any. */
#include <criterion/criterion.h>

#include "inject.h"
#include "mux/connection/session_requests.h"

/* ---- stderr, from produce to the other side's events ---- */

struct outlet {
    struct mux_session *session;
    size_t left, left_stderr;
    enum mux_pull more, more_stderr;
};

static size_t fill(size_t *left, char byte, const struct iovec *iov, int iov_count)
{
    size_t total = 0;
    for (int i = 0; i<iov_count && * left> 0; i++) {
        size_t n = iov[i].iov_len < *left ? iov[i].iov_len : *left;
        memset(iov[i].iov_base, byte, n);
        *left -= n;
        total += n;
    }
    return total;
}

static size_t pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct outlet *o = ctx;
    (void)channel;
    (void)user;
    *more = o->more;
    return fill(&o->left, 'o', iov, iov_count);
}

static size_t pull_stderr(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct outlet *o = ctx;
    (void)channel;
    (void)user;
    *more = o->more_stderr;
    return fill(&o->left_stderr, 'e', iov, iov_count);
}

struct arrived {
    size_t data, extended;
    unsigned alternations;
    bool wrong, eof;
};

/* One produce of the outlet's session, and what the server makes of it. */
static struct arrived deliver(struct pair *p, struct outlet *o)
{
    static uint8_t area[2 * PAIR_AREA];
    struct mux_source source = { .pull = pull, .ctx = o, .pull_stderr = pull_stderr };
    enum mux_err err;
    size_t len = mux_session_produce(o->session, ++p->now_ns, (struct cx_span){ area, sizeof area }, &source, &err);
    struct arrived a = { 0 };
    enum mux_event_kind last = MUX_EV_NONE;
    for (size_t at = 0, used = 1; at < len && used > 0; at += used) {
        struct mux_event ev[PAIR_EVENTS];
        size_t count = PAIR_EVENTS;
        struct cx_span in = { area + at, len - at };
        cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
        for (size_t i = 0; i < count; i++) {
            bool is_stderr = ev[i].kind == MUX_EV_CHANNEL_EXTENDED;
            if (ev[i].kind == MUX_EV_CHANNEL_EOF) {
                a.eof = true;
                continue;
            }
            a.wrong = a.wrong || ev[i].data.data.data[0] != (is_stderr ? 'e' : 'o') || (is_stderr && ev[i].data.data_type != 1);
            *(is_stderr ? &a.extended : &a.data) += ev[i].data.data.len;
            a.alternations += ev[i].kind != last;
            last = ev[i].kind;
        }
    }
    return a;
}

Test(sessions, stdout_and_stderr_arrive_apart_and_in_full)
{
    struct pair *p = pair_with_channel();
    struct outlet o = { p->client.session, 40000, 50001, MUX_PULL_DRY, MUX_PULL_DRY };
    mux_channel_ready(o.session, 0);
    mux_channel_ready_stderr(o.session, 0);
    struct arrived a = deliver(p, &o);
    cr_assert(a.data == 40000 && a.extended == 50001 && !a.wrong && !a.eof);
    cr_assert_not(mux_session_owes(o.session));
    o.left_stderr = 1;
    mux_channel_ready_stderr(o.session, 0);
    a = deliver(p, &o);
    cr_assert(a.data == 0 && a.extended == 1 && !a.wrong);
    pair_free(p);
}

Test(sessions, neither_of_two_endless_sources_starves_the_other)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.window_initial = 384 * 1024;
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert(pair_open(p) == 0 && pair_run(p, 100));
    struct outlet o = { p->client.session, SIZE_MAX, SIZE_MAX, MUX_PULL_MORE, MUX_PULL_MORE };
    mux_channel_ready(o.session, 0);
    mux_channel_ready_stderr(o.session, 0);
    struct arrived a = deliver(p, &o);
    cr_assert(a.data == 192 * 1024 && a.extended == 192 * 1024 && !a.wrong, "%zu %zu", a.data, a.extended);
    cr_assert_geq(a.alternations, 6);
    pair_free(p);
}

Test(sessions, stderr_counts_against_the_window_and_waits_for_it)
{
    struct pair *p = pair_with_channel();
    struct outlet o = { p->client.session, 0, 2 * (size_t)MUX_WINDOW_INITIAL, MUX_PULL_DRY, MUX_PULL_MORE };
    mux_channel_ready_stderr(o.session, 0);
    struct arrived a = deliver(p, &o);
    cr_assert_eq(a.extended, MUX_WINDOW_INITIAL);
    cr_assert_not(mux_session_owes(o.session));
    mux_channel_drained(p->server.session, p->server.stream[0].channel, MUX_WINDOW_INITIAL);
    (void)pair_produce(p, &p->server);
    (void)pair_feed(p, &p->client);
    a = deliver(p, &o);
    cr_assert_gt(a.extended, 0);
    pair_free(p);
}

Test(sessions, only_the_end_of_stdout_ends_a_channel)
{
    struct pair *p = pair_with_channel();
    struct outlet o = { p->client.session, 0, 5, MUX_PULL_EOF, MUX_PULL_EOF };
    mux_channel_ready_stderr(o.session, 0);
    struct arrived a = deliver(p, &o);
    cr_assert(a.extended == 5 && !a.eof);
    o.left = 5;
    mux_channel_ready(o.session, 0);
    a = deliver(p, &o);
    cr_assert(a.data == 5 && a.eof);
    mux_channel_ready_stderr(o.session, 0);
    cr_assert_not(mux_session_owes(o.session)); /* behind EOF nothing more */
    pair_free(p);
}

/* ---- opening, requests ---- */

/* A session of the client's that the server has accepted; its number at the server in *at_server. */
static uint32_t open_session(struct pair *p, uint32_t *at_server)
{
    uint32_t id = mux_channel_open(p->client.session, "session", cx_view("", 0), NULL);
    struct mux_event ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_CHANNEL_OPEN && cx_view_is(ev.open.type, "session"));
    *at_server = ev.channel;
    mux_channel_accept(p->server.session, ev.channel, NULL);
    cr_assert_eq(inject_pass(p, &p->server).kind, MUX_EV_CHANNEL_OPENED);
    return id;
}

Test(sessions, requests_go_through_as_their_writers_and_readers_have_them)
{
    struct pair *p = pair_connected();
    uint32_t at_server, id = open_session(p, &at_server);
    struct mux_session_request m = { .kind = MUX_REQUEST_EXEC, .command = cx_view_text("uptime") }, got;
    uint8_t room[64];
    size_t len;
    cr_assert(mux_session_request_write((struct cx_span){ room, sizeof room }, &m, &len));
    cr_assert(mux_channel_request(p->client.session, id, mux_session_request_name(m.kind), true, cx_view(room, len)));
    struct mux_event ev = inject_pass(p, &p->client);
    cr_assert(ev.kind == MUX_EV_CHANNEL_REQUEST && ev.request.want_reply && ev.channel == at_server);
    cr_assert(mux_session_request_parse(ev.request.name, ev.request.data, &got));
    cr_assert(got.kind == MUX_REQUEST_EXEC && cx_view_is(got.command, "uptime"));
    mux_channel_request_answer(p->server.session, at_server, true);
    ev = inject_pass(p, &p->server);
    cr_assert(ev.kind == MUX_EV_CHANNEL_REPLY && ev.reply.success);
    pair_free(p);
}

Test(sessions, end_of_write_is_told_to_openssh_and_on_sessions_only)
{
    static const char *const peers[] = { "OpenSSH_9.2p1", "OpenSS", "PuTTY_Release_0.78" };
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        p->client.config.software = peers[i];
        cr_assert(pair_handshake(p, SIZE_MAX));
        cr_assert_eq(pair_open(p), 0);
        cr_assert(pair_run(p, 100));
        cr_assert(mux_channel_end_of_write(p->server.session, p->server.stream[0].channel));
        cr_assert_not(mux_session_owes(p->server.session));
        uint32_t at_server;
        uint32_t id = open_session(p, &at_server);
        cr_assert(mux_channel_end_of_write(p->server.session, at_server));
        cr_assert_eq(mux_session_owes(p->server.session), i == 0, "%s", peers[i]);
        struct mux_event ev = inject_pass(p, &p->server);
        cr_assert(i > 0 ||
                  (ev.kind == MUX_EV_CHANNEL_REQUEST && ev.channel == id && cx_view_is(ev.request.name, "eow@openssh.com")));
        cr_assert(i > 0 || !ev.request.want_reply);
        pair_free(p);
    }
}

Test(sessions, a_session_behind_no_more_sessions_ends_the_connection)
{
    static const char *const types[] = { "direct-tcpip", "session" };
    for (size_t i = 0; i < 2; i++) {
        struct pair *p = pair_connected();
        uint32_t at_server;
        (void)open_session(p, &at_server);
        cr_assert(mux_session_global_request(p->client.session, "no-more-sessions@openssh.com", false, cx_view("", 0)));
        cr_assert_eq(inject_pass(p, &p->client).kind, MUX_EV_GLOBAL_REQUEST);
        inject(p, &p->client, "bsuuu", MUX_MSG_CHANNEL_OPEN, types[i], 7u, 1000u, 1000u);
        struct mux_event ev = inject_take(p, &p->server);
        cr_assert_eq(p->server.err, i == 0 ? MUX_OK : MUX_E_ILLEGAL);
        cr_assert_eq(ev.kind, i == 0 ? MUX_EV_CHANNEL_OPEN : MUX_EV_NONE);
        cr_assert(i == 0 || inject_disconnects(p, &p->server));
        pair_free(p);
    }
}

Test(sessions, a_server_cannot_forbid_itself_sessions)
{
    struct pair *p = pair_connected();
    inject(p, &p->server, "bsb", MUX_MSG_GLOBAL_REQUEST, "no-more-sessions@openssh.com", 0);
    cr_assert_eq(inject_take(p, &p->client).kind, MUX_EV_GLOBAL_REQUEST);
    inject(p, &p->server, "bsuuu", MUX_MSG_CHANNEL_OPEN, "session", 7u, 1000u, 1000u);
    cr_assert_eq(inject_take(p, &p->client).kind, MUX_EV_CHANNEL_OPEN); /* for the application to refuse: RFC 4254 section 6.1 */
    pair_free(p);
}

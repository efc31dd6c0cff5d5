/* SPDX-License-Identifier: MIT */
/* Channels against a peer that breaks the rules: it ends in a DISCONNECT, or costs what was known in advance. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "inject.h"

static enum mux_err fed(struct pair *p)
{
    (void)pair_feed(p, &p->server);
    return p->server.err;
}

static void expect(struct pair *p, enum mux_err err)
{
    cr_assert_eq(fed(p), err, "%s instead of %s", mux_err_text(p->server.err), mux_err_text(err));
    if (err != MUX_OK)
        cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

Test(peer, channels_that_do_not_exist_end_the_connection)
{
    static const uint32_t ids[] = { 1, 15, 16, 0x7fffffff, UINT32_MAX };
    for (uint8_t number = MUX_MSG_CHANNEL_OPEN_CONFIRMATION; number <= MUX_MSG_CHANNEL_FAILURE; number++)
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            struct pair *p = pair_with_channel();
            if (number == MUX_MSG_CHANNEL_OPEN_CONFIRMATION)
                inject(p, &p->client, "buuuu", number, ids[i], 0u, 1000u, 1000u);
            else if (number == MUX_MSG_CHANNEL_OPEN_FAILURE)
                inject(p, &p->client, "buuss", number, ids[i], 1u, "", "");
            else if (number == MUX_MSG_CHANNEL_WINDOW_ADJUST)
                inject(p, &p->client, "buu", number, ids[i], 1u);
            else if (number == MUX_MSG_CHANNEL_DATA)
                inject(p, &p->client, "bus", number, ids[i], "data");
            else if (number == MUX_MSG_CHANNEL_EXTENDED_DATA)
                inject(p, &p->client, "buus", number, ids[i], 1u, "data");
            else if (number == MUX_MSG_CHANNEL_REQUEST)
                inject(p, &p->client, "busb", number, ids[i], "shell", 1);
            else
                inject(p, &p->client, "bu", number, ids[i]);
            /* credit may have crossed a close */
            expect(p, number == MUX_MSG_CHANNEL_WINDOW_ADJUST ? MUX_OK : MUX_E_CHANNEL);
        }
}

Test(peer, credit_behind_a_close_is_passed_over)
{
    struct pair *p = pair_with_channel();
    p->server.stream[0].released = true;
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_CLOSE, 0u);
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, UINT32_MAX);
    cr_assert_eq(fed(p), MUX_OK);
    mux_channel_release(p->server.session, 0);
    cr_assert(pair_produce(p, &p->server));
    cr_assert_eq(mux_session_channel_count(p->server.session), 0);
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, UINT32_MAX);
    expect(p, MUX_OK);
}

Test(peer, answers_to_what_was_not_asked_end_the_connection)
{
    struct pair *p = pair_with_channel();
    inject(p, &p->client, "buuuu", MUX_MSG_CHANNEL_OPEN_CONFIRMATION, 0u, 0u, 1000u, 1000u);
    expect(p, MUX_E_CHANNEL);
    p = pair_with_channel();
    inject(p, &p->client, "buuss", MUX_MSG_CHANNEL_OPEN_FAILURE, 0u, 1u, "", "");
    expect(p, MUX_E_CHANNEL);
    p = pair_with_channel();
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_SUCCESS, 0u);
    expect(p, MUX_E_CHANNEL);
    p = pair_with_channel();
    inject(p, &p->client, "b", MUX_MSG_REQUEST_SUCCESS);
    expect(p, MUX_E_ILLEGAL);
}

Test(peer, data_beyond_the_window_or_the_packet_size_ends_the_connection)
{
    struct pair *p = pair_with_channel();
    inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, (uint32_t)MUX_CHANNEL_PACKET_MAX + 1);
    expect(p, MUX_E_WINDOW);
    for (int extended = 0; extended < 2; extended++) {
        p = pair_with_channel();
        p->server.hold_reads = true;
        for (unsigned i = 0; i < MUX_WINDOW_INITIAL / MUX_CHANNEL_PACKET_MAX; i++)
            inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, (uint32_t)MUX_CHANNEL_PACKET_MAX);
        cr_assert_eq(fed(p), MUX_OK);
        inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, 0u);
        cr_assert_eq(fed(p), MUX_OK);
        if (extended)
            inject(p, &p->client, "buuz", MUX_MSG_CHANNEL_EXTENDED_DATA, 0u, 1u, 1u);
        else
            inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, 1u);
        expect(p, MUX_E_WINDOW);
    }
}

Test(peer, data_behind_eof_or_close_ends_the_connection)
{
    for (uint8_t number = MUX_MSG_CHANNEL_EOF; number <= MUX_MSG_CHANNEL_CLOSE; number++)
        for (uint8_t second = MUX_MSG_CHANNEL_DATA; second <= MUX_MSG_CHANNEL_EOF; second++) {
            struct pair *p = pair_with_channel();
            inject(p, &p->client, "bu", number, 0u);
            if (second == MUX_MSG_CHANNEL_EOF)
                inject(p, &p->client, "bu", second, 0u);
            else if (second == MUX_MSG_CHANNEL_DATA)
                inject(p, &p->client, "bus", second, 0u, "x");
            else
                inject(p, &p->client, "buus", second, 0u, 1u, "x");
            expect(p, MUX_E_CHANNEL);
        }
    struct pair *p = pair_with_channel();
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_CLOSE, 0u);
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_CLOSE, 0u);
    expect(p, MUX_E_CHANNEL);
}

Test(peer, window_that_would_pass_32_bits_ends_the_connection)
{
    struct pair *p = pair_with_channel();
    uint32_t left = UINT32_MAX - mux_channel_at(p->server.session, 0)->peer_window;
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, left);
    cr_assert_eq(fed(p), MUX_OK);
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, 1u);
    expect(p, MUX_E_WINDOW);
}

Test(peer, open_with_no_packet_size_is_refused_and_one_without_window_waits)
{
    struct pair *p = pair_with_channel();
    inject(p, &p->client, "bsuuu", MUX_MSG_CHANNEL_OPEN, "direct-tcpip", 9u, 1000u, 0u);
    cr_assert_eq(fed(p), MUX_OK);
    cr_assert_eq(p->server.session->reply_count, 1);
    cr_assert_eq(mux_session_channel_count(p->server.session), 1);
    mux_channel_at(p->server.session, 0)->peer_window = 0;
    pair_send(&p->server, 0, 5000, true);
    p->server.session->reply_count = 0;
    cr_assert_not(mux_session_owes(p->server.session));
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, 100u);
    cr_assert_eq(fed(p), MUX_OK);
    cr_assert(pair_produce(p, &p->server));
    cr_assert_eq(p->server.stream[0].sent, 100);
    cr_assert_not(mux_session_owes(p->server.session));
    pair_free(p);
}

Test(peer, half_closed_either_way_still_carries_the_other)
{
    for (int who = 0; who < 2; who++) {
        struct pair *p = pair_with_channel();
        struct pair_side *ends = who ? &p->server : &p->client, *goes_on = who ? &p->client : &p->server;
        pair_send(ends, 0, 0, true);
        cr_assert(pair_run(p, 100));
        cr_assert(goes_on->stream[0].eof);
        pair_send(goes_on, 0, 500000, false);
        cr_assert(pair_run(p, 1000));
        cr_assert_eq(ends->stream[0].received, 500000);
        cr_assert_not(ends->stream[0].closed);
        pair_send(goes_on, 0, 0, true);
        cr_assert(pair_run(p, 100));
        cr_assert_eq(mux_session_channel_count(p->server.session), 0);
        cr_assert_eq(mux_session_channel_count(p->client.session), 0);
        pair_free(p);
    }
}

Test(peer, close_while_data_is_on_its_way_drops_it_and_frees_both_ends)
{
    for (int who = 0; who < 2; who++) {
        struct pair *p = pair_with_channel();
        struct pair_side *closes = who ? &p->server : &p->client;
        pair_send(&p->client, 0, 1000000, false);
        pair_send(&p->server, 0, 1000000, false);
        (void)pair_produce(p, &p->client);
        (void)pair_produce(p, &p->server);
        closes->stream[0].released = true;
        mux_channel_release(closes->session, 0);
        cr_assert(pair_run(p, 1000));
        cr_assert_eq(p->client.err, MUX_OK);
        cr_assert_eq(p->server.err, MUX_OK);
        cr_assert_eq(mux_session_channel_count(p->client.session), 0);
        cr_assert_eq(mux_session_channel_count(p->server.session), 0);
        pair_free(p);
    }
}

Test(peer, release_may_come_before_between_or_behind_the_closes)
{
    for (int order = 0; order < 3; order++) {
        struct pair *p = pair_with_channel();
        p->server.stream[0].released = true; /* the application below releases by itself */
        if (order == 0)
            mux_channel_release(p->server.session, 0);
        p->client.stream[0].released = true;
        mux_channel_release(p->client.session, 0);
        cr_assert(pair_run(p, 100));
        if (order == 1)
            mux_channel_close(p->server.session, 0);
        if (order != 0)
            mux_channel_release(p->server.session, 0);
        cr_assert(pair_run(p, 100));
        cr_assert_eq(mux_session_channel_count(p->client.session), 0);
        cr_assert_eq(mux_session_channel_count(p->server.session), 0);
        pair_free(p);
    }
}

Test(peer, an_open_that_is_released_before_its_answer_is_closed_or_forgotten)
{
    for (int refused = 0; refused < 2; refused++) {
        struct pair *p = pair_with_channel();
        uint32_t id = refused ? mux_channel_open(p->client.session, "nonsense", cx_view("", 0), NULL) : pair_open(p);
        p->client.stream[id].released = true;
        mux_channel_release(p->client.session, id);
        cr_assert(pair_run(p, 100));
        cr_assert_eq(mux_session_channel_count(p->client.session), 1);
        cr_assert_eq(p->client.err, MUX_OK);
        cr_assert_eq(mux_session_channel_count(p->server.session), 1);
        pair_free(p);
    }
}

Test(peer, a_number_is_not_reused_within_what_one_feed_brought)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    struct pair_stream st = { 0 };
    cr_assert_eq(mux_channel_open(p->server.session, "x", cx_view("", 0), &st), 0u);
    inject(p, &p->client, "buuss", MUX_MSG_CHANNEL_OPEN_FAILURE, 0u, 1u, "", "");
    inject(p, &p->client, "bsuuu", MUX_MSG_CHANNEL_OPEN, "y", 5u, 1000u, 1000u);
    struct mux_event ev[4];
    size_t used, count = 4;
    struct cx_span in = { p->server.inbox, p->server.inbox_len };
    cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert_eq(count, 2);
    cr_assert_eq(ev[0].channel, 0);
    cr_assert_eq(ev[1].kind, MUX_EV_CHANNEL_OPEN);
    cr_assert_neq(ev[1].channel, 0);
    cr_assert_null(mux_channel_user(p->server.session, 0));
    pair_free(p);
}

Test(peer, channels_are_found_by_their_pointers)
{
    enum { ASKED = 40 }; /* more than one chunk of rows */
    static const uint32_t found[] = { 3, 7, 39 };
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    struct mux_session *s = p->server.session;
    int user[ASKED];
    for (uint32_t i = 0; i < ASKED; i++)
        inject(p, &p->client, "bsuuu", MUX_MSG_CHANNEL_OPEN, "y", i, 1000u, 1000u);
    struct mux_event ev[ASKED];
    size_t used, count = ASKED;
    struct cx_span in = { p->server.inbox, p->server.inbox_len };
    cr_assert_eq(mux_session_feed(s, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert_eq(count, ASKED);
    for (size_t i = 0; i < 3; i++)
        mux_channel_set_user(s, found[i], &user[found[i]]);
    mux_channel_refuse(s, 0, MUX_OPEN_PROHIBITED, "no"); /* its text is no pointer of the application's */
    uint32_t channel = 0;
    for (size_t i = 0; i < 3; i++, channel++) {
        cr_assert_eq(mux_session_next_user(s, &channel), &user[found[i]]);
        cr_assert_eq(channel, found[i]);
    }
    cr_assert_null(mux_session_next_user(s, &channel));
    pair_free(p);
}

/* ---- how much a peer may ask for ---- */

Test(peer, has_as_many_channels_as_the_limit_and_no_more, .timeout = 60)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    for (uint32_t i = 0; i < MUX_CHANNELS_MAX + 10; i++)
        inject(p, &p->client, "bsuuu", MUX_MSG_CHANNEL_OPEN, "x", i, 1000u, 1000u);
    uint32_t opens = 0;
    size_t at = 0;
    while (at < p->server.inbox_len) {
        struct mux_event ev[64];
        size_t used, count = 64;
        struct cx_span in = { p->server.inbox + at, p->server.inbox_len - at };
        cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
        cr_assert_gt(used, 0);
        at += used;
        for (size_t i = 0; i < count; i++, opens++)
            mux_channel_accept(p->server.session, ev[i].channel, NULL);
    }
    p->server.inbox_len = 0;
    cr_assert_eq(opens, MUX_CHANNELS_MAX);
    cr_assert_eq(p->server.session->reply_count, 10);
    /* the confirmations go out, and every row with the connection */
    while (pair_produce(p, &p->server))
        ;
    cr_assert_not(mux_session_owes(p->server.session));
    cr_assert_eq(p->server.session->reply_count, 0);
    pair_free(p);
}

Test(peer, a_full_list_of_replies_stops_the_reading_until_one_is_given)
{
    struct pair *p = pair_with_channel();
    p->server.hold_requests = true;
    p->client.session->global_out += MUX_REPLIES_MAX + 1;
    for (unsigned i = 0; i < MUX_REPLIES_MAX + 1; i++)
        inject(p, &p->client, "bsb", MUX_MSG_GLOBAL_REQUEST, "x", 1);
    cr_assert_eq(fed(p), MUX_OK);
    cr_assert(mux_session_blocked(p->server.session));
    cr_assert_eq(p->server.events[MUX_EV_GLOBAL_REQUEST], MUX_REPLIES_MAX);
    mux_session_request_answer(p->server.session, true, 7);
    cr_assert(pair_run(p, 10));
    cr_assert_eq(p->server.events[MUX_EV_GLOBAL_REQUEST], MUX_REPLIES_MAX + 1);
    for (unsigned i = 0; i < MUX_REPLIES_MAX; i++)
        mux_session_request_answer(p->server.session, false, 0);
    cr_assert(pair_run(p, 10));
    cr_assert_not(mux_session_blocked(p->server.session));
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REPLY], MUX_REPLIES_MAX + 1);
    pair_free(p);
}

Test(peer, numbers_that_nobody_knows_are_answered_and_cannot_pile_up)
{
    struct pair *p = pair_with_channel();
    for (unsigned i = 0; i < 1000; i++)
        inject(p, &p->client, "b", 200);
    cr_assert_eq(fed(p), MUX_OK);
    cr_assert_eq(p->server.session->reply_count, MUX_REPLIES_MAX);
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->server.inbox_len, 0);
    cr_assert_eq(p->server.session->reply_count, 0);
    cr_assert_eq(p->client.err, MUX_OK);
    pair_free(p);
}

/* ---- replies to requests ---- */

static void ask(struct pair *p, uint32_t channel)
{
    mux_channel_at(p->client.session, channel)->requests_out++;
    inject(p, &p->client, "busb", MUX_MSG_CHANNEL_REQUEST, channel, "late", 1);
}

/* Feeds the server without its application. */
static void feed_silently(struct pair *p, size_t expected)
{
    struct mux_event ev[16];
    size_t used, count = 16;
    struct cx_span in = { p->server.inbox, p->server.inbox_len };
    cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert_eq(count, expected);
    cr_assert_eq(used, p->server.inbox_len);
    p->server.inbox_len = 0;
}

Test(peer, late_replies_of_one_channel_hold_up_no_other)
{
    struct pair *p = pair_with_channel();
    cr_assert_eq(pair_open(p), 1u);
    cr_assert(pair_run(p, 100));
    ask(p, 0);
    ask(p, 0);
    ask(p, 1);
    feed_silently(p, 3);
    mux_channel_request_answer(p->server.session, 1, true);
    cr_assert(pair_run(p, 10));
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_REPLY], 1);
    cr_assert_eq(mux_channel_at(p->client.session, 1)->requests_out, 0);
    cr_assert_eq(mux_channel_at(p->client.session, 0)->requests_out, 2);
    mux_channel_request_answer(p->server.session, 0, true);
    mux_channel_request_answer(p->server.session, 0, false);
    mux_channel_request_answer(p->server.session, 0, false); /* nothing waits for it: passed over */
    cr_assert(pair_run(p, 10));
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_REPLY], 3);
    pair_free(p);
}

Test(peer, a_release_answers_what_waits_before_the_close)
{
    struct pair *p = pair_with_channel();
    ask(p, 0);
    ask(p, 0);
    feed_silently(p, 2);
    mux_channel_close(p->server.session, 0);
    cr_assert(pair_run(p, 10));
    cr_assert_not(p->client.stream[0].closed);
    p->server.stream[0].released = true;
    mux_channel_release(p->server.session, 0);
    cr_assert(pair_run(p, 10));
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_REPLY], 2);
    cr_assert(p->client.stream[0].closed);
    cr_assert_eq(p->client.err, MUX_OK);
    cr_assert_eq(mux_session_channel_count(p->server.session), 0);
    pair_free(p);
}

Test(peer, requests_of_ours_in_flight_are_capped)
{
    struct pair *p = pair_with_channel();
    for (unsigned i = 0; i < MUX_REQUESTS_OUT_MAX; i++) {
        cr_assert(mux_session_global_request(p->client.session, "x", true, cx_view("", 0)));
        cr_assert(mux_channel_request(p->client.session, 0, "x", true, cx_view("", 0)));
    }
    cr_assert_not(mux_session_global_request(p->client.session, "x", true, cx_view("", 0)));
    cr_assert_not(mux_channel_request(p->client.session, 0, "x", true, cx_view("", 0)));
    mux_session_keepalive(p->client.session);
    cr_assert_eq(p->client.session->global_out, MUX_REQUESTS_OUT_MAX);
    cr_assert(pair_run(p, 10));
    cr_assert(mux_session_global_request(p->client.session, "x", true, cx_view("", 0)));
    pair_free(p);
}

Test(peer, what_comes_for_a_released_channel_is_passed_over_until_its_close)
{
    struct pair *p = pair_with_channel();
    unsigned events = 0, after = 0;
    cr_assert(mux_channel_request(p->server.session, 0, "x", true, cx_view("", 0)));
    p->server.stream[0].released = true;
    mux_channel_release(p->server.session, 0);
    cr_assert(pair_produce(p, &p->server));
    for (size_t i = 0; i < MUX_EV_DISCONNECT; i++)
        events += p->server.events[i];
    inject(p, &p->client, "bus", MUX_MSG_CHANNEL_DATA, 0u, "late");
    inject(p, &p->client, "buus", MUX_MSG_CHANNEL_EXTENDED_DATA, 0u, 1u, "late");
    inject(p, &p->client, "buu", MUX_MSG_CHANNEL_WINDOW_ADJUST, 0u, 1u);
    inject(p, &p->client, "busb", MUX_MSG_CHANNEL_REQUEST, 0u, "late", 1);
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_SUCCESS, 0u);
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_EOF, 0u);
    cr_assert_eq(fed(p), MUX_OK);
    for (size_t i = 0; i < MUX_EV_DISCONNECT; i++)
        after += p->server.events[i];
    cr_assert_eq(after, events);
    cr_assert_not(mux_session_owes(p->server.session));
    cr_assert_eq(mux_session_channel_count(p->server.session), 1);
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_CLOSE, 0u);
    cr_assert_eq(fed(p), MUX_OK);
    cr_assert_eq(mux_session_channel_count(p->server.session), 0);
    inject(p, &p->client, "bu", MUX_MSG_CHANNEL_CLOSE, 0u);
    expect(p, MUX_E_CHANNEL);
}

Test(peer, data_into_a_closed_channel_still_counts_against_its_window)
{
    struct pair *p = pair_with_channel();
    p->server.stream[0].released = true;
    mux_channel_release(p->server.session, 0);
    for (unsigned i = 0; i < MUX_WINDOW_INITIAL / MUX_CHANNEL_PACKET_MAX; i++)
        inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, (uint32_t)MUX_CHANNEL_PACKET_MAX);
    cr_assert_eq(fed(p), MUX_OK);
    inject(p, &p->client, "buz", MUX_MSG_CHANNEL_DATA, 0u, 1u);
    expect(p, MUX_E_WINDOW);
}

Test(peer, windows_stop_growing_where_the_budget_ends)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct mux_window_budget budget = { .left_bytes = 5 * MUX_WINDOW_INITIAL };
    p->server.shared.budget = &budget;
    cr_assert(pair_handshake(p, SIZE_MAX));
    (void)pair_open(p);
    (void)pair_open(p);
    cr_assert(pair_run(p, 100));
    pair_send(&p->client, 0, 5000000, false);
    pair_send(&p->client, 1, 5000000, false);
    cr_assert(pair_run(p, 10000));
    uint32_t a = mux_channel_at(p->server.session, 0)->window_target, b = mux_channel_at(p->server.session, 1)->window_target;
    /* twice as large is a quarter of what is left for each of them, and three quarters stay for others */
    cr_assert_eq(a, 2u * MUX_WINDOW_INITIAL);
    cr_assert_eq(b, 2u * MUX_WINDOW_INITIAL);
    cr_assert_eq(budget.left_bytes, 3 * MUX_WINDOW_INITIAL);
    /* given back with the channel's end on this side, whether or not the peer ever closes its own */
    p->server.stream[0].released = true;
    mux_channel_release(p->server.session, 0);
    cr_assert_eq(budget.left_bytes, 4 * MUX_WINDOW_INITIAL);
    pair_free(p);
    cr_assert_eq(budget.left_bytes, 5 * MUX_WINDOW_INITIAL);
}

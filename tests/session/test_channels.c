/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "mux/session_priv.h"
#include "pair.h"

static bool whole(const struct pair_stream *st, uint64_t n)
{
    return st && st->received == n && !st->corrupt;
}

Test(channels, transfer_both_ways_survives_any_split_and_area)
{
    static const size_t chunks[] = { 1, 7, 100, 4096, SIZE_MAX }, areas[] = { 34 * 1024, 100000, PAIR_AREA };
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 3; j++) {
            struct pair *p = pair_connected();
            uint64_t n = chunks[i] < 100 ? 20000 : 3000000;
            p->chunk = chunks[i];
            p->area = areas[j];
            uint32_t ch = pair_open(p);
            cr_assert(pair_run(p, 1000));
            pair_send(&p->client, ch, n, true);
            pair_send(&p->server, pair_peer(p, ch)->channel, n + 1, true);
            cr_assert(pair_run(p, 100000), "chunk %zu area %zu", chunks[i], areas[j]);
            cr_assert(whole(pair_peer(p, ch), n) && whole(&p->client.stream[ch], n + 1));
            cr_assert(p->client.stream[ch].closed && pair_peer(p, ch)->closed);
            cr_assert_eq(mux_session_channel_count(p->client.session), 0);
            cr_assert_eq(mux_session_channel_count(p->server.session), 0);
            pair_free(p);
        }
}

Test(channels, rekeys_by_either_side_lose_nothing)
{
    for (int who = 1; who <= 3; who++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        if (who & 1)
            p->client.config.rekey_bytes = 200000;
        if (who & 2)
            p->server.config.rekey_packets = 16;
        cr_assert(pair_handshake(p, 1500));
        uint32_t ch = pair_open(p);
        cr_assert(pair_run(p, 1000));
        pair_send(&p->client, ch, 5000000, true);
        pair_send(&p->server, pair_peer(p, ch)->channel, 5000000, true);
        cr_assert(pair_run(p, 100000), "who %d", who);
        cr_assert(whole(pair_peer(p, ch), 5000000) && whole(&p->client.stream[ch], 5000000), "who %d", who);
        cr_assert_gt(p->client.keyed, 5);
        pair_free(p);
    }
}

Test(channels, rekey_by_time)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.rekey_ns = 1000000000;
    cr_assert(pair_handshake(p, SIZE_MAX));
    p->now_ns = mux_session_deadline(p->server.session) - 1;
    cr_assert_eq(mux_session_tick(p->server.session, p->now_ns), MUX_OK);
    cr_assert_not(mux_session_owes(p->server.session));
    cr_assert_eq(mux_session_tick(p->server.session, ++p->now_ns), MUX_OK);
    cr_assert(mux_session_owes(p->server.session));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.keyed, 2);
    pair_free(p);
}

Test(channels, both_rekey_at_once)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    pair_send(&p->client, ch, 1000000, false);
    pair_send(&p->server, pair_peer(p, ch)->channel, 1000000, false);
    mux_session_rekey(p->client.session);
    mux_session_rekey(p->server.session);
    cr_assert(pair_run(p, 10000));
    cr_assert(whole(pair_peer(p, ch), 1000000) && whole(&p->client.stream[ch], 1000000));
    cr_assert_eq(p->client.keyed, 2);
    cr_assert_eq(p->server.keyed, 2);
    pair_free(p);
}

Test(channels, credit_waits_for_drain)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    p->server.hold_reads = true;
    pair_send(&p->client, ch, 10000000, false);
    cr_assert(pair_run(p, 10000));
    struct pair_stream *peer = pair_peer(p, ch);
    cr_assert_eq(peer->received, MUX_WINDOW_INITIAL);
    p->server.hold_reads = false;
    mux_channel_drained(p->server.session, peer->channel, peer->hold);
    cr_assert(pair_run(p, 10000));
    cr_assert(whole(peer, 10000000));
    pair_free(p);
}

Test(channels, a_stalled_channel_leaves_the_others_alone)
{
    struct pair *p = pair_connected();
    uint32_t a = pair_open(p), b = pair_open(p);
    cr_assert(pair_run(p, 100));
    p->server.hold_reads = true;
    pair_send(&p->client, a, 1000000, false);
    cr_assert(pair_run(p, 1000));
    p->server.hold_reads = false;
    pair_send(&p->client, b, 1000000, true);
    cr_assert(pair_run(p, 1000));
    cr_assert(whole(pair_peer(p, b), 1000000));
    cr_assert_eq(pair_peer(p, a)->received, MUX_WINDOW_INITIAL);
    pair_free(p);
}

Test(channels, windows_grow_within_the_budget_and_give_it_back)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct mux_window_budget budget = { .left_bytes = 1 << 20 };
    p->server.shared.budget = &budget;
    cr_assert(pair_handshake(p, SIZE_MAX));
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    pair_send(&p->client, ch, 20000000, true);
    cr_assert(pair_run(p, 10000));
    cr_assert_lt(budget.left_bytes, 1 << 20);
    cr_assert_geq(budget.left_bytes, 0);
    pair_send(&p->server, pair_peer(p, ch)->channel, 0, true);
    cr_assert(pair_run(p, 10000));
    cr_assert_eq(mux_session_channel_count(p->server.session), 0);
    cr_assert_eq(budget.left_bytes, 1 << 20);
    pair_free(p);
}

/* What a window grows to, where each round lasts a round trip and as long as its bytes take. */
static uint32_t settled_window(const char *client, uint64_t round_trip_us, uint64_t bytes_per_us)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->client.config.software = client;
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert(pair_open(p) == 0 && pair_run(p, 100));
    struct mux_session *s = p->server.session;
    struct mux_channel *ch = mux_channel_at(s, pair_peer(p, 0)->channel);
    for (unsigned round = 0; round < 100; round++) {
        uint32_t left = ch->window = ch->window_target;
        s->now_ns += 1000 * (round_trip_us + left / bytes_per_us);
        for (; left > 0; left -= MUX_CHANNEL_PACKET_MAX)
            cr_assert_eq(mux_window_receive(s, ch, MUX_CHANNEL_PACKET_MAX), MUX_OK);
        mux_channel_drained(s, ch->id, ch->window_target);
    }
    uint32_t window = ch->window_target;
    pair_free(p);
    return window;
}

Test(channels, a_window_grows_to_what_the_path_holds)
{
    cr_assert_eq(settled_window("any", 100000, 500), 64u << 20, "50 MB are under way");
    cr_assert_eq(settled_window("OpenSSH_10.0", 100000, 500), 16u << 20, "and would slow its client");
    cr_assert_eq(settled_window("any", 100000, 100), 32u << 20, "10 MB are");
    cr_assert_eq(settled_window("any", 100000, 10), 2u << 20, "a megabyte is");
    cr_assert_eq(settled_window("any", 50, 840), 512u << 10, "this machine");
}

/* Its bytes are taken without a feed or a produce, long after they came. */
Test(channels, a_service_that_pauses_makes_no_window_grow)
{
    struct pair *p = pair_with_channel();
    struct mux_session *s = p->server.session;
    struct mux_channel *ch = mux_channel_at(s, pair_peer(p, 0)->channel);
    for (unsigned pause = 0; pause < 10; pause++) {
        uint32_t left = ch->window = ch->window_target;
        for (; left > 0; left -= MUX_CHANNEL_PACKET_MAX)
            cr_assert_eq(mux_window_receive(s, ch, MUX_CHANNEL_PACKET_MAX), MUX_OK);
        p->now_ns += 10000000000;
        mux_session_clock(s, p->now_ns);
        mux_channel_drained(s, ch->id, ch->window_target);
        cr_assert_eq(ch->window_target, MUX_WINDOW_INITIAL);
    }
    pair_free(p);
}

Test(channels, unknown_type_is_refused_and_the_id_comes_back)
{
    struct pair *p = pair_connected();
    for (int i = 0; i < 100; i++) {
        static struct pair_stream st;
        cr_assert_eq(mux_channel_open(p->client.session, "nonsense", cx_view("", 0), &st), 0u);
        st.refused = false;
        cr_assert(pair_run(p, 100));
        cr_assert(st.refused);
    }
    cr_assert_eq(mux_session_channel_count(p->server.session), 0);
    pair_free(p);
}

Test(channels, more_than_the_limit_are_refused_without_a_row)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.channels_max = 3;
    cr_assert(pair_handshake(p, SIZE_MAX));
    for (int i = 0; i < 40; i++)
        (void)pair_open(p);
    cr_assert(pair_run(p, 1000));
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_OPENED], 3);
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_REFUSED], 37);
    pair_free(p);
}

Test(channels, requests_are_answered_in_order)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    for (int i = 0; i < 4; i++) {
        cr_assert(mux_session_global_request(p->client.session, i % 2 ? "yes" : "no", true, cx_view("", 0)));
        cr_assert(mux_channel_request(p->client.session, ch, i % 2 ? "yes" : "no", true, cx_view("", 0)));
    }
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REPLY], 4);
    cr_assert_eq(p->client.events[MUX_EV_CHANNEL_REPLY], 4);
    pair_free(p);
}

Test(channels, keepalives_are_answered_and_counted)
{
    struct pair *p = pair_connected();
    mux_session_keepalive(p->server.session);
    mux_session_keepalive(p->server.session);
    cr_assert_eq(mux_session_keepalives_unanswered(p->server.session), 2);
    cr_assert(pair_run(p, 100));
    cr_assert_eq(mux_session_keepalives_unanswered(p->server.session), 0);
    cr_assert_eq(p->server.events[MUX_EV_GLOBAL_REPLY], 0);
    pair_free(p);
}

Test(channels, idle_sessions_owe_nothing)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    cr_assert_not(mux_session_owes(p->client.session));
    cr_assert_not(mux_session_owes(p->server.session));
    mux_channel_ready(p->client.session, ch);
    cr_assert(pair_run(p, 100));
    cr_assert_not(mux_session_owes(p->client.session));
    pair_free(p);
}

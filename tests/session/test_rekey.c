/* SPDX-License-Identifier: MIT */
/* Key exchanges at bad moments. */
#include <criterion/criterion.h>

#include "inject.h"

/* The server gets n global requests that it does not answer yet. */
static void ask(struct pair *p, unsigned n)
{
    p->server.hold_requests = true;
    p->client.session->global_out += n;
    for (unsigned i = 0; i < n; i++)
        inject(p, &p->client, "bsb", MUX_MSG_GLOBAL_REQUEST, "x", 1);
}

Test(rekey, an_idle_session_owes_the_rekey_that_was_asked_for)
{
    struct pair *p = pair_connected();
    cr_assert_not(mux_session_owes(p->client.session));
    mux_session_rekey(p->client.session);
    cr_assert(mux_session_owes(p->client.session));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.keyed, 2);
    pair_free(p);
}

Test(rekey, a_side_that_only_receives_rekeys_by_its_limit)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.rekey_packets = 16;
    cr_assert(pair_handshake(p, SIZE_MAX));
    for (int i = 0; i < 20; i++)
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, 100);
    cr_assert_eq(inject_run(p, &p->server), MUX_OK);
    cr_assert_eq(p->server.keyed, 2);
    pair_free(p);
}

Test(rekey, the_peers_serves_ours_too)
{
    struct pair *p = pair_connected();
    mux_session_rekey(p->client.session);
    cr_assert(pair_produce(p, &p->client));
    mux_session_rekey(p->server.session);
    cr_assert(pair_feed(p, &p->server));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->server.keyed, 2);
    pair_free(p);
}

Test(rekey, goes_through_while_replies_are_all_owed)
{
    for (int who = 0; who < 2; who++) {
        struct pair *p = pair_connected();
        ask(p, MUX_REPLIES_MAX);
        cr_assert(pair_feed(p, &p->server));
        cr_assert(mux_session_blocked(p->server.session));
        mux_session_rekey(who ? p->server.session : p->client.session);
        if (who == 0) { /* the client's KEXINIT is behind what the server does not read */
            cr_assert(pair_run(p, 100));
            cr_assert_eq(p->server.keyed, 1);
        } else {
            cr_assert(pair_run(p, 100));
            cr_assert_eq(p->server.keyed, 2);
        }
        for (unsigned i = 0; i < MUX_REPLIES_MAX; i++)
            mux_session_request_answer(p->server.session, true, 0);
        cr_assert(pair_run(p, 100));
        cr_assert_eq(p->server.keyed, 2);
        cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REPLY], MUX_REPLIES_MAX);
        pair_free(p);
    }
}

Test(rekey, answers_given_in_between_do_not_lock_it)
{
    struct pair *p = pair_connected();
    ask(p, MUX_REPLIES_MAX);
    cr_assert(pair_feed(p, &p->server));
    mux_session_rekey(p->server.session);
    cr_assert(pair_produce(p, &p->server));
    for (unsigned i = 0; i < MUX_REPLIES_MAX; i++)
        mux_session_request_answer(p->server.session, true, 0);
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->server.keyed, 2);
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REPLY], MUX_REPLIES_MAX);
    pair_free(p);
}

Test(rekey, requests_in_flight_meanwhile_have_room_but_not_without_end)
{
    struct pair *p = pair_connected();
    ask(p, MUX_REPLIES_MAX);
    cr_assert(pair_feed(p, &p->server));
    mux_session_rekey(p->server.session);
    cr_assert(pair_produce(p, &p->server));
    ask(p, MUX_REPLIES_MAX);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_OK);
    cr_assert_eq(p->server.inbox_len, 0);
    ask(p, 1);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_LIMIT);
    pair_free(p);
}

Test(rekey, data_behind_our_kexinit_still_arrives_and_behind_the_peers_is_illegal)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    uint32_t id = pair_peer(p, ch)->channel;
    mux_session_rekey(p->server.session);
    cr_assert(pair_produce(p, &p->server));
    inject(p, &p->client, "bus", MUX_MSG_CHANNEL_DATA, id, "data");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.events[MUX_EV_CHANNEL_DATA], 1);
    cr_assert(pair_feed(p, &p->client));
    cr_assert(pair_produce(p, &p->client));
    inject(p, &p->client, "bus", MUX_MSG_CHANNEL_DATA, id, "data");
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    pair_free(p);
}

Test(rekey, what_is_owed_of_channels_waits_for_it)
{
    struct pair *p = pair_connected();
    uint32_t a = pair_open(p);
    cr_assert(pair_run(p, 100));
    mux_session_rekey(p->client.session);
    cr_assert(pair_produce(p, &p->client));
    uint32_t b = pair_open(p);
    pair_send(&p->client, a, 100000, true);
    mux_channel_eof(p->server.session, pair_peer(p, a)->channel);
    cr_assert_not(pair_produce(p, &p->client));
    cr_assert(pair_run(p, 100));
    cr_assert(p->client.stream[b].open && p->client.stream[a].eof);
    cr_assert_eq(pair_peer(p, a)->received, 100000);
    pair_free(p);
}

Test(rekey, second_kexinit_is_illegal)
{
    struct pair *p = pair_connected();
    struct cx_view init;
    cr_assert(inject_reach(p, &p->server, PH_REKEY));
    init = cx_view(p->client.session->kex->our_init, p->client.session->kex->our_init_len);
    inject_bytes(p, &p->client, init.data, init.len);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

Test(rekey, kexinit_and_newkeys_in_the_middle_of_a_batch)
{
    struct pair *p = pair_connected();
    uint8_t init[4096];
    struct mux_kex k = { 0 };
    cr_assert_eq(mux_kexinit_build(p->client.session, &k), MUX_OK);
    size_t n = k.our_init_len;
    memcpy(init, k.our_init, n);
    free(k.our_init);
    for (int i = 0; i < 5; i++)
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, 10);
    inject_bytes(p, &p->client, init, n);
    for (int i = 0; i < 5; i++)
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, 10);
    inject(p, &p->client, "bz", MUX_MSG_KEX_INIT, 32);
    inject(p, &p->client, "b", MUX_MSG_NEWKEYS);
    (void)pair_feed(p, &p->server);
    /* the value of all zeros is refused, and NEWKEYS never seen */
    cr_assert_eq(p->server.err, MUX_E_KEX);
    pair_free(p);
}

Test(rekey, newkeys_before_the_signature_is_illegal)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.hold_signature = true;
    cr_assert(pair_run(p, 100));
    cr_assert(p->server.session->waiting_signature);
    inject(p, &p->client, "b", MUX_MSG_NEWKEYS);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_OK);
    cr_assert_gt(p->server.inbox_len, 0);
    pair_free(p);
}

Test(rekey, before_authentication_is_not_the_peers_to_ask)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_AUTH));
    struct mux_kex k = { 0 };
    cr_assert_eq(mux_kexinit_build(p->client.session, &k), MUX_OK);
    inject_bytes(p, &p->client, k.our_init, k.our_init_len);
    free(k.our_init);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    pair_free(p);
}

Test(rekey, too_many_in_a_row_are_refused)
{
    struct pair *p = pair_connected();
    for (int i = 0; i < 2 * MUX_REKEY_BURST && p->server.err == MUX_OK; i++) {
        mux_session_rekey(p->client.session);
        cr_assert(pair_run(p, 100));
    }
    cr_assert_eq(p->server.err, MUX_E_LIMIT);
    cr_assert_gt(p->server.keyed, MUX_REKEY_BURST);
    pair_free(p);
}

Test(rekey, that_the_peer_leaves_unfinished_ends_before_numbers_repeat)
{
    struct pair *p = pair_connected();
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    mux_session_rekey(p->client.session);
    for (int i = 0; i < 10 && !(p->server.session->kex && p->server.session->kex->sent_newkeys); i++) {
        (void)pair_produce(p, &p->client);
        (void)pair_feed(p, &p->server);
        (void)pair_produce(p, &p->server);
        if (!(p->server.session->kex && p->server.session->kex->sent_newkeys))
            (void)pair_feed(p, &p->client);
    }
    cr_assert(p->server.session->kex->sent_newkeys);
    p->server.session->out_packets = UINT32_MAX - MUX_REPLIES_MAX;
    pair_send(&p->server, pair_peer(p, ch)->channel, 1000000, false);
    (void)pair_produce(p, &p->server);
    (void)pair_produce(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_SEQUENCE);
    pair_free(p);
}

Test(rekey, that_cannot_be_started_ends_the_session_with_a_reason)
{
    struct pair *p = pair_connected();
    static char endless[20000];
    memset(endless, 'a', sizeof endless - 1);
    p->server.config.kex = endless; /* too long for a KEXINIT: the same as no memory */
    mux_session_rekey(p->server.session);
    (void)pair_produce(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_RESOURCE);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

Test(rekey, a_deadline_ends_one_that_the_peer_does_not_answer)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.config.kex_timeout_ns = 1000;
    p->now_ns = 1;
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    uint64_t deadline = mux_session_deadline(p->server.session);
    cr_assert_eq(deadline, 1001);
    cr_assert_eq(mux_session_tick(p->server.session, deadline - 1), MUX_OK);
    cr_assert_eq(mux_session_tick(p->server.session, deadline), MUX_E_TIMEOUT);
    p->server.err = MUX_E_TIMEOUT;
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

/* ---- messages of the exchange at the wrong moment ---- */

Test(rekey, kexinit_behind_the_peers_newkeys_waits_for_ours)
{
    struct pair *p = pair_connected();
    mux_session_rekey(p->server.session);
    for (int i = 0; i < 10 && !(p->client.session->kex && p->client.session->kex->got_newkeys); i++) {
        (void)pair_produce(p, &p->client);
        (void)pair_feed(p, &p->server);
        (void)pair_produce(p, &p->server);
        (void)pair_feed(p, &p->client);
    }
    cr_assert(p->client.session->kex && p->client.session->kex->got_newkeys && !p->client.session->kex->sent_newkeys);
    struct mux_kex k = { 0 };
    cr_assert_eq(mux_kexinit_build(p->server.session, &k), MUX_OK);
    inject_bytes(p, &p->server, k.our_init, k.our_init_len);
    free(k.our_init);
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    pair_free(p);
}

Test(rekey, a_second_public_value_is_illegal)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    (void)pair_produce(p, &p->server);
    (void)pair_feed(p, &p->client);
    struct cx_view q = cx_view(p->client.session->kex->c.bytes, p->client.session->kex->c.len);
    uint32_t len = (uint32_t)q.len;
    inject(p, &p->client, "bur", MUX_MSG_KEX_INIT, len, &q);
    inject(p, &p->client, "bur", MUX_MSG_KEX_INIT, len, &q);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_ILLEGAL);
    pair_free(p);
}

Test(rekey, a_reply_without_our_value_is_illegal)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->client, PH_KEX_FIRST));
    inject(p, &p->server, "bsss", MUX_MSG_KEX_REPLY, "blob", "value", "signature");
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_ILLEGAL);
    pair_free(p);
}

Test(rekey, newkeys_with_a_body_is_malformed)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    inject(p, &p->client, "bb", MUX_MSG_NEWKEYS, 0);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_MALFORMED);
    pair_free(p);
}

Test(rekey, answers_that_come_too_late_are_passed_over)
{
    struct pair *p = pair_connected();
    mux_session_signature(p->server.session, cx_view("late", 4));
    mux_session_host_key_verdict(p->client.session, false);
    mux_session_auth_answer(p->server.session, MUX_AUTH_FAILURE, "");
    cr_assert_not(mux_session_owes(p->server.session) || mux_session_owes(p->client.session));
    cr_assert_eq(mux_session_deadline(p->server.session), UINT64_MAX);
    mux_session_disconnect(p->server.session, MUX_E_BY_APPLICATION, NULL);
    cr_assert_eq(mux_session_deadline(p->server.session), UINT64_MAX);
    mux_session_rekey(p->server.session);
    cr_assert_eq(mux_session_tick(p->server.session, UINT64_MAX), MUX_E_BY_APPLICATION);
    pair_free(p);
}

Test(rekey, newkeys_before_our_reply_has_left_is_illegal)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    (void)pair_produce(p, &p->server);
    (void)pair_feed(p, &p->client);
    (void)pair_produce(p, &p->client);
    (void)pair_feed(p, &p->server); /* signed, and nothing produced yet */
    cr_assert(p->server.session->kex->derived);
    inject(p, &p->client, "b", MUX_MSG_NEWKEYS);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_ILLEGAL);
    pair_free(p);
}

/* SPDX-License-Identifier: MIT */
/* EXT_INFO and the extensions that it announces: RFC 8308, ping@openssh.com. */
#include <criterion/criterion.h>

#include "inject.h"

static bool lists(struct cx_view list, const char *name)
{
    size_t n = strlen(name);
    for (size_t at = 0; at + n <= list.len; at++)
        if (memcmp(list.data + at, name, n) == 0 && (at + n == list.len || list.data[at + n] == ',') &&
            (at == 0 || list.data[at - 1] == ','))
            return true;
    return false;
}

/* ---- EXT_INFO ---- */

Test(ext_info, tells_the_client_which_signatures_the_server_takes)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    pair_start(p);
    cr_assert_eq(mux_session_server_sig_algs(p->client.session).len, 0);
    cr_assert(pair_handshake(p, SIZE_MAX));
    struct cx_view algs = mux_session_server_sig_algs(p->client.session);
    cr_assert(lists(algs, "ssh-ed25519"));
    cr_assert(lists(algs, "rsa-sha2-512"));
    cr_assert_not(lists(algs, "ssh-rsa"));
    cr_assert_eq(mux_session_server_sig_algs(p->server.session).len, 0);
    pair_free(p);
}

Test(ext_info, comes_again_behind_the_first_request_of_a_client_that_asks_for_it, .timeout = 60)
{
    for (int asks = 0; asks < 2; asks++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->server, PH_SERVICE));
        p->client.session->ext_info_owed = false;
        if (asks)
            inject(p, &p->client, "buss", MUX_MSG_EXT_INFO, 1u, "ext-info-in-auth@openssh.com", "0");
        cr_assert(inject_reach(p, &p->server, PH_AUTH));
        mux_ext_info_free(p->client.session); /* what the first one said */
        cr_assert(pair_handshake(p, SIZE_MAX));
        cr_assert_eq(mux_session_server_sig_algs(p->client.session).len > 0, asks);
        pair_free(p);
    }
}

Test(ext_info, is_sent_to_nobody_who_has_not_named_the_marker)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    cr_assert(inject_reach(p, &p->client, PH_KEX_FIRST));
    cr_assert(p->server.session->peer_takes_ext_info && p->client.session->peer_takes_ext_info);
    p->server.session->peer_takes_ext_info = p->client.session->peer_takes_ext_info = false;
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(mux_session_server_sig_algs(p->client.session).len, 0);
    cr_assert_not(p->server.session->ext_info_heard);
    pair_free(p);
}

Test(ext_info, of_a_client_comes_once_and_before_its_service_request)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_SERVICE));
    inject(p, &p->client, "bu", MUX_MSG_EXT_INFO, 0u);
    inject(p, &p->client, "bu", MUX_MSG_EXT_INFO, 0u);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    pair_free(p);
    p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_AUTH));
    p->server.session->ext_info_heard = false;
    inject(p, &p->client, "bu", MUX_MSG_EXT_INFO, 0u);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    pair_free(p);
}

Test(ext_info, that_does_not_parse_or_never_ends_is_refused)
{
    static char endless[MUX_NAME_LIST_MAX + 2];
    memset(endless, 'a', MUX_NAME_LIST_MAX + 1);
    for (int row = 0; row < 5; row++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->client, PH_SERVICE));
        if (row == 0)
            inject(p, &p->server, "bus", MUX_MSG_EXT_INFO, 1u, "server-sig-algs");
        if (row == 1)
            inject(p, &p->server, "bussb", MUX_MSG_EXT_INFO, 1u, "a", "", 0);
        if (row == 2)
            inject(p, &p->server, "bu", MUX_MSG_EXT_INFO, MUX_EXTENSIONS_MAX + 1u);
        if (row == 3)
            inject(p, &p->server, "buss", MUX_MSG_EXT_INFO, 1u, "server-sig-algs", endless);
        if (row == 4)
            inject(p, &p->server, "buss", MUX_MSG_EXT_INFO, 1u, "server-sig-algs", endless + 1);
        (void)pair_feed(p, &p->client);
        cr_assert_eq(p->client.err, row < 2 ? MUX_E_MALFORMED : row < 4 ? MUX_E_LIMIT : MUX_OK, "row %d", row);
        pair_free(p);
    }
}

/* ---- ping@openssh.com ---- */

/* The packets that stand in the client's inbox, opened here. */
static unsigned count_pongs(struct pair *p, const char *expected)
{
    unsigned pongs = 0;
    size_t at = 0;
    while (at < p->client.inbox_len) {
        struct cx_span payload, in = { p->client.inbox + at, p->client.inbox_len - at };
        size_t count = 1, used, need;
        cr_assert_eq(
            cx_packet_open(p->client.shared.cache, &p->client.session->in, in, MUX_PACKET_MAX, &payload, &count, &used, &need),
            CX_OK);
        cr_assert_eq(count, 1);
        at += used;
        uint8_t pong[512];
        size_t len = inject_build(pong, sizeof pong, "bs", MUX_MSG_PONG, expected);
        pongs += cx_view_equal(cx_span_view(payload), cx_view(pong, len));
    }
    p->client.inbox_len = 0;
    return pongs;
}

Test(ping, is_answered_with_its_own_data_after_the_login)
{
    static char most[MUX_PING_MAX + 1];
    memset(most, 'x', MUX_PING_MAX);
    const char *const data[] = { "", "PING!", most };
    struct pair *p = pair_connected();
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        inject(p, &p->client, "bs", MUX_MSG_PING, data[i]);
        (void)pair_feed(p, &p->server);
        (void)pair_produce(p, &p->server);
        cr_assert_eq(count_pongs(p, data[i]), 1, "row %zu", i);
    }
    pair_free(p);
}

Test(ping, is_dropped_where_its_answer_would_have_to_wait, .timeout = 60)
{
    static const enum mux_phase phases[] = { PH_SERVICE, PH_AUTH, PH_REKEY };
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->server, phases[i]));
        for (unsigned n = 0; n < 2 * MUX_REPLIES_REKEY_MAX; n++)
            inject(p, &p->client, "bs", MUX_MSG_PING, "data");
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, MUX_OK, "phase %d", phases[i]);
        cr_assert_eq(p->server.session->reply_count, 0, "phase %d", phases[i]);
        pair_free(p);
    }
    /* nor while a key exchange of ours waits for the peer's KEXINIT */
    struct pair *p = pair_connected();
    mux_session_rekey(p->server.session);
    (void)pair_produce(p, &p->server);
    inject(p, &p->client, "bs", MUX_MSG_PING, "data");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.session->reply_count, 0);
    pair_free(p);
}

Test(ping, cannot_pile_up_and_a_long_one_is_dropped)
{
    struct pair *p = pair_connected();
    inject(p, &p->client, "bz", MUX_MSG_PING, MUX_PING_MAX + 1u);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.session->reply_count, 0);
    for (unsigned i = 0; i < 10 * MUX_REPLIES_MAX; i++)
        inject(p, &p->client, "bs", MUX_MSG_PING, "data");
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.session->reply_count, MUX_REPLIES_MAX);
    cr_assert(mux_session_blocked(p->server.session));
    unsigned pongs = 0;
    while (pair_produce(p, &p->server)) {
        pongs += count_pongs(p, "data");
        (void)pair_feed(p, &p->server);
    }
    cr_assert_eq(pongs, 10 * MUX_REPLIES_MAX);
    inject(p, &p->client, "bu", MUX_MSG_PING, 5u);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_MALFORMED);
    pair_free(p);
}

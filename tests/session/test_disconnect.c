/* SPDX-License-Identifier: MIT */
/* The last word, ours and the peer's. */
#include <criterion/criterion.h>

#include "inject.h"

Test(disconnect, is_delivered_and_answered_by_nothing)
{
    struct pair *p = pair_with_channel();
    inject(p, &p->client, "buss", MUX_MSG_DISCONNECT, 11u, "bye", "");
    cr_assert_eq(inject_run(p, &p->server), MUX_E_PEER_LEFT);
    cr_assert_eq(p->server.disconnect_reason, 11);
    cr_assert_not(mux_session_owes(p->server.session));
    pair_free(p);
}

Test(disconnect, goes_out_once_and_nothing_behind_it)
{
    struct pair *p = pair_with_channel();
    pair_send(&p->server, 0, 100000, false);
    mux_session_disconnect(p->server.session, MUX_E_AUTH, NULL);
    mux_session_disconnect(p->server.session, MUX_E_TIMEOUT, "another");
    cr_assert(pair_produce(p, &p->server));
    cr_assert_not(pair_produce(p, &p->server));
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.disconnect_reason, 14);
    cr_assert_eq(p->client.stream[0].received, 0);
    pair_free(p);
}

Test(disconnect, during_a_key_exchange_is_understood)
{
    for (int i = 0; i < 2; i++) {
        struct pair *p = pair_with_channel();
        mux_session_rekey(p->server.session);
        if (i == 1)
            cr_assert(pair_produce(p, &p->server));
        mux_session_disconnect(p->server.session, MUX_E_BY_APPLICATION, "drained");
        cr_assert(pair_produce(p, &p->server));
        (void)pair_feed(p, &p->client);
        cr_assert_eq(p->client.disconnect_reason, 11);
        pair_free(p);
    }
}

Test(disconnect, long_texts_are_cut)
{
    static char text[2000];
    memset(text, 'x', sizeof text - 1);
    struct pair *p = pair_with_channel();
    p->area = MUX_CHANNEL_PACKET_MAX + 1024;
    mux_session_disconnect(p->server.session, MUX_E_BY_APPLICATION, text);
    cr_assert(pair_produce(p, &p->server));
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.disconnect_reason, 11);
    pair_free(p);
}

/* SPDX-License-Identifier: MIT */
/* Group exchange: RFC 4419. */
#include <criterion/criterion.h>

#include "crypto/kex/group.h"
#include "inject.h"

static const char GEX[] = "diffie-hellman-group-exchange-sha256";

/* A pair of which `side` waits for the peer's first message of the exchange. */
static struct pair *exchanging(bool server)
{
    struct pair *p = pair_new(NULL, NULL, GEX, CX_KEY_ED25519);
    cr_assert(inject_reach(p, server ? &p->server : &p->client, PH_KEX_FIRST));
    return p;
}

Test(gex, moves_data_through_rekeys_under_every_split, .timeout = 120)
{
    static const size_t chunks[] = { 1, 7, SIZE_MAX };
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        struct pair *p = pair_new(NULL, NULL, GEX, CX_KEY_ED25519);
        cr_assert(pair_handshake(p, chunks[i]), "chunk %zu", chunks[i]);
        p->chunk = SIZE_MAX;
        uint32_t ch = pair_open(p);
        cr_assert(pair_run(p, 100));
        for (int side = 0; side < 2; side++) {
            mux_session_rekey(side ? p->client.session : p->server.session);
            pair_send(&p->client, ch, 100000, false);
            cr_assert(pair_run(p, 1000));
        }
        cr_assert_eq(pair_peer(p, ch)->received, 200000);
        cr_assert_eq(p->client.keyed, 3);
        cr_assert_null(p->client.session->kex);
        pair_free(p);
    }
}

Test(gex, a_server_gives_the_group_that_was_asked_for_and_none_below_2048_bits)
{
    static const struct {
        uint32_t min, preferred, max, bits;
    } rows[] = {
        { 1024, 1024, 8192, 2048 }, { 2048, 4096, 8192, 4096 }, { 1024, 1024, 2047, 0 },
        { 3072, 2048, 8192, 0 },    { 2048, 8192, 4096, 0 },    { 0, 0, UINT32_MAX, 2048 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = exchanging(true);
        inject(p, &p->client, "buuu", MUX_MSG_GEX_REQUEST, rows[i].min, rows[i].preferred, rows[i].max);
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, rows[i].bits ? MUX_OK : MUX_E_KEX, "row %zu", i);
        if (rows[i].bits)
            cr_assert_eq(cx_kex_group_prime(p->server.session->kex->gex.group).len, 1 + rows[i].bits / 8);
        else
            cr_assert(inject_disconnects(p, &p->server));
        pair_free(p);
    }
}

Test(gex, messages_out_of_turn_or_of_other_methods_disconnect_a_server)
{
    for (int row = 0; row < 5; row++) {
        struct pair *p = exchanging(true);
        if (row == 0)
            inject(p, &p->client, "bs", MUX_MSG_KEX_INIT, "value"); /* also what old clients call a request */
        if (row == 1)
            inject(p, &p->client, "bs", MUX_MSG_GEX_INIT, "before any group");
        if (row == 2 || row == 3)
            inject(p, &p->client, "buuu", MUX_MSG_GEX_REQUEST, 2048u, 2048u, 8192u);
        if (row == 2)
            inject(p, &p->client, "buuu", MUX_MSG_GEX_REQUEST, 2048u, 2048u, 8192u);
        if (row == 3)
            inject(p, &p->client, "bs", MUX_MSG_GEX_INIT, "before the group was sent");
        if (row == 4)
            inject(p, &p->client, "buu", MUX_MSG_GEX_REQUEST, 2048u, 2048u);
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, row == 4 ? MUX_E_MALFORMED : MUX_E_ILLEGAL, "row %d", row);
        cr_assert(inject_disconnects(p, &p->server));
        pair_free(p);
    }
    struct pair *p = pair_new(NULL, NULL, "curve25519-sha256", CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    inject(p, &p->client, "buuu", MUX_MSG_GEX_REQUEST, 2048u, 2048u, 8192u);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_ILLEGAL);
    pair_free(p);
}

static void give(struct pair *p, struct cx_view prime, struct cx_view generator)
{
    uint8_t bytes[3 * CX_GROUP_VALUE_MAX];
    struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_u8(&w, MUX_MSG_GEX_GROUP);
    cx_writer_string(&w, prime);
    cx_writer_string(&w, generator);
    inject_bytes(p, &p->server, bytes, w.used);
}

Test(gex, a_client_takes_sound_groups_only_and_in_their_turn)
{
    enum { GOOD, EVEN, TRIVIAL, TWICE, EARLY, REPLY, ROWS };
    static const enum mux_err expected[ROWS] = { MUX_OK, MUX_E_KEX, MUX_E_KEX, MUX_E_ILLEGAL, MUX_E_ILLEGAL, MUX_E_ILLEGAL };
    struct cx_kex_group *group;
    cr_assert_eq(cx_kex_group_choose(2048, 2048, 2048, &group), CX_OK);
    uint8_t even[CX_GROUP_VALUE_MAX];
    struct cx_view prime = cx_kex_group_prime(group), two = cx_kex_group_generator(group);
    memcpy(even, prime.data, prime.len);
    even[prime.len - 1]--;
    for (int row = 0; row < ROWS; row++) {
        struct pair *p = exchanging(false);
        if (row != EARLY)
            (void)pair_produce(p, &p->client); /* its request */
        if (row == REPLY)
            inject(p, &p->server, "bsss", MUX_MSG_GEX_REPLY, "blob", "value", "signature");
        else
            give(p, row == EVEN ? cx_view(even, prime.len) : prime, row == TRIVIAL ? cx_view("\1", 1) : two);
        if (row == TWICE)
            give(p, prime, two);
        (void)pair_feed(p, &p->client);
        cr_assert_eq(p->client.err, expected[row], "row %d", row);
        pair_free(p);
    }
    cx_kex_group_free(group);
}

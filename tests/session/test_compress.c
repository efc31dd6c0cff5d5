/* SPDX-License-Identifier: MIT */
/* zlib@openssh.com between two sessions: splits, key exchanges, small areas, and what no honest peer compresses. */
#include <criterion/criterion.h>

#include "inject.h"

static struct pair *compressing(void)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->client.config.compression = p->server.config.compression = true;
    return p;
}

static struct pair *compressing_with_channel(void)
{
    struct pair *p = compressing();
    cr_assert(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(pair_open(p), 0);
    cr_assert(pair_run(p, 100));
    cr_assert(p->server.stream[0].open);
    return p;
}

static bool is_compressed(const struct pair_side *side, bool wanted)
{
    return mux_session_deflates(side->session) == wanted && (side->session->inflate != NULL) == wanted;
}

Test(compress, begins_behind_authentication_where_both_offer_it)
{
    for (unsigned both = 0; both < 4; both++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        p->client.config.compression = both & 1;
        p->server.config.compression = both & 2;
        p->server.hold_auth = true;
        cr_assert(pair_run(p, 100));
        cr_assert_eq(p->auth_tries, 1);
        cr_assert(is_compressed(&p->client, false) && is_compressed(&p->server, false));
        mux_session_auth_answer(p->server.session, MUX_AUTH_FAILURE, "publickey");
        p->server.hold_auth = false;
        cr_assert(pair_run(p, 100));
        cr_assert_eq(p->client.events[MUX_EV_AUTH_SUCCESS], 1);
        cr_assert(is_compressed(&p->client, both == 3) && is_compressed(&p->server, both == 3), "%u", both);
        pair_free(p);
    }
}

/* Bytes both ways, with a key exchange of either side's in the middle; the events' hash. */
static uint64_t exchange(size_t chunk, size_t area, uint64_t bytes)
{
    struct pair *p = compressing();
    p->area = area;
    cr_assert(pair_handshake(p, chunk), "chunk %zu", chunk);
    cr_assert_eq(pair_open(p), 0);
    cr_assert(pair_run(p, 100));
    p->chunk = chunk;
    for (unsigned round = 0; round < 4; round++) {
        pair_send(&p->client, 0, bytes, false);
        pair_send(&p->server, 0, bytes + 77, false);
        cr_assert_not(pair_run(p, 1));
        mux_session_rekey(round & 1 ? p->client.session : p->server.session);
        if (round == 3)
            mux_session_rekey(p->server.session);
        cr_assert(pair_run(p, 5000), "chunk %zu", chunk);
    }
    cr_assert(p->client.keyed == 5 && p->server.keyed == 5);
    cr_assert(is_compressed(&p->client, true) && is_compressed(&p->server, true));
    cr_assert(p->server.stream[0].received == 4 * bytes && p->client.stream[0].received == 4 * (bytes + 77));
    cr_assert_not(p->server.stream[0].corrupt || p->client.stream[0].corrupt);
    uint64_t hash = p->hash;
    pair_free(p);
    return hash;
}

Test(compress, survives_any_split_and_rekeys)
{
    uint64_t hash = exchange(SIZE_MAX, PAIR_AREA, 3000);
    for (size_t chunk = 1; chunk <= 64; chunk++)
        cr_assert_eq(exchange(chunk, PAIR_AREA, 3000), hash, "chunk %zu", chunk);
}

Test(compress, large_transfers_go_through_the_smallest_area)
{
    exchange(SIZE_MAX, MUX_CHANNEL_PACKET_MAX + 1024, 500000);
    exchange(SIZE_MAX, PAIR_AREA, 3000000);
}

Test(compress, a_produce_deflates_a_bounded_amount)
{
    struct pair *p = compressing_with_channel();
    pair_send(&p->server, 0, 100000, false);
    cr_assert(pair_produce(p, &p->server));
    cr_assert_leq(p->server.stream[0].sent, MUX_DEFLATE_A_PRODUCE + MUX_CHANNEL_PACKET_MAX);
    cr_assert(mux_session_owes(p->server.session));
    cr_assert_lt(p->client.inbox_len, p->server.stream[0].sent / 4);
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.stream[0].received, 100000);
    cr_assert_geq(mux_session_inflated_bytes(p->client.session), 100000);
    pair_free(p);
}

Test(compress, ends_with_keys_that_go_without_it)
{
    struct pair *p = compressing_with_channel();
    p->server.config.compression = false;
    mux_session_rekey(p->client.session);
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.keyed, 2);
    cr_assert(is_compressed(&p->client, false) && is_compressed(&p->server, false));
    p->server.config.compression = true;
    mux_session_rekey(p->client.session);
    pair_send(&p->client, 0, 100000, true);
    cr_assert(pair_run(p, 100));
    cr_assert(is_compressed(&p->client, true) && is_compressed(&p->server, true));
    cr_assert(p->server.stream[0].received == 100000 && p->server.stream[0].eof && !p->server.stream[0].corrupt);
    pair_free(p);
}

Test(compress, a_bomb_ends_the_connection)
{
    struct pair *p = compressing_with_channel();
    inject(p, &p->client, "bz", MUX_MSG_IGNORE, MUX_PACKET_MAX - 5);
    cr_assert_eq(inject_run(p, &p->server), MUX_OK);
    cr_assert_eq(mux_session_inflated_bytes(p->server.session) >= MUX_PACKET_MAX, true);
    inject(p, &p->client, "bz", MUX_MSG_IGNORE, MUX_PACKET_MAX - 4);
    cr_assert_eq(inject_run(p, &p->server), MUX_E_PACKET_LENGTH);
    cr_assert(inject_disconnects(p, &p->server));
    pair_free(p);
}

Test(compress, a_feed_stops_behind_each_packet_that_it_inflates)
{
    struct pair *p = compressing_with_channel();
    uint64_t before = mux_session_inflated_bytes(p->server.session);
    for (int i = 0; i < 10; i++)
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, 100000);
    struct mux_event ev[PAIR_EVENTS];
    size_t used, count = PAIR_EVENTS;
    struct cx_span in = { p->server.inbox, p->server.inbox_len };
    cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, in, &used, ev, &count, NULL), MUX_OK);
    cr_assert(used > 0 && used < in.len);
    cr_assert_eq(mux_session_inflated_bytes(p->server.session) - before, 100005);
    pair_free(p);
}

Test(compress, a_payload_that_is_not_compressed_ends_the_connection)
{
    struct pair *p = compressing_with_channel();
    struct mux_compress *deflate = p->client.session->deflate;
    p->client.session->deflate = NULL;
    inject(p, &p->client, "bs", MUX_MSG_IGNORE, "in the clear");
    p->client.session->deflate = deflate;
    cr_assert_eq(inject_run(p, &p->server), MUX_E_MALFORMED);
    pair_free(p);
}

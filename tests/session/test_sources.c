/* SPDX-License-Identifier: MIT */
/* How produce treats sources that do odd things, and channels whose peers ask for odd packets. */
#include <criterion/criterion.h>

#include "crypto/packet/packet_priv.h"
#include "inject.h"

struct odd {
    struct mux_session *session;
    unsigned calls;
    size_t left;
    bool ready_again, close, release;
    enum mux_pull more;
};

static size_t odd_pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct odd *o = ctx;
    (void)user;
    o->calls++;
    size_t total = 0;
    for (int i = 0; i < iov_count && total < o->left; i++) {
        size_t n = iov[i].iov_len < o->left - total ? iov[i].iov_len : o->left - total;
        memset(iov[i].iov_base, 'x', n);
        total += n;
    }
    o->left -= total;
    if (o->ready_again)
        mux_channel_ready(o->session, channel);
    if (o->close)
        mux_channel_close(o->session, channel);
    if (o->release)
        mux_channel_release(o->session, channel);
    *more = o->more;
    return total;
}

static size_t produce_room = PAIR_AREA;

static size_t produce(struct pair *p, struct odd *o)
{
    static uint8_t area[PAIR_AREA];
    struct mux_source source = { odd_pull, o };
    enum mux_err err;
    size_t n = mux_session_produce(o->session, ++p->now_ns, (struct cx_span){ area, produce_room }, &source, &err);
    cr_assert_eq(err, MUX_OK);
    return n;
}

Test(sources, nothing_but_perhaps_more_ends_the_round, .timeout = 20)
{
    struct pair *p = pair_with_channel();
    uint32_t ch = 0;
    struct odd o = { .session = p->client.session, .more = MUX_PULL_MORE };
    mux_channel_ready(o.session, ch);
    cr_assert_eq(produce(p, &o), 0);
    cr_assert_eq(o.calls, 1);
    cr_assert(mux_session_owes(o.session));
    o.more = MUX_PULL_DRY;
    cr_assert_eq(produce(p, &o), 0);
    cr_assert_not(mux_session_owes(o.session));
    pair_free(p);
}

Test(sources, may_call_themselves_ready_while_they_are_pulled, .timeout = 20)
{
    struct pair *p = pair_with_channel();
    uint32_t ch = 0;
    struct odd o = { .session = p->client.session, .left = 60000, .ready_again = true, .more = MUX_PULL_MORE };
    mux_channel_ready(o.session, ch);
    cr_assert_gt(produce(p, &o), 60000);
    o.ready_again = false;
    o.more = MUX_PULL_DRY;
    cr_assert_eq(produce(p, &o), 0);
    cr_assert_not(mux_session_owes(o.session));
    pair_free(p);
}

Test(sources, may_close_or_release_their_channel_while_they_are_pulled)
{
    for (int release = 0; release < 2; release++) {
        struct pair *p = pair_with_channel();
        uint32_t ch = 0;
        struct odd o = { .session = p->client.session, .left = 100, .more = MUX_PULL_EOF };
        o.close = !release;
        o.release = release;
        mux_channel_ready(o.session, ch);
        cr_assert_gt(produce(p, &o), 0);
        cr_assert_eq(o.calls, 1);
        cr_assert_not(mux_session_owes(o.session));
        pair_free(p);
    }
}

Test(sources, tiny_packets_of_one_channel_leave_the_others_their_turn)
{
    struct pair *p = pair_with_channel();
    uint32_t a = 0;
    uint32_t b = pair_open(p);
    cr_assert(pair_run(p, 100));
    struct pair_stream *slow = pair_peer(p, a), *fast = pair_peer(p, b);
    mux_channel_at(p->server.session, slow->channel)->peer_packet_max = 1;
    pair_send(&p->server, slow->channel, 100000, false);
    pair_send(&p->server, fast->channel, 100000, false);
    (void)pair_produce(p, &p->server);
    cr_assert_gt(fast->sent, 90000);
    cr_assert_gt(slow->sent, 0);
    (void)pair_run(p, 1000);
    cr_assert_eq(p->client.stream[a].received, 100000);
    cr_assert_not(p->client.stream[a].corrupt);
    pair_free(p);
}

static size_t packets_of(struct pair *p, struct odd *o)
{
    uint32_t before = o->session->out.seq;
    (void)produce(p, o);
    return o->session->out.seq - before;
}

Test(sources, a_server_makes_a_packet_for_each_lane_of_its_mac, .timeout = 20)
{
    struct cx_mac_ops mac = *cx_kernels_portable.hmac_sha256;
    struct cx_kernels kernels = cx_kernels_portable;
    mac.lanes = CX_PACKET_LANES_MAX;
    kernels.hmac_sha256 = &mac;
    cx_kernels_install(&kernels);
    struct pair *p = pair_new("aes128-ctr", "hmac-sha2-256-etm@openssh.com", NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 100));
    struct odd server = { .session = p->server.session, .left = 1 << 20, .more = MUX_PULL_MORE }, client = server;
    client.session = p->client.session;
    produce_room = mux_session_produce_bytes(server.session);
    cr_assert_eq(produce_room, MUX_PARKED_MAX);
    mux_channel_ready(server.session, pair_peer(p, ch)->channel);
    cr_assert_eq(packets_of(p, &server), CX_PACKET_LANES_MAX);
    cr_assert_eq(server.calls, 1);

    produce_room = mux_session_produce_bytes(client.session);
    cr_assert_eq(produce_room, MUX_PRODUCE_BYTES);
    mux_channel_ready(client.session, ch);
    cr_assert_eq(packets_of(p, &client), 2);
    pair_free(p);
    cx_kernels_install(&cx_kernels_portable);
}

Test(sources, channels_share_an_area_that_one_of_them_could_fill, .timeout = 20)
{
    struct pair *p = pair_with_channel();
    uint32_t a = 0, b = pair_open(p);
    cr_assert(pair_run(p, 100));
    p->area = MUX_WINDOW_INITIAL;
    pair_send(&p->server, pair_peer(p, a)->channel, MUX_WINDOW_INITIAL, false);
    pair_send(&p->server, pair_peer(p, b)->channel, MUX_WINDOW_INITIAL, false);
    (void)pair_produce(p, &p->server);
    cr_assert_gt(pair_peer(p, a)->sent, MUX_WINDOW_INITIAL / 2 - 4096);
    cr_assert_gt(pair_peer(p, b)->sent, MUX_WINDOW_INITIAL / 2 - 4096);
    pair_free(p);
}

Test(sources, a_request_that_fits_no_packet_is_refused)
{
    static const uint8_t large[70000];
    struct pair *p = pair_with_channel();
    uint32_t ch = 0;
    struct cx_view data = cx_view(large, sizeof large);
    cr_assert_not(mux_session_global_request(p->client.session, "x", true, data));
    cr_assert_not(mux_channel_request(p->client.session, ch, "x", true, data));
    cr_assert_eq(mux_channel_open(p->client.session, "x", data, NULL), UINT32_MAX);
    cr_assert_eq(mux_session_channel_count(p->client.session), 1);
    data.len = 32000;
    p->area = MUX_CHANNEL_PACKET_MAX + 1024;
    cr_assert(mux_session_global_request(p->client.session, "x", true, data));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.events[MUX_EV_GLOBAL_REPLY], 1);
    pair_free(p);
}

Test(sources, a_request_right_behind_an_accept_follows_the_confirmation)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    uint32_t ch = pair_open(p);
    cr_assert(pair_produce(p, &p->client));
    cr_assert(pair_feed(p, &p->server));
    cr_assert(mux_channel_request(p->server.session, 0, "yes", true, cx_view("", 0)));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.err, MUX_OK);
    cr_assert(p->client.stream[ch].open);
    cr_assert_eq(p->server.events[MUX_EV_CHANNEL_REPLY], 1);
    pair_free(p);
}

Test(sources, no_data_leaves_beyond_the_peers_window_and_packet_size)
{
    struct pair *p = pair_with_channel();
    uint32_t ch = 0;
    struct mux_channel *row = mux_channel_at(p->client.session, ch);
    row->peer_window = 1000;
    row->peer_packet_max = 300;
    struct odd o = { .session = p->client.session, .left = 5000, .more = MUX_PULL_MORE };
    mux_channel_ready(o.session, ch);
    cr_assert_gt(produce(p, &o), 1000);
    cr_assert_eq(o.left, 4000);
    cr_assert_not(mux_session_owes(o.session));
    pair_free(p);
}

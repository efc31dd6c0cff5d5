/* SPDX-License-Identifier: MIT */
/* Messages that are cut short or too long, and packets whose lengths lie: an error with a reason, never more. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "inject.h"

enum { BODY_MAX = 4096 };

/* ---- every prefix of every message ---- */

/* A whole message for its phase; *full: what it ends in. */
struct sample {
    bool server; /* who gets it */
    enum mux_phase phase;
    uint8_t number;
    bool free_tail; /* what follows the known fields is passed on unparsed, or passed over */
};

static const struct sample samples[] = {
    { true, PH_OPEN, MUX_MSG_DISCONNECT, true },
    { true, PH_SERVICE, MUX_MSG_SERVICE_REQUEST, false },
    { false, PH_SERVICE, MUX_MSG_SERVICE_ACCEPT, false },
    { false, PH_SERVICE, MUX_MSG_EXT_INFO, false },
    { true, PH_INIT, MUX_MSG_KEXINIT, false },
    { true, PH_KEX_FIRST, MUX_MSG_KEX_INIT, false },
    { false, PH_KEX_FIRST, MUX_MSG_KEX_REPLY, false },
    { true, PH_AUTH, MUX_MSG_USERAUTH_REQUEST, false },
    { false, PH_AUTH, MUX_MSG_USERAUTH_FAILURE, false },
    { false, PH_AUTH, MUX_MSG_USERAUTH_BANNER, false },
    { false, PH_AUTH, MUX_MSG_USERAUTH_PK_OK, false },
    { true, PH_OPEN, MUX_MSG_GLOBAL_REQUEST, true },
    { true, PH_OPEN, MUX_MSG_CHANNEL_OPEN, true },
    { false, PH_OPEN, MUX_MSG_CHANNEL_OPEN_CONFIRMATION, true },
    { false, PH_OPEN, MUX_MSG_CHANNEL_OPEN_FAILURE, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_WINDOW_ADJUST, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_DATA, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_EXTENDED_DATA, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_EOF, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_CLOSE, false },
    { true, PH_OPEN, MUX_MSG_CHANNEL_REQUEST, true },
    { false, PH_OPEN, MUX_MSG_CHANNEL_SUCCESS, false },
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* What an honest peer sends at this point: the first packet that it makes now, while packets go in the clear. */
static size_t honest(struct pair *p, struct pair_side *from, uint8_t *out)
{
    struct pair_side *to = inject_other(p, from);
    size_t before = to->inbox_len;
    struct cx_packet_key out_key = from->session->out; /* NEWKEYS may follow in the same produce */
    cr_assert(pair_produce(p, from));
    const uint8_t *packet = to->inbox + before;
    size_t len = cx_load_u32(packet) - 1 - packet[4];
    memcpy(out, packet + CX_PACKET_HEADER, len);
    to->inbox_len = before;
    from->session->out = out_key;
    return len;
}

static size_t whole(struct pair *p, const struct sample *s, uint8_t *out)
{
    struct cx_view blob = cx_private_key_blob(p->user_private);
    struct pair_side *peer = s->server ? &p->client : &p->server;
    unsigned n = s->number;
    switch (s->number) {
    case MUX_MSG_DISCONNECT:
        return inject_build(out, BODY_MAX, "bus", n, 2u, "text");
    case MUX_MSG_SERVICE_REQUEST:
    case MUX_MSG_SERVICE_ACCEPT:
        return inject_build(out, BODY_MAX, "bs", n, "ssh-userauth");
    case MUX_MSG_EXT_INFO:
        return inject_build(out, BODY_MAX, "bussss", n, 2u, "server-sig-algs", "ssh-ed25519", "ping@openssh.com", "0");
    case MUX_MSG_KEXINIT:
    case MUX_MSG_KEX_INIT:
    case MUX_MSG_KEX_REPLY:
        return honest(p, peer, out);
    case MUX_MSG_USERAUTH_REQUEST:
        return inject_build(out, BODY_MAX, "bsssbsur", n, "alice", "ssh-connection", "publickey", 0, "ssh-ed25519",
                            (uint32_t)blob.len, &blob);
    case MUX_MSG_USERAUTH_FAILURE:
        return inject_build(out, BODY_MAX, "bsb", n, "publickey", 0);
    case MUX_MSG_USERAUTH_BANNER:
        return inject_build(out, BODY_MAX, "bss", n, "hello", "en");
    case MUX_MSG_USERAUTH_PK_OK:
        return inject_build(out, BODY_MAX, "bsur", n, "ssh-ed25519", (uint32_t)blob.len, &blob);
    case MUX_MSG_GLOBAL_REQUEST:
        return inject_build(out, BODY_MAX, "bsb", n, "keepalive@openssh.com", 1);
    case MUX_MSG_CHANNEL_OPEN:
        return inject_build(out, BODY_MAX, "bsuuu", n, "x", 5u, 1000u, 1000u);
    case MUX_MSG_CHANNEL_OPEN_CONFIRMATION:
        return inject_build(out, BODY_MAX, "buuuu", n, 0u, 5u, 1000u, 1000u);
    case MUX_MSG_CHANNEL_OPEN_FAILURE:
        return inject_build(out, BODY_MAX, "buuss", n, 0u, 1u, "text", "");
    case MUX_MSG_CHANNEL_WINDOW_ADJUST:
        return inject_build(out, BODY_MAX, "buu", n, 0u, 1u);
    case MUX_MSG_CHANNEL_DATA:
        return inject_build(out, BODY_MAX, "bus", n, 0u, "data");
    case MUX_MSG_CHANNEL_EXTENDED_DATA:
        return inject_build(out, BODY_MAX, "buus", n, 0u, 1u, "data");
    case MUX_MSG_CHANNEL_REQUEST:
        return inject_build(out, BODY_MAX, "busb", n, 0u, "shell", 1);
    default:
        return inject_build(out, BODY_MAX, "bu", n, 0u);
    }
}

/* A side to which the message is legal: with a channel 0 that is open, or asked for, as the message needs it. */
static struct pair *prepare(const struct sample *s)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct pair_side *target = s->server ? &p->server : &p->client;
    cr_assert(inject_reach(p, target, s->phase));
    if (s->number == MUX_MSG_KEX_REPLY || s->number == MUX_MSG_KEX_INIT) {
        (void)pair_produce(p, target);
        (void)pair_feed(p, inject_other(p, target));
    }
    if (s->number == MUX_MSG_USERAUTH_PK_OK) {
        inject(p, &p->server, "bsb", MUX_MSG_USERAUTH_FAILURE, "publickey", 0); /* the query goes out */
        (void)pair_feed(p, target);
    }
    if (s->phase != PH_OPEN)
        return p;
    cr_assert(pair_run(p, 100));
    (void)pair_open(p);
    if (s->number == MUX_MSG_CHANNEL_OPEN_CONFIRMATION || s->number == MUX_MSG_CHANNEL_OPEN_FAILURE)
        return p;
    cr_assert(pair_run(p, 100));
    if (s->number == MUX_MSG_CHANNEL_SUCCESS)
        mux_channel_at(target->session, 0)->requests_out++;
    return p;
}

static enum mux_err send(const struct sample *s, size_t cut, size_t add, size_t *len)
{
    static uint8_t body[BODY_MAX + 1];
    struct pair *p = prepare(s);
    struct pair_side *target = s->server ? &p->server : &p->client;
    *len = whole(p, s, body);
    body[*len] = 0;
    target->hold_signature = true;
    inject_bytes(p, inject_other(p, target), body, cut < *len ? cut : *len + add);
    (void)pair_feed(p, target);
    enum mux_err err = target->err;
    if (err != MUX_OK && err != MUX_E_PEER_LEFT)
        cr_assert(inject_disconnects(p, target), "message %d", s->number);
    pair_free(p);
    return err;
}

static void check_cuts(const struct sample *s)
{
    size_t len = 0;
    enum mux_err good = s->number == MUX_MSG_DISCONNECT ? MUX_E_PEER_LEFT : MUX_OK;
    cr_assert_eq(send(s, SIZE_MAX, 0, &len), good, "message %d whole", s->number);
    for (size_t cut = 0; cut < len; cut += cut < 40 || cut + 20 > len ? 1 : 11) {
        enum mux_err err = send(s, cut, 0, &len);
        cr_assert(err == MUX_E_MALFORMED || err == MUX_E_CHANNEL, "message %d cut at %zu: %s", s->number, cut, mux_err_text(err));
    }
    enum mux_err longer = send(s, SIZE_MAX, 1, &len);
    cr_assert_eq(longer == good, s->free_tail, "message %d with a byte more: %s", s->number, mux_err_text(longer));
}

Test(malformed, every_prefix_of_every_message_ends_in_its_error, .timeout = 200)
{
    for (size_t i = 0; i < SAMPLES; i++)
        check_cuts(&samples[i]);
}

Test(malformed, messages_without_fields_take_none)
{
    static const struct sample none[] = { { false, PH_AUTH, MUX_MSG_USERAUTH_SUCCESS, false } };
    struct pair *p = prepare(&none[0]);
    inject(p, &p->server, "bb", MUX_MSG_USERAUTH_SUCCESS, 0);
    (void)pair_feed(p, &p->client);
    cr_assert_eq(p->client.err, MUX_E_MALFORMED);
    pair_free(p);
}

/* ---- packets ---- */

static enum mux_err feed_raw(struct pair_side *side, const void *bytes, size_t len)
{
    struct mux_event ev[PAIR_EVENTS];
    size_t used, count = PAIR_EVENTS, need;
    uint8_t *exact = malloc(len);
    memcpy(exact, bytes, len);
    enum mux_err err = mux_session_feed(side->session, 1, (struct cx_span){ exact, len }, &used, ev, &count, &need);
    free(exact);
    return err;
}

Test(malformed, packet_lengths_out_of_bounds_end_the_connection_before_authentication)
{
    static const struct {
        uint32_t len;
        enum mux_err err;
    } rows[] = {
        { 0, MUX_E_PACKET_LENGTH },
        { 1, MUX_E_PACKET_LENGTH },
        { 4, MUX_E_PACKET_LENGTH },
        { 13, MUX_E_PACKET_LENGTH },
        { 12, MUX_OK },
        { 35000 / 8 * 8 - 4, MUX_OK },
        { 35004, MUX_E_PACKET_LENGTH },
        { 35001, MUX_E_PACKET_LENGTH },
        { 0x7ffffffc, MUX_E_PACKET_LENGTH },
        { UINT32_MAX, MUX_E_PACKET_LENGTH },
        { 0xfffffffc, MUX_E_PACKET_LENGTH },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->server, PH_INIT));
        uint8_t head[5];
        cx_store_u32(head, rows[i].len);
        head[4] = 4;
        cr_assert_eq(feed_raw(&p->server, head, sizeof head), rows[i].err, "length %u", rows[i].len);
        pair_free(p);
    }
}

Test(malformed, padding_that_is_too_short_or_longer_than_its_packet_ends_the_connection)
{
    static const uint8_t paddings[] = { 0, 3, 12, 255 };
    for (size_t i = 0; i < sizeof paddings; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->server, PH_INIT));
        uint8_t packet[16] = { 0, 0, 0, 12, paddings[i], MUX_MSG_IGNORE };
        cr_assert_eq(feed_raw(&p->server, packet, sizeof packet), MUX_E_PACKET_LENGTH, "padding %d", paddings[i]);
        pair_free(p);
    }
}

Test(malformed, a_packet_without_payload_is_malformed)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_INIT));
    uint8_t packet[16] = { 0, 0, 0, 12, 11 };
    cr_assert_eq(feed_raw(&p->server, packet, sizeof packet), MUX_E_MALFORMED);
    pair_free(p);
}

Test(malformed, packets_are_bounded_after_authentication_too)
{
    for (uint32_t over = 0; over < 2; over++) {
        struct pair *p = pair_new("aes128-gcm@openssh.com", NULL, NULL, CX_KEY_ED25519);
        cr_assert(pair_handshake(p, SIZE_MAX));
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, (uint32_t)MUX_PACKET_MAX - 64 + 64 * over);
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, over ? MUX_E_PACKET_LENGTH : MUX_OK);
        pair_free(p);
    }
}

Test(malformed, a_flipped_bit_anywhere_in_a_sealed_packet_ends_in_mac_error_or_length)
{
    const struct cx_cipher *cipher;
    for (size_t c = 0; (cipher = cx_cipher_at(c)); c++)
        for (size_t at = 0; at < 64; at++) {
            struct pair *p = pair_new(cipher->name, NULL, NULL, CX_KEY_ED25519);
            cr_assert(pair_handshake(p, SIZE_MAX));
            inject(p, &p->client, "bz", MUX_MSG_IGNORE, 20);
            size_t len = p->server.inbox_len;
            p->server.inbox[at % len] ^= (uint8_t)(1 << (at % 8));
            /* enough behind it that a length which grew is looked at as well */
            for (int i = 0; i < 10; i++)
                inject(p, &p->client, "bz", MUX_MSG_IGNORE, 30000);
            (void)pair_feed(p, &p->server);
            cr_assert(p->server.err == MUX_E_MAC || p->server.err == MUX_E_PACKET_LENGTH, "%s byte %zu: %s", cipher->name, at,
                      mux_err_text(p->server.err));
            cr_assert(inject_disconnects(p, &p->server));
            pair_free(p);
        }
}

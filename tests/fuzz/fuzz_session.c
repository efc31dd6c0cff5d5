/* SPDX-License-Identifier: MIT */
/* Fuzzes mux/session.h (feed, produce, and the calls of an application), and through it transport/, auth/ and connection/.
 *
 * Byte 0: bit 0 is the role under attack, bits 1 to 3 the phase it is brought to first (7: none; all else are raw bytes), bit 4
 * whether packets are compressed, bits 5 to 7 what both sides are set to speak.
 * Byte 1: how finely its bytes are split. What follows are operations: packets, sealed with the keys of an honest peer so that
 * any content passes the tags; packets of that peer with some bytes changed, which in the clear brings key exchanges to their end
 * but for one thing; moves of both applications; time. Randomness and keys are fixed. After the last, both sides run until nothing
 * moves: a side that goes on owing without producing is a fault too. */
#include <stdlib.h>

#include "certify.h"
#include "fuzz.h"
#include "inject.h"

/* The key of RFC 8410 section 10.3. */
static const char KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                          "-----END PRIVATE KEY-----\n";

enum { SETTLE_ROUNDS = 2000, OPS_MAX = 400, RAW = 7, REKEYS_MAX = 5 };

/* What both sides are set to; NULL: the pair's own defaults. */
struct tongue {
    const char *kex, *cipher;
    bool certified; /* the host key shows a certificate */
    bool announced; /* to a client that calls itself OpenSSH, so that it is told of host keys */
};
static const struct tongue tongues[8] = {
    { .cipher = "aes128-gcm@openssh.com" },
    { .kex = "diffie-hellman-group-exchange-sha256", .cipher = "aes128-gcm@openssh.com" },
    { .cipher = "aes128-gcm@openssh.com", .certified = true },
    { .cipher = "aes128-gcm@openssh.com", .announced = true },
    { .kex = "mlkem768x25519-sha256", .cipher = "chacha20-poly1305@openssh.com" },
    { .kex = "sntrup761x25519-sha512", .cipher = "aes128-ctr" },
    { .kex = "mlkem768nistp256-sha256", .cipher = "aes256-ctr" },
    { .kex = "diffie-hellman-group14-sha256", .cipher = "aes256-gcm@openssh.com", .certified = true, .announced = true },
};

struct fuzz {
    struct pair *pair;
    struct pair_side *target, *peer;
    struct cx_reader in;
    unsigned rekeys;
};

static void certify_host(struct pair *p)
{
    static uint8_t room[CX_CERTIFICATE_MAX];
    p->host_key.certificate =
        certify((struct cx_span){ room, sizeof room }, p->host_private, CX_CERTIFICATE_HOST, cx_view("", 0), p->host_private);
    p->client.config.host_key_algs = p->server.config.host_key_algs = "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519";
}

static struct pair *fixed_pair(const struct tongue *t)
{
    struct pair *p = pair_new(t->cipher, NULL, t->kex, CX_KEY_ED25519);
    cx_private_key_free(p->host_private);
    cx_private_key_free(p->user_private);
    struct cx_view key = cx_view_text(KEY), none = cx_view("", 0);
    require(cx_private_key_parse(key, none, &p->host_private) == CX_OK);
    require(cx_private_key_parse(key, none, &p->user_private) == CX_OK);
    p->host_key.blob = cx_private_key_blob(p->host_private);
    p->server.config.kex_timeout_ns = 60000000000u;
    p->server.config.channels_max = 100;
    p->server.config.announce_host_keys = t->announced;
    if (t->announced)
        p->client.config.software = "OpenSSH_9.9";
    if (t->certified)
        certify_host(p);
    return p;
}

static bool more(const struct fuzz *f)
{
    return f->in.left.len > 0;
}

static struct cx_view take(struct fuzz *f, size_t n)
{
    return cx_reader_raw(&f->in, n < f->in.left.len ? n : f->in.left.len);
}

/* ---- operations ---- */

static void op_packet(struct fuzz *f, bool large)
{
    size_t len = cx_reader_u8(&f->in);
    if (large)
        len = len << 8 | cx_reader_u8(&f->in);
    struct cx_view body = take(f, len);
    inject_bytes(f->pair, f->peer, body.data, body.len);
}

/* What the honest peer has to say, bytes of it changed. */
static void op_altered(struct fuzz *f)
{
    size_t before = f->target->inbox_len;
    uint8_t changes = cx_reader_u8(&f->in) % 4;
    (void)pair_produce(f->pair, f->peer);
    size_t made = f->target->inbox_len - before;
    for (; changes > 0 && made > 0; changes--) {
        size_t at = cx_reader_u8(&f->in);
        at = (at << 8 | cx_reader_u8(&f->in)) % made;
        f->target->inbox[before + at] ^= cx_reader_u8(&f->in);
    }
}

/* A body out of one byte, far longer than the input: windows and lengths are large numbers. */
static void op_data(struct fuzz *f)
{
    uint32_t channel = cx_reader_u8(&f->in), len = cx_reader_u8(&f->in) * 140u;
    inject(f->pair, f->peer, "buz", MUX_MSG_CHANNEL_DATA, channel, len);
}

static void op_rekey(struct fuzz *f, struct pair_side *side)
{
    if (f->rekeys++ < REKEYS_MAX)
        mux_session_rekey(side->session);
}

static struct mux_channel *own_channel(struct fuzz *f)
{
    struct mux_channel *ch = mux_channel_at(f->target->session, cx_reader_u8(&f->in) % PAIR_CHANNELS);
    return ch && !(ch->flags & CH_RELEASED) && ch->state != CH_ASKED ? ch : NULL;
}

static void op_channel(struct fuzz *f)
{
    struct mux_session *s = f->target->session;
    struct mux_channel *ch = own_channel(f);
    uint8_t what = cx_reader_u8(&f->in);
    if (!ch)
        return;
    struct pair_stream *st = &f->target->stream[ch->id];
    switch (what % 8) {
    case 0:
        mux_channel_close(s, ch->id);
        break;
    case 1:
        mux_channel_eof(s, ch->id);
        break;
    case 2:
        st->released = true;
        mux_channel_release(s, ch->id);
        break;
    case 3:
        (void)mux_channel_request(s, ch->id, "exit-status", what & 8, cx_view("\0\0\0\1", 4));
        break;
    case 4:
        mux_channel_request_answer(s, ch->id, what & 8);
        break;
    case 5:
        mux_channel_drained(s, ch->id, what * 1000u);
        break;
    default:
        pair_send(f->target, ch->id, what * 2000u, what & 1);
        break;
    }
}

static void op_session(struct fuzz *f)
{
    struct mux_session *s = f->target->session;
    uint8_t what = cx_reader_u8(&f->in);
    switch (what % 8) {
    case 0:
        (void)mux_session_global_request(s, "x", what & 8, cx_view("", 0));
        break;
    case 1:
        mux_session_keepalive(s);
        break;
    case 2:
        f->target->hold_requests = what & 8;
        break;
    case 3:
        mux_session_request_answer(s, what & 8, what & 16);
        break;
    case 4:
        f->target->hold_reads = what & 8;
        break;
    case 5:
        mux_session_disconnect(s, MUX_E_BY_APPLICATION, NULL);
        break;
    case 7:
        f->pair->accept_auth = what & 8;
        break;
    default:
        if (mux_session_authenticated(f->pair->client.session) && mux_session_channel_count(f->pair->client.session) < 32)
            (void)pair_open(f->pair);
        break;
    }
}

static void op_time(struct fuzz *f)
{
    f->pair->now_ns += cx_reader_u8(&f->in) * (uint64_t)1000000000;
    enum mux_err err = mux_session_tick(f->target->session, f->pair->now_ns);
    if (err != MUX_OK)
        f->target->err = err;
}

static void op_small_area(struct fuzz *f)
{
    size_t area = f->pair->area;
    f->pair->area = cx_reader_u8(&f->in) * 8u;
    (void)pair_produce(f->pair, f->target);
    f->pair->area = area;
}

static void operate(struct fuzz *f)
{
    uint8_t op = cx_reader_u8(&f->in) % 16;
    switch (op) {
    case 6:
        op_altered(f);
        break;
    case 8:
        op_data(f);
        break;
    case 9:
        op_rekey(f, f->target);
        break;
    case 10:
        op_rekey(f, f->peer);
        break;
    case 11:
        op_channel(f);
        break;
    case 12:
        op_session(f);
        break;
    case 13:
        op_time(f);
        break;
    case 14:
        op_small_area(f);
        break;
    case 15:
        (void)pair_feed(f->pair, f->target);
        (void)pair_run(f->pair, 3);
        break;
    default:
        op_packet(f, op == 7);
        break;
    }
}

/* ---- the frame ---- */

static void settle(struct fuzz *f)
{
    (void)pair_feed(f->pair, f->target);
    (void)pair_run(f->pair, SETTLE_ROUNDS);
    for (unsigned i = 0; pair_produce(f->pair, f->target); i++)
        require(i < SETTLE_ROUNDS);
    require(!mux_session_owes(f->target->session));
    if (f->target->err != MUX_OK)
        require(mux_session_blocked(f->target->session));
}

static void feed_raw(struct fuzz *f)
{
    struct pair_side *t = f->target;
    t->inbox = malloc(f->in.left.len + 1);
    t->inbox_room = t->inbox_len = f->in.left.len;
    memcpy(t->inbox, f->in.left.data, f->in.left.len);
    f->in.left.len = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum mux_phase phases[RAW] = { PH_INIT, PH_KEX_FIRST, PH_SERVICE, PH_AUTH, PH_OPEN, PH_REKEY, PH_OPEN };
    if (size < 3)
        return 0;
    struct pair *p = fixed_pair(&tongues[data[0] >> 5]);
    p->client.config.compression = p->server.config.compression = data[0] & 16;
    struct fuzz f = { .pair = p, .in = cx_reader(cx_view(data + 2, size - 2)) };
    f.target = data[0] & 1 ? &p->server : &p->client;
    f.peer = inject_other(p, f.target);
    unsigned phase = data[0] >> 1 & 7;
    if (phase == RAW) {
        pair_start(p);
        feed_raw(&f);
    } else {
        require(inject_reach(p, f.target, phases[phase]));
    }
    p->chunk = data[1] == 0 ? SIZE_MAX : data[1];
    for (unsigned i = 0; i < OPS_MAX && more(&f); i++)
        operate(&f);
    settle(&f);
    pair_free(p);
    return 0;
}

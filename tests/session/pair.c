/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include <assert.h>
#include <stdlib.h>

#include "mux/connection/forward.h"
#include "mux/connection/host_keys.h"
#include "mux/connection/session_requests.h"
#include "mux/transport/exchange_hash.h"

static const char *const DEFAULT_KEX = "curve25519-sha256,ecdh-sha2-nistp256";
static const char *const DEFAULT_CIPHERS = "aes128-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr";
static const char *const DEFAULT_MACS = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256";

volatile bool pair_allocates;

static uint8_t pattern(uint8_t seed, uint64_t at)
{
    return (uint8_t)(seed + at * 131 + (at >> 8) * 7);
}

static struct mux_config config_for(bool server, const char *cipher, const char *mac, const char *kex)
{
    return (struct mux_config){
        .server = server,
        .software = server ? "sluice_test_server" : "sluice_test_client",
        .kex = kex ? kex : DEFAULT_KEX,
        .host_key_algs = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256",
        .ciphers = cipher ? cipher : DEFAULT_CIPHERS,
        .macs = mac ? mac : DEFAULT_MACS,
    };
}

static void side_init(struct pair_side *side, uint64_t seed)
{
    side->shared.cache = cx_packet_cache_new(8, cx_kernels_current());
    side->shared.random = cx_random_from_seed(&side->seeded, seed);
    side->shared.staging = (struct cx_span){ malloc(MUX_STAGING_BYTES), MUX_STAGING_BYTES };
}

struct pair *pair_new(const char *cipher, const char *mac, const char *kex, enum cx_key_type host_type)
{
    struct pair *p = calloc(1, sizeof *p);
    p->chunk = SIZE_MAX;
    p->area = PAIR_AREA;
    p->now_ns = 1;
    p->accept_auth = p->accept_host_key = true;
    if (cx_private_key_generate(host_type, &p->host_private) != CX_OK ||
        cx_private_key_generate(CX_KEY_ED25519, &p->user_private) != CX_OK)
        abort();
    p->host_key = (struct mux_host_key){ .blob = cx_private_key_blob(p->host_private), .type = host_type };
    side_init(&p->client, 1);
    side_init(&p->server, 2);
    p->client.config = config_for(false, cipher, mac, kex);
    p->server.config = config_for(true, cipher, mac, kex);
    p->server.config.host_keys = &p->host_key;
    p->server.config.host_key_count = 1;
    return p;
}

static void side_free(struct pair_side *side)
{
    mux_session_free(side->session);
    cx_packet_cache_free(side->shared.cache);
    free(side->shared.staging.data);
    free(side->inbox);
}

void pair_free(struct pair *p)
{
    if (!p)
        return;
    side_free(&p->client);
    side_free(&p->server);
    cx_private_key_free(p->host_private);
    cx_private_key_free(p->user_private);
    free(p);
}

/* ---- the applications ---- */

static void note(struct pair *p, const struct mux_event *e)
{
    p->hash = (p->hash ^ (uint64_t)e->kind) * 0x100000001b3u;
}

static void sign(struct pair *p, const struct mux_event *e)
{
    uint8_t h[CX_HASH_MAX_BYTES], signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    if (p->server.hold_signature)
        return;
    pair_allocates = true;
    if (mux_exchange_hash(&e->sign.inputs, mux_host_key_shown(&p->host_key, e->sign.alg), h) != CX_OK ||
        cx_private_key_sign(p->host_private, e->sign.alg, cx_view(h, cx_hash_len(e->sign.inputs.kex->hash)), signature, &len) !=
            CX_OK)
        abort();
    pair_allocates = false;
    mux_session_signature(p->server.session, cx_view(signature, len));
}

/* The one host key there is. */
static void prove(struct pair *p, const struct mux_event *e)
{
    uint8_t room[MUX_PROOF_MAX], signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    if (p->server.hold_proofs)
        return;
    struct cx_span out = { room, sizeof room };
    struct cx_view proof = mux_host_key_proof(out, mux_session_id(p->server.session), p->host_key.blob);
    pair_allocates = true;
    if (e->prove.count != 1 || cx_private_key_sign(p->host_private, e->prove.key[0].alg, proof, signature, &len) != CX_OK)
        abort();
    pair_allocates = false;
    mux_session_proofs(p->server.session, &(struct cx_view){ signature, len }, 1);
}

static void authenticate(struct pair *p, const struct mux_event *e)
{
    p->auth_tries++;
    if (p->server.hold_auth)
        return;
    struct mux_auth_prompt prompt = { cx_view_text("Code: "), false };
    if (cx_view_is(e->auth.method, "keyboard-interactive") && mux_session_auth_prompt(p->server.session, "", "", &prompt, 1))
        return;
    if (cx_view_is(e->auth.method, "password") && !e->auth.changes && mux_session_auth_ask_change(p->server.session, "Expired."))
        return;
    bool key =
        cx_view_is(e->auth.method, "publickey") && e->auth.alg && cx_view_equal(e->auth.blob, cx_private_key_blob(p->user_private));
    bool good = key && p->accept_auth && cx_view_is(e->auth.user, "alice");
    enum mux_auth_answer answer = MUX_AUTH_FAILURE;
    if (good)
        answer = !e->auth.signed_ ? MUX_AUTH_PK_OK : e->auth.verified ? MUX_AUTH_SUCCESS : MUX_AUTH_FAILURE;
    mux_session_auth_answer(p->server.session, answer, "publickey");
}

static void offer_key(struct pair *p, bool query)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    struct cx_view data = mux_client_auth_publickey(p->client.session, "alice", alg, cx_private_key_blob(p->user_private), query);
    if (query)
        return;
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    pair_allocates = true;
    if (cx_private_key_sign(p->user_private, alg, data, signature, &len) != CX_OK)
        abort();
    pair_allocates = false;
    mux_client_auth_signature(p->client.session, cx_view(signature, len));
}

/* The key first; where that is refused, what the server has prompts for. */
static void try_next_method(struct pair *p, struct pair_side *side)
{
    switch (side->events[MUX_EV_AUTH_FAILURE]) {
    case 1:
        offer_key(p, true);
        break;
    case 2:
        mux_client_auth_interactive(side->session, "alice", "");
        break;
    case 3:
        mux_client_auth_password(side->session, "alice", cx_view_text("guess"));
        break;
    default:
        break;
    }
}

static void respond(struct pair_side *side, const struct mux_event *e)
{
    struct cx_view response[MUX_AUTH_PROMPTS_MAX];
    for (uint32_t i = 0; i < e->prompts.count; i++)
        response[i] = cx_view_text("guess");
    mux_client_auth_respond(side->session, response, e->prompts.count);
}

static struct pair_stream *stream_start(struct pair_side *side, uint32_t id, uint8_t send_seed)
{
    assert(id < PAIR_CHANNELS);
    struct pair_stream *st = &side->stream[id];
    *st = (struct pair_stream){ .channel = id, .send_seed = send_seed, .receive_seed = (uint8_t)~send_seed };
    return st;
}

static void receive(struct pair_side *side, const struct mux_event *e)
{
    struct pair_stream *st = e->user;
    for (size_t i = 0; i < e->data.data.len; i++)
        st->corrupt = st->corrupt || e->data.data.data[i] != pattern(st->receive_seed, st->received + i);
    st->received += e->data.data.len;
    if (side->hold_reads)
        st->hold += e->data.data.len;
    else
        mux_channel_drained(side->session, e->channel, e->data.data.len);
}

static void close_if_done(struct pair_side *side, struct pair_stream *st)
{
    if (st->eof && st->eof_after && st->sent == st->to_send && !st->closed && !st->released)
        mux_channel_close(side->session, st->channel);
    if (st->closed && !st->released) {
        st->released = true;
        mux_channel_release(side->session, st->channel);
    }
}

/* To its last byte, as an application would: what a fuzzer has put there must not lead past the end. */
static void read_request(const struct mux_event *e)
{
    struct mux_session_request m;
    uint8_t opcode;
    uint32_t value;
    if (!mux_session_request_parse(e->request.name, e->request.data, &m) || m.kind != MUX_REQUEST_PTY)
        return;
    while (mux_tty_mode_next(&m.pty.modes, &opcode, &value))
        assert(opcode != MUX_TTY_END);
}

static void on_channel_event(struct pair *p, struct pair_side *side, const struct mux_event *e)
{
    struct pair_stream *st = e->user;
    switch (e->kind) {
    case MUX_EV_CHANNEL_OPEN: {
        struct mux_direct_tcpip m;
        if (e->channel < PAIR_CHANNELS && cx_view_is(e->open.type, "direct-tcpip") && mux_direct_tcpip_parse(e->open.data, &m)) {
            st = stream_start(side, e->channel, (uint8_t)~m.originator_port);
            st->open = true;
            mux_channel_accept(side->session, e->channel, st);
        } else {
            mux_channel_refuse(side->session, e->channel, MUX_OPEN_UNKNOWN_TYPE, "unknown type");
        }
        break;
    }
    case MUX_EV_CHANNEL_OPENED:
        st->open = true;
        break;
    case MUX_EV_CHANNEL_REFUSED:
        st->refused = true;
        break;
    case MUX_EV_CHANNEL_DATA:
        receive(side, e);
        break;
    case MUX_EV_CHANNEL_EOF:
        st->eof = true;
        close_if_done(side, st);
        break;
    case MUX_EV_CHANNEL_CLOSE:
        st->closed = true;
        close_if_done(side, st);
        break;
    case MUX_EV_CHANNEL_REQUEST:
        read_request(e);
        if (e->request.want_reply)
            mux_channel_request_answer(side->session, e->channel, cx_view_is(e->request.name, "yes"));
        break;
    default:
        break;
    }
    (void)p;
}

static void on_event(struct pair *p, struct pair_side *side, const struct mux_event *e)
{
    note(p, e);
    side->events[e->kind]++;
    switch (e->kind) {
    case MUX_EV_SIGN:
        sign(p, e);
        break;
    case MUX_EV_HOST_KEY:
        mux_session_host_key_verdict(side->session,
                                     p->accept_host_key &&
                                         cx_view_equal(e->host_key.blob, mux_host_key_shown(&p->host_key, e->host_key.alg)));
        break;
    case MUX_EV_KEYED:
        side->keyed++;
        side->strict = e->keyed.strict;
        break;
    case MUX_EV_AUTH:
        authenticate(p, e);
        break;
    case MUX_EV_AUTH_READY:
        mux_client_auth_none(side->session, "alice");
        break;
    case MUX_EV_AUTH_FAILURE:
        try_next_method(p, side);
        break;
    case MUX_EV_AUTH_RESPONSES:
        mux_session_auth_answer(side->session, MUX_AUTH_FAILURE, "publickey");
        break;
    case MUX_EV_AUTH_PROMPTS:
        respond(side, e);
        break;
    case MUX_EV_AUTH_CHANGE:
        mux_client_auth_change_password(side->session, "alice", cx_view_text("guess"), cx_view_text("changed"));
        break;
    case MUX_EV_AUTH_PK_OK:
        offer_key(p, false);
        break;
    case MUX_EV_GLOBAL_REQUEST:
        if (e->request.want_reply && !side->hold_requests)
            mux_session_request_answer(side->session, cx_view_is(e->request.name, "yes"), 0);
        break;
    case MUX_EV_PROVE:
        prove(p, e);
        break;
    case MUX_EV_DISCONNECT:
        side->disconnect_reason = e->disconnect.reason;
        break;
    default:
        on_channel_event(p, side, e);
        break;
    }
}

/* ---- the wire ---- */

static size_t pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    (void)ctx;
    (void)channel;
    struct pair_stream *st = user;
    size_t total = 0;
    for (int i = 0; i < iov_count; i++) {
        uint8_t *out = iov[i].iov_base;
        size_t j = 0;
        for (; j < iov[i].iov_len && st->sent < st->to_send; j++)
            out[j] = pattern(st->send_seed, st->sent++);
        total += j;
    }
    *more = st->sent < st->to_send ? MUX_PULL_MORE : st->eof_after ? MUX_PULL_EOF : MUX_PULL_DRY;
    return total;
}

bool pair_produce(struct pair *p, struct pair_side *from)
{
    struct pair_side *to = from == &p->client ? &p->server : &p->client;
    static uint8_t area[PAIR_AREA];
    struct mux_source source = { pull, p };
    enum mux_err err;
    size_t n = mux_session_produce(from->session, p->now_ns, (struct cx_span){ area, p->area }, &source, &err);
    if (err != MUX_OK)
        from->err = err;
    if (to->inbox_room - to->inbox_len < n) {
        to->inbox_room = 2 * (to->inbox_len + n);
        pair_allocates = true;
        to->inbox = realloc(to->inbox, to->inbox_room);
        pair_allocates = false;
    }
    if (n > 0)
        memcpy(to->inbox + to->inbox_len, area, n);
    to->inbox_len += n;
    if (to->most_inbox < to->inbox_len)
        to->most_inbox = to->inbox_len;
    return n > 0;
}

/* Hands bytes over chunk by chunk, each in memory of its own so that a read past its end shows. */
bool pair_feed(struct pair *p, struct pair_side *side)
{
    size_t offered = 0;
    bool moved = false;
    while (side->err == MUX_OK && offered < side->inbox_len) {
        size_t step = side->inbox_len - offered < p->chunk ? side->inbox_len - offered : p->chunk;
        offered += step;
        size_t used, count;
        do {
            struct mux_event ev[PAIR_EVENTS];
            count = PAIR_EVENTS;
            pair_allocates = true;
            uint8_t *exact = malloc(offered);
            pair_allocates = false;
            memcpy(exact, side->inbox, offered);
            side->err = mux_session_feed(side->session, p->now_ns, (struct cx_span){ exact, offered }, &used, ev, &count, NULL);
            for (size_t i = 0; i < count; i++)
                on_event(p, side, &ev[i]);
            pair_allocates = true; /* what was fed is the pair's own, secrets and all */
            free(exact);
            pair_allocates = false;
            memmove(side->inbox, side->inbox + used, side->inbox_len - used);
            side->inbox_len -= used;
            offered -= used;
            moved = moved || used > 0 || count > 0;
        } while (side->err == MUX_OK && offered > 0 && (used > 0 || count > 0));
        if (mux_session_blocked(side->session))
            break;
    }
    return moved;
}

void pair_start(struct pair *p)
{
    p->client.session = mux_session_new(&p->client.config, &p->client.shared, p->now_ns, p);
    p->server.session = mux_session_new(&p->server.config, &p->server.shared, p->now_ns, p);
}

bool pair_run(struct pair *p, unsigned rounds)
{
    if (!p->client.session)
        pair_start(p);
    for (unsigned i = 0; i < rounds; i++) {
        p->now_ns += 1000000;
        bool moved = pair_produce(p, &p->client);
        moved = pair_produce(p, &p->server) || moved;
        moved = pair_feed(p, &p->server) || moved;
        moved = pair_feed(p, &p->client) || moved;
        if (!moved)
            return true;
    }
    return false;
}

bool pair_handshake(struct pair *p, size_t chunk)
{
    p->chunk = chunk;
    return pair_run(p, 100) && p->client.events[MUX_EV_AUTH_SUCCESS] == 1 && mux_session_authenticated(p->server.session);
}

uint32_t pair_open(struct pair *p)
{
    uint8_t room[128];
    static uint16_t seed;
    struct mux_direct_tcpip m = { cx_view_text("web"), 80, cx_view_text("127.0.0.1"), ++seed & 0xff };
    size_t n = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &m);
    uint32_t id = mux_channel_open(p->client.session, "direct-tcpip", cx_view(room, n), NULL);
    if (id == UINT32_MAX)
        return id;
    mux_channel_set_user(p->client.session, id, stream_start(&p->client, id, (uint8_t)m.originator_port));
    return id;
}

struct pair_stream *pair_peer(struct pair *p, uint32_t client_channel)
{
    struct pair_stream *mine = &p->client.stream[client_channel];
    for (size_t i = 0; i < PAIR_CHANNELS; i++)
        if (p->server.stream[i].open && p->server.stream[i].receive_seed == mine->send_seed)
            return &p->server.stream[i];
    return NULL;
}

void pair_send(struct pair_side *side, uint32_t channel, uint64_t n, bool eof_after)
{
    struct pair_stream *st = &side->stream[channel];
    st->to_send += n;
    st->eof_after = eof_after;
    mux_channel_ready(side->session, channel);
}

struct pair *pair_connected(void)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    if (!pair_handshake(p, SIZE_MAX))
        abort();
    return p;
}

struct pair *pair_with_channel(void)
{
    struct pair *p = pair_connected();
    if (pair_open(p) != 0 || !pair_run(p, 100) || !p->server.stream[0].open)
        abort();
    return p;
}

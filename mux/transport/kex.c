/* SPDX-License-Identifier: MIT */
/* A key exchange from KEXINIT to NEWKEYS, either role: RFC 4253 sections 7 to 9, RFC 8731, RFC 5656 section 4.
 *
 * The two directions change keys at different times: ours behind the NEWKEYS that we send, theirs behind the one we
 * receive. The exchange lives until both have happened. In between, a session may wait for an answer: the server for a
 * signature, the client for a verdict on the host key; it reads nothing meanwhile. */
#include "mux/transport/exchange_hash.h"

#include <stdlib.h>

#include "crypto/kex/group.h"
#include "crypto/keys/certificate.h"
#include "crypto/secret.h"
#include "mux/session_priv.h"

enum mux_err mux_kex_start(struct mux_session *s)
{
    struct mux_kex *k = calloc(1, sizeof *k);
    if (!k)
        return MUX_E_RESOURCE;
    s->kex = k;
    s->rekey_wanted = false;
    uint64_t timeout = s->config->kex_timeout_ns;
    k->deadline_ns = timeout != 0 ? s->now_ns + timeout : UINT64_MAX;
    (void)mux_ident_ours(s, k->our_ident);
    /* a server's first follows the client's identification: see markers() in kexinit.c */
    return s->config->server && !s->peer_ident ? MUX_OK : mux_kexinit_build(s, k);
}

void mux_kex_free(struct mux_session *s)
{
    struct mux_kex *k = s->kex;
    if (!k)
        return;
    cx_kex_state_free(k->state);
    cx_kex_group_free(k->gex.group);
    cx_packet_key_deinit(&k->next_in, s->shared->cache);
    cx_packet_key_deinit(&k->next_out, s->shared->cache);
    free(k->our_init);
    free(k->peer_init);
    free(k->host_blob);
    cx_secret_wipe(k, sizeof *k);
    free(k);
    s->kex = NULL;
}

static void inputs_of(const struct mux_session *s, struct mux_kex_inputs *in)
{
    const struct mux_kex *k = s->kex;
    struct cx_view our_v = cx_view(k->our_ident, strlen("SSH-2.0-") + strlen(s->config->software));
    struct cx_view peer_v = mux_session_peer_ident(s);
    struct cx_view our_i = cx_view(k->our_init, k->our_init_len), peer_i = cx_view(k->peer_init, k->peer_init_len);
    bool server = s->config->server;
    *in = (struct mux_kex_inputs){
        .kex = k->method,
        .v_c = server ? peer_v : our_v,
        .v_s = server ? our_v : peer_v,
        .i_c = server ? peer_i : our_i,
        .i_s = server ? our_i : peer_i,
        .q_c = cx_view(k->c.bytes, k->c.len),
        .q_s = cx_view(k->s.bytes, k->s.len),
        .k = cx_view(k->k.bytes, k->k.len),
    };
    mux_gex_inputs(k, in);
}

static struct cx_view host_blob(const struct mux_session *s)
{
    const struct mux_kex *k = s->kex;
    if (s->config->server)
        return mux_host_key_shown(&s->config->host_keys[k->host_key], k->host_alg);
    return cx_view(k->host_blob, k->host_blob_len);
}

/* RFC 4253 section 7.2: HASH(K ‖ H ‖ letter ‖ session_id), lengthened by HASH(K ‖ H ‖ what there is so far). */
static enum cx_err derive_one(const struct mux_session *s, const uint8_t *h, char letter, uint8_t *out, size_t len)
{
    const struct mux_kex *k = s->kex;
    size_t step = cx_hash_len(k->method->hash);
    uint8_t made[2 * CX_HASH_MAX_BYTES];
    enum cx_err err = CX_OK;
    for (size_t have = 0; have < len; have += step) {
        struct cx_hash hash;
        err = cx_hash_begin(&hash, k->method->hash);
        if (err != CX_OK)
            goto out;
        cx_hash_add(&hash, cx_view(k->k.bytes, k->k.len));
        cx_hash_add(&hash, cx_view(h, step));
        if (have == 0) {
            cx_hash_add(&hash, cx_view(&letter, 1));
            cx_hash_add(&hash, mux_session_id(s));
        } else {
            cx_hash_add(&hash, cx_view(made, have));
        }
        err = cx_hash_end(&hash, made + have);
        if (err != CX_OK)
            goto out;
    }
    memcpy(out, made, len);
out:
    cx_secret_wipe(made, sizeof made);
    return err;
}

/* One direction's keys; its letters are those of the side that sends. */
static enum cx_err derive_direction(struct mux_session *s, const uint8_t *h, bool sealing)
{
    struct mux_kex *k = s->kex;
    const struct cx_cipher *cipher = sealing ? k->cipher_out : k->cipher_in;
    const struct cx_mac *mac = sealing ? k->mac_out : k->mac_in;
    bool to_server = sealing != s->config->server;
    uint8_t key[CX_PACKET_KEY_MAX], iv[CX_PACKET_IV_MAX], mac_key[CX_PACKET_MAC_KEY_MAX];
    enum cx_err err = derive_one(s, h, to_server ? 'A' : 'B', iv, cipher->iv_len);
    if (err == CX_OK)
        err = derive_one(s, h, to_server ? 'C' : 'D', key, cipher->key_len);
    if (err == CX_OK)
        err = derive_one(s, h, to_server ? 'E' : 'F', mac_key, mac ? mac->key_len : 0);
    if (err == CX_OK)
        cx_packet_key_init(sealing ? &k->next_out : &k->next_in, s->shared->cache, sealing, cipher, mac, key, iv, mac_key);
    cx_secret_wipe(key, sizeof key);
    cx_secret_wipe(iv, sizeof iv);
    cx_secret_wipe(mac_key, sizeof mac_key);
    return err;
}

static enum mux_err derive(struct mux_session *s, const uint8_t *h)
{
    if (s->session_id_len == 0) {
        s->session_id_len = (uint8_t)cx_hash_len(s->kex->method->hash);
        memcpy(s->session_id, h, s->session_id_len);
        s->first_host_key = s->kex->host_key;
        s->first_host_alg = s->kex->host_alg;
    }
    if (derive_direction(s, h, true) != CX_OK || derive_direction(s, h, false) != CX_OK)
        return MUX_E_RESOURCE;
    cx_secret_wipe(&s->kex->k, sizeof s->kex->k);
    s->host_alg = s->kex->host_alg;
    s->kex->derived = true;
    s->kex->newkeys_owed = true;
    return MUX_OK;
}

static enum mux_err exchange_hash(struct mux_session *s, uint8_t h[CX_HASH_MAX_BYTES])
{
    struct mux_kex_inputs in;
    inputs_of(s, &in);
    return mux_exchange_hash(&in, host_blob(s), h) == CX_OK ? MUX_OK : MUX_E_RESOURCE;
}

enum mux_err mux_on_kexinit(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    bool again = s->heard_kexinit;
    /* our NEWKEYS of the exchange before has not left yet: no honest peer is this far ahead */
    if (s->kex && s->kex->got_init)
        return MUX_E_ILLEGAL;
    if (!s->kex) {
        if (again && !mux_rekey_admit(s))
            return MUX_E_LIMIT;
        enum mux_err err = mux_kex_start(s);
        if (err != MUX_OK)
            return err;
    }
    struct mux_kex *k = s->kex;
    k->peer_init_len = payload.len + 1;
    k->peer_init = malloc(k->peer_init_len);
    if (!k->peer_init)
        return MUX_E_RESOURCE;
    k->peer_init[0] = MUX_MSG_KEXINIT;
    memcpy(k->peer_init + 1, payload.data, payload.len);
    enum mux_err err = mux_kexinit_negotiate(s, k);
    if (err != MUX_OK)
        return err;
    s->heard_kexinit = true;
    k->got_init = true;
    mux_gex_begin(s);
    return s->config->server || k->gex.used ? MUX_OK : mux_kex_begin_public(s);
}

enum mux_err mux_kex_begin_public(struct mux_session *s)
{
    struct mux_kex *k = s->kex;
    if (cx_kex_start(k->method, &s->shared->random, &k->state, &k->c) != CX_OK)
        return MUX_E_RESOURCE;
    k->public_owed = true;
    return MUX_OK;
}

/* Server: the client's public value came; the rest of our reply waits for the signature. */
enum mux_err mux_kex_take_public(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_kex *k = s->kex;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view c = cx_reader_string(&r);
    if (!cx_reader_done(&r) || c.len > sizeof k->c.bytes)
        return MUX_E_MALFORMED;
    if (k->public_sent || k->c.len != 0)
        return MUX_E_ILLEGAL;
    memcpy(k->c.bytes, c.data, c.len);
    k->c.len = c.len;
    enum cx_err err = cx_kex_respond(k->method, &s->shared->random, c, &k->s, &k->k);
    if (err != CX_OK)
        return err == CX_E_RESOURCE ? MUX_E_RESOURCE : MUX_E_KEX;
    s->waiting_signature = true;
    ev->kind = MUX_EV_SIGN;
    ev->sign.host_key = k->host_key;
    ev->sign.alg = k->host_alg;
    inputs_of(s, &ev->sign.inputs);
    return MUX_OK;
}

enum mux_err mux_on_kex_init(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return s->kex->gex.used ? MUX_E_ILLEGAL : mux_kex_take_public(s, payload, ev);
}

void mux_session_signature(struct mux_session *s, struct cx_view signature)
{
    if (!s->waiting_signature || s->finished != MUX_OK)
        return;
    struct mux_kex *k = s->kex;
    uint8_t h[CX_HASH_MAX_BYTES];
    s->waiting_signature = false;
    enum mux_err err = MUX_E_KEX;
    if (signature.len > 0 && signature.len <= sizeof k->signature) {
        memcpy(k->signature, signature.data, signature.len);
        k->signature_len = signature.len;
        k->public_owed = true;
        err = exchange_hash(s, h);
        if (err == MUX_OK)
            err = derive(s, h);
    }
    cx_secret_wipe(h, sizeof h);
    if (err != MUX_OK)
        (void)mux_fail(s, err, NULL);
}

/* Client: the server's public value, its key and its signature. */
enum mux_err mux_kex_take_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_kex *k = s->kex;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view blob = cx_reader_string(&r), q_s = cx_reader_string(&r), signature = cx_reader_string(&r);
    if (!cx_reader_done(&r) || blob.len > CX_CERTIFICATE_MAX || q_s.len > sizeof k->s.bytes)
        return MUX_E_MALFORMED;
    if (!k->public_sent || k->host_blob)
        return MUX_E_ILLEGAL;
    k->host_blob = malloc(blob.len + 1);
    if (!k->host_blob)
        return MUX_E_RESOURCE;
    memcpy(k->host_blob, blob.data, blob.len);
    k->host_blob_len = blob.len;
    memcpy(k->s.bytes, q_s.data, q_s.len);
    k->s.len = q_s.len;
    uint8_t h[CX_HASH_MAX_BYTES];
    if (cx_kex_finish(k->method, k->state, q_s, &k->k) != CX_OK || exchange_hash(s, h) != MUX_OK ||
        cx_key_blob_suits(host_blob(s), k->host_alg, CX_CERTIFICATE_HOST) != CX_OK ||
        cx_key_verify(host_blob(s), k->host_alg, signature, cx_view(h, cx_hash_len(k->method->hash))) != CX_OK)
        return MUX_E_KEX;
    s->waiting_host_key = true;
    ev->kind = MUX_EV_HOST_KEY;
    ev->host_key.blob = host_blob(s);
    ev->host_key.alg = k->host_alg;
    return MUX_OK;
}

enum mux_err mux_on_kex_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return s->kex->gex.used ? mux_on_gex_group(s, payload) : mux_kex_take_reply(s, payload, ev);
}

void mux_session_host_key_verdict(struct mux_session *s, bool trusted)
{
    if (!s->waiting_host_key || s->finished != MUX_OK)
        return;
    s->waiting_host_key = false;
    uint8_t h[CX_HASH_MAX_BYTES];
    enum mux_err err = trusted ? exchange_hash(s, h) : MUX_E_HOST_KEY;
    if (err == MUX_OK)
        err = derive(s, h);
    cx_secret_wipe(h, sizeof h);
    if (err != MUX_OK)
        (void)mux_fail(s, err, NULL);
    else if (!s->keyed_once)
        s->service_owed = true;
}

/* Replaces a direction's keys. Under strict KEX numbers begin anew, else they go on: RFC 4253 section 6.4. */
static void switch_keys(struct mux_session *s, struct cx_packet_key *now, struct cx_packet_key *next)
{
    next->seq = s->strict ? 0 : now->seq;
    cx_packet_key_deinit(now, s->shared->cache);
    *now = *next;
    cx_secret_wipe(next, sizeof *next);
}

/* Logins that are bound to a host name the key of the first exchange. */
static void keep_host_blob(struct mux_session *s)
{
    struct mux_kex *k = s->kex;
    if (s->first_host_blob)
        return;
    s->first_host_blob = k->host_blob;
    s->first_host_blob_len = k->host_blob_len;
    k->host_blob = NULL;
}

struct cx_view mux_session_host_key(const struct mux_session *s)
{
    if (s->session_id_len > 0 && s->config->server)
        return mux_host_key_shown(&s->config->host_keys[s->first_host_key], s->first_host_alg);
    return cx_view(s->first_host_blob, s->first_host_blob_len);
}

static void finish_if_done(struct mux_session *s)
{
    if (!s->kex->sent_newkeys || !s->kex->got_newkeys)
        return;
    keep_host_blob(s);
    s->keyed_ns = s->now_ns;
    mux_kex_free(s);
}

enum mux_err mux_on_newkeys(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_kex *k = s->kex;
    if (payload.len != 0)
        return MUX_E_MALFORMED;
    if (!k->derived || !k->public_sent)
        return MUX_E_ILLEGAL;
    ev->kind = MUX_EV_KEYED;
    ev->keyed.first = !s->keyed_once;
    ev->keyed.strict = s->strict;
    ev->keyed.kex = k->method->name;
    ev->keyed.host_key_alg = k->host_alg->name;
    ev->keyed.cipher_in = k->cipher_in->name;
    ev->keyed.cipher_out = k->cipher_out->name;
    ev->keyed.mac_in = k->mac_in ? k->mac_in->name : NULL;
    ev->keyed.mac_out = k->mac_out ? k->mac_out->name : NULL;
    if (!s->keyed_once)
        s->rekey_tokens = MUX_REKEY_BURST;
    s->keyed_once = true;
    k->got_newkeys = true;
    switch_keys(s, &s->in, &k->next_in);
    s->compress_in = k->compress_in;
    s->in_bytes = s->in_packets = 0;
    finish_if_done(s);
    return mux_compress_begin(s, false) ? MUX_OK : MUX_E_RESOURCE;
}

bool mux_kex_owes(const struct mux_session *s)
{
    const struct mux_kex *k = s->kex;
    return k && ((k->our_init && !k->sent_init) || k->gex.owed || k->public_owed || k->newkeys_owed);
}

static void write_public(struct mux_session *s, struct mux_out *o)
{
    struct mux_kex *k = s->kex;
    struct cx_view blob = s->config->server ? host_blob(s) : cx_view("", 0);
    size_t room = 64 + blob.len + k->c.len + k->s.len + k->signature_len;
    uint8_t init = k->gex.used ? MUX_MSG_GEX_INIT : MUX_MSG_KEX_INIT, reply = k->gex.used ? MUX_MSG_GEX_REPLY : MUX_MSG_KEX_REPLY;
    struct cx_writer w = mux_out_begin(o, s->config->server ? reply : init, room);
    if (s->config->server) {
        cx_writer_string(&w, blob);
        cx_writer_string(&w, cx_view(k->s.bytes, k->s.len));
        cx_writer_string(&w, cx_view(k->signature, k->signature_len));
    } else {
        cx_writer_string(&w, cx_view(k->c.bytes, k->c.len));
    }
    if (mux_out_commit(o, &w)) {
        k->public_owed = false;
        k->public_sent = true;
    }
}

static void write_newkeys(struct mux_session *s, struct mux_out *o)
{
    struct mux_kex *k = s->kex;
    struct cx_writer w = mux_out_begin(o, MUX_MSG_NEWKEYS, 1);
    if (!mux_out_commit(o, &w))
        return;
    mux_out_flush(o);
    k->newkeys_owed = false;
    k->sent_newkeys = true;
    bool first = s->out.cipher == &cx_cipher_none;
    switch_keys(s, &s->out, &k->next_out);
    s->compress_out = k->compress_out;
    if (!mux_compress_begin(s, true))
        o->err = MUX_E_RESOURCE;
    s->out_bytes = s->out_packets = 0;
    s->ext_info_owed = first && s->peer_takes_ext_info;
    finish_if_done(s);
}

void mux_kexinit_write(struct mux_session *s, struct mux_out *o)
{
    struct mux_kex *k = s->kex;
    if (!k || !k->our_init || k->sent_init)
        return;
    struct cx_writer w = mux_out_begin(o, MUX_MSG_KEXINIT, k->our_init_len);
    cx_writer_raw(&w, cx_view(k->our_init + 1, k->our_init_len - 1));
    k->sent_init = mux_out_commit(o, &w);
}

void mux_kex_write(struct mux_session *s, struct mux_out *o)
{
    struct mux_kex *k = s->kex;
    if (!k)
        return;
    mux_kexinit_write(s, o);
    if (k->sent_init)
        mux_gex_write(s, o);
    if (k->sent_init && !k->gex.owed && k->public_owed)
        write_public(s, o);
    if (k->public_sent && k->newkeys_owed)
        write_newkeys(s, o);
}

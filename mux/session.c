/* SPDX-License-Identifier: MIT */
/* The life of a session, and feed: bytes to packets to events.
 *
 * Packets are opened in batches only where nothing can change underneath a batch: after authentication and with no key
 * exchange in flight. Otherwise they go one by one, since any of them may change the keys, the limits or the phase. So do
 * compressed ones, one a feed, since there is one place that they are inflated to, and their events live until the next feed. */
#include "mux/session_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/secret.h"

_Static_assert(sizeof(struct mux_session) <= 1536, "a session fits its slab: design section 3");
_Static_assert(sizeof(struct mux_channel) <= 80, "an idle channel is one small row");

struct mux_session *mux_session_new(const struct mux_config *config, struct mux_shared *shared, uint64_t now_ns, void *user)
{
    assert(strlen("SSH-2.0-") + strlen(config->software) + strlen("\r\n") <= MUX_IDENT_MAX);
    struct mux_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    assert(!config->compression || shared->staging.len >= MUX_STAGING_BYTES);
    s->config = config;
    s->shared = shared;
    s->user = user;
    s->now_ns = now_ns;
    s->notes_tail = &s->notes;
    s->free_head = s->freed_head = CHANNEL_NONE;
    s->owed = s->interactive = s->bulk = (struct mux_list){ CHANNEL_NONE, CHANNEL_NONE };
    cx_packet_key_init(&s->in, shared->cache, false, &cx_cipher_none, NULL, NULL, NULL, NULL);
    cx_packet_key_init(&s->out, shared->cache, true, &cx_cipher_none, NULL, NULL, NULL, NULL);
    if (mux_kex_start(s) != MUX_OK) {
        mux_session_free(s);
        return NULL;
    }
    return s;
}

void mux_session_free(struct mux_session *s)
{
    if (!s)
        return;
    mux_kex_free(s);
    mux_auth_free(s);
    mux_requests_free(s);
    mux_channels_free_all(s);
    mux_compress_free(s->inflate);
    mux_compress_free(s->deflate);
    cx_packet_key_deinit(&s->in, s->shared->cache);
    cx_packet_key_deinit(&s->out, s->shared->cache);
    mux_ext_info_free(s);
    free(s->first_host_blob);
    free(s->peer_ident);
    cx_secret_wipe(s, sizeof *s);
    free(s);
}

void *mux_session_user(const struct mux_session *s)
{
    return s->user;
}

struct cx_view mux_session_id(const struct mux_session *s)
{
    return cx_view(s->session_id, s->session_id_len);
}

struct cx_view mux_session_peer_ident(const struct mux_session *s)
{
    return cx_view(s->peer_ident, s->peer_ident_len);
}

void mux_session_clock(struct mux_session *s, uint64_t now_ns)
{
    s->now_ns = now_ns;
}

bool mux_session_authenticated(const struct mux_session *s)
{
    return s->authenticated;
}

enum mux_err mux_fail(struct mux_session *s, enum mux_err err, const char *text)
{
    assert(err != MUX_OK);
    if (s->finished == MUX_OK) {
        s->finished = err;
        s->finish_text = text ? text : mux_err_text(err);
        /* the peer has said its last word: none of ours would be read */
        if (err == MUX_E_PEER_LEFT)
            s->disconnect_sent = true;
    }
    return err;
}

void mux_session_disconnect(struct mux_session *s, enum mux_err err, const char *text)
{
    (void)mux_fail(s, err, text);
}

bool mux_session_blocked(const struct mux_session *s)
{
    /* replies wait for a key exchange of ours: to stop reading over them then would lock both. The peer may add to them until
     * it has sent its own KEXINIT. */
    bool kex_first = s->kex && s->kex->sent_init && !s->kex->got_newkeys;
    return s->finished != MUX_OK || s->waiting_signature || s->waiting_host_key || s->waiting_auth ||
           (s->reply_count >= MUX_REPLIES_MAX && !kex_first);
}

bool mux_may_send(const struct mux_session *s)
{
    return s->out.cipher != &cx_cipher_none && (!s->kex || !s->kex->sent_init || s->kex->sent_newkeys);
}

static bool may_batch(const struct mux_session *s)
{
    return s->authenticated && !s->kex && !s->inflate;
}

/* How many packets the next call may open: each may yield one event and owe one ordered reply. */
static size_t batch_room(const struct mux_session *s, size_t ev_room)
{
    if (!may_batch(s))
        return 1;
    size_t room = CX_PACKET_BATCH, replies = MUX_REPLIES_MAX - s->reply_count;
    if (room > replies)
        room = replies;
    return room < ev_room ? room : ev_room;
}

static enum mux_err from_open(enum cx_err err)
{
    switch (err) {
    case CX_OK:
        return MUX_OK;
    case CX_E_TAG:
        return MUX_E_MAC;
    case CX_E_RESOURCE:
        return MUX_E_RESOURCE;
    default:
        return MUX_E_PACKET_LENGTH;
    }
}

static enum mux_err dispatch_batch(struct mux_session *s, const struct cx_span *payload, size_t count, uint32_t seq,
                                   struct mux_event *ev, size_t *ev_used)
{
    for (size_t i = 0; i < count; i++) {
        struct mux_event *e = &ev[*ev_used];
        *e = (struct mux_event){ .kind = MUX_EV_NONE };
        s->keepalives_unanswered = 0;
        enum mux_err err = mux_dispatch(s, payload[i], seq + (uint32_t)i, e);
        if (e->kind != MUX_EV_NONE)
            ++*ev_used;
        if (err != MUX_OK)
            return err;
    }
    return MUX_OK;
}

static enum mux_err inflate_payload(struct mux_session *s, struct cx_span *payload)
{
    struct cx_span out = { s->shared->staging.data + MUX_STAGING_OUT, MUX_STAGING_IN };
    enum mux_err err = mux_compress_inflate(s->inflate, cx_span_view(*payload), out, &out.len);
    s->inflated_bytes += out.len;
    *payload = out;
    return err;
}

/* Opens and dispatches one batch from the front of in. */
static enum mux_err feed_packets(struct mux_session *s, struct cx_span in, size_t *used, struct mux_event *ev, size_t ev_max,
                                 size_t *ev_used, size_t *need)
{
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = batch_room(s, ev_max - *ev_used);
    uint32_t seq = s->in.seq;
    uint32_t max = s->authenticated ? MUX_PACKET_MAX : MUX_PACKET_PREAUTH_MAX;
    enum mux_err bad = from_open(cx_packet_open(s->shared->cache, &s->in, in, max, payload, &count, used, need));
    s->in_bytes += *used;
    s->in_packets += count;
    enum mux_err err = s->inflate && count > 0 ? inflate_payload(s, &payload[0]) : MUX_OK;
    if (err == MUX_OK)
        err = dispatch_batch(s, payload, count, seq, ev, ev_used);
    if (err == MUX_OK)
        err = mux_rekey_overrun(s);
    return err != MUX_OK ? err : bad;
}

enum mux_err mux_session_feed(struct mux_session *s, uint64_t now_ns, struct cx_span in, size_t *used, struct mux_event *ev,
                              size_t *ev_count, size_t *need)
{
    size_t room = *ev_count, need_local = 0;
    *used = 0;
    *ev_count = 0;
    s->now_ns = now_ns;
    mux_channels_settle(s);
    enum mux_err err = s->finished;
    if (err == MUX_OK && !s->peer_ident)
        err = mux_ident_feed(s, cx_span_view(in), used, &need_local);
    while (err == MUX_OK && s->peer_ident && *ev_count < room && *used < in.len && !mux_session_blocked(s)) {
        size_t taken = 0;
        struct cx_span rest = { in.data + *used, in.len - *used };
        err = feed_packets(s, rest, &taken, ev, room, ev_count, &need_local);
        *used += taken;
        if (taken == 0 || s->inflate)
            break;
    }
    if (need)
        *need = need_local;
    return err == MUX_OK ? MUX_OK : mux_fail(s, err, s->finish_text);
}

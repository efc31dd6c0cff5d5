/* SPDX-License-Identifier: MIT */
/* Requests, global and of channels, and their replies: RFC 4254 sections 4 and 5.4.
 *
 * A peer's requests must be answered in order, and may be answered late. Each stands in the list of ordered replies until it
 * is; one that waits holds up only later replies of its own kind and channel. The list is capped: when it is full the
 * session reads nothing more, but for a key exchange, behind which all replies wait. Our own requests are notes, encoded when they
 * are made; the number of them in flight is capped too, so that two engines piped into each other cannot lock. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/secret.h"
#include "mux/session_priv.h"

/* ---- notes ---- */

/* What fits no area that produce is promised would hold up all that comes behind it. */
struct mux_note *mux_note_new(size_t room, struct cx_writer *w)
{
    struct mux_note *n = room <= MUX_CHANNEL_PACKET_MAX ? malloc(sizeof *n + room) : NULL;
    if (n) {
        n->channel = CHANNEL_NONE;
        n->room = (uint32_t)room;
    }
    *w = cx_writer((struct cx_span){ n ? n->payload : NULL, n ? room : 0 });
    return n;
}

void mux_note_push(struct mux_session *s, struct mux_note *n, const struct cx_writer *w)
{
    assert(cx_writer_ok(w));
    n->next = NULL;
    n->len = (uint32_t)w->used;
    *s->notes_tail = n;
    s->notes_tail = &n->next;
}

void mux_note_free(struct mux_note *n)
{
    if (n)
        cx_secret_wipe(n->payload, n->room);
    free(n);
}

static bool write_note(struct mux_session *s, struct mux_out *o, const struct mux_note *n)
{
    struct mux_channel *ch = mux_channel_at(s, n->channel);
    if (ch && (ch->flags & CH_OWES_ANSWER) && !mux_open_write(o, ch))
        return false;
    struct cx_writer w = mux_out_begin(o, n->payload[0], n->len);
    cx_writer_raw(&w, cx_view(n->payload + 1, n->len - 1));
    return mux_out_commit(o, &w);
}

static void write_notes(struct mux_session *s, struct mux_out *o)
{
    while (s->notes && write_note(s, o, s->notes)) {
        struct mux_note *sent = s->notes;
        s->notes = sent->next;
        if (!s->notes)
            s->notes_tail = &s->notes;
        mux_note_free(sent);
    }
}

/* ---- ordered replies ---- */

enum mux_err mux_reply_push(struct mux_session *s, const struct mux_reply *r)
{
    /* reached during a key exchange only: else feed opens no more packets than there is room here */
    if (s->reply_count == MUX_REPLIES_REKEY_MAX)
        return MUX_E_LIMIT;
    if (!s->replies)
        s->replies = malloc(MUX_REPLIES_REKEY_MAX * sizeof *s->replies);
    if (!s->replies)
        return MUX_E_RESOURCE;
    s->replies[s->reply_count++] = *r;
    return MUX_OK;
}

static void remove_reply(struct mux_session *s, uint32_t i)
{
    free(s->replies[i].data);
    s->reply_count--;
    memmove(&s->replies[i], &s->replies[i + 1], (s->reply_count - i) * sizeof *s->replies);
    if (s->reply_count == 0) {
        free(s->replies);
        s->replies = NULL;
    }
}

static struct mux_reply *oldest_waiting(struct mux_session *s, enum mux_reply_kind kind, uint32_t channel)
{
    for (uint32_t i = 0; i < s->reply_count; i++) {
        struct mux_reply *r = &s->replies[i];
        if (!r->ready && r->kind == kind && (kind != REPLY_CHANNEL || r->channel == channel))
            return r;
    }
    return NULL;
}

static void answer(struct mux_session *s, enum mux_reply_kind kind, uint32_t channel, bool success, uint32_t port)
{
    struct mux_reply *r = oldest_waiting(s, kind, channel);
    if (!r)
        return;
    r->ready = true;
    r->success = success;
    r->port = port;
}

void mux_session_request_answer(struct mux_session *s, bool success, uint32_t port)
{
    answer(s, REPLY_GLOBAL, 0, success, port);
}

void mux_channel_request_answer(struct mux_session *s, uint32_t channel, bool success)
{
    answer(s, REPLY_CHANNEL, channel, success, 0);
}

void mux_replies_abandon(struct mux_session *s, uint32_t channel)
{
    while (oldest_waiting(s, REPLY_CHANNEL, channel))
        answer(s, REPLY_CHANNEL, channel, false, 0);
}

struct mux_reply *mux_reply_waits(struct mux_session *s, enum mux_reply_kind kind)
{
    return oldest_waiting(s, kind, 0);
}

static bool write_global(struct mux_out *o, const struct mux_reply *r)
{
    struct cx_writer w = mux_out_begin(o, r->success ? MUX_MSG_REQUEST_SUCCESS : MUX_MSG_REQUEST_FAILURE, 8 + r->data_len);
    if (r->success && r->port != 0)
        cx_writer_u32(&w, r->port);
    cx_writer_raw(&w, cx_view(r->data, r->data_len));
    return mux_out_commit(o, &w);
}

static bool write_channel(struct mux_session *s, struct mux_out *o, const struct mux_reply *r)
{
    struct mux_channel *ch = mux_channel_at(s, r->channel);
    struct cx_writer w = mux_out_begin(o, r->success ? MUX_MSG_CHANNEL_SUCCESS : MUX_MSG_CHANNEL_FAILURE, 8);
    cx_writer_u32(&w, ch->peer_id);
    if (!mux_out_commit(o, &w))
        return false;
    if (--ch->replies_waiting == 0 && (ch->flags & CH_OWES))
        mux_channel_owe(s, ch, 0);
    return true;
}

static bool write_unimplemented(struct mux_out *o, const struct mux_reply *r)
{
    struct cx_writer w = mux_out_begin(o, MUX_MSG_UNIMPLEMENTED, 8);
    cx_writer_u32(&w, r->channel);
    return mux_out_commit(o, &w);
}

static bool write_reply(struct mux_session *s, struct mux_out *o, const struct mux_reply *r)
{
    switch ((enum mux_reply_kind)r->kind) {
    case REPLY_GLOBAL:
    case REPLY_PROVE:
        return write_global(o, r);
    case REPLY_CHANNEL:
        return write_channel(s, o, r);
    case REPLY_OPEN_FAILURE:
        return mux_refusal_write(o, r->channel, r->reason, r->text);
    case REPLY_UNIMPLEMENTED:
        return write_unimplemented(o, r);
    case REPLY_PONG:
        return mux_pong_write(o, r);
    }
    return false;
}

/* Answers to global requests leave in the order of the requests, which has one list for both kinds; others when they are ready. */
static bool may_leave(const struct mux_reply *r, bool *global_waits)
{
    bool global = r->kind == REPLY_GLOBAL || r->kind == REPLY_PROVE;
    *global_waits = *global_waits || (global && !r->ready);
    return r->ready && !(global && *global_waits);
}

bool mux_requests_owe(const struct mux_session *s)
{
    if (s->notes)
        return true;
    bool global_waits = false;
    for (uint32_t i = 0; i < s->reply_count; i++)
        if (may_leave(&s->replies[i], &global_waits))
            return true;
    return false;
}

void mux_requests_free(struct mux_session *s)
{
    for (uint32_t i = 0; i < s->reply_count; i++)
        free(s->replies[i].data);
    free(s->replies);
    while (s->notes) {
        struct mux_note *n = s->notes;
        s->notes = n->next;
        mux_note_free(n);
    }
}

/* ---- our global requests ---- */

static void count_global(struct mux_session *s, bool keepalive)
{
    s->global_out_keepalives |= (uint32_t)keepalive << s->global_out;
    s->global_out++;
}

static bool push_global(struct mux_session *s, const char *name, bool want_reply, struct cx_view data)
{
    struct cx_writer w;
    struct mux_note *n = mux_note_new(16 + strlen(name) + data.len, &w);
    if (!n)
        return false;
    cx_writer_u8(&w, MUX_MSG_GLOBAL_REQUEST);
    cx_writer_text(&w, name);
    cx_writer_bool(&w, want_reply);
    cx_writer_raw(&w, data);
    mux_note_push(s, n, &w);
    return true;
}

bool mux_session_global_request(struct mux_session *s, const char *name, bool want_reply, struct cx_view data)
{
    if ((want_reply && s->global_out == MUX_REQUESTS_OUT_MAX) || !push_global(s, name, want_reply, data))
        return false;
    if (want_reply)
        count_global(s, false);
    return true;
}

/* One keepalive in flight says as much as ten: a further one only counts. */
void mux_session_keepalive(struct mux_session *s)
{
    s->keepalives_unanswered++;
    if (s->global_out_keepalives == 0 && s->global_out < MUX_REQUESTS_OUT_MAX &&
        push_global(s, "keepalive@openssh.com", true, cx_view("", 0)))
        count_global(s, true);
}

uint32_t mux_session_keepalives_unanswered(const struct mux_session *s)
{
    return s->keepalives_unanswered;
}

static enum mux_err on_global_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev, bool success)
{
    if (s->global_out == 0)
        return MUX_E_ILLEGAL;
    bool keepalive = s->global_out_keepalives & 1;
    s->global_out--;
    s->global_out_keepalives >>= 1;
    if (keepalive)
        return MUX_OK;
    ev->kind = MUX_EV_GLOBAL_REPLY;
    ev->reply.success = success;
    ev->reply.data = cx_span_view(payload);
    return MUX_OK;
}

enum mux_err mux_on_request_success(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return on_global_reply(s, payload, ev, true);
}

enum mux_err mux_on_request_failure(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return on_global_reply(s, payload, ev, false);
}

enum mux_err mux_on_global_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view name = cx_reader_string(&r);
    bool want_reply = cx_reader_bool(&r);
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    if (mux_is_prove(s, name))
        return mux_on_prove(s, &r, want_reply, ev);
    /* so that whoever takes over a client cannot use its login for more: OpenSSH PROTOCOL section 2.2 */
    if (s->config->server && cx_view_is(name, "no-more-sessions@openssh.com"))
        s->no_more_sessions = true;
    ev->kind = MUX_EV_GLOBAL_REQUEST;
    ev->request.name = name;
    ev->request.want_reply = want_reply;
    ev->request.data = r.left;
    return want_reply ? mux_reply_push(s, &(struct mux_reply){ .kind = REPLY_GLOBAL }) : MUX_OK;
}

/* ---- channel requests ---- */

bool mux_channel_request(struct mux_session *s, uint32_t channel, const char *name, bool want_reply, struct cx_view data)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    if (ch->state != CH_OPEN || (ch->flags & (CH_CLOSE_SENT | CH_OWES_CLOSE)) ||
        (want_reply && ch->requests_out == MUX_REQUESTS_OUT_MAX))
        return false;
    struct cx_writer w;
    struct mux_note *n = mux_note_new(16 + strlen(name) + data.len, &w);
    if (!n)
        return false;
    ch->requests_out += want_reply;
    n->channel = channel;
    cx_writer_u8(&w, MUX_MSG_CHANNEL_REQUEST);
    cx_writer_u32(&w, ch->peer_id);
    cx_writer_text(&w, name);
    cx_writer_bool(&w, want_reply);
    cx_writer_raw(&w, data);
    mux_note_push(s, n, &w);
    return true;
}

/* Others would take it for a request that they must refuse, some for a fault: OpenSSH PROTOCOL section 2.1. */
bool mux_channel_end_of_write(struct mux_session *s, uint32_t channel)
{
    const struct mux_channel *ch = mux_channel_own(s, channel);
    if (!mux_ident_is_openssh(s) || !(ch->flags & CH_SESSION) || ch->state != CH_OPEN ||
        (ch->flags & (CH_CLOSE_SENT | CH_OWES_CLOSE)))
        return true;
    return mux_channel_request(s, channel, "eow@openssh.com", false, cx_view("", 0));
}

/* A request for a channel that we have closed is answered by the close alone. */
enum mux_err mux_on_channel_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    struct cx_view name = cx_reader_string(&r);
    bool want_reply = cx_reader_bool(&r);
    if (!cx_reader_ok(&r))
        return MUX_E_MALFORMED;
    if (!ch || ch->state != CH_OPEN || (ch->flags & CH_CLOSE_IN))
        return MUX_E_CHANNEL;
    if (ch->flags & (CH_RELEASED | CH_CLOSE_SENT | CH_OWES_CLOSE))
        return MUX_OK;
    *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_REQUEST, .channel = ch->id, .user = ch->user };
    ev->request.name = name;
    ev->request.want_reply = want_reply;
    ev->request.data = r.left;
    if (!want_reply)
        return MUX_OK;
    ch->replies_waiting++;
    return mux_reply_push(s, &(struct mux_reply){ .kind = REPLY_CHANNEL, .channel = ch->id });
}

static enum mux_err on_channel_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev, bool success)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!ch || ch->state != CH_OPEN || (ch->flags & CH_CLOSE_IN) || ch->requests_out == 0)
        return MUX_E_CHANNEL;
    ch->requests_out--;
    if (ch->flags & CH_RELEASED)
        return MUX_OK;
    *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_REPLY, .channel = ch->id, .user = ch->user };
    ev->reply.success = success;
    return MUX_OK;
}

enum mux_err mux_on_channel_success(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return on_channel_reply(s, payload, ev, true);
}

enum mux_err mux_on_channel_failure(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return on_channel_reply(s, payload, ev, false);
}

void mux_requests_write(struct mux_session *s, struct mux_out *o)
{
    bool global_waits = false;
    for (uint32_t i = 0; i < s->reply_count;) {
        if (!may_leave(&s->replies[i], &global_waits)) {
            i++;
            continue;
        }
        if (!write_reply(s, o, &s->replies[i]))
            return;
        remove_reply(s, i);
    }
    write_notes(s, o);
}

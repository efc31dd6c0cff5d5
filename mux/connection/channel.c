/* SPDX-License-Identifier: MIT */
/* The channel table: rows in chunks that never move, reused through a free list, and the lists they stand in.
 *
 * A row is free, asked for by the peer, being opened by us, or open. It is freed when both sides have sent CLOSE, the
 * application has released it and no ordered reply names it any more; only then may its number mean another channel.
 * Lists are doubly linked by number, so that a row leaves any of them at once:
 *   owed         rows with a message to write (confirmation, window adjust, EOF, CLOSE)
 *   interactive  rows whose source is ready and whose last pull was small
 *   bulk         the other ready ones
 * An idle channel stands in none, and owns nothing but its row. */
#include <assert.h>
#include <stdlib.h>

#include "mux/session_priv.h"

static struct mux_channel *row(const struct mux_session *s, uint32_t id)
{
    return &s->chunks[id / CHANNEL_CHUNK][id % CHANNEL_CHUNK];
}

struct mux_channel *mux_channel_at(const struct mux_session *s, uint32_t id)
{
    if (id >= s->chunk_count * CHANNEL_CHUNK)
        return NULL;
    struct mux_channel *ch = row(s, id);
    return ch->state == CH_FREE ? NULL : ch;
}

struct mux_channel *mux_channel_own(const struct mux_session *s, uint32_t id)
{
    struct mux_channel *ch = mux_channel_at(s, id);
    assert(ch && !(ch->flags & CH_RELEASED));
    return ch;
}

static struct mux_link *link_of(const struct mux_session *s, const struct mux_list *list, uint32_t id)
{
    struct mux_channel *ch = row(s, id);
    return list == &s->owed ? &ch->owed : &ch->ready;
}

static void list_append(struct mux_session *s, struct mux_list *list, uint32_t id)
{
    *link_of(s, list, id) = (struct mux_link){ .next = CHANNEL_NONE, .prev = list->tail };
    if (list->tail == CHANNEL_NONE)
        list->head = id;
    else
        link_of(s, list, list->tail)->next = id;
    list->tail = id;
}

static void list_remove(struct mux_session *s, struct mux_list *list, uint32_t id)
{
    struct mux_link l = *link_of(s, list, id);
    if (l.prev == CHANNEL_NONE)
        list->head = l.next;
    else
        link_of(s, list, l.prev)->next = l.next;
    if (l.next == CHANNEL_NONE)
        list->tail = l.prev;
    else
        link_of(s, list, l.next)->prev = l.prev;
}

static bool add_chunk(struct mux_session *s)
{
    /* the array of pointers grows by doubling */
    if ((s->chunk_count & (s->chunk_count - 1)) == 0) {
        size_t room = s->chunk_count == 0 ? 1 : 2 * (size_t)s->chunk_count;
        struct mux_channel **grown = realloc(s->chunks, room * sizeof *grown);
        if (!grown)
            return false;
        s->chunks = grown;
    }
    struct mux_channel *chunk = calloc(CHANNEL_CHUNK, sizeof *chunk);
    if (!chunk)
        return false;
    uint32_t first = s->chunk_count * CHANNEL_CHUNK;
    s->chunks[s->chunk_count++] = chunk;
    for (uint32_t i = CHANNEL_CHUNK; i-- > 0;) {
        chunk[i].owed.next = s->free_head;
        s->free_head = first + i;
    }
    return true;
}

struct mux_channel *mux_channel_new(struct mux_session *s)
{
    uint32_t max = s->config->channels_max != 0 ? s->config->channels_max : MUX_CHANNELS_MAX;
    if (s->channel_count >= max || (s->free_head == CHANNEL_NONE && !add_chunk(s)))
        return NULL;
    uint32_t id = s->free_head;
    struct mux_channel *ch = row(s, id);
    s->free_head = ch->owed.next;
    *ch = (struct mux_channel){ .id = id };
    s->channel_count++;
    return ch;
}

static void free_chunks(struct mux_session *s)
{
    for (uint32_t i = 0; i < s->chunk_count; i++)
        free(s->chunks[i]);
    free(s->chunks);
    s->chunks = NULL;
    s->chunk_count = 0;
    s->free_head = s->freed_head = CHANNEL_NONE;
}

void mux_channel_free(struct mux_session *s, struct mux_channel *ch)
{
    if (ch->flags & CH_IN_OWED)
        list_remove(s, &s->owed, ch->id);
    mux_channel_unready(s, ch);
    mux_window_release(s, ch);
    uint32_t id = ch->id;
    *ch = (struct mux_channel){ .state = CH_FREE, .owed.next = s->freed_head };
    s->freed_head = id;
    s->channel_count--;
}

/* Events of one feed may name a row that the application released on an earlier one of them, so a freed number rests until the
 * next call that no event outlives. */
void mux_channels_settle(struct mux_session *s)
{
    if (s->freed_head == CHANNEL_NONE)
        return;
    if (s->channel_count == 0) {
        free_chunks(s);
        return;
    }
    while (s->freed_head != CHANNEL_NONE) {
        struct mux_channel *ch = row(s, s->freed_head);
        uint32_t next = ch->owed.next;
        ch->owed.next = s->free_head;
        s->free_head = s->freed_head;
        s->freed_head = next;
    }
}

void mux_channel_free_if_done(struct mux_session *s, struct mux_channel *ch)
{
    uint16_t done = CH_CLOSE_IN | CH_CLOSE_SENT | CH_RELEASED;
    if ((ch->flags & done) == done && ch->replies_waiting == 0)
        mux_channel_free(s, ch);
}

void mux_channels_free_all(struct mux_session *s)
{
    for (uint32_t id = 0; id < s->chunk_count * CHANNEL_CHUNK; id++)
        if (row(s, id)->state != CH_FREE)
            mux_window_release(s, row(s, id));
    free_chunks(s);
    s->channel_count = 0;
}

uint32_t mux_session_channel_count(const struct mux_session *s)
{
    return s->channel_count;
}

void *mux_channel_user(const struct mux_session *s, uint32_t channel)
{
    const struct mux_channel *ch = mux_channel_at(s, channel);
    return ch && ch->state != CH_REFUSED ? ch->user : NULL;
}

void *mux_session_next_user(const struct mux_session *s, uint32_t *channel)
{
    void *user = NULL;
    while (*channel < s->chunk_count * CHANNEL_CHUNK && !(user = mux_channel_user(s, *channel)))
        ++*channel;
    return user;
}

void mux_channel_set_user(struct mux_session *s, uint32_t channel, void *user)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    assert(ch->state != CH_REFUSED); /* which has a text in that place */
    ch->user = user;
}

void mux_channel_owe(struct mux_session *s, struct mux_channel *ch, uint16_t flag)
{
    ch->flags |= flag;
    /* a channel that the peer has not confirmed has no number to name: its confirmation queues what is owed */
    if ((ch->flags & CH_IN_OWED) || ch->state == CH_OPENING)
        return;
    ch->flags |= CH_IN_OWED;
    list_append(s, &s->owed, ch->id);
}

/* ---- readiness ---- */

void mux_channel_queue_ready(struct mux_session *s, struct mux_channel *ch)
{
    uint16_t closed = CH_EOF_SENT | CH_OWES_EOF | CH_CLOSE_SENT | CH_OWES_CLOSE;
    if (!(ch->flags & (CH_READY | CH_STDERR_READY)) || (ch->flags & (CH_IN_READY | closed)) || ch->state != CH_OPEN ||
        ch->peer_window == 0)
        return;
    ch->flags |= CH_IN_READY;
    list_append(s, ch->flags & CH_BULK ? &s->bulk : &s->interactive, ch->id);
}

/* Takes the row out of its ready list; what is ready stays so. */
void mux_channel_unready(struct mux_session *s, struct mux_channel *ch)
{
    if (!(ch->flags & CH_IN_READY))
        return;
    list_remove(s, ch->flags & CH_BULK ? &s->bulk : &s->interactive, ch->id);
    ch->flags &= (uint16_t)~CH_IN_READY;
}

void mux_channel_ready(struct mux_session *s, uint32_t channel)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    ch->flags |= CH_READY;
    mux_channel_queue_ready(s, ch);
}

void mux_channel_ready_stderr(struct mux_session *s, uint32_t channel)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    ch->flags |= CH_STDERR_READY;
    mux_channel_queue_ready(s, ch);
}

/* ---- the ends ---- */

/* A channel that the peer asked for can end only once it was accepted; before that it is refused. */
static struct mux_channel *answered(const struct mux_session *s, uint32_t channel)
{
    struct mux_channel *ch = mux_channel_own(s, channel);
    assert(ch->state != CH_ASKED);
    return ch;
}

void mux_channel_eof(struct mux_session *s, uint32_t channel)
{
    struct mux_channel *ch = answered(s, channel);
    if (ch->flags & (CH_EOF_SENT | CH_OWES_EOF | CH_CLOSE_SENT | CH_OWES_CLOSE))
        return;
    mux_channel_unready(s, ch);
    mux_channel_owe(s, ch, CH_OWES_EOF);
}

static void owe_close(struct mux_session *s, struct mux_channel *ch)
{
    if (ch->flags & (CH_CLOSE_SENT | CH_OWES_CLOSE))
        return;
    mux_channel_unready(s, ch);
    ch->flags &= (uint16_t)~CH_OWES_ADJUST;
    mux_channel_owe(s, ch, CH_OWES_CLOSE);
}

void mux_channel_close(struct mux_session *s, uint32_t channel)
{
    owe_close(s, answered(s, channel));
}

void mux_channel_release(struct mux_session *s, uint32_t channel)
{
    struct mux_channel *ch = answered(s, channel);
    ch->flags |= CH_RELEASED;
    ch->user = NULL;
    mux_replies_abandon(s, channel);
    mux_window_release(s, ch); /* nothing of what still comes is kept, and the peer may never close its side */
    owe_close(s, ch);
    mux_channel_free_if_done(s, ch);
}

static struct mux_channel *peer_names(struct mux_session *s, struct cx_span payload)
{
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct mux_channel *ch = mux_channel_at(s, cx_reader_u32(&r));
    return cx_reader_done(&r) && ch && ch->state == CH_OPEN && !(ch->flags & CH_CLOSE_IN) ? ch : NULL;
}

enum mux_err mux_on_channel_eof(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_channel *ch = peer_names(s, payload);
    if (!ch || (ch->flags & CH_EOF_IN))
        return MUX_E_CHANNEL;
    ch->flags |= CH_EOF_IN;
    if (ch->flags & CH_RELEASED)
        return MUX_OK;
    *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_EOF, .channel = ch->id, .user = ch->user };
    return MUX_OK;
}

enum mux_err mux_on_channel_close(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    struct mux_channel *ch = peer_names(s, payload);
    if (!ch)
        return MUX_E_CHANNEL;
    ch->flags |= CH_CLOSE_IN;
    owe_close(s, ch);
    if (ch->flags & CH_RELEASED) {
        mux_channel_free_if_done(s, ch);
        return MUX_OK;
    }
    *ev = (struct mux_event){ .kind = MUX_EV_CHANNEL_CLOSE, .channel = ch->id, .user = ch->user };
    return MUX_OK;
}

/* ---- what rows owe ---- */

static bool write_end(struct mux_out *o, struct mux_channel *ch, uint8_t number, uint16_t owes, uint16_t sent)
{
    struct cx_writer w = mux_out_begin(o, number, 8);
    cx_writer_u32(&w, ch->peer_id);
    if (!mux_out_commit(o, &w))
        return false;
    ch->flags = (uint16_t)((ch->flags & ~owes) | sent);
    return true;
}

/* In the order that the peer must see: answer, credit, EOF, CLOSE. False: the area is full. */
static bool write_row(struct mux_out *o, struct mux_channel *ch)
{
    if ((ch->flags & CH_OWES_ANSWER) && !mux_open_write(o, ch))
        return false;
    if ((ch->flags & CH_OWES_ADJUST) && !mux_window_write(o, ch))
        return false;
    if ((ch->flags & CH_OWES_EOF) && !write_end(o, ch, MUX_MSG_CHANNEL_EOF, CH_OWES_EOF, CH_EOF_SENT))
        return false;
    /* replies that the peer waits for come before the end of the channel; the last of them queues the row again */
    if ((ch->flags & CH_OWES_CLOSE) && ch->replies_waiting == 0 &&
        !write_end(o, ch, MUX_MSG_CHANNEL_CLOSE, CH_OWES_CLOSE, CH_CLOSE_SENT))
        return false;
    return true;
}

void mux_channels_write(struct mux_session *s, struct mux_out *o)
{
    uint32_t next;
    for (uint32_t id = s->owed.head; id != CHANNEL_NONE; id = next) {
        struct mux_channel *ch = row(s, id);
        next = ch->owed.next;
        if (!write_row(o, ch))
            return;
        list_remove(s, &s->owed, id);
        ch->flags &= (uint16_t)~CH_IN_OWED;
        if (ch->state == CH_REFUSED)
            mux_channel_free(s, ch);
        else
            mux_channel_free_if_done(s, ch);
    }
}

/* SPDX-License-Identifier: MIT */
/* A request's life: asked (it has a number and stands in the row of those to be sent), sent (only the number is known), answered or
 * cancelled (the number's slot is free again). The number is a slot and a generation of 32 bits, so that an answer which arrives
 * after its connection has gone finds the generation changed, and is dropped with its descriptor: it can never reach the slot's
 * next user.
 *
 * If the monitor goes away, or says something that does not parse, the whole process ends: without it nothing can be signed and
 * nobody let in, and another engine is started by it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/engine/engine.h"
#include "gateway/engine/link.h"
#include "gateway/observe/log.h"

enum {
    REQUESTS_MAX = 64 * 1024, /* under way; a connection has at most MUX_PROVE_KEYS_MAX + 2 */
    /* Bytes of records without an answer, audit records as a rule, that the socket did not take yet: about 60,000 tunnels, which
     * may all end in one moment, with the network that they came over. */
    NOTES_WAITING_MAX = 32 * 1024 * 1024,
    DATAGRAMS_A_ROUND = 16,
    FAREWELLS_BYTES_MAX = 2048, /* about 40 wait for company */
    SLOT_NONE = -1,
};

struct slot {
    uint32_t generation;
    int32_t next_free;
    struct gw_link_request *request;
};

/* A record without an answer that waits. */
struct waiting {
    struct waiting *next;
    enum gw_ipc_type type;
    size_t len;
    uint8_t bytes[];
};

struct gw_link {
    struct gw_watch watch;
    struct gw_loop *loop;
    struct gw_ipc_out out;
    struct slot *slots;
    int32_t slot_count, slot_room, first_free;
    struct gw_link_request *asked, **asked_end;
    struct waiting *notes, **notes_end;
    size_t notes_bytes;
    uint64_t audits_lost;
    bool is_urgent; /* there is more than farewells in the datagram */
    uint8_t in[GW_IPC_DATAGRAM_MAX];
};

static void on_ready(struct gw_watch *w)
{
    (void)w; /* the bits are all that is needed: every round looks at them */
}

struct gw_link *gw_link_new(struct gw_loop *loop, int fd)
{
    struct gw_link *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->watch = (struct gw_watch){ .fd = fd, .on_ready = on_ready };
    l->loop = loop;
    l->first_free = SLOT_NONE;
    l->asked_end = &l->asked;
    l->notes_end = &l->notes;
    if (!gw_ipc_out_init(&l->out) || !gw_loop_add_reader(loop, &l->watch)) {
        gw_ipc_out_deinit(&l->out);
        free(l);
        return NULL;
    }
    return l;
}

void gw_link_free(struct gw_link *l)
{
    if (!l)
        return;
    gw_loop_remove(l->loop, &l->watch);
    close(l->watch.fd);
    gw_ipc_out_deinit(&l->out);
    while (l->notes) {
        struct waiting *n = l->notes;
        l->notes = n->next;
        free(n);
    }
    free(l->slots);
    free(l);
}

static int32_t take_slot(struct gw_link *l)
{
    int32_t index = l->first_free;
    if (index != SLOT_NONE) {
        l->first_free = l->slots[index].next_free;
        return index;
    }
    if (l->slot_count == l->slot_room) {
        int32_t room = l->slot_room ? l->slot_room * 2 : 64;
        struct slot *slots = room <= REQUESTS_MAX ? reallocarray(l->slots, (size_t)room, sizeof *slots) : NULL;
        if (!slots)
            return SLOT_NONE;
        l->slots = slots;
        l->slot_room = room;
    }
    l->slots[l->slot_count] = (struct slot){ .generation = 1 };
    return l->slot_count++;
}

static void free_slot(struct gw_link *l, int32_t index)
{
    struct slot *s = &l->slots[index];
    s->request = NULL;
    if (++s->generation == 0)
        s->generation = 1;
    s->next_free = l->first_free;
    l->first_free = index;
}

static void leave_row(struct gw_link *l, struct gw_link_request *q)
{
    if (!q->at)
        return;
    *q->at = q->next;
    if (q->next)
        q->next->at = q->at;
    else
        l->asked_end = q->at;
    q->next = NULL;
    q->at = NULL;
}

bool gw_link_ask(struct gw_link *l, struct gw_link_request *q)
{
    assert(q->id == 0 && q->build && q->answer);
    int32_t index = take_slot(l);
    if (index == SLOT_NONE)
        return false;
    l->slots[index].request = q;
    q->id = (uint64_t)l->slots[index].generation << 32 | (uint32_t)index;
    q->next = NULL;
    q->at = l->asked_end;
    *q->at = q;
    l->asked_end = &q->next;
    return true;
}

void gw_link_cancel(struct gw_link *l, struct gw_link_request *q)
{
    if (q->id == 0)
        return;
    leave_row(l, q);
    free_slot(l, (int32_t)(uint32_t)q->id);
    q->id = 0;
}

/* Sends what stands in the datagram. False: the socket is full. */
static bool send_out(struct gw_link *l)
{
    if (l->out.used == 0)
        return true;
    int sent = gw_ipc_send(&l->out, l->watch.fd);
    if (sent < 0)
        gw_engine_die("the monitor is gone: %s", strerror(errno));
    if (sent == 0)
        gw_loop_await_writing(l->loop, &l->watch);
    else
        l->is_urgent = false;
    return sent == 1;
}

/* False: it does not fit, and the socket is full. */
static bool put(struct gw_link *l, const struct gw_ipc_record *r)
{
    if (!gw_ipc_put(&l->out, r, -1)) {
        if (!send_out(l))
            return false;
        bool fits = gw_ipc_put(&l->out, r, -1);
        assert(fits);
    }
    l->is_urgent |= r->type != GW_IPC_FORGET;
    return true;
}

static bool put_note(struct gw_link *l, enum gw_ipc_type type, struct cx_view bytes)
{
    struct gw_ipc_record r = { .type = type, .bytes = bytes };
    return put(l, &r);
}

/* False: it is lost. */
static bool note(struct gw_link *l, enum gw_ipc_type type, struct cx_view bytes)
{
    if (!l->notes && put_note(l, type, bytes))
        return true;
    struct waiting *n = l->notes_bytes + bytes.len <= NOTES_WAITING_MAX ? malloc(sizeof *n + bytes.len) : NULL;
    if (!n)
        return false;
    n->next = NULL;
    n->type = type;
    n->len = bytes.len;
    memcpy(n->bytes, bytes.data, bytes.len);
    *l->notes_end = n;
    l->notes_end = &n->next;
    l->notes_bytes += n->len;
    return true;
}

void gw_link_audit(struct gw_link *l, const char *json)
{
    struct cx_view record = cx_view_text(json);
    assert(record.len <= GW_IPC_AUDIT_MAX);
    if (!note(l, GW_IPC_AUDIT, record) && l->audits_lost++ % 1024 == 0)
        gw_log(GW_LOG_ERROR, "audit: the monitor takes no records; %llu lost", (unsigned long long)l->audits_lost);
}

void gw_link_forget(struct gw_link *l, const char *connection)
{
    (void)note(l, GW_IPC_FORGET, cx_view(connection, GW_IPC_CONNECTION_BYTES));
}

static bool put_waiting_notes(struct gw_link *l)
{
    while (l->notes) {
        struct waiting *n = l->notes;
        if (!put_note(l, n->type, cx_view(n->bytes, n->len)))
            return false;
        l->notes = n->next;
        if (!l->notes)
            l->notes_end = &l->notes;
        l->notes_bytes -= n->len;
        free(n);
    }
    return true;
}

static bool put_asked(struct gw_link *l)
{
    while (l->asked) {
        struct gw_link_request *q = l->asked;
        struct gw_ipc_record r = { .id = q->id };
        q->build(q, &r);
        if (!put(l, &r))
            return false;
        leave_row(l, q);
    }
    return true;
}

/* Farewells only make room in the monitor's memory: alone they wait for what wakes it anyway. */
void gw_link_flush(struct gw_link *l)
{
    bool has_cause = !gw_link_idle(l) || l->out.used >= FAREWELLS_BYTES_MAX;
    if (!has_cause || !(l->watch.ready & GW_WRITABLE))
        return;
    /* People who wait for a signature go before the records of those who have left. */
    if (put_asked(l) && put_waiting_notes(l))
        send_out(l);
}

bool gw_link_idle(const struct gw_link *l)
{
    return !l->asked && !l->notes && !l->is_urgent;
}

static void deliver(struct gw_link *l, const struct gw_ipc_record *r, int fd)
{
    if (r->type != GW_IPC_SIGNED && r->type != GW_IPC_KEYS)
        gw_engine_die("the monitor answered with a record of type %d", (int)r->type);
    uint32_t index = (uint32_t)r->id;
    struct slot *s = index < (uint32_t)l->slot_count ? &l->slots[index] : NULL;
    if (!s || !s->request || s->request->id != r->id) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct gw_link_request *q = s->request;
    leave_row(l, q); /* an answer to what was not sent yet: not the monitor we know, but harmless */
    free_slot(l, (int32_t)index);
    q->id = 0;
    q->answer(q, r, fd);
}

bool gw_link_serve(struct gw_link *l)
{
    for (int i = 0; i < DATAGRAMS_A_ROUND; i++) {
        if (!(l->watch.ready & GW_READABLE))
            return false;
        int fds[GW_IPC_FDS_MAX];
        unsigned fd_count = 0, fd_next = 0;
        ssize_t n = gw_ipc_receive(l->watch.fd, l->in, fds, &fd_count);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (errno == EAGAIN)
                l->watch.ready &= (uint8_t)~GW_READABLE;
            continue;
        }
        if (n < 0 && errno == EMSGSIZE) {
            /* No descriptor was free for a key file. Who waits for this answer runs into a deadline; everybody else goes on. */
            gw_log(GW_LOG_ERROR, "an answer of the monitor was lost: no descriptors left");
            continue;
        }
        if (n <= 0)
            gw_engine_die("the monitor is gone");
        struct cx_view datagram = { l->in, (size_t)n };
        struct gw_ipc_record r;
        int got;
        while ((got = gw_ipc_next(&datagram, &r)) == 1) {
            bool has_fd = gw_ipc_record_has_fd(&r);
            if (has_fd && fd_next == fd_count)
                gw_engine_die("the monitor sent a record without its descriptor");
            deliver(l, &r, has_fd ? fds[fd_next++] : -1);
        }
        if (got < 0 || fd_next != fd_count)
            gw_engine_die("the monitor sent a datagram that does not parse");
    }
    return (l->watch.ready & GW_READABLE) != 0;
}

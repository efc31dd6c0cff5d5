/* SPDX-License-Identifier: MIT */
/* Why closing is not enough: close(2) on a socket with unread bytes sends a reset, and a reset makes the backend's kernel or
 * program drop what it had not read yet, which are the last bytes of the client. So the backend's own end is awaited.
 * on_ready only sets the entry's timer to now: bytes move when it fires, in bounded portions. */
#include "gateway/consumers/linger.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PIECES = 16,
    PORTION = 256 * 1024,  /* an entry's turn */
    TURN_LEAST = 8 * 1024, /* what a turn counts at least, since its system calls and an end cost as much as these bytes */
    SCRATCH = 16 * 1024,
};

/* Renewed by each byte that the backend takes, and by nothing that it says: else one that ticks and never looks for our end would
 * keep its connection for ever, as if its client were still there. */
static const uint64_t PATIENCE_NS = 30ull * 1000 * 1000 * 1000;
static const uint64_t SOON_NS = 1000 * 1000;

struct entry {
    struct gw_watch watch;
    struct gw_timer timer;
    struct gw_linger *owner;
    struct entry *next, **link;
    struct gw_bytes unwritten;
    size_t discarded;
    size_t untaken; /* when last looked */
    uint64_t deadline_ns;
    bool shut;  /* our end was sent */
    bool ended; /* the backend's came */
};

struct gw_linger {
    struct gw_loop *loop;
    struct entry *entries;
    unsigned count;
    size_t unwritten; /* of all entries */
    uint64_t round_ns;
    size_t moved; /* in the round of that time */
};

struct gw_linger *gw_linger_new(struct gw_loop *loop)
{
    struct gw_linger *l = calloc(1, sizeof *l);
    if (l)
        l->loop = loop;
    return l;
}

static void end(struct entry *e)
{
    struct gw_linger *l = e->owner;
    gw_timer_cancel(l->loop, &e->timer);
    gw_loop_close(l->loop, &e->watch);
    l->unwritten -= e->unwritten.len;
    l->count--;
    gw_bytes_clear(&e->unwritten);
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    free(e);
}

void gw_linger_free(struct gw_linger *l)
{
    if (!l)
        return;
    while (l->entries)
        end(l->entries);
    free(l);
}

struct gw_loop *gw_linger_loop(const struct gw_linger *l)
{
    return l->loop;
}

size_t gw_linger_unwritten(const struct gw_linger *l)
{
    return l->unwritten;
}

/* False: the backend takes no more. *moved: bytes. */
static bool write_on(struct entry *e, size_t *moved)
{
    while (e->unwritten.len > 0 && (e->watch.ready & GW_WRITABLE) && *moved < PORTION) {
        struct iovec iov[PIECES];
        struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)gw_bytes_peek(&e->unwritten, iov, PIECES) };
        ssize_t n = sendmsg(e->watch.fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0) {
            e->watch.ready &= (uint8_t)~GW_WRITABLE;
            break;
        }
        gw_bytes_take(&e->unwritten, (size_t)n);
        e->owner->unwritten -= (size_t)n;
        *moved += (size_t)n;
    }
    if (e->unwritten.len == 0 && !e->shut) {
        e->shut = true;
        return shutdown(e->watch.fd, SHUT_WR) == 0;
    }
    return true;
}

/* False: the connection is lost, or the backend sent more than it may. */
static bool discard_on(struct entry *e, size_t *moved)
{
    char scratch[SCRATCH];
    while (!e->ended && (e->watch.ready & (GW_READABLE | GW_HUNG_UP)) && *moved < PORTION) {
        ssize_t n = recv(e->watch.fd, scratch, sizeof scratch, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n < 0) {
            e->watch.ready &= (uint8_t) ~(GW_READABLE | GW_HUNG_UP);
            break;
        }
        e->ended = n == 0;
        *moved += (size_t)n;
        e->discarded += (size_t)n;
    }
    return e->discarded < GW_LINGER_DISCARD_MAX;
}

/* Our bytes that have not reached the backend's host: here, or still in our kernel. */
static size_t untaken_of(const struct entry *e)
{
    int queued = 0;
    return e->unwritten.len + (ioctl(e->watch.fd, SIOCOUTQ, &queued) == 0 ? (size_t)queued : 0);
}

static bool has_patience(struct entry *e, uint64_t now_ns)
{
    size_t untaken = untaken_of(e);
    if (untaken < e->untaken)
        e->deadline_ns = now_ns + PATIENCE_NS;
    e->untaken = untaken;
    return now_ns < e->deadline_ns;
}

/* All of this round was used up by others. */
static bool must_wait(struct gw_linger *l, uint64_t now_ns)
{
    if (l->round_ns != now_ns) {
        l->round_ns = now_ns;
        l->moved = 0;
    }
    return l->moved >= GW_LINGER_ROUND_BYTES;
}

static void on_timer(struct gw_timer *t, uint64_t now_ns)
{
    struct entry *e = (struct entry *)((char *)t - offsetof(struct entry, timer));
    struct gw_linger *l = e->owner;
    size_t moved = 0;
    if (must_wait(l, now_ns)) {
        gw_timer_set(l->loop, &e->timer, now_ns); /* of the next round: in front of those that had their turn in this one */
        return;
    }
    bool is_over = !write_on(e, &moved) || !discard_on(e, &moved) || (e->shut && e->ended) || !has_patience(e, now_ns);
    l->moved += moved > TURN_LEAST ? moved : TURN_LEAST;
    if (is_over)
        end(e);
    else
        gw_timer_set(l->loop, &e->timer, moved >= PORTION ? now_ns + SOON_NS : e->deadline_ns);
}

static void on_ready(struct gw_watch *w)
{
    struct entry *e = (struct entry *)((char *)w - offsetof(struct entry, watch));
    gw_timer_set(e->owner->loop, &e->timer, gw_loop_now_ns(e->owner->loop));
}

void gw_linger_take(struct gw_linger *l, struct gw_watch *w, struct gw_bytes *unwritten)
{
    struct entry *e = NULL;
    if (l->count < GW_LINGER_MAX && unwritten->len <= GW_LINGER_BYTES_MAX - l->unwritten)
        e = calloc(1, sizeof *e);
    if (!e) {
        gw_loop_close(l->loop, w);
        gw_bytes_clear(unwritten);
        return;
    }
    *e = (struct entry){ .watch = { .fd = -1, .on_ready = on_ready }, .timer.fire = on_timer, .owner = l };
    gw_loop_move(l->loop, w, &e->watch);
    e->unwritten = *unwritten;
    *unwritten = (struct gw_bytes){ 0 };
    l->unwritten += e->unwritten.len;
    l->count++;
    e->next = l->entries;
    e->link = &l->entries;
    if (e->next)
        e->next->link = &e->next;
    l->entries = e;
    /* Our end leaves at once, since the backend waits for it. What it says is read when the loop goes on: no event tells of what
     * was there before. */
    size_t moved = 0;
    e->untaken = untaken_of(e);
    e->deadline_ns = gw_loop_now_ns(l->loop) + PATIENCE_NS;
    if (!write_on(e, &moved))
        end(e);
    else if (moved >= PORTION || (e->watch.ready & (GW_READABLE | GW_HUNG_UP)))
        gw_timer_set(l->loop, &e->timer, gw_loop_now_ns(l->loop));
    else
        gw_timer_set(l->loop, &e->timer, e->deadline_ns);
}

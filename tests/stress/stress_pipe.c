/* SPDX-License-Identifier: MIT */
/* Pipes between two threads that sleep unless they are told: each end sends a random number of bytes under a window, reads at its
 * own pace, and closes or aborts at any time. Every byte is checked, no more than a window is ever under way, no wake-up is lost (a
 * lost one hangs, and the watchdog says so), and every pipe is freed. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mux/exchange/pipe.h"
#include "schedule.h"

enum { PIPES = 16, WINDOW = 64 * 1024, SEND_MAX = 512 * 1024, PIECE_MAX = 40 * 1024, WATCHDOG_MS = 20000 };

struct mail {
    struct mux_mail node; /* first */
    void (*deliver)(struct mail *m);
};

struct side {
    pthread_t thread;
    struct mux_mailbox mailbox;
    int wake_fd;
    uint64_t seed;
    struct end *ends; /* that it has */
    unsigned count;   /* of them */
};

struct end {
    struct mail told;
    struct joined *pipe;
    struct end *next, **at;
    struct side *side;
    unsigned index;
    bool marked, gone, eof_sent, eof_seen;
    uint64_t to_send, sent, under_way, received;
};

struct joined {
    struct mux_pipe pipe;
    struct end end[2];
    struct mail offer; /* to the other side, at its beginning */
};

static struct side sides[2];
static atomic_uint live;
static _Atomic uint64_t moved, aborts;
static uint64_t end_ns;

static void post(struct side *to, struct mail *m)
{
    uint64_t one = 1;
    if (mux_mailbox_post(&to->mailbox, &m->node))
        STRESS_REQUIRE(write(to->wake_fd, &one, sizeof one) == sizeof one, "eventfd");
}

static void let_go(struct joined *j)
{
    if (!mux_pipe_drop(&j->pipe))
        return;
    free(j);
    atomic_fetch_sub(&live, 1);
}

static void ring(struct end *e)
{
    struct joined *j = e->pipe;
    if (!mux_pipe_ring(&j->pipe, e->index))
        return;
    mux_pipe_hold(&j->pipe);
    post(&sides[1 - e->index], &j->end[1 - e->index].told);
}

static void leave(struct end *e)
{
    *e->at = e->next;
    if (e->next)
        e->next->at = e->at;
    e->side->count--;
    e->gone = true;
    ring(e);
    let_go(e->pipe);
}

static uint8_t byte_at(uint64_t position, unsigned lane)
{
    return (uint8_t)(position * 131 + (position >> 8) + lane);
}

static void send_some(struct end *e)
{
    static __thread uint8_t bytes[PIECE_MAX];
    e->under_way -= mux_pipe_credited(&e->pipe->pipe, e->index);
    STRESS_REQUIRE(e->under_way <= WINDOW, "credited more than was sent");
    uint64_t n = schedule_next(&e->side->seed) % PIECE_MAX + 1;
    n = n < e->to_send - e->sent ? n : e->to_send - e->sent;
    n = n < WINDOW - e->under_way ? n : WINDOW - e->under_way;
    for (uint64_t i = 0; i < n; i++)
        bytes[i] = byte_at(e->sent + i, e->index);
    struct iovec iov[2] = { { bytes, n / 3 }, { bytes + n / 3, n - n / 3 } };
    STRESS_REQUIRE(mux_pipe_write(&e->pipe->pipe, e->index, iov, 2), "out of memory");
    e->sent += n;
    e->under_way += n;
    if (e->sent == e->to_send && !e->eof_sent) {
        mux_pipe_eof(&e->pipe->pipe, e->index);
        e->eof_sent = true;
        ring(e);
    } else if (n > 0) {
        e->marked = true; /* as much as the window allows */
        ring(e);
    }
}

static void read_some(struct end *e)
{
    static __thread uint8_t bytes[PIECE_MAX];
    struct iovec iov = { bytes, schedule_next(&e->side->seed) % PIECE_MAX + 1 };
    size_t n = mux_pipe_read(&e->pipe->pipe, e->index, &iov, 1);
    for (size_t i = 0; i < n; i++)
        STRESS_REQUIRE(bytes[i] == byte_at(e->received + i, 1 - e->index), "byte %llu", (unsigned long long)(e->received + i));
    e->received += n;
    atomic_fetch_add_explicit(&moved, n, memory_order_relaxed);
    if (n > 0) {
        e->marked = true;
        ring(e);
    }
    if (mux_pipe_next(&e->pipe->pipe, e->index) == MUX_PIPE_EOF) {
        mux_pipe_take_eof(&e->pipe->pipe, e->index);
        e->eof_seen = true;
    }
}

/* May free its pipe. */
static void serve(struct end *e)
{
    struct mux_pipe *p = &e->pipe->pipe;
    uint64_t chance = schedule_next(&e->side->seed) % 512;
    e->marked = false;
    if (mux_pipe_is_aborted(p) || chance == 0) {
        atomic_fetch_add(&aborts, 1);
        mux_pipe_abort(p);
        leave(e);
        return;
    }
    if (chance % 4 != 0)
        read_some(e);
    else
        e->marked = true; /* slow */
    if (mux_pipe_next(p, e->index) == MUX_PIPE_CLOSE || chance == 1 || (e->eof_seen && e->eof_sent)) {
        mux_pipe_close(p, e->index);
        leave(e);
        return;
    }
    if (!e->eof_sent)
        send_some(e);
}

static void on_told(struct mail *m)
{
    struct end *e = (struct end *)m;
    struct joined *j = e->pipe;
    mux_pipe_answer(&j->pipe, e->index);
    if (!e->gone)
        e->marked = true;
    let_go(j);
}

/* ---- beginnings ---- */

/* Its node may be under way already. */
static void attach(struct joined *j, unsigned index)
{
    struct end *e = &j->end[index];
    struct side *s = &sides[index];
    e->side = s;
    e->marked = true;
    e->to_send = schedule_next(&s->seed) % SEND_MAX;
    e->next = s->ends;
    e->at = &s->ends;
    if (e->next)
        e->next->at = &e->next;
    s->ends = e;
    s->count++;
}

/* What rings before this finds an end that is marked when it begins; its mail comes behind this one. */
static void on_offer(struct mail *m)
{
    struct joined *j = (struct joined *)((char *)m - offsetof(struct joined, offer));
    attach(j, 1);
}

static void begin_one(void)
{
    struct joined *j = calloc(1, sizeof *j);
    STRESS_REQUIRE(j, "out of memory");
    atomic_fetch_add(&live, 1);
    mux_pipe_init(&j->pipe);
    for (unsigned i = 0; i < 2; i++) {
        j->end[i].told.deliver = on_told;
        j->end[i].pipe = j;
        j->end[i].index = i;
    }
    attach(j, 0);
    j->offer.deliver = on_offer;
    post(&sides[1], &j->offer);
}

/* ---- rounds ---- */

static bool serve_marked(struct side *s)
{
    bool any = false;
    for (struct end *e = s->ends, *next; e; e = next) {
        next = e->next;
        if (e->marked)
            serve(e);
        schedule_pause(&s->seed);
    }
    for (struct end *e = s->ends; e; e = e->next)
        any |= e->marked;
    return any;
}

static void take_mail(struct side *s, bool may_wait)
{
    struct pollfd p = { .fd = s->wake_fd, .events = POLLIN };
    int n = poll(&p, 1, may_wait ? WATCHDOG_MS : 0);
    STRESS_REQUIRE(n == 1 || !may_wait, "no wake-up for %d ms", WATCHDOG_MS);
    uint64_t count;
    if (n == 1)
        STRESS_REQUIRE(read(s->wake_fd, &count, sizeof count) == sizeof count, "eventfd");
    for (struct mux_mail *node = mux_mailbox_take(&s->mailbox); node;) {
        struct mail *m = (struct mail *)node;
        node = node->next;
        m->deliver(m);
    }
}

static void *run(void *arg)
{
    struct side *s = arg;
    bool more = true;
    while (more || s->count > 0 || atomic_load(&live) > 0) {
        more = schedule_now_ns() < end_ns;
        while (more && s == &sides[0] && s->count < PIPES)
            begin_one();
        bool busy = serve_marked(s);
        /* with nothing left of its own it looks now and then whether the other is done */
        take_mail(s, !busy && s->count > 0);
    }
    return NULL;
}

int main(void)
{
    uint64_t seed = schedule_seed("stress_pipe");
    end_ns = schedule_now_ns() + SCHEDULE_SECONDS * 1000000000ull;
    for (unsigned i = 0; i < 2; i++) {
        sides[i].wake_fd = eventfd(0, EFD_CLOEXEC);
        STRESS_REQUIRE(sides[i].wake_fd >= 0, "eventfd");
        mux_mailbox_init(&sides[i].mailbox);
        sides[i].seed = schedule_next(&seed) | 1;
    }
    for (unsigned i = 0; i < 2; i++)
        STRESS_REQUIRE(pthread_create(&sides[i].thread, NULL, run, &sides[i]) == 0, "no thread");
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(sides[i].thread, NULL);
        close(sides[i].wake_fd);
    }
    STRESS_REQUIRE(atomic_load(&live) == 0, "%u pipes are left", atomic_load(&live));
    printf("stress_pipe: %llu bytes, %llu ends aborted\n", (unsigned long long)atomic_load(&moved),
           (unsigned long long)atomic_load(&aborts));
    return 0;
}

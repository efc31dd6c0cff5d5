/* SPDX-License-Identifier: MIT */
/* The mailbox between several senders and a receiver that sleeps on an eventfd: every message arrives once, each sender's in
 * order, nodes come home and are sent again, and no wake-up is lost (a lost one hangs, and the watchdog says so). */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "mux/exchange/mailbox.h"
#include "schedule.h"

enum { SENDERS = 4, NODES = 3, WATCHDOG_MS = 20000 };

struct message {
    struct mux_mail mail;
    atomic_bool home;
    unsigned sender;
    uint64_t number;
};

static struct mux_mailbox mailbox;
static int wake_fd;
static atomic_uint senders_left = SENDERS;

struct sender {
    pthread_t thread;
    unsigned index;
    uint64_t seed, end_ns, sent;
    struct message nodes[NODES];
};

static void wake(void)
{
    uint64_t one = 1;
    STRESS_REQUIRE(write(wake_fd, &one, sizeof one) == sizeof one, "eventfd");
}

static void *send_all(void *arg)
{
    struct sender *s = arg;
    while ((s->sent & 63) != 0 || schedule_now_ns() < s->end_ns) {
        struct message *m = &s->nodes[s->sent % NODES];
        while (!atomic_load_explicit(&m->home, memory_order_acquire))
            sched_yield();
        atomic_store_explicit(&m->home, false, memory_order_relaxed);
        m->sender = s->index;
        m->number = s->sent++;
        if (mux_mailbox_post(&mailbox, &m->mail))
            wake();
        schedule_pause(&s->seed);
    }
    atomic_fetch_sub(&senders_left, 1);
    wake();
    return NULL;
}

static uint64_t take_all(uint64_t next[SENDERS])
{
    uint64_t taken = 0;
    for (struct mux_mail *mail = mux_mailbox_take(&mailbox); mail;) {
        struct message *m = (struct message *)mail;
        mail = mail->next;
        STRESS_REQUIRE(m->number == next[m->sender], "sender %u: %llu instead of %llu", m->sender, (unsigned long long)m->number,
                       (unsigned long long)next[m->sender]);
        next[m->sender]++;
        taken++;
        atomic_store_explicit(&m->home, true, memory_order_release);
    }
    return taken;
}

static uint64_t receive_all(uint64_t seed)
{
    uint64_t next[SENDERS] = { 0 }, taken = 0;
    while (atomic_load(&senders_left) > 0) {
        struct pollfd p = { .fd = wake_fd, .events = POLLIN };
        STRESS_REQUIRE(poll(&p, 1, WATCHDOG_MS) == 1, "no wake-up for %d ms", WATCHDOG_MS);
        uint64_t count;
        STRESS_REQUIRE(read(wake_fd, &count, sizeof count) == sizeof count, "eventfd");
        taken += take_all(next);
        schedule_pause(&seed);
    }
    return taken + take_all(next);
}

int main(void)
{
    static struct sender senders[SENDERS];
    uint64_t seed = schedule_seed("stress_mailbox");
    uint64_t end_ns = schedule_now_ns() + SCHEDULE_SECONDS * 1000000000ull;
    mux_mailbox_init(&mailbox);
    wake_fd = eventfd(0, EFD_CLOEXEC);
    STRESS_REQUIRE(wake_fd >= 0, "eventfd");
    for (unsigned i = 0; i < SENDERS; i++) {
        struct sender *s = &senders[i];
        s->index = i;
        s->seed = schedule_next(&seed) | 1;
        s->end_ns = end_ns;
        for (unsigned n = 0; n < NODES; n++)
            atomic_init(&s->nodes[n].home, true);
        STRESS_REQUIRE(pthread_create(&s->thread, NULL, send_all, s) == 0, "no thread");
    }
    uint64_t taken = receive_all(schedule_next(&seed) | 1), sent = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        pthread_join(senders[i].thread, NULL);
        sent += senders[i].sent;
    }
    STRESS_REQUIRE(taken == sent, "sent %llu, taken %llu", (unsigned long long)sent, (unsigned long long)taken);
    printf("stress_mailbox: %llu messages\n", (unsigned long long)taken);
    close(wake_fd);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Listeners are level-triggered here: accepting stops and goes on as it pleases, and the kernel reminds us.
 *
 * Two things stop it for a moment. No descriptors left, or none outside of the reserve: everybody would wait for nothing in a busy
 * loop, so it pauses, while the connections that exist go on and free some. A worker's ring is full. In both cases the connection
 * that could not be handed over is kept, and further ones wait in the backlog. Both end by a timer; neither deserves a wake-up
 * protocol, since both mean that we are busy anyway. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/engine/acceptor.h"
#include "gateway/observe/log.h"

enum {
    LISTENERS_MAX = 64,
    ACCEPTS_A_TURN = 64, /* of one listener, before the others have theirs */
    PAUSE_NO_DESCRIPTORS_MS = 100,
    PAUSE_RING_FULL_MS = 2,
    /* Descriptors that no connection gets, so that key files can be read while the table is full: */
    RESERVE = 16,
    RESERVE_A_WORKER = GW_IPC_FDS_MAX,
};

struct listener {
    struct gw_addr address;
    unsigned proxy_count; /* 0: clients connect here themselves */
    struct gw_cidr proxies[GW_PROXIES_MAX];
};

struct gw_acceptor {
    struct gw_inbox inbox;
    struct gw_orders orders;
    struct pollfd polled[1 + LISTENERS_MAX]; /* the inbox first */
    struct listener listener[LISTENERS_MAX];
    unsigned listener_count;
    struct gw_worker *const *workers;
    unsigned worker_count, next_worker;
    struct gw_protocol *protocol;
    struct gw_door *door;
    rlim_t descriptors; /* numbers from here on are the reserve */
    uint64_t kept;      /* a connection that could not be handed over yet: gw_intake_pack */
    bool keeps;
    int pause_ms; /* -1: none */
    bool draining;
    pthread_t thread;
};

/* ---- listeners ---- */

/* Told by its address, not by its place: the snapshot may be newer than the sockets. One that is named no more stays as it is. */
static void learn_proxies(struct listener *l, const struct gw_config *config)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct gw_listen *named = &config->listen[i];
        if (!gw_addr_equal(&named->address, &l->address) || named->address.port != l->address.port)
            continue;
        l->proxy_count = named->proxy_count;
        memcpy(l->proxies, named->proxies, sizeof l->proxies);
    }
}

static void learn_address(struct listener *l, int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
        gw_addr_from_sockaddr(&l->address, (struct sockaddr *)&sa);
}

static bool is_trusted(const struct listener *l, const struct gw_addr *peer)
{
    for (unsigned i = 0; i < l->proxy_count; i++)
        if (gw_cidr_contains(&l->proxies[i], peer))
            return true;
    return false;
}

/* ---- orders ---- */

static void switch_snapshot(struct gw_mail *m, void *receiver)
{
    struct gw_acceptor *a = receiver;
    (void)m;
    struct gw_protocol *newest = gw_orders_take(&a->orders);
    if (!newest)
        return;
    gw_protocol_drop(a->protocol);
    a->protocol = newest;
    gw_door_limit(a->door, newest->snapshot.config);
    for (unsigned i = 0; i < a->listener_count; i++)
        learn_proxies(&a->listener[i], newest->snapshot.config);
}

static void begin_drain(struct gw_mail *m, void *receiver)
{
    struct gw_acceptor *a = receiver;
    (void)m;
    a->draining = true;
}

/* ---- hand-off ---- */

/* The worker with the fewest connections; among equals the next in turn. */
static unsigned least_loaded(struct gw_acceptor *a)
{
    unsigned best = a->next_worker, fewest = UINT_MAX;
    for (unsigned i = 0; i < a->worker_count; i++) {
        unsigned index = (a->next_worker + i) % a->worker_count;
        unsigned n = atomic_load_explicit(&gw_worker_intake(a->workers[index])->connections, memory_order_relaxed);
        if (n < fewest) {
            best = index;
            fewest = n;
        }
    }
    a->next_worker = (best + 1) % a->worker_count;
    return best;
}

/* Descriptor numbers are given out lowest first, so that a high one means that few are left. */
static bool is_reserved(const struct gw_acceptor *a, int fd)
{
    return (rlim_t)fd >= a->descriptors;
}

/* Moves a connection out of the reserve, as soon as a lower number is free. False: none is. */
static bool leave_reserve(const struct gw_acceptor *a, int *fd)
{
    if (!is_reserved(a, *fd))
        return true;
    int lower = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
    if (lower < 0)
        return false;
    if (is_reserved(a, lower)) {
        close(lower);
        return false;
    }
    close(*fd);
    *fd = lower;
    return true;
}

/* False: the worker's ring is full, and the connection stays ours. */
static bool hand_off(struct gw_acceptor *a, uint64_t item)
{
    struct gw_worker *w = a->workers[least_loaded(a)];
    struct gw_intake *intake = gw_worker_intake(w);
    if (!mux_ring_push(&intake->accepted, item))
        return false;
    atomic_fetch_add_explicit(&intake->connections, 1, memory_order_relaxed);
    gw_inbox_wake(gw_worker_inbox(w));
    return true;
}

/* Hands the connection over, or keeps it and pauses. */
static void pass_on(struct gw_acceptor *a, int fd, int32_t startup)
{
    if (!leave_reserve(a, &fd)) {
        gw_door_exhausted(a->door, "no descriptors left but for the reserve");
        a->pause_ms = PAUSE_NO_DESCRIPTORS_MS;
    } else if (hand_off(a, gw_intake_pack(fd, startup))) {
        return;
    } else {
        a->pause_ms = PAUSE_RING_FULL_MS;
    }
    a->kept = gw_intake_pack(fd, startup);
    a->keeps = true;
}

/* ---- accept ---- */

/* Limits are applied to the client's own address: where a proxy stands in between, by the worker, once the header has come. */
static void take_in(struct gw_acceptor *a, const struct listener *l, int fd, const struct sockaddr *sa)
{
    struct gw_addr peer;
    int32_t startup = GW_INTAKE_PROXIED;
    if (!gw_addr_from_sockaddr(&peer, sa)) {
        close(fd);
        return;
    }
    if (l->proxy_count > 0 && !is_trusted(l, &peer)) {
        gw_door_not_a_proxy(a->door, &peer, "the listener is for proxies, of which it is none");
        close(fd);
        return;
    }
    if (l->proxy_count == 0)
        startup = gw_door_admit(a->door, fd, &peer);
    if (startup == GW_STARTUP_NONE)
        close(fd);
    else
        pass_on(a, fd, startup);
}

/* Errors of one connection are passed over (accept(2): they are the network's, delivered late); those of ours make a pause. */
static bool is_ours(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void accept_some(struct gw_acceptor *a, const struct listener *l, int listener)
{
    for (int i = 0; i < ACCEPTS_A_TURN && !a->keeps; i++) {
        struct sockaddr_storage sa;
        socklen_t len = sizeof sa;
        int fd = accept4(listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take_in(a, l, fd, (struct sockaddr *)&sa);
        } else if (errno == EAGAIN) {
            return;
        } else if (is_ours(errno)) {
            gw_door_exhausted(a->door, strerror(errno));
            a->pause_ms = PAUSE_NO_DESCRIPTORS_MS;
            return;
        }
    }
}

/* ---- the thread ---- */

static void turn(struct gw_acceptor *a)
{
    bool pausing = a->pause_ms >= 0;
    int n = poll(a->polled, pausing ? 1 : 1 + a->listener_count, a->pause_ms);
    assert(n >= 0 || errno == EINTR || errno == ENOMEM);
    if (n < 0)
        return;
    a->pause_ms = -1;
    if (a->polled[0].revents)
        gw_inbox_serve(&a->inbox, a);
    if (a->keeps) {
        int fd;
        int32_t startup;
        gw_intake_unpack(a->kept, &fd, &startup);
        a->keeps = false;
        pass_on(a, fd, startup);
    }
    for (unsigned i = 1; !pausing && i <= a->listener_count; i++) {
        if (a->polled[i].revents)
            accept_some(a, &a->listener[i - 1], a->polled[i].fd);
    }
}

static void close_listeners(struct gw_acceptor *a)
{
    for (unsigned i = 1; i <= a->listener_count; i++)
        close(a->polled[i].fd);
    a->listener_count = 0;
}

static void *run(void *arg)
{
    struct gw_acceptor *a = arg;
    while (!a->draining)
        turn(a);
    close_listeners(a);
    return NULL;
}

static rlim_t descriptors_for_connections(unsigned workers)
{
    struct rlimit limit;
    rlim_t reserve = RESERVE + (rlim_t)RESERVE_A_WORKER * workers;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return RLIM_INFINITY;
    /* where the limit is so low that the reserve would be most of it, half of it has to do */
    return limit.rlim_cur > 2 * reserve ? limit.rlim_cur - reserve : limit.rlim_cur / 2;
}

struct gw_acceptor *gw_acceptor_new(const struct gw_acceptor_setup *setup)
{
    struct gw_acceptor *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    assert(setup->listener_count <= LISTENERS_MAX);
    if (!gw_inbox_init(&a->inbox)) {
        free(a);
        return NULL;
    }
    a->orders = (struct gw_orders){ .to = &a->inbox, .switch_mail.deliver = switch_snapshot, .drain_mail.deliver = begin_drain };
    a->polled[0] = (struct pollfd){ .fd = a->inbox.wake_fd, .events = POLLIN };
    a->door = setup->door;
    for (unsigned i = 0; i < setup->listener_count; i++) {
        a->polled[1 + i] = (struct pollfd){ .fd = setup->listeners[i], .events = POLLIN };
        learn_address(&a->listener[i], setup->listeners[i]);
        learn_proxies(&a->listener[i], setup->protocol->snapshot.config);
    }
    a->listener_count = setup->listener_count;
    a->workers = setup->workers;
    a->worker_count = setup->worker_count;
    a->protocol = setup->protocol;
    a->pause_ms = -1;
    a->descriptors = descriptors_for_connections(setup->worker_count);
    gw_door_limit(a->door, a->protocol->snapshot.config);
    return a;
}

bool gw_acceptor_start(struct gw_acceptor *a)
{
    int err = pthread_create(&a->thread, NULL, run, a);
    errno = err;
    if (err == 0)
        pthread_setname_np(a->thread, "acceptor");
    return err == 0;
}

struct gw_orders *gw_acceptor_orders(struct gw_acceptor *a)
{
    return &a->orders;
}

void gw_acceptor_join(struct gw_acceptor *a)
{
    pthread_join(a->thread, NULL);
    if (a->keeps) {
        int fd;
        int32_t startup;
        gw_intake_unpack(a->kept, &fd, &startup);
        close(fd);
    }
    gw_protocol_drop(gw_orders_take(&a->orders));
    gw_protocol_drop(a->protocol);
    gw_inbox_deinit(&a->inbox);
    free(a);
}

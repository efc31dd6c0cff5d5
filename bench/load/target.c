/* SPDX-License-Identifier: MIT */
/* A thread for each core that the program may use, each with listeners of its own on the same ports (SO_REUSEPORT), so that threads
 * share nothing. Two on one core would only wait for each other's slices: 3 ms each time. A round is as a worker's: the loop marks,
 * and then each marked peer is served once. */
#include "bench/load/target.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/load/names.h"
#include "bench/load/pattern.h"
#include "gateway/engine/loop.h"

enum {
    BACKLOG = 4096,
    BUFFER_BYTES = 256 * 1024,
    TURN_CALLS = 8, /* system calls that move bytes, a peer's turn */
    THREADS_MAX = 64,
    EXIT_FAILED = 1,
};

enum service { ECHO_SERVICE, SINK_SERVICE, SOURCE_SERVICE, SERVICE_COUNT };

static const char *const service_names[SERVICE_COUNT] = { "echo", "sink", "source" };

struct server;

/* A connection, or a listener. */
struct peer {
    struct gw_watch watch;
    struct server *server;
    struct peer *next_marked;
    enum service service;
    bool listens, marked, ended;
    uint32_t source_at;
    uint8_t *rest; /* echo: what the socket did not take */
    size_t rest_at, rest_len;
};

struct server {
    struct gw_loop *loop;
    struct peer listener[SERVICE_COUNT];
    struct peer *marked, **marked_end;
    uint8_t buffer[BUFFER_BYTES];
    pthread_t thread;
};

static void mark(struct peer *p)
{
    if (p->marked)
        return;
    p->marked = true;
    p->next_marked = NULL;
    *p->server->marked_end = p;
    p->server->marked_end = &p->next_marked;
}

static void on_ready(struct gw_watch *watch)
{
    mark((struct peer *)((char *)watch - offsetof(struct peer, watch)));
}

/* ---- connections ---- */

static void end(struct peer *p)
{
    gw_loop_remove(p->server->loop, &p->watch);
    close(p->watch.fd);
    free(p->rest);
    free(p);
}

/* Bytes that came into the buffer; 0: none now, or the end. */
static size_t receive(struct peer *p, int flags)
{
    ssize_t n = recv(p->watch.fd, p->server->buffer, BUFFER_BYTES, flags);
    if (n < 0 && errno == EAGAIN)
        p->watch.ready &= (uint8_t)~GW_READABLE;
    else if (n <= 0)
        p->ended = true;
    return n > 0 ? (size_t)n : 0;
}

static size_t send_some(struct peer *p, const uint8_t *bytes, size_t len)
{
    ssize_t n = send(p->watch.fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        p->ended = true;
    if (n < (ssize_t)len)
        p->watch.ready &= (uint8_t)~GW_WRITABLE;
    return n > 0 ? (size_t)n : 0;
}

static void keep(struct peer *p, const uint8_t *rest, size_t len)
{
    p->rest = malloc(len);
    p->ended |= !p->rest;
    if (!p->rest)
        return;
    memcpy(p->rest, rest, len);
    p->rest_at = 0;
    p->rest_len = len;
}

/* False: nothing more to be done now. */
static bool echo_once(struct peer *p)
{
    if (p->rest_len > 0) {
        if (!(p->watch.ready & GW_WRITABLE))
            return false;
        size_t n = send_some(p, p->rest + p->rest_at, p->rest_len);
        p->rest_at += n;
        p->rest_len -= n;
        if (p->rest_len > 0)
            return false;
        free(p->rest);
        p->rest = NULL;
    }
    if (!(p->watch.ready & GW_READABLE))
        return false;
    size_t len = receive(p, 0);
    if (len == 0)
        return false;
    size_t taken = send_some(p, p->server->buffer, len);
    if (taken < len && !p->ended)
        keep(p, p->server->buffer + taken, len - taken);
    return true;
}

/* The kernel drops the bytes itself: the sink should cost as little as may be. */
static bool sink_once(struct peer *p)
{
    return (p->watch.ready & GW_READABLE) && receive(p, MSG_TRUNC) > 0;
}

/* What comes in is dropped, and its end is not that of what goes out: `ssh -W` without input takes as much as any other. */
static bool source_once(struct peer *p)
{
    if (p->watch.ready & GW_READABLE) {
        receive(p, MSG_TRUNC);
        if (p->ended)
            p->watch.ready &= (uint8_t)~GW_READABLE;
        p->ended = false;
    }
    if (!(p->watch.ready & GW_WRITABLE))
        return false;
    struct cx_view piece = load_pattern_piece(LOAD_PATTERN_CYCLE, p->source_at, BUFFER_BYTES);
    p->source_at = (uint32_t)(p->source_at + send_some(p, piece.data, piece.len));
    return true;
}

static bool (*const once[SERVICE_COUNT])(struct peer *p) = { echo_once, sink_once, source_once };

static void serve_peer(struct peer *p)
{
    bool more = true;
    for (int i = 0; i < TURN_CALLS && more && !p->ended; i++)
        more = once[p->service](p);
    if (p->ended)
        end(p);
    else if (more)
        mark(p);
}

static void accept_all(struct peer *listener)
{
    int fd, on = 1;
    while ((fd = accept4(listener->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (p)
            *p = (struct peer){ .watch = { .fd = fd, .on_ready = on_ready },
                                .server = listener->server,
                                .service = listener->service };
        if (p && gw_loop_add(listener->server->loop, &p->watch))
            continue;
        free(p);
        close(fd);
    }
    if (errno != EAGAIN && errno != ECONNABORTED)
        fprintf(stderr, "sluice-bench load: accept: %s\n", strerror(errno));
}

static void *run(void *arg)
{
    struct server *s = arg;
    for (;;) {
        gw_loop_round(s->loop, !s->marked);
        struct peer *p = s->marked, *next;
        s->marked = NULL;
        s->marked_end = &s->marked;
        for (; p; p = next) {
            next = p->next_marked;
            p->marked = false;
            if (p->listens)
                accept_all(p);
            else
                serve_peer(p);
        }
    }
    return NULL;
}

/* ---- start ---- */

static int listen_on(const struct gw_addr *where)
{
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(where, &address);
    int on = 1, fd = socket(where->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

/* A thread ends only with the program. */
static bool start(const struct gw_addr *where)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s || !(s->loop = gw_loop_new()))
        return false;
    s->marked_end = &s->marked;
    for (unsigned i = 0; i < SERVICE_COUNT; i++) {
        struct gw_addr own = *where;
        struct peer *p = &s->listener[i];
        own.port = (uint16_t)(where->port + i);
        *p = (struct peer){ .watch = { .fd = listen_on(&own), .on_ready = on_ready }, .server = s, .service = i, .listens = true };
        if (p->watch.fd < 0 || !gw_loop_add(s->loop, &p->watch))
            return false;
    }
    errno = pthread_create(&s->thread, NULL, run, s);
    return errno == 0;
}

static bool find_place(const char *where, struct gw_addr *out)
{
    struct load_place place;
    char text[16];
    bool port_alone = !strchr(where, ':');
    snprintf(text, sizeof text, "127.0.0.1:%.5s", where);
    return load_place_parse(&place, port_alone ? text : where, 0) && place.port > 0 && place.port + SERVICE_COUNT <= 65536 &&
           strlen(where) < 256 && !load_place_resolve(&place, out);
}

int load_target_serve(const char *where)
{
    struct gw_addr address;
    char text[GW_ADDR_TEXT];
    cpu_set_t ours;
    int cores = sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : 1;
    sigset_t interrupts;
    int number;
    if (!find_place(where, &address)) {
        fprintf(stderr, "sluice-bench load: --serve-target takes [ADDRESS:]PORT; it uses three ports in a row\n");
        return EXIT_FAILED;
    }
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigaddset(&interrupts, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &interrupts, NULL);
    for (int i = 0; i < cores && i < THREADS_MAX; i++)
        if (!start(&address)) {
            fprintf(stderr, "sluice-bench load: %s: %s\n", where, strerror(errno));
            return EXIT_FAILED;
        }
    for (unsigned i = 0; i < SERVICE_COUNT; i++, address.port++)
        printf("%-6s on %s\n", service_names[i], gw_addr_port_text(&address, text));
    fflush(stdout);
    sigwait(&interrupts, &number);
    _exit(0); /* the threads are in the middle of what they do, and nobody waits for it */
}

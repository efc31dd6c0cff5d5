/* SPDX-License-Identifier: MIT */
/* An event loop of its own. Work goes on until the end of the time, and what was counted between its borders is told. */
#include "bench/compare/bare.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/measure.h"
#include "bench/load/pattern.h"
#include "bench/processes.h"
#include "bench/report/histogram.h"
#include "gateway/engine/loop.h"

enum { BUFFER_BYTES = 256 * 1024, PAYLOAD_BYTES = 64, TURN_CALLS = 8 };
static const uint64_t LOOK_NS = 50000000;

struct client;

struct line {
    struct gw_watch watch;
    struct client *client;
    struct line *next_marked;
    uint64_t start_ns;
    size_t back; /* bytes of the echo under way that came */
    bool marked, began;
};

struct client {
    const struct compare_bare_settings *settings;
    struct gw_loop *loop;
    struct line *line, *marked;
    uint64_t works, bytes;
    bool measuring;
    int error; /* an errno; 0: none */
    struct bench_histogram latency_ns;
    uint8_t buffer[BUFFER_BYTES];
};

static void mark(struct line *l)
{
    if (l->marked)
        return;
    l->marked = true;
    l->next_marked = l->client->marked;
    l->client->marked = l;
}

static void on_ready(struct gw_watch *watch)
{
    mark((struct line *)((char *)watch - offsetof(struct line, watch)));
}

static void fail(struct client *c, int error)
{
    if (c->error == 0)
        c->error = error;
}

static void dial(struct line *l)
{
    struct client *c = l->client;
    struct sockaddr_storage address;
    socklen_t len = gw_addr_to_sockaddr(&c->settings->server, &address);
    int on = 1;
    l->start_ns = gw_loop_now_ns(c->loop);
    l->began = false;
    l->watch.fd = socket(c->settings->server.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->watch.fd < 0 || setsockopt(l->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        (connect(l->watch.fd, (struct sockaddr *)&address, len) != 0 && errno != EINPROGRESS) || !gw_loop_add(c->loop, &l->watch))
        fail(c, errno);
}

static void hang_up(struct line *l)
{
    if (l->watch.fd < 0)
        return;
    gw_loop_remove(l->client->loop, &l->watch);
    close(l->watch.fd);
    l->watch.fd = -1;
}

static void count_work(struct line *l)
{
    struct client *c = l->client;
    c->works++;
    if (c->measuring)
        bench_histogram_add(&c->latency_ns, gw_loop_now_ns(c->loop) - l->start_ns);
}

/* ---- the modes; each returns whether more can be done at once ---- */

/* How much came; 0: nothing now. The end is only expected of a connection that said all. */
static size_t take(struct line *l, int flags, bool *ended)
{
    ssize_t n = recv(l->watch.fd, l->client->buffer, BUFFER_BYTES, flags);
    *ended = n == 0;
    if (n < 0 && errno == EAGAIN)
        l->watch.ready &= (uint8_t)~GW_READABLE;
    else if (n < 0)
        fail(l->client, errno);
    return n > 0 ? (size_t)n : 0;
}

static size_t give(struct line *l, const uint8_t *bytes, size_t len)
{
    ssize_t n = send(l->watch.fd, bytes, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        fail(l->client, errno);
    if (n < (ssize_t)len)
        l->watch.ready &= (uint8_t)~GW_WRITABLE;
    return n > 0 ? (size_t)n : 0;
}

static bool connect_once(struct line *l)
{
    bool ended = false;
    if (!l->began && (l->watch.ready & GW_WRITABLE)) {
        l->began = true;
        shutdown(l->watch.fd, SHUT_WR);
    }
    if (l->watch.ready & GW_READABLE)
        take(l, 0, &ended);
    if (!ended)
        return false;
    count_work(l);
    hang_up(l);
    dial(l);
    return false;
}

static bool echo_once(struct line *l)
{
    bool ended = false;
    if ((l->watch.ready & GW_READABLE) && l->began)
        l->back += take(l, 0, &ended);
    if (ended)
        fail(l->client, ECONNRESET);
    if (l->began && l->back < PAYLOAD_BYTES)
        return false;
    if (!(l->watch.ready & GW_WRITABLE))
        return false;
    if (l->began)
        count_work(l);
    l->began = true;
    l->back = 0;
    l->start_ns = gw_loop_now_ns(l->client->loop);
    give(l, load_pattern_piece(LOAD_PATTERN_NOISE, 0, PAYLOAD_BYTES).data, PAYLOAD_BYTES);
    return false;
}

static bool send_once(struct line *l)
{
    if (!(l->watch.ready & GW_WRITABLE))
        return false;
    struct cx_view piece = load_pattern_piece(LOAD_PATTERN_CYCLE, 0, BUFFER_BYTES);
    l->client->bytes += give(l, piece.data, piece.len);
    return true;
}

static bool receive_once(struct line *l)
{
    bool ended = false;
    if (!(l->watch.ready & GW_READABLE))
        return false;
    l->client->bytes += take(l, 0, &ended);
    if (ended)
        fail(l->client, ECONNRESET);
    return true;
}

static bool (*const once[LOAD_MODE_COUNT])(struct line *l) = {
    [LOAD_HANDSHAKE] = connect_once,
    [LOAD_ECHO] = echo_once,
    [LOAD_BULK_UP] = send_once,
    [LOAD_BULK_DOWN] = receive_once,
};

static void serve(struct line *l)
{
    struct client *c = l->client;
    bool more = true;
    for (int i = 0; i < TURN_CALLS && more && c->error == 0; i++)
        more = once[c->settings->mode](l);
    if (more)
        mark(l);
}

/* ---- a run ---- */

static void look_again(struct gw_timer *timer, uint64_t now_ns)
{
    (void)timer;
    (void)now_ns; /* that the loop comes round is all that is wanted */
}

static void work(struct client *c, double seconds, bool (*enough)(void))
{
    struct gw_timer timer = { .fire = look_again };
    uint64_t end_ns = gw_loop_now_ns(c->loop) + (uint64_t)(seconds * 1e9);
    while (c->error == 0 && gw_loop_now_ns(c->loop) < end_ns) {
        if (timer.at_ns == 0) {
            if (enough())
                break;
            gw_timer_set(c->loop, &timer, gw_loop_now_ns(c->loop) + LOOK_NS);
        }
        gw_loop_round(c->loop, !c->marked);
        struct line *l = c->marked, *next;
        c->marked = NULL;
        for (; l && c->error == 0; l = next) {
            next = l->next_marked;
            l->marked = false;
            serve(l);
        }
    }
    gw_timer_cancel(c->loop, &timer);
}

static double cpu_of(pid_t pid)
{
    struct bench_processes p;
    return bench_processes_read(pid, false, &p) ? p.user_s + p.system_s : 0;
}

static double works_of(const struct client *c)
{
    return load_is_bulk(c->settings->mode) ? (double)c->bytes / (1 << 30) : (double)c->works;
}

static void measure(struct client *c, bool (*enough)(void), struct compare_sample *out)
{
    const struct compare_bare_settings *s = c->settings;
    work(c, s->warmup_s, enough);
    double cpu_s = cpu_of(s->server_pid), works = works_of(c);
    uint64_t begin_ns = gw_loop_now_ns(c->loop);
    c->measuring = true;
    work(c, s->duration_s, enough);
    cpu_s = cpu_of(s->server_pid) - cpu_s;
    works = works_of(c) - works;
    double seconds = (double)(gw_loop_now_ns(c->loop) - begin_ns) / 1e9;
    if (c->error != 0)
        snprintf(out->fault, sizeof out->fault, "%s", strerror(c->error));
    else if (works <= 0 || seconds <= 0)
        snprintf(out->fault, sizeof out->fault, "%s", compare_nothing_done);
    if (out->fault[0])
        return;
    out->figure[COMPARE_CPU] = cpu_s / works;
    out->figure[COMPARE_RATE] = works / seconds;
    out->figure[COMPARE_P99] = (double)bench_histogram_quantile(&c->latency_ns, 0.99) / 1e9;
}

void compare_bare_run(const struct compare_bare_settings *settings, bool (*enough)(void), struct compare_sample *out)
{
    struct client *c = calloc(1, sizeof *c);
    *out = (struct compare_sample){ .fault = "" };
    if (c) {
        c->settings = settings;
        c->loop = gw_loop_new();
        c->line = calloc(settings->connections, sizeof *c->line);
    }
    if (!c || !c->loop || !c->line) {
        snprintf(out->fault, sizeof out->fault, "out of memory");
    } else {
        for (unsigned i = 0; i < settings->connections; i++) {
            c->line[i] = (struct line){ .watch = { .fd = -1, .on_ready = on_ready }, .client = c };
            dial(&c->line[i]);
        }
        measure(c, enough, out);
        for (unsigned i = 0; i < settings->connections; i++)
            hang_up(&c->line[i]);
    }
    if (c) {
        free(c->line);
        if (c->loop)
            gw_loop_free(c->loop);
    }
    free(c);
}

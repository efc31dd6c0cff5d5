/* SPDX-License-Identifier: MIT */
/* The main thread: takes what the monitor sends at the start, makes the threads, and then passes orders on. It owns what they share
 * (the registry of queues, the door, the budget of windows, the key of the delays), and frees it when the last of them has ended.
 */
#include "gateway/engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/admin/admin.h"
#include "gateway/engine/acceptor.h"
#include "gateway/engine/door.h"
#include "gateway/observe/log.h"
#include "gateway/queues/registry.h"

enum { LISTENERS_MAX = 64, WORKERS_MAX = 256, EXIT_FAULT = 255 };

struct engine {
    int control_fd, done_fd;
    bool started, draining;
    struct gw_protocol *protocol; /* the newest, with one hold */
    int listeners[LISTENERS_MAX];
    unsigned listener_count;
    int links[WORKERS_MAX];
    unsigned worker_count, workers_done;
    struct gw_worker *workers[WORKERS_MAX];
    struct gw_acceptor *acceptor;
    int admin_fd;           /* the listener of ControlSocket; -1: none, or handed on */
    struct gw_admin *admin; /* NULL: none */
    struct gw_registry *registry;
    struct gw_door *door;
    struct mux_window_budget budget;
    uint8_t delay_key[GW_DELAY_KEY_BYTES];
    uint8_t datagram[GW_IPC_DATAGRAM_MAX];
};

void gw_engine_die(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gw_log(GW_LOG_FATAL, "the engine ends: %s", text);
    _exit(EXIT_FAULT);
}

/* ---- records of the monitor ---- */

/* What was granted is not taken back: where less is left than nothing, no window grows until enough has come home. */
static void resize_budget(struct engine *e, const struct gw_config *fresh)
{
    int64_t more = (int64_t)fresh->window_budget_bytes - (int64_t)e->protocol->snapshot.config->window_budget_bytes;
    atomic_fetch_add_explicit(&e->budget.left_bytes, more, memory_order_relaxed);
}

static void on_config(struct engine *e, int memfd)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_snapshot snapshot;
    if (!gw_snapshot_read(memfd, &snapshot, error, sizeof error))
        gw_engine_die("the snapshot does not parse: %s", error);
    struct gw_protocol *p = gw_protocol_new(snapshot);
    if (!p)
        gw_engine_die("out of memory");
    close(memfd);
    if (e->started)
        resize_budget(e, snapshot.config);
    gw_protocol_drop(e->protocol);
    e->protocol = p;
    gw_log_set_level(snapshot.config->log_level);
    if (!e->started)
        return;
    gw_orders_switch(gw_acceptor_orders(e->acceptor), gw_protocol_hold(p));
    for (unsigned i = 0; i < e->worker_count; i++)
        gw_orders_switch(gw_worker_orders(e->workers[i]), gw_protocol_hold(p));
}

static void make_workers(struct engine *e)
{
    for (unsigned i = 0; i < e->worker_count; i++) {
        struct gw_worker_setup setup = {
            .index = i,
            .link_fd = e->links[i],
            .done_fd = e->done_fd,
            .protocol = gw_protocol_hold(e->protocol),
            .registry = e->registry,
            .door = e->door,
            .budget = &e->budget,
            .delay_key = e->delay_key,
        };
        e->workers[i] = gw_worker_new(&setup);
        if (!e->workers[i])
            gw_engine_die("worker %u cannot start: %s", i, strerror(errno));
    }
}

/* Queues are in place, and all workers have their seats, before the first of them runs. */
static void start_workers(struct engine *e)
{
    make_workers(e);
    for (unsigned i = 0; i < e->worker_count; i++)
        if (!gw_registry_apply(e->registry, i, e->protocol->snapshot.config))
            gw_engine_die("out of memory");
    for (unsigned i = 0; i < e->worker_count; i++)
        if (!gw_worker_start(e->workers[i]))
            gw_engine_die("worker %u cannot start: %s", i, strerror(errno));
}

static void start_acceptor(struct engine *e)
{
    struct gw_acceptor_setup setup = {
        .listeners = e->listeners,
        .listener_count = e->listener_count,
        .workers = e->workers,
        .worker_count = e->worker_count,
        .protocol = gw_protocol_hold(e->protocol),
        .door = e->door,
    };
    e->acceptor = gw_acceptor_new(&setup);
    if (!e->acceptor || !gw_acceptor_start(e->acceptor))
        gw_engine_die("the acceptor cannot start: %s", strerror(errno));
}

static void start_admin(struct engine *e)
{
    if (e->admin_fd < 0)
        return;
    struct gw_admin_setup setup = { e->admin_fd, e->registry, e->workers, e->worker_count };
    e->admin = gw_admin_new(&setup);
    e->admin_fd = -1;
    if (!e->admin || !gw_admin_start(e->admin))
        gw_engine_die("the thread of ControlSocket cannot start: %s", strerror(errno));
}

static void say_ready(struct engine *e)
{
    struct gw_ipc_out out;
    struct gw_ipc_record ready = { .type = GW_IPC_READY };
    if (!gw_ipc_out_init(&out))
        gw_engine_die("out of memory");
    if (!gw_ipc_put(&out, &ready, -1) || gw_ipc_send(&out, e->control_fd) != 1)
        gw_engine_die("the monitor is gone");
    gw_ipc_out_deinit(&out);
}

static void on_start(struct engine *e)
{
    if (e->started || !e->protocol || e->listener_count == 0 || e->worker_count == 0)
        gw_engine_die("the monitor said START out of turn");
    struct cx_random_pool pool = { 0 };
    struct cx_random random = cx_random_system(&pool);
    cx_random_fill(&random, e->delay_key, sizeof e->delay_key);
    cx_secret_wipe(&pool, sizeof pool);
    atomic_init(&e->budget.left_bytes, (int64_t)e->protocol->snapshot.config->window_budget_bytes);
    e->registry = gw_registry_new(e->worker_count);
    e->door = gw_door_new();
    if (!e->registry || !e->door)
        gw_engine_die("out of memory");
    start_workers(e);
    start_acceptor(e);
    start_admin(e);
    e->started = true;
    say_ready(e);
}

static void on_drain(struct engine *e)
{
    if (!e->started)
        _exit(EXIT_SUCCESS); /* nobody is here yet */
    if (e->draining)
        return;
    e->draining = true;
    gw_orders_drain(gw_acceptor_orders(e->acceptor));
    gw_acceptor_join(e->acceptor); /* it hands nothing to a worker after this, so that workers may end */
    for (unsigned i = 0; i < e->worker_count; i++)
        gw_orders_drain(gw_worker_orders(e->workers[i]));
}

static void on_record(struct engine *e, const struct gw_ipc_record *r, int fd)
{
    if (r->type == GW_IPC_CONFIG && !e->draining)
        on_config(e, fd);
    else if (r->type == GW_IPC_LISTENERS && !e->started && e->listener_count < LISTENERS_MAX)
        e->listeners[e->listener_count++] = fd;
    else if (r->type == GW_IPC_WORKER && !e->started && e->worker_count < WORKERS_MAX)
        e->links[e->worker_count++] = fd;
    else if (r->type == GW_IPC_ADMIN && !e->started && e->admin_fd < 0)
        e->admin_fd = fd;
    else if (r->type == GW_IPC_START)
        on_start(e);
    else if (r->type == GW_IPC_DRAIN)
        on_drain(e);
    else if (r->type == GW_IPC_CONFIG)
        close(fd); /* a reload while we drain changes nothing any more */
    else
        gw_engine_die("the monitor sent a record of type %d out of turn", (int)r->type);
}

/* One datagram. */
static void serve_control(struct engine *e)
{
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count = 0, fd_next = 0;
    ssize_t n = gw_ipc_receive(e->control_fd, e->datagram, fds, &fd_count);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        _exit(EXIT_SUCCESS); /* the monitor is gone, and nothing can be signed without it: who is connected ends with us */
    struct cx_view datagram = { e->datagram, (size_t)n };
    struct gw_ipc_record r;
    int got;
    while ((got = gw_ipc_next(&datagram, &r)) == 1) {
        bool has_fd = gw_ipc_record_has_fd(&r);
        if (has_fd && fd_next == fd_count)
            gw_engine_die("the monitor sent a record without its descriptor");
        on_record(e, &r, has_fd ? fds[fd_next++] : -1);
    }
    if (got < 0 || fd_next != fd_count)
        gw_engine_die("the monitor sent a datagram that does not parse");
}

/* ---- the process ---- */

/* Threads inherit an empty mask but for TERM's default, which is to end the process, whichever thread the kernel picks. */
static void set_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
}

static void serve_until_drained(struct engine *e)
{
    while (!e->draining || e->workers_done < e->worker_count) {
        struct pollfd polled[] = { { .fd = e->control_fd, .events = POLLIN }, { .fd = e->done_fd, .events = POLLIN } };
        if (poll(polled, 2, -1) < 0)
            continue;
        if (polled[0].revents)
            serve_control(e);
        uint64_t done;
        if (polled[1].revents && read(e->done_fd, &done, sizeof done) == sizeof done)
            e->workers_done += (unsigned)done;
    }
}

int gw_engine_main(int control_fd)
{
    set_signals();
    umask(0); /* the only files that it makes are sockets, whose mode StreamLocalBindMask says */
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        gw_engine_die("out of memory");
    e->control_fd = control_fd;
    e->admin_fd = -1;
    e->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->done_fd < 0)
        gw_engine_die("eventfd: %s", strerror(errno));
    serve_until_drained(e);
    gw_admin_stop(e->admin); /* no worker is asked anything after this */
    for (unsigned i = 0; i < e->worker_count; i++)
        gw_worker_join(e->workers[i]);
    gw_admin_free(e->admin); /* no worker answers any more */
    gw_registry_free(e->registry);
    gw_door_free(e->door);
    gw_protocol_drop(e->protocol);
    close(e->done_fd);
    close(e->control_fd);
    free(e);
    return EXIT_SUCCESS;
}

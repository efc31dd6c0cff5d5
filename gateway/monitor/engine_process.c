/* SPDX-License-Identifier: MIT */
/* See engine_process.h. The engine is a fresh image of this program, by fork and exec, so that no page that ever held a host key
 * is in its address space. It inherits the log on its standard error and the control socket, and nothing else. */
#include "gateway/monitor/engine_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/observe/log.h"

enum { WORKERS_MAX = 256 };

unsigned gw_engine_worker_count(const struct gw_config *config)
{
    cpu_set_t set;
    unsigned n = config->workers;
    if (n == 0)
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
}

static void noted(struct gw_watch *w)
{
    (void)w; /* the monitor looks at every socket after a round */
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- the process ---- */

/* In the child: only calls that are safe after fork. */
static _Noreturn void become_engine(int control, const struct gw_account *account)
{
    char uid[16], gid[16];
    snprintf(uid, sizeof uid, "%u", account->uid);
    snprintf(gid, sizeof gid, "%u", account->gid);
    char name[] = "sluiced: engine", role[] = "--engine";
    char *separate[] = { name, role, uid, gid, NULL };
    char *alike[] = { name, role, NULL };

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (control == GW_IPC_CONTROL_FD) /* dup2 onto itself would leave it close-on-exec */
        fcntl(control, F_SETFD, 0);
    else if (dup2(control, GW_IPC_CONTROL_FD) < 0)
        _exit(255);
    close_range(GW_IPC_CONTROL_FD + 1, UINT_MAX, 0);

    sigset_t none;
    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* a Ctrl-C reaches the whole foreground group, and is meant for the monitor */
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", account->separate ? separate : alike);
    gw_log(GW_LOG_FATAL, "cannot execute the engine: /proc/self/exe: %s", strerror(errno));
    _exit(255);
}

/* ---- sockets ---- */

/* Connects w to a new pair; *theirs gets the engine's end. */
static bool open_link(struct gw_loop *loop, struct gw_watch *w, struct gw_ipc_out *out, int *theirs)
{
    int pair[2];
    if (!gw_ipc_out_init(out))
        return false;
    if (gw_ipc_pair(pair)) {
        *w = (struct gw_watch){ .fd = pair[0], .on_ready = noted };
        *theirs = pair[1];
        if (gw_loop_add_reader(loop, w))
            return true;
        close(pair[0]);
        close_fd(theirs);
    }
    w->fd = -1;
    gw_ipc_out_deinit(out);
    return false;
}

static void close_link(struct gw_loop *loop, struct gw_watch *w, struct gw_ipc_out *out)
{
    if (w->fd >= 0) {
        gw_loop_remove(loop, w);
        close_fd(&w->fd);
    }
    for (unsigned i = 0; i < out->fd_count; i++)
        close(out->fds[i]); /* key files that were not sent any more */
    gw_ipc_out_deinit(out);
}

static void disconnect(struct gw_engine_process *e)
{
    close_link(e->loop, &e->control, &e->out);
    for (unsigned i = 0; i < e->worker_count; i++) {
        close_link(e->loop, &e->workers[i].watch, &e->workers[i].out);
        close_fd(&e->worker_ends[i]);
    }
    free(e->workers);
    free(e->worker_ends);
    e->workers = NULL;
    e->worker_ends = NULL;
    e->worker_count = 0;
}

static bool connect_workers(struct gw_engine_process *e, unsigned workers)
{
    e->workers = calloc(workers, sizeof *e->workers);
    e->worker_ends = calloc(workers, sizeof *e->worker_ends);
    if (!e->workers || !e->worker_ends)
        return false;
    for (unsigned i = 0; i < workers; i++, e->worker_count++)
        if (!open_link(e->loop, &e->workers[i].watch, &e->workers[i].out, &e->worker_ends[i]))
            return false;
    return true;
}

bool gw_engine_start(struct gw_engine_process *e, struct gw_loop *loop, const struct gw_engine_seed *seed, unsigned workers)
{
    *e = (struct gw_engine_process){ .loop = loop, .seed = seed, .generation = e->generation + 1, .control.fd = -1 };
    int theirs = -1;
    if (open_link(loop, &e->control, &e->out, &theirs) && connect_workers(e, workers))
        e->pid = fork();
    else
        e->pid = -1;
    if (e->pid == 0)
        become_engine(theirs, seed->account);
    int why = errno;
    close_fd(&theirs);
    e->started_ns = gw_loop_now_ns(loop);
    if (e->pid > 0)
        return true;
    disconnect(e);
    e->pid = 0;
    errno = why;
    return false;
}

void gw_engine_reaped(struct gw_engine_process *e)
{
    disconnect(e);
    e->pid = 0;
    e->ready = false;
    e->gone = false;
}

void gw_engine_kill(struct gw_engine_process *e, const char *why)
{
    if (e->pid == 0 || e->doomed)
        return;
    e->doomed = why;
    gw_log(GW_LOG_ERROR, "engine %d is killed: %s", (int)e->pid, why);
    if (!e->gone) /* reaped already: the number may be another process by now */
        kill(e->pid, SIGKILL);
    disconnect(e);
}

/* ---- what it is told ---- */

void gw_engine_reload(struct gw_engine_process *e)
{
    e->config_owed = true;
}

void gw_engine_drain(struct gw_engine_process *e)
{
    if (!e->draining)
        e->drain_owed = true;
    e->draining = true;
}

static bool tell(struct gw_engine_process *e, enum gw_ipc_type type, uint64_t id, int fd)
{
    struct gw_ipc_record r = { .type = type, .id = id };
    bool fits = gw_ipc_put(&e->out, &r, fd);
    int sent = fits ? gw_ipc_send(&e->out, e->control.fd) : -1;
    if (sent == 1)
        return true;
    e->out.used = 0; /* it is made anew when there is room */
    e->out.fd_count = 0;
    if (sent < 0)
        gw_engine_kill(e, "its control socket failed");
    else
        gw_loop_await_writing(e->loop, &e->control);
    return false;
}

static bool tell_config(struct gw_engine_process *e)
{
    int fd = gw_snapshot_write(e->seed->config, e->seed->keys->public_keys, e->seed->keys->count);
    if (fd < 0) {
        gw_log(GW_LOG_ERROR, "cannot write the configuration snapshot: %s", strerror(errno));
        gw_engine_kill(e, "it cannot be given its configuration");
        return false;
    }
    bool sent = tell(e, GW_IPC_CONFIG, 0, fd);
    close(fd);
    return sent;
}

static unsigned admin_records(const struct gw_engine_process *e)
{
    return e->seed->control_socket->fd >= 0;
}

/* Record `sent` of: the configuration, the listeners, the ControlSocket if there is one, the workers' sockets, START. */
static bool tell_next(struct gw_engine_process *e)
{
    unsigned at = e->sent;
    if (at == 0)
        return tell_config(e);
    at -= 1;
    if (at < e->seed->listeners->count)
        return tell(e, GW_IPC_LISTENERS, at, e->seed->listeners->fds[at]);
    at -= (unsigned)e->seed->listeners->count;
    if (at < admin_records(e))
        return tell(e, GW_IPC_ADMIN, 0, e->seed->control_socket->fd);
    at -= admin_records(e);
    if (at == e->worker_count)
        return tell(e, GW_IPC_START, 0, -1);
    if (!tell(e, GW_IPC_WORKER, at, e->worker_ends[at]))
        return false;
    close_fd(&e->worker_ends[at]); /* else its end would not be the socket's end */
    return true;
}

static void tell_owed(struct gw_engine_process *e)
{
    while (e->sent < 1 + e->seed->listeners->count + admin_records(e) + e->worker_count + 1) {
        if (!tell_next(e))
            return;
        e->sent++;
    }
    if (e->config_owed) {
        if (!tell_config(e))
            return;
        e->config_owed = false;
    }
    if (e->drain_owed && tell(e, GW_IPC_DRAIN, 0, -1))
        e->drain_owed = false;
}

/* ---- what it says ---- */

/* The only thing that an engine says here is READY, once. True: it did. */
static bool hear(struct gw_engine_process *e, struct cx_view datagram)
{
    struct gw_ipc_record r;
    if (gw_ipc_next(&datagram, &r) == 1 && r.type == GW_IPC_READY && datagram.len == 0 && !e->ready) {
        e->ready = true;
        return true;
    }
    gw_engine_kill(e, "malformed record on its control socket");
    return false;
}

bool gw_engine_serve_control(struct gw_engine_process *e)
{
    bool became_ready = false;
    if (e->pid > 0 && !e->doomed && (e->control.ready & GW_WRITABLE) != 0)
        tell_owed(e);
    while (e->pid > 0 && !e->doomed && (e->control.ready & GW_READABLE) != 0) {
        static uint8_t room[GW_IPC_DATAGRAM_MAX];
        int fds[GW_IPC_FDS_MAX];
        unsigned fd_count;
        ssize_t n = gw_ipc_receive(e->control.fd, room, fds, &fd_count);
        while (fd_count > 0)
            close(fds[--fd_count]); /* an engine has none to give; what it gives is not taken */
        if (n > 0)
            became_ready |= hear(e, cx_view(room, (size_t)n));
        else
            e->control.ready &= (uint8_t)~GW_READABLE;
        if (n < 0 && errno != EAGAIN)
            gw_engine_kill(e, "its control socket failed");
        else if (n == 0 && !e->draining)
            kill(e->pid, SIGTERM); /* it closed its end: it is ending, or wishes to */
    }
    return became_ready;
}

/* SPDX-License-Identifier: MIT */
/* See monitor.h. The order of a start: what a person can have got wrong first (configuration, account, host keys, addresses), while
 * standard error is still theirs; then the background, the signers, and the engine. The signers are forked before any engine is
 * connected, so that none of them ever holds an engine's socket.
 *
 * One timer serves the engine, since it only ever waits for one thing: down, for the next start; starting, for READY; draining, for
 * the end. */
#include "gateway/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/monitor/daemon.h"
#include "gateway/monitor/reload.h"
#include "gateway/monitor/requests.h"

static const uint64_t MS = 1000000, SECOND = 1000000000;

/* An engine that dies is started again after 100 ms, 200 ms, … 10 s; anew from 100 ms once one stayed up for a minute. */
enum { RESTART_FIRST_MS = 100, RESTART_LAST_MS = 10000, UP_SECONDS = 60, START_SECONDS = 60, HARD_STOP_GRACE_SECONDS = 5 };

struct monitor {
    const struct gw_monitor_options *options;
    const struct gw_config *config;
    struct gw_host_keys keys;
    struct gw_listeners listeners;
    struct gw_control_socket control_socket;
    struct gw_account account;
    struct gw_audit_file audit;
    struct gw_engine_seed seed;
    struct gw_engine_process engine;
    struct gw_requests requests;
    struct gw_signer_pool *signers;
    struct gw_loop *loop;
    struct gw_watch signals;
    struct gw_timer engine_timer;
    uint64_t restart_ms; /* how long the next restart waits */
    int ready_fd;        /* the parent that waits in the foreground; -1: none */
    char *pid_path;      /* PidFile as it was written, whatever a reload named since; NULL: none */
    bool was_ready;      /* some engine of ours was */
    bool stopping, done;
    int exit_status;
};

static const struct gw_config *load_config(const struct gw_monitor_options *o, char error[GW_CONFIG_ERROR_MAX])
{
    return gw_config_load(o->config_path, (const char *const *)o->options, o->option_count, error);
}

/* ---- the end ---- */

static void stop_at_once(struct monitor *m)
{
    m->stopping = true;
    m->exit_status = 0;
    if (m->engine.pid > 0)
        gw_engine_kill(&m->engine, "sluiced ends");
    else
        m->done = true;
}

static void drain(struct monitor *m, unsigned signal_number)
{
    m->stopping = true;
    gw_log(GW_LOG_INFO, "Received signal %u; draining for at most %u s.", signal_number,
           (unsigned)(m->config->hard_stop_ns / SECOND));
    gw_listeners_close(&m->listeners);
    gw_engine_drain(&m->engine);
    gw_timer_set(m->loop, &m->engine_timer, gw_loop_now_ns(m->loop) + m->config->hard_stop_ns + HARD_STOP_GRACE_SECONDS * SECOND);
}

/* TERM drains; a second one, or INT, ends at once. */
static void on_stop_signal(struct monitor *m, unsigned signal_number)
{
    if (signal_number == SIGTERM && !m->stopping && m->engine.ready) {
        drain(m, signal_number);
        return;
    }
    gw_log(GW_LOG_INFO, "Received signal %u; terminating.", signal_number);
    stop_at_once(m);
}

/* ---- the engine's life ---- */

static void start_later(struct monitor *m)
{
    gw_timer_set(m->loop, &m->engine_timer, gw_loop_now_ns(m->loop) + m->restart_ms * MS);
    m->restart_ms = m->restart_ms * 2 < RESTART_LAST_MS ? m->restart_ms * 2 : RESTART_LAST_MS;
}

static bool start_engine(struct monitor *m)
{
    if (gw_engine_start(&m->engine, m->loop, &m->seed, gw_engine_worker_count(m->config))) {
        gw_timer_set(m->loop, &m->engine_timer, gw_loop_now_ns(m->loop) + START_SECONDS * SECOND);
        return true;
    }
    gw_log(GW_LOG_ERROR, "cannot start the engine: %s", strerror(errno));
    return false;
}

static void on_engine_timer(struct gw_timer *t, uint64_t now_ns)
{
    (void)now_ns;
    struct monitor *m = (struct monitor *)((char *)t - offsetof(struct monitor, engine_timer));
    if (m->engine.pid > 0)
        gw_engine_kill(&m->engine, m->stopping ? "it did not end after HardStopAfter" : "it was not ready in time");
    else if (!start_engine(m))
        start_later(m);
}

static void on_ready(struct monitor *m)
{
    gw_timer_cancel(m->loop, &m->engine_timer);
    if (m->was_ready) {
        gw_log(GW_LOG_INFO, "engine %d is serving", (int)m->engine.pid);
        return;
    }
    m->was_ready = true;
    const char *pid_file = m->config->pid_file;
    if (pid_file && gw_daemon_write_pid(pid_file))
        m->pid_path = strdup(pid_file);
    else if (pid_file)
        gw_log(GW_LOG_ERROR, "cannot write PidFile %s: %s", pid_file, strerror(errno));
    gw_listeners_announce(&m->listeners);
    gw_daemon_ready(m->ready_fd);
    m->ready_fd = -1;
}

static void on_engine_end(struct monitor *m, int status)
{
    bool asked = m->engine.doomed || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    int pid = (int)m->engine.pid;
    uint64_t up_ns = gw_loop_now_ns(m->loop) - m->engine.started_ns;
    gw_requests_finish(&m->requests);
    gw_engine_reaped(&m->engine);
    gw_timer_cancel(m->loop, &m->engine_timer);
    if (!m->stopping || !asked)
        gw_log(GW_LOG_ERROR, "engine %d ended (%s %d)", pid, WIFSIGNALED(status) ? "signal" : "exit",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (m->stopping || !m->was_ready) {
        m->done = true;
        m->exit_status = m->stopping && asked ? 0 : GW_EXIT_FAILURE;
        return;
    }
    if (up_ns >= UP_SECONDS * SECOND)
        m->restart_ms = RESTART_FIRST_MS;
    gw_log(GW_LOG_ERROR, "starting another engine in %u ms", (unsigned)m->restart_ms);
    start_later(m);
}

/* ---- signals ---- */

static void reload(struct monitor *m)
{
    char error[GW_CONFIG_ERROR_MAX];
    const struct gw_config *fresh = load_config(m->options, error);
    if (!fresh) {
        gw_log(GW_LOG_ERROR, "Received SIGHUP; the configuration stays as it was: %s", error);
        return;
    }
    gw_log(GW_LOG_INFO, "Received SIGHUP; reloading.");
    gw_log_set_level(fresh->log_level);
    gw_reload_say_restarts(m->config, fresh);
    if (!gw_audit_file_reopen(&m->audit, fresh->audit_log))
        gw_log(GW_LOG_ERROR, "cannot open AuditLog %s, the old one stays: %s", fresh->audit_log, strerror(errno));
    gw_config_drop(m->config);
    m->config = m->seed.config = fresh;
    gw_engine_reload(&m->engine);
}

static void reap(struct monitor *m)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == m->engine.pid)
            on_engine_end(m, status);
        else
            gw_signer_pool_reaped(m->signers, pid, status);
    }
}

/* True: there were some, and what they made owed is to be looked at without waiting. */
static bool serve_signals(struct monitor *m)
{
    bool any = false;
    struct signalfd_siginfo info;
    if (!(m->signals.ready & GW_READABLE))
        return false;
    while (read(m->signals.fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(m);
        else if (info.ssi_signo != SIGHUP)
            on_stop_signal(m, info.ssi_signo);
        else if (!m->stopping)
            reload(m);
        any = true;
    }
    m->signals.ready &= (uint8_t)~GW_READABLE;
    return any;
}

static void noted(struct gw_watch *w)
{
    (void)w; /* the loop below looks at everything after a round */
}

/* Answers come in before requests go out: what a request made possible leaves in the same round. */
static void serve(struct monitor *m)
{
    bool more = true; /* the engine is owed its configuration */
    while (!m->done) {
        gw_loop_round(m->loop, !more);
        if (gw_engine_serve_control(&m->engine)) /* before the signals: what it said stands before its death */
            on_ready(m);
        more = serve_signals(m);
        gw_signer_pool_receive(m->signers);
        more |= gw_requests_serve(&m->requests);
        gw_signer_pool_send(m->signers);
    }
}

/* ---- the start ---- */

__attribute__((format(printf, 1, 2))) static bool complain(const char *format, ...)
{
    va_list args;
    fputs("sluiced: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

/* Started with standard descriptors closed, sockets would take their numbers, and be written to as logs. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What -t checks too. */
static bool load(struct monitor *m)
{
    char error[GW_CONFIG_ERROR_MAX];
    m->config = load_config(m->options, error);
    if (!m->config)
        return complain("%s", error);
    return (gw_privileges_lookup(m->config->user, &m->account, error, sizeof error) &&
            gw_host_keys_load(&m->keys, m->config, error, sizeof error)) ||
           complain("%s", error);
}

static bool open_files(struct monitor *m)
{
    char error[GW_CONFIG_ERROR_MAX];
    if (!gw_listeners_open(&m->listeners, m->config->listen, m->config->listen_count, error, sizeof error))
        return complain("%s", error);
    if (!gw_control_socket_open(&m->control_socket, m->config->control_socket, &m->account, error, sizeof error))
        return complain("%s", error);
    if (!gw_audit_file_open(&m->audit, m->config->audit_log))
        return complain("cannot open AuditLog %s: %s", m->config->audit_log, strerror(errno));
    return true;
}

/* The log becomes standard error, which the engine inherits; the person's own is kept until here. */
static bool enter_background(struct monitor *m)
{
    const char *path = m->options->log_path;
    int log = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600) : -1;
    if (path && log < 0)
        return complain("cannot open the log %s: %s", path, strerror(errno));
    if (m->options->background) {
        m->ready_fd = gw_daemon_start(path);
        if (m->ready_fd < 0)
            return complain("cannot go into the background: %s", strerror(errno));
    }
    if (log >= 0) {
        dup2(log, STDERR_FILENO);
        close(log);
    }
    gw_log_init(STDERR_FILENO, m->config->log_level, "sluiced");
    return true;
}

static bool watch_signals(struct monitor *m)
{
    static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGCHLD };
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&set, numbers[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log at its size limit is an error of write, not the end of the gateway */
    sigprocmask(SIG_BLOCK, &set, NULL);
    m->signals = (struct gw_watch){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), .on_ready = noted };
    return m->signals.fd >= 0 && gw_loop_add(m->loop, &m->signals);
}

/* False: errno. */
static bool start_serving(struct monitor *m)
{
    gw_host_keys_lock_memory();
    m->seed = (struct gw_engine_seed){ m->config, &m->keys, &m->listeners, &m->control_socket, &m->account };
    m->loop = gw_loop_new();
    if (!m->loop || !watch_signals(m) || !gw_requests_init(&m->requests, &m->engine, &m->seed, &m->audit))
        return false;
    m->signers = m->requests.signers = gw_signer_pool_new(m->loop, &m->keys, gw_requests_signed, &m->requests);
    return m->signers != NULL;
}

static void deinit(struct monitor *m)
{
    gw_signer_pool_free(m->signers);
    gw_requests_deinit(&m->requests);
    if (m->signals.fd >= 0)
        close(m->signals.fd);
    gw_loop_free(m->loop);
    gw_audit_file_close(&m->audit);
    gw_control_socket_close(&m->control_socket);
    gw_listeners_close(&m->listeners);
    gw_host_keys_free(&m->keys);
    if (m->pid_path)
        unlink(m->pid_path);
    free(m->pid_path);
    if (m->config)
        gw_config_drop(m->config);
}

static struct monitor monitor_new(const struct gw_monitor_options *options)
{
    gw_privileges_hide_memory();
    return (struct monitor){
        .options = options,
        .restart_ms = RESTART_FIRST_MS,
        .engine_timer.fire = on_engine_timer,
        .audit.fd = -1,
        .control_socket.fd = -1,
        .signals.fd = -1,
        .ready_fd = -1,
        .exit_status = GW_EXIT_FAILURE,
    };
}

int gw_monitor_run(const struct gw_monitor_options *options)
{
    struct monitor m = monitor_new(options);
    fill_standard_descriptors();
    raise_descriptor_limit();
    if (load(&m) && open_files(&m) && enter_background(&m)) {
        if (!m.account.separate)
            gw_log(GW_LOG_INFO,
                   "not started as root: the engine runs as the same user, and the host keys are not separated from it");
        if (!start_serving(&m))
            gw_log(GW_LOG_FATAL, "cannot start: %s", strerror(errno));
        else if (start_engine(&m))
            serve(&m);
    }
    deinit(&m);
    return m.exit_status;
}

int gw_monitor_check(const struct gw_monitor_options *options)
{
    struct monitor m = monitor_new(options);
    bool ok = load(&m);
    deinit(&m);
    return ok ? 0 : GW_EXIT_FAILURE;
}

int gw_monitor_print(const struct gw_monitor_options *options)
{
    char error[GW_CONFIG_ERROR_MAX];
    const struct gw_config *config = load_config(options, error);
    if (!config) {
        complain("%s", error);
        return GW_EXIT_FAILURE;
    }
    gw_config_print(config, stdout);
    gw_config_drop(config);
    return fflush(stdout) == 0 ? 0 : GW_EXIT_FAILURE;
}

/* SPDX-License-Identifier: MIT */
#include "bench/compare/measure.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/compare/bare.h"
#include "bench/compare/relay.h"
#include "bench/load/names.h"
#include "bench/load/run.h"

enum {
    SOURCES = 8, /* dropbear takes five clients of an address that are not logged in yet */
    CONNECTS_AT_ONCE = 8,
    BULK_BYTES = 1 << 20,
    DEAR_CONNECTIONS = 60, /* in place of more, where each is a process */
    WARM_CONNECTIONS = 4,
    WARM_CHANNELS = 16,
};
static const double FAR_WARMUP_S = 1.5; /* 15 round trips, in which windows grow */

const char compare_nothing_done[] = "not one unit of work was done in that time";

static void fault(struct compare_sample *out, const char *text)
{
    if (!out->fault[0])
        snprintf(out->fault, sizeof out->fault, "%.*s", COMPARE_SAMPLE_TEXT - 1, text);
}

static double warmup_of(const struct compare_measure *m, const struct compare_how *how)
{
    return how->warmup_s + (m->far ? FAR_WARMUP_S : 0);
}

/* ---- SSH ---- */

struct ssh {
    struct load_settings settings;
    char target[64], ciphers[256], macs[256], kex[128];
};

static void set_up(struct ssh *ssh, const struct compare_server *s, const struct compare_measure *m, const struct compare_how *how)
{
    const struct compare_bed *bed = how->bed;
    struct load_settings *l = &ssh->settings;
    char error[256];
    /* names of our own tables */
    (void)load_names_ciphers(m->ciphers, ssh->ciphers, sizeof ssh->ciphers, error, sizeof error);
    (void)load_names_macs(m->macs, ssh->macs, sizeof ssh->macs, error, sizeof error);
    (void)load_names_kex("curve25519-sha256", ssh->kex, sizeof ssh->kex, error, sizeof error);
    snprintf(ssh->target, sizeof ssh->target, "%s", s->kind->queues ? compare_service_names[m->service] : "127.0.0.1");
    *l = (struct load_settings){
        .mode = m->mode,
        .server = compare_server_address(s, m->service),
        .user = bed->place.user,
        .key_text = cx_view_text(bed->place.user_key),
        .target_host = cx_view_text(ssh->target),
        .target_port = bed->services_port + m->service,
        .threads = bed->client_threads,
        .connections = m->connections,
        .channels = m->channels,
        .payload_bytes = 64,
        .bulk_payload_bytes = m->beside_bulk ? BULK_BYTES : 0,
        .echoes_per_second = m->echoes_per_second,
        .duration_s = how->seconds * m->longer,
        .warmup_s = warmup_of(m, how),
        .connects_at_once = CONNECTS_AT_ONCE,
        .server_pid = s->pid,
        .sources = SOURCES,
        .protocol = { .software = "sluice-bench_" SLUICE_VERSION,
                      .kex = ssh->kex,
                      .host_key_algs = load_host_key_algs,
                      .ciphers = ssh->ciphers,
                      .macs = ssh->macs },
    };
    for (unsigned i = 0; i < SOURCES; i++) {
        l->source[i] = compare_loopback(0);
        l->source[i].bytes[3] = (uint8_t)(i + 1);
    }
}

static bool go_on(void *state, enum load_step step, double done, const struct load_totals *now, double rate)
{
    const struct compare_how *how = *(const struct compare_how *const *)state;
    (void)step;
    (void)done;
    (void)now;
    (void)rate;
    return !how->enough();
}

/* False: nothing came of it. */
static bool run(const struct load_settings *settings, const struct compare_how *how, struct load_figures *f,
                struct compare_sample *out)
{
    char text[COMPARE_SAMPLE_TEXT];
    const char *failed = load_run(settings, f, go_on, &how);
    if (failed) {
        snprintf(text, sizeof text, "%s: %s", failed, strerror(errno));
        fault(out, text);
    } else if (f->faults.different > 0) {
        const struct load_fault *first = &f->faults.fault[0];
        snprintf(text, sizeof text, "%s: %s", load_fault_name(first->kind), first->text);
        fault(out, text);
    }
    out->hopeless = failed || f->login_ns.count == 0;
    return !out->hopeless;
}

static void take_figures(const struct load_settings *settings, const struct load_figures *f, struct compare_sample *out)
{
    double works = load_figures_works(f, settings->mode);
    if (works <= 0) {
        fault(out, compare_nothing_done);
        return;
    }
    if (f->watched)
        out->figure[COMPARE_CPU] = (f->server.user_s + f->server.system_s) / works;
    out->figure[COMPARE_RATE] = works / f->measured_s;
    out->figure[COMPARE_P99] = (double)bench_histogram_quantile(&f->latency_ns, 0.99) / 1e9;
}

static struct load_figures figures; /* too large for the stack */

static void measure_work(struct load_settings *settings, const struct compare_how *how, struct compare_sample *out)
{
    if (run(settings, how, &figures, out))
        take_figures(settings, &figures, out);
    load_figures_deinit(&figures);
}

/* PSS with so many connections and channels, when nothing has happened for a measurement's time, in which servers may give back
 * what they need no more; 0: unknown. */
static uint64_t held(struct load_settings *settings, unsigned connections, unsigned channels, const struct compare_how *how,
                     struct compare_sample *out)
{
    settings->connections = connections;
    settings->channels = channels;
    settings->warmup_s = 0;
    bool ran = run(settings, how, &figures, out);
    bool all = figures.end.connected == connections && figures.end.opened == (uint64_t)connections * channels;
    bool whole = figures.watched && figures.after.whole;
    load_figures_deinit(&figures);
    if (ran && !all)
        fault(out, "not all connections and channels came up");
    else if (ran && !whole)
        fault(out, "its memory is shown to root alone");
    return ran && all && whole ? figures.after.pss_bytes : 0;
}

/* What the server needs once is there before anything is counted. */
static void measure_memory(struct load_settings *settings, const struct compare_server *s, const struct compare_measure *m,
                           const struct compare_how *how, struct compare_sample *out)
{
    bool dear = s->kind->process_a_connection && m->connections > DEAR_CONNECTIONS;
    unsigned connections = dear ? DEAR_CONNECTIONS : m->connections;
    if (held(settings, WARM_CONNECTIONS, WARM_CHANNELS, how, out) == 0)
        return;
    uint64_t one = held(settings, 1, 0, how, out), all = held(settings, connections, m->channels, how, out);
    if (one > 0 && all > one)
        out->figure[COMPARE_MEMORY] = (double)(all - one) / (m->channels > 0 ? m->channels : connections - 1);
}

/* ---- a long path ---- */

/* A relay that delays stands in front of the server. False: out tells it. */
static bool lengthen(const struct compare_bed *bed, struct gw_addr *server, pid_t *pid, struct compare_sample *out)
{
    unsigned port = compare_free_ports(1);
    struct compare_relay relay = { .routes = 1, .delay_ns = COMPARE_FAR_MS * UINT64_C(1000000) / 2 };
    relay.route[0].listen_fd = port > 0 ? compare_listen(port) : -1;
    relay.route[0].to = *server;
    *pid = relay.route[0].listen_fd >= 0 ? compare_relay_start(&relay, &bed->client_cores) : -1;
    if (*pid < 0) {
        fault(out, "a relay that delays could not be started");
        return false;
    }
    *server = compare_loopback(port);
    return true;
}

/* ---- without SSH ---- */

static void nap(double seconds, bool (*enough)(void))
{
    const struct timespec step = { 0, 50000000 };
    for (double end_ns = bench_now_ns() + seconds * 1e9; bench_now_ns() < end_ns && !enough();)
        (void)nanosleep(&step, NULL); /* how long it was is measured */
}

static void measure_dials(const struct compare_how *how, struct compare_sample *out)
{
    const struct gw_addr to = compare_loopback(how->bed->services_port);
    void *shared = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    _Atomic uint64_t *count = shared;
    pid_t pid = shared == MAP_FAILED ? -1 : compare_dialer_start(&to, &how->bed->server_cores, count);
    struct bench_processes before, after;
    if (pid < 0) {
        fault(out, "a process that dials could not be started");
        return;
    }
    nap(how->warmup_s, how->enough);
    uint64_t works = atomic_load(count);
    bool good = bench_processes_read(pid, false, &before);
    nap(how->seconds, how->enough);
    works = atomic_load(count) - works;
    good = good && bench_processes_read(pid, false, &after) && works > 0;
    if (good) /* its pace is our choice, so that it has no rate */
        out->figure[COMPARE_CPU] = (after.user_s + after.system_s - before.user_s - before.system_s) / (double)works;
    else
        fault(out, "the process that dials ended");
    compare_child_end(&pid);
    munmap(shared, sizeof(uint64_t));
}

/* ---- all of it ---- */

bool compare_does(const struct compare_server *s, const struct compare_measure *m)
{
    return s->kind->speaks_ssh || m->floor == COMPARE_FLOOR_RELAY || (m->floor == COMPARE_FLOOR_DIAL && s->kind == &compare_bare);
}

static void measure_relayed(const struct compare_server *s, const struct compare_measure *m, const struct compare_how *how,
                            struct gw_addr server, struct compare_sample *out)
{
    const struct compare_bare_settings settings = {
        .mode = m->mode,
        .server = server,
        .connections = m->connections * m->channels,
        .warmup_s = warmup_of(m, how),
        .duration_s = how->seconds * m->longer,
        .server_pid = s->pid,
    };
    compare_bare_run(&settings, how->enough, out);
}

void compare_measure_take(struct compare_server *s, const struct compare_measure *m, const struct compare_how *how,
                          struct compare_sample *out)
{
    struct ssh ssh;
    pid_t relay_pid = 0;
    bool memory = compare_shows(m, COMPARE_MEMORY);
    *out = (struct compare_sample){ .fault = "" };
    if (memory) {
        compare_server_end(s);
        if (!compare_server_start(s, how->bed)) {
            fault(out, s->missing);
            return;
        }
    }
    set_up(&ssh, s, m, how);
    if (m->far && !lengthen(how->bed, &ssh.settings.server, &relay_pid, out))
        return;
    if (memory)
        measure_memory(&ssh.settings, s, m, how, out);
    else if (s->kind->speaks_ssh)
        measure_work(&ssh.settings, how, out);
    else if (m->floor == COMPARE_FLOOR_DIAL)
        measure_dials(how, out);
    else
        measure_relayed(s, m, how, ssh.settings.server, out);
    compare_child_end(&relay_pid);
}

/* SPDX-License-Identifier: MIT */
/* The calling thread watches: it moves the phase on, and takes the sums at its borders, so that the workers need not know when. */
#include "bench/load/run.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/load/pattern.h"
#include "bench/load/worker.h"
#include "crypto/cpu.h"

enum { SERIES_STEPS = 120, SERIES_ROOM = 2 * SERIES_STEPS };
static const double NAP_S = 0.05, STALL_S = 70, RATE_S = 1, STEP_LEAST_S = 0.2;

struct run {
    const struct load_settings *settings;
    struct load_figures *figures;
    load_watch *watch;
    void *state;
    struct load_worker **worker;
    unsigned threads;
    _Atomic unsigned phase;
    double start_s, step_s;    /* step_s: between two of the series */
    struct load_totals lately; /* about RATE_S ago */
    double rate;
    bool enough;
};

static double now_s(void)
{
    return bench_now_ns() / 1e9;
}

static void nap(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    (void)nanosleep(&t, NULL); /* too short a nap does no harm */
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct load_totals total(const struct run *r)
{
    struct load_totals t = { .at_s = now_s() - r->start_s };
    for (unsigned i = 0; i < r->threads; i++) {
        const struct load_live *l = &load_worker_tally(r->worker[i])->live;
        t.works += look(&l->works);
        t.bytes_up += look(&l->bytes_up);
        t.bytes_down += look(&l->bytes_down);
        t.rekeys += look(&l->rekeys);
        t.faults += look(&l->faults);
        t.cuts += look(&l->cuts);
        t.connected += look(&l->connected);
        t.opened += look(&l->opened);
        t.settled += look(&l->settled);
    }
    return t;
}

static void enter(struct run *r, enum load_phase phase)
{
    atomic_store_explicit(&r->phase, phase, memory_order_relaxed);
    for (unsigned i = 0; i < r->threads; i++)
        load_worker_wake(r->worker[i]);
}

static struct load_cpu own_cpu(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (struct load_cpu){ (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6,
                              (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6 };
}

static struct load_cpu cpu_between(struct load_cpu begin, struct load_cpu end)
{
    return (struct load_cpu){ end.user_s - begin.user_s, end.system_s - begin.system_s };
}

/* ---- the steps ---- */

static void show(struct run *r, enum load_step step, double done, const struct load_totals *now)
{
    if (now->at_s - r->lately.at_s >= RATE_S || r->rate == 0) {
        double passed = now->at_s - r->lately.at_s;
        r->rate = passed > 0 ? load_totals_works(&r->lately, now, r->settings->mode) / passed : 0;
        if (passed >= RATE_S)
            r->lately = *now;
    }
    if (r->watch && !r->watch(r->state, step, done, now, r->rate))
        r->enough = true;
}

/* Until all connections stand or have failed once, or nothing happens any more. */
static void ramp(struct run *r)
{
    unsigned wanted = r->settings->connections;
    double moved_s = now_s();
    uint64_t seen = 0;
    for (struct load_totals t = total(r); t.settled < wanted && !r->enough; t = total(r)) {
        uint64_t signs = t.settled + t.connected + t.opened + t.faults;
        if (signs != seen)
            moved_s = now_s();
        else if (now_s() - moved_s > STALL_S)
            break;
        seen = signs;
        show(r, LOAD_STEP_RAMP, (double)t.settled / wanted, &t);
        nap(NAP_S);
    }
}

static void record(struct run *r, const struct load_totals *t)
{
    struct load_figures *f = r->figures;
    bool due = f->series_count == 0 || t->at_s - f->series[f->series_count - 1].at_s >= r->step_s * 0.9;
    if (f->series && due && f->series_count < SERIES_ROOM)
        f->series[f->series_count++] = *t;
}

static void pass(struct run *r, enum load_step step, double seconds)
{
    double begin_s = now_s(), left_s;
    while ((left_s = begin_s + seconds - now_s()) > 0 && !r->enough) {
        struct load_totals t = total(r);
        record(r, &t);
        show(r, step, 1 - left_s / seconds, &t);
        nap(left_s < NAP_S ? left_s : NAP_S);
    }
}

static struct load_cpu server_cpu(struct run *r)
{
    struct bench_processes p;
    r->figures->watched &= bench_processes_read(r->settings->server_pid, false, &p);
    return (struct load_cpu){ p.user_s, p.system_s };
}

static void measure(struct run *r)
{
    const struct load_settings *s = r->settings;
    struct load_figures *f = r->figures;
    struct load_cpu own = own_cpu(), server = { 0 };
    if (f->watched)
        server = server_cpu(r);
    f->begin = total(r);
    enter(r, LOAD_MEASURE);
    pass(r, LOAD_STEP_MEASURE, s->duration_s);
    f->end = total(r);
    enter(r, LOAD_WORK); /* what happens while memory is counted is not measured */
    record(r, &f->end);
    if (f->watched)
        f->server = cpu_between(server, server_cpu(r));
    f->own = cpu_between(own, own_cpu());
    f->measured_s = f->end.at_s - f->begin.at_s;
    if (f->watched)
        f->watched = bench_processes_read(s->server_pid, true, &f->after);
    (void)bench_processes_read(getpid(), true, &f->own_after);
}

/* ---- threads ---- */

static struct load_share share_of(const struct load_settings *s, unsigned index, unsigned threads)
{
    unsigned first = (unsigned)((uint64_t)s->connections * index / threads);
    unsigned end = (unsigned)((uint64_t)s->connections * (index + 1) / threads);
    unsigned at_once = s->connects_at_once / threads + (index < s->connects_at_once % threads);
    double part = (double)(end - first) / s->connections;
    return (struct load_share){
        .index = index,
        .threads = threads,
        .first = first,
        .connections = end - first,
        .connects_at_once = at_once > 0 ? at_once : 1,
        .connects_per_second = s->connects_per_second * part,
        .echoes_per_second = s->mode == LOAD_ECHO ? s->echoes_per_second * part : 0,
        .cuts_per_second = s->cuts_per_second * part,
    };
}

static const char *start_workers(struct run *r)
{
    const struct load_settings *s = r->settings;
    unsigned threads = s->threads;
    r->worker = calloc(threads, sizeof *r->worker);
    if (!r->worker)
        return "threads";
    for (unsigned i = 0; i < threads; i++) {
        struct load_share share = share_of(s, i, threads);
        r->worker[i] = load_worker_new(s, &share, &r->phase);
        if (!r->worker[i])
            return "a thread's loop, key and connections";
        r->threads++;
        if (!load_worker_start(r->worker[i]))
            return "a thread";
    }
    return NULL;
}

static void collect(struct run *r)
{
    struct load_figures *f = r->figures;
    for (unsigned i = 0; i < r->threads; i++) {
        const struct load_tally *t = load_worker_tally(r->worker[i]);
        bench_histogram_merge(&f->latency_ns, &t->latency_ns);
        bench_histogram_merge(&f->login_ns, &t->login_ns);
        load_faults_merge(&f->faults, &t->faults);
        f->behind += t->behind;
        if (!f->peer.kex)
            f->peer = t->peer;
    }
}

static void stop_workers(struct run *r)
{
    enter(r, LOAD_STOP);
    for (unsigned i = 0; i < r->threads; i++)
        load_worker_join(r->worker[i]);
}

static void free_workers(struct run *r)
{
    for (unsigned i = 0; i < r->threads; i++)
        load_worker_free(r->worker[i]);
    free(r->worker);
}

const char *load_run(const struct load_settings *settings, struct load_figures *out, load_watch *watch, void *state)
{
    struct run r = { .settings = settings, .figures = out, .watch = watch, .state = state, .start_s = now_s() };
    memset(out, 0, sizeof *out);
    r.step_s = (settings->warmup_s + settings->duration_s) / SERIES_STEPS;
    r.step_s = r.step_s > STEP_LEAST_S ? r.step_s : STEP_LEAST_S;
    out->series = calloc(SERIES_ROOM, sizeof *out->series);
    out->watched = settings->server_pid > 0 && bench_processes_read(settings->server_pid, true, &out->before);
    /* where connecting is the work it does not come before it */
    atomic_store(&r.phase, settings->mode == LOAD_HANDSHAKE ? LOAD_WORK : LOAD_RAMP);
    const char *failed = start_workers(&r);
    int saved_errno = errno;
    if (!failed && settings->mode != LOAD_HANDSHAKE)
        ramp(&r);
    out->ramp_s = now_s() - r.start_s;
    if (!failed) {
        enter(&r, LOAD_WORK);
        r.lately = total(&r);
        pass(&r, LOAD_STEP_WARMUP, settings->warmup_s);
        measure(&r);
    }
    stop_workers(&r);
    if (!failed)
        collect(&r);
    free_workers(&r);
    errno = saved_errno;
    return failed;
}

/* ---- once ---- */

void load_prepare(enum cx_tier cap)
{
    static struct cx_kernels kernels;
    struct rlimit limit;
    cx_kernels_select(&kernels, cx_cpu_detect(), cap, NULL, NULL);
    cx_kernels_install(&kernels);
    load_pattern_init();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* a connection without a descriptor is counted as such */
    }
}

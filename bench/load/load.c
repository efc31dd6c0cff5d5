/* SPDX-License-Identifier: MIT */
/* sluice-bench load: SSH connections and channels in great numbers, against any server. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/load/line.h"
#include "bench/load/report.h"
#include "bench/load/run.h"
#include "bench/load/target.h"
#include "bench/load/units.h"
#include "bench/report/progress.h"
#include "bench/report/terminal.h"
#include "gateway/kernels.h"

enum { EXIT_FAILED = 1 };

/* The first Ctrl-C ends the measurement, and what was found is told; the second one ends the program. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static void catch_interrupt(void)
{
    struct sigaction once = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGINT, &once, NULL);
}

struct watcher {
    const struct load_settings *settings;
    struct bench_progress progress;
};

static bool show(void *state, enum load_step step, double done, const struct load_totals *now, double rate)
{
    struct watcher *w = state;
    const struct load_settings *s = w->settings;
    char text[160], bytes[LOAD_UNIT_TEXT];
    int used = 0;
    if (step == LOAD_STEP_RAMP)
        used = snprintf(text, sizeof text, "%llu of %u connections, %llu channels", (unsigned long long)now->connected,
                        s->connections, (unsigned long long)now->opened);
    else if (s->mode == LOAD_IDLE)
        used = snprintf(text, sizeof text, "%llu connections, %llu channels", (unsigned long long)now->connected,
                        (unsigned long long)now->opened);
    else if (load_is_bulk(s->mode))
        used = snprintf(text, sizeof text, "%s: %s/s", load_mode_words[s->mode].name, load_bytes_text(rate * (1 << 30), bytes));
    else
        used = snprintf(text, sizeof text, "%s: %.0f a second", load_mode_words[s->mode].name, rate);
    snprintf(text + used, sizeof text - (size_t)used, "%s, %llu errors", step == LOAD_STEP_WARMUP ? " (warming up)" : "",
             (unsigned long long)now->faults);
    bench_progress_show(&w->progress, done < 1 ? done : 0.99, text);
    return !interrupted;
}

static int report(const struct load_line *line, const struct load_figures *f)
{
    const struct load_settings *s = &line->settings;
    if (line->json)
        load_report_json(s, f, stdout);
    else
        load_report_print(s, f, stdout, bench_terminal_colours(STDOUT_FILENO));
    if (fflush(stdout) != 0) {
        fprintf(stderr, "sluice-bench load: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (line->plot && !load_report_plot(s, f, line->plot)) {
        fprintf(stderr, "sluice-bench load: %s: %s\n", line->plot, strerror(errno));
        return EXIT_FAILED;
    }
    return f->login_ns.count > 0 ? 0 : EXIT_FAILED;
}

static int measure(const struct load_line *line)
{
    static struct load_figures figures; /* too large for the stack */
    struct watcher watcher = { .settings = &line->settings };
    catch_interrupt();
    const char *failed = load_run(&line->settings, &figures, show, &watcher);
    bench_progress_clear(&watcher.progress);
    int status = EXIT_FAILED;
    if (failed)
        fprintf(stderr, "sluice-bench load: %s: %s\n", failed, strerror(errno));
    else
        status = report(line, &figures);
    load_figures_deinit(&figures);
    return status;
}

int bench_load(int argc, char **argv)
{
    static char name[] = "sluice-bench load"; /* for messages */
    static struct load_line line;
    char error[128];
    enum cx_tier cap;
    int status = BENCH_EXIT_USAGE;
    argv[0] = name;
    enum bench_options_outcome outcome = load_line_parse(&line, argc, argv);
    if (outcome == BENCH_OPTIONS_HELP) {
        status = 0;
    } else if (outcome == BENCH_OPTIONS_GO && !gw_kernels_cap(&cap, error, sizeof error)) {
        fprintf(stderr, "sluice-bench load: %s\n", error);
    } else if (outcome == BENCH_OPTIONS_GO) {
        load_prepare(cap);
        status = line.serve ? load_target_serve(line.serve) : measure(&line);
    }
    load_line_deinit(&line);
    return status;
}

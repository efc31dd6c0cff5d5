/* SPDX-License-Identifier: MIT */
#include "bench/report/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/report/terminal.h"

static const double LEAST_GAP_NS = 1e8;

void bench_progress_show(struct bench_progress *progress, double done, const char *what)
{
    double now = bench_now_ns();
    if (now - progress->shown_ns < LEAST_GAP_NS || !isatty(STDERR_FILENO))
        return;
    int room = (int)bench_terminal_columns(STDERR_FILENO) - 8;
    if (done < 1)
        fprintf(stderr, "\r\033[K%3.0f %%  %.*s", 100 * done, room, what);
    else
        fprintf(stderr, "\r\033[Knoisy: once more  %.*s", room - 14, what);
    progress->shown = true;
    progress->shown_ns = now;
}

void bench_progress_clear(struct bench_progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

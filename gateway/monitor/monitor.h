/* SPDX-License-Identifier: MIT */
/* The monitor: the process that a person starts. It holds the configuration, the host keys and the listeners, keeps an engine
 * running, and answers what the engine may not do itself: design section 1. It never makes a thread and never waits for anything
 * but its loop. */
#ifndef GW_MONITOR_H
#define GW_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

struct gw_monitor_options {
    char *config_path;
    char **options; /* -o, in order: before the file */
    size_t option_count;
    const char *log_path; /* -E; NULL: standard error */
    bool background;      /* needs log_path */
};

enum { GW_EXIT_FAILURE = 255 };

/* The gateway's life. The exit status: 0 once it was ended by a signal, GW_EXIT_FAILURE with a line that says why. */
int gw_monitor_run(const struct gw_monitor_options *options);
/* -t: everything that can fail before the listeners open, and nothing else. */
int gw_monitor_check(const struct gw_monitor_options *options);
/* -T: prints the effective configuration. */
int gw_monitor_print(const struct gw_monitor_options *options);

#endif

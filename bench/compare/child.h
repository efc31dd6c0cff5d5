/* SPDX-License-Identifier: MIT */
/* Processes that this one starts and ends. Each leads a session of its own, so that Ctrl-C reaches this program alone, which then
 * ends them in order; and each is killed by the kernel when this one dies in any other way. The thread that starts them has to
 * outlive them.
 *
 * Also, Linux divides a core among sessions before it does among processes (sched_autogroup_enabled). Servers that make one
 * themselves for a connection, as sshd does, would have twice the time of others where the machine has more to do. */
#ifndef COMPARE_CHILD_H
#define COMPARE_CHILD_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* Like fork: 0 in the new process, which runs on these cores only; -1: errno. No other thread may run. */
pid_t compare_child_fork(const cpu_set_t *cores);

struct compare_program {
    const char *const *argv; /* [0]: its path; the last one is NULL */
    const cpu_set_t *cores;
    int out_fd, log_fd; /* standard output; standard error, and also standard output if out_fd is -1 */
    /* In the new process, before the program; false: the program is not started. NULL: nothing to do. */
    bool (*prepare)(const void *state);
    const void *state;
};
/* -1: errno. A program that cannot be started ends with status 127. */
pid_t compare_child_start(const struct compare_program *program);
/* Whether it still runs; one that has ended is waited for. */
bool compare_child_runs(pid_t *pid);
/* Ends it and its group: asked, and after a few seconds killed. *pid is 0 behind it. */
void compare_child_end(pid_t *pid);
/* Runs a program to its end. True: its status was 0. */
bool compare_child_complete(const struct compare_program *program);

#endif

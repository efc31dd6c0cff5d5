/* SPDX-License-Identifier: MIT */
/* What a program and all processes below it have used and hold, as /proc tells it. One thread. */
#ifndef BENCH_PROCESSES_H
#define BENCH_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* CPU time in clock ticks of 10 ms; that of processes which ended is in it, as far as their parents waited for them. */
struct bench_processes {
    unsigned count;
    double user_s, system_s;
    uint64_t rss_bytes;   /* what is shared counts in each process; always to be read */
    uint64_t pss_bytes;   /* shared memory in shares; 0: not to be read */
    unsigned descriptors; /* 0: not to be read */
    bool whole;           /* memory and descriptors of all could be read */
};

/* False: there is no such process. memory: PSS and descriptors too, which takes milliseconds a process. */
bool bench_processes_read(pid_t root, bool memory, struct bench_processes *out);

#endif

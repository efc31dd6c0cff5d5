/* SPDX-License-Identifier: MIT */
/* What a machine does without SSH: a process that passes bytes on, one read and one write at a time, at once or as a long path
 * would; and one that only dials. */
#ifndef COMPARE_RELAY_H
#define COMPARE_RELAY_H

#include <sched.h>
#include <stdint.h>
#include <sys/types.h>

#include "gateway/net/addr.h"

enum { COMPARE_ROUTES_MAX = 3 };

struct compare_relay {
    struct {
        int listen_fd;
        struct gw_addr to;
    } route[COMPARE_ROUTES_MAX];
    unsigned routes;
    uint64_t delay_ns; /* each way */
};

/* A process of its own, which takes the listeners over: they are closed here. -1: errno. End it with compare_child_end. */
pid_t compare_relay_start(const struct compare_relay *relay, const cpu_set_t *cores);

/* A process that connects there and closes, over and over, at a moderate pace, so that ports do not run out; *count, shared memory,
 * grows. */
pid_t compare_dialer_start(const struct gw_addr *to, const cpu_set_t *cores, _Atomic uint64_t *count);

#endif

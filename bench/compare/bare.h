/* SPDX-License-Identifier: MIT */
/* A client without SSH, for servers that only pass bytes on: what load does over channels it does over TCP connections. */
#ifndef COMPARE_BARE_H
#define COMPARE_BARE_H

#include "bench/compare/sample.h"
#include "bench/load/settings.h"

struct compare_bare_settings {
    enum load_mode mode; /* not LOAD_CHURN, not LOAD_IDLE; LOAD_HANDSHAKE: connect, say all, wait for the end; again */
    struct gw_addr server;
    unsigned connections;
    double warmup_s, duration_s;
    pid_t server_pid;
};

/* In the calling thread. enough: asked a few times a second; true ends it early. */
void compare_bare_run(const struct compare_bare_settings *settings, bool (*enough)(void), struct compare_sample *out);

#endif

/* SPDX-License-Identifier: MIT */
/* What one load measurement is to do. Immutable while it runs; any thread. */
#ifndef LOAD_SETTINGS_H
#define LOAD_SETTINGS_H

#include <sys/types.h>

#include "gateway/net/addr.h"
#include "mux/session.h"

enum load_mode {
    LOAD_HANDSHAKE, /* connect, key exchange, login, one channel opened; then the next connection */
    LOAD_CHURN,     /* channels opened and closed */
    LOAD_ECHO,      /* a payload there and back */
    LOAD_BULK_UP,
    LOAD_BULK_DOWN,
    LOAD_IDLE, /* connections and channels are held */
    LOAD_MODE_COUNT
};

/* How a mode and its unit of work are called. */
struct load_mode_words {
    const char *name, *one, *many;
};
extern const struct load_mode_words load_mode_words[LOAD_MODE_COUNT];

enum { LOAD_SOURCES_MAX = 64 };

struct load_settings {
    enum load_mode mode;
    struct gw_addr server;
    const char *user;
    struct cx_view key_text; /* a private key file's contents: each thread has a key of its own from it */
    const char *host_key;    /* the only fingerprint that is trusted ("SHA256:…"); NULL: any */
    struct cx_view target_host;
    uint32_t target_port;
    unsigned threads, connections, channels; /* threads: no more than connections; channels: of each connection */
    size_t payload_bytes;
    size_t bulk_payload_bytes; /* LOAD_ECHO: each connection's first channel echoes this much at a time, and counts for nothing; 0:
                                * it is as the others */
    double echoes_per_second;  /* of all channels together, at times set in advance; 0: each when the one before is back */
    double duration_s, warmup_s;
    double connects_per_second;              /* 0: no limit */
    unsigned connects_at_once;               /* connections that are not logged in yet */
    double cuts_per_second;                  /* connections that are cut off in the middle, and made anew; 0: none */
    unsigned slow_percent;                   /* of connections: they are read slowly */
    pid_t server_pid;                        /* 0: none is watched */
    struct gw_addr source[LOAD_SOURCES_MAX]; /* connections take turns; none: the system's choice */
    size_t sources;
    struct mux_config protocol;
};

static inline bool load_is_bulk(enum load_mode mode)
{
    return mode == LOAD_BULK_UP || mode == LOAD_BULK_DOWN;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Services on loopback that tunnels lead to: a thread each, one connection each. */
#ifndef BACKEND_H
#define BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum backend_kind {
    BACKEND_ECHO,  /* until the end, then closes */
    BACKEND_SINK,  /* waits for `go`, reads all, then closes */
    BACKEND_GREET, /* sends 300000 bytes and closes at once, reading nothing */
    BACKEND_HALF,  /* reads until the end, then answers with what it read, then closes */
    BACKEND_TALK,  /* waits for `go`, sends 10000 bytes, then reads all */
    BACKEND_RESET, /* reads a byte, then resets */
};

struct backend {
    enum backend_kind kind;
    int listener;
    uint16_t port;
    _Atomic bool go;
    uint8_t *bytes;
    size_t len, room;
    _Atomic bool clean_end; /* the gateway's end came without an error */
    unsigned long thread;
};

void backend_start(struct backend *b, enum backend_kind kind);
void backend_join(struct backend *b);
/* A queue web that leads there, for alice; until the next call. */
const char *backend_queue(const struct backend *b);

#endif

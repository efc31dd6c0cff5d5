/* SPDX-License-Identifier: MIT */
/* What went wrong, counted by kind and reason. One thread; those of several are merged. */
#ifndef LOAD_FAULT_H
#define LOAD_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/span.h"

enum load_fault_kind {
    LOAD_FAULT_CONNECT,     /* no TCP connection */
    LOAD_FAULT_TURNED_AWAY, /* closed before the login was answered */
    LOAD_FAULT_LOGIN,       /* refused, or the host key was */
    LOAD_FAULT_TIMEOUT,     /* no login within its time */
    LOAD_FAULT_LOST,        /* closed, or left by the server, after the login */
    LOAD_FAULT_PROTOCOL,    /* what came was not SSH as it should be */
    LOAD_FAULT_REFUSED,     /* a channel was not opened */
    LOAD_FAULT_CLOSED,      /* a channel was closed that was in use */
    LOAD_FAULT_WRONG_BYTES, /* what came back was not what was sent */
    LOAD_FAULT_OWN,         /* memory or descriptors of our own */
    LOAD_FAULT_KIND_COUNT
};

/* "connect", "turned-away", …: for programs. */
const char *load_fault_name(enum load_fault_kind kind);

enum { LOAD_FAULTS_MAX = 32, LOAD_FAULT_TEXT = 96 };

struct load_fault {
    enum load_fault_kind kind;
    char text[LOAD_FAULT_TEXT]; /* printable ASCII */
    uint64_t count;
};

/* Zeroed to begin with. */
struct load_faults {
    struct load_fault fault[LOAD_FAULTS_MAX];
    size_t different;
    uint64_t total;
};

/* text may be a peer's. Once LOAD_FAULTS_MAX different ones are there, a further one is counted as "others" of the last kind. */
void load_faults_add(struct load_faults *f, enum load_fault_kind kind, struct cx_view text, uint64_t count);
void load_faults_merge(struct load_faults *into, const struct load_faults *from);

#endif

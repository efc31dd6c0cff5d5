/* SPDX-License-Identifier: MIT */
/* What one thread counts. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include <stdatomic.h>

#include "bench/load/fault.h"
#include "bench/report/histogram.h"
#include "crypto/keys/key.h"

/* Written by the thread alone, read by the one that watches, at any time. */
struct load_live {
    _Atomic uint64_t works, bytes_up, bytes_down, rekeys, faults, cuts;
    _Atomic uint64_t connected, opened; /* connections that are logged in, channels that are open: now */
    _Atomic uint64_t settled;           /* connections that stand with all their channels, or failed once */
};

/* There is one writer, so a plain addition does; the atomics only keep the reader's view whole. */
static inline void load_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* What the first login of a thread found. Texts are printable. */
struct load_peer {
    char ident[256], host_key[CX_FINGERPRINT_TEXT];
    const char *kex, *host_key_alg, *cipher_up, *cipher_down, *mac_up, *mac_down; /* static; kex NULL: nobody logged in */
};

struct load_tally {
    struct load_live live;
    struct bench_histogram latency_ns; /* a unit of work's, while it was measured; not of slow readers */
    struct bench_histogram login_ns;   /* from connecting to the login's answer, of all */
    uint64_t behind;                   /* open loop, at the end: echoes that were due and are not back */
    struct load_faults faults;
    struct load_peer peer;
};

#endif

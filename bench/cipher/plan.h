/* SPDX-License-Identifier: MIT */
/* What a benchmark measures, and what came out: groups of cells. The cells of a group are compared with each other, and so they
 * take turns: kernels of one suite, OpenSSL doing the same, memcpy of the same buffers. One thread. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "bench/cipher/samples.h"

enum bench_kind { BENCH_CIPHER, BENCH_KEX, BENCH_SIGN };

enum bench_role {
    BENCH_OURS,
    BENCH_REFERENCE, /* OpenSSL, called as one calls it */
    BENCH_BOTH,      /* ours, where ours is OpenSSL: a kernel that others are compared with */
    BENCH_MEMCPY
};

struct bench_cell {
    const char *kernel;    /* "vaes512", "evp", "openssl", "memcpy" */
    const char *tier;      /* "portable", "avx2", "avx512"; NULL: not one of our kernels */
    bool picked;           /* by the gateway, among our kernels */
    const char *operation; /* "seal", "open", "keygen", "encaps", "decaps", "sign", "verify"; NULL: memcpy's */
    enum bench_role role;
    /* Does it, for tens of microseconds if one operation is shorter, and says how long one took (a packet, a signature).
     * False: it went wrong. Cells are passed in their order, so that one may work on what the one before it left. */
    bool (*pass)(void *state, double *ns);
    void *state; /* whoever made the cell owns it */
    struct bench_samples samples;
    struct bench_result result;
};

struct bench_group {
    enum bench_kind kind;
    const char *name;   /* of the suite, method or algorithm; borrowed */
    size_t size, batch; /* of ciphers: payload bytes, packets a call */
    struct bench_cell *cell;
    size_t count;
    double round_ns; /* the latest pass over all cells */
};

/* Zeroed to begin with. */
struct bench_plan {
    struct bench_group *group;
    size_t count;
    bool failed; /* out of memory */
};

/* Appends a group and, to the last group, a cell. The cell's samples and result start empty. */
void bench_plan_group(struct bench_plan *plan, enum bench_kind kind, const char *name, size_t size, size_t batch);
void bench_plan_cell(struct bench_plan *plan, struct bench_cell cell);
void bench_plan_free(struct bench_plan *plan);

/* Fills in every cell's result. */
void bench_plan_judge(struct bench_plan *plan, double canary_limit_ns);

/* The cell that others with this operation are compared with; NULL: there is none. */
const struct bench_cell *bench_group_reference(const struct bench_group *group, const char *operation);
const struct bench_cell *bench_group_memcpy(const struct bench_group *group);
/* The i-th that is ours, under this operation (NULL: any); NULL past the last. */
const struct bench_cell *bench_group_ours(const struct bench_group *group, const char *operation, size_t i);

/* How many times as fast as the other, which may be NULL: 0 if that cannot be said. */
double bench_ratio(const struct bench_cell *cell, const struct bench_cell *other);

#endif

/* SPDX-License-Identifier: MIT */
/* Inside sluice-bench cipher: a run's results, and the forms they are given in. One thread. */
#ifndef BENCH_CIPHER_H
#define BENCH_CIPHER_H

#include <stdio.h>

#include "bench/cipher/canary.h"
#include "bench/cipher/choice.h"
#include "bench/cipher/plan.h"
#include "bench/machine.h"

/* Around the list of options. */
extern const char bench_cipher_help_head[], bench_cipher_help_foot[];

struct bench_cipher_run {
    struct bench_choice choice;
    struct bench_kernels kernels;
    double seconds;
    struct bench_plan plan;
    struct bench_canary canary;
    struct bench_machine machine;
};

/* Over all cells. */
struct bench_totals {
    size_t samples, rejected, noisy;
};
struct bench_totals bench_cipher_totals(const struct bench_plan *plan);

/* The group of this suite, size and batch; NULL: it is not in the plan. */
const struct bench_group *bench_cipher_group(const struct bench_plan *plan, const char *suite, size_t size, size_t batch);
/* The next group from i on that is the first of its name; NULL past the last. */
const struct bench_group *bench_cipher_next(const struct bench_plan *plan, enum bench_kind kind, size_t *i);
/* That of ours which the gateway picks, or else the first; NULL: there is none. */
const struct bench_cell *bench_cipher_picked(const struct bench_group *group, const char *operation);

/* "64", "1500", "32K". */
void bench_cipher_size_text(size_t size, char out[24]);

/* False: out of memory. */
bool bench_cipher_print(const struct bench_cipher_run *run, FILE *out, size_t width, bool colours);
void bench_cipher_json(const struct bench_cipher_run *run, FILE *out);
/* False: the file cannot be written, errno says why. */
bool bench_cipher_plot(const struct bench_cipher_run *run, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
/* The samples of one thing that is measured, and what they come to. One thread. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

enum { BENCH_SAMPLES_LEAST = 3 }; /* fewer accepted ones make a result noisy */

struct bench_sample {
    double ns;
    double canary_ns; /* the slower of the runs before and after */
};

/* Zeroed to begin with. */
struct bench_samples {
    struct bench_sample *sample;
    size_t count, room;
};

/* False: out of memory. */
bool bench_samples_add(struct bench_samples *s, struct bench_sample sample);
void bench_samples_free(struct bench_samples *s);

/* Those whose canary took no longer. */
size_t bench_samples_accepted(const struct bench_samples *s, double canary_limit_ns);

struct bench_result {
    double ns; /* the median of those that were accepted; of all, if noisy; 0: there are none */
    size_t samples, rejected;
    bool noisy;
};

/* The samples are judged at the end, when the fastest canary is known. */
struct bench_result bench_samples_result(const struct bench_samples *s, double canary_limit_ns);

/* Sorts v; n is not 0. */
double bench_quantile(double *v, size_t n, double q);

#endif

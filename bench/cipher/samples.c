/* SPDX-License-Identifier: MIT */
#include "bench/cipher/samples.h"

#include <assert.h>
#include <stdlib.h>

bool bench_samples_add(struct bench_samples *s, struct bench_sample sample)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 32;
        struct bench_sample *grown = reallocarray(s->sample, room, sizeof *grown);
        if (!grown)
            return false;
        s->sample = grown;
        s->room = room;
    }
    s->sample[s->count++] = sample;
    return true;
}

void bench_samples_free(struct bench_samples *s)
{
    free(s->sample);
    *s = (struct bench_samples){ 0 };
}

size_t bench_samples_accepted(const struct bench_samples *s, double canary_limit_ns)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += s->sample[i].canary_ns <= canary_limit_ns;
    return n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(double *v, size_t n, double q)
{
    assert(n > 0);
    qsort(v, n, sizeof *v, by_value);
    return v[(size_t)(q * (double)(n - 1) + 0.5)];
}

struct bench_result bench_samples_result(const struct bench_samples *s, double canary_limit_ns)
{
    struct bench_result r = { .samples = bench_samples_accepted(s, canary_limit_ns) };
    double *ns = malloc((s->count + 1) * sizeof *ns);
    size_t n = 0;
    r.rejected = s->count - r.samples;
    r.noisy = r.samples < BENCH_SAMPLES_LEAST;
    for (size_t i = 0; ns && i < s->count; i++)
        if (r.noisy || s->sample[i].canary_ns <= canary_limit_ns)
            ns[n++] = s->sample[i].ns;
    r.ns = n > 0 ? bench_quantile(ns, n, 0.5) : 0;
    free(ns);
    return r;
}

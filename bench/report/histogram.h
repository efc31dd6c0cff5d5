/* SPDX-License-Identifier: MIT */
/* How values are spread, in fixed memory and with a fixed relative error, as latencies want it: log-linear buckets, 128 of them to
 * each power of two, so that a value that is told is at most 1/128 above the one that was added. Smaller than 256 it is exact. One
 * thread a histogram; those of several are merged. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#include "bench/report/json.h"
#include "gateway/observe/buckets.h"

enum {
    BENCH_HISTOGRAM_BITS = 7,
    BENCH_HISTOGRAM_BUCKETS = GW_BUCKETS(64, BENCH_HISTOGRAM_BITS),
};

/* Zeroed to begin with; about 58 KiB. */
struct bench_histogram {
    uint64_t count, least, most; /* the latter two are exact; they mean nothing while count is 0 */
    double sum;
    uint64_t bucket[BENCH_HISTOGRAM_BUCKETS];
};

void bench_histogram_add(struct bench_histogram *h, uint64_t value);
void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from);

/* The least value that at least this share (0 to 1) of the values do not exceed, rounded up to its bucket's end, and never above
 * the largest value; 0 if there are none. */
uint64_t bench_histogram_quantile(const struct bench_histogram *h, double share);
/* 0 if there are none. */
double bench_histogram_mean(const struct bench_histogram *h);

/* An object: count, mean, min, p50, p90, p99, p99_9, max. */
void bench_histogram_json(const struct bench_histogram *h, struct bench_json *j, const char *key);

#endif

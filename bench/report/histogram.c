/* SPDX-License-Identifier: MIT */
#include "bench/report/histogram.h"

#include <assert.h>
#include <math.h>

enum { BITS = BENCH_HISTOGRAM_BITS };

void bench_histogram_add(struct bench_histogram *h, uint64_t value)
{
    h->least = h->count == 0 || value < h->least ? value : h->least;
    h->most = value > h->most ? value : h->most;
    h->count++;
    h->sum += (double)value;
    h->bucket[gw_bucket_of(value, BITS)]++;
}

void bench_histogram_merge(struct bench_histogram *into, const struct bench_histogram *from)
{
    if (from->count == 0)
        return;
    into->least = into->count == 0 || from->least < into->least ? from->least : into->least;
    into->most = from->most > into->most ? from->most : into->most;
    into->count += from->count;
    into->sum += from->sum;
    for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}

uint64_t bench_histogram_quantile(const struct bench_histogram *h, double share)
{
    assert(share >= 0 && share <= 1);
    double wanted = fmax(1, ceil(share * (double)h->count));
    uint64_t seen = 0;
    for (unsigned i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++) {
        seen += h->bucket[i];
        if (h->bucket[i] > 0 && (double)seen >= wanted)
            return gw_bucket_end(i, BITS) < h->most ? gw_bucket_end(i, BITS) : h->most;
    }
    return h->count > 0 ? h->most : 0;
}

double bench_histogram_mean(const struct bench_histogram *h)
{
    return h->count > 0 ? h->sum / (double)h->count : 0;
}

void bench_histogram_json(const struct bench_histogram *h, struct bench_json *j, const char *key)
{
    bench_json_object(j, key);
    bench_json_count(j, "count", h->count);
    bench_json_real(j, "mean", bench_histogram_mean(h));
    bench_json_count(j, "min", h->count > 0 ? h->least : 0);
    bench_json_count(j, "p50", bench_histogram_quantile(h, 0.5));
    bench_json_count(j, "p90", bench_histogram_quantile(h, 0.9));
    bench_json_count(j, "p99", bench_histogram_quantile(h, 0.99));
    bench_json_count(j, "p99_9", bench_histogram_quantile(h, 0.999));
    bench_json_count(j, "max", h->most);
    bench_json_end(j);
}

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bench/cipher/cipher.h"

struct bench_totals bench_cipher_totals(const struct bench_plan *plan)
{
    struct bench_totals t = { 0 };
    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->group[i].count; j++) {
            const struct bench_result *r = &plan->group[i].cell[j].result;
            t.samples += r->samples;
            t.rejected += r->rejected;
            t.noisy += r->noisy;
        }
    return t;
}

const struct bench_group *bench_cipher_group(const struct bench_plan *plan, const char *suite, size_t size, size_t batch)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct bench_group *g = &plan->group[i];
        if (g->kind == BENCH_CIPHER && g->size == size && g->batch == batch && strcmp(g->name, suite) == 0)
            return g;
    }
    return NULL;
}

const struct bench_group *bench_cipher_next(const struct bench_plan *plan, enum bench_kind kind, size_t *i)
{
    while (*i < plan->count) {
        const struct bench_group *g = &plan->group[(*i)++];
        if (g->kind == kind && (g == plan->group || g[-1].kind != kind || strcmp(g[-1].name, g->name) != 0))
            return g;
    }
    return NULL;
}

const struct bench_cell *bench_cipher_picked(const struct bench_group *group, const char *operation)
{
    const struct bench_cell *c;
    for (size_t i = 0; (c = bench_group_ours(group, operation, i)); i++)
        if (c->picked)
            return c;
    return bench_group_ours(group, operation, 0);
}

void bench_cipher_size_text(size_t size, char out[24])
{
    bool kilo = size >= 1024 && size % 1024 == 0;
    snprintf(out, 24, "%zu%s", kilo ? size / 1024 : size, kilo ? "K" : "");
}

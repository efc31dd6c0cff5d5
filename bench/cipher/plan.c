/* SPDX-License-Identifier: MIT */
#include "bench/cipher/plan.h"

#include <stdlib.h>
#include <string.h>

void bench_plan_group(struct bench_plan *plan, enum bench_kind kind, const char *name, size_t size, size_t batch)
{
    struct bench_group *grown = plan->failed ? NULL : reallocarray(plan->group, plan->count + 1, sizeof *grown);
    if (!grown) {
        plan->failed = true;
        return;
    }
    plan->group = grown;
    plan->group[plan->count++] = (struct bench_group){ .kind = kind, .name = name, .size = size, .batch = batch };
}

void bench_plan_cell(struct bench_plan *plan, struct bench_cell cell)
{
    struct bench_group *g = plan->failed ? NULL : &plan->group[plan->count - 1];
    struct bench_cell *grown = g ? reallocarray(g->cell, g->count + 1, sizeof *grown) : NULL;
    if (!grown) {
        plan->failed = true;
        return;
    }
    g->cell = grown;
    g->cell[g->count++] = cell;
}

void bench_plan_free(struct bench_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t j = 0; j < plan->group[i].count; j++)
            bench_samples_free(&plan->group[i].cell[j].samples);
        free(plan->group[i].cell);
    }
    free(plan->group);
    *plan = (struct bench_plan){ 0 };
}

void bench_plan_judge(struct bench_plan *plan, double canary_limit_ns)
{
    for (size_t i = 0; i < plan->count; i++)
        for (size_t j = 0; j < plan->group[i].count; j++) {
            struct bench_cell *c = &plan->group[i].cell[j];
            c->result = bench_samples_result(&c->samples, canary_limit_ns);
        }
}

static bool does(const struct bench_cell *cell, const char *operation)
{
    return !operation || (cell->operation && strcmp(cell->operation, operation) == 0);
}

const struct bench_cell *bench_group_reference(const struct bench_group *group, const char *operation)
{
    for (size_t i = 0; i < group->count; i++) {
        const struct bench_cell *c = &group->cell[i];
        if ((c->role == BENCH_REFERENCE || c->role == BENCH_BOTH) && does(c, operation))
            return c;
    }
    return NULL;
}

const struct bench_cell *bench_group_memcpy(const struct bench_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->cell[i].role == BENCH_MEMCPY)
            return &group->cell[i];
    return NULL;
}

const struct bench_cell *bench_group_ours(const struct bench_group *group, const char *operation, size_t i)
{
    for (size_t j = 0; j < group->count; j++) {
        const struct bench_cell *c = &group->cell[j];
        if ((c->role == BENCH_OURS || c->role == BENCH_BOTH) && does(c, operation) && i-- == 0)
            return c;
    }
    return NULL;
}

double bench_ratio(const struct bench_cell *cell, const struct bench_cell *other)
{
    return other && cell->result.ns > 0 ? other->result.ns / cell->result.ns : 0;
}

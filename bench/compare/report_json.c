/* SPDX-License-Identifier: MIT */
/* The keys are for programs to rely on: bench/compare/help.c says what each holds. What changes a key's meaning raises the schema.
 */
#include "bench/compare/compare.h"
#include "bench/report/json.h"

enum { SCHEMA = 1 };

static void write_servers(const struct compare_results *r, struct bench_json *j)
{
    bench_json_list(j, "servers");
    for (size_t i = 0; i < r->servers; i++) {
        const struct compare_server *s = &r->server[i];
        bench_json_object(j, NULL);
        bench_json_text(j, "name", s->name);
        bench_json_text(j, "program", s->program[0] ? s->program : NULL);
        bench_json_bool(j, "ssh", s->kind->speaks_ssh);
        bench_json_text(j, "missing", s->missing[0] ? s->missing : NULL);
        bench_json_end(j);
    }
    bench_json_end(j);
}

/* Server 0 beside the best of a kind. */
static void write_beside(const struct compare_results *r, const struct compare_row *row, bool speaks_ssh, const char *name,
                         const char *ratio, struct bench_json *j)
{
    const struct compare_cell *cells = r->cell[row->measure];
    int best = compare_best(r, row->measure, row->figure, speaks_ssh);
    bench_json_text(j, name, best == COMPARE_NOBODY ? NULL : r->server[best].name);
    bench_json_real_or_null(j, ratio, best == COMPARE_NOBODY ? 0 : compare_ratio(&cells[0], &cells[best], row->figure));
}

static void write_row(const struct compare_results *r, const struct compare_row *row, struct bench_json *j)
{
    const struct compare_measure *m = r->plan.measure[row->measure];
    bench_json_object(j, NULL);
    bench_json_text(j, "measure", m->name);
    bench_json_text(j, "figure", compare_figure_name(row->figure));
    bench_json_text(j, "unit", m->unit);
    bench_json_object(j, "median");
    for (size_t i = 0; i < r->servers; i++)
        bench_json_real_or_null(j, r->server[i].name, compare_median(&r->cell[row->measure][i], row->figure));
    bench_json_end(j);
    bench_json_object(j, "rounds");
    for (size_t i = 0; i < r->servers; i++) {
        bench_json_list(j, r->server[i].name);
        for (unsigned round = 0; round < r->rounds; round++)
            bench_json_real_or_null(j, NULL, r->cell[row->measure][i].value[row->figure][round]);
        bench_json_end(j);
    }
    bench_json_end(j);
    write_beside(r, row, true, "peer", "ratio_peer", j);
    write_beside(r, row, false, "floor", "ratio_floor", j);
    bench_json_end(j);
}

static void write_faults(const struct compare_results *r, struct bench_json *j)
{
    bench_json_list(j, "faults");
    for (size_t m = 0; m < r->plan.count; m++)
        for (size_t i = 0; i < r->servers; i++) {
            if (!r->cell[m][i].fault[0])
                continue;
            bench_json_object(j, NULL);
            bench_json_text(j, "server", r->server[i].name);
            bench_json_text(j, "measure", r->plan.measure[m]->name);
            bench_json_text(j, "text", r->cell[m][i].fault);
            bench_json_end(j);
        }
    bench_json_end(j);
}

void compare_report_json(const struct compare_results *r, FILE *out)
{
    struct bench_json j = bench_json(out);
    struct compare_row row;
    bench_json_object(&j, NULL);
    bench_json_count(&j, "schema", SCHEMA);
    bench_json_object(&j, "machine");
    bench_json_text(&j, "processor", r->machine.processor);
    bench_json_count(&j, "cores", r->machine.cores);
    bench_json_text(&j, "system", r->machine.system);
    bench_json_text(&j, "tcp", r->machine.tcp);
    bench_json_end(&j);
    bench_json_object(&j, "run");
    bench_json_text(&j, "version", SLUICE_VERSION);
    bench_json_count(&j, "rounds", r->rounds);
    bench_json_real(&j, "seconds", r->seconds);
    bench_json_bool(&j, "cores_apart", r->server_core >= 0);
    bench_json_end(&j);
    write_servers(r, &j);
    bench_json_list(&j, "rows");
    for (size_t next = 0; compare_next_row(r, &next, &row);)
        write_row(r, &row, &j);
    bench_json_end(&j);
    write_faults(r, &j);
    bench_json_end(&j);
}

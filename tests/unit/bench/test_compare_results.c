/* SPDX-License-Identifier: MIT */
/* bench/compare: medians, ratios, who is best, and what reports make of them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/compare/compare.h"
#include "bench/load/names.h"

static struct compare_results results;
static struct compare_results *const r = &results;

static void note(size_t measure, size_t server, unsigned round, enum compare_figure figure, double value)
{
    struct compare_sample sample = { .fault = "" };
    for (unsigned i = 0; i < COMPARE_FIGURE_COUNT; i++)
        sample.figure[i] = r->cell[measure][server].value[i][round];
    sample.figure[figure] = value;
    compare_note(&r->cell[measure][server], round, &sample);
}

/* sluiced, sshd and a second one, a floor, and dropbear, which is missing; one measurement of a tunnel's bytes. */
static void set_up(void)
{
    static const struct compare_kind *const kinds[] = { &compare_sluiced, &compare_sshd, &compare_sshd, &compare_bare,
                                                        &compare_dropbear };
    static const char *const names[] = { "sluiced", "sshd", "<other>", "bare", "dropbear" };
    struct bench_words only = { { "bulk-up-aes128-gcm" }, 1 };
    *r = (struct compare_results){ .plan = compare_plan_of(&only), .servers = 5, .rounds = 3, .seconds = 1 };
    snprintf(r->machine.processor, sizeof r->machine.processor, "a processor");
    for (size_t i = 0; i < r->servers; i++) {
        r->server[i].kind = kinds[i];
        snprintf(r->server[i].name, sizeof r->server[i].name, "%s", names[i]);
    }
    snprintf(r->server[4].missing, sizeof r->server[4].missing, "not installed");
    for (unsigned round = 0; round < 3; round++) {
        note(0, 0, round, COMPARE_CPU, 0.5 * (round + 1)); /* the machine slows down from round to round */
        note(0, 1, round, COMPARE_CPU, 1.0 * (round + 1));
        note(0, 2, round, COMPARE_CPU, 4.0);
        note(0, 3, round, COMPARE_CPU, 0.25 * (round + 1));
        note(0, 0, round, COMPARE_RATE, 2);
        note(0, 1, round, COMPARE_RATE, 1);
        note(0, 2, round, COMPARE_RATE, 8);
    }
}

Test(compare_results, medians_leave_out_what_is_unknown)
{
    struct compare_cell cell = { .fault = "" };
    cr_expect_eq(compare_median(&cell, COMPARE_CPU), 0);
    cell.value[COMPARE_CPU][1] = 4;
    cr_expect_eq(compare_median(&cell, COMPARE_CPU), 4);
    cell.value[COMPARE_CPU][5] = 2;
    cr_expect_eq(compare_median(&cell, COMPARE_CPU), 3);
    cell.value[COMPARE_CPU][7] = 100;
    cr_expect_eq(compare_median(&cell, COMPARE_CPU), 4);
    cr_expect_eq(compare_median(&cell, COMPARE_RATE), 0);
}

Test(compare_results, a_ratio_is_of_figures_of_the_same_round)
{
    struct compare_cell a = { .fault = "" }, b = { .fault = "" };
    const double drift[] = { 1, 10, 3 };
    for (size_t i = 0; i < 3; i++) {
        a.value[COMPARE_CPU][i] = 2 * drift[i];
        b.value[COMPARE_CPU][i] = 4 * drift[i];
    }
    a.value[COMPARE_CPU][3] = 1000; /* b was not measured then */
    b.value[COMPARE_CPU][4] = 1;
    cr_expect_float_eq(compare_ratio(&a, &b, COMPARE_CPU), 0.5, 1e-12);
    cr_expect_eq(compare_ratio(&a, &b, COMPARE_P99), 0);
}

Test(compare_results, the_best_has_least_of_all_but_rates, .init = set_up)
{
    cr_expect_eq(compare_best(r, 0, COMPARE_CPU, true), 1);
    cr_expect_eq(compare_best(r, 0, COMPARE_RATE, true), 2);
    cr_expect_eq(compare_best(r, 0, COMPARE_CPU, false), 3);
    cr_expect_eq(compare_best(r, 0, COMPARE_RATE, false), COMPARE_NOBODY);
}

Test(compare_results, what_stands_beside_says_who_and_whether_it_is_better, .init = set_up)
{
    char text[48];
    bool better;
    const struct compare_row cpu = { 0, COMPARE_CPU }, rate = { 0, COMPARE_RATE };
    cr_expect(compare_beside(r, &cpu, true, text, &better) && better);
    cr_expect_str_eq(text, "0.50x sshd");
    cr_expect(compare_beside(r, &cpu, false, text, &better) && !better);
    cr_expect_str_eq(text, "2.00x bare");
    cr_expect(compare_beside(r, &rate, true, text, &better) && !better);
    cr_expect_str_eq(text, "0.25x <other>");
    cr_expect(!compare_beside(r, &rate, false, text, &better));
    cr_expect_str_eq(text, "");
}

Test(compare_results, cpu_comes_first_and_each_row_once)
{
    struct bench_words all = { .count = 0 };
    struct compare_row row;
    size_t rows = 0, wanted = 0;
    int last = -1;
    *r = (struct compare_results){ .plan = compare_plan_of(&all) };
    cr_assert_eq(r->plan.count, compare_measure_count);
    for (size_t next = 0; compare_next_row(r, &next, &row); rows++) {
        cr_expect(compare_shows(r->plan.measure[row.measure], row.figure));
        cr_expect_geq((int)row.figure, last);
        last = (int)row.figure;
    }
    for (size_t i = 0; i < compare_measure_count; i++)
        wanted += (size_t)__builtin_popcount(compare_measures[i].figures);
    cr_expect_eq(rows, wanted);
}

Test(compare_results, faults_are_told_once)
{
    size_t next = 0;
    struct bench_words all = { .count = 0 };
    *r = (struct compare_results){ .plan = compare_plan_of(&all), .servers = 1 };
    snprintf(r->cell[1][0].fault, COMPARE_SAMPLE_TEXT, "one");
    snprintf(r->cell[2][0].fault, COMPARE_SAMPLE_TEXT, "two");
    snprintf(r->cell[5][0].fault, COMPARE_SAMPLE_TEXT, "one");
    cr_expect_str_eq(compare_next_fault(r, 0, &next), "one");
    cr_expect_str_eq(compare_next_fault(r, 0, &next), "two");
    cr_expect_null(compare_next_fault(r, 0, &next));
}

/* ---- the plan ---- */

Test(compare_plan, names_are_its_own_and_its_algorithms_exist)
{
    char out[256], error[256];
    for (size_t i = 0; i < compare_measure_count; i++) {
        const struct compare_measure *m = &compare_measures[i];
        cr_expect(load_names_ciphers(m->ciphers, out, sizeof out, error, sizeof error), "%s: %s", m->name, error);
        cr_expect(load_names_macs(m->macs, out, sizeof out, error, sizeof error), "%s: %s", m->name, error);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(m->name, compare_measures[j].name);
    }
    cr_expect_leq(compare_measure_count, COMPARE_MEASURES_MAX);
}

Test(compare_plan, only_takes_parts_of_names)
{
    struct bench_words only = { { "idle", "far-up" }, 2 };
    struct compare_plan plan = compare_plan_of(&only);
    cr_assert_eq(plan.count, 3);
    cr_expect_str_eq(plan.measure[2]->name, "far-up");
    only = (struct bench_words){ { "nothing-has-this" }, 1 };
    cr_expect_eq(compare_plan_of(&only).count, 0);
}

/* ---- reports ---- */

static char *printed(bool json)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (json)
        compare_report_json(r, out);
    else
        cr_assert(compare_report_print(r, out, SIZE_MAX, false));
    fclose(out);
    return text;
}

Test(compare_report, the_table_has_all_that_take_part_and_names_who_does_not, .init = set_up)
{
    snprintf(r->cell[0][1].fault, COMPARE_SAMPLE_TEXT, "something");
    char *text = printed(false);
    cr_expect(strstr(text, "a processor"));
    cr_expect(strstr(text, "aes128-gcm up, a GiB"));
    cr_expect(strstr(text, "1.00 s") && strstr(text, "2.00 s"), "medians: %s", text);
    cr_expect(strstr(text, "0.50x sshd") && strstr(text, "2.00x bare") && strstr(text, "0.25x <other>"));
    cr_expect(strstr(text, "dropbear: not installed\n"));
    cr_expect(strstr(text, "sshd: something (aes128-gcm up)\n"));
    free(text);
}

Test(compare_report, json_has_rows_rounds_and_ratios, .init = set_up)
{
    char *text = printed(true);
    json_t *top = json_loads(text, 0, NULL);
    cr_assert(top, "%s", text);
    const json_t *row = json_array_get(json_object_get(top, "rows"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(row, "measure")), "bulk-up-aes128-gcm");
    cr_expect_str_eq(json_string_value(json_object_get(row, "figure")), "cpu_s");
    cr_expect_eq(json_number_value(json_object_get(json_object_get(row, "median"), "sluiced")), 1);
    cr_expect(json_is_null(json_object_get(json_object_get(row, "median"), "dropbear")));
    cr_expect_eq(json_array_size(json_object_get(json_object_get(row, "rounds"), "sshd")), 3);
    cr_expect_str_eq(json_string_value(json_object_get(row, "peer")), "sshd");
    cr_expect_eq(json_number_value(json_object_get(row, "ratio_peer")), 0.5);
    cr_expect_str_eq(json_string_value(json_object_get(row, "floor")), "bare");
    cr_expect_eq(json_number_value(json_object_get(row, "ratio_floor")), 2);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(json_object_get(top, "servers"), 4), "missing")),
                     "not installed");
    json_decref(top);
    free(text);
}

Test(compare_report, the_page_escapes_names_and_has_a_chart_a_figure, .init = set_up)
{
    static char page[1 << 18];
    char path[] = "/tmp/sluice-page-XXXXXX";
    int fd = mkstemp(path), charts = 0;
    cr_assert_geq(fd, 0);
    cr_assert(compare_report_html(r, path));
    ssize_t n = read(fd, page, sizeof page - 1);
    cr_assert_gt(n, 0);
    close(fd);
    unlink(path);
    cr_expect(strstr(page, "</html>"));
    cr_expect(strstr(page, "&#60;other&#62;") && !strstr(page, "<other>"));
    cr_expect(strstr(page, "0.50x sshd"));
    for (const char *at = page; (at = strstr(at, "<svg ")); at++)
        charts++;
    cr_expect_eq(charts, 2, "CPU and rates: %d", charts);
    cr_expect(!compare_report_html(r, "/nowhere/at/all.html"));
}

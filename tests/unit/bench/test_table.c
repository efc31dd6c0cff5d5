/* SPDX-License-Identifier: MIT */
/* bench/table: columns, blocks, colours. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "bench/report/table.h"

static char text[4096];

static const char *printed(const struct bench_table *t, size_t width, bool colours)
{
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert(bench_table_print(t, out, width, colours));
    fclose(out);
    return text;
}

static struct bench_table *sample(void)
{
    struct bench_table *t = bench_table_new(3);
    static const char *const cells[] = { "name", "one", "two", "a", "1.00 2.5x", "7     " };
    for (size_t i = 0; i < 6; i++) {
        bench_table_cell(t, i == 4 ? BENCH_GOOD : BENCH_PLAIN, "%s", cells[i]);
        if (i == 2)
            bench_table_section(t, "a section");
    }
    return t;
}

Test(table, columns_are_as_wide_as_what_stands_in_them)
{
    struct bench_table *t = sample();
    cr_expect_str_eq(printed(t, SIZE_MAX, false), "name        one     two\n"
                                                  "\n"
                                                  "a section\n"
                                                  "a     1.00 2.5x  7\n");
    bench_table_free(t);
}

Test(table, what_is_too_wide_comes_in_blocks)
{
    struct bench_table *t = sample();
    cr_expect_str_eq(printed(t, 20, false), "name        one\n"
                                            "\n"
                                            "a section\n"
                                            "a     1.00 2.5x\n"
                                            "\n"
                                            "name     two\n"
                                            "\n"
                                            "a section\n"
                                            "a     7\n");
    bench_table_free(t);
}

Test(table, however_narrow_each_block_has_a_column)
{
    struct bench_table *t = sample();
    cr_expect_not_null(strstr(printed(t, 1, false), "name     two\n"));
    bench_table_free(t);
}

Test(table, colours_are_there_when_they_are_asked_for)
{
    struct bench_table *t = sample();
    cr_expect_not_null(strstr(printed(t, SIZE_MAX, true), "\033[32m1.00 2.5x\033[0m"), "%s", text);
    cr_expect_null(strstr(printed(t, SIZE_MAX, false), "\033"));
    bench_table_free(t);
}

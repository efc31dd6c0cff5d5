/* SPDX-License-Identifier: MIT */
/* bench/options: the command line that all subcommands share. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

#include "bench/options.h"

static struct values {
    bool flag;
    double seconds;
    const char *text;
    struct bench_words words;
    struct bench_numbers numbers;
    size_t number, percent;
    double rate, delay;
    struct bench_words rest;
} v;

static const struct bench_option table[] = {
    { "flag", NULL, BENCH_FLAG, &v.flag, 0, "a flag" },
    { "seconds", "S", BENCH_SECONDS, &v.seconds, 0, "a time" },
    { "text", "FILE", BENCH_TEXT, &v.text, 0, "a text" },
    { "words", "W,...", BENCH_WORDS, &v.words, 0, "some\nwords" },
    { "numbers", "N,...", BENCH_NUMBERS, &v.numbers, 1 << 20, "some numbers" },
    { "number", "N", BENCH_NUMBER, &v.number, (size_t)1 << 40, "a number", 'n' },
    { "percent", "P%", BENCH_PERCENT, &v.percent, 0, "a share" },
    { "rate", "R", BENCH_RATE, &v.rate, 0, "a rate" },
    { "delay", "S", BENCH_DELAY, &v.delay, 0, "a delay" },
};
enum { COUNT = sizeof table / sizeof *table };

/* A command line of words separated by blanks. */
static enum bench_options_outcome parsed_with(const char *line, struct bench_words *rest)
{
    static char text[512];
    static char *argv[64];
    int argc = 0;
    memset(&v, 0, sizeof v);
    snprintf(text, sizeof text, "program %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return bench_options_parse(table, COUNT, argc, argv, rest);
}

static enum bench_options_outcome parsed(const char *line)
{
    return parsed_with(line, NULL);
}

Test(options, each_kind_is_taken)
{
    cr_assert_eq(parsed("--flag --seconds 1.5 --text a.svg --words x,y --words=z --numbers 64,1500,32K,1M"), BENCH_OPTIONS_GO);
    cr_expect(v.flag);
    cr_expect_float_eq(v.seconds, 1.5, 0);
    cr_expect_str_eq(v.text, "a.svg");
    cr_assert_eq(v.words.count, 3);
    cr_expect_str_eq(v.words.word[2], "z");
    cr_assert_eq(v.numbers.count, 4);
    cr_expect_eq(v.numbers.number[2], 32768);
    cr_expect_eq(v.numbers.number[3], 1 << 20);
}

Test(options, numbers_and_rates_are_taken)
{
    cr_assert_eq(parsed("--number 3G --percent 10% --rate 2.5 --delay 0"), BENCH_OPTIONS_GO);
    cr_expect_eq(v.number, 3ull << 30);
    cr_expect_eq(v.percent, 10);
    cr_expect_float_eq(v.rate, 2.5, 0);
    cr_assert_eq(parsed("--percent 0"), BENCH_OPTIONS_GO);
    cr_expect_eq(v.percent, 0);
}

Test(options, a_letter_does_too)
{
    cr_assert_eq(parsed("-n 5 --flag"), BENCH_OPTIONS_GO);
    cr_expect_eq(v.number, 5);
    cr_assert_eq(parsed("-n7"), BENCH_OPTIONS_GO);
    cr_expect_eq(v.number, 7);
}

Test(options, other_words_are_kept_in_their_order_where_they_may_be)
{
    cr_assert_eq(parsed_with("echo --flag host -n 2", &v.rest), BENCH_OPTIONS_GO);
    cr_assert_eq(v.rest.count, 2);
    cr_expect_str_eq(v.rest.word[0], "echo");
    cr_expect_str_eq(v.rest.word[1], "host");
    cr_expect(v.flag);
    cr_expect_eq(v.number, 2);
}

Test(options, nothing_is_asked_for_without_options)
{
    cr_assert_eq(parsed(""), BENCH_OPTIONS_GO);
    cr_expect_not(v.flag);
    cr_expect_eq(v.words.count + v.numbers.count, 0);
}

Test(options, help_is_always_there)
{
    cr_expect_eq(parsed("--help"), BENCH_OPTIONS_HELP);
    cr_expect_eq(parsed("-h"), BENCH_OPTIONS_HELP);
}

Test(options, what_is_wrong_is_refused, .init = cr_redirect_stderr)
{
    static const char *const wrong[] = {
        "--nothing",
        "rest",
        "--seconds",
        "--seconds 0",
        "--seconds -1",
        "--seconds 1x",
        "--seconds nan",
        "--seconds 1e9",
        "--numbers 0",
        "--numbers -64",
        "--numbers 2M",
        "--numbers 64,x",
        "--numbers 1KK",
        "--numbers +1",
        "--flag=yes",
        "--seconds inf",
        "--numbers 99999999999999999999",
        "--numbers 18446744073709551615K",
        "-x",
        "-n",
        "-n 0",
        "--number 2000G",
        "--percent 101",
        "--percent %",
        "--percent -1",
        "--rate 0",
        "--rate x",
        "--delay -1",
        "--numbers 1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(parsed(wrong[i]), BENCH_OPTIONS_WRONG, "%s", wrong[i]);
}

Test(options, the_help_has_a_line_for_each)
{
    char text[1024];
    FILE *out = fmemopen(text, sizeof text, "w");
    bench_options_print(table, COUNT, out);
    fclose(out);
    cr_expect_not_null(strstr(text, "  --flag              a flag\n"), "%s", text);
    cr_expect_not_null(strstr(text, "  -h, --help          this text\n"), "%s", text);
    cr_expect_not_null(strstr(text, "  -n, --number N      a number\n"), "%s", text);
    cr_expect_not_null(strstr(text, "  --words W,...       some\n                      words\n"), "%s", text);
}

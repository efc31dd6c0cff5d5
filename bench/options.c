/* SPDX-License-Identifier: MIT */
#include "bench/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double SECONDS_MAX = 24 * 3600;

/* What a value should have been; NULL: it is right. */
static const char *take_seconds(double *out, const char *text)
{
    char *rest;
    *out = strtod(text, &rest);
    return rest != text && *rest == 0 && *out > 0 && *out <= SECONDS_MAX ? NULL
                                                                         : "a number of seconds, above 0 and at most a day's";
}

static bool parse_number(const char *text, size_t most, size_t *out)
{
    char *rest;
    unsigned long long value = strtoull(text, &rest, 10);
    if (rest == text || *text < '0' || *text > '9')
        return false;
    unsigned shift = *rest == 'K' || *rest == 'k' ? 10 : *rest == 'M' || *rest == 'm' ? 20 : 0;
    if (value > SIZE_MAX >> shift || rest[shift > 0] != 0)
        return false;
    *out = (size_t)value << shift;
    return *out >= 1 && *out <= most;
}

static const char *take_numbers(struct bench_numbers *out, char *text, size_t most)
{
    static char expected[64];
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (out->count == BENCH_LIST_MAX)
            return "fewer at once";
        if (!parse_number(word, most, &out->number[out->count++])) {
            snprintf(expected, sizeof expected, "numbers from 1 to %zu, such as 64,1500,32K", most);
            return expected;
        }
    }
    return NULL;
}

static const char *take_words(struct bench_words *out, char *text)
{
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (out->count == BENCH_LIST_MAX)
            return "fewer at once";
        out->word[out->count++] = word;
    }
    return NULL;
}

static const char *take(const struct bench_option *o, char *text)
{
    switch (o->kind) {
    case BENCH_FLAG:
        *(bool *)o->out = true;
        return NULL;
    case BENCH_SECONDS:
        return take_seconds(o->out, text);
    case BENCH_TEXT:
        *(const char **)o->out = text;
        return *text ? NULL : "a text";
    case BENCH_WORDS:
        return take_words(o->out, text);
    case BENCH_NUMBERS:
        return take_numbers(o->out, text, o->most);
    }
    return NULL;
}

enum bench_options_outcome bench_options_parse(const struct bench_option *options, size_t count, int argc, char **argv)
{
    struct option table[BENCH_OPTIONS_MAX + 2] = { { 0 } };
    int chosen = 0, c;
    assert(count <= BENCH_OPTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        table[i] = (struct option){ options[i].name, options[i].argument ? required_argument : no_argument, NULL, 1 };
    table[count] = (struct option){ "help", no_argument, NULL, 'h' };
    optind = 0; /* GNU's: start anew */
    while ((c = getopt_long(argc, argv, "h", table, &chosen)) != -1) {
        if (c == 'h')
            return BENCH_OPTIONS_HELP;
        if (c != 1) {
            fprintf(stderr, "%s --help tells the options\n", argv[0]);
            return BENCH_OPTIONS_WRONG;
        }
        const char *expected = take(&options[chosen], optarg);
        if (expected) {
            fprintf(stderr, "%s: --%s takes %s\n", argv[0], options[chosen].name, expected);
            return BENCH_OPTIONS_WRONG;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: '%s' is no option\n", argv[0], argv[optind]);
        return BENCH_OPTIONS_WRONG;
    }
    return BENCH_OPTIONS_GO;
}

enum { HELP_COLUMN = 22 };

void bench_options_print(const struct bench_option *options, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct bench_option *o = &options[i];
        int used = fprintf(out, "  --%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        for (const char *line = o->help; *line; line += *line == '\n') {
            size_t len = strcspn(line, "\n");
            fprintf(out, "%*s%.*s\n", used < HELP_COLUMN ? HELP_COLUMN - used : 2, "", (int)len, line);
            used = 0;
            line += len;
        }
    }
}

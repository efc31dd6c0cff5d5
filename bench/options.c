/* SPDX-License-Identifier: MIT */
#include "bench/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double SECONDS_MAX = 24 * 3600, RATE_MAX = 1e9;

static bool parse_real(const char *text, double most, double *out)
{
    char *rest;
    *out = strtod(text, &rest);
    return rest != text && *rest == 0 && *out >= 0 && *out <= most;
}

/* What a value should have been; NULL: it is right. */
static const char *take_seconds(double *out, const char *text, bool also_none)
{
    if (parse_real(text, SECONDS_MAX, out) && (*out > 0 || also_none))
        return NULL;
    return also_none ? "a number of seconds, at most a day's" : "a number of seconds, above 0 and at most a day's";
}

static const char *take_rate(double *out, const char *text)
{
    return parse_real(text, RATE_MAX, out) && *out > 0 ? NULL : "a number, above 0, of how many a second";
}

static bool parse_number(const char *text, size_t most, size_t *out)
{
    char *rest;
    unsigned long long value = strtoull(text, &rest, 10);
    if (rest == text || *text < '0' || *text > '9')
        return false;
    static const char *const units[] = { "", "Kk", "Mm", "Gg" };
    unsigned unit = 3;
    while (unit > 0 && (*rest == 0 || !strchr(units[unit], *rest)))
        unit--;
    unsigned shift = 10 * unit;
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

static const char *take_number(size_t *out, const char *text, size_t most)
{
    static char expected[64];
    if (parse_number(text, most, out))
        return NULL;
    snprintf(expected, sizeof expected, "a number from 1 to %zu, such as 100 or 64K", most);
    return expected;
}

static const char *take_percent(size_t *out, const char *text)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);
    rest += rest != text && *rest == '%';
    *out = value;
    return *text >= '0' && *text <= '9' && *rest == 0 && value <= 100 ? NULL : "a percentage from 0 to 100";
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
        return take_seconds(o->out, text, false);
    case BENCH_DELAY:
        return take_seconds(o->out, text, true);
    case BENCH_RATE:
        return take_rate(o->out, text);
    case BENCH_NUMBER:
        return take_number(o->out, text, o->most);
    case BENCH_PERCENT:
        return take_percent(o->out, text);
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

/* getopt_long gives back an option's place in the table, moved out of the letters' way. */
enum { LONG_FIRST = 256 };

static void make_tables(const struct bench_option *options, size_t count, struct option *table, char *letters)
{
    *letters++ = 'h';
    for (size_t i = 0; i < count; i++) {
        int has = options[i].argument ? required_argument : no_argument;
        table[i] = (struct option){ options[i].name, has, NULL, LONG_FIRST + (int)i };
        if (!options[i].letter)
            continue;
        *letters++ = options[i].letter;
        if (has == required_argument)
            *letters++ = ':';
    }
    *letters = 0;
    table[count] = (struct option){ "help", no_argument, NULL, 'h' };
}

static const struct bench_option *find(const struct bench_option *options, size_t count, int code)
{
    if (code >= LONG_FIRST)
        return &options[code - LONG_FIRST];
    for (size_t i = 0; i < count; i++)
        if (options[i].letter == code)
            return &options[i];
    return NULL;
}

static enum bench_options_outcome take_rest(int argc, char **argv, struct bench_words *rest)
{
    for (int i = optind; i < argc; i++) {
        if (!rest || rest->count == BENCH_LIST_MAX) {
            fprintf(stderr, "%s: '%s' is no option\n", argv[0], argv[i]);
            return BENCH_OPTIONS_WRONG;
        }
        rest->word[rest->count++] = argv[i];
    }
    return BENCH_OPTIONS_GO;
}

enum bench_options_outcome bench_options_parse(const struct bench_option *options, size_t count, int argc, char **argv,
                                               struct bench_words *rest)
{
    struct option table[BENCH_OPTIONS_MAX + 2] = { { 0 } };
    char letters[2 * BENCH_OPTIONS_MAX + 2];
    int code;
    assert(count <= BENCH_OPTIONS_MAX);
    make_tables(options, count, table, letters);
    optind = 0; /* GNU's: start anew */
    while ((code = getopt_long(argc, argv, letters, table, NULL)) != -1) {
        if (code == 'h')
            return BENCH_OPTIONS_HELP;
        const struct bench_option *o = find(options, count, code);
        if (!o) {
            fprintf(stderr, "%s --help tells the options\n", argv[0]);
            return BENCH_OPTIONS_WRONG;
        }
        const char *expected = take(o, optarg);
        if (expected) {
            fprintf(stderr, "%s: --%s takes %s\n", argv[0], o->name, expected);
            return BENCH_OPTIONS_WRONG;
        }
    }
    return take_rest(argc, argv, rest);
}

enum { HELP_COLUMN = 22, NAME_BYTES = 128 };

/* An option with its argument; returns the columns. */
static int print_name(const struct bench_option *o, char *out, size_t room)
{
    char letter[] = "-x, ";
    letter[1] = o->letter;
    return snprintf(out, room, "  %s--%s%s%s", o->letter ? letter : "", o->name, o->argument ? " " : "",
                    o->argument ? o->argument : "");
}

static void print_option(const struct bench_option *o, int column, FILE *out)
{
    char name[NAME_BYTES];
    int used = print_name(o, name, sizeof name);
    fputs(name, out);
    for (const char *line = o->help; *line; line += *line == '\n') {
        size_t len = strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", column - used, "", (int)len, line);
        used = 0;
        line += len;
    }
}

void bench_options_print(const struct bench_option *options, size_t count, FILE *out)
{
    static const struct bench_option help = { .name = "help", .letter = 'h', .help = "this text" };
    char name[NAME_BYTES];
    int column = HELP_COLUMN;
    for (size_t i = 0; i < count; i++) {
        int used = print_name(&options[i], name, sizeof name);
        column = used + 2 > column ? used + 2 : column;
    }
    for (size_t i = 0; i < count; i++)
        print_option(&options[i], column, out);
    print_option(&help, column, out);
}

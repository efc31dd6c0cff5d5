/* SPDX-License-Identifier: MIT */
/* Long options from a table, the same for every subcommand: parsed, checked and explained. One thread. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

enum { BENCH_LIST_MAX = 32, BENCH_OPTIONS_MAX = 48, BENCH_EXIT_USAGE = 255 };

/* Given once or often, each time one or several with commas between. */
struct bench_words {
    const char *word[BENCH_LIST_MAX];
    size_t count;
};
struct bench_numbers {
    size_t number[BENCH_LIST_MAX];
    size_t count;
};

enum bench_option_kind {
    BENCH_FLAG,    /* bool */
    BENCH_SECONDS, /* double, above 0 */
    BENCH_DELAY,   /* double: seconds, also 0 */
    BENCH_RATE,    /* double, above 0: so many a second */
    BENCH_NUMBER,  /* size_t: from 1 to `most`, K, M and G allowed */
    BENCH_PERCENT, /* size_t: 0 to 100, with or without the sign */
    BENCH_TEXT,    /* const char * */
    BENCH_WORDS,   /* struct bench_words */
    BENCH_NUMBERS, /* struct bench_numbers: as BENCH_NUMBER */
};

struct bench_option {
    const char *name;
    const char *argument; /* its name in the help; NULL with a flag */
    enum bench_option_kind kind;
    void *out;
    size_t most;      /* of a number */
    const char *help; /* may have several lines */
    char letter;      /* a short form; 0: none */
};

enum bench_options_outcome { BENCH_OPTIONS_GO, BENCH_OPTIONS_HELP, BENCH_OPTIONS_WRONG };

/* argv[0] is the subcommand's name. What is no option goes to `rest`, in its order; NULL: there may be none. A fault is told on
 * standard error. The texts are argv's, which is cut up at commas. */
enum bench_options_outcome bench_options_parse(const struct bench_option *options, size_t count, int argc, char **argv,
                                               struct bench_words *rest);

/* The list of options for the help, with --help at its end. */
void bench_options_print(const struct bench_option *options, size_t count, FILE *out);

#endif

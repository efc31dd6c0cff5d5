/* SPDX-License-Identifier: MIT */
/* Writes JSON, value by value. One thread. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdbool.h>
#include <stdio.h>

enum { BENCH_JSON_DEPTH_MAX = 16 };

struct bench_json {
    FILE *out;
    unsigned depth;
    bool list[BENCH_JSON_DEPTH_MAX], begun[BENCH_JSON_DEPTH_MAX];
};

static inline struct bench_json bench_json(FILE *out)
{
    return (struct bench_json){ .out = out };
}

/* key: of an object's member; NULL in a list and at the top. */
void bench_json_object(struct bench_json *j, const char *key);
void bench_json_list(struct bench_json *j, const char *key);
/* Ends the innermost object or list. */
void bench_json_end(struct bench_json *j);

void bench_json_text(struct bench_json *j, const char *key, const char *text); /* NULL: null */
void bench_json_count(struct bench_json *j, const char *key, unsigned long long n);
void bench_json_bool(struct bench_json *j, const char *key, bool value);
/* Six digits; what is not finite is null. */
void bench_json_real(struct bench_json *j, const char *key, double value);
/* The same, and 0, which stands for unknown, is null too. */
void bench_json_real_or_null(struct bench_json *j, const char *key, double value);

#endif

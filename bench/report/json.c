/* SPDX-License-Identifier: MIT */
/* The members of an object in a list stand on one line, so that a result is a line; everything else has a line of its own. */
#include "bench/report/json.h"

#include <assert.h>
#include <math.h>

enum { ROW_DEPTH = 2 }; /* an object inside a list inside the document */

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void new_line(const struct bench_json *j, unsigned depth)
{
    fputc('\n', j->out);
    for (unsigned i = 0; i < depth; i++)
        fputs("  ", j->out);
}

static bool in_row(const struct bench_json *j)
{
    return j->depth > ROW_DEPTH;
}

/* What stands in front of every value. */
static void begin_value(struct bench_json *j, const char *key)
{
    if (j->depth > 0) {
        assert((key == NULL) == j->list[j->depth]);
        if (j->begun[j->depth])
            fputs(in_row(j) ? ", " : ",", j->out);
        j->begun[j->depth] = true;
        if (!in_row(j))
            new_line(j, j->depth);
    }
    if (key) {
        write_text(j->out, key);
        fputs(": ", j->out);
    }
}

static void open_value(struct bench_json *j, const char *key, bool list)
{
    begin_value(j, key);
    j->depth++;
    assert(j->depth < BENCH_JSON_DEPTH_MAX);
    j->list[j->depth] = list;
    j->begun[j->depth] = false;
    fputc(list ? '[' : '{', j->out);
}

void bench_json_object(struct bench_json *j, const char *key)
{
    open_value(j, key, false);
}

void bench_json_list(struct bench_json *j, const char *key)
{
    open_value(j, key, true);
}

void bench_json_end(struct bench_json *j)
{
    assert(j->depth > 0);
    if (!in_row(j) && j->begun[j->depth])
        new_line(j, j->depth - 1);
    fputc(j->list[j->depth] ? ']' : '}', j->out);
    if (--j->depth == 0)
        fputc('\n', j->out);
}

void bench_json_text(struct bench_json *j, const char *key, const char *text)
{
    begin_value(j, key);
    if (text)
        write_text(j->out, text);
    else
        fputs("null", j->out);
}

void bench_json_count(struct bench_json *j, const char *key, unsigned long long n)
{
    begin_value(j, key);
    fprintf(j->out, "%llu", n);
}

void bench_json_bool(struct bench_json *j, const char *key, bool value)
{
    begin_value(j, key);
    fputs(value ? "true" : "false", j->out);
}

void bench_json_real(struct bench_json *j, const char *key, double value)
{
    begin_value(j, key);
    if (isfinite(value))
        fprintf(j->out, "%.6g", value);
    else
        fputs("null", j->out);
}

void bench_json_real_or_null(struct bench_json *j, const char *key, double value)
{
    bench_json_real(j, key, value == 0 ? (double)NAN : value);
}

/* SPDX-License-Identifier: MIT */
#include "bench/report/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_BYTES = 96, GAP = 2 };

struct cell {
    enum bench_style style;
    char text[CELL_BYTES];
};

/* A row is a title alone, or columns cells. */
struct row {
    bool is_title;
    struct cell cell[];
};

struct bench_table {
    size_t columns, rows, room, filled; /* filled: cells of the row that is being made */
    struct row **row;
    bool failed;
};

struct bench_table *bench_table_new(size_t columns)
{
    struct bench_table *t = calloc(1, sizeof *t);
    assert(columns > 0);
    if (t)
        t->columns = columns;
    return t;
}

void bench_table_free(struct bench_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->rows; i++)
        free(t->row[i]);
    free(t->row);
    free(t);
}

static struct row *add_row(struct bench_table *t, size_t cells)
{
    if (t->rows == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        struct row **grown = reallocarray(t->row, room, sizeof *grown);
        if (!grown)
            return NULL;
        t->row = grown;
        t->room = room;
    }
    struct row *r = calloc(1, sizeof *r + cells * sizeof r->cell[0]);
    if (r)
        t->row[t->rows++] = r;
    return r;
}

void bench_table_cell(struct bench_table *t, enum bench_style style, const char *format, ...)
{
    va_list args;
    if (t->filled == 0 && !t->failed)
        t->failed = !add_row(t, t->columns);
    if (t->failed)
        return;
    struct cell *c = &t->row[t->rows - 1]->cell[t->filled];
    c->style = style;
    va_start(args, format);
    vsnprintf(c->text, sizeof c->text, format, args);
    va_end(args);
    t->filled = (t->filled + 1) % t->columns;
}

void bench_table_section(struct bench_table *t, const char *title)
{
    struct row *r = t->failed ? NULL : add_row(t, 1);
    assert(t->filled == 0 || t->failed);
    t->failed = !r;
    if (!r)
        return;
    r->is_title = true;
    r->cell[0].style = BENCH_BOLD;
    snprintf(r->cell[0].text, sizeof r->cell[0].text, "%s", title);
}

static size_t column_width(const struct bench_table *t, size_t column)
{
    size_t width = 0;
    for (size_t i = 0; i < t->rows; i++) {
        size_t len = t->row[i]->is_title ? 0 : strlen(t->row[i]->cell[column].text);
        width = len > width ? len : width;
    }
    return width;
}

/* Where the block that starts with this column ends: it has one column at least. */
static size_t block_end(const struct bench_table *t, size_t from, size_t width)
{
    size_t used = column_width(t, 0), end = from;
    while (end < t->columns) {
        used += GAP + column_width(t, end);
        if (used > width && end > from)
            break;
        end++;
    }
    return end;
}

/* trim: blanks at its end are not written. */
static void print_cell(const struct cell *c, size_t width, bool to_left, bool trim, FILE *out, bool colours)
{
    static const char *const codes[BENCH_STYLE_COUNT] = {
        [BENCH_PLAIN] = "", [BENCH_BOLD] = "\033[1m", [BENCH_DIM] = "\033[2m", [BENCH_GOOD] = "\033[32m", [BENCH_BAD] = "\033[33m"
    };
    size_t len = strlen(c->text), pad = to_left ? 0 : width - len;
    bool coloured = colours && c->style != BENCH_PLAIN;
    while (trim && len > 0 && c->text[len - 1] == ' ')
        len--;
    fprintf(out, "%*s%s%.*s%s", (int)pad, "", coloured ? codes[c->style] : "", (int)len, c->text, coloured ? "\033[0m" : "");
}

/* Nothing is written behind a row's last text. */
static void print_row(const struct bench_table *t, const struct row *r, size_t from, size_t end, FILE *out, bool colours)
{
    size_t last = end;
    if (r->is_title) {
        fputc('\n', out);
        print_cell(&r->cell[0], 0, true, true, out, colours);
        fputc('\n', out);
        return;
    }
    while (last > from && r->cell[last - 1].text[0] == 0)
        last--;
    print_cell(&r->cell[0], 0, true, false, out, colours);
    for (size_t i = from, behind = column_width(t, 0) - strlen(r->cell[0].text); i < last; i++) {
        fprintf(out, "%*s", (int)(behind + GAP), "");
        print_cell(&r->cell[i], column_width(t, i), false, i + 1 == last, out, colours);
        behind = 0;
    }
    fputc('\n', out);
}

bool bench_table_print(const struct bench_table *t, FILE *out, size_t width, bool colours)
{
    size_t from = 1;
    if (t->failed)
        return false;
    do {
        size_t end = block_end(t, from, width);
        if (from > 1)
            fputc('\n', out);
        for (size_t i = 0; i < t->rows; i++)
            print_row(t, t->row[i], from, end, out, colours);
        from = end;
    } while (from < t->columns);
    return true;
}

/* SPDX-License-Identifier: MIT */
/* See table.h. A cell that is wider than its column pushes the rest of its row to the next line, so that nothing is cut: names are
 * there to be typed again. */
#include "gateway/ctl/table.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/ctl/line.h"

enum { CELL_MAX = 2048, COLUMNS_MAX = 8 };

struct column {
    const char *head;
    int width; /* negative: to the left */
};

static int width_of(const struct column *c)
{
    return c->width < 0 ? -c->width : c->width;
}

/* What is not plain ASCII could move the cursor. */
static void print_plain(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc(*text >= 0x20 && *text < 0x7f ? *text : '?', out);
}

static void print_row(const struct column *columns, size_t count, char cells[][CELL_MAX], FILE *out)
{
    size_t last = count;
    while (last > 0 && !*cells[last - 1])
        last--;
    int before = 0; /* where the next column begins */
    for (size_t i = 0; i < last; i++) {
        int width = width_of(&columns[i]), len = (int)strlen(cells[i]);
        int padding = len < width ? width - len : 0;
        if (columns[i].width > 0)
            fprintf(out, "%*s", padding, "");
        print_plain(cells[i], out);
        before += width + 1;
        if (i + 1 == last)
            break;
        if (len > width)
            fprintf(out, "\n%*s", before, "");
        else
            fprintf(out, "%*s", (columns[i].width < 0 ? padding : 0) + 1, "");
    }
    fputc('\n', out);
}

static void print_heads(const struct column *columns, size_t count, FILE *out)
{
    char cells[COLUMNS_MAX][CELL_MAX];
    for (size_t i = 0; i < count; i++)
        snprintf(cells[i], CELL_MAX, "%s", columns[i].head);
    print_row(columns, count, cells, out);
}

/* ---- cells ---- */

static void text_cell(char cell[CELL_MAX], const char *prefix, const char *line, const char *name)
{
    struct cx_view v = { 0 };
    gw_ctl_line_value(line, name, &v);
    snprintf(cell, CELL_MAX, "%s%.*s", prefix, (int)v.len, v.len ? (const char *)v.data : "");
}

/* "1234", "56.7k", "890M": at most five characters. */
static void short_number(uint64_t n, unsigned step, char out[24])
{
    static const char units[] = " kMGTPE";
    size_t unit = 0;
    double value = (double)n;
    while (value >= (unit == 0 ? 10000 : 999.5) && unit + 2 < sizeof units) {
        value /= step;
        unit++;
    }
    if (unit == 0)
        snprintf(out, 24, "%" PRIu64, n);
    else
        snprintf(out, 24, value < 99.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

static void number_cell(char cell[CELL_MAX], const char *line, const char *name, unsigned step)
{
    uint64_t n;
    char text[24] = "-";
    if (gw_ctl_line_number(line, name, &n))
        short_number(n, step, text);
    snprintf(cell, CELL_MAX, "%s", text);
}

/* "3", or "3/200" where there is a limit. */
static void active_cell(char cell[CELL_MAX], const char *line)
{
    uint64_t active = 0, limit;
    gw_ctl_line_number(line, "active", &active);
    if (gw_ctl_line_number(line, "limit", &limit))
        snprintf(cell, CELL_MAX, "%" PRIu64 "/%" PRIu64, active, limit);
    else
        snprintf(cell, CELL_MAX, "%" PRIu64, active);
}

static void wait_cell(char cell[CELL_MAX], const char *line, const char *name)
{
    uint64_t us;
    *cell = '\0';
    if (!gw_ctl_line_number(line, name, &us))
        return;
    if (us < 1000)
        snprintf(cell, CELL_MAX, "%" PRIu64 "us", us);
    else if (us < 999500) /* above, it would be rounded to 1e+03ms */
        snprintf(cell, CELL_MAX, "%.3gms", (double)us / 1e3);
    else
        snprintf(cell, CELL_MAX, us < 100000000 ? "%.3gs" : "%.0fs", (double)us / 1e6);
}

static void age_cell(char cell[CELL_MAX], const char *line)
{
    uint64_t s = 0;
    gw_ctl_line_number(line, "seconds", &s);
    if (s < 60)
        snprintf(cell, CELL_MAX, "%us", (unsigned)s);
    else if (s < 3600)
        snprintf(cell, CELL_MAX, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
    else if (s < 86400)
        snprintf(cell, CELL_MAX, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
    else
        snprintf(cell, CELL_MAX, "%" PRIu64 "d%02uh", s / 86400, (unsigned)(s / 3600 % 24));
}

/* ---- tables ---- */

void gw_ctl_table_info(const struct gw_ctl_reply *r, FILE *out)
{
    for (size_t i = 0; i < r->count; i++) {
        char version[CELL_MAX], age[CELL_MAX];
        uint64_t pid = 0, seconds = 0, workers = 0, connections = 0;
        text_cell(version, "", r->lines[i], "version");
        gw_ctl_line_number(r->lines[i], "pid", &pid);
        gw_ctl_line_number(r->lines[i], "seconds", &seconds);
        gw_ctl_line_number(r->lines[i], "workers", &workers);
        gw_ctl_line_number(r->lines[i], "connections", &connections);
        age_cell(age, r->lines[i]);
        fprintf(out, "sluiced %s, engine %" PRIu64 ", up %s, %" PRIu64 " worker%s, %" PRIu64 " connection%s\n", version, pid, age,
                workers, workers == 1 ? "" : "s", connections, connections == 1 ? "" : "s");
    }
}

static const struct column queue_columns[] = {
    { "QUEUE", -24 }, { "STATE", -9 }, { "ACTIVE", 9 }, { "WAIT", 5 }, { "SERVED", 6 }, { "FAILED", 6 }, { "P50", 6 }, { "P99", 6 },
};
enum { QUEUE_COLUMNS = sizeof queue_columns / sizeof queue_columns[0] };
_Static_assert((int)QUEUE_COLUMNS <= (int)COLUMNS_MAX, "a row has a cell for each");

static void queue_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    text_cell(cells[0], "", line, "queue");
    *cells[1] = '\0';
    active_cell(cells[2], line);
    number_cell(cells[3], line, "waiting", 1000);
    number_cell(cells[4], line, "served", 1000);
    number_cell(cells[5], line, "failed", 1000);
    wait_cell(cells[6], line, "queue_time_p50_us");
    wait_cell(cells[7], line, "queue_time_p99_us");
}

static void member_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    struct cx_view state;
    text_cell(cells[0], "  ", line, "member");
    bool is_up = gw_ctl_line_value(line, "state", &state) && cx_view_equal(state, cx_view_text("up"));
    if (is_up && gw_ctl_line_is_true(line, "avoided"))
        snprintf(cells[1], CELL_MAX, "avoided");
    else if (is_up && gw_ctl_line_is_true(line, "backup"))
        snprintf(cells[1], CELL_MAX, "backup");
    else
        text_cell(cells[1], "", line, "state");
    active_cell(cells[2], line);
    *cells[3] = *cells[6] = *cells[7] = '\0';
    number_cell(cells[4], line, "served", 1000);
    number_cell(cells[5], line, "failed", 1000);
}

void gw_ctl_table_queues(const struct gw_ctl_reply *r, FILE *out)
{
    static char cells[COLUMNS_MAX][CELL_MAX];
    if (r->count == 0) {
        fputs("no queues\n", out);
        return;
    }
    print_heads(queue_columns, QUEUE_COLUMNS, out);
    for (size_t i = 0; i < r->count; i++) {
        if (gw_ctl_line_has(r->lines[i], "member"))
            member_cells(cells, r->lines[i]);
        else
            queue_cells(cells, r->lines[i]);
        print_row(queue_columns, QUEUE_COLUMNS, cells, out);
    }
}

static const struct column session_columns[] = {
    { "SESSION", -12 }, { "USER", -12 }, { "ADDRESS", -21 }, { "SINCE", 7 },
    { "CHANNELS", 8 },  { "IN", 5 },     { "OUT", 5 },       { "W", 3 },
};
enum { SESSION_COLUMNS = sizeof session_columns / sizeof session_columns[0], ID_SHOWN = 12 };
_Static_assert((int)SESSION_COLUMNS <= (int)COLUMNS_MAX, "a row has a cell for each");

void gw_ctl_table_sessions(const struct gw_ctl_reply *r, FILE *out)
{
    static char cells[COLUMNS_MAX][CELL_MAX];
    uint64_t omitted = 0, silent = 0;
    if (r->count == 0)
        fputs("no sessions\n", out);
    else
        print_heads(session_columns, SESSION_COLUMNS, out);
    for (size_t i = 0; i < r->count; i++) {
        struct cx_view user;
        text_cell(cells[0], "", r->lines[i], "session");
        cells[0][ID_SHOWN] = '\0'; /* enough to name it */
        if (gw_ctl_line_value(r->lines[i], "user", &user) && cx_view_equal(user, cx_view_text("null")))
            snprintf(cells[1], CELL_MAX, "-");
        else
            text_cell(cells[1], "", r->lines[i], "user");
        text_cell(cells[2], "", r->lines[i], "address");
        age_cell(cells[3], r->lines[i]);
        number_cell(cells[4], r->lines[i], "channels", 1000);
        number_cell(cells[5], r->lines[i], "bytes_in", 1024);
        number_cell(cells[6], r->lines[i], "bytes_out", 1024);
        number_cell(cells[7], r->lines[i], "worker", 1000);
        print_row(session_columns, SESSION_COLUMNS, cells, out);
    }
    gw_ctl_line_number(r->last, "omitted", &omitted);
    gw_ctl_line_number(r->last, "silent_workers", &silent);
    if (omitted > 0)
        fprintf(out, "and %" PRIu64 " more\n", omitted);
    if (silent > 0)
        fprintf(out, "%" PRIu64 " worker%s did not answer in time\n", silent, silent == 1 ? "" : "s");
}

/* ---- JSON ---- */

void gw_ctl_json_list(const struct gw_ctl_reply *r, const char *name, FILE *out)
{
    uint64_t omitted = 0, silent = 0;
    gw_ctl_line_number(r->last, "omitted", &omitted);
    gw_ctl_line_number(r->last, "silent_workers", &silent);
    fprintf(out, "{\"%s\":[", name);
    for (size_t i = 0; i < r->count; i++)
        fprintf(out, "%s\n%s", i > 0 ? "," : "", r->lines[i]);
    fprintf(out, "\n],\"omitted\":%" PRIu64 ",\"silent_workers\":%" PRIu64 "}\n", omitted, silent);
}

void gw_ctl_json_queues(const struct gw_ctl_reply *r, FILE *out)
{
    bool in_queue = false, has_members = false;
    fputs("{\"queues\":[", out);
    for (size_t i = 0; i < r->count; i++) {
        const char *line = r->lines[i];
        if (gw_ctl_line_has(line, "member")) {
            fprintf(out, "%s\n  %s", has_members ? "," : "", line);
            has_members = true;
            continue;
        }
        /* the queue's object stays open for its members */
        fprintf(out, "%s\n%.*s,\"members\":[", in_queue ? "]}," : "", (int)strlen(line) - 1, line);
        in_queue = true;
        has_members = false;
    }
    fprintf(out, "%s\n]}\n", in_queue ? "]}" : "");
}

void gw_ctl_json_one(const struct gw_ctl_reply *r, FILE *out)
{
    fprintf(out, "%s\n", r->count > 0 ? r->lines[0] : r->last);
}

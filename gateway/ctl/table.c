/* SPDX-License-Identifier: MIT */
/* See table.h. Columns are as wide as what stands in them, as long as all of them fit. A cell that is wider than its column pushes
 * the rest of its row to the next line, so that nothing is cut: names are there to be typed again. */
#include "gateway/ctl/table.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/ctl/line.h"

enum { CELL_MAX = 2048, COLUMNS_MAX = 8, WIDTH_MAX = 80, NAME_WIDTH_LEAST = 12 };

struct column {
    const char *head;
    bool is_number; /* to the right */
};

/* What a table is of: a row a line, and below it what is to be said of it, if there is anything. */
struct shape {
    struct column columns[COLUMNS_MAX];
    size_t count;
    void (*fill)(char cells[COLUMNS_MAX][CELL_MAX], const char *line);
    void (*note)(char note[CELL_MAX], const char *line); /* NULL: nothing ever */
};

/* What is not plain ASCII could move the cursor. */
static void print_plain(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc(*text >= 0x20 && *text < 0x7f ? *text : '?', out);
}

static void print_row(const struct shape *s, const int *widths, char cells[][CELL_MAX], FILE *out)
{
    size_t last = s->count;
    while (last > 0 && !*cells[last - 1])
        last--;
    int before = 0; /* where the next column begins */
    for (size_t i = 0; i < last; i++) {
        int len = (int)strlen(cells[i]), padding = len < widths[i] ? widths[i] - len : 0;
        if (s->columns[i].is_number)
            fprintf(out, "%*s", padding, "");
        print_plain(cells[i], out);
        before += widths[i] + 1;
        if (i + 1 == last)
            break;
        if (len > widths[i])
            fprintf(out, "\n%*s", before, "");
        else
            fprintf(out, "%*s", (s->columns[i].is_number ? 0 : padding) + 1, "");
    }
    fputc('\n', out);
}

static void heads_of(const struct shape *s, char cells[][CELL_MAX])
{
    for (size_t i = 0; i < s->count; i++)
        snprintf(cells[i], CELL_MAX, "%s", s->columns[i].head);
}

static void widen(const struct shape *s, char cells[][CELL_MAX], int *widths)
{
    for (size_t i = 0; i < s->count; i++)
        if ((int)strlen(cells[i]) > widths[i])
            widths[i] = (int)strlen(cells[i]);
}

/* Names give way to each other, the widest first: rows of those that are wider yet go on below. */
static void narrow(const struct shape *s, int *widths)
{
    for (;;) {
        int all = -1;
        size_t widest = 0;
        for (size_t i = 0; i < s->count; i++) {
            all += widths[i] + 1;
            if (!s->columns[i].is_number && widths[i] > widths[widest])
                widest = i;
        }
        if (all <= WIDTH_MAX || widths[widest] <= NAME_WIDTH_LEAST)
            return;
        widths[widest]--;
    }
}

static void print_table(const struct shape *s, const struct gw_ctl_reply *r, FILE *out)
{
    static char cells[COLUMNS_MAX][CELL_MAX], note[CELL_MAX];
    int widths[COLUMNS_MAX] = { 0 };
    heads_of(s, cells);
    widen(s, cells, widths);
    for (size_t i = 0; i < r->count; i++) {
        s->fill(cells, r->lines[i]);
        widen(s, cells, widths);
    }
    narrow(s, widths);
    heads_of(s, cells);
    print_row(s, widths, cells, out);
    for (size_t i = 0; i < r->count; i++) {
        s->fill(cells, r->lines[i]);
        print_row(s, widths, cells, out);
        *note = '\0';
        if (s->note)
            s->note(note, r->lines[i]);
        print_plain(note, out);
        if (*note)
            fputc('\n', out);
    }
}

/* ---- cells ---- */

static void text_cell(char cell[CELL_MAX], const char *prefix, const char *line, const char *name)
{
    struct cx_view v = { 0 };
    gw_ctl_line_text(line, name, &v);
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
        fputs("sluiced ", out);
        print_plain(version, out);
        fprintf(out, ", engine %" PRIu64 ", up %s, %" PRIu64 " worker%s, %" PRIu64 " connection%s\n", pid, age, workers,
                workers == 1 ? "" : "s", connections, connections == 1 ? "" : "s");
    }
}

static void queue_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    text_cell(cells[0], "", line, "queue");
    snprintf(cells[1], CELL_MAX, "%s", gw_ctl_line_is_true(line, "leaving") ? "leaving" : "");
    active_cell(cells[2], line);
    number_cell(cells[3], line, "waiting", 1000);
    number_cell(cells[4], line, "served", 1000);
    number_cell(cells[5], line, "failed", 1000);
    wait_cell(cells[6], line, "queue_time_p50_us");
    wait_cell(cells[7], line, "queue_time_p99_us");
}

/* Of a member that is up: what keeps it from its share, or that it has none for now. */
static void up_cell(char cell[CELL_MAX], const char *line)
{
    uint64_t percent = 100;
    gw_ctl_line_number(line, "slowstart_percent", &percent);
    if (gw_ctl_line_is_true(line, "avoided"))
        snprintf(cell, CELL_MAX, "avoided");
    else if (percent < 100)
        snprintf(cell, CELL_MAX, "slow %u%%", (unsigned)percent);
    else
        snprintf(cell, CELL_MAX, gw_ctl_line_is_true(line, "backup") ? "backup" : "up");
}

static void member_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    struct cx_view state;
    text_cell(cells[0], "  ", line, "member");
    if (gw_ctl_line_text(line, "state", &state) && cx_view_equal(state, cx_view_text("up")))
        up_cell(cells[1], line);
    else
        text_cell(cells[1], "", line, "state");
    active_cell(cells[2], line);
    *cells[3] = *cells[6] = *cells[7] = '\0';
    number_cell(cells[4], line, "served", 1000);
    number_cell(cells[5], line, "failed", 1000);
}

static void queue_or_member_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    (gw_ctl_line_has(line, "member") ? member_cells : queue_cells)(cells, line);
}

/* Those that were refused before any member was tried; FAILED has the others. */
static void refused_note(char note[CELL_MAX], const char *line)
{
    static const struct {
        const char *name, *text;
    } reasons[] = {
        { "refused_queue_full", "queue full" },
        { "refused_timed_out", "waited too long" },
        { "refused_no_consumer", "no consumer" },
    };
    size_t len = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        uint64_t n = 0;
        char text[24];
        gw_ctl_line_number(line, reasons[i].name, &n);
        short_number(n, 1000, text);
        if (n > 0)
            len += (size_t)snprintf(note + len, CELL_MAX - len, "%s%s %s", len > 0 ? ", " : "  refused: ", text, reasons[i].text);
    }
}

static void queue_or_member_note(char note[CELL_MAX], const char *line)
{
    struct cx_view reason;
    if (!gw_ctl_line_has(line, "member"))
        refused_note(note, line);
    else if (gw_ctl_line_text(line, "reason", &reason))
        text_cell(note, "    ", line, "reason");
}

void gw_ctl_table_queues(const struct gw_ctl_reply *r, FILE *out)
{
    static const struct shape shape = {
        .columns = { { "QUEUE", false },
                     { "STATE", false },
                     { "ACTIVE", true },
                     { "WAIT", true },
                     { "SERVED", true },
                     { "FAILED", true },
                     { "P50", true },
                     { "P99", true } },
        .count = 8,
        .fill = queue_or_member_cells,
        .note = queue_or_member_note,
    };
    if (r->count == 0)
        fputs("no queues\n", out);
    else
        print_table(&shape, r, out);
}

enum { ID_SHOWN = 12 };

/* "alice", "alice?" where the key does not prove the name, "-" before there is a user. Older gateways do not say what is proved. */
static void user_cell(char cell[CELL_MAX], const char *line)
{
    struct cx_view user;
    bool is_doubtful = gw_ctl_line_has(line, "proves_name") && !gw_ctl_line_is_true(line, "proves_name");
    if (gw_ctl_line_text(line, "user", &user))
        snprintf(cell, CELL_MAX, "%.*s%s", (int)user.len, (const char *)user.data, is_doubtful ? "?" : "");
    else
        snprintf(cell, CELL_MAX, "-");
}

static void session_cells(char cells[COLUMNS_MAX][CELL_MAX], const char *line)
{
    text_cell(cells[0], "", line, "session");
    cells[0][ID_SHOWN] = '\0'; /* enough to name it */
    user_cell(cells[1], line);
    text_cell(cells[2], "", line, "address");
    age_cell(cells[3], line);
    number_cell(cells[4], line, "channels", 1000);
    number_cell(cells[5], line, "bytes_in", 1024);
    number_cell(cells[6], line, "bytes_out", 1024);
    number_cell(cells[7], line, "worker", 1000);
}

void gw_ctl_table_sessions(const struct gw_ctl_reply *r, FILE *out)
{
    static const struct shape shape = {
        .columns = { { "SESSION", false },
                     { "USER", false },
                     { "ADDRESS", false },
                     { "SINCE", true },
                     { "CHANNELS", true },
                     { "IN", true },
                     { "OUT", true },
                     { "WORKER", true } },
        .count = 8,
        .fill = session_cells,
    };
    uint64_t omitted = 0, silent = 0;
    if (r->count == 0)
        fputs("no sessions\n", out);
    else
        print_table(&shape, r, out);
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

/* SPDX-License-Identifier: MIT */
/* Keywords whose value is a number, a time, a size, or yes or no. Bounds stand in the keyword's row. */
#include <inttypes.h>
#include <limits.h>
#include <strings.h>

#include "gateway/config/reader_priv.h"

static const uint64_t second_ns = 1000000000;

/* ---- one number ---- */

static bool read_number(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    uint64_t value;
    if (!gw_value_number(line->words[0], k->max, &value) || value < k->min)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    *(unsigned *)gw_keyword_field(k, base) = (unsigned)value;
    return true;
}

static void print_number(const struct gw_keyword *k, const void *base, FILE *out)
{
    gw_keyword_print_name(k, out);
    fprintf(out, "%u\n", *(const unsigned *)gw_keyword_field_of(k, base));
}

const struct gw_kind gw_kind_number = { .read = read_number, .print = print_number };

static bool read_number_or_none(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    if (strcasecmp(line->words[0], "none") != 0)
        return read_number(r, k, base, line);
    *(unsigned *)gw_keyword_field(k, base) = UINT_MAX;
    return true;
}

static void print_number_or_none(const struct gw_keyword *k, const void *base, FILE *out)
{
    if (*(const unsigned *)gw_keyword_field_of(k, base) != UINT_MAX) {
        print_number(k, base, out);
        return;
    }
    gw_keyword_print_name(k, out);
    fputs("none\n", out);
}

const struct gw_kind gw_kind_number_or_none = { .read = read_number_or_none, .print = print_number_or_none };

/* ---- times and sizes ---- */

static bool read_seconds(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    uint64_t seconds;
    if (!gw_value_seconds(line->words[0], k->max, &seconds) || seconds < k->min)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    *(uint64_t *)gw_keyword_field(k, base) = seconds * second_ns;
    return true;
}

static void print_seconds(const struct gw_keyword *k, const void *base, FILE *out)
{
    gw_keyword_print_name(k, out);
    fprintf(out, "%" PRIu64 "\n", *(const uint64_t *)gw_keyword_field_of(k, base) / second_ns);
}

const struct gw_kind gw_kind_seconds = { .read = read_seconds, .print = print_seconds };

static bool read_size(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    uint64_t bytes;
    if (!gw_value_size(line->words[0], k->max, &bytes) || bytes < k->min)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    *(uint64_t *)gw_keyword_field(k, base) = bytes;
    return true;
}

static void print_size(const struct gw_keyword *k, const void *base, FILE *out)
{
    gw_keyword_print_name(k, out);
    fprintf(out, "%" PRIu64 "\n", *(const uint64_t *)gw_keyword_field_of(k, base));
}

const struct gw_kind gw_kind_size = { .read = read_size, .print = print_size };

/* ---- yes or no ---- */

static bool read_yes_no(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    bool yes = strcasecmp(line->words[0], "yes") == 0;
    if (!yes && strcasecmp(line->words[0], "no") != 0)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    *(bool *)gw_keyword_field(k, base) = yes;
    return true;
}

static void print_yes_no(const struct gw_keyword *k, const void *base, FILE *out)
{
    gw_keyword_print_name(k, out);
    fputs(*(const bool *)gw_keyword_field_of(k, base) ? "yes\n" : "no\n", out);
}

const struct gw_kind gw_kind_yes_no = { .read = read_yes_no, .print = print_yes_no };

/* ---- MaxStartups BEGIN:RATE:FULL ---- */

/* Splits text at its colons, in place, into at most max numbers. 0: not that. */
static size_t split_numbers(char *text, uint64_t limit, uint64_t numbers[], size_t max)
{
    size_t count = 0;
    for (char *next = text; next; count++) {
        char *item = next;
        next = strchr(item, ':');
        if (next)
            *next++ = '\0';
        if (count == max || !gw_value_number(item, limit, &numbers[count]))
            return 0;
    }
    return count;
}

static bool read_startups(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    char written[64];
    snprintf(written, sizeof written, "%s", line->words[0]);
    uint64_t n[3];
    size_t count = split_numbers(line->words[0], k->max, n, 3);
    if (count == 1) { /* as sshd: all up to FULL, then none */
        n[1] = 100;
        n[2] = n[0];
    } else if (count != 3) {
        return gw_reader_refuse(r, written, k->accepted);
    }
    if (n[0] < 1 || n[0] > n[2] || n[1] < 1 || n[1] > 100)
        return gw_reader_refuse(r, written, k->accepted);
    c->startups_begin = (unsigned)n[0];
    c->startups_rate = (unsigned)n[1];
    c->startups_full = (unsigned)n[2];
    return true;
}

static void print_startups(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    fprintf(out, "%u:%u:%u\n", c->startups_begin, c->startups_rate, c->startups_full);
}

const struct gw_kind gw_kind_startups = { .read = read_startups, .print = print_startups };

/* ---- PerSourceNetBlockSize V4[:V6] ---- */

static bool read_net_block(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    char written[64];
    snprintf(written, sizeof written, "%s", line->words[0]);
    uint64_t n[2] = { 0, c->net_block_v6 };
    if (split_numbers(line->words[0], k->max, n, 2) == 0 || n[0] > 32)
        return gw_reader_refuse(r, written, k->accepted);
    c->net_block_v4 = (unsigned)n[0];
    c->net_block_v6 = (unsigned)n[1];
    return true;
}

static void print_net_block(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    fprintf(out, "%u:%u\n", c->net_block_v4, c->net_block_v6);
}

const struct gw_kind gw_kind_net_block = { .read = read_net_block, .print = print_net_block };

/* ---- RekeyLimit default|BYTES [none|TIME] ---- */

static bool read_rekey(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    if (line->count > 2)
        return gw_reader_fail(r, "takes at most two values; accepted: %s", k->accepted);
    uint64_t bytes = 0, seconds = 0;
    if (strcasecmp(line->words[0], "default") != 0 && (!gw_value_size(line->words[0], k->max, &bytes) || bytes < k->min))
        return gw_reader_refuse(r, line->words[0], k->accepted);
    if (line->count == 2 && strcasecmp(line->words[1], "none") != 0 &&
        (!gw_value_seconds(line->words[1], INT32_MAX, &seconds) || seconds == 0))
        return gw_reader_refuse(r, line->words[1], k->accepted);
    c->rekey_bytes = bytes;
    c->rekey_ns = seconds * second_ns;
    return true;
}

static void print_rekey(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    if (c->rekey_bytes == 0)
        fputs("default ", out);
    else
        fprintf(out, "%" PRIu64 " ", c->rekey_bytes);
    if (c->rekey_ns == 0)
        fputs("none\n", out);
    else
        fprintf(out, "%" PRIu64 "\n", c->rekey_ns / second_ns);
}

const struct gw_kind gw_kind_rekey = { .read = read_rekey, .print = print_rekey, .many_words = true };

/* SPDX-License-Identifier: MIT */
/* Lines meet the keyword table here, and everything that goes wrong gets its place in front. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/config/reader_priv.h"

/* ---- errors ---- */

const char *gw_reader_quote(char *out, size_t room, const char *text)
{
    static const char mark[] = "...";
    int len = snprintf(out, room, "%s", text);
    if ((size_t)len >= room)
        memcpy(out + room - sizeof mark, mark, sizeof mark);
    return out;
}

/* The place and keyword into error. Returns the length. */
static size_t write_place(const struct gw_reader *r)
{
    char file[256];
    int n;
    if (r->place.is_option)
        n = snprintf(r->error, GW_CONFIG_ERROR_MAX, "command line, option %u: ", r->place.line);
    else if (r->place.line > 0)
        n = snprintf(r->error, GW_CONFIG_ERROR_MAX, "%s line %u: ", gw_reader_quote(file, sizeof file, r->place.file),
                     r->place.line);
    else
        n = 0;
    if (r->keyword)
        n += snprintf(r->error + n, GW_CONFIG_ERROR_MAX - (size_t)n, "%s: ", r->keyword);
    return (size_t)n;
}

/* Whatever of the file it quotes, an error is a line of printable ASCII. */
bool gw_reader_fail(struct gw_reader *r, const char *format, ...)
{
    size_t used = write_place(r);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->error + used, GW_CONFIG_ERROR_MAX - used, format, arguments);
    va_end(arguments);
    char raw[GW_CONFIG_ERROR_MAX];
    snprintf(raw, sizeof raw, "%s", r->error);
    gw_log_escape(r->error, GW_CONFIG_ERROR_MAX, cx_view_text(raw), false);
    return false;
}

bool gw_reader_out_of_memory(struct gw_reader *r)
{
    return gw_reader_fail(r, "out of memory");
}

bool gw_reader_refuse(struct gw_reader *r, const char *word, const char *accepted)
{
    char quoted[128];
    return gw_reader_fail(r, "'%s' is not understood; accepted: %s", gw_reader_quote(quoted, sizeof quoted, word), accepted);
}

/* ---- memory ---- */

void *gw_reader_push(struct gw_reader *r, void *items, size_t *count, size_t item_bytes)
{
    void *array;
    memcpy(&array, items, sizeof array); /* items points to a pointer of whatever type */
    if ((*count & (*count - 1)) == 0) {  /* full whenever the count is a power of two, or zero */
        void *larger = reallocarray(array, *count > 0 ? 2 * *count : 1, item_bytes);
        if (!larger) {
            gw_reader_out_of_memory(r);
            return NULL;
        }
        array = larger;
        memcpy(items, &array, sizeof array);
    }
    void *item = (char *)array + *count * item_bytes;
    memset(item, 0, item_bytes);
    (*count)++;
    return item;
}

char *gw_reader_copy(struct gw_reader *r, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        gw_reader_out_of_memory(r);
    return copy;
}

bool gw_reader_push_text(struct gw_reader *r, char ***items, size_t *count, const char *text)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*items)[i], text) == 0)
            return true;
    char **slot = gw_reader_push(r, items, count, sizeof *slot);
    if (slot)
        *slot = gw_reader_copy(r, text);
    return slot && *slot;
}

/* ---- lines ---- */

static bool fail_unknown(struct gw_reader *r, const char *word)
{
    char quoted[64];
    gw_reader_quote(quoted, sizeof quoted, word);
    const struct gw_keyword *nearest = gw_keyword_nearest(word);
    if (nearest)
        return gw_reader_fail(r, "%s: no such keyword; the nearest one is %s", quoted, nearest->name);
    gw_reader_fail(r, "%s: no such keyword; accepted: %s", quoted, gw_keyword_at(0)->name);
    for (size_t i = 1; gw_keyword_at(i); i++) {
        size_t used = strlen(r->error);
        snprintf(r->error + used, GW_CONFIG_ERROR_MAX - used, ", %s", gw_keyword_at(i)->name);
    }
    return false;
}

/* Whether the keyword may stand where the line is. */
static bool in_scope(struct gw_reader *r, const struct gw_keyword *k)
{
    if (k->scope == GW_SCOPE_GLOBAL && r->queue != GW_NO_QUEUE)
        return gw_reader_fail(
            r,
            "does not belong to a queue, but stands in the block of Queue %s, which goes on to the next Queue or the "
            "end of the file; accepted: in front of the first Queue",
            r->config->queues[r->queue].name);
    if (k->scope == GW_SCOPE_QUEUE && r->queue == GW_NO_QUEUE)
        return gw_reader_fail(r, "belongs to a queue; accepted: below a line Queue NAME");
    return true;
}

static bool read_line(struct gw_reader *r, struct gw_line *line)
{
    const struct gw_keyword *k = gw_keyword_find(line->keyword);
    if (!k)
        return fail_unknown(r, line->keyword);
    r->keyword = k->name;
    if (!in_scope(r, k))
        return false;
    if (line->count == 0)
        return gw_reader_fail(r, "has no value; accepted: %s", k->accepted);
    if (line->count > 1 && !k->kind->many_words)
        return gw_reader_fail(r, "has more than one value; accepted: %s", k->accepted);

    bool in_block = k->scope == GW_SCOPE_QUEUE;
    uint64_t *seen = in_block ? &r->blocks[r->queue].seen : &r->seen;
    bool repeated = (*seen & gw_keyword_bit(k)) != 0;
    *seen |= gw_keyword_bit(k);
    if (repeated && !k->kind->repeats)
        return true; /* the first one wins, as in sshd */
    void *base = in_block ? (void *)&r->config->queues[r->queue] : (void *)r->config;
    return k->kind->read(r, k, base, line);
}

bool gw_reader_line(struct gw_reader *r, char *text)
{
    r->keyword = NULL;
    struct gw_line *line = malloc(sizeof *line); /* too large for the stack at every depth of Include */
    if (!line)
        return gw_reader_out_of_memory(r);
    const char *wrong = gw_lex_line(text, line);
    bool ok = wrong ? gw_reader_fail(r, "%s", wrong) : !line->keyword || read_line(r, line);
    free(line);
    return ok;
}

bool gw_reader_text(struct gw_reader *r, char *text, const char *name)
{
    char **file = gw_reader_push(r, &r->files, &r->file_count, sizeof *file);
    if (!file || !(*file = gw_reader_copy(r, name)))
        return false;
    r->queue = GW_NO_QUEUE;
    r->place = (struct gw_place){ .file = *file };
    bool ok = true;
    for (char *next = text; ok && next;) {
        char *start = next;
        next = strchr(start, '\n');
        if (next)
            *next++ = '\0';
        r->place.line++;
        ok = gw_reader_line(r, start);
    }
    return ok;
}

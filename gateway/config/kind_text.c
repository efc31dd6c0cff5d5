/* SPDX-License-Identifier: MIT */
/* Keywords whose value is a word, a path or a list of algorithms. */
#include <stdlib.h>
#include <strings.h>

#include "gateway/auth/authorized_keys.h"
#include "gateway/config/reader_priv.h"

enum { BANNER_BYTES_MAX = 16 * 1024 };

static bool is_none(const char *word)
{
    return strcasecmp(word, "none") == 0;
}

static void print_word(const struct gw_keyword *k, const char *word, FILE *out)
{
    gw_keyword_print_name(k, out);
    gw_lex_print(word, out);
    fputc('\n', out);
}

static void print_word_or_none(const struct gw_keyword *k, const void *base, FILE *out)
{
    const char *word = *(char *const *)gw_keyword_field_of(k, base);
    print_word(k, word ? word : "none", out);
}

/* ---- User ---- */

static bool read_user(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    if (!gw_user_name_valid(cx_view_text(line->words[0])))
        return gw_reader_refuse(r, line->words[0], k->accepted);
    char **field = gw_keyword_field(k, base);
    *field = gw_reader_copy(r, line->words[0]);
    return *field != NULL;
}

const struct gw_kind gw_kind_user = { .read = read_user, .print = print_word_or_none };

/* ---- paths ---- */

static bool read_path_or_none(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    if (is_none(line->words[0]))
        return true;
    char **field = gw_keyword_field(k, base);
    *field = gw_reader_path(r, line->words[0]);
    return *field != NULL;
}

const struct gw_kind gw_kind_path_or_none = { .read = read_path_or_none, .print = print_word_or_none };

static bool push_path(struct gw_reader *r, const struct gw_keyword *k, void *base, const char *word)
{
    char *path = gw_reader_path(r, word);
    if (!path)
        return false;
    bool ok = gw_reader_push_text(r, gw_keyword_field(k, base), (size_t *)(void *)((char *)base + k->count_offset), path);
    free(path);
    return ok;
}

static bool read_paths(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    return push_path(r, k, base, line->words[0]);
}

static void print_paths(const struct gw_keyword *k, const void *base, FILE *out)
{
    char *const *items = *(char *const *const *)gw_keyword_field_of(k, base);
    size_t count = *(const size_t *)(const void *)((const char *)base + k->count_offset);
    for (size_t i = 0; i < count; i++)
        print_word(k, items[i], out);
    if (count == 0)
        print_word(k, "none", out);
}

const struct gw_kind gw_kind_paths = { .read = read_paths, .print = print_paths, .repeats = true };

static bool read_paths_or_none(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    return is_none(line->words[0]) || read_paths(r, k, base, line);
}

const struct gw_kind gw_kind_paths_or_none = { .read = read_paths_or_none, .print = print_paths, .repeats = true };

/* Only %u and %% may stand in the path of a key file: it is expanded with a name that a peer chose. */
static bool tokens_known(const char *path)
{
    for (const char *at = strchr(path, '%'); at; at = strchr(at + 2, '%'))
        if (at[1] != 'u' && at[1] != '%')
            return false;
    return true;
}

static bool read_keys_files(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    if (line->count == 1 && is_none(line->words[0]))
        return true;
    for (size_t i = 0; i < line->count; i++) {
        if (!tokens_known(line->words[i]) || is_none(line->words[i]))
            return gw_reader_refuse(r, line->words[i], k->accepted);
        if (!push_path(r, k, base, line->words[i]))
            return false;
    }
    return true;
}

const struct gw_kind gw_kind_keys_files = { .read = read_keys_files, .print = print_paths, .many_words = true, .repeats = true };

/* ---- Banner: the path, and where files may be read its text too ---- */

static bool read_banner(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    if (!read_path_or_none(r, k, base, line))
        return false;
    if (!c->banner_path || !r->directory)
        return true;
    size_t len;
    c->banner = gw_reader_file(r, c->banner_path, BANNER_BYTES_MAX, &len);
    if (!c->banner)
        return false;
    if (memchr(c->banner, 0, len))
        return gw_reader_fail(r, "the file holds a NUL byte; accepted: text");
    return true;
}

const struct gw_kind gw_kind_banner = { .read = read_banner, .print = print_word_or_none };

/* ---- words out of a set ---- */

static const struct {
    const char *name;
    enum gw_log_level level;
} log_levels[] = {
    /* of several names for one level the first is printed */
    { "QUIET", GW_LOG_QUIET },  { "FATAL", GW_LOG_FATAL },     { "ERROR", GW_LOG_ERROR },
    { "INFO", GW_LOG_INFO },    { "VERBOSE", GW_LOG_VERBOSE }, { "DEBUG", GW_LOG_DEBUG },
    { "DEBUG1", GW_LOG_DEBUG }, { "DEBUG2", GW_LOG_DEBUG },    { "DEBUG3", GW_LOG_DEBUG },
};

static bool read_log_level(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    for (size_t i = 0; i < sizeof log_levels / sizeof log_levels[0]; i++) {
        if (strcasecmp(line->words[0], log_levels[i].name) == 0) {
            c->log_level = log_levels[i].level;
            return true;
        }
    }
    return gw_reader_refuse(r, line->words[0], k->accepted);
}

static void print_log_level(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    size_t i = 0;
    while (log_levels[i].level != c->log_level)
        i++;
    print_word(k, log_levels[i].name, out);
}

const struct gw_kind gw_kind_log_level = { .read = read_log_level, .print = print_log_level };

static bool read_queue_errors(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    c->queue_errors_detailed = strcasecmp(line->words[0], "detailed") == 0;
    if (!c->queue_errors_detailed && strcasecmp(line->words[0], "alike") != 0)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    return true;
}

static void print_queue_errors(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    print_word(k, c->queue_errors_detailed ? "detailed" : "alike", out);
}

const struct gw_kind gw_kind_queue_errors = { .read = read_queue_errors, .print = print_queue_errors };

/* "yes" is no more than "delayed", as in sshd: nothing is inflated of a peer that has not authenticated. */
static bool read_compression(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    c->compression = strcasecmp(line->words[0], "yes") == 0 || strcasecmp(line->words[0], "delayed") == 0;
    if (!c->compression && strcasecmp(line->words[0], "no") != 0)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    return true;
}

static void print_compression(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    print_word(k, c->compression ? "yes" : "no", out);
}

const struct gw_kind gw_kind_compression = { .read = read_compression, .print = print_compression };

/* As in sshd, "none" may stand beside the others and says nothing. */
static bool read_pubkey_auth(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    for (size_t i = 0; i < line->count; i++) {
        if (strcasecmp(line->words[i], "touch-required") == 0)
            c->touch_required = true;
        else if (strcasecmp(line->words[i], "verify-required") == 0)
            c->verify_required = true;
        else if (!is_none(line->words[i]))
            return gw_reader_refuse(r, line->words[i], k->accepted);
    }
    return true;
}

static void print_pubkey_auth(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    if (!c->touch_required && !c->verify_required)
        fputs("none", out);
    if (c->touch_required)
        fputs("touch-required", out);
    if (c->verify_required)
        fputs(c->touch_required ? " verify-required" : "verify-required", out);
    fputc('\n', out);
}

const struct gw_kind gw_kind_pubkey_auth = { .read = read_pubkey_auth, .print = print_pubkey_auth, .many_words = true };

/* ---- algorithms ---- */

static bool read_algorithms(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    char **field = gw_keyword_field(k, base);
    *field = gw_algorithms_edit(r, k, line->words[0]);
    return *field != NULL;
}

const struct gw_kind gw_kind_algorithms = { .read = read_algorithms, .print = print_word_or_none };

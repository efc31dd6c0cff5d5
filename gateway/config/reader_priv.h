/* SPDX-License-Identifier: MIT */
/* Private to gateway/config/: a configuration in the making. Text becomes lines (lex.c), a line meets its row of the keyword
 * table (keywords.c), the row's kind turns words into a field of the snapshot and, for -T, the field back into words
 * (kind_*.c). What only the whole can tell is judged at the end (finish.c). One thread. */
#ifndef GW_CONFIG_READER_PRIV_H
#define GW_CONFIG_READER_PRIV_H

#include "gateway/config/config.h"

/* ---- lines ---- */

enum { GW_LINE_WORDS_MAX = 1024 };

struct gw_line {
    char *keyword; /* NULL: a blank line or a comment */
    size_t count;
    char *words[GW_LINE_WORDS_MAX];
};

/* Splits one line (no newline in it) in place, as sshd does: Keyword value, Keyword=value, "quotes" and 'quotes', \ in front of a
 * quote, a blank or itself; # starts a comment where a word could start. NULL: fine; else what is wrong, static. */
const char *gw_lex_line(char *text, struct gw_line *out);
/* Prints a word so that gw_lex_line reads it back. */
void gw_lex_print(const char *word, FILE *out);

/* ---- the reader ---- */

/* Where something was written. */
struct gw_place {
    const char *file;
    unsigned line;
    bool is_option; /* an option of the command line: line counts those */
};

enum { GW_NO_QUEUE = -1 };

/* What is known of a queue beside its row in the snapshot. */
struct gw_block {
    struct gw_place place;
    uint64_t seen; /* keywords of its block that stood there: bits by row of the table */
};

/* Allow @group: groups may be named before they are defined. */
struct gw_group_use {
    struct gw_place place;
    const char *keyword;
    char *name;
};

struct gw_reader {
    struct gw_config *config;
    char *error; /* GW_CONFIG_ERROR_MAX */

    const char *directory; /* relative paths start here; NULL: no files may be opened or named by a relative path */
    size_t bytes_read;     /* of all files together */
    unsigned depth;        /* of Include */

    struct gw_place place; /* of the line being read */
    const char *keyword;   /* of the line being read, as the table spells it */
    int queue;             /* whose block the line is in: an index, or GW_NO_QUEUE */
    uint64_t seen;         /* as in gw_block, for global keywords */

    size_t file_count, port_count, block_count, group_place_count, group_use_count;
    char **files; /* the names that places point to */
    uint16_t *ports;
    struct gw_block *blocks; /* by index of config->queues */
    struct gw_place *group_places;
    struct gw_group_use *group_uses;
};

/* Sets the error: the reader's place, its keyword, and the text. Always false, so that a caller returns it. */
__attribute__((format(printf, 2, 3))) bool gw_reader_fail(struct gw_reader *r, const char *format, ...);
bool gw_reader_out_of_memory(struct gw_reader *r);
/* Text that an error quotes; what is longer than the room is cut, and ends in "...". Returns out. */
const char *gw_reader_quote(char *out, size_t room, const char *text);
/* "'word' is not understood; accepted: …": the text for most values. */
bool gw_reader_refuse(struct gw_reader *r, const char *word, const char *accepted);

/* Makes room for one more item and returns it zeroed; NULL: out of memory, and the error is set. */
void *gw_reader_push(struct gw_reader *r, void *items, size_t *count, size_t item_bytes);
/* NULL: out of memory, and the error is set. */
char *gw_reader_copy(struct gw_reader *r, const char *text);
/* Appends a copy, unless the list has it already. */
bool gw_reader_push_text(struct gw_reader *r, char ***items, size_t *count, const char *text);
/* A path as the snapshot keeps it: absolute. NULL: the error is set. */
char *gw_reader_path(struct gw_reader *r, const char *word);

/* Reads one line at the reader's place, in place. */
bool gw_reader_line(struct gw_reader *r, char *text);
/* Reads every line of text, in place, as the file `name` (kept as long as the reader). */
bool gw_reader_text(struct gw_reader *r, char *text, const char *name);
/* The main file, by its absolute path. */
bool gw_reader_main_file(struct gw_reader *r, const char *path);
/* The whole of a file that is at most max bytes, NUL-terminated; NULL: the error is set. */
char *gw_reader_file(struct gw_reader *r, const char *path, size_t max, size_t *len);

/* Fills in what was not said, and judges what only the whole can tell: finish.c. */
bool gw_reader_finish(struct gw_reader *r);

/* ---- the table ---- */

enum gw_keyword_scope { GW_SCOPE_GLOBAL, GW_SCOPE_QUEUE, GW_SCOPE_ANY };

struct gw_keyword;

/* How values of one form are read and printed. `base` is the snapshot, or the queue's row for keywords of a block. */
struct gw_kind {
    bool (*read)(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line);
    /* The whole line or lines, keyword included; nothing where the default needs no words. NULL: never printed. */
    void (*print)(const struct gw_keyword *k, const void *base, FILE *out);
    bool many_words; /* else exactly one value */
    bool repeats;    /* every line counts; else the first one wins */
};

struct gw_algorithms {
    const char *(*name_at)(size_t i); /* what crypto/ has; NULL past the end */
    const char *defaults;
};

struct gw_keyword {
    const char *name;
    enum gw_keyword_scope scope;
    const struct gw_kind *kind;
    const char *accepted; /* for errors */
    size_t offset;        /* of the field in its base */
    size_t count_offset;  /* of a list's count */
    uint64_t min, max;    /* of numbers, times (seconds) and sizes */
    const struct gw_algorithms *algorithms;
};

/* NULL past the end. The order is that of -T. */
const struct gw_keyword *gw_keyword_at(size_t i);
/* NULL: unknown. */
const struct gw_keyword *gw_keyword_find(const char *name);
/* The known one that is spelt most alike; NULL: none is near. */
const struct gw_keyword *gw_keyword_nearest(const char *name);
/* Its bit in `seen`. */
uint64_t gw_keyword_bit(const struct gw_keyword *k);

static inline void *gw_keyword_field(const struct gw_keyword *k, void *base)
{
    return (char *)base + k->offset;
}

static inline const void *gw_keyword_field_of(const struct gw_keyword *k, const void *base)
{
    return (const char *)base + k->offset;
}

/* "loglevel " */
void gw_keyword_print_name(const struct gw_keyword *k, FILE *out);

/* kind_number.c */
extern const struct gw_kind gw_kind_number, gw_kind_number_or_none, gw_kind_seconds, gw_kind_size, gw_kind_startups,
    gw_kind_net_block, gw_kind_rekey, gw_kind_yes_no;
/* kind_text.c */
extern const struct gw_kind gw_kind_user, gw_kind_path_or_none, gw_kind_paths, gw_kind_paths_or_none, gw_kind_keys_files,
    gw_kind_banner, gw_kind_log_level, gw_kind_queue_errors, gw_kind_compression, gw_kind_pubkey_auth, gw_kind_algorithms;
/* files.c */
extern const struct gw_kind gw_kind_include;
/* kind_listen.c */
extern const struct gw_kind gw_kind_listen, gw_kind_port;
/* kind_queue.c */
extern const struct gw_kind gw_kind_group, gw_kind_queue, gw_kind_route, gw_kind_rules, gw_kind_reverse_owner, gw_kind_balance;
/* kind_forward.c */
extern const struct gw_kind gw_kind_permit_listen, gw_kind_gateway_ports, gw_kind_mask;
/* kind_target.c */
extern const struct gw_kind gw_kind_target;

/* Values, without a place: value.c. False: not of that form, or past max. */
bool gw_value_number(const char *text, uint64_t max, uint64_t *out);
bool gw_value_seconds(const char *text, uint64_t max, uint64_t *out); /* "90", "2m", "1h30m" */
bool gw_value_size(const char *text, uint64_t max, uint64_t *out);    /* "512", "64K", "1G" */
/* Splits "HOST:PORT" at its last colon, in place; brackets around an IPv6 host stay. False: there is no colon, or the host has one
 * without brackets. */
bool gw_value_host_port(char *text, char **host, char **port);

/* Applies a list's edits (+ - ^) to the defaults; algorithms.c. NULL: the error is set. The caller frees. */
char *gw_algorithms_edit(struct gw_reader *r, const struct gw_keyword *k, const char *list);

#endif

/* SPDX-License-Identifier: MIT */
/* Target WHERE [OPTION…]: where a member of a queue is, and what it may be given. Options are a table: one row says how the words
 * behind its name are read and printed. */
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "gateway/config/reader_priv.h"
#include "gateway/net/host.h"

/* ---- where ---- */

static const struct {
    const char *text;
    enum gw_target_kind kind;
} own_targets[] = {
    { "dial", GW_TARGET_DIAL },
    { "builtin:echo", GW_TARGET_ECHO },
    { "builtin:discard", GW_TARGET_DISCARD },
    { "builtin:source", GW_TARGET_SOURCE },
    { "builtin:http", GW_TARGET_HTTP },
};

#define UNIX_PREFIX "unix:"

/* HOST:PORT into target. False: not that, or out of memory (then the error is set). */
static bool parse_tcp_target(struct gw_reader *r, const struct gw_keyword *k, const char *word, struct gw_target *target)
{
    char text[GW_HOST_MAX + 16], literal[GW_ADDR_TEXT], *host_text, *port_text;
    uint64_t port;
    size_t len = strlen(word);
    if (len >= sizeof text)
        return gw_reader_refuse(r, word, k->accepted);
    memcpy(text, word, len + 1);
    if (!gw_value_host_port(text, &host_text, &port_text) || !gw_value_number(port_text, 65535, &port) || port == 0)
        return gw_reader_refuse(r, word, k->accepted);
    struct gw_host host = gw_host_read(cx_view_text(host_text));
    if (host.kind == GW_HOST_NONE)
        return gw_reader_refuse(r, word, k->accepted);

    const char *text_of_host = host.name;
    if (host.kind == GW_HOST_LITERAL) {
        /* as written, not unwrapped: what goes through NAT64 is to be dialled through it */
        struct gw_addr address;
        bool is_address = gw_addr_parse(&address, host_text);
        text_of_host = is_address ? gw_addr_text(&address, literal) : host_text;
    }
    target->kind = GW_TARGET_TCP;
    target->port = (uint16_t)port;
    target->host = gw_reader_copy(r, text_of_host);
    return target->host != NULL;
}

/* unix:PATH. */
static bool parse_unix_target(struct gw_reader *r, const char *word, struct gw_target *target)
{
    const char *path = word + strlen(UNIX_PREFIX);
    if (path[0] != '/' || strlen(path) > GW_UNIX_PATH_MAX)
        return gw_reader_refuse(r, word, "unix: and an absolute path of at most 107 bytes, in one word");
    target->kind = GW_TARGET_UNIX;
    target->host = gw_reader_copy(r, path);
    return target->host != NULL;
}

static bool parse_where(struct gw_reader *r, const struct gw_keyword *k, const char *word, struct gw_target *target)
{
    size_t i = 0, count = sizeof own_targets / sizeof own_targets[0];
    while (i < count && strcasecmp(word, own_targets[i].text) != 0)
        i++;
    if (i < count)
        target->kind = own_targets[i].kind;
    else if (strcasecmp(word, "unix") == 0)
        return gw_reader_fail(r, "'unix' has no path; accepted: unix:PATH, in one word");
    else if (strncmp(word, UNIX_PREFIX "/", strlen(UNIX_PREFIX) + 1) == 0 && !parse_unix_target(r, word, target))
        return false;
    else if (target->kind != GW_TARGET_UNIX && !parse_tcp_target(r, k, word, target))
        return false;
    target->text = gw_reader_copy(r, i < count ? own_targets[i].text : word);
    return target->text != NULL;
}

/* ---- options ---- */

enum { TIME_MAX_SECONDS = 24 * 60 * 60 };
#define A_TIME "a time from 1s to 1d, such as 2, 30s or 1m"

/* As HAProxy has it. */
static const struct gw_check_config check_default = { .path = "/", .interval_ns = 2000000000, .fall = 3, .rise = 2 };

struct option {
    const char *name;
    const char *accepted; /* what may stand behind it; NULL: nothing */
    bool (*read)(const char *value, struct gw_target *t);
    /* With the blank in front; nothing where it is as if not written. */
    void (*print)(const struct gw_target *t, FILE *out);
};

static bool read_maxconn(const char *value, struct gw_target *t)
{
    uint64_t n;
    if (!gw_value_number(value, 1000000, &n) || n == 0)
        return false;
    t->max_conn = (unsigned)n;
    return true;
}

static void print_maxconn(const struct gw_target *t, FILE *out)
{
    if (t->max_conn != UINT_MAX)
        fprintf(out, " maxconn %u", t->max_conn);
}

static bool read_weight(const char *value, struct gw_target *t)
{
    uint64_t n;
    if (!gw_value_number(value, GW_WEIGHT_MAX, &n) || n == 0)
        return false;
    t->weight = (unsigned)n;
    return true;
}

static void print_weight(const struct gw_target *t, FILE *out)
{
    if (t->weight != 1)
        fprintf(out, " weight %u", t->weight);
}

static bool read_backup(const char *value, struct gw_target *t)
{
    (void)value;
    t->backup = true;
    return true;
}

static void print_backup(const struct gw_target *t, FILE *out)
{
    if (t->backup)
        fputs(" backup", out);
}

static bool read_time(const char *value, uint64_t *out_ns)
{
    uint64_t seconds;
    if (!gw_value_seconds(value, TIME_MAX_SECONDS, &seconds) || seconds == 0)
        return false;
    *out_ns = seconds * 1000000000;
    return true;
}

static void print_time(const char *name, uint64_t ns, uint64_t unless_ns, FILE *out)
{
    if (ns != unless_ns)
        fprintf(out, " %s %llu", name, (unsigned long long)(ns / 1000000000));
}

static bool read_count(const char *value, unsigned *out)
{
    uint64_t n;
    if (!gw_value_number(value, 1000, &n) || n == 0)
        return false;
    *out = (unsigned)n;
    return true;
}

static bool read_check(const char *value, struct gw_target *t)
{
    (void)value;
    t->check.on = true;
    return true;
}

static void print_check(const struct gw_target *t, FILE *out)
{
    if (t->check.on)
        fputs(" check", out);
}

static const char *const check_types[] = { [GW_CHECK_TCP] = "tcp", [GW_CHECK_SSH] = "ssh", [GW_CHECK_HTTP] = "http" };

static bool read_check_type(const char *value, struct gw_target *t)
{
    for (size_t i = 0; i < sizeof check_types / sizeof check_types[0]; i++) {
        if (strcasecmp(value, check_types[i]) != 0)
            continue;
        t->check.type = (enum gw_check_type)i;
        return true;
    }
    return false;
}

static void print_check_type(const struct gw_target *t, FILE *out)
{
    if (t->check.type != GW_CHECK_TCP)
        fprintf(out, " check-type %s", check_types[t->check.type]);
}

/* It stands in a request line as it is. */
static bool read_check_path(const char *value, struct gw_target *t)
{
    size_t len = strlen(value);
    if (value[0] != '/' || len > GW_CHECK_PATH_MAX)
        return false;
    for (const char *at = value; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    memcpy(t->check.path, value, len + 1);
    return true;
}

static void print_check_path(const struct gw_target *t, FILE *out)
{
    if (strcmp(t->check.path, "/") == 0)
        return;
    fputs(" check-path ", out);
    gw_lex_print(t->check.path, out);
}

static bool read_check_status(const char *value, struct gw_target *t)
{
    uint64_t n;
    if (!gw_value_number(value, 599, &n) || n < 100)
        return false;
    t->check.status = (unsigned)n;
    return true;
}

static void print_check_status(const struct gw_target *t, FILE *out)
{
    if (t->check.status != 0)
        fprintf(out, " check-status %u", t->check.status);
}

static bool read_inter(const char *value, struct gw_target *t)
{
    return read_time(value, &t->check.interval_ns);
}

static void print_inter(const struct gw_target *t, FILE *out)
{
    print_time("inter", t->check.interval_ns, check_default.interval_ns, out);
}

static bool read_fall(const char *value, struct gw_target *t)
{
    return read_count(value, &t->check.fall);
}

static void print_fall(const struct gw_target *t, FILE *out)
{
    if (t->check.fall != check_default.fall)
        fprintf(out, " fall %u", t->check.fall);
}

static bool read_rise(const char *value, struct gw_target *t)
{
    return read_count(value, &t->check.rise);
}

static void print_rise(const struct gw_target *t, FILE *out)
{
    if (t->check.rise != check_default.rise)
        fprintf(out, " rise %u", t->check.rise);
}

static bool read_slowstart(const char *value, struct gw_target *t)
{
    return read_time(value, &t->slowstart_ns);
}

static void print_slowstart(const struct gw_target *t, FILE *out)
{
    print_time("slowstart", t->slowstart_ns, 0, out);
}

static bool read_timeout(const char *value, struct gw_target *t)
{
    return read_time(value, &t->connect_timeout_ns);
}

static void print_timeout(const struct gw_target *t, FILE *out)
{
    print_time("timeout", t->connect_timeout_ns, 0, out);
}

static bool read_send_proxy(const char *value, struct gw_target *t)
{
    (void)value;
    t->sends_proxy = true;
    return true;
}

static void print_send_proxy(const struct gw_target *t, FILE *out)
{
    if (t->sends_proxy)
        fputs(" send-proxy-v2", out);
}

static const struct option options[] = {
    { "maxconn", "1 to 1000000", read_maxconn, print_maxconn },
    { "weight", "1 to 256", read_weight, print_weight },
    { "backup", NULL, read_backup, print_backup },
    { "check", NULL, read_check, print_check },
    { "check-type", "tcp, ssh or http", read_check_type, print_check_type },
    { "check-path", "a path that begins with /, of up to 255 bytes without blanks", read_check_path, print_check_path },
    { "check-status", "100 to 599", read_check_status, print_check_status },
    { "inter", A_TIME, read_inter, print_inter },
    { "fall", "1 to 1000", read_fall, print_fall },
    { "rise", "1 to 1000", read_rise, print_rise },
    { "slowstart", A_TIME, read_slowstart, print_slowstart },
    { "timeout", A_TIME, read_timeout, print_timeout },
    { "send-proxy-v2", NULL, read_send_proxy, print_send_proxy },
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static bool refuse_option(struct gw_reader *r, const char *word)
{
    char names[256];
    size_t used = 0;
    for (size_t i = 0; i < OPTION_COUNT; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", options[i].name);
    return gw_reader_refuse(r, word, names);
}

/* The option that begins at word *i, which is left at its last word. */
static bool read_option(struct gw_reader *r, const struct gw_line *line, size_t *i, struct gw_target *target)
{
    const char *word = line->words[*i];
    size_t n = 0;
    while (n < OPTION_COUNT && strcasecmp(word, options[n].name) != 0)
        n++;
    if (n == OPTION_COUNT)
        return refuse_option(r, word);
    const struct option *o = &options[n];
    const char *value = NULL;
    if (o->accepted) {
        if (*i + 1 == line->count)
            return gw_reader_fail(r, "%s has no value; accepted: %s", o->name, o->accepted);
        value = line->words[++*i];
    }
    if (o->read(value, target))
        return true;
    char quoted[64];
    return gw_reader_fail(r, "%s '%s' is not understood; accepted: %s", o->name, gw_reader_quote(quoted, sizeof quoted, value),
                          o->accepted);
}

/* ---- the line ---- */

static bool check_is_default(const struct gw_check_config *c)
{
    return c->type == check_default.type && strcmp(c->path, "/") == 0 && c->status == 0 &&
           c->interval_ns == check_default.interval_ns && c->fall == check_default.fall && c->rise == check_default.rise;
}

/* What no single option can tell. */
static bool judge_options(struct gw_reader *r, const struct gw_target *t)
{
    bool is_service = t->kind == GW_TARGET_TCP || t->kind == GW_TARGET_UNIX, connects = is_service || t->kind == GW_TARGET_DIAL;
    const struct gw_check_config *c = &t->check;
    if (!c->on && !check_is_default(c))
        return gw_reader_fail(r, "'%s' has options of a check; accepted: check in front of them", t->text);
    if (c->on && !is_service)
        return gw_reader_fail(r, "'%s' cannot be checked; accepted: check for a service that is connected", t->text);
    if (c->type != GW_CHECK_HTTP && (strcmp(c->path, "/") != 0 || c->status != 0))
        return gw_reader_fail(r, "'%s' has options of a check by HTTP; accepted: check-type http in front of them", t->text);
    if (t->slowstart_ns > 0 && !c->on)
        return gw_reader_fail(r, "'%s' has slowstart; accepted: beside check, which tells when it is up again", t->text);
    if (t->sends_proxy && !is_service)
        return gw_reader_fail(r, "'%s' cannot be sent a PROXY header; accepted: send-proxy-v2 for a service that expects one",
                              t->text);
    if (t->connect_timeout_ns > 0 && !connects)
        return gw_reader_fail(r, "'%s' is not connected; accepted: timeout for a service that is", t->text);
    return true;
}

static bool read_target(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_queue_config *q = base;
    if (q->target_count == GW_TARGETS_MAX)
        return gw_reader_fail(r, "the queue has %d already; accepted: no more", GW_TARGETS_MAX);
    struct gw_target *target = gw_reader_push(r, &q->targets, &q->target_count, sizeof *target);
    if (!target)
        return false;
    target->max_conn = UINT_MAX;
    target->weight = 1;
    target->check = check_default;
    if (!parse_where(r, k, line->words[0], target))
        return false;
    for (size_t i = 0; i + 1 < q->target_count; i++)
        if (strcmp(q->targets[i].text, target->text) == 0)
            return gw_reader_fail(r, "'%s' stands in the queue already; accepted: each once, with weight N for a larger share",
                                  target->text);
    for (size_t i = 1; i < line->count; i++)
        if (!read_option(r, line, &i, target))
            return false;
    return judge_options(r, target);
}

static void print_targets(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_queue_config *q = base;
    for (size_t i = 0; i < q->target_count; i++) {
        gw_keyword_print_name(k, out);
        gw_lex_print(q->targets[i].text, out);
        for (size_t n = 0; n < OPTION_COUNT; n++)
            options[n].print(&q->targets[i], out);
        fputc('\n', out);
    }
}

const struct gw_kind gw_kind_target = { .read = read_target, .print = print_targets, .many_words = true, .repeats = true };

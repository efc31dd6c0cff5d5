/* SPDX-License-Identifier: MIT */
/* Groups, queues, and the keywords of a queue's block but Target (kind_target.c) and those with a number or a time. */
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "gateway/auth/authorized_keys.h"
#include "gateway/config/reader_priv.h"
#include "gateway/net/host.h"

enum { WORD_MAX = 160 }; /* of what an error quotes */

/* "FILE line N" of an earlier line. Returns out. */
static const char *place_text(const struct gw_place *p, char *out, size_t room)
{
    char file[256];
    if (p->is_option)
        snprintf(out, room, "option %u of the command line", p->line);
    else
        snprintf(out, room, "%s line %u", gw_reader_quote(file, sizeof file, p->file), p->line);
    return out;
}

static bool fail_twice(struct gw_reader *r, const char *what, const char *name, const struct gw_place *first)
{
    char where[320];
    return gw_reader_fail(r, "%s '%s' is defined already, at %s; accepted: one definition", what, name,
                          place_text(first, where, sizeof where));
}

/* ---- Group NAME MEMBER… ---- */

static bool read_group(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    if (line->count < 2)
        return gw_reader_fail(r, "needs a name and at least one member; accepted: %s", k->accepted);
    for (size_t i = 0; i < line->count; i++)
        if (!gw_user_name_valid(cx_view_text(line->words[i])))
            return gw_reader_refuse(r, line->words[i], k->accepted);
    for (size_t i = 0; i < c->group_count; i++)
        if (strcmp(c->groups[i].name, line->words[0]) == 0)
            return fail_twice(r, "group", line->words[0], &r->group_places[i]);

    struct gw_place *place = gw_reader_push(r, &r->group_places, &r->group_place_count, sizeof *place);
    struct gw_group *group = place ? gw_reader_push(r, &c->groups, &c->group_count, sizeof *group) : NULL;
    if (!group)
        return false;
    *place = r->place;
    group->name = gw_reader_copy(r, line->words[0]);
    for (size_t i = 1; group->name && i < line->count; i++)
        if (!gw_reader_push_text(r, &group->members, &group->member_count, line->words[i]))
            return false;
    return group->name != NULL;
}

static void print_groups(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    for (size_t i = 0; i < c->group_count; i++) {
        gw_keyword_print_name(k, out);
        fputs(c->groups[i].name, out);
        for (size_t m = 0; m < c->groups[i].member_count; m++)
            fprintf(out, " %s", c->groups[i].members[m]);
        fputc('\n', out);
    }
}

const struct gw_kind gw_kind_group = { .read = read_group, .print = print_groups, .many_words = true, .repeats = true };

/* ---- Queue NAME ---- */

static bool queue_name_valid(const char *word, char name[GW_QUEUE_NAME_MAX + 1])
{
    struct gw_host host = gw_host_read(cx_view_text(word));
    size_t len = strlen(host.name);
    /* the dot at the end would be dropped from what clients ask for, too: such a queue could not be named as it is written */
    if (host.kind != GW_HOST_NAME || len != strlen(word) || len > GW_QUEUE_NAME_MAX || strcmp(host.name, "localhost") == 0)
        return false;
    memcpy(name, host.name, len + 1);
    return true;
}

static bool read_queue(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    char name[GW_QUEUE_NAME_MAX + 1];
    if (!queue_name_valid(line->words[0], name))
        return gw_reader_refuse(r, line->words[0], k->accepted);
    for (size_t i = 0; i < c->queue_count; i++)
        if (strcmp(c->queues[i].name, name) == 0)
            return fail_twice(r, "queue", name, &r->blocks[i].place);

    struct gw_block *block = gw_reader_push(r, &r->blocks, &r->block_count, sizeof *block);
    struct gw_queue_config *queue = block ? gw_reader_push(r, &c->queues, &c->queue_count, sizeof *queue) : NULL;
    if (!queue)
        return false;
    block->place = r->place;
    memcpy(queue->name, name, sizeof queue->name);
    queue->max_conn = queue->per_user_max_conn = queue->reverse_max_conn = UINT_MAX;
    queue->max_queue = 1000;
    queue->retries = 3;
    queue->queue_timeout_ns = queue->connect_timeout_ns = 10ull * 1000000000;
    r->queue = (int)c->queue_count - 1;
    return true;
}

/* Its blocks come last: print.c. */
const struct gw_kind gw_kind_queue = { .read = read_queue, .repeats = true };

/* ---- Route HOST:PORTS… ---- */

/* "*", "22" or "1000-2000". */
static bool parse_ports(char *text, struct gw_route *route)
{
    uint64_t low, high;
    if (strcmp(text, "*") == 0) {
        route->port_low = 0;
        route->port_high = UINT16_MAX;
        return true;
    }
    char *dash = strchr(text, '-');
    if (dash)
        *dash++ = '\0';
    if (!gw_value_number(text, UINT16_MAX, &low) || !gw_value_number(dash ? dash : text, UINT16_MAX, &high))
        return false;
    if (low == 0 || low > high)
        return false;
    route->port_low = (uint16_t)low;
    route->port_high = (uint16_t)high;
    return true;
}

/* The inside of "[fd00::/8]"; other texts stay. False: brackets around what is no IPv6. */
static bool strip_brackets(char **text)
{
    size_t len = strlen(*text);
    if ((*text)[0] != '[')
        return true;
    if (!strchr(*text, ':') || (*text)[len - 1] != ']')
        return false;
    (*text)[len - 1] = '\0';
    (*text)++;
    return true;
}

/* In place: lower case, one trailing dot dropped. False: not a pattern for names. Numbers with stars ("10.0.*") are refused, since
 * whoever writes them means addresses, which they could never match. */
static bool parse_glob(char *text)
{
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '.')
        text[--len] = '\0';
    if (len == 0 || len > GW_HOST_MAX)
        return false;
    bool has_digit = false, like_number = true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = text[i] = (char)(c - 'A' + 'a');
        bool digit = c >= '0' && c <= '9', mark = c == '*' || c == '?' || c == '.';
        if (!digit && !mark && c != '_' && c != '-' && !(c >= 'a' && c <= 'z'))
            return false;
        has_digit |= digit;
        like_number &= digit || mark;
    }
    if (strpbrk(text, "*?"))
        return !(has_digit && like_number);
    struct gw_host host = gw_host_read(cx_view_text(text));
    return host.kind == GW_HOST_NAME;
}

/* No port begins with a slash, so that a host named unix is another thing. */
static bool push_path_route(struct gw_reader *r, struct gw_queue_config *q, const char *glob)
{
    struct gw_route *slot = gw_reader_push(r, &q->routes, &q->route_count, sizeof *slot);
    if (!slot)
        return false;
    slot->is_path = true;
    slot->glob = gw_reader_copy(r, glob);
    return slot->glob != NULL;
}

static bool read_one_route(struct gw_reader *r, const struct gw_keyword *k, struct gw_queue_config *q, const char *word)
{
    char text[GW_HOST_MAX + 32], *host, *ports;
    struct gw_route route = { 0 };
    size_t len = strlen(word);
    if (len >= sizeof text)
        return gw_reader_refuse(r, word, k->accepted);
    if (strncmp(word, "unix:/", 6) == 0)
        return push_path_route(r, q, word + 5);
    memcpy(text, word, len + 1);
    if (!gw_value_host_port(text, &host, &ports) || !parse_ports(ports, &route) || !strip_brackets(&host))
        return gw_reader_refuse(r, word, k->accepted);
    route.is_cidr = gw_cidr_parse(&route.cidr, host);
    if (!route.is_cidr && !parse_glob(host))
        return gw_reader_refuse(r, word, k->accepted);

    struct gw_route *slot = gw_reader_push(r, &q->routes, &q->route_count, sizeof *slot);
    if (!slot)
        return false;
    *slot = route;
    if (!route.is_cidr)
        slot->glob = gw_reader_copy(r, host);
    return route.is_cidr || slot->glob;
}

static bool read_route(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    for (size_t i = 0; i < line->count; i++)
        if (!read_one_route(r, k, base, line->words[i]))
            return false;
    return true;
}

static void print_host_route(const struct gw_route *route, FILE *out)
{
    char text[GW_ADDR_TEXT];
    bool brackets = route->is_cidr && route->cidr.family == AF_INET6;
    fprintf(out, brackets ? "[%s]:" : "%s:", route->is_cidr ? gw_cidr_text(&route->cidr, text) : route->glob);
    if (route->port_low == 0)
        fputs("*", out);
    else if (route->port_low == route->port_high)
        fprintf(out, "%u", route->port_low);
    else
        fprintf(out, "%u-%u", route->port_low, route->port_high);
}

static void print_path_route(const struct gw_route *route, FILE *out)
{
    fputs("unix:", out);
    gw_lex_print(route->glob, out); /* a quote may stand within a word */
}

static void print_routes(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_queue_config *q = base;
    for (size_t i = 0; i < q->route_count; i++) {
        gw_keyword_print_name(k, out);
        (q->routes[i].is_path ? print_path_route : print_host_route)(&q->routes[i], out);
        fputc('\n', out);
    }
}

const struct gw_kind gw_kind_route = { .read = read_route, .print = print_routes, .many_words = true, .repeats = true };

/* ---- Allow, Deny: WHO, WHO@BLOCK or BLOCK ---- */

/* "alice@10.0.0.0/8" into its two halves, in place; the @ that leads a group is none. A bare block is everybody's. False: neither.
 */
static bool parse_rule(char *word, struct gw_rule *rule, const char **who)
{
    char *at = word[0] != '\0' ? strchr(word + 1, '@') : NULL;
    char *block = at ? at + 1 : word;
    *who = at ? word : "*";
    if (at)
        *at = '\0';
    rule->has_block = gw_cidr_parse(&rule->block, block);
    if (at && !rule->has_block)
        return false;
    if (!rule->has_block)
        *who = word;
    return strcmp(*who, "*") == 0 || gw_user_name_valid(cx_view_text(*who + (**who == '@')));
}

static bool is_repeated(const struct gw_rule *rules, size_t count, const struct gw_rule *rule, const char *who)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].who, who) == 0 && rules[i].has_block == rule->has_block &&
            (!rule->has_block || (gw_cidr_within(&rule->block, &rules[i].block) && gw_cidr_within(&rules[i].block, &rule->block))))
            return true;
    return false;
}

static bool read_rule(struct gw_reader *r, const struct gw_keyword *k, void *base, char *word)
{
    struct gw_rule rule = { 0 }, **rules = gw_keyword_field(k, base);
    size_t *count = (size_t *)(void *)((char *)base + k->count_offset);
    char written[WORD_MAX];
    const char *who;
    snprintf(written, sizeof written, "%s", word);
    if (!parse_rule(word, &rule, &who))
        return gw_reader_refuse(r, written, k->accepted);
    if (who[0] == '@') {
        struct gw_group_use *use = gw_reader_push(r, &r->group_uses, &r->group_use_count, sizeof *use);
        if (!use)
            return false;
        use->place = r->place;
        use->keyword = k->name;
        use->name = gw_reader_copy(r, who + 1);
        if (!use->name)
            return false;
    }
    if (is_repeated(*rules, *count, &rule, who))
        return true;
    rule.who = gw_reader_copy(r, who);
    struct gw_rule *slot = rule.who ? gw_reader_push(r, rules, count, sizeof *slot) : NULL;
    if (slot)
        *slot = rule;
    else
        free(rule.who);
    return slot != NULL;
}

static bool read_rules(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    for (size_t i = 0; i < line->count; i++)
        if (!read_rule(r, k, base, line->words[i]))
            return false;
    return true;
}

static void print_rules(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_rule *rules = *(struct gw_rule *const *)gw_keyword_field_of(k, base);
    size_t count = *(const size_t *)(const void *)((const char *)base + k->count_offset);
    char text[GW_ADDR_TEXT];
    for (size_t i = 0; i < count; i++) {
        gw_keyword_print_name(k, out);
        fputs(rules[i].who, out);
        if (rules[i].has_block)
            fprintf(out, "@%s", gw_cidr_text(&rules[i].block, text));
        fputc('\n', out);
    }
}

const struct gw_kind gw_kind_rules = { .read = read_rules, .print = print_rules, .many_words = true, .repeats = true };

/* ---- ReverseOwner ---- */

static bool read_reverse_owner(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_queue_config *q = base;
    q->reverse_owner_first = strcasecmp(line->words[0], "first") == 0;
    return q->reverse_owner_first || strcasecmp(line->words[0], "any") == 0 || gw_reader_refuse(r, line->words[0], k->accepted);
}

static void print_reverse_owner(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_queue_config *q = base;
    gw_keyword_print_name(k, out);
    fprintf(out, "%s\n", q->reverse_owner_first ? "first" : "any");
}

const struct gw_kind gw_kind_reverse_owner = { .read = read_reverse_owner, .print = print_reverse_owner };

/* ---- Balance ---- */

static const char *const balances[] = {
    [GW_BALANCE_ROUNDROBIN] = "roundrobin",
    [GW_BALANCE_LEASTCONN] = "leastconn",
    [GW_BALANCE_RANDOM] = "random",
    [GW_BALANCE_SOURCE] = "source",
};

static bool read_balance(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_queue_config *q = base;
    for (size_t i = 0; i < sizeof balances / sizeof balances[0]; i++) {
        if (strcasecmp(line->words[0], balances[i]) == 0) {
            q->balance = (enum gw_balance)i;
            return true;
        }
    }
    return gw_reader_refuse(r, line->words[0], k->accepted);
}

static void print_balance(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_queue_config *q = base;
    gw_keyword_print_name(k, out);
    fprintf(out, "%s\n", balances[q->balance]);
}

const struct gw_kind gw_kind_balance = { .read = read_balance, .print = print_balance };

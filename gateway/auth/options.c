/* SPDX-License-Identifier: MIT */
/* Options of authorized_keys. What a line says is checked before it is asked whose key it holds, so that a line which is not
 * understood admits nobody, and nobody believes that a restriction holds which does not. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "gateway/auth/options_priv.h"
#include "gateway/net/host.h"
#include "gateway/observe/log.h"

enum { ITEM_MAX = 128 };

__attribute__((format(printf, 2, 3))) static bool fail(char complaint[GW_COMPLAINT_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, GW_COMPLAINT_MAX, format, arguments);
    va_end(arguments);
    return false;
}

/* Takes the next item off a comma list, as a C string. False: it is empty or too long to be valid. */
static bool next_item(struct cx_view *list, char item[ITEM_MAX])
{
    const uint8_t *comma = memchr(list->data, ',', list->len);
    size_t len = comma ? (size_t)(comma - list->data) : list->len;
    if (len == 0 || len >= ITEM_MAX)
        return false;
    memcpy(item, list->data, len);
    item[len] = '\0';
    size_t taken = comma ? len + 1 : len;
    /* a comma at the very end leaves an empty item, which is refused when its turn comes */
    bool dangling = comma && taken == list->len;
    list->data += dangling ? len : taken;
    list->len -= dangling ? len : taken;
    return !dangling;
}

/* ---- user="alice,bob" ---- */

static bool users_well_formed(struct cx_view list)
{
    char item[ITEM_MAX];
    do {
        if (!next_item(&list, item) || !gw_user_name_valid(cx_view_text(item)))
            return false;
    } while (list.len > 0);
    return true;
}

static bool users_have(struct cx_view list, struct cx_view user)
{
    char item[ITEM_MAX];
    while (list.len > 0 && next_item(&list, item))
        if (cx_view_is(user, item))
            return true;
    return false;
}

/* ---- from="PATTERN,…" ---- */

enum from_match { FROM_MALFORMED, FROM_NO, FROM_YES };

/* A block, an address, or a pattern over an address's text. Host names are malformed: sluice looks none up for them. */
static enum from_match match_from(char *pattern, const struct gw_addr *peer)
{
    struct gw_cidr cidr;
    if (gw_cidr_parse(&cidr, pattern))
        return peer && gw_cidr_contains(&cidr, peer) ? FROM_YES : FROM_NO;
    if (strspn(pattern, "0123456789abcdefABCDEF.:*?") != strlen(pattern) || !strpbrk(pattern, "*?"))
        return FROM_MALFORMED;
    char text[GW_ADDR_TEXT];
    for (char *c = pattern; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
    return peer && gw_pattern_match(pattern, gw_addr_text(peer, text)) ? FROM_YES : FROM_NO;
}

/* As sshd: one pattern that matches is needed, and none that is negated may match. peer NULL: only the form is judged. */
static enum from_match match_from_list(struct cx_view list, const struct gw_addr *peer)
{
    char item[ITEM_MAX];
    bool matched = false, negated_matched = false;
    do {
        if (!next_item(&list, item))
            return FROM_MALFORMED;
        bool negated = item[0] == '!';
        enum from_match match = match_from(item + negated, peer);
        if (match == FROM_MALFORMED)
            return FROM_MALFORMED;
        matched |= match == FROM_YES && !negated;
        negated_matched |= match == FROM_YES && negated;
    } while (list.len > 0);
    return matched && !negated_matched ? FROM_YES : FROM_NO;
}

/* ---- expiry-time="YYYYMMDD[HHMM[SS]][Z]" ---- */

static int digits(const char *text, size_t len)
{
    int value = 0;
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* Local time unless a Z ends it: sshd(8). */
static bool parse_expiry(struct cx_view value, uint64_t *unix_time)
{
    char text[16];
    bool utc = value.len > 0 && value.data[value.len - 1] == 'Z';
    size_t len = value.len - utc;
    if (len != 8 && len != 12 && len != 14)
        return false;
    memcpy(text, value.data, len);
    text[len] = '\0';
    if (strspn(text, "0123456789") != len)
        return false;
    struct tm asked = {
        .tm_year = digits(text, 4) - 1900,
        .tm_mon = digits(text + 4, 2) - 1,
        .tm_mday = digits(text + 6, 2),
        .tm_hour = len >= 12 ? digits(text + 8, 2) : 0,
        .tm_min = len >= 12 ? digits(text + 10, 2) : 0,
        .tm_sec = len == 14 ? digits(text + 12, 2) : 0,
        .tm_isdst = -1,
    };
    struct tm made = asked;
    time_t when = utc ? timegm(&made) : mktime(&made);
    /* A day that does not exist comes back in another month. Hours may move, where clocks are put forward. */
    if (when <= 0 || made.tm_year != asked.tm_year || made.tm_mon != asked.tm_mon)
        return false;
    if (asked.tm_hour > 23 || asked.tm_min > 59 || asked.tm_sec > 59)
        return false;
    *unix_time = (uint64_t)when;
    return true;
}

/* ---- permitopen="host:port" ---- */

/* "22" or "*", which is port 0. */
static bool parse_port(struct cx_view text, uint16_t *port)
{
    *port = 0;
    if (cx_view_is(text, "*"))
        return true;
    unsigned value = 0;
    for (size_t i = 0; i < text.len && value <= UINT16_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* host without brackets; port 0 for "*". */
static bool parse_permit(struct cx_view value, struct cx_view *host, uint16_t *port)
{
    const uint8_t *colon = memrchr(value.data, ':', value.len);
    if (!colon || colon == value.data)
        return false;
    struct cx_view digits_view = { colon + 1, value.len - (size_t)(colon + 1 - value.data) };
    *host = cx_view(value.data, (size_t)(colon - value.data));
    bool bracketed = host->len > 2 && host->data[0] == '[' && host->data[host->len - 1] == ']';
    if (bracketed)
        *host = cx_view(host->data + 1, host->len - 2);
    enum gw_host_kind kind = gw_host_read(*host).kind;
    bool has_colon = memchr(host->data, ':', host->len) != NULL;
    if (has_colon != bracketed || (kind == GW_HOST_NONE && !cx_view_is(*host, "*")))
        return false;
    return parse_port(digits_view, port);
}

/* permitlisten: a port alone means it on any host, as sshd has it. */
bool gw_permit_parse_listen(struct cx_view value, struct cx_view *host, uint16_t *port)
{
    if (memchr(value.data, ':', value.len))
        return parse_permit(value, host, port);
    *host = cx_view_text("*");
    return parse_port(value, port);
}

static bool same_host(const struct gw_host *asked, const char *permitted)
{
    struct gw_host host = gw_host_read(cx_view_text(permitted));
    if (host.kind != asked->kind)
        return false;
    if (host.kind == GW_HOST_LITERAL)
        return gw_addr_equal(&host.address, &asked->address);
    return host.kind == GW_HOST_NAME && strcmp(host.name, asked->name) == 0;
}

bool gw_permits_have(const struct gw_permit *permits, size_t count, struct cx_view host, uint32_t port)
{
    struct gw_host asked = gw_host_read(host);
    for (size_t i = 0; i < count; i++) {
        const struct gw_permit *permit = &permits[i];
        if (permit->port != 0 && permit->port != port)
            continue;
        if (strcmp(permit->host, "*") == 0 || same_host(&asked, permit->host))
            return true;
    }
    return false;
}

bool gw_key_options_permit_path(const struct gw_key_options *o)
{
    return !o || (!o->no_forwarding && !o->permit_limited);
}

bool gw_key_options_permit(const struct gw_key_options *o, struct cx_view host, uint32_t port)
{
    if (!o)
        return true;
    return !o->no_forwarding && (!o->permit_limited || gw_permits_have(o->permits, o->permit_count, host, port));
}

bool gw_key_options_permit_listen(const struct gw_key_options *o, struct cx_view host, uint32_t port)
{
    if (!o)
        return true;
    return !o->no_forwarding && (!o->listen_limited || gw_permits_have(o->listens, o->listen_count, host, port));
}

bool gw_key_options_permit_listen_path(const struct gw_key_options *o)
{
    return !o || (!o->no_forwarding && !o->listen_limited);
}

const char *gw_key_options_unmet(const struct gw_key_options *o, const struct cx_verified *stated, bool touch, bool verify)
{
    if (!stated->security_key)
        return NULL;
    if ((touch || !o->no_touch_required) && !stated->user_present)
        return "user presence (authenticator touch) requirement not met";
    if ((verify || o->verify_required) && !stated->user_verified)
        return "user verification requirement not met";
    return NULL;
}

static void free_permits(struct gw_permit *permits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(permits[i].host);
    free(permits);
}

void gw_key_options_free(struct gw_key_options *o)
{
    if (!o)
        return;
    free_permits(o->permits, o->permit_count);
    free_permits(o->listens, o->listen_count);
    free(o);
}

/* ---- a line's options ---- */

static bool set_user(struct gw_line_options *o, struct cx_view value)
{
    bool fine = !o->has_user && users_well_formed(value);
    o->has_user = true;
    o->user = value;
    return fine;
}

static bool set_from(struct gw_line_options *o, struct cx_view value)
{
    bool fine = !o->has_from && match_from_list(value, NULL) != FROM_MALFORMED;
    o->has_from = true;
    o->from = value;
    return fine;
}

static bool set_expiry(struct gw_line_options *o, struct cx_view value)
{
    bool fine = !o->has_expiry && parse_expiry(value, &o->expiry_unix);
    o->has_expiry = true;
    return fine;
}

static bool add_permit(struct gw_line_options *o, struct cx_view value)
{
    struct cx_view host;
    uint16_t port;
    if (o->permit_count == GW_PERMIT_OPEN_MAX || !parse_permit(value, &host, &port))
        return false;
    o->permit_limited = true;
    o->permits[o->permit_count++] = value;
    return true;
}

static bool add_listen(struct gw_line_options *o, struct cx_view value)
{
    struct cx_view host;
    uint16_t port;
    if (o->listen_count == GW_PERMIT_OPEN_MAX || !gw_permit_parse_listen(value, &host, &port))
        return false;
    o->listen_limited = true;
    o->listens[o->listen_count++] = value;
    return true;
}

static bool forbid_forwarding(struct gw_line_options *o, struct cx_view value)
{
    (void)value;
    o->no_forwarding = true;
    return true;
}

static bool allow_forwarding(struct gw_line_options *o, struct cx_view value)
{
    (void)value;
    o->no_forwarding = false;
    return true;
}

static bool waive_touch(struct gw_line_options *o, struct cx_view value)
{
    (void)value;
    o->no_touch_required = true;
    return true;
}

static bool demand_verification(struct gw_line_options *o, struct cx_view value)
{
    (void)value;
    o->verify_required = true;
    return true;
}

static bool already_so(struct gw_line_options *o, struct cx_view value)
{
    (void)o;
    (void)value;
    return true;
}

static const struct {
    const char *name;
    bool has_value;
    bool (*apply)(struct gw_line_options *o, struct cx_view value); /* false: the value is wrong, or a second one */
} known[] = {
    { "user", true, set_user },
    { "from", true, set_from },
    { "expiry-time", true, set_expiry },
    { "permitopen", true, add_permit },
    { "permitlisten", true, add_listen },
    { "restrict", false, forbid_forwarding },
    { "no-port-forwarding", false, forbid_forwarding },
    { "port-forwarding", false, allow_forwarding },
    { "no-touch-required", false, waive_touch },
    { "verify-required", false, demand_verification },
    { "no-pty", false, already_so },
    { "no-agent-forwarding", false, already_so },
    { "no-X11-forwarding", false, already_so },
    { "no-user-rc", false, already_so },
};

static bool apply(struct gw_line_options *o, struct cx_view name, bool has_value, struct cx_view value, char *complaint)
{
    char escaped[40];
    gw_log_escape(escaped, sizeof escaped, name, true);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (name.len != strlen(known[i].name) || strncasecmp((const char *)name.data, known[i].name, name.len) != 0)
            continue;
        if (has_value != known[i].has_value)
            return fail(complaint, "option %s %s", known[i].name, has_value ? "takes no value" : "needs a value in double quotes");
        if (!known[i].apply(o, value))
            return fail(complaint, "option %s: its value is wrong, or there is one too many", known[i].name);
        return true;
    }
    return fail(complaint, "option %s is unknown", escaped);
}

static void advance(struct cx_view *v, size_t n)
{
    v->data += n;
    v->len -= n;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Takes one option off *line. No value of ours holds a quote, so that \" is not needed and a backslash is wrong. */
static bool take_option(struct cx_view *line, struct gw_line_options *out, char *complaint)
{
    size_t len = 0;
    while (len < line->len && !is_blank(line->data[len]) && line->data[len] != ',' && line->data[len] != '=')
        len++;
    struct cx_view name = cx_view(line->data, len), value = cx_view(line->data, 0);
    advance(line, len);
    bool has_value = line->len > 0 && line->data[0] == '=';
    if (has_value) {
        const uint8_t *close = line->len > 1 && line->data[1] == '"' ? memchr(line->data + 2, '"', line->len - 2) : NULL;
        if (!close)
            return fail(complaint, "an option's value is not in double quotes");
        value = cx_view(line->data + 2, (size_t)(close - line->data) - 2);
        if (memchr(value.data, '\\', value.len))
            return fail(complaint, "an option's value holds a backslash");
        advance(line, value.len + 3);
    }
    return apply(out, name, has_value, value, complaint);
}

bool gw_line_options_take(struct cx_view *line, struct gw_line_options *out, char complaint[GW_COMPLAINT_MAX])
{
    *out = (struct gw_line_options){ .expiry_unix = UINT64_MAX };
    for (;;) {
        if (!take_option(line, out, complaint))
            return false;
        if (line->len == 0)
            return fail(complaint, "there is no key behind the options");
        bool more = line->data[0] == ',';
        if (!more && !is_blank(line->data[0]))
            return fail(complaint, "options are not separated by commas");
        advance(line, 1);
        if (!more)
            return true;
    }
}

const char *gw_line_options_refuse(const struct gw_line_options *o, const struct gw_key_query *q)
{
    if (o->has_user && !users_have(o->user, q->user))
        return "the key is right, but not for this user";
    if (o->has_from && match_from_list(o->from, q->peer) != FROM_YES)
        return "the key is right, but not from this address";
    if (q->now_unix >= o->expiry_unix)
        return "the key is right, but has expired";
    return NULL;
}

/* False: out of memory; what there is stands in *out. */
static bool copy_permits(const struct cx_view *values, size_t count, bool (*parse)(struct cx_view, struct cx_view *, uint16_t *),
                         struct gw_permit **out, size_t *out_count)
{
    *out = count > 0 ? calloc(count, sizeof **out) : NULL;
    for (size_t i = 0; *out && i < count; i++) {
        struct cx_view host;
        if (!parse(values[i], &host, &(*out)[i].port))
            break; /* it was parsed once already */
        (*out)[i].host = strndup((const char *)host.data, host.len);
        if (!(*out)[i].host)
            break;
        ++*out_count;
    }
    return *out_count == count;
}

struct gw_key_options *gw_line_options_grant(const struct gw_line_options *o)
{
    struct gw_key_options *granted = calloc(1, sizeof *granted);
    if (!granted)
        return NULL;
    granted->no_forwarding = o->no_forwarding;
    granted->permit_limited = o->permit_limited;
    granted->listen_limited = o->listen_limited;
    granted->no_touch_required = o->no_touch_required;
    granted->verify_required = o->verify_required;
    granted->expiry_unix = o->expiry_unix;
    if (!copy_permits(o->permits, o->permit_count, parse_permit, &granted->permits, &granted->permit_count) ||
        !copy_permits(o->listens, o->listen_count, gw_permit_parse_listen, &granted->listens, &granted->listen_count)) {
        gw_key_options_free(granted);
        return NULL;
    }
    return granted;
}

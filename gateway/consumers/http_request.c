/* SPDX-License-Identifier: MIT */
/* Read line by line: each complete line is judged and forgotten, so that the parser's state is one line and a few bits, and a
 * split of the bytes can make no difference. */
#include "gateway/consumers/http_request.h"

#include <strings.h>

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* METHOD SP TARGET SP HTTP/1.x */
static unsigned read_request_line(struct gw_http_request *r, const char *line)
{
    const char *target = strchr(line, ' ');
    const char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version || target == line || version == target + 1)
        return 400;
    for (const char *p = line; p < target; p++)
        if (!is_token_byte(*p))
            return 400;
    for (const char *p = target + 1; p < version; p++)
        if (*p <= ' ' || *p == 0x7f)
            return 400;
    version++;
    if (strncmp(version, "HTTP/", 5) != 0)
        return 400;
    if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
        return 505;
    r->http_1_0 = version[7] == '0';
    r->keep_alive = !r->http_1_0;
    size_t method_len = (size_t)(target - line);
    r->head = method_len == 4 && memcmp(line, "HEAD", 4) == 0;
    if (!r->head && !(method_len == 3 && memcmp(line, "GET", 3) == 0))
        return 405;
    return 0;
}

static bool read_length(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || n > UINT64_MAX / 10 - 1)
            return false;
        n = n * 10 + (uint64_t)(*text - '0');
    }
    *out = n;
    return true;
}

/* Whether a list separated by commas holds this token. */
static bool list_has(const char *list, const char *token)
{
    size_t len = strlen(token);
    for (const char *p = list; *p;) {
        p += strspn(p, " \t,");
        size_t n = strcspn(p, ",");
        size_t trimmed = n;
        while (trimmed > 0 && (p[trimmed - 1] == ' ' || p[trimmed - 1] == '\t'))
            trimmed--;
        if (trimmed == len && strncasecmp(p, token, len) == 0)
            return true;
        p += n;
    }
    return false;
}

static unsigned read_field(struct gw_http_request *r, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return 400;
    for (const char *p = line; p < colon; p++)
        if (!is_token_byte(*p)) /* a folded line, too, starts with a byte that no name has: RFC 9112 section 5.2 */
            return 400;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t len = strlen(value);
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        value[--len] = '\0';
    if (strcasecmp(line, "Host") == 0) {
        if (r->have_host)
            return 400;
        r->have_host = true;
    } else if (strcasecmp(line, "Content-Length") == 0) {
        uint64_t n;
        if (!read_length(value, &n) || (r->have_length && n != r->body_bytes))
            return 400;
        r->have_length = true;
        r->body_bytes = n;
    } else if (strcasecmp(line, "Transfer-Encoding") == 0) {
        return 501;
    } else if (strcasecmp(line, "Connection") == 0) {
        if (list_has(value, "close") || r->http_1_0)
            r->keep_alive = false;
    }
    return 0;
}

/* One line without its end. 0: go on. */
static unsigned read_line(struct gw_http_request *r)
{
    if (r->line_len > 0 && r->line[r->line_len - 1] == '\r')
        r->line_len--;
    r->line[r->line_len] = '\0';
    bool empty = r->line_len == 0;
    /* a NUL or a lone CR could make two readers see two different messages */
    bool clean = strlen(r->line) == r->line_len && !strchr(r->line, '\r');
    r->line_len = 0;
    if (!clean)
        return 400;
    if (!r->have_request_line) {
        r->have_request_line = !empty; /* empty lines in front: RFC 9112 section 2.2 */
        return empty ? 0 : read_request_line(r, r->line);
    }
    if (!empty)
        return read_field(r, r->line);
    if (!r->http_1_0 && !r->have_host)
        return 400;
    return r->body_bytes > GW_HTTP_BODY_MAX ? 413 : 200;
}

unsigned gw_http_request_feed(struct gw_http_request *r, struct cx_view in, size_t *used)
{
    unsigned status = 0;
    size_t i = 0;
    while (status == 0 && i < in.len) {
        char c = (char)in.data[i++];
        if (++r->head_bytes >= GW_HTTP_HEAD_MAX)
            status = 431;
        else if (c == '\n')
            status = read_line(r);
        else
            r->line[r->line_len++] = c; /* never over: head_bytes is below the line's size */
    }
    if (status != 0 && status != 200)
        r->keep_alive = false;
    *used = i;
    return status;
}

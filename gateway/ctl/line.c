/* SPDX-License-Identifier: MIT */
/* See line.h. The answers come from our own gateway, but a line is read as if they did not. */
#include "gateway/ctl/line.h"

#include <string.h>

/* A string at *at, which moves behind it. */
static bool take_string(const char **at, struct cx_view *inside)
{
    const char *p = *at;
    if (*p++ != '"')
        return false;
    const char *start = p;
    while (*p && *p != '"') {
        if (*p == '\\' && *++p == '\0')
            return false;
        p++;
    }
    if (*p != '"')
        return false;
    *inside = cx_view(start, (size_t)(p - start));
    *at = p + 1;
    return true;
}

struct value {
    struct cx_view text; /* of a string without its quotes */
    bool is_string;
};

/* A string, a number or a word: nothing that holds others. */
static bool take_value(const char **at, struct value *value)
{
    value->is_string = **at == '"';
    if (value->is_string)
        return take_string(at, &value->text);
    size_t len = strspn(*at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    value->text = cx_view(*at, len);
    *at += len;
    return len > 0;
}

static bool find(const char *line, const char *name, struct value *value)
{
    const char *at = line;
    struct cx_view key;
    if (*at++ != '{')
        return false;
    do {
        if (!take_string(&at, &key) || *at++ != ':' || !take_value(&at, value))
            return false;
        if (cx_view_equal(key, cx_view_text(name)))
            return true;
    } while (*at++ == ',');
    return false;
}

bool gw_ctl_line_text(const char *line, const char *name, struct cx_view *text)
{
    struct value v;
    if (!find(line, name, &v) || !v.is_string)
        return false;
    *text = v.text;
    return true;
}

bool gw_ctl_line_number(const char *line, const char *name, uint64_t *value)
{
    struct value v;
    uint64_t n = 0;
    if (!find(line, name, &v) || v.is_string)
        return false;
    for (size_t i = 0; i < v.text.len; i++) {
        uint8_t digit = (uint8_t)(v.text.data[i] - '0');
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *value = n;
    return true;
}

bool gw_ctl_line_is_true(const char *line, const char *name)
{
    struct value v;
    return find(line, name, &v) && !v.is_string && cx_view_equal(v.text, cx_view_text("true"));
}

bool gw_ctl_line_has(const char *line, const char *name)
{
    struct value v;
    return find(line, name, &v);
}

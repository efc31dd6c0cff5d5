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

/* A string, a number or a word: nothing that holds others. */
static bool take_value(const char **at, struct cx_view *value)
{
    if (**at == '"')
        return take_string(at, value);
    size_t len = strspn(*at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
    *value = cx_view(*at, len);
    *at += len;
    return len > 0;
}

bool gw_ctl_line_value(const char *line, const char *name, struct cx_view *value)
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

bool gw_ctl_line_number(const char *line, const char *name, uint64_t *value)
{
    struct cx_view digits;
    if (!gw_ctl_line_value(line, name, &digits) || digits.len == 0)
        return false;
    *value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t digit = (uint8_t)(digits.data[i] - '0');
        if (digit > 9 || *value > (UINT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

bool gw_ctl_line_is_true(const char *line, const char *name)
{
    struct cx_view value;
    return gw_ctl_line_value(line, name, &value) && cx_view_equal(value, cx_view_text("true"));
}

bool gw_ctl_line_has(const char *line, const char *name)
{
    struct cx_view value;
    return gw_ctl_line_value(line, name, &value);
}

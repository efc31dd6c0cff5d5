/* SPDX-License-Identifier: MIT */
/* What a client asks for is sorted into name, literal or neither exactly once, here, so that a rule for names and a rule for
 * addresses can never both think that the other one is in charge. */
#include "gateway/net/host.h"

static char lower(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Lower case, without its trailing dot. False: a byte or label that no name has. */
static bool copy_name(char out[GW_HOST_MAX + 1], struct cx_view raw)
{
    if (raw.len > 0 && raw.data[raw.len - 1] == '.')
        raw.len--;
    if (raw.len == 0 || raw.len > GW_HOST_MAX)
        return false;
    for (size_t i = 0; i < raw.len; i++) {
        char c = lower(raw.data[i]);
        bool label_empty = c == '.' && (i == 0 || i + 1 == raw.len || raw.data[i + 1] == '.');
        if (label_empty || !((c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '_' || c == '-'))
            return false;
        out[i] = c;
    }
    out[raw.len] = '\0';
    return true;
}

/* Whether the last label is decimal, octal or 0x-hexadecimal: then resolvers may take all of it for an IPv4 address. */
static bool ends_in_number(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *label = dot ? dot + 1 : name;
    if (label[0] == '0' && label[1] == 'x')
        return strspn(label + 2, "0123456789abcdef") == strlen(label + 2);
    return strspn(label, "0123456789") == strlen(label);
}

struct gw_host gw_host_read(struct cx_view raw)
{
    struct gw_host host = { .kind = GW_HOST_NONE };
    char text[GW_ADDR_TEXT];
    if (raw.len < sizeof text && !memchr(raw.data ? raw.data : (const uint8_t *)"", 0, raw.len)) {
        if (raw.len > 0)
            memcpy(text, raw.data, raw.len);
        text[raw.len] = '\0';
        struct gw_addr address;
        if (gw_addr_parse(&address, text)) {
            host.kind = GW_HOST_LITERAL;
            host.address = gw_addr_unwrap(&address);
            return host;
        }
    }
    if (copy_name(host.name, raw) && !ends_in_number(host.name))
        host.kind = GW_HOST_NAME;
    return host;
}

bool gw_pattern_match(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL; /* the last * and where in the text it stops for now */
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

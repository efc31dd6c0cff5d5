/* SPDX-License-Identifier: MIT */
/* Byte ranges that carry their length. A span is writable, a view is not; neither owns what it points at.
 * Any thread. */
#ifndef CX_SPAN_H
#define CX_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cx_span {
    uint8_t *data;
    size_t len;
};

struct cx_view {
    const uint8_t *data;
    size_t len;
};

static inline struct cx_view cx_view(const void *data, size_t len)
{
    return (struct cx_view){ data, len };
}

/* The bytes of a C string without its NUL. */
static inline struct cx_view cx_view_text(const char *text)
{
    return (struct cx_view){ (const uint8_t *)text, strlen(text) };
}

static inline struct cx_view cx_span_view(struct cx_span s)
{
    return (struct cx_view){ s.data, s.len };
}

/* For public bytes only: it returns at the first difference. Secrets go through cx_secret_equal. */
static inline bool cx_view_equal(struct cx_view a, struct cx_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool cx_view_is(struct cx_view v, const char *text)
{
    return cx_view_equal(v, cx_view_text(text));
}

#endif

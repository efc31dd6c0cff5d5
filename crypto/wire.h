/* SPDX-License-Identifier: MIT */
/* The data types of RFC 4251 section 5, read and written: the only place that turns their bytes into values.
 * A reader or writer remembers its first failure and from then on answers with zeros and empty views, so that a caller
 * reads a whole message and asks once at its end. Neither owns its bytes. Used by one thread at a time. */
#ifndef CX_WIRE_H
#define CX_WIRE_H

#include <endian.h>

#include "crypto/err.h"
#include "crypto/span.h"

/* For fields at a known place, whose room the caller has checked. Each is one access: of shifts and bytes side by side gcc 12 makes
 * vectors out of registers, which is a wait of its own. */
static inline uint32_t cx_load_u32(const uint8_t *p)
{
    uint32_t wire;
    memcpy(&wire, p, sizeof wire);
    return be32toh(wire);
}

static inline void cx_store_u32(uint8_t *p, uint32_t value)
{
    uint32_t wire = htobe32(value);
    memcpy(p, &wire, sizeof wire);
}

static inline uint64_t cx_load_u64(const uint8_t *p)
{
    uint64_t wire;
    memcpy(&wire, p, sizeof wire);
    return be64toh(wire);
}

static inline void cx_store_u64(uint8_t *p, uint64_t value)
{
    uint64_t wire = htobe64(value);
    memcpy(p, &wire, sizeof wire);
}

struct cx_reader {
    struct cx_view left; /* not read yet */
    bool failed;
};

static inline struct cx_reader cx_reader(struct cx_view bytes)
{
    return (struct cx_reader){ bytes, false };
}

/* Nothing was missing or malformed so far. */
static inline bool cx_reader_ok(const struct cx_reader *r)
{
    return !r->failed;
}

/* Nothing was missing or malformed, and nothing is left over. */
static inline bool cx_reader_done(const struct cx_reader *r)
{
    return !r->failed && r->left.len == 0;
}

static inline void cx_reader_fail(struct cx_reader *r)
{
    r->failed = true;
    r->left = cx_view("", 0);
}

/* The next n bytes, inside the reader's own. */
static inline struct cx_view cx_reader_raw(struct cx_reader *r, size_t n)
{
    if (n > r->left.len) {
        cx_reader_fail(r);
        return cx_view("", 0);
    }
    struct cx_view v = { r->left.data, n };
    r->left.data += n;
    r->left.len -= n;
    return v;
}

static inline uint8_t cx_reader_u8(struct cx_reader *r)
{
    struct cx_view v = cx_reader_raw(r, 1);
    return v.len == 1 ? v.data[0] : 0;
}

/* Any value but 0 is true: RFC 4251 section 5. */
static inline bool cx_reader_bool(struct cx_reader *r)
{
    return cx_reader_u8(r) != 0;
}

static inline uint32_t cx_reader_u32(struct cx_reader *r)
{
    struct cx_view v = cx_reader_raw(r, 4);
    return v.len == 4 ? cx_load_u32(v.data) : 0;
}

static inline uint64_t cx_reader_u64(struct cx_reader *r)
{
    uint64_t high = cx_reader_u32(r);
    return high << 32 | cx_reader_u32(r);
}

static inline struct cx_view cx_reader_string(struct cx_reader *r)
{
    return cx_reader_raw(r, cx_reader_u32(r));
}

/* The big-endian magnitude of an mpint that is not negative, without the zero byte in front that keeps it positive;
 * zero is empty. A negative number or a superfluous zero fails. */
static inline struct cx_view cx_reader_mpint(struct cx_reader *r)
{
    struct cx_view v = cx_reader_string(r);
    if (v.len == 0)
        return v;
    if ((v.data[0] & 0x80) != 0 || (v.data[0] == 0 && (v.len == 1 || (v.data[1] & 0x80) == 0))) {
        cx_reader_fail(r);
        return cx_view("", 0);
    }
    return v.data[0] == 0 ? cx_view(v.data + 1, v.len - 1) : v;
}

/* Writes into out, never past its end: what does not fit writes nothing and sets failed. */
struct cx_writer {
    struct cx_span out;
    size_t used;
    bool failed;
};

static inline struct cx_writer cx_writer(struct cx_span out)
{
    return (struct cx_writer){ out, 0, false };
}

static inline bool cx_writer_ok(const struct cx_writer *w)
{
    return !w->failed;
}

static inline struct cx_view cx_writer_view(const struct cx_writer *w)
{
    return (struct cx_view){ w->out.data, w->used };
}

/* n bytes to fill in, or NULL. */
static inline uint8_t *cx_writer_room(struct cx_writer *w, size_t n)
{
    if (w->failed || n > w->out.len - w->used) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->out.data + w->used;
    w->used += n;
    return p;
}

static inline void cx_writer_u8(struct cx_writer *w, uint8_t value)
{
    uint8_t *p = cx_writer_room(w, 1);
    if (p)
        *p = value;
}

static inline void cx_writer_bool(struct cx_writer *w, bool value)
{
    cx_writer_u8(w, value);
}

static inline void cx_writer_u32(struct cx_writer *w, uint32_t value)
{
    uint8_t *p = cx_writer_room(w, 4);
    if (p)
        cx_store_u32(p, value);
}

static inline void cx_writer_u64(struct cx_writer *w, uint64_t value)
{
    uint8_t *p = cx_writer_room(w, 8);
    if (p)
        cx_store_u64(p, value);
}

static inline void cx_writer_raw(struct cx_writer *w, struct cx_view bytes)
{
    uint8_t *p = cx_writer_room(w, bytes.len);
    if (p && bytes.len > 0)
        memcpy(p, bytes.data, bytes.len);
}

static inline void cx_writer_string(struct cx_writer *w, struct cx_view bytes)
{
    if (bytes.len > UINT32_MAX) {
        w->failed = true;
        return;
    }
    cx_writer_u32(w, (uint32_t)bytes.len);
    cx_writer_raw(w, bytes);
}

/* A string from a C string, without its NUL. */
static inline void cx_writer_text(struct cx_writer *w, const char *text)
{
    cx_writer_string(w, cx_view_text(text));
}

/* A big-endian unsigned number, leading zeros allowed: written as the shortest positive mpint. */
static inline void cx_writer_mpint(struct cx_writer *w, struct cx_view magnitude)
{
    while (magnitude.len > 0 && magnitude.data[0] == 0) {
        magnitude.data++;
        magnitude.len--;
    }
    bool sign_byte = magnitude.len > 0 && (magnitude.data[0] & 0x80) != 0;
    if (magnitude.len >= UINT32_MAX) {
        w->failed = true;
        return;
    }
    cx_writer_u32(w, (uint32_t)magnitude.len + sign_byte);
    if (sign_byte)
        cx_writer_u8(w, 0);
    cx_writer_raw(w, magnitude);
}

#endif

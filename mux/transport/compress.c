/* SPDX-License-Identifier: MIT */
/* zlib as SSH uses it. Level 6 and a partial flush are OpenSSH's. */
#define ZLIB_CONST
#include "mux/transport/compress.h"

#include <stdlib.h>
#include <zlib.h>

#include "mux/session_priv.h"

enum {
    LEVEL = 6,
    /* What deflate may add: five bytes for each stored block of 16 KiB at the most, the header, the flush, and some. */
    GROWTH_FIXED = 64,
    GROWTH_SHARE = 256,
};

struct mux_compress {
    z_stream z;
    bool deflating;
};

struct mux_compress *mux_compress_new(bool deflating)
{
    struct mux_compress *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->deflating = deflating;
    if ((deflating ? deflateInit(&c->z, LEVEL) : inflateInit(&c->z)) != Z_OK) {
        free(c);
        return NULL;
    }
    return c;
}

void mux_compress_free(struct mux_compress *c)
{
    if (!c)
        return;
    /* deflateEnd says Z_DATA_ERROR of a stream that was cut off, as every one of ours is */
    (void)(c->deflating ? deflateEnd(&c->z) : inflateEnd(&c->z));
    free(c);
}

void mux_compress_restart(struct mux_compress *c)
{
    /* fails only where the stream is not one of zlib's */
    (void)(c->deflating ? deflateReset(&c->z) : inflateReset(&c->z));
}

size_t mux_compress_fit(size_t room)
{
    return room < GROWTH_FIXED ? 0 : (room - GROWTH_FIXED) - (room - GROWTH_FIXED) / GROWTH_SHARE;
}

static void hand_over(struct mux_compress *c, struct cx_view in, struct cx_span out)
{
    c->z.next_in = in.data;
    c->z.avail_in = (uInt)in.len;
    c->z.next_out = out.data;
    c->z.avail_out = (uInt)out.len;
}

bool mux_compress_deflate(struct mux_compress *c, struct cx_view payload, struct cx_span out, size_t *len)
{
    hand_over(c, payload, out);
    int status = deflate(&c->z, Z_PARTIAL_FLUSH);
    *len = out.len - c->z.avail_out;
    /* with no room left there may be more to come */
    return status == Z_OK && c->z.avail_out > 0;
}

enum mux_err mux_compress_inflate(struct mux_compress *c, struct cx_view packet, struct cx_span out, size_t *len)
{
    hand_over(c, packet, out);
    int status = inflate(&c->z, Z_SYNC_FLUSH);
    *len = out.len - c->z.avail_out;
    if (status == Z_MEM_ERROR)
        return MUX_E_RESOURCE;
    if (status != Z_OK)
        return MUX_E_MALFORMED;
    return c->z.avail_out > 0 ? MUX_OK : MUX_E_PACKET_LENGTH;
}

/* ---- a session's two streams ---- */

bool mux_compress_begin(struct mux_session *s, bool outwards)
{
    struct mux_compress **c = outwards ? &s->deflate : &s->inflate;
    if (!s->authenticated || !(outwards ? s->compress_out : s->compress_in)) {
        mux_compress_free(*c);
        *c = NULL;
        return true;
    }
    if (*c)
        mux_compress_restart(*c);
    else
        *c = mux_compress_new(outwards);
    return *c != NULL;
}

bool mux_session_deflates(const struct mux_session *s)
{
    return s->deflate != NULL;
}

uint64_t mux_session_inflated_bytes(const struct mux_session *s)
{
    return s->inflated_bytes;
}

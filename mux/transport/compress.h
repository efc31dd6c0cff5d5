/* SPDX-License-Identifier: MIT */
/* zlib@openssh.com: payloads as one deflate stream a direction, each flushed so that its packet can be read at once (RFC 4253
 * section 6.2, OpenSSH's delayed form). A stream begins anew with each change of keys, and never before authentication. It costs
 * about 265 KiB outwards and 45 KiB inwards: zlib's default window of 32 KiB and memory level 8. */
#ifndef MUX_COMPRESS_H
#define MUX_COMPRESS_H

#include "crypto/span.h"
#include "mux/err.h"

struct mux_compress; /* one direction's stream */

/* NULL: out of memory. */
struct mux_compress *mux_compress_new(bool deflating);
void mux_compress_free(struct mux_compress *c); /* NULL is fine */
/* The stream begins anew, with what memory it has. */
void mux_compress_restart(struct mux_compress *c);

/* The longest payload that surely fits into so many bytes, whatever it holds. */
size_t mux_compress_fit(size_t room);
/* Deflates one payload. False: it did not fit, and the stream is lost; never where payload.len is at most what fits. */
MUX_MUST_CHECK bool mux_compress_deflate(struct mux_compress *c, struct cx_view payload, struct cx_span out, size_t *len);
/* Inflates one packet's payload. out has room for one byte more than a payload may have: one that fills it is too long
 * (MUX_E_PACKET_LENGTH), and no more of it is inflated than that. What is no deflate stream, or ends it: MUX_E_MALFORMED. */
MUX_MUST_CHECK enum mux_err mux_compress_inflate(struct mux_compress *c, struct cx_view packet, struct cx_span out, size_t *len);

#endif

/* SPDX-License-Identifier: MIT */
#include "mux/connection/forward.h"

#include "crypto/wire.h"
#include "mux/limits.h"

static bool is_text(struct cx_view text, size_t least, size_t most)
{
    return text.len >= least && text.len <= most && (text.len == 0 || !memchr(text.data, 0, text.len));
}

static size_t written(const struct cx_writer *w)
{
    return cx_writer_ok(w) ? w->used : 0;
}

/* ---- TCP ---- */

static bool parse_tcpip(struct cx_view data, size_t host_least, struct mux_direct_tcpip *out)
{
    struct cx_reader r = cx_reader(data);
    out->host = cx_reader_string(&r);
    out->port = cx_reader_u32(&r);
    out->originator = cx_reader_string(&r);
    out->originator_port = cx_reader_u32(&r);
    return cx_reader_done(&r) && is_text(out->host, host_least, MUX_HOST_MAX) && out->port <= 65535 &&
           out->originator.len <= MUX_HOST_MAX && out->originator_port <= 65535;
}

bool mux_direct_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out)
{
    return parse_tcpip(data, 1, out);
}

bool mux_forwarded_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out)
{
    return parse_tcpip(data, 0, out);
}

size_t mux_direct_tcpip_write(struct cx_span out, const struct mux_direct_tcpip *m)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, m->host);
    cx_writer_u32(&w, m->port);
    cx_writer_string(&w, m->originator);
    cx_writer_u32(&w, m->originator_port);
    return written(&w);
}

bool mux_tcpip_forward_parse(struct cx_view data, struct mux_tcpip_forward *out)
{
    struct cx_reader r = cx_reader(data);
    out->host = cx_reader_string(&r);
    out->port = cx_reader_u32(&r);
    return cx_reader_done(&r) && is_text(out->host, 0, MUX_HOST_MAX) && out->port <= 65535;
}

size_t mux_tcpip_forward_write(struct cx_span out, const struct mux_tcpip_forward *m)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, m->host);
    cx_writer_u32(&w, m->port);
    return written(&w);
}

bool mux_tcpip_forward_port_parse(struct cx_view data, uint32_t *port)
{
    struct cx_reader r = cx_reader(data);
    *port = cx_reader_u32(&r);
    return cx_reader_done(&r) && *port >= 1 && *port <= 65535;
}

/* ---- sockets with a path ---- */

/* Behind the path stand fields that OpenSSH keeps for later use, whatever they hold. */
bool mux_direct_streamlocal_parse(struct cx_view data, struct cx_view *path)
{
    struct cx_reader r = cx_reader(data);
    *path = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    (void)cx_reader_u32(&r);
    return cx_reader_done(&r) && is_text(*path, 1, MUX_SOCKET_PATH_MAX);
}

size_t mux_direct_streamlocal_write(struct cx_span out, struct cx_view path)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, path);
    cx_writer_text(&w, "");
    cx_writer_u32(&w, 0);
    return written(&w);
}

bool mux_forwarded_streamlocal_parse(struct cx_view data, struct cx_view *path)
{
    struct cx_reader r = cx_reader(data);
    *path = cx_reader_string(&r);
    (void)cx_reader_string(&r);
    return cx_reader_done(&r) && is_text(*path, 1, MUX_SOCKET_PATH_MAX);
}

size_t mux_forwarded_streamlocal_write(struct cx_span out, struct cx_view path)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, path);
    cx_writer_text(&w, "");
    return written(&w);
}

bool mux_streamlocal_forward_parse(struct cx_view data, struct cx_view *path)
{
    struct cx_reader r = cx_reader(data);
    *path = cx_reader_string(&r);
    return cx_reader_done(&r) && is_text(*path, 1, MUX_SOCKET_PATH_MAX);
}

size_t mux_streamlocal_forward_write(struct cx_span out, struct cx_view path)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, path);
    return written(&w);
}

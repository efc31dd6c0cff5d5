/* SPDX-License-Identifier: MIT */
#include "mux/connection/forward.h"

#include "crypto/wire.h"

enum { HOST_MAX = 255 };

static bool host_ok(struct cx_view host)
{
    return host.len >= 1 && host.len <= HOST_MAX && !memchr(host.data, 0, host.len);
}

bool mux_direct_tcpip_parse(struct cx_view data, struct mux_direct_tcpip *out)
{
    struct cx_reader r = cx_reader(data);
    out->host = cx_reader_string(&r);
    out->port = cx_reader_u32(&r);
    out->originator = cx_reader_string(&r);
    out->originator_port = cx_reader_u32(&r);
    return cx_reader_done(&r) && host_ok(out->host) && out->port <= 65535 && out->originator.len <= HOST_MAX &&
           out->originator_port <= 65535;
}

size_t mux_direct_tcpip_write(struct cx_span out, const struct mux_direct_tcpip *m)
{
    struct cx_writer w = cx_writer(out);
    cx_writer_string(&w, m->host);
    cx_writer_u32(&w, m->port);
    cx_writer_string(&w, m->originator);
    cx_writer_u32(&w, m->originator_port);
    return cx_writer_ok(&w) ? w.used : 0;
}

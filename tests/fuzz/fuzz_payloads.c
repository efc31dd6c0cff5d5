/* SPDX-License-Identifier: MIT */
/* Fuzzes mux/connection/forward.h and session_requests.h: what is parsed of a payload and written again is what is parsed of that,
 * to the byte. Byte 0 picks the form: a forwarding message, or a request on a session. */
#include <string.h>

#include "fuzz.h"
#include "mux/connection/forward.h"
#include "mux/connection/session_requests.h"

enum { ROOM = 256 * 1024, FORWARDS = 6, FORMS = FORWARDS + MUX_REQUEST_COUNT - 1 };

/* A form's payload read and written again; false: it is malformed. */
typedef bool rewrite(struct cx_view in, struct cx_span out, size_t *len);

static bool rewrite_direct(struct cx_view in, struct cx_span out, size_t *len)
{
    struct mux_direct_tcpip m;
    bool good = mux_direct_tcpip_parse(in, &m);
    *len = good ? mux_direct_tcpip_write(out, &m) : 0;
    return good;
}

static bool rewrite_forwarded(struct cx_view in, struct cx_span out, size_t *len)
{
    struct mux_direct_tcpip m;
    bool good = mux_forwarded_tcpip_parse(in, &m);
    *len = good ? mux_direct_tcpip_write(out, &m) : 0;
    return good;
}

static bool rewrite_forward(struct cx_view in, struct cx_span out, size_t *len)
{
    struct mux_tcpip_forward m;
    bool good = mux_tcpip_forward_parse(in, &m);
    *len = good ? mux_tcpip_forward_write(out, &m) : 0;
    return good;
}

static bool rewrite_direct_path(struct cx_view in, struct cx_span out, size_t *len)
{
    struct cx_view path;
    bool good = mux_direct_streamlocal_parse(in, &path);
    *len = good ? mux_direct_streamlocal_write(out, path) : 0;
    return good;
}

static bool rewrite_forwarded_path(struct cx_view in, struct cx_span out, size_t *len)
{
    struct cx_view path;
    bool good = mux_forwarded_streamlocal_parse(in, &path);
    *len = good ? mux_forwarded_streamlocal_write(out, path) : 0;
    return good;
}

static bool rewrite_forward_path(struct cx_view in, struct cx_span out, size_t *len)
{
    struct cx_view path;
    bool good = mux_streamlocal_forward_parse(in, &path);
    *len = good ? mux_streamlocal_forward_write(out, path) : 0;
    return good;
}

static rewrite *const forwards[FORWARDS] = { rewrite_direct,      rewrite_forwarded,      rewrite_forward,
                                             rewrite_direct_path, rewrite_forwarded_path, rewrite_forward_path };

static bool rewrite_request(enum mux_session_request_kind kind, struct cx_view in, struct cx_span out, size_t *len)
{
    struct mux_session_request m;
    uint8_t opcode;
    uint32_t value;
    if (!mux_session_request_parse(cx_view_text(mux_session_request_name(kind)), in, &m))
        return false;
    require(m.kind == kind && mux_session_request_write(out, &m, len));
    while (kind == MUX_REQUEST_PTY && mux_tty_mode_next(&m.pty.modes, &opcode, &value))
        require(opcode != MUX_TTY_END);
    return true;
}

static bool rewrite_form(unsigned form, struct cx_view in, struct cx_span out, size_t *len)
{
    if (form < FORWARDS)
        return forwards[form](in, out, len);
    return rewrite_request((enum mux_session_request_kind)(form - FORWARDS + 1), in, out, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t once[ROOM], twice[ROOM];
    size_t once_len, twice_len;
    uint32_t port;
    if (size == 0)
        return 0;
    struct cx_view payload = cx_view(data + 1, size - 1);
    (void)mux_tcpip_forward_port_parse(payload, &port);
    if (!rewrite_form(data[0] % FORMS, payload, (struct cx_span){ once, sizeof once }, &once_len))
        return 0;
    require(rewrite_form(data[0] % FORMS, cx_view(once, once_len), (struct cx_span){ twice, sizeof twice }, &twice_len));
    require(once_len == twice_len && memcmp(once, twice, once_len) == 0);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* ping@openssh.com: OpenSSH PROTOCOL section 1.9. Clients hide the rhythm of keystrokes among such pings. A PONG is an ordered
 * reply and counts as one; where it would have to wait for a login or a key exchange the ping is dropped, since a peer that piles
 * up answers while none can leave costs memory and does nothing else (CVE-2025-26466). */
#include <stdlib.h>

#include "mux/session_priv.h"

enum mux_err mux_on_ping(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view data = cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (!s->authenticated || s->kex || data.len > MUX_PING_MAX)
        return MUX_OK;
    struct mux_reply reply = { .kind = REPLY_PONG, .ready = true, .data = malloc(data.len + 1), .data_len = (uint32_t)data.len };
    if (!reply.data)
        return MUX_E_RESOURCE;
    memcpy(reply.data, data.data, data.len);
    enum mux_err err = mux_reply_push(s, &reply);
    if (err != MUX_OK)
        free(reply.data);
    return err;
}

bool mux_pong_write(struct mux_out *o, const struct mux_reply *r)
{
    struct cx_writer w = mux_out_begin(o, MUX_MSG_PONG, 8 + r->data_len);
    cx_writer_string(&w, cx_view(r->data, r->data_len));
    return mux_out_commit(o, &w);
}

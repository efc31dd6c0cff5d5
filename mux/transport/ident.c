/* SPDX-License-Identifier: MIT */
/* The identification strings: RFC 4253 section 4.2. */
#include <stdlib.h>

#include "mux/session_priv.h"

struct cx_view mux_ident_ours(const struct mux_session *s, char room[MUX_IDENT_MAX])
{
    struct cx_writer w = cx_writer((struct cx_span){ (uint8_t *)room, MUX_IDENT_MAX });
    cx_writer_raw(&w, cx_view_text("SSH-2.0-"));
    cx_writer_raw(&w, cx_view_text(s->config->software));
    return cx_writer_view(&w);
}

size_t mux_ident_write(struct mux_session *s, struct cx_span area)
{
    char room[MUX_IDENT_MAX];
    struct cx_writer w = cx_writer(area);
    cx_writer_raw(&w, mux_ident_ours(s, room));
    cx_writer_raw(&w, cx_view_text("\r\n"));
    if (!cx_writer_ok(&w))
        return 0;
    s->ident_sent = true;
    return w.used;
}

static bool starts_with(struct cx_view line, const char *prefix)
{
    size_t n = strlen(prefix);
    return line.len >= n && memcmp(line.data, prefix, n) == 0;
}

/* Printable US-ASCII: it goes into logs and the exchange hash, and nothing else may stand there. */
static bool printable(struct cx_view line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return false;
    return true;
}

/* "1.99" is how servers say that they speak 2.0 as well: RFC 4253 section 5.1. */
static enum mux_err take_line(struct mux_session *s, struct cx_view line)
{
    if (!starts_with(line, "SSH-")) {
        if (s->config->server || ++s->prelude_lines > MUX_IDENT_PRELUDE_LINES)
            return MUX_E_VERSION;
        return MUX_OK;
    }
    if (!printable(line) || !(starts_with(line, "SSH-2.0-") || (!s->config->server && starts_with(line, "SSH-1.99-"))))
        return MUX_E_VERSION;
    s->peer_ident = malloc(line.len);
    if (!s->peer_ident)
        return MUX_E_RESOURCE;
    memcpy(s->peer_ident, line.data, line.len);
    s->peer_ident_len = (uint16_t)line.len;
    return s->config->server ? mux_kexinit_build(s, s->kex) : MUX_OK;
}

bool mux_ident_is_openssh(const struct mux_session *s)
{
    return starts_with(mux_session_peer_ident(s), "SSH-2.0-OpenSSH_");
}

enum mux_err mux_ident_feed(struct mux_session *s, struct cx_view in, size_t *used, size_t *need)
{
    enum mux_err err = MUX_OK;
    while (err == MUX_OK && !s->peer_ident) {
        struct cx_view rest = { in.data + *used, in.len - *used };
        size_t look = rest.len < MUX_IDENT_MAX ? rest.len : MUX_IDENT_MAX;
        const uint8_t *end = look > 0 ? memchr(rest.data, '\n', look) : NULL;
        if (!end) {
            *need = rest.len + 1;
            return look == MUX_IDENT_MAX ? MUX_E_VERSION : MUX_OK;
        }
        struct cx_view line = { rest.data, (size_t)(end - rest.data) };
        *used += line.len + 1;
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        err = take_line(s, line);
    }
    return err;
}

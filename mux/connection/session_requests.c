/* SPDX-License-Identifier: MIT */
/* One row a request, in each direction a schema. What is well-formed and makes no sense (a terminal of no columns) is the
 * application's to judge. */
#include "mux/connection/session_requests.h"

#include <assert.h>

#include "crypto/wire.h"
#include "mux/limits.h"

enum { MODE_BYTES = 5 };

static struct cx_view read_text(struct cx_reader *r, size_t least, size_t most)
{
    struct cx_view v = cx_reader_string(r);
    if (v.len < least || v.len > most || (v.len > 0 && memchr(v.data, 0, v.len)))
        cx_reader_fail(r);
    return v;
}

/* ---- terminals ---- */

bool mux_tty_mode_next(struct cx_view *modes, uint8_t *opcode, uint32_t *value)
{
    struct cx_reader r = cx_reader(*modes);
    *opcode = cx_reader_u8(&r);
    *value = *opcode == MUX_TTY_END || *opcode > MUX_TTY_LAST_KNOWN ? 0 : cx_reader_u32(&r);
    *modes = r.left;
    return cx_reader_ok(&r) && *opcode != MUX_TTY_END && *opcode <= MUX_TTY_LAST_KNOWN;
}

/* The entries in front of the end, which some clients leave out. */
static struct cx_view read_modes(struct cx_reader *r)
{
    struct cx_view all = cx_reader_string(r), left = all;
    size_t used = 0;
    uint8_t opcode;
    uint32_t value;
    while (mux_tty_mode_next(&left, &opcode, &value))
        used += MODE_BYTES;
    bool cut_short = used < all.len && all.data[used] != MUX_TTY_END && all.data[used] <= MUX_TTY_LAST_KNOWN;
    if (cut_short || used > MUX_TTY_MODES_MAX * MODE_BYTES)
        cx_reader_fail(r);
    return cx_view(all.data, used);
}

static void read_size(struct cx_reader *r, struct mux_terminal_size *size)
{
    size->columns = cx_reader_u32(r);
    size->rows = cx_reader_u32(r);
    size->width_px = cx_reader_u32(r);
    size->height_px = cx_reader_u32(r);
}

static void write_size(struct cx_writer *w, const struct mux_terminal_size *size)
{
    cx_writer_u32(w, size->columns);
    cx_writer_u32(w, size->rows);
    cx_writer_u32(w, size->width_px);
    cx_writer_u32(w, size->height_px);
}

static void read_pty(struct cx_reader *r, struct mux_session_request *m)
{
    m->pty.term = read_text(r, 0, MUX_SESSION_NAME_MAX);
    read_size(r, &m->pty.size);
    m->pty.modes = read_modes(r);
}

static void write_pty(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_string(w, m->pty.term);
    write_size(w, &m->pty.size);
    cx_writer_u32(w, (uint32_t)m->pty.modes.len + 1);
    cx_writer_raw(w, m->pty.modes);
    cx_writer_u8(w, MUX_TTY_END);
}

static void read_window_change(struct cx_reader *r, struct mux_session_request *m)
{
    read_size(r, &m->size);
}

static void write_window_change(struct cx_writer *w, const struct mux_session_request *m)
{
    write_size(w, &m->size);
}

static void read_xon_xoff(struct cx_reader *r, struct mux_session_request *m)
{
    m->client_can_do = cx_reader_bool(r);
}

static void write_xon_xoff(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_bool(w, m->client_can_do);
}

static void read_break(struct cx_reader *r, struct mux_session_request *m)
{
    m->break_ms = cx_reader_u32(r);
}

static void write_break(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_u32(w, m->break_ms);
}

/* ---- what is run ---- */

static void read_env(struct cx_reader *r, struct mux_session_request *m)
{
    m->env.name = read_text(r, 1, MUX_SESSION_NAME_MAX);
    m->env.value = read_text(r, 0, MUX_ENV_VALUE_MAX);
    if (cx_reader_ok(r) && memchr(m->env.name.data, '=', m->env.name.len))
        cx_reader_fail(r);
}

static void write_env(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_string(w, m->env.name);
    cx_writer_string(w, m->env.value);
}

static void read_exec(struct cx_reader *r, struct mux_session_request *m)
{
    m->command = read_text(r, 0, MUX_COMMAND_MAX);
}

static void read_subsystem(struct cx_reader *r, struct mux_session_request *m)
{
    m->command = read_text(r, 1, MUX_SESSION_NAME_MAX);
}

static void write_command(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_string(w, m->command);
}

static void read_nothing(struct cx_reader *r, struct mux_session_request *m)
{
    (void)r;
    (void)m;
}

static void write_nothing(struct cx_writer *w, const struct mux_session_request *m)
{
    (void)w;
    (void)m;
}

static void read_x11(struct cx_reader *r, struct mux_session_request *m)
{
    m->x11.single_connection = cx_reader_bool(r);
    m->x11.protocol = read_text(r, 1, MUX_SESSION_NAME_MAX);
    m->x11.cookie = read_text(r, 1, MUX_SESSION_NAME_MAX);
    m->x11.screen = cx_reader_u32(r);
    for (size_t i = 0; i < m->x11.cookie.len; i++)
        if (!memchr("0123456789abcdefABCDEF", m->x11.cookie.data[i], 22))
            cx_reader_fail(r);
}

static void write_x11(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_bool(w, m->x11.single_connection);
    cx_writer_string(w, m->x11.protocol);
    cx_writer_string(w, m->x11.cookie);
    cx_writer_u32(w, m->x11.screen);
}

/* ---- signals and ends ---- */

/* Names of one's own have the form of an extension's, "name@domain": RFC 4254 section 6.9. */
static struct cx_view read_signal_name(struct cx_reader *r)
{
    struct cx_view v = read_text(r, 1, MUX_SESSION_NAME_MAX);
    for (size_t i = 0; i < v.len; i++)
        if (v.data[i] <= ' ' || v.data[i] >= 127)
            cx_reader_fail(r);
    return v;
}

static void read_signal(struct cx_reader *r, struct mux_session_request *m)
{
    m->signal.name = read_signal_name(r);
    m->signal.core_dumped = false;
    m->signal.message = cx_view("", 0);
}

static void write_signal(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_string(w, m->signal.name);
}

static void read_exit_signal(struct cx_reader *r, struct mux_session_request *m)
{
    m->signal.name = read_signal_name(r);
    m->signal.core_dumped = cx_reader_bool(r);
    m->signal.message = read_text(r, 0, MUX_EXIT_MESSAGE_MAX);
    (void)cx_reader_string(r);
}

static void write_exit_signal(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_string(w, m->signal.name);
    cx_writer_bool(w, m->signal.core_dumped);
    cx_writer_string(w, m->signal.message);
    cx_writer_text(w, "");
}

static void read_exit_status(struct cx_reader *r, struct mux_session_request *m)
{
    m->exit_status = cx_reader_u32(r);
}

static void write_exit_status(struct cx_writer *w, const struct mux_session_request *m)
{
    cx_writer_u32(w, m->exit_status);
}

/* ---- the table ---- */

static const struct {
    const char *name;
    void (*read)(struct cx_reader *r, struct mux_session_request *m);
    void (*write)(struct cx_writer *w, const struct mux_session_request *m);
} requests[MUX_REQUEST_COUNT] = {
    [MUX_REQUEST_PTY] = { "pty-req", read_pty, write_pty },
    [MUX_REQUEST_ENV] = { "env", read_env, write_env },
    [MUX_REQUEST_SHELL] = { "shell", read_nothing, write_nothing },
    [MUX_REQUEST_EXEC] = { "exec", read_exec, write_command },
    [MUX_REQUEST_SUBSYSTEM] = { "subsystem", read_subsystem, write_command },
    [MUX_REQUEST_WINDOW_CHANGE] = { "window-change", read_window_change, write_window_change },
    [MUX_REQUEST_XON_XOFF] = { "xon-xoff", read_xon_xoff, write_xon_xoff },
    [MUX_REQUEST_SIGNAL] = { "signal", read_signal, write_signal },
    [MUX_REQUEST_BREAK] = { "break", read_break, write_break },
    [MUX_REQUEST_EXIT_STATUS] = { "exit-status", read_exit_status, write_exit_status },
    [MUX_REQUEST_EXIT_SIGNAL] = { "exit-signal", read_exit_signal, write_exit_signal },
    [MUX_REQUEST_END_OF_WRITE] = { "eow@openssh.com", read_nothing, write_nothing },
    [MUX_REQUEST_AUTH_AGENT] = { "auth-agent-req@openssh.com", read_nothing, write_nothing },
    [MUX_REQUEST_X11] = { "x11-req", read_x11, write_x11 },
};

bool mux_session_request_parse(struct cx_view name, struct cx_view data, struct mux_session_request *out)
{
    *out = (struct mux_session_request){ .kind = MUX_REQUEST_UNKNOWN };
    for (int kind = MUX_REQUEST_UNKNOWN + 1; kind < MUX_REQUEST_COUNT; kind++) {
        if (!cx_view_is(name, requests[kind].name))
            continue;
        struct cx_reader r = cx_reader(data);
        out->kind = (enum mux_session_request_kind)kind;
        requests[kind].read(&r, out);
        return cx_reader_done(&r);
    }
    return true;
}

bool mux_session_request_write(struct cx_span out, const struct mux_session_request *m, size_t *len)
{
    assert(m->kind > MUX_REQUEST_UNKNOWN && m->kind < MUX_REQUEST_COUNT);
    struct cx_writer w = cx_writer(out);
    requests[m->kind].write(&w, m);
    *len = w.used;
    return cx_writer_ok(&w);
}

const char *mux_session_request_name(enum mux_session_request_kind kind)
{
    assert(kind > MUX_REQUEST_UNKNOWN && kind < MUX_REQUEST_COUNT);
    return requests[kind].name;
}

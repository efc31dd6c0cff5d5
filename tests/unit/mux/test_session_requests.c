/* SPDX-License-Identifier: MIT */
#include "mux/connection/session_requests.h"

#include <criterion/criterion.h>

#include "crypto/wire.h"
#include "mux/limits.h"

enum { ROOM = MUX_COMMAND_MAX + 1024 };

static uint8_t room[ROOM];

/* IUTF8 on, output speed 38400. */
static const uint8_t MODES[] = { 42, 0, 0, 0, 1, 129, 0, 0, 0x96, 0 };

static struct mux_session_request sample(int kind)
{
    struct mux_session_request m = { .kind = (enum mux_session_request_kind)kind };
    switch (m.kind) {
    case MUX_REQUEST_PTY:
        m.pty.term = cx_view_text("xterm-256color");
        m.pty.size = (struct mux_terminal_size){ 80, 24, 640, 480 };
        m.pty.modes = cx_view(MODES, sizeof MODES);
        break;
    case MUX_REQUEST_ENV:
        m.env.name = cx_view_text("LANG");
        m.env.value = cx_view_text("C.UTF-8");
        break;
    case MUX_REQUEST_EXEC:
        m.command = cx_view_text("uname -a");
        break;
    case MUX_REQUEST_SUBSYSTEM:
        m.command = cx_view_text("sftp");
        break;
    case MUX_REQUEST_WINDOW_CHANGE:
        m.size = (struct mux_terminal_size){ 132, 50, 0, 0 };
        break;
    case MUX_REQUEST_XON_XOFF:
        m.client_can_do = true;
        break;
    case MUX_REQUEST_SIGNAL:
        m.signal.name = cx_view_text("TERM");
        break;
    case MUX_REQUEST_BREAK:
        m.break_ms = 500;
        break;
    case MUX_REQUEST_EXIT_STATUS:
        m.exit_status = 3;
        break;
    case MUX_REQUEST_EXIT_SIGNAL:
        m.signal.name = cx_view_text("SEGV");
        m.signal.core_dumped = true;
        m.signal.message = cx_view_text("core dumped");
        break;
    case MUX_REQUEST_X11:
        m.x11.single_connection = true;
        m.x11.protocol = cx_view_text("MIT-MAGIC-COOKIE-1");
        m.x11.cookie = cx_view_text("00112233445566778899aabbccddEEFF");
        m.x11.screen = 1;
        break;
    default:
        break;
    }
    return m;
}

static size_t write_sample(int kind)
{
    struct mux_session_request m = sample(kind);
    size_t len;
    cr_assert(mux_session_request_write((struct cx_span){ room, sizeof room }, &m, &len));
    return len;
}

static bool parse(int kind, size_t len, struct mux_session_request *out)
{
    return mux_session_request_parse(cx_view_text(mux_session_request_name((enum mux_session_request_kind)kind)),
                                     cx_view(room, len), out);
}

static bool round_trip(const struct mux_session_request *m, struct mux_session_request *out)
{
    size_t len;
    return mux_session_request_write((struct cx_span){ room, sizeof room }, m, &len) && parse(m->kind, len, out);
}

Test(session_requests, what_is_written_is_read_back)
{
    struct mux_session_request m;
    for (int kind = MUX_REQUEST_UNKNOWN + 1; kind < MUX_REQUEST_COUNT; kind++) {
        cr_assert(parse(kind, write_sample(kind), &m), "%d", kind);
        cr_assert_eq((int)m.kind, kind);
        /* every field was kept if it can be written the same once more */
        uint8_t again[512];
        size_t len;
        cr_assert(mux_session_request_write((struct cx_span){ again, sizeof again }, &m, &len));
        size_t first = write_sample(kind);
        cr_assert(cx_view_equal(cx_view(again, len), cx_view(room, first)), "%d", kind);
    }
}

/* The bytes as the RFC lays them out: a writer and a reader that are wrong alike would agree. */
Test(session_requests, fields_stand_where_the_rfc_has_them)
{
    struct mux_session_request m;
    memcpy(room, "\0\0\0\4SEGV\1\0\0\0\2no\0\0\0\0", 19);
    cr_assert(parse(MUX_REQUEST_EXIT_SIGNAL, 19, &m));
    cr_assert(cx_view_is(m.signal.name, "SEGV") && m.signal.core_dumped && cx_view_is(m.signal.message, "no"));
    memcpy(room, "\0\0\0\2vt\0\0\0\120\0\0\0\30\0\0\2\200\0\0\1\340\0\0\0\6\52\0\0\0\1\0", 32);
    cr_assert(parse(MUX_REQUEST_PTY, 32, &m));
    cr_assert(cx_view_is(m.pty.term, "vt") && m.pty.size.columns == 80 && m.pty.size.rows == 24);
    cr_assert(m.pty.size.width_px == 640 && m.pty.size.height_px == 480);
    uint8_t opcode;
    uint32_t value;
    cr_assert(mux_tty_mode_next(&m.pty.modes, &opcode, &value) && opcode == MUX_TTY_IUTF8 && value == 1);
    cr_assert_not(mux_tty_mode_next(&m.pty.modes, &opcode, &value));
}

Test(session_requests, every_prefix_and_a_longer_one_are_refused)
{
    struct mux_session_request m;
    for (int kind = MUX_REQUEST_UNKNOWN + 1; kind < MUX_REQUEST_COUNT; kind++) {
        size_t len = write_sample(kind), n;
        for (size_t cut = 0; cut < len; cut++)
            cr_assert_not(parse(kind, cut, &m), "%d cut at %zu", kind, cut);
        room[len] = 0;
        cr_assert_not(parse(kind, len + 1, &m), "%d", kind);
        m = sample(kind);
        cr_assert(len == 0 || !mux_session_request_write((struct cx_span){ room, len - 1 }, &m, &n), "%d", kind);
    }
}

Test(session_requests, other_names_are_left_alone)
{
    struct mux_session_request m;
    cr_assert(mux_session_request_parse(cx_view_text("shell@example.com"), cx_view("?", 1), &m));
    cr_assert_eq(m.kind, MUX_REQUEST_UNKNOWN);
}

/* ---- terminal modes ---- */

static bool modes_parse(const void *modes, size_t len, struct mux_session_request *m)
{
    struct cx_writer w = cx_writer((struct cx_span){ room, sizeof room });
    cx_writer_text(&w, "vt100");
    for (int i = 0; i < 4; i++)
        cx_writer_u32(&w, 0);
    cx_writer_string(&w, cx_view(modes, len));
    return parse(MUX_REQUEST_PTY, w.used, m);
}

Test(session_requests, modes_end_at_their_end_or_where_nobody_knows_how_to_go_on)
{
    struct mux_session_request m;
    static const struct {
        const char *bytes;
        size_t len, entries;
        bool good;
    } rows[] = {
        { "", 0, 0, true },
        { "\0", 1, 0, true },
        { "\1\0\0\0\3", 5, 1, true }, /* no end */
        { "\1\0\0\0\3\0", 6, 1, true },
        { "\1\0\0\0\3\0junk", 10, 1, true },
        { "\237\0\0\0\3\0", 6, 1, true },
        { "\240\0\0\0\3\0", 6, 0, true },
        { "\1\0\0\0\3\377", 6, 1, true },
        { "\1\0\0\0", 4, 0, false },
        { "\1\0\0\0\3\2\0", 7, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(modes_parse(rows[i].bytes, rows[i].len, &m), rows[i].good, "row %zu", i);
        size_t entries = 0;
        uint8_t opcode;
        uint32_t value;
        while (rows[i].good && mux_tty_mode_next(&m.pty.modes, &opcode, &value))
            entries++;
        cr_assert_eq(entries, rows[i].entries, "row %zu", i);
    }
}

Test(session_requests, modes_are_bounded)
{
    static uint8_t modes[5 * (MUX_TTY_MODES_MAX + 1)];
    struct mux_session_request m;
    memset(modes, 1, sizeof modes);
    cr_assert(modes_parse(modes, 5 * (size_t)MUX_TTY_MODES_MAX, &m));
    cr_assert_not(modes_parse(modes, sizeof modes, &m));
}

/* ---- bounds ---- */

static char text[MUX_COMMAND_MAX + 1];

Test(session_requests, texts_have_their_limits_and_no_nul)
{
    static const struct {
        int kind;
        size_t least, most;
    } rows[] = {
        { MUX_REQUEST_EXEC, 0, MUX_COMMAND_MAX },
        { MUX_REQUEST_SUBSYSTEM, 1, MUX_SESSION_NAME_MAX },
        { MUX_REQUEST_SIGNAL, 1, MUX_SESSION_NAME_MAX },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int over = 0; over < 4; over++) {
            struct mux_session_request m = sample(rows[i].kind), out;
            memset(text, 'A', sizeof text);
            size_t len = over == 0 ? rows[i].most : over == 1 ? rows[i].most + 1 : over == 2 ? 0 : 2;
            text[1] = over == 3 ? '\0' : 'A';
            struct cx_view v = cx_view(text, len);
            *(rows[i].kind == MUX_REQUEST_SIGNAL ? &m.signal.name : &m.command) = v;
            cr_assert_eq(round_trip(&m, &out), over == 0 || (over == 2 && rows[i].least == 0), "row %zu, %d", i, over);
        }
    }
}

Test(session_requests, names_that_cannot_be_are_refused)
{
    struct mux_session_request m, out;
    static const char *const variables[] = { "", "A=B", "=" }, *const signals[] = { "", "TE RM", "\x7f", "\xc3\xa4" };
    for (size_t i = 0; i < 3; i++) {
        m = sample(MUX_REQUEST_ENV);
        m.env.name = cx_view_text(variables[i]);
        cr_assert_not(round_trip(&m, &out), "%s", variables[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        m = sample(MUX_REQUEST_EXIT_SIGNAL);
        m.signal.name = cx_view_text(signals[i]);
        cr_assert_not(round_trip(&m, &out), "%s", signals[i]);
    }
    m = sample(MUX_REQUEST_X11);
    m.x11.cookie = cx_view_text("$(id)");
    cr_assert_not(round_trip(&m, &out));
    memset(text, 'v', sizeof text);
    m = sample(MUX_REQUEST_ENV);
    m.env.value = cx_view(text, MUX_ENV_VALUE_MAX);
    cr_assert(round_trip(&m, &out));
    m.env.value.len++;
    cr_assert_not(round_trip(&m, &out));
    m = sample(MUX_REQUEST_EXIT_SIGNAL);
    m.signal.message = cx_view(text, MUX_EXIT_MESSAGE_MAX + 1);
    cr_assert_not(round_trip(&m, &out));
}

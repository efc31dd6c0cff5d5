/* SPDX-License-Identifier: MIT */
/* The payloads of channel requests on sessions: RFC 4254 section 6, RFC 4335, RFC 8160, and OpenSSH PROTOCOL section 2. Parsing
 * takes the name and data of a CHANNEL_REQUEST event; views point into its bytes. Caps are in mux/limits.h; texts hold no NUL. Any
 * thread. */
#ifndef MUX_SESSION_REQUESTS_H
#define MUX_SESSION_REQUESTS_H

#include "crypto/span.h"

enum mux_session_request_kind {
    MUX_REQUEST_UNKNOWN, /* a name that does not stand below: nothing was parsed */
    MUX_REQUEST_PTY,
    MUX_REQUEST_ENV,
    MUX_REQUEST_SHELL,
    MUX_REQUEST_EXEC,
    MUX_REQUEST_SUBSYSTEM,
    MUX_REQUEST_WINDOW_CHANGE,
    MUX_REQUEST_XON_XOFF,
    MUX_REQUEST_SIGNAL,
    MUX_REQUEST_BREAK,
    MUX_REQUEST_EXIT_STATUS,
    MUX_REQUEST_EXIT_SIGNAL,
    MUX_REQUEST_END_OF_WRITE, /* eow@openssh.com: the sender takes no more input; the channel goes on */
    MUX_REQUEST_AUTH_AGENT,   /* auth-agent-req@openssh.com */
    MUX_REQUEST_X11,
    MUX_REQUEST_COUNT
};

struct mux_terminal_size {
    uint32_t columns, rows, width_px, height_px;
};

struct mux_session_request {
    enum mux_session_request_kind kind;
    union {
        struct {
            struct cx_view term; /* TERM */
            struct mux_terminal_size size;
            struct cx_view modes; /* whole entries: for mux_tty_mode_next */
        } pty;
        struct {
            struct cx_view name, value; /* name: not empty, no '=' */
        } env;
        struct cx_view command; /* EXEC; SUBSYSTEM: its name, not empty */
        struct mux_terminal_size size;
        bool client_can_do; /* XON_XOFF: the client may do flow control itself */
        uint32_t break_ms;  /* 0: the receiver's choice */
        uint32_t exit_status;
        struct {
            struct cx_view name; /* without "SIG": "TERM", printable and not empty */
            bool core_dumped;    /* EXIT_SIGNAL, and so is message */
            struct cx_view message;
        } signal;
        struct {
            bool single_connection;
            struct cx_view protocol, cookie; /* cookie: hexadecimal */
            uint32_t screen;
        } x11;
    };
};

/* False: malformed, or out of bounds. */
bool mux_session_request_parse(struct cx_view name, struct cx_view data, struct mux_session_request *out);
/* What follows want_reply; into out. False: it does not fit. An empty one has *len 0. */
bool mux_session_request_write(struct cx_span out, const struct mux_session_request *m, size_t *len);
/* "pty-req" and so on; not of UNKNOWN. */
const char *mux_session_request_name(enum mux_session_request_kind kind);

/* Opcodes of terminal modes that are not switches of a terminal driver, or that came later: RFC 4254 section 8, RFC 8160. */
enum {
    MUX_TTY_END = 0,
    MUX_TTY_IUTF8 = 42,
    MUX_TTY_INPUT_SPEED = 128,
    MUX_TTY_OUTPUT_SPEED = 129,
    MUX_TTY_LAST_KNOWN = 159, /* from the next one on nobody knows how long an entry is, and reading stops */
};
/* The next entry of pty.modes; false: at the end. */
bool mux_tty_mode_next(struct cx_view *modes, uint8_t *opcode, uint32_t *value);

#endif

/* SPDX-License-Identifier: MIT */
/* authorized_keys: lines with options, keys, and what they admit (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * Pure text to verdict: files are opened by the monitor. Any thread. */
#ifndef GW_AUTHORIZED_KEYS_H
#define GW_AUTHORIZED_KEYS_H

#include <stdint.h>

#include "crypto/keys/key.h"
#include "gateway/net/addr.h"

enum { GW_KEY_FILE_BYTES_MAX = 1024 * 1024, GW_KEY_LINE_MAX = 16 * 1024, GW_PERMIT_OPEN_MAX = 128 };

/* One permitopen="host:port": host as written, compared to the request's without regard to case; port 0: any ("*"). */
struct gw_permit {
    char *host; /* "*": any */
    uint16_t port;
};

/* What the line that admitted a key says about the connection. Owned by whoever the match gave it to. */
struct gw_key_options {
    bool no_forwarding;  /* restrict, no-port-forwarding, without a later port-forwarding */
    bool permit_limited; /* permitopen stood there: only these */
    bool no_touch_required, verify_required;
    size_t permit_count;
    struct gw_permit *permits;
    bool listen_limited; /* permitlisten stood there: only these */
    size_t listen_count;
    struct gw_permit *listens;
    uint64_t expiry_unix; /* seconds; UINT64_MAX: never */
};
void gw_key_options_free(struct gw_key_options *o); /* NULL is fine */
/* "host:port", "[v6]:port" or "port", where port may be "*" (0): what permitlisten= and PermitListen hold. Views into value; host
 * "*" where none was written. False: not that. */
bool gw_permit_parse_listen(struct cx_view value, struct cx_view *host, uint16_t *port);
bool gw_permits_have(const struct gw_permit *permits, size_t count, struct cx_view host, uint32_t port);

/* Whether the options admit a forward to host:port. o may be NULL: yes. */
bool gw_key_options_permit(const struct gw_key_options *o, struct cx_view host, uint32_t port);

/* Whether any socket with a path may be asked for: permitopen names hosts and ports, and what it does not name is not permitted. */
bool gw_key_options_permit_path(const struct gw_key_options *o);

/* The same for a listener that the client asks for (ssh -R): host and port as it asks for them. */
bool gw_key_options_permit_listen(const struct gw_key_options *o, struct cx_view host, uint32_t port);
/* The same for a Unix socket, which no permitlisten= names. */
bool gw_key_options_permit_listen_path(const struct gw_key_options *o);

/* Whether a security key states under its signature what is demanded of it, as sshd does: a touch, unless no-touch-required
 * stands on its line, and a verified user where verify-required does. touch, verify: of every key, whatever its line says. NULL:
 * it does, or is no such key; else what is missing, in sshd's words, static. */
const char *gw_key_options_unmet(const struct gw_key_options *o, const struct cx_verified *stated, bool touch, bool verify);

struct gw_key_query {
    struct cx_view user; /* valid by gw_user_name_valid */
    struct cx_view blob;
    const struct gw_addr *peer;
    uint64_t now_unix;
    bool file_names_user; /* the file's path held %u: each of its lines proves the name */
};

struct gw_key_match {
    bool found;
    bool proves_name; /* by the path, or by user= on its line */
    unsigned line;
    struct gw_key_options *options; /* ownership passes to the caller; NULL if not found */
};

/* Looks for a line that admits this key for this user from this address now. The first that does wins. Malformed lines and lines
 * with an unknown option admit nothing: for each, and for a line with the right key that another option turns away, complain(ctx,
 * line, text) is called (text is for the log, printable ASCII), at most 32 times. A value that is given twice (but for permitopen=
 * and permitlisten=) makes a line malformed, and so does a host name in from=, since none is looked up. Nothing is allocated but
 * the match's options. Options: user=, from=, permitopen=, permitlisten=, restrict, port-forwarding, no-port-forwarding,
 * expiry-time=, no-touch-required, verify-required, and sshd's restrictive ones that are true anyway here (no-pty,
 * no-agent-forwarding, no-X11-forwarding, no-user-rc). */
void gw_authorized_keys_match(struct cx_view text, const struct gw_key_query *q, struct gw_key_match *out,
                              void (*complain)(void *ctx, unsigned line, const char *text), void *ctx);

/* 1 to 64 bytes of [A-Za-z0-9._-], no leading '.' or '-': design section 7. */
bool gw_user_name_valid(struct cx_view name);

#endif

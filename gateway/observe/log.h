/* SPDX-License-Identifier: MIT */
/* Log lines, in sshd's words where sshd has them. One write(2) a line, so that threads and processes do not mix theirs.
 * Peer strings go through gw_log_escape first: a line never carries a raw byte of a peer. Any thread.
 * No call waits: where nobody reads the log, lines are lost, and a later line says how many. */
#ifndef GW_LOG_H
#define GW_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/span.h"

/* sshd's LogLevel names. */
enum gw_log_level { GW_LOG_QUIET, GW_LOG_FATAL, GW_LOG_ERROR, GW_LOG_INFO, GW_LOG_VERBOSE, GW_LOG_DEBUG };

/* Before threads start. fd: stderr, or a file opened for appending (a pipe or terminal becomes non-blocking, for its number alone);
 * process: "sluiced" or "sluiced-engine", in front of the pid. */
void gw_log_init(int fd, enum gw_log_level level, const char *process);
void gw_log_set_level(enum gw_log_level level);
bool gw_log_enabled(enum gw_log_level level);
/* "2026-11-21T10:11:12.123456Z sluiced[123]: text\n", cut at 2 KiB. */
__attribute__((format(printf, 2, 3))) void gw_log(enum gw_log_level level, const char *format, ...);

/* Printable ASCII stays; a backslash, and every other byte, becomes \ooo octal as vis(3) does it; spaces too if escape_spaces.
 * Cut at what fits with "..." at the end. Returns out. */
const char *gw_log_escape(char *out, size_t room, struct cx_view text, bool escape_spaces);
/* A JSON string's inside, valid UTF-8 whatever comes in (bytes that are none become \u00xx). Returns out. */
const char *gw_json_escape(char *out, size_t room, struct cx_view text);

#endif

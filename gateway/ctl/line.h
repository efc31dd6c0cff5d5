/* SPDX-License-Identifier: MIT */
/* A line of the gateway's answers: a flat JSON object (PROTOCOL.md). Reads what stands behind a name, without making anything of
 * it. */
#ifndef GW_CTL_LINE_H
#define GW_CTL_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/span.h"

/* text: what is between the quotes of a string, with its escapes, so that it can be shown as it is. False: there is no string of
 * that name, or the line is no flat object. */
bool gw_ctl_line_text(const char *line, const char *name, struct cx_view *text);
/* The same for a whole number. False also for null, and what is too large. */
bool gw_ctl_line_number(const char *line, const char *name, uint64_t *value);
/* False also for everything that is not true. */
bool gw_ctl_line_is_true(const char *line, const char *name);
/* Whatever it is. */
bool gw_ctl_line_has(const char *line, const char *name);

#endif

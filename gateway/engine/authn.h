/* SPDX-License-Identifier: MIT */
/* The login of one connection: judges names, asks the monitor for key files one after another, matches, and answers. A failure
 * leaves at a time that says nothing about its reason. The owning worker alone. */
#ifndef GW_AUTHN_H
#define GW_AUTHN_H

#include "gateway/engine/conn.h"

enum { GW_AUTH_ATTEMPTS_MAX = 256 }; /* requests of one connection, those that cost no try included */

struct gw_authn;

/* MUX_EV_AUTH. Answers now or later. */
void gw_authn_request(struct gw_conn *c, const struct mux_event *ev);
/* When gw_authn_serve wants to be called; UINT64_MAX: not by itself. a may be NULL, in all of these. */
uint64_t gw_authn_due_ns(const struct gw_authn *a);
void gw_authn_serve(struct gw_conn *c, uint64_t now_ns);
/* The name that the client gave, escaped for logs; NULL: none yet. *valid: it may be a user's. */
const char *gw_authn_name(const struct gw_authn *a, bool *valid);
/* The connection ends, or is authenticated: cancels, wipes and frees. Audits the failure of a login that ends here. */
void gw_authn_end(struct gw_conn *c);

#endif

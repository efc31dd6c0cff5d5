/* SPDX-License-Identifier: MIT */
/* Who is let in: MaxStartups and its like over everybody who is not authenticated yet, and what the log says of those who are not.
 * The acceptor asks for each connection by its socket's address; for those that a proxy hands on, the worker asks once the header
 * has told whose they are. Any thread. */
#ifndef GW_DOOR_H
#define GW_DOOR_H

#include "gateway/engine/startups.h"

struct gw_door;

struct gw_door *gw_door_new(void); /* NULL: out of memory */
void gw_door_free(struct gw_door *d);
/* At first, and at each reload. */
void gw_door_limit(struct gw_door *d, const struct gw_config *config);
/* A slot for a connection from peer on `fd`, to be given back once; GW_STARTUP_NONE: it was told, and is to be closed. */
int32_t gw_door_admit(struct gw_door *d, int fd, const struct gw_addr *peer);
void gw_door_give_back(struct gw_door *d, int32_t slot);
/* Accepting pauses, for a reason of ours. */
void gw_door_exhausted(struct gw_door *d, const char *why);
/* peer came to a listener for proxies and is none that is trusted; or its header cannot be believed: why, static. */
void gw_door_not_a_proxy(struct gw_door *d, const struct gw_addr *peer, const char *why);

#endif

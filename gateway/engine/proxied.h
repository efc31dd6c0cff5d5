/* SPDX-License-Identifier: MIT */
/* Connections that a trusted proxy hands on, until their header has said whose they are (gateway/net/proxy_header.h): then they
 * are let in or dropped as anybody from that address would be. The owning worker. */
#ifndef GW_PROXIED_H
#define GW_PROXIED_H

struct gw_worker;
struct gw_proxied;

/* Takes fd over. */
void gw_proxied_accept(struct gw_worker *w, int fd);
/* Reads what has come. Once a round, before connections are served. */
void gw_proxied_serve(struct gw_worker *w);
/* Closes all of them. */
void gw_proxied_end_all(struct gw_worker *w);

#endif

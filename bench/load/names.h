/* SPDX-License-Identifier: MIT */
/* What words of the command line stand for: places, algorithms, keys. One thread. */
#ifndef LOAD_NAMES_H
#define LOAD_NAMES_H

#include "bench/load/settings.h"

struct load_place {
    char host[MUX_HOST_MAX + 1];
    uint32_t port;
};

/* "host", "host:port", "[::1]:port", "::1". False: none of these. */
bool load_place_parse(struct load_place *out, const char *text, uint32_t usual_port);
/* The first address of the name. NULL, or why there is none: a static text. */
const char *load_place_resolve(const struct load_place *place, struct gw_addr *out);

/* A comma list of names, in full or without what follows the @, into a list of full names; NULL: what is usual. False: error names
 * the word, and those that there are. */
bool load_names_ciphers(const char *words, char *out, size_t room, char *error, size_t error_room);
bool load_names_macs(const char *words, char *out, size_t room, char *error, size_t error_room);
bool load_names_kex(const char *words, char *out, size_t room, char *error, size_t error_room);
extern const char load_host_key_algs[];

/* The file's text, malloc'ed, once it was found to be a private key that can be read. NULL, or what is wrong with it. */
const char *load_key_read(const char *path, char **text);

/* Where the server is on the loopback of IPv4, as many of its addresses as so many connections take ports; else none. */
size_t load_sources_for(const struct gw_addr *server, unsigned connections, struct gw_addr out[LOAD_SOURCES_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/* The listening sockets: opened by the monitor, which may bind low ports; accepted from by the engines. One thread. */
#ifndef GW_LISTENERS_H
#define GW_LISTENERS_H

#include "gateway/config/config.h"

struct gw_listeners {
    size_t count;
    int *fds;                /* the order of config->listen */
    struct gw_addr *address; /* as bound: a port of 0 has become a real one */
};

/* All of them or none. False: error says which address, and why. */
bool gw_listeners_open(struct gw_listeners *l, const struct gw_listen *listen, size_t count, char *error, size_t room);
void gw_listeners_close(struct gw_listeners *l);
/* "Server listening on ADDRESS port PORT." for each: sshd's words. */
void gw_listeners_announce(const struct gw_listeners *l);

#endif

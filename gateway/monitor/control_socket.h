/* SPDX-License-Identifier: MIT */
/* The Unix socket of ControlSocket, on which sluicectl finds the gateway: opened by the monitor, accepted from by the engines. Who
 * may connect is a matter of the file's mode: its owner and its group, from its first moment on. One thread. */
#ifndef GW_CONTROL_SOCKET_H
#define GW_CONTROL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/monitor/privileges.h"

struct gw_control_socket {
    int fd;     /* -1: none */
    char *path; /* NULL: there is nothing to remove */
};

/* path NULL: none is wanted, which succeeds. The path's directory is made if only it is missing; a socket that nobody answers on is
 * replaced. The group is the account's. False: error says why. */
bool gw_control_socket_open(struct gw_control_socket *s, const char *path, const struct gw_account *account, char *error,
                            size_t room);
/* Removes the file too. Right also when none is open; s was opened, or fd is -1 and path NULL. */
void gw_control_socket_close(struct gw_control_socket *s);

#endif

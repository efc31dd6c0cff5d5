/* SPDX-License-Identifier: MIT */
/* Unix sockets that clients have the gateway listen on: all in one directory, under names that lead nowhere else. Any thread. */
#ifndef GW_SOCKET_PATH_H
#define GW_SOCKET_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "crypto/span.h"

/* Whether path is DIRECTORY/NAME, where NAME is 1 to 64 letters, digits, '.', '_' or '-', not led by '.' or '-', and short enough
 * for a socket. directory NULL: no. */
bool gw_socket_path_within(struct cx_view path, const char *directory);

struct gw_socket_path {
    char *path; /* NULL: none */
    dev_t device;
    ino_t inode;
};

/* Binds fd to the path with that mode. replace: a socket that is there and that no process has goes. False: errno. */
bool gw_socket_path_bind(struct gw_socket_path *p, int fd, const char *path, mode_t mode, bool replace);
/* Removes the socket, if it is still the one that was bound: before fd is closed, since until then no other file gets its inode.
 * Right also where none was bound. */
void gw_socket_path_remove(struct gw_socket_path *p);

#endif

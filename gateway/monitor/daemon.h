/* SPDX-License-Identifier: MIT */
/* Going into the background: the process that the person started stays until the gateway serves, so that its exit status is true.
 * One thread. */
#ifndef GW_DAEMON_H
#define GW_DAEMON_H

#include <stdbool.h>

/* Forks. The parent waits, and exits 0 once gw_daemon_ready is called or GW_EXIT_FAILURE when the child ends before, with a line
 * that names log_path. In the child, which has a session of its own: a descriptor for gw_daemon_ready. -1: errno, no fork. */
int gw_daemon_start(const char *log_path);
/* Lets the parent go; closes fd. -1 is fine: there is none. */
void gw_daemon_ready(int fd);

/* PidFile. False: errno. */
bool gw_daemon_write_pid(const char *path);

#endif

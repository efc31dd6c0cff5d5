/* SPDX-License-Identifier: MIT */
/* The services that channels are opened to: an echo server, a sink and a source on three ports in a row. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

/* Serves until SIGINT or SIGTERM ends the process with status 0; where is "[ADDRESS:]PORT", the address 127.0.0.1 unless given.
 * Returns an exit status if it cannot begin; why is told. */
int load_target_serve(const char *where);

#endif

/* SPDX-License-Identifier: MIT */
/* What all servers of a comparison share: a place for files, cores for servers and for clients, and the services that tunnels lead
 * to. One thread. */
#ifndef COMPARE_BED_H
#define COMPARE_BED_H

#include "bench/compare/child.h"
#include "bench/compare/place.h"
#include "gateway/net/addr.h"

/* Ports in a row, in this order. */
enum compare_service { COMPARE_ECHO, COMPARE_SINK, COMPARE_SOURCE, COMPARE_SERVICES };

extern const char *const compare_service_names[COMPARE_SERVICES];

struct compare_bed {
    struct compare_place place;
    cpu_set_t server_cores, client_cores;
    int server_core;         /* -1: there is one core only, which all share */
    unsigned client_threads; /* as many as there are cores for clients, up to a few */
    pid_t services_pid;
    unsigned services_port; /* of the first, on 127.0.0.1 */
};

/* Pins the calling thread, and so what it starts, to the cores of clients. NULL, or what went wrong: a static text, and errno. End
 * it in any case. */
const char *compare_bed_make(struct compare_bed *bed);
void compare_bed_end(struct compare_bed *bed);

/* 127.0.0.1 and this port. */
struct gw_addr compare_loopback(unsigned port);
/* So many ports of 127.0.0.1 in a row, outside of those that the kernel gives out by itself, where nothing listens now; 0: none
 * were found. */
unsigned compare_free_ports(unsigned count);
/* A socket that listens there; -1: errno. */
int compare_listen(unsigned port);
/* Whether somebody accepts there. */
bool compare_answers(unsigned port);

#endif

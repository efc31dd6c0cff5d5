/* SPDX-License-Identifier: MIT */
/* The servers that are compared: found on this machine, started beside each other on 127.0.0.1, ended. One thread. */
#ifndef COMPARE_SERVER_H
#define COMPARE_SERVER_H

#include "bench/compare/bed.h"

enum { COMPARE_SERVERS_MAX = 8, COMPARE_SERVER_NAME = 24, COMPARE_SERVER_TEXT = 192 };

struct compare_server;

/* A kind of server. */
struct compare_kind {
    const char *name, *program;
    const char *package; /* of Debian, that brings it; NULL: it comes with sluice-bench */
    const char *what;
    bool speaks_ssh;           /* else it passes bytes on, between a port for each service and that service */
    bool process_a_connection; /* so that many connections are dear */
    bool queues;               /* tunnels name a queue, which is called as the service */
    unsigned ports;
    /* Started on s->port and those behind it. NULL, or what kept it from that: a static text. */
    const char *(*start)(struct compare_server *s, const struct compare_bed *bed);
};

extern const struct compare_kind compare_sluiced, compare_sshd, compare_dropbear, compare_haproxy, compare_bare;

struct compare_server {
    const struct compare_kind *kind;
    char name[COMPARE_SERVER_NAME];
    char program[PATH_MAX];            /* of compare_bare "" */
    char missing[COMPARE_SERVER_TEXT]; /* why it does not take part; "": it does */
    pid_t pid;
    unsigned port;
};

/* The program's path, in out: with a slash in it as it stands, else beside sluice-bench, in PATH, and where system programs are.
 * False: there is none. */
bool compare_find_program(const char *name, char out[PATH_MAX]);

/* Until it answers. False: s->missing says why not, with the end of its log. */
bool compare_server_start(struct compare_server *s, const struct compare_bed *bed);
void compare_server_end(struct compare_server *s);

/* Where it is asked for a service: itself, or the port of the one that only passes bytes on. */
struct gw_addr compare_server_address(const struct compare_server *s, enum compare_service service);

#endif

/* SPDX-License-Identifier: MIT */
/* sluicectl: asks a running gateway, through its ControlSocket. Exit status: 0 done, 1 the gateway refused or was not reached, 2
 * the command line was wrong. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/line.h"
#include "gateway/ctl/table.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const char help[] = "usage: sluicectl [-s SOCKET] [-j] COMMAND\n"
                           "Shows and steers a running sluiced, through the ControlSocket of its\n"
                           "configuration. Commands:\n"
                           "  queues               queues and their members: who is up, what runs and waits,\n"
                           "                       what was served and failed, and how long half (P50) and\n"
                           "                       99 of 100 (P99) of the requests waited\n"
                           "  sessions             who is connected, since when, and what they move\n"
                           "  drain QUEUE MEMBER   the member takes nothing new, and finishes what it has\n"
                           "  enable QUEUE MEMBER  it takes requests again\n"
                           "  kill SESSION         disconnects a session: its id, or 8 digits of it or more\n"
                           "  info                 the gateway's version, workers and connections\n"
                           "Options:\n"
                           "  -s, --socket SOCKET  instead of /run/sluice/control.sock\n"
                           "  -j, --json           for programs\n"
                           "  -V, --version        of sluicectl\n"
                           "  -h, --help           this\n"
                           "Names are those that queues and sessions show. Exit status: 0 done, 1 refused\n"
                           "or not reached, 2 the command line is wrong.\n";

struct command {
    const char *name;
    int words;
    void (*print)(const struct gw_ctl_reply *r, FILE *out);
    void (*print_json)(const struct gw_ctl_reply *r, FILE *out);
};

static void print_nothing(const struct gw_ctl_reply *r, FILE *out)
{
    (void)r;
    (void)out;
}

static void print_killed(const struct gw_ctl_reply *r, FILE *out)
{
    uint64_t killed = 0, silent = 0;
    if (r->count > 0)
        gw_ctl_line_number(r->lines[0], "killed", &killed);
    gw_ctl_line_number(r->last, "silent_workers", &silent);
    fprintf(out, "%u disconnected\n", (unsigned)killed);
    if (silent > 0)
        fprintf(out, "%u workers did not answer in time\n", (unsigned)silent);
}

static void json_sessions(const struct gw_ctl_reply *r, FILE *out)
{
    gw_ctl_json_list(r, "sessions", out);
}

static const struct command commands[] = {
    { "info", 0, gw_ctl_table_info, gw_ctl_json_one },       { "queues", 0, gw_ctl_table_queues, gw_ctl_json_queues },
    { "sessions", 0, gw_ctl_table_sessions, json_sessions }, { "drain", 2, print_nothing, gw_ctl_json_one },
    { "enable", 2, print_nothing, gw_ctl_json_one },         { "kill", 1, print_killed, gw_ctl_json_one },
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int run(const char *socket_path, bool json, const struct command *c, char **words)
{
    char error[GW_CTL_ERROR_MAX];
    struct gw_ctl_reply reply;
    if (!gw_ctl_ask(socket_path, words, (size_t)c->words + 1, &reply, error)) {
        fprintf(stderr, "sluicectl: %s\n", error);
        return EXIT_REFUSED;
    }
    (json ? c->print_json : c->print)(&reply, stdout);
    gw_ctl_reply_deinit(&reply);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_REFUSED;
}

static int wrong(const char *what, const char *word)
{
    fprintf(stderr, "sluicectl: %s%s; see sluicectl -h\n", what, word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        { "socket", required_argument, NULL, 's' },
        { "json", no_argument, NULL, 'j' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    const char *socket_path = "/run/sluice/control.sock";
    bool json = false;
    int letter;
    while ((letter = getopt_long(argc, argv, "s:jVh", long_options, NULL)) != -1) {
        switch (letter) {
        case 's':
            socket_path = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'V':
            puts("sluicectl " SLUICE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(help, stdout);
            return EXIT_SUCCESS;
        default: /* getopt has said why */
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    const struct command *c = find(argv[optind]);
    if (!c)
        return wrong("there is no command ", argv[optind]);
    if (argc - optind - 1 != c->words)
        return wrong(c->words == 0   ? "nothing goes behind "
                     : c->words == 1 ? "the id of a session goes behind "
                                     : "a queue and a member go behind ",
                     c->name);
    return run(socket_path, json, c, argv + optind);
}

/* SPDX-License-Identifier: MIT */
/* sluice-bench: what this machine can do with SSH. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    { "cipher", bench_cipher, "packet ciphers, key exchange, signatures: what one core can do" },
    { "load", bench_load, "load for any SSH server: connections, channels, echoes, bulk" },
    { "compare", bench_compare, "sluiced beside other servers on this machine, in one table" },
};

static void usage(FILE *out)
{
    fprintf(out, "usage: sluice-bench COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\nsluice-bench COMMAND --help tells its options.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 255;
    }
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "sluice-bench: no command '%s'\n\n", argv[1]);
    usage(stderr);
    return 255;
}

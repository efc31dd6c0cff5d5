/* SPDX-License-Identifier: MIT */
/* sluice-bench load's command line. One thread. */
#ifndef LOAD_LINE_H
#define LOAD_LINE_H

#include "bench/load/settings.h"
#include "bench/options.h"

/* What was typed, and what it came to. settings borrows from the rest: keep it in place. */
struct load_line {
    struct load_settings settings;
    const char *serve; /* --serve-target: only that; NULL: a measurement */
    bool json;
    const char *plot;

    /* as typed */
    const char *user, *identity, *host_key, *target, *cipher, *mac, *kex;
    struct bench_words sources;
    size_t threads, connections, channels, payload, bulk_payload, connects_at_once, slow_percent, rekey_bytes, pid;

    char *key_text, *user_text, *target_text;
    char ciphers[512], macs[512], kexes[512];
};

/* BENCH_OPTIONS_HELP: the help was printed; _WRONG: the fault was told. Deinit in any case. */
enum bench_options_outcome load_line_parse(struct load_line *line, int argc, char **argv);
void load_line_deinit(struct load_line *line);

extern const char load_help_head[], load_help_foot[];

#endif

/* SPDX-License-Identifier: MIT */
/* sluice-bench cipher: packet ciphers, key exchange and signatures on one core, beside OpenSSL's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/cipher/cipher.h"
#include "bench/cipher/kex_ops.h"
#include "bench/cipher/runner.h"
#include "bench/cipher/sign_ops.h"
#include "bench/cipher/suites.h"
#include "bench/clock.h"
#include "bench/report/terminal.h"
#include "crypto/packet/packet.h"
#include "gateway/kernels.h"

enum { EXIT_FAILED = 1, SIZE_MOST = 1 << 20 };
static const double SECONDS = 40, QUICK_SECONDS = 9;

static const struct bench_numbers usual_sizes = { { 64, 512, 1500, 8192, 16384, 32768 }, 6 };
static const struct bench_numbers usual_batches = { { 1, 8 }, 2 };

/* What the plan's cells work on. */
struct parts {
    struct bench_suites *suites;
    struct bench_kex_ops *kex;
    struct bench_sign_ops *sign;
};

static bool make_plan(struct bench_cipher_run *run, struct parts *parts)
{
    parts->suites = bench_suites_plan(&run->plan, &run->choice);
    parts->kex = bench_kex_ops_plan(&run->plan, &run->choice);
    parts->sign = bench_sign_ops_plan(&run->plan, &run->choice);
    return parts->suites && parts->kex && parts->sign && !run->plan.failed;
}

static void free_plan(struct bench_cipher_run *run, struct parts *parts)
{
    bench_plan_free(&run->plan);
    bench_suites_free(parts->suites);
    bench_kex_ops_free(parts->kex);
    bench_sign_ops_free(parts->sign);
}

static int measure(struct bench_cipher_run *run)
{
    struct bench_progress progress = { 0 };
    if (run->plan.count == 0) {
        fprintf(stderr, "sluice-bench cipher: nothing has such a name; 'sluice-bench cipher --list' tells them\n");
        return BENCH_EXIT_USAGE;
    }
    const struct bench_cell *failed = bench_run(&run->plan, run->seconds, &run->canary, &progress);
    if (!failed)
        return 0;
    fprintf(stderr, "sluice-bench cipher: %s: %s went wrong\n", failed->kernel, failed->operation ? failed->operation : "a copy");
    return EXIT_FAILED;
}

static int report(const struct bench_cipher_run *run, bool json, const char *plot)
{
    bool good = true;
    if (json)
        bench_cipher_json(run, stdout);
    else
        good = bench_cipher_print(run, stdout, bench_terminal_columns(STDOUT_FILENO), bench_terminal_colours(STDOUT_FILENO));
    if (!good) {
        fprintf(stderr, "sluice-bench cipher: out of memory\n");
        return EXIT_FAILED;
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "sluice-bench cipher: standard output: %s\n", strerror(errno));
        return EXIT_FAILED;
    }
    if (plot && !bench_cipher_plot(run, plot)) {
        fprintf(stderr, "sluice-bench cipher: %s: %s\n", plot, strerror(errno));
        return EXIT_FAILED;
    }
    return 0;
}

static void print_names(const struct bench_plan *plan)
{
    static const char *const titles[] = { [BENCH_CIPHER] = "cipher", [BENCH_KEX] = "kex", [BENCH_SIGN] = "sign" };
    const struct bench_group *g;
    for (unsigned kind = BENCH_CIPHER; kind <= BENCH_SIGN; kind++)
        for (size_t next = 0; (g = bench_cipher_next(plan, kind, &next));)
            printf("%-6s  %s\n", titles[kind], g->name);
}

struct command_line {
    bool quick, json, list;
    const char *plot;
    double seconds;
};

static bool is_svg(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".svg") == 0;
}

static int parse(struct bench_cipher_run *run, struct command_line *line, int argc, char **argv)
{
    const struct bench_option options[] = {
        { "quick", NULL, BENCH_FLAG, &line->quick, 0, "end within 20 seconds; the figures are coarser" },
        { "seconds", "S", BENCH_SECONDS, &line->seconds, 0, "measure for about so long; without it 40" },
        { "only", "NAME,...", BENCH_WORDS, &run->choice.only, 0,
          "what has this in its name: aes128-gcm, umac, mlkem;\nwith * and ? the whole name; or cipher, kex, sign" },
        { "size", "BYTES,...", BENCH_NUMBERS, &run->choice.sizes, SIZE_MOST, "payloads; without it 64,512,1500,8K,16K,32K" },
        { "batch", "N,...", BENCH_NUMBERS, &run->choice.batches, CX_PACKET_BATCH, "packets a call; without it 1,8" },
        { "kernel", "NAME,...", BENCH_WORDS, &run->choice.kernels, 0, "only these kernels of ours, beside OpenSSL's" },
        { "list", NULL, BENCH_FLAG, &line->list, 0, "tell the names that --only takes, and measure nothing" },
        { "json", NULL, BENCH_FLAG, &line->json, 0, "JSON on standard output in place of tables" },
        { "plot", "FILE.svg", BENCH_TEXT, &line->plot, 0, "draw a chart too" },
    };
    enum { COUNT = sizeof options / sizeof *options };
    switch (bench_options_parse(options, COUNT, argc, argv, NULL)) {
    case BENCH_OPTIONS_HELP:
        fputs(bench_cipher_help_head, stdout);
        bench_options_print(options, COUNT, stdout);
        fputs(bench_cipher_help_foot, stdout);
        return -1;
    case BENCH_OPTIONS_WRONG:
        return BENCH_EXIT_USAGE;
    case BENCH_OPTIONS_GO:
        break;
    }
    if (line->plot && !is_svg(line->plot)) {
        fprintf(stderr, "sluice-bench cipher: --plot writes SVG, and so takes a name that ends in .svg\n");
        return BENCH_EXIT_USAGE;
    }
    return 0;
}

static void fill_in(struct bench_cipher_run *run, const struct command_line *line)
{
    if (run->choice.sizes.count == 0)
        run->choice.sizes = usual_sizes;
    if (run->choice.batches.count == 0)
        run->choice.batches = usual_batches;
    run->seconds = line->seconds > 0 ? line->seconds : line->quick ? QUICK_SECONDS : SECONDS;
    run->choice.available = &run->kernels;
    bench_machine_read(&run->machine);
}

static int find_kernels(struct bench_cipher_run *run)
{
    char error[128];
    enum cx_tier cap;
    if (!gw_kernels_cap(&cap, error, sizeof error)) {
        fprintf(stderr, "sluice-bench cipher: %s\n", error);
        return BENCH_EXIT_USAGE;
    }
    bench_kernels_find(&run->kernels, cap);
    return 0;
}

int bench_cipher(int argc, char **argv)
{
    static char name[] = "sluice-bench cipher"; /* for messages */
    struct bench_cipher_run run = { 0 };
    struct command_line line = { 0 };
    struct parts parts = { 0 };
    argv[0] = name;
    int status = parse(&run, &line, argc, argv);
    if (status != 0)
        return status < 0 ? 0 : status;
    fill_in(&run, &line);
    status = find_kernels(&run);
    if (status != 0)
        return status;
    if (!make_plan(&run, &parts)) {
        fprintf(stderr, "sluice-bench cipher: out of memory\n");
        status = EXIT_FAILED;
    } else if (line.list) {
        print_names(&run.plan);
    } else {
        status = measure(&run);
        if (status == 0)
            status = report(&run, line.json, line.plot);
        if (status == 0 && run.kernels.failed_count > 0)
            status = EXIT_FAILED;
    }
    free_plan(&run, &parts);
    return status;
}

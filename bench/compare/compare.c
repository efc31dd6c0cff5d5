/* SPDX-License-Identifier: MIT */
/* sluice-bench compare: sluiced beside other servers on this machine. */
#include "bench/compare/compare.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/load/run.h"
#include "bench/report/terminal.h"
#include "gateway/kernels.h"

enum { EXIT_FAILED = 1, EXIT_INTERRUPTED = 130, ROUNDS = 3, PEERS_MAX = 3 };
static const double SECONDS = 1.5, QUICK_SECONDS = 0.5, WARMUP_SHARE = 0.2;

struct command_line {
    bool quick, json, list;
    const char *sluiced, *html;
    struct bench_words only, peers;
    size_t rounds;
    double seconds;
};

/* ---- the end, when asked for ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static bool is_interrupted(void)
{
    return interrupted;
}

/* Whatever ends the program politely first lets it end what it started. */
static void catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* ---- who takes part ---- */

/* The program's name or path is `wanted`. */
static void add_server(struct compare_results *r, const struct compare_kind *kind, const char *name, const char *wanted)
{
    struct compare_server *s = &r->server[r->servers++];
    s->kind = kind;
    snprintf(s->name, sizeof s->name, "%s", name);
    if (*kind->program == 0 || compare_find_program(wanted, s->program))
        return;
    s->program[0] = 0;
    if (kind->package && !strchr(wanted, '/'))
        snprintf(s->missing, sizeof s->missing, "not installed; Debian's package is %s", kind->package);
    else
        snprintf(s->missing, sizeof s->missing, "there is no %.150s", wanted);
}

static bool is_good_name(const char *name, size_t len)
{
    return len > 0 && len < COMPARE_SERVER_NAME && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") >= len && *name != '.' &&
           *name != '-';
}

static bool is_taken(const struct compare_results *r, const char *name)
{
    for (size_t i = 0; i < r->servers; i++)
        if (strcmp(r->server[i].name, name) == 0)
            return true;
    return false;
}

static bool add_peers(struct compare_results *r, const struct bench_words *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        const char *word = peers->word[i];
        char name[COMPARE_SERVER_NAME];
        size_t len = strcspn(word, "=");
        if (!is_good_name(word, len) || !word[len] || i == PEERS_MAX) {
            fprintf(stderr, "sluice-bench compare: --peer takes up to %d of NAME=/PATH/OF/SSHD, such as hpn=/opt/hpn/sbin/sshd\n",
                    PEERS_MAX);
            return false;
        }
        snprintf(name, sizeof name, "%.*s", (int)len, word);
        if (is_taken(r, name)) {
            fprintf(stderr, "sluice-bench compare: --peer: there is a '%s' already\n", name);
            return false;
        }
        add_server(r, &compare_sshd, name, word + len + 1);
    }
    return true;
}

static bool find_servers(struct compare_results *r, const struct command_line *line)
{
    static const struct compare_kind *const kinds[] = { &compare_sshd, &compare_dropbear, &compare_haproxy, &compare_bare };
    add_server(r, &compare_sluiced, compare_sluiced.name, line->sluiced ? line->sluiced : compare_sluiced.program);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add_server(r, kinds[i], kinds[i]->name, kinds[i]->program);
    if (r->server[0].missing[0])
        fprintf(stderr, "sluice-bench compare: %s: --sluiced PATH says where it is\n", r->server[0].missing);
    return !r->server[0].missing[0] && add_peers(r, &line->peers);
}

/* ---- the command line ---- */

static bool is_page(const char *path)
{
    size_t len = strlen(path);
    return len > 5 && strcmp(path + len - 5, ".html") == 0;
}

static enum bench_options_outcome parse(struct command_line *line, int argc, char **argv)
{
    const struct bench_option options[] = {
        { "quick", NULL, BENCH_FLAG, &line->quick, 0, "one short round, in a good minute" },
        { "only", "NAME,...", BENCH_WORDS, &line->only, 0, "measurements with this in their name: aes128-gcm, echo" },
        { "list", NULL, BENCH_FLAG, &line->list, 0, "tell the names that --only takes, and measure nothing" },
        { "rounds", "N", BENCH_NUMBER, &line->rounds, COMPARE_ROUNDS_MAX, "how often each is measured; without it 3" },
        { "seconds", "S", BENCH_SECONDS, &line->seconds, 0, "how long each time; without it 1.5" },
        { "sluiced", "PATH", BENCH_TEXT, &line->sluiced, 0, "the gateway; without it the one beside sluice-bench" },
        { "peer", "NAME=PATH,...", BENCH_WORDS, &line->peers, 0, "further servers that take OpenSSH's configuration" },
        { "json", NULL, BENCH_FLAG, &line->json, 0, "JSON on standard output in place of the table" },
        { "html", "FILE.html", BENCH_TEXT, &line->html, 0, "a page with the table and charts too" },
    };
    enum { COUNT = sizeof options / sizeof *options };
    enum bench_options_outcome outcome = bench_options_parse(options, COUNT, argc, argv, NULL);
    if (outcome == BENCH_OPTIONS_HELP) {
        fputs(compare_help_head, stdout);
        bench_options_print(options, COUNT, stdout);
        fputs(compare_help_foot, stdout);
    }
    if (outcome == BENCH_OPTIONS_GO && line->html && !is_page(line->html)) {
        fprintf(stderr, "sluice-bench compare: --html takes a name that ends in .html\n");
        return BENCH_OPTIONS_WRONG;
    }
    return outcome;
}

static void print_names(const struct compare_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        printf("%-36s  %s\n", plan->measure[i]->name, plan->measure[i]->title);
}

/* ---- all of it ---- */

static int report(const struct compare_results *r, const struct command_line *line)
{
    bool good = true;
    if (line->json)
        compare_report_json(r, stdout);
    else
        good = compare_report_print(r, stdout, bench_terminal_columns(STDOUT_FILENO), bench_terminal_colours(STDOUT_FILENO));
    if (!good || fflush(stdout) != 0) {
        fprintf(stderr, "sluice-bench compare: %s\n", good ? strerror(errno) : "out of memory");
        return EXIT_FAILED;
    }
    if (line->html && !compare_report_html(r, line->html)) {
        fprintf(stderr, "sluice-bench compare: %s: %s\n", line->html, strerror(errno));
        return EXIT_FAILED;
    }
    return interrupted ? EXIT_INTERRUPTED : r->server[0].missing[0] ? EXIT_FAILED : 0;
}

static int measure(struct compare_results *r, const struct command_line *line)
{
    double seconds = line->seconds > 0 ? line->seconds : line->quick ? QUICK_SECONDS : SECONDS;
    const struct compare_options options = {
        .rounds = (unsigned)(line->rounds > 0 ? line->rounds
                             : line->quick    ? 1
                                              : ROUNDS),
        .seconds = seconds,
        .warmup_s = seconds * WARMUP_SHARE,
        .enough = is_interrupted,
    };
    catch_signals();
    const char *failed = compare_run(r, &options);
    if (!failed)
        return report(r, line);
    fprintf(stderr, "sluice-bench compare: %s: %s\n", failed, strerror(errno));
    return EXIT_FAILED;
}

int bench_compare(int argc, char **argv)
{
    static char name[] = "sluice-bench compare"; /* for messages */
    static struct compare_results results;       /* too large for the stack */
    struct command_line line = { 0 };
    char error[128];
    enum cx_tier cap;
    argv[0] = name;
    enum bench_options_outcome outcome = parse(&line, argc, argv);
    if (outcome != BENCH_OPTIONS_GO)
        return outcome == BENCH_OPTIONS_HELP ? 0 : BENCH_EXIT_USAGE;
    results.plan = compare_plan_of(&line.only);
    if (results.plan.count == 0) {
        fprintf(stderr, "sluice-bench compare: nothing has such a name; 'sluice-bench compare --list' tells them\n");
        return BENCH_EXIT_USAGE;
    }
    if (line.list) {
        print_names(&results.plan);
        return 0;
    }
    if (!gw_kernels_cap(&cap, error, sizeof error)) {
        fprintf(stderr, "sluice-bench compare: %s\n", error);
        return BENCH_EXIT_USAGE;
    }
    if (!find_servers(&results, &line))
        return BENCH_EXIT_USAGE;
    bench_machine_read(&results.machine);
    load_prepare(cap);
    return measure(&results, &line);
}

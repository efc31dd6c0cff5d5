/* SPDX-License-Identifier: MIT */
#include "bench/load/line.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/load/names.h"
#include "crypto/secret.h"

enum {
    CONNECTIONS_MAX = 1000000,
    CHANNELS_MAX = MUX_CHANNELS_MAX,
    PAYLOAD_MAX = 1 << 24,
    THREADS_MAX = 256,
    PAYLOAD = 64,
    CONNECTS_AT_ONCE = 8, /* OpenSSH's sshd turns away some of those that come while ten are not logged in yet */
    PID_MAX = 1 << 22,
};
static const double DURATION_S = 10, WARMUP_S = 1;

__attribute__((format(printf, 1, 2))) static bool wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("sluice-bench load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static enum bench_options_outcome take_options(struct load_line *l, int argc, char **argv, struct bench_words *rest)
{
    struct load_settings *s = &l->settings;
    const struct bench_option options[] = {
        { "user", "NAME", BENCH_TEXT, &l->user, 0, "log in as; without it your own name", 'l' },
        { "identity", "FILE", BENCH_TEXT, &l->identity, 0, "private key, without a passphrase;\nwithout it ~/.ssh/id_ed25519",
          'i' },
        { "host-key", "SHA256:...", BENCH_TEXT, &l->host_key, 0,
          "the host key's fingerprint; without it, or with any,\nevery host key is taken" },
        { "target", "HOST:PORT", BENCH_TEXT, &l->target, 0,
          "what channels are opened to, as the server sees it;\nof a sluice gateway the name of a queue", 't' },
        { "connections", "N", BENCH_NUMBER, &l->connections, CONNECTIONS_MAX, "at once; without it 1", 'c' },
        { "channels", "N", BENCH_NUMBER, &l->channels, CHANNELS_MAX, "of each connection; without it 1", 'm' },
        { "threads", "N", BENCH_NUMBER, &l->threads, THREADS_MAX, "without it, one for each core" },
        { "payload", "BYTES", BENCH_NUMBER, &l->payload, PAYLOAD_MAX, "of an echo; without it 64" },
        { "bulk-payload", "BYTES", BENCH_NUMBER, &l->bulk_payload, PAYLOAD_MAX,
          "echo: each connection's first channel echoes so much\nover and over, beside the others, and is not counted" },
        { "rate", "N", BENCH_RATE, &s->echoes_per_second, 0,
          "echoes a second, all in all, at times set in advance;\nwithout it, each when the one before is back" },
        { "duration", "S", BENCH_SECONDS, &s->duration_s, 0, "seconds that are measured; without it 10" },
        { "warmup", "S", BENCH_DELAY, &s->warmup_s, 0, "seconds of work in front of them; without it 1" },
        { "connect-rate", "N", BENCH_RATE, &s->connects_per_second, 0, "connections begun a second; without it no limit" },
        { "connect-parallel", "N", BENCH_NUMBER, &l->connects_at_once, CONNECTIONS_MAX,
          "connections not logged in yet; without it 8,\nand for handshake all" },
        { "cut-rate", "N", BENCH_RATE, &s->cuts_per_second, 0,
          "connections a second that are cut off at random,\nin the middle of what they do, and made anew" },
        { "slow-readers", "P%", BENCH_PERCENT, &l->slow_percent, 0, "of the connections are read at 160 KiB/s" },
        { "rekey-every", "BYTES", BENCH_NUMBER, &l->rekey_bytes, SIZE_MAX >> 1, "new keys each time so much went one way" },
        { "cipher", "NAME,...", BENCH_TEXT, &l->cipher, 0, "that are offered, the best first" },
        { "mac", "NAME,...", BENCH_TEXT, &l->mac, 0, "the same" },
        { "kex", "NAME,...", BENCH_TEXT, &l->kex, 0, "the same, of key exchanges" },
        { "source", "ADDRESS,...", BENCH_WORDS, &l->sources, 0, "addresses that connections come from, in turn" },
        { "pid", "PID", BENCH_NUMBER, &l->pid, PID_MAX,
          "the server: tell its CPU time, memory, descriptors,\nwith those of all processes below it" },
        { "json", NULL, BENCH_FLAG, &l->json, 0, "JSON on standard output in place of text" },
        { "plot", "FILE.svg", BENCH_TEXT, &l->plot, 0, "draw latencies, and the rate over time" },
        { "serve-target", "[ADDRESS:]PORT", BENCH_TEXT, &l->serve, 0,
          "measure nothing: be an echo server on this port,\na sink on the next, a source on the one behind it" },
    };
    enum { COUNT = sizeof options / sizeof *options };
    enum bench_options_outcome outcome = bench_options_parse(options, COUNT, argc, argv, rest);
    if (outcome == BENCH_OPTIONS_HELP) {
        fputs(load_help_head, stdout);
        bench_options_print(options, COUNT, stdout);
        fputs(load_help_foot, stdout);
    }
    return outcome;
}

static bool find_mode(struct load_settings *s, const char *name)
{
    for (unsigned mode = 0; mode < LOAD_MODE_COUNT; mode++) {
        if (strcmp(load_mode_words[mode].name, name) != 0)
            continue;
        s->mode = mode;
        return true;
    }
    return wrong("'%s' is no mode: handshake, churn, echo, bulk-up, bulk-down or idle", name);
}

static bool find_server(struct load_line *l, const char *text)
{
    struct load_place place;
    const char *at = strrchr(text, '@');
    if (at) {
        l->user_text = strndup(text, (size_t)(at - text));
        l->user = l->user_text;
    }
    if (!load_place_parse(&place, at ? at + 1 : text, 22))
        return wrong("'%s' should be [USER@]HOST[:PORT]", text);
    const char *failed = load_place_resolve(&place, &l->settings.server);
    return !failed || wrong("%s: %s", place.host, failed);
}

static bool find_target(struct load_line *l, const char *text)
{
    struct load_place place;
    if (!text)
        return wrong("--target HOST:PORT says what channels are opened to");
    if (!load_place_parse(&place, text, 1))
        return wrong("--target takes HOST:PORT, or the name of a queue");
    l->settings.target_port = place.port;
    l->target_text = strdup(place.host);
    if (!l->target_text)
        return wrong("out of memory");
    l->settings.target_host = cx_view_text(l->target_text);
    return true;
}

static bool find_user(struct load_line *l)
{
    const struct passwd *me = l->user ? NULL : getpwuid(getuid());
    if (me)
        l->user = l->user_text = strdup(me->pw_name);
    l->settings.user = l->user;
    if (!l->user || !*l->user || strlen(l->user) > MUX_USER_NAME_MAX)
        return wrong("-l says whom to log in as");
    return true;
}

static bool read_key(struct load_line *l)
{
    char path[4096];
    const char *home = getenv("HOME");
    snprintf(path, sizeof path, "%s/.ssh/id_ed25519", home ? home : "");
    const char *failed = load_key_read(l->identity ? l->identity : path, &l->key_text);
    if (failed)
        return wrong("%s: %s", l->identity ? l->identity : path, failed);
    l->settings.key_text = cx_view_text(l->key_text);
    return true;
}

static bool find_algorithms(struct load_line *l)
{
    struct mux_config *p = &l->settings.protocol;
    char error[256];
    if (!load_names_ciphers(l->cipher, l->ciphers, sizeof l->ciphers, error, sizeof error) ||
        !load_names_macs(l->mac, l->macs, sizeof l->macs, error, sizeof error) ||
        !load_names_kex(l->kex, l->kexes, sizeof l->kexes, error, sizeof error))
        return wrong("%s", error);
    *p = (struct mux_config){
        .software = "sluice-bench_" SLUICE_VERSION,
        .kex = l->kexes,
        .host_key_algs = load_host_key_algs,
        .ciphers = l->ciphers,
        .macs = l->macs,
        .rekey_bytes = l->rekey_bytes,
    };
    return true;
}

static bool find_sources(struct load_line *l)
{
    struct load_settings *s = &l->settings;
    for (size_t i = 0; i < l->sources.count; i++) {
        struct gw_addr *a = &s->source[s->sources++];
        if (!gw_addr_parse(a, l->sources.word[i]) || a->family != s->server.family)
            return wrong("--source takes addresses of the server's kind, such as 127.0.0.2");
    }
    if (s->sources == 0)
        s->sources = load_sources_for(&s->server, s->connections, s->source);
    return true;
}

static bool check_rest(struct load_line *l)
{
    struct load_settings *s = &l->settings;
    size_t len = l->plot ? strlen(l->plot) : 0;
    if (l->plot && (len < 5 || strcmp(l->plot + len - 4, ".svg") != 0))
        return wrong("--plot writes SVG, and so takes a name that ends in .svg");
    if (s->echoes_per_second > 0 && s->mode != LOAD_ECHO)
        return wrong("--rate is for echo");
    if (s->bulk_payload_bytes > 0 && (s->mode != LOAD_ECHO || s->channels < 2))
        return wrong("--bulk-payload is for echo, with --channels 2 or more");
    if (s->mode == LOAD_HANDSHAKE && l->channels > 1)
        return wrong("a handshake has one channel: leave out --channels");
    s->host_key = l->host_key && strcmp(l->host_key, "any") != 0 ? l->host_key : NULL;
    return true;
}

static size_t or_else(size_t value, size_t usual)
{
    return value > 0 ? value : usual;
}

static void fill_in(struct load_line *l)
{
    struct load_settings *s = &l->settings;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    s->connections = (unsigned)or_else(l->connections, 1);
    s->threads = (unsigned)or_else(l->threads, cores > 0 ? (size_t)cores : 1);
    if (s->threads > s->connections) /* a connection has one thread for life */
        s->threads = s->connections;
    s->channels = (unsigned)or_else(l->channels, 1);
    s->payload_bytes = or_else(l->payload, PAYLOAD);
    s->bulk_payload_bytes = l->bulk_payload;
    s->connects_at_once = (unsigned)or_else(l->connects_at_once, s->mode == LOAD_HANDSHAKE ? s->connections : CONNECTS_AT_ONCE);
    s->slow_percent = (unsigned)l->slow_percent;
    s->server_pid = (pid_t)l->pid;
    s->duration_s = s->duration_s > 0 ? s->duration_s : DURATION_S;
}

enum bench_options_outcome load_line_parse(struct load_line *l, int argc, char **argv)
{
    struct bench_words rest = { 0 };
    *l = (struct load_line){ .settings.warmup_s = WARMUP_S };
    enum bench_options_outcome outcome = take_options(l, argc, argv, &rest);
    if (outcome != BENCH_OPTIONS_GO)
        return outcome;
    if (l->serve && rest.count == 0)
        return BENCH_OPTIONS_GO;
    if (rest.count != 2 || l->serve) {
        wrong("it takes a mode and a server, such as echo alice@127.0.0.1:2222");
        return BENCH_OPTIONS_WRONG;
    }
    bool good = find_mode(&l->settings, rest.word[0]) && find_server(l, rest.word[1]);
    fill_in(l);
    good =
        good && find_target(l, l->target) && find_user(l) && read_key(l) && find_algorithms(l) && find_sources(l) && check_rest(l);
    return good ? BENCH_OPTIONS_GO : BENCH_OPTIONS_WRONG;
}

void load_line_deinit(struct load_line *l)
{
    if (l->key_text)
        cx_secret_wipe(l->key_text, strlen(l->key_text));
    free(l->key_text);
    free(l->user_text);
    free(l->target_text);
}

/* SPDX-License-Identifier: MIT */
/* The engine's client role as a program, so that the tests can set it against servers of others: what `ssh -W` is to OpenSSH.
 *
 *     client_role --port PORT --user USER --key FILE --host-key "TYPE BASE64" --target HOST:PORT
 *                 [--kex NAMES] [--cipher NAMES] [--mac NAMES] [--host-key-alg NAMES] [--key-alg NAME] [--rekey-bytes N]
 *
 * Stdin goes into one direct-tcpip channel to the target, as the server sees it, and what comes out of it to stdout.
 * Each key exchange is a line on stderr. Status 0: the channel was closed behind the end of both directions. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/keys/certificate.h"
#include "mux/connection/forward.h"
#include "mux/session.h"

enum { AREA_BYTES = 2 * MUX_PACKET_MAX, EVENTS = 64 };

struct options {
    uint16_t port;
    const char *user, *key_file, *host_key, *target;
    const char *key_alg; /* NULL: the key type's own name */
    struct mux_config config;
};

/* Bytes of the socket: what came and is not a whole packet yet, or what was sealed and not taken. */
struct area {
    uint8_t data[AREA_BYTES];
    size_t start, len;
};

struct client {
    struct options options;
    struct mux_session *session;
    struct mux_shared shared;
    struct cx_random_pool pool;
    struct mux_window_budget budget;
    struct cx_private_key *key;
    int socket;
    uint32_t channel;
    bool open, stdin_ended, peer_ended;
    bool asked; /* stdin has bytes, and produce was told so */
    bool closed;
    struct area in, out;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "client_role: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- start ---- */

static void parse_options(struct options *o, int argc, char **argv)
{
    const char *port = "0", *rekey_bytes = "0", *compression = "no";
    const struct {
        const char *name, **value;
    } known[] = {
        { "--port", &port },
        { "--user", &o->user },
        { "--key", &o->key_file },
        { "--host-key", &o->host_key },
        { "--target", &o->target },
        { "--key-alg", &o->key_alg },
        { "--kex", &o->config.kex },
        { "--host-key-alg", &o->config.host_key_algs },
        { "--cipher", &o->config.ciphers },
        { "--mac", &o->config.macs },
        { "--rekey-bytes", &rekey_bytes },
        { "--compression", &compression },
    };
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < sizeof known / sizeof known[0] && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == sizeof known / sizeof known[0] || i + 1 == argc)
            fail(argv[i], "unknown, or without its value");
        *known[k].value = argv[i + 1];
    }
    o->port = (uint16_t)atoi(port);
    o->config.rekey_bytes = strtoull(rekey_bytes, NULL, 10);
    o->config.compression = strcmp(compression, "yes") == 0;
    if (!o->port || !o->user || !o->key_file || !o->host_key || !o->target)
        fail("options", "one is missing");
}

static struct cx_private_key *read_key(const char *path)
{
    char text[CX_KEY_FILE_MAX];
    struct cx_private_key *key;
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path, strerror(errno));
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (cx_private_key_parse(cx_view(text, len), cx_view(NULL, 0), &key) != CX_OK)
        fail(path, "not a private key");
    return key;
}

static int dial(uint16_t port)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) < 0)
        fail("connect", strerror(errno));
    return s;
}

/* ---- events ---- */

static bool is_trusted(const struct client *c, struct cx_view blob)
{
    uint8_t known[CX_CERTIFICATE_MAX];
    size_t len;
    struct cx_view line = cx_view_text(c->options.host_key), rest;
    if (cx_key_line_parse(line, known, &len, &rest) != CX_OK && cx_certificate_line_parse(line, known, &len, &rest) != CX_OK)
        fail("--host-key", "neither a public key nor a certificate");
    return cx_view_equal(blob, cx_view(known, len));
}

static void log_in(struct client *c)
{
    const char *name = c->options.key_alg ? c->options.key_alg : cx_key_type_name(cx_private_key_type(c->key));
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text(name));
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    if (!alg)
        fail("--key-alg", "unknown");
    struct cx_view signed_ = mux_client_auth_publickey(c->session, c->options.user, alg, cx_private_key_blob(c->key), false);
    if (cx_private_key_sign(c->key, alg, signed_, signature, &len) != CX_OK)
        fail("login", "no signature");
    mux_client_auth_signature(c->session, cx_view(signature, len));
}

static void open_channel(struct client *c)
{
    const char *colon = strrchr(c->options.target, ':');
    uint8_t room[512];
    if (!colon)
        fail("--target", "no port");
    struct mux_direct_tcpip m = { cx_view(c->options.target, (size_t)(colon - c->options.target)), (uint32_t)atoi(colon + 1),
                                  cx_view_text("127.0.0.1"), 1 };
    size_t len = mux_direct_tcpip_write((struct cx_span){ room, sizeof room }, &m);
    if (len == 0)
        fail("--target", "out of bounds");
    c->channel = mux_channel_open(c->session, "direct-tcpip", cx_view(room, len), c);
}

/* Stdout may block: then nothing is drained, and so nothing is credited. */
static void write_out(struct client *c, struct cx_span data)
{
    for (size_t at = 0; at < data.len;) {
        ssize_t n = write(STDOUT_FILENO, data.data + at, data.len - at);
        if (n < 0)
            fail("stdout", strerror(errno));
        at += (size_t)n;
    }
    mux_channel_drained(c->session, c->channel, data.len);
}

static void on_channel_event(struct client *c, const struct mux_event *e)
{
    switch (e->kind) {
    case MUX_EV_CHANNEL_OPENED:
        c->open = true;
        break;
    case MUX_EV_CHANNEL_REFUSED:
        fail("channel", "refused");
    case MUX_EV_CHANNEL_DATA:
        write_out(c, e->data.data);
        break;
    case MUX_EV_CHANNEL_EOF:
        c->peer_ended = true;
        break;
    case MUX_EV_CHANNEL_CLOSE:
        c->closed = true;
        mux_channel_release(c->session, c->channel);
        mux_session_disconnect(c->session, MUX_E_BY_APPLICATION, NULL);
        break;
    case MUX_EV_CHANNEL_REQUEST:
        if (e->request.want_reply)
            mux_channel_request_answer(c->session, c->channel, false);
        break;
    default:
        break;
    }
}

static void on_event(struct client *c, const struct mux_event *e)
{
    switch (e->kind) {
    case MUX_EV_HOST_KEY:
        mux_session_host_key_verdict(c->session, is_trusted(c, e->host_key.blob));
        break;
    case MUX_EV_KEYED:
        fprintf(stderr, "keyed kex=%s host-key=%s cipher=%s/%s mac=%s strict=%d deflates=%d\n", e->keyed.kex, e->keyed.host_key_alg,
                e->keyed.cipher_out, e->keyed.cipher_in, e->keyed.mac_in ? e->keyed.mac_in : "-", e->keyed.strict,
                mux_session_deflates(c->session));
        break;
    case MUX_EV_AUTH_READY:
        log_in(c);
        break;
    case MUX_EV_AUTH_FAILURE:
        fail("login", "refused");
    case MUX_EV_AUTH_SUCCESS:
        open_channel(c);
        break;
    case MUX_EV_GLOBAL_REQUEST:
        if (e->request.want_reply)
            mux_session_request_answer(c->session, false, 0);
        break;
    case MUX_EV_DISCONNECT:
        fprintf(stderr, "client_role: the server left: %.*s\n", (int)e->disconnect.text.len, (const char *)e->disconnect.text.data);
        break;
    default:
        on_channel_event(c, e);
        break;
    }
}

/* ---- bytes ---- */

static void feed(struct client *c)
{
    struct area *in = &c->in;
    size_t used, count;
    do {
        struct mux_event events[EVENTS];
        count = EVENTS;
        enum mux_err err =
            mux_session_feed(c->session, now_ns(), (struct cx_span){ in->data + in->start, in->len }, &used, events, &count, NULL);
        for (size_t i = 0; i < count && !c->closed; i++)
            on_event(c, &events[i]);
        if (err != MUX_OK && !c->closed)
            fail("session", mux_err_text(err));
        in->start += used;
        in->len -= used;
    } while (!c->closed && (used > 0 || count > 0));
    memmove(in->data, in->data + in->start, in->len);
    in->start = 0;
}

static void receive(struct client *c)
{
    assert(c->in.len < AREA_BYTES); /* the longest packet is half of it */
    ssize_t n = recv(c->socket, c->in.data + c->in.len, AREA_BYTES - c->in.len, MSG_DONTWAIT);
    if (n == 0)
        fail("socket", "the server closed it");
    if (n < 0 && errno != EAGAIN)
        fail("socket", strerror(errno));
    if (n > 0)
        c->in.len += (size_t)n;
}

/* poll said that stdin has something, so one readv does not block. */
static size_t pull(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more)
{
    struct client *c = user;
    (void)ctx;
    (void)channel;
    *more = MUX_PULL_DRY;
    if (!c->asked)
        return 0;
    ssize_t n = readv(STDIN_FILENO, iov, iov_count);
    if (n < 0)
        fail("stdin", strerror(errno));
    c->asked = false;
    c->stdin_ended = n == 0;
    if (n == 0)
        *more = MUX_PULL_EOF;
    return (size_t)n;
}

/* True: the socket took all that is owed. */
static bool send_owed(struct client *c)
{
    struct area *out = &c->out;
    const struct mux_source source = { pull, c };
    for (;;) {
        if (out->len == 0) {
            enum mux_err err;
            out->start = 0;
            out->len = mux_session_produce(c->session, now_ns(), (struct cx_span){ out->data, AREA_BYTES }, &source, &err);
            if (err != MUX_OK && !c->closed)
                fail("session", mux_err_text(err));
        }
        if (out->len == 0)
            return true;
        ssize_t n = send(c->socket, out->data + out->start, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            fail("send", strerror(errno));
        out->start += (size_t)n;
        out->len -= (size_t)n;
    }
}

static void run(struct client *c)
{
    while (!c->closed) {
        feed(c);
        bool sent = send_owed(c);
        if (c->closed)
            return;
        bool reads_stdin = c->open && !c->stdin_ended && !c->asked;
        struct pollfd fds[] = {
            { c->socket, (short)((mux_session_blocked(c->session) ? 0 : POLLIN) | (sent ? 0 : POLLOUT)), 0 },
            { reads_stdin ? STDIN_FILENO : -1, POLLIN, 0 },
        };
        if (poll(fds, 2, -1) < 0)
            fail("poll", strerror(errno));
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
            receive(c);
        if (fds[1].revents) {
            c->asked = true;
            mux_channel_ready(c->session, c->channel);
        }
    }
}

int main(int argc, char **argv)
{
    static struct client c = { .options.config = {
                                   .software = "sluice_client_role",
                                   .kex = "mlkem768x25519-sha256,sntrup761x25519-sha512@openssh.com,curve25519-sha256",
                                   .host_key_algs = "ssh-ed25519",
                                   .ciphers = "aes128-gcm@openssh.com",
                                   .macs = "hmac-sha2-256-etm@openssh.com",
                               } };
    parse_options(&c.options, argc, argv);
    c.key = read_key(c.options.key_file);
    c.budget.left_bytes = INT64_MAX;
    static uint8_t staging[MUX_STAGING_BYTES];
    c.shared = (struct mux_shared){
        cx_packet_cache_new(4, cx_kernels_current()), cx_random_system(&c.pool), &c.budget, { staging, sizeof staging }
    };
    c.session = mux_session_new(&c.options.config, &c.shared, now_ns(), NULL);
    c.socket = dial(c.options.port);
    run(&c);
    bool ended = c.stdin_ended && c.peer_ended;
    mux_session_free(c.session);
    cx_packet_cache_free(c.shared.cache);
    cx_private_key_free(c.key);
    close(c.socket);
    return ended ? 0 : 1;
}

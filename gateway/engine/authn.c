/* SPDX-License-Identifier: MIT */
/* A login, as a row of requests of which one is judged at a time (the session asks for the next only after an answer).
 *
 * What an answer may tell: "this key opens this name", since RFC 4252 has a message for it, and nothing else. An unknown name, a
 * name that cannot be one, a name without that key and a key that is refused for its address or age look alike: the same
 * questions are asked of the monitor (an impossible name asks with one that is reserved), and the failure leaves at a moment that
 * was set when the request came: a fixed time plus a jitter that depends on the name and a key of this process alone, doubled
 * until it lies ahead. Averaging over many tries thus finds a constant a name, which says nothing about it. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "crypto/wire.h"
#include "gateway/auth/key_text.h"
#include "gateway/engine/conn_priv.h"
#include "gateway/engine/engine.h"

enum {
    NAME_RAW_MAX = 1024, /* what a session lets through */
    NAME_TEXT = 404,     /* 100 bytes as sshd logs them, each escaped */
    NAME_LOGGED = 100,
    DELAY_BASE_NS = 15000000, /* what judging a request takes at most, as a rule */
    DELAY_JITTER_NS = 10000000,
};

/* Asked for in the place of names that cannot be a user's: the answer is not looked at. */
static const char reserved_name[] = "invalid-user";

struct gw_authn {
    struct gw_link_request request; /* first */
    struct gw_conn *conn;
    /* the name: that of the first request, and of all others */
    bool valid;
    size_t raw_len;
    uint8_t raw[NAME_RAW_MAX];
    char text[NAME_TEXT];
    char user[GW_USER_MAX + 1]; /* as asked of the monitor */
    uint64_t delay_ns;
    unsigned attempts, failures;
    /* the request that is judged */
    uint64_t came_ns, answer_at_ns; /* answer_at_ns: UINT64_MAX unless a failure waits for its time */
    uint32_t file_index;
    const struct cx_sign_alg *alg;
    bool is_signed;
    struct cx_verified stated; /* of a security key, under its signature */
    size_t blob_len;
    uint8_t blob[CX_KEY_BLOB_MAX];
    char fingerprint[CX_FINGERPRINT_TEXT]; /* of the last key that was shown … */
    char key_text[GW_KEY_TEXT];            /* … and all that the log says of it */
};

/* ---- words ---- */

static void now_utc(char out[40])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, 40 - n, ".%06ldZ", now.tv_nsec / 1000);
}

static void audit(const struct gw_authn *a, const char *result)
{
    const struct gw_conn *c = a->conn;
    char json[NAME_RAW_MAX * 6 + 1024], user[NAME_RAW_MAX * 6 + 1], peer[GW_ADDR_TEXT], proxy[GW_ADDR_TEXT], at[40];
    const char *quote = c->identity.proxy.family ? "\"" : "";
    if (!gw_worker_keeps_audit(c->worker))
        return;
    now_utc(at);
    gw_json_escape(user, sizeof user, cx_view(a->raw, a->raw_len));
    snprintf(json, sizeof json,
             "{\"event\":\"auth\",\"time\":\"%s\",\"connection\":\"%s\",\"user\":\"%s\",\"method\":\"%s\",\"key\":\"%s\","
             "\"proves_name\":%s,\"peer\":\"%s\",\"proxy\":%s%s%s,\"result\":\"%s\"}",
             at, c->identity.id, user, a->fingerprint[0] ? "publickey" : "none", a->fingerprint,
             c->identity.proves_name ? "true" : "false", gw_addr_port_text(&c->identity.peer, peer), quote,
             c->identity.proxy.family ? gw_addr_port_text(&c->identity.proxy, proxy) : "null", quote, result);
    gw_worker_audit(c->worker, json);
}

static void log_verdict(const struct gw_authn *a, const char *verdict)
{
    char peer[GW_ADDR_TEXT + 16];
    gw_conn_log(a->conn, GW_LOG_INFO, false, "%s publickey for %s%s from %s ssh2: %s", verdict, a->valid ? "" : "invalid user ",
                a->text, gw_conn_peer_text(a->conn, peer), a->key_text);
}

const char *gw_authn_name(const struct gw_authn *a, bool *valid)
{
    if (!a)
        return NULL;
    *valid = a->valid;
    return a->text;
}

/* ---- failure ---- */

/* The name's own delay. A hash that fails leaves the base alone, which no name can bring about. */
static uint64_t delay_of(const struct gw_worker *w, struct cx_view name)
{
    struct cx_hash h;
    uint8_t digest[CX_HASH_MAX_BYTES] = { 0 };
    if (cx_hash_begin(&h, CX_SHA256) == CX_OK) {
        cx_hash_add(&h, cx_view(w->delay_key, GW_DELAY_KEY_BYTES));
        cx_hash_add(&h, name);
        if (cx_hash_end(&h, digest) != CX_OK)
            memset(digest, 0, sizeof digest);
    }
    return DELAY_BASE_NS + cx_load_u32(digest) % DELAY_JITTER_NS;
}

static void schedule_failure(struct gw_authn *a)
{
    uint64_t now_ns = gw_loop_now_ns(a->conn->worker->loop), delay_ns = a->delay_ns;
    while (a->came_ns + delay_ns < now_ns)
        delay_ns *= 2;
    a->answer_at_ns = a->came_ns + delay_ns;
    gw_conn_mark(a->conn); /* its deadlines are looked at when it is served */
}

static void too_many(struct gw_authn *a)
{
    struct gw_conn *c = a->conn;
    char peer[GW_ADDR_TEXT + 16], who[GW_CONN_WHO_TEXT];
    gw_conn_log(c, GW_LOG_ERROR, true, "maximum authentication attempts exceeded for %s%s from %s ssh2",
                a->valid ? "" : "invalid user ", a->text, gw_conn_peer_text(c, peer));
    gw_conn_log(c, GW_LOG_INFO, true, "Disconnecting %s: Too many authentication failures", gw_conn_who(c, who));
    gw_conn_disconnect(c, MUX_E_AUTH, "Too many authentication failures");
}

static void fail_now(struct gw_authn *a)
{
    a->answer_at_ns = UINT64_MAX;
    if (a->failures >= a->conn->protocol->snapshot.config->max_auth_tries || a->attempts >= GW_AUTH_ATTEMPTS_MAX)
        too_many(a);
    else
        mux_session_auth_answer(a->conn->session, MUX_AUTH_FAILURE, "publickey");
}

static void fail_key(struct gw_authn *a)
{
    if (a->fingerprint[0] != '\0')
        log_verdict(a, "Failed");
    a->failures++;
    schedule_failure(a);
}

uint64_t gw_authn_due_ns(const struct gw_authn *a)
{
    return a ? a->answer_at_ns : UINT64_MAX;
}

void gw_authn_serve(struct gw_conn *c, uint64_t now_ns)
{
    if (now_ns >= gw_authn_due_ns(c->authn) && c->authn)
        fail_now(c->authn);
}

/* ---- success ---- */

/* A line admits the key; whether its signature says enough is judged last, as in sshd, since the line has a word in it. */
static bool signature_suffices(const struct gw_authn *a, const struct gw_key_options *options)
{
    const struct gw_config *config = a->conn->protocol->snapshot.config;
    char peer[GW_ADDR_TEXT + 16];
    const char *unmet = gw_key_options_unmet(options, &a->stated, config->touch_required, config->verify_required);
    if (!unmet)
        return true;
    gw_conn_log(a->conn, GW_LOG_ERROR, false, "public key %s signature for %s%s from %s rejected: %s", a->key_text,
                a->valid ? "" : "invalid user ", a->text, gw_conn_peer_text(a->conn, peer), unmet);
    return false;
}

static void accept_key(struct gw_authn *a, struct gw_key_match *match)
{
    struct gw_conn *c = a->conn;
    if (!a->is_signed) {
        gw_key_options_free(match->options);
        mux_session_auth_answer(c->session, MUX_AUTH_PK_OK, "");
        gw_conn_mark(c);
        return;
    }
    if (!signature_suffices(a, match->options)) {
        gw_key_options_free(match->options);
        fail_key(a);
        return;
    }
    memcpy(c->identity.user, a->user, sizeof c->identity.user);
    memcpy(c->identity.fingerprint, a->fingerprint, sizeof c->identity.fingerprint);
    c->identity.proves_name = match->proves_name;
    c->options = match->options;
    c->identity.options = c->options;
    log_verdict(a, "Accepted");
    audit(a, "success");
    mux_session_auth_answer(c->session, MUX_AUTH_SUCCESS, "");
    gw_conn_admit(c);
    gw_authn_end(c);
    gw_conn_mark(c);
}

/* ---- key files ---- */

static void build_open(const struct gw_link_request *q, struct gw_ipc_record *r)
{
    const struct gw_authn *a = (const struct gw_authn *)q;
    r->type = GW_IPC_OPEN_KEYS;
    r->open_keys.user = cx_view_text(a->user);
    r->open_keys.index = a->file_index;
}

static void ask_for_file(struct gw_authn *a)
{
    if (!gw_link_ask(a->conn->worker->link, &a->request))
        fail_key(a);
}

static void complain(void *ctx, unsigned line, const char *text)
{
    const struct gw_authn *a = ctx;
    gw_conn_log(a->conn, GW_LOG_INFO, false, "key file %u of user %s, line %u refused: %s", a->file_index + 1, a->text, line, text);
}

/* The whole file, NULL: it cannot be read, or is no longer what the monitor opened. */
static uint8_t *read_file(int fd, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > GW_KEY_FILE_BYTES_MAX)
        return NULL;
    size_t room = (size_t)st.st_size;
    uint8_t *text = malloc(room + 1);
    *len = 0;
    while (text && *len < room) {
        ssize_t n = pread(fd, text + *len, room - *len, (off_t)*len);
        if (n <= 0)
            break; /* shorter than a moment ago: what is there is what counts */
        *len += (size_t)n;
    }
    return text;
}

static struct gw_key_match match_file(struct gw_authn *a, int fd, bool path_has_user)
{
    struct gw_key_match match = { 0 };
    size_t len = 0;
    uint8_t *text = read_file(fd, &len);
    if (!text)
        return match;
    struct gw_key_query query = {
        .user = cx_view_text(a->user),
        .blob = cx_view(a->blob, a->blob_len),
        .peer = &a->conn->identity.peer,
        .now_unix = (uint64_t)time(NULL),
        .file_names_user = path_has_user,
    };
    gw_authorized_keys_match(cx_view(text, len), &query, &match, complain, a);
    free(text);
    if (match.found && !a->valid) { /* somebody named a file after the reserved name: it opens nothing */
        gw_key_options_free(match.options);
        match = (struct gw_key_match){ 0 };
    }
    return match;
}

static void answer_open(struct gw_link_request *q, const struct gw_ipc_record *r, int fd)
{
    struct gw_authn *a = (struct gw_authn *)q;
    if (r->type != GW_IPC_KEYS)
        gw_engine_die("the monitor answered a key file's request with type %d", (int)r->type);
    struct gw_key_match match = { 0 };
    if (a->conn->phase != GW_CONN_OPEN) { /* it ended a moment ago, and will be freed when it is served */
        if (fd >= 0)
            close(fd);
        return;
    }
    if (fd >= 0) {
        match = match_file(a, fd, r->keys.path_has_user);
        close(fd);
    } else if (r->keys.reason.len > 0) {
        char reason[600];
        gw_log_escape(reason, sizeof reason, r->keys.reason, false);
        gw_conn_log(a->conn, GW_LOG_INFO, false, "Authentication refused: %s", reason);
    }
    if (match.found) {
        accept_key(a, &match);
    } else if (r->keys.last) {
        fail_key(a);
    } else {
        a->file_index++;
        ask_for_file(a);
    }
}

/* ---- requests ---- */

static struct gw_authn *begin(struct gw_conn *c, struct cx_view name)
{
    struct gw_authn *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->request = (struct gw_link_request){ .build = build_open, .answer = answer_open };
    a->conn = c;
    a->answer_at_ns = UINT64_MAX;
    a->raw_len = name.len < NAME_RAW_MAX ? name.len : NAME_RAW_MAX;
    memcpy(a->raw, name.data, a->raw_len);
    a->valid = gw_user_name_valid(name);
    struct cx_view asked = a->valid ? name : cx_view_text(reserved_name);
    memcpy(a->user, asked.data, asked.len);
    struct cx_view logged = { name.data, name.len < NAME_LOGGED ? name.len : NAME_LOGGED };
    gw_log_escape(a->text, sizeof a->text, logged, !a->valid);
    a->delay_ns = delay_of(c->worker, name);
    c->authn = a;
    if (!a->valid) {
        char peer[GW_ADDR_TEXT + 16];
        gw_conn_log(c, GW_LOG_INFO, false, "Invalid user %s from %s", a->text, gw_conn_peer_text(c, peer));
    }
    return a;
}

/* RequiredRSASize asks for more than sluice itself does. */
static bool is_large_enough(const struct gw_authn *a)
{
    size_t bits = cx_key_blob_rsa_bits(cx_view(a->blob, a->blob_len));
    if (bits == 0 || bits >= a->conn->protocol->snapshot.config->required_rsa_bits)
        return true;
    gw_conn_log(a->conn, GW_LOG_INFO, false, "refusing RSA key: Invalid key length");
    return false;
}

static void judge_key(struct gw_authn *a, const struct mux_event *ev)
{
    a->alg = ev->auth.alg;
    a->is_signed = ev->auth.signed_;
    a->stated = ev->auth.stated;
    a->fingerprint[0] = '\0';
    a->file_index = 0;
    if (a->alg)
        gw_key_text(ev->auth.blob, a->alg, a->fingerprint, a->key_text);
    /* no CA is trusted, whoever the name belongs to; the key that it certifies is offered by itself as well */
    if (!a->alg || a->alg->certificate) {
        fail_key(a);
        return;
    }
    assert(ev->auth.blob.len <= sizeof a->blob);
    a->blob_len = ev->auth.blob.len;
    memcpy(a->blob, ev->auth.blob.data, a->blob_len);
    /* A bad signature is the same failure whoever the name belongs to, and needs no file. */
    if ((a->is_signed && !ev->auth.verified) || a->conn->protocol->snapshot.config->keys_file_count == 0 || !is_large_enough(a))
        fail_key(a);
    else
        ask_for_file(a);
}

void gw_authn_request(struct gw_conn *c, const struct mux_event *ev)
{
    struct gw_authn *a = c->authn ? c->authn : begin(c, ev->auth.user);
    if (!a) {
        gw_conn_disconnect(c, MUX_E_RESOURCE, "out of memory");
        return;
    }
    a->came_ns = gw_loop_now_ns(c->worker->loop);
    a->attempts++;
    if (cx_view_is(ev->auth.method, "publickey")) {
        judge_key(a, ev);
        return;
    }
    /* As in sshd: asking what can continue costs no try, if it is what a client begins with. It needs no lookup and so no delay. */
    if (a->attempts > 1 || !cx_view_is(ev->auth.method, "none"))
        a->failures++;
    fail_now(a);
}

void gw_authn_end(struct gw_conn *c)
{
    struct gw_authn *a = c->authn;
    if (!a)
        return;
    if (!c->admitted)
        audit(a, "failure");
    gw_link_cancel(c->worker->link, &a->request);
    c->authn = NULL;
    cx_secret_wipe(a, sizeof *a);
    free(a);
}

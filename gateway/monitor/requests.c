/* SPDX-License-Identifier: MIT */
/* See requests.h. Answers gather in the worker's datagram and leave once a round. While one cannot leave, no more requests of that
 * worker are read: an engine that does not take its answers stops only itself. Nor are they while many of its signatures are under
 * way, so that a rush of logins waits instead of being refused. RSA is not counted there, or it would hold up the others: what its
 * queue does not take is refused. */
#include "gateway/monitor/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/auth/authorized_keys.h"
#include "gateway/monitor/keyfile.h"
#include "gateway/observe/log.h"
#include "mux/transport/exchange_hash.h"

enum { DATAGRAMS_A_ROUND = 8 };

static struct gw_rate rate_of(uint64_t per_second)
{
    return (struct gw_rate){ .per_second = per_second, .burst = 2 * per_second };
}

bool gw_requests_init(struct gw_requests *r, struct gw_engine_process *engine, const struct gw_engine_seed *seed,
                      struct gw_audit_file *audit)
{
    *r = (struct gw_requests){
        .engine = engine,
        .seed = seed,
        .audit = audit,
        .sign_rate = rate_of(GW_REQUESTS_SIGN_RATE),
        .prove_rate = rate_of(GW_REQUESTS_PROVE_RATE),
        .keys_rate = rate_of(GW_REQUESTS_KEYS_RATE),
        .audit_rate = rate_of(GW_REQUESTS_AUDIT_RATE),
        .complaints = { .per_second = 1, .burst = 5 },
        .room = malloc(GW_IPC_DATAGRAM_MAX),
    };
    return r->room != NULL;
}

void gw_requests_deinit(struct gw_requests *r)
{
    gw_session_ids_clear(&r->session_ids);
    free(r->room);
    r->room = NULL;
}

static uint64_t now_ns(const struct gw_requests *r)
{
    return gw_loop_now_ns(r->engine->loop);
}

static void complain(struct gw_requests *r, const char *what)
{
    if (gw_rate_take(&r->complaints, now_ns(r)))
        gw_log(GW_LOG_ERROR, "%s", what);
}

/* ---- answers ---- */

/* False: they stay until the socket has room, or the engine was killed. */
static bool flush(struct gw_requests *r, struct gw_worker_link *link)
{
    if (r->engine->gone)
        return true;
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count = link->out.fd_count;
    memcpy(fds, link->out.fds, fd_count * sizeof *fds);
    int sent = gw_ipc_send(&link->out, link->watch.fd);
    if (sent < 0)
        gw_engine_kill(r->engine, "a worker's socket failed");
    if (sent == 0)
        gw_loop_await_writing(r->engine->loop, &link->watch);
    if (sent != 1)
        return false;
    while (fd_count > 0)
        close(fds[--fd_count]);
    return true;
}

/* Takes over fd (or -1). */
static void answer(struct gw_requests *r, struct gw_worker_link *link, const struct gw_ipc_record *record, int fd)
{
    if (!r->engine->gone && gw_ipc_put(&link->out, record, fd))
        return;
    if (!r->engine->gone && flush(r, link) && gw_ipc_put(&link->out, record, fd))
        return;
    if (fd >= 0)
        close(fd);
    if (!r->engine->gone)
        gw_engine_kill(r->engine, "a worker does not take its answers");
}

static bool is_rsa(const struct gw_requests *r, uint32_t host_key)
{
    return r->seed->keys->public_keys[host_key].type == CX_KEY_RSA;
}

void gw_requests_signed(void *ctx, const struct gw_sign_job *job, struct cx_view signature)
{
    struct gw_requests *r = ctx;
    if (job->generation != r->engine->generation || job->worker >= r->engine->worker_count)
        return; /* that engine is gone */
    struct gw_worker_link *link = &r->engine->workers[job->worker];
    if (!is_rsa(r, job->host_key))
        link->jobs--;
    answer(r, link, &(struct gw_ipc_record){ .type = GW_IPC_SIGNED, .id = job->id, .bytes = signature }, -1);
}

/* ---- requests: false ends the engine ---- */

/* What is shown of a host key under an algorithm. Empty: no honest engine asks for these two. */
static struct cx_view shown(const struct gw_requests *r, uint32_t host_key, const struct cx_sign_alg *alg)
{
    const struct gw_host_keys *keys = r->seed->keys;
    return alg && host_key < keys->count ? mux_host_key_shown(&keys->public_keys[host_key], alg) : cx_view("", 0);
}

static struct gw_sign_job job_for(const struct gw_requests *r, const struct gw_worker_link *link, uint32_t host_key, uint64_t id)
{
    return (struct gw_sign_job){ host_key, r->engine->generation, (uint32_t)(link - r->engine->workers), id };
}

/* A job that the signers have taken, or not: then it is answered empty. */
static void settle(struct gw_requests *r, struct gw_worker_link *link, const struct gw_sign_job *job, bool taken)
{
    if (taken)
        link->jobs += !is_rsa(r, job->host_key);
    else
        answer(r, link, &(struct gw_ipc_record){ .type = GW_IPC_SIGNED, .id = job->id }, -1);
}

static bool on_sign(struct gw_requests *r, struct gw_worker_link *link, const struct gw_ipc_record *q)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(q->sign.alg);
    struct cx_view k_s = shown(r, q->sign.host_key, alg);
    if (k_s.len == 0 || (q->sign.first && gw_session_ids_find(&r->session_ids, q->sign.connection)))
        return false;
    struct gw_sign_job job = job_for(r, link, q->sign.host_key, q->id);
    uint8_t hash[CX_HASH_MAX_BYTES];
    struct cx_view hashed = cx_view(hash, cx_hash_len(q->sign.inputs.kex->hash));
    bool taken = link->jobs < GW_REQUESTS_JOBS_MAX && gw_rate_take(&r->sign_rate, now_ns(r)) &&
                 mux_exchange_hash(&q->sign.inputs, k_s, hash) == CX_OK && gw_signer_pool_sign(r->signers, &job, alg, hashed);
    if (!taken)
        complain(r, "signing: too many requests, or no signer is up; key exchanges are refused");
    else if (q->sign.first)
        gw_session_ids_add(&r->session_ids, q->sign.connection, hashed);
    settle(r, link, &job, taken);
    return true;
}

/* A connection that is not known (any more) gets no proof; one that asks for the same twice is not of our engine. */
static bool on_prove(struct gw_requests *r, struct gw_worker_link *link, const struct gw_ipc_record *q)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(q->prove.alg);
    if (q->prove.host_key >= MUX_PROVE_KEYS_MAX || shown(r, q->prove.host_key, alg).len == 0 || alg->certificate)
        return false;
    struct gw_session_id *id = gw_session_ids_find(&r->session_ids, q->prove.connection);
    uint8_t bit = (uint8_t)(1u << q->prove.host_key);
    if (id && (id->proven & bit))
        return false;
    struct gw_sign_job job = job_for(r, link, q->prove.host_key, q->id);
    bool taken = id && link->jobs < GW_REQUESTS_JOBS_MAX && gw_rate_take(&r->prove_rate, now_ns(r)) &&
                 gw_signer_pool_prove(r->signers, &job, alg, cx_view(id->bytes, id->len));
    if (id)
        id->proven |= bit;
    if (id && !taken)
        complain(r, "signing: too many requests, or no signer is up; host keys are not proven");
    settle(r, link, &job, taken);
    return true;
}

static bool on_open_keys(struct gw_requests *r, struct gw_worker_link *link, const struct gw_ipc_record *q)
{
    const struct gw_config *config = r->seed->config;
    if (!gw_user_name_valid(q->open_keys.user))
        return false;
    struct gw_ipc_record a = { .type = GW_IPC_KEYS, .id = q->id, .keys.last = true };
    struct gw_keyfile file = { .fd = -1 };
    if (q->open_keys.index < config->keys_file_count) { /* beyond it: a reload took files away meanwhile */
        if (gw_rate_take(&r->keys_rate, now_ns(r))) {
            gw_keyfile_open(config->keys_files[q->open_keys.index], q->open_keys.user, &file);
            a.keys.last = q->open_keys.index + 1 == config->keys_file_count;
        } else {
            complain(r, "key files: too many requests; logins are refused");
            a.keys.reason = cx_view_text("too many requests");
        }
    }
    a.keys.opened = file.fd >= 0;
    a.keys.path_has_user = file.path_has_user;
    if (file.reason[0] != '\0')
        a.keys.reason = cx_view_text(file.reason);
    answer(r, link, &a, file.fd);
    return true;
}

static bool on_audit(struct gw_requests *r, const struct gw_ipc_record *q)
{
    if (!gw_audit_record_valid(q->bytes))
        return false;
    if (gw_rate_take(&r->audit_rate, now_ns(r)))
        gw_audit_file_append(r->audit, q->bytes, now_ns(r));
    else
        complain(r, "audit log: too many records; some are lost");
    return true;
}

static bool on_record(struct gw_requests *r, struct gw_worker_link *link, const struct gw_ipc_record *q)
{
    switch (q->type) {
    case GW_IPC_SIGN:
        return on_sign(r, link, q);
    case GW_IPC_PROVE:
        return on_prove(r, link, q);
    case GW_IPC_FORGET:
        gw_session_ids_forget(&r->session_ids, (const char *)q->bytes.data);
        return true;
    case GW_IPC_OPEN_KEYS:
        return on_open_keys(r, link, q);
    case GW_IPC_AUDIT:
        return on_audit(r, q);
    default:
        return false;
    }
}

static void on_datagram(struct gw_requests *r, struct gw_worker_link *link, struct cx_view datagram)
{
    struct gw_ipc_record q;
    int got = 0;
    while (!r->engine->doomed && (got = gw_ipc_next(&datagram, &q)) == 1)
        if (!on_record(r, link, &q))
            break;
    if (got != 0)
        gw_engine_kill(r->engine, "a request that no engine of ours makes");
}

/* One datagram. False: none is there. */
static bool receive(struct gw_requests *r, struct gw_worker_link *link)
{
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
    ssize_t n = gw_ipc_receive(link->watch.fd, r->room, fds, &fd_count);
    if (n <= 0) {
        bool failed = n < 0 && errno != EAGAIN;
        link->watch.ready &= (uint8_t)~GW_READABLE; /* an end is the engine's end: its control socket, or its reaping, says so */
        if (failed)
            gw_engine_kill(r->engine, "a worker's socket failed");
        return false;
    }
    bool gives = fd_count > 0;
    while (fd_count > 0)
        close(fds[--fd_count]);
    if (gives)
        gw_engine_kill(r->engine, "a request with descriptors");
    else
        on_datagram(r, link, cx_view(r->room, (size_t)n));
    cx_secret_wipe(r->room, (size_t)n); /* K was in it */
    return true;
}

static bool serve_worker(struct gw_requests *r, struct gw_worker_link *link)
{
    if ((link->watch.ready & GW_WRITABLE) != 0 && !flush(r, link))
        return false;
    for (int i = 0; i < DATAGRAMS_A_ROUND; i++) {
        if ((link->watch.ready & (GW_READABLE | GW_WRITABLE)) != (GW_READABLE | GW_WRITABLE) || link->jobs >= GW_REQUESTS_JOBS_READ)
            return false;
        if (!receive(r, link) || r->engine->doomed || !flush(r, link))
            return false;
    }
    return true;
}

bool gw_requests_serve(struct gw_requests *r)
{
    bool more = false;
    for (unsigned i = 0; i < r->engine->worker_count && !r->engine->doomed; i++)
        more |= serve_worker(r, &r->engine->workers[i]);
    return more;
}

void gw_requests_finish(struct gw_requests *r)
{
    r->engine->gone = true;
    for (unsigned i = 0; i < r->engine->worker_count && !r->engine->doomed; i++)
        while (!r->engine->doomed && receive(r, &r->engine->workers[i]))
            continue;
    gw_session_ids_clear(&r->session_ids);
}

/* SPDX-License-Identifier: MIT */
/* The pool of signers. Each has a queue here, in the order in which its answers will come:
 *
 *   head ........ sent ........ tail
 *   sent, not yet answered | waiting for room in its socket
 *
 * A job belongs to the queue from gw_signer_pool_sign until its answer was handed out. When a signer dies, all of its queue is
 * answered empty (those connections end and the clients try again), and another process is forked: the keys are in the monitor.
 * Its death is acted upon in one place only, when it is reaped.
 *
 * One that lives and does not answer would hold its queue for ever, and where it is the only one of its kind, every login: so the
 * oldest request has a deadline, past which the signer is killed. */
#include "gateway/monitor/signer.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/monitor/signer_process.h"
#include "gateway/observe/log.h"

struct queued {
    struct gw_sign_job job;
    struct gw_signer_request request;
};

struct signer {
    struct gw_watch watch;
    struct gw_timer restart; /* while it does not run */
    struct gw_timer stuck;   /* while an answer is due */
    struct gw_signer_pool *pool;
    pid_t pid; /* 0: not running */
    bool for_rsa;
    uint64_t started_ns;
    uint32_t room, head, sent, tail; /* counters that never turn back; slot = counter % room */
    struct queued *queue;
};

struct gw_signer_pool {
    struct gw_loop *loop;
    const struct gw_host_keys *keys;
    gw_signer_answer *answer;
    void *ctx;
    unsigned count;
    struct signer signers[GW_SIGNERS_MAX + 1];
};

static void noted(struct gw_watch *w)
{
    (void)w; /* gw_signer_pool_receive and _send look at every signer */
}

static void on_stuck(struct gw_timer *t, uint64_t now_ns)
{
    struct signer *s = (struct signer *)((char *)t - offsetof(struct signer, stuck));
    (void)now_ns;
    gw_log(GW_LOG_ERROR, "signer %d is killed: it has not answered for %d s", (int)s->pid, GW_SIGNER_STUCK_SECONDS);
    kill(s->pid, SIGKILL);
}

/* The oldest request has just become the oldest, or the queue empty. */
static void expect_answer(struct signer *s)
{
    struct gw_loop *loop = s->pool->loop;
    if (s->head == s->tail)
        gw_timer_cancel(loop, &s->stuck);
    else
        gw_timer_set(loop, &s->stuck, gw_loop_now_ns(loop) + GW_SIGNER_STUCK_SECONDS * UINT64_C(1000000000));
}

static bool start(struct signer *s)
{
    int fd;
    s->started_ns = gw_loop_now_ns(s->pool->loop);
    pid_t pid = gw_signer_process_start(s->pool->keys, &fd);
    if (pid < 0)
        return false;
    s->watch = (struct gw_watch){ .fd = fd, .on_ready = noted };
    if (!gw_loop_add_reader(s->pool->loop, &s->watch)) {
        int why = errno;
        close(fd); /* it ends by itself, and is reaped as a stranger */
        errno = why;
        return false;
    }
    s->pid = pid;
    return true;
}

static void start_again(struct gw_timer *t, uint64_t now_ns)
{
    struct signer *s = (struct signer *)((char *)t - offsetof(struct signer, restart));
    if (start(s))
        return;
    gw_log(GW_LOG_ERROR, "cannot start a signer: %s", strerror(errno));
    gw_timer_set(s->pool->loop, t, now_ns + GW_SIGNER_RESTART_MS * UINT64_C(1000000));
}

static bool add_signer(struct gw_signer_pool *pool, bool for_rsa)
{
    struct signer *s = &pool->signers[pool->count];
    *s = (struct signer){
        .pool = pool,
        .for_rsa = for_rsa,
        .restart.fire = start_again,
        .stuck.fire = on_stuck,
        .room = for_rsa ? GW_SIGNER_RSA_QUEUE : GW_SIGNER_QUEUE,
    };
    s->queue = calloc(s->room, sizeof *s->queue);
    if (!s->queue)
        return false;
    pool->count++;
    return start(s);
}

static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

struct gw_signer_pool *gw_signer_pool_new(struct gw_loop *loop, const struct gw_host_keys *keys, gw_signer_answer *answer,
                                          void *ctx)
{
    struct gw_signer_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    *pool = (struct gw_signer_pool){ .loop = loop, .keys = keys, .answer = answer, .ctx = ctx };
    bool rsa = false, fast = false;
    for (size_t i = 0; i < keys->count; i++)
        *(keys->public_keys[i].type == CX_KEY_RSA ? &rsa : &fast) = true;
    bool ok = !rsa || add_signer(pool, true);
    for (unsigned i = 0; ok && fast && i < cores() && i < GW_SIGNERS_MAX; i++)
        ok = add_signer(pool, false);
    if (ok)
        return pool;
    int why = errno;
    gw_signer_pool_free(pool);
    errno = why;
    return NULL;
}

static void disconnect(struct signer *s)
{
    gw_loop_remove(s->pool->loop, &s->watch);
    close(s->watch.fd);
}

/* It ends by itself, since its socket has; one that is stopped would not. */
static void await_end(pid_t pid)
{
    for (int i = 0; i < 100; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void gw_signer_pool_free(struct gw_signer_pool *pool)
{
    if (!pool)
        return;
    for (unsigned i = 0; i < pool->count; i++) {
        struct signer *s = &pool->signers[i];
        gw_timer_cancel(pool->loop, &s->restart);
        gw_timer_cancel(pool->loop, &s->stuck);
        if (s->pid > 0)
            disconnect(s);
    }
    for (unsigned i = 0; i < pool->count; i++) {
        if (pool->signers[i].pid > 0)
            await_end(pool->signers[i].pid);
        free(pool->signers[i].queue);
    }
    free(pool);
}

/* The one with the shortest queue of those that take this type, with room. */
static struct signer *choose(struct gw_signer_pool *pool, bool for_rsa)
{
    struct signer *best = NULL;
    for (unsigned i = 0; i < pool->count; i++) {
        struct signer *s = &pool->signers[i];
        if (s->pid > 0 && s->for_rsa == for_rsa && s->tail - s->head < s->room &&
            (!best || s->tail - s->head < best->tail - best->head))
            best = s;
    }
    return best;
}

static bool enqueue(struct gw_signer_pool *pool, const struct gw_sign_job *job, enum gw_signer_task task,
                    const struct cx_sign_alg *alg, struct cx_view bytes)
{
    struct signer *s = choose(pool, pool->keys->public_keys[job->host_key].type == CX_KEY_RSA);
    if (!s || bytes.len > CX_HASH_MAX_BYTES)
        return false;
    struct queued *q = &s->queue[s->tail++ % s->room];
    *q = (struct queued){ .job = *job, .request = { .key = job->host_key, .task = task, .alg = alg, .len = bytes.len } };
    memcpy(q->request.bytes, bytes.data, bytes.len);
    if (s->tail - s->head == 1)
        expect_answer(s);
    return true;
}

bool gw_signer_pool_sign(struct gw_signer_pool *pool, const struct gw_sign_job *job, const struct cx_sign_alg *alg,
                         struct cx_view hash)
{
    return enqueue(pool, job, GW_SIGNER_HASH, alg, hash);
}

bool gw_signer_pool_prove(struct gw_signer_pool *pool, const struct gw_sign_job *job, const struct cx_sign_alg *alg,
                          struct cx_view session_id)
{
    return enqueue(pool, job, GW_SIGNER_PROOF, alg, session_id);
}

static void send_queued(struct signer *s)
{
    while (s->sent != s->tail && (s->watch.ready & GW_WRITABLE) != 0) {
        const struct gw_signer_request *request = &s->queue[s->sent % s->room].request;
        if (send(s->watch.fd, request, sizeof *request, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *request)
            s->sent++;
        else if (errno == EAGAIN)
            gw_loop_await_writing(s->pool->loop, &s->watch);
        else if (errno != EINTR)
            s->watch.ready &= (uint8_t)~GW_WRITABLE; /* gone: it will be reaped */
    }
}

static void answer_first(struct signer *s, struct cx_view signature)
{
    struct gw_sign_job job = s->queue[s->head++ % s->room].job;
    expect_answer(s);
    s->pool->answer(s->pool->ctx, &job, signature);
}

static void receive_answers(struct signer *s)
{
    while ((s->watch.ready & GW_READABLE) != 0) {
        uint8_t signature[CX_SIGNATURE_MAX];
        ssize_t n = recv(s->watch.fd, signature, sizeof signature, MSG_DONTWAIT);
        if (n > 0 && s->head != s->sent) {
            answer_first(s, cx_view(signature, n == 1 ? 0 : (size_t)n));
        } else if (n >= 0 || errno != EINTR) {
            if (n >= 0 || errno != EAGAIN)
                kill(s->pid, SIGKILL); /* its end, or an answer nobody asked for */
            s->watch.ready &= (uint8_t)~GW_READABLE;
        }
    }
}

void gw_signer_pool_receive(struct gw_signer_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->signers[i].pid > 0)
            receive_answers(&pool->signers[i]);
}

void gw_signer_pool_send(struct gw_signer_pool *pool)
{
    for (unsigned i = 0; i < pool->count; i++)
        if (pool->signers[i].pid > 0)
            send_queued(&pool->signers[i]);
}

static void lose(struct signer *s)
{
    disconnect(s);
    s->pid = 0;
    while (s->head != s->tail)
        answer_first(s, cx_view("", 0));
    s->sent = s->head;
    uint64_t now_ns = gw_loop_now_ns(s->pool->loop);
    uint64_t soonest_ns = s->started_ns + GW_SIGNER_RESTART_MS * UINT64_C(1000000);
    gw_timer_set(s->pool->loop, &s->restart, soonest_ns > now_ns ? soonest_ns : now_ns);
}

bool gw_signer_pool_reaped(struct gw_signer_pool *pool, pid_t pid, int status)
{
    for (unsigned i = 0; i < pool->count; i++) {
        struct signer *s = &pool->signers[i];
        if (s->pid != pid)
            continue;
        gw_log(GW_LOG_ERROR, "signer %d ended (%s %d), %u requests lost; starting another", (int)pid,
               WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
               s->tail - s->head);
        lose(s);
        return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* gateway/monitor/signer: signatures come back right, RSA holds up nobody, and a signer may die. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/monitor/signer.h"
#include "mux/connection/host_keys.h"

enum { ED25519, RSA, KEYS };

struct fixture {
    struct gw_host_keys keys;
    struct gw_loop *loop;
    struct gw_signer_pool *pool;
    bool prove; /* what is asked for next */
    unsigned good, empty;
    uint32_t last_key;
};

static const uint8_t hash[32] = { 1, 2, 3 };

static void on_answer(void *ctx, const struct gw_sign_job *job, struct cx_view signature)
{
    struct fixture *f = ctx;
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text(job->host_key == RSA ? "rsa-sha2-512" : "ssh-ed25519"));
    if (signature.len == 0) {
        f->empty++;
        return;
    }
    uint8_t proof[MUX_PROOF_MAX];
    struct cx_view data = cx_view(hash, sizeof hash), blob = f->keys.public_keys[job->host_key].blob;
    if (f->prove)
        data = mux_host_key_proof((struct cx_span){ proof, sizeof proof }, data, blob);
    cr_assert_eq(cx_key_verify(blob, alg, signature, data), CX_OK);
    cr_assert_eq(job->generation, 9);
    cr_assert_eq(job->id, 1000 + job->worker);
    f->good++;
    f->last_key = job->host_key;
}

static void init(struct fixture *f)
{
    static const enum cx_key_type types[KEYS] = { CX_KEY_ED25519, CX_KEY_RSA };
    *f = (struct fixture){ .keys = { .count = KEYS } };
    f->keys.keys = calloc(KEYS, sizeof *f->keys.keys);
    f->keys.public_keys = calloc(KEYS, sizeof *f->keys.public_keys);
    for (size_t i = 0; i < KEYS; i++) {
        cr_assert_eq(cx_private_key_generate(types[i], &f->keys.keys[i]), CX_OK);
        f->keys.public_keys[i] = (struct mux_host_key){ .blob = cx_private_key_blob(f->keys.keys[i]), .type = types[i] };
    }
    f->loop = gw_loop_new();
    f->pool = gw_signer_pool_new(f->loop, &f->keys, on_answer, f);
    cr_assert(f->pool);
}

static void deinit(struct fixture *f)
{
    gw_signer_pool_free(f->pool);
    gw_loop_free(f->loop);
    gw_host_keys_free(&f->keys);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a signer is left");
}

static bool ask(struct fixture *f, uint32_t key, uint32_t worker)
{
    struct gw_sign_job job = { .host_key = key, .generation = 9, .worker = worker, .id = 1000 + worker };
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text(key == RSA ? "rsa-sha2-512" : "ssh-ed25519"));
    return (f->prove ? gw_signer_pool_prove : gw_signer_pool_sign)(f->pool, &job, alg, cx_view(hash, sizeof hash));
}

static void round_of(struct fixture *f)
{
    gw_signer_pool_send(f->pool);
    gw_loop_round(f->loop, true);
    gw_signer_pool_receive(f->pool);
}

static void until(struct fixture *f, const unsigned *counter, unsigned count)
{
    gw_loop_round(f->loop, false);
    while (*counter < count)
        round_of(f);
}

Test(signer, every_request_gets_its_signature, .timeout = 60)
{
    struct fixture f;
    init(&f);
    for (uint32_t i = 0; i < 600; i++)
        cr_assert(ask(&f, i % 50 == 0 ? RSA : ED25519, i));
    until(&f, &f.good, 600);
    cr_assert_eq(f.empty, 0);
    deinit(&f);
}

Test(signer, proves_each_key_in_the_name_of_a_session, .timeout = 60)
{
    struct fixture f;
    init(&f);
    f.prove = true;
    cr_assert(ask(&f, RSA, 0) && ask(&f, ED25519, 1));
    until(&f, &f.good, 2);
    deinit(&f);
}

Test(signer, a_full_rsa_queue_refuses_rsa_and_nothing_else, .timeout = 60)
{
    struct fixture f;
    init(&f);
    for (uint32_t i = 0; i < GW_SIGNER_RSA_QUEUE; i++)
        cr_assert(ask(&f, RSA, i));
    cr_assert(!ask(&f, RSA, 1));
    cr_assert(ask(&f, ED25519, 1));
    gw_loop_round(f.loop, false);
    do
        round_of(&f);
    while (f.good == 0 || f.last_key != ED25519);
    cr_assert_lt(f.good, GW_SIGNER_RSA_QUEUE, "Ed25519 waited for RSA");
    deinit(&f);
}

/* The RSA signer is the pool's first child. */
static int stop_rsa(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "re");
    int pid = 0;
    cr_assert(children && fscanf(children, "%d", &pid) == 1);
    fclose(children);
    cr_assert_eq(kill(pid, SIGSTOP), 0);
    return pid;
}

Test(signer, a_signer_that_dies_answers_empty_and_is_started_again, .timeout = 60)
{
    struct fixture f;
    init(&f);
    until(&f, &f.good, 0);
    cr_assert(ask(&f, RSA, 0));
    until(&f, &f.good, 1);
    int rsa_pid = stop_rsa(); /* so that what is asked next stays asked */
    for (uint32_t i = 0; i < 5; i++)
        cr_assert(ask(&f, RSA, i));
    gw_signer_pool_send(f.pool);
    cr_assert_eq(kill(rsa_pid, SIGKILL), 0);
    int status;
    cr_assert_eq(waitpid(rsa_pid, &status, 0), rsa_pid);
    cr_assert(gw_signer_pool_reaped(f.pool, rsa_pid, status));
    cr_assert(!gw_signer_pool_reaped(f.pool, rsa_pid, status), "reaped once only");
    cr_assert_eq(f.empty, 5);
    while (!ask(&f, RSA, 7)) /* until its restart timer */
        gw_loop_round(f.loop, true);
    until(&f, &f.good, 2);
    deinit(&f);
}

Test(signer, a_signer_that_does_not_answer_is_killed)
{
    struct fixture f;
    init(&f);
    until(&f, &f.good, 0);
    int status, rsa_pid = stop_rsa();
    for (uint32_t i = 0; i < 3; i++)
        cr_assert(ask(&f, RSA, i));
    while (waitpid(rsa_pid, &status, WNOHANG) == 0) {
        gw_signer_pool_send(f.pool);
        gw_loop_round(f.loop, false); /* in the monitor SIGCHLD would end a wait; here nothing does */
        gw_signer_pool_receive(f.pool);
        usleep(1000);
    }
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert(gw_signer_pool_reaped(f.pool, rsa_pid, status));
    cr_assert_eq(f.empty, 3);
    while (!ask(&f, RSA, 7))
        gw_loop_round(f.loop, true);
    until(&f, &f.good, 1);
    deinit(&f);
}

Test(signer, the_end_does_not_wait_for_a_signer_that_is_stopped)
{
    struct fixture f;
    init(&f);
    stop_rsa();
    deinit(&f);
}

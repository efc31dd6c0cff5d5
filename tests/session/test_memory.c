/* SPDX-License-Identifier: MIT */
/* Memory that fails, at each allocation in turn: the session ends with a reason, or the call says no; nothing is lost.
 * The linker sends every malloc of the engine through the functions below. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

/* ---- the allocator ---- */

static bool armed;
static unsigned until_failure; /* 0: none */
static bool failed;
static long live;
static const char *secret; /* that no block may hold when it is freed; NULL: none */
static bool leaked;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *p);

static bool fails(void)
{
    if (!armed || pair_allocates || until_failure == 0 || --until_failure > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    if (fails())
        return NULL;
    live++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    if (fails())
        return NULL;
    live++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    live += old == NULL;
    return __real_realloc(old, size);
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    if (p && secret && !pair_allocates && memmem(p, malloc_usable_size(p), secret, strlen(secret)))
        leaked = true;
    __real_free(p);
}

/* ---- what is tried ---- */

/* A whole life: handshake, channels, requests, rekeys, ends. */
static void live_through(struct pair *p)
{
    (void)pair_run(p, 100);
    if (!mux_session_authenticated(p->client.session))
        return;
    uint32_t ch[20];
    for (size_t i = 0; i < 20; i++)
        ch[i] = pair_open(p);
    (void)mux_session_global_request(p->client.session, "yes", true, cx_view("", 0));
    mux_session_keepalive(p->server.session);
    (void)mux_channel_open(p->client.session, "nonsense", cx_view("", 0), &p->client.stream[PAIR_CHANNELS - 1]);
    (void)pair_run(p, 100);
    for (size_t i = 0; i < 20; i++) {
        if (ch[i] == UINT32_MAX || !p->client.stream[ch[i]].open)
            continue;
        (void)mux_channel_request(p->client.session, ch[i], "yes", true, cx_view("", 0));
        pair_send(&p->client, ch[i], 50000, true);
    }
    mux_session_rekey(p->server.session);
    (void)pair_run(p, 200);
    mux_session_rekey(p->client.session);
    (void)pair_run(p, 200);
}

/* False: the n-th allocation was never reached. admits: else logins fail, by every method that there is. */
static bool try_with_failure(unsigned n, bool admits)
{
    long before = live;
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->accept_auth = admits;
    p->server.config.channels_max = 10;
    p->client.config.compression = p->server.config.compression = true;
    pair_start(p);
    until_failure = n;
    failed = false;
    armed = true;
    live_through(p);
    armed = false;
    if (failed && (p->client.err != MUX_OK || p->server.err != MUX_OK)) {
        bool named = p->client.err == MUX_E_RESOURCE || p->server.err == MUX_E_RESOURCE;
        cr_assert(named, "allocation %u: %s, %s", n, mux_err_text(p->client.err), mux_err_text(p->server.err));
        cr_assert_not(mux_session_owes(p->client.session) && p->client.err != MUX_OK);
        cr_assert_not(mux_session_owes(p->server.session) && p->server.err != MUX_OK);
    }
    bool reached = failed;
    pair_free(p);
    cr_assert_eq(live, before, "allocation %u: %ld lost", n, live - before);
    return reached;
}

Test(memory, each_allocation_may_fail, .timeout = 200)
{
    for (int admits = 0; admits < 2; admits++) {
        unsigned n = 1;
        while (try_with_failure(n, admits))
            n++;
        cr_assert_gt(n, admits ? 50u : 20u, "%u", n);
    }
}

Test(memory, passwords_and_responses_are_wiped_where_the_engine_kept_them)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->accept_auth = false;
    secret = "guess"; /* what the pair's client answers to each */
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->client.events[MUX_EV_AUTH_PROMPTS], 1);
    cr_assert_eq(p->client.events[MUX_EV_AUTH_CHANGE], 1);
    mux_client_auth_password(p->client.session, "alice", cx_view_text("guess")); /* and what never leaves */
    mux_session_free(p->client.session);
    p->client.session = NULL;
    secret = NULL;
    cr_assert_not(leaked);
    pair_free(p);
}

Test(memory, a_session_that_cannot_be_made_is_none)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct mux_session *s = NULL;
    for (unsigned n = 1; !s; n++) {
        long before = live;
        until_failure = n;
        armed = true;
        s = mux_session_new(&p->server.config, &p->server.shared, 1, NULL);
        armed = false;
        cr_assert(s || live == before, "allocation %u", n);
        cr_assert_leq(n, 10u);
    }
    mux_session_free(s);
    pair_free(p);
}

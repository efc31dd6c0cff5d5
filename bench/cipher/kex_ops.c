/* SPDX-License-Identifier: MIT */
/* Whole methods draw from the system as the gateway does, since OpenSSL, beside them, draws from it too; a KEM alone is what its
 * kernels are compared by, and its bytes come from a fixed seed. */
#include "bench/cipher/kex_ops.h"

#include <stdlib.h>
#include <string.h>

#include "bench/cipher/kex_openssl.h"
#include "bench/cipher/repeat.h"
#include "crypto/kex/group.h"
#include "crypto/kex/kex.h"
#include "crypto/kex/mlkem768.h"
#include "crypto/kex/sntrup761.h"

enum { EXCHANGED_GROUP_BITS = 3072 };

static const char *const operations[] = { "keygen", "encaps", "decaps" };
enum { OPERATION_COUNT = sizeof operations / sizeof *operations };

/* What can be exchanged: steps that follow each other on one state, under these kernels (NULL: there is no choice). */
struct exchange {
    bool (*step[OPERATION_COUNT])(void *state);
    void *state;
    const struct bench_lane *with;
};

/* What a cell works on. */
struct work {
    struct work *next;
    const struct bench_lane *with;
    struct bench_repeat step;
};

struct method {
    struct method *next;
    const struct cx_kex *kex;
    struct cx_kex_group *group; /* of group exchange; else NULL */
    const struct cx_random *random;
    struct bench_lane with;
    struct cx_kex_state *client;
    struct cx_kex_public c, s;
    struct cx_kex_shared k;
    struct bench_kex_openssl *openssl; /* NULL: it has no such method, or another lane of the method has it */
};

/* A KEM alone. */
struct kem {
    struct kem *next;
    const struct cx_random *random;
    struct bench_lane with;
    uint8_t seed[CX_MLKEM768_SEED_BYTES], message[CX_MLKEM768_MESSAGE_BYTES], shared[CX_MLKEM768_SHARED_BYTES];
    uint8_t ek[CX_MLKEM768_EK_BYTES], dk[CX_MLKEM768_DK_BYTES], ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES];
    uint8_t ntru_public[CX_SNTRUP761_PUBLIC_BYTES], ntru_secret[CX_SNTRUP761_SECRET_BYTES];
    uint8_t ntru_ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES];
};

struct bench_kex_ops {
    const struct bench_choice *choice;
    struct method *methods;
    struct kem *kems;
    struct work *works;
    struct cx_random_pool pool;
    struct cx_random_seeded seeded;
    struct cx_random system, fixed;
};

/* What a method's kernels are, or a KEM's, by the front of its name: the last row that fits. */
static const struct {
    const char *name;
    enum cx_primitive primitive[3];
    size_t count;
} made_of[] = {
    { "mlkem768", { CX_PRIMITIVE_KECCAK, CX_PRIMITIVE_MLKEM }, 2 },
    { "sntrup761", { CX_PRIMITIVE_SNTRUP }, 1 },
    { "mlkem768x25519", { CX_PRIMITIVE_KECCAK, CX_PRIMITIVE_MLKEM, CX_PRIMITIVE_X25519 }, 3 },
    { "sntrup761x25519", { CX_PRIMITIVE_SNTRUP, CX_PRIMITIVE_X25519 }, 2 },
    { "curve25519", { CX_PRIMITIVE_X25519 }, 1 },
};

static bool method_keygen(void *state)
{
    struct method *m = state;
    cx_kex_state_free(m->client);
    m->client = NULL;
    return cx_kex_start(m->kex, m->random, &m->client, &m->c) == CX_OK;
}

static bool method_encaps(void *state)
{
    struct method *m = state;
    return cx_kex_respond(m->kex, m->random, cx_view(m->c.bytes, m->c.len), &m->s, &m->k) == CX_OK;
}

static bool method_decaps(void *state)
{
    struct method *m = state;
    return cx_kex_finish(m->kex, m->client, cx_view(m->s.bytes, m->s.len), &m->k) == CX_OK;
}

static bool openssl_keygen(void *state)
{
    return bench_kex_openssl_keygen(state);
}

static bool openssl_encaps(void *state)
{
    return bench_kex_openssl_encaps(state);
}

static bool openssl_decaps(void *state)
{
    return bench_kex_openssl_decaps(state);
}

static bool mlkem_keygen(void *state)
{
    struct kem *k = state;
    cx_random_fill(k->random, k->seed, sizeof k->seed);
    cx_mlkem768_make_pair(&k->with.kernels, k->seed, k->ek, k->dk);
    return true;
}

static bool mlkem_encaps(void *state)
{
    struct kem *k = state;
    cx_random_fill(k->random, k->message, sizeof k->message);
    return cx_mlkem768_encapsulate(&k->with.kernels, k->ek, k->message, k->ciphertext, k->shared) == CX_OK;
}

static bool mlkem_decaps(void *state)
{
    struct kem *k = state;
    cx_mlkem768_decapsulate(&k->with.kernels, k->dk, k->ciphertext, k->shared);
    return true;
}

static bool sntrup_keygen(void *state)
{
    struct kem *k = state;
    return cx_sntrup761_make_pair(&k->with.kernels, k->random, k->ntru_secret, k->ntru_public) == CX_OK;
}

static bool sntrup_encaps(void *state)
{
    struct kem *k = state;
    return cx_sntrup761_encapsulate(&k->with.kernels, k->random, k->ntru_public, k->ntru_ciphertext, k->shared) == CX_OK;
}

static bool sntrup_decaps(void *state)
{
    struct kem *k = state;
    return cx_sntrup761_decapsulate(&k->with.kernels, k->ntru_secret, k->ntru_ciphertext, k->shared) == CX_OK;
}

/* Key exchange asks for the process's kernels. */
static bool pass(void *state, double *ns)
{
    struct work *w = state;
    cx_kernels_install(w->with ? &w->with->kernels : &cx_kernels_portable);
    return bench_repeat_pass(&w->step, ns);
}

static void plan_exchange(struct bench_plan *plan, struct bench_kex_ops *ops, const char *kernel, enum bench_role role,
                          struct exchange exchange)
{
    const char *tier = exchange.with ? cx_tier_name(exchange.with->tier) : NULL;
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        struct work *w = calloc(1, sizeof *w);
        if (!w) {
            plan->failed = true;
            return;
        }
        *w = (struct work){ ops->works, exchange.with, { exchange.step[i], exchange.state, 0 } };
        ops->works = w;
        bench_plan_cell(plan,
                        (struct bench_cell){ kernel, tier, !exchange.with || exchange.with->picked, operations[i], role, pass, w });
    }
}

/* The lanes of the method or KEM that the choice takes, or the portable one; 0 if there is nothing to choose among. */
static size_t find_lanes(const struct bench_kex_ops *ops, const char *name, struct bench_lane lanes[BENCH_LANES_MAX])
{
    size_t found = 0, taken = 0;
    for (size_t i = 0; i < sizeof made_of / sizeof *made_of; i++)
        if (strncmp(name, made_of[i].name, strlen(made_of[i].name)) == 0)
            found = bench_lanes_find(ops->choice->available, made_of[i].primitive, made_of[i].count, lanes);
    for (size_t i = 0; i < found; i++)
        if (bench_choice_takes_kernel(ops->choice, lanes[i].name))
            lanes[taken++] = lanes[i];
    if (found > 0 && taken == 0)
        lanes[taken++] = lanes[found - 1];
    return taken;
}

static struct method *add_method(struct bench_plan *plan, struct bench_kex_ops *ops, const struct cx_kex *kex)
{
    struct method *m = calloc(1, sizeof *m);
    if (!m) {
        plan->failed = true;
        return NULL;
    }
    *m = (struct method){ .next = ops->methods, .kex = kex, .random = &ops->system };
    ops->methods = m;
    if (cx_kex_wants_group(kex)) {
        if (cx_kex_group_choose(EXCHANGED_GROUP_BITS, EXCHANGED_GROUP_BITS, EXCHANGED_GROUP_BITS, &m->group) != CX_OK) {
            plan->failed = true;
            return NULL;
        }
        m->kex = cx_kex_group_method(m->group);
    }
    return m;
}

static void plan_method_lane(struct bench_plan *plan, struct bench_kex_ops *ops, const struct cx_kex *kex,
                             const struct bench_lane *with)
{
    struct method *m = add_method(plan, ops, kex);
    if (!m)
        return;
    if (with)
        m->with = *with;
    plan_exchange(plan, ops, with ? m->with.name : "sluice", BENCH_OURS,
                  (struct exchange){ { method_keygen, method_encaps, method_decaps }, m, with ? &m->with : NULL });
}

static void plan_openssl(struct bench_plan *plan, struct bench_kex_ops *ops, const struct cx_kex *kex)
{
    struct bench_kex_openssl *x = ops->methods ? bench_kex_openssl_new(kex->name) : NULL;
    if (!x)
        return;
    ops->methods->openssl = x;
    plan_exchange(plan, ops, "openssl", BENCH_REFERENCE,
                  (struct exchange){ { openssl_keygen, openssl_encaps, openssl_decaps }, x, NULL });
}

static void plan_method(struct bench_plan *plan, struct bench_kex_ops *ops, const struct cx_kex *kex)
{
    struct bench_lane lanes[BENCH_LANES_MAX];
    size_t count = find_lanes(ops, kex->name, lanes);
    bench_plan_group(plan, BENCH_KEX, kex->name, 0, 0);
    for (size_t i = 0; i < count; i++)
        plan_method_lane(plan, ops, kex, &lanes[i]);
    if (count == 0)
        plan_method_lane(plan, ops, kex, NULL);
    plan_openssl(plan, ops, kex);
}

static void plan_kem_lane(struct bench_plan *plan, struct bench_kex_ops *ops, struct exchange exchange,
                          const struct bench_lane *with)
{
    struct kem *k = calloc(1, sizeof *k);
    if (!k) {
        plan->failed = true;
        return;
    }
    *k = (struct kem){ .next = ops->kems, .random = &ops->fixed };
    ops->kems = k;
    exchange.state = k;
    if (with) {
        k->with = *with;
        exchange.with = &k->with;
    }
    plan_exchange(plan, ops, with ? k->with.name : "sluice", BENCH_OURS, exchange);
}

static void plan_kem(struct bench_plan *plan, struct bench_kex_ops *ops, const char *name, struct exchange exchange)
{
    struct bench_lane lanes[BENCH_LANES_MAX];
    size_t count = find_lanes(ops, name, lanes);
    if (!bench_choice_takes(ops->choice, "kex", name))
        return;
    bench_plan_group(plan, BENCH_KEX, name, 0, 0);
    for (size_t i = 0; i < count; i++)
        plan_kem_lane(plan, ops, exchange, &lanes[i]);
    if (count == 0)
        plan_kem_lane(plan, ops, exchange, NULL);
}

struct bench_kex_ops *bench_kex_ops_plan(struct bench_plan *plan, const struct bench_choice *choice)
{
    const struct cx_kex *kex;
    struct bench_kex_ops *ops = calloc(1, sizeof *ops);
    if (!ops)
        return NULL;
    ops->choice = choice;
    ops->system = cx_random_system(&ops->pool);
    ops->fixed = cx_random_from_seed(&ops->seeded, 2);
    for (size_t i = 0; (kex = cx_kex_at(i)); i++)
        if (bench_choice_takes(choice, "kex", kex->name))
            plan_method(plan, ops, kex);
    plan_kem(plan, ops, "mlkem768", (struct exchange){ .step = { mlkem_keygen, mlkem_encaps, mlkem_decaps } });
    plan_kem(plan, ops, "sntrup761", (struct exchange){ .step = { sntrup_keygen, sntrup_encaps, sntrup_decaps } });
    return ops;
}

void bench_kex_ops_free(struct bench_kex_ops *ops)
{
    if (!ops)
        return;
    cx_kernels_install(&cx_kernels_portable);
    for (struct method *m = ops->methods, *next; m; m = next) {
        next = m->next;
        cx_kex_state_free(m->client);
        cx_kex_group_free(m->group);
        bench_kex_openssl_free(m->openssl);
        free(m);
    }
    for (struct kem *k = ops->kems, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    for (struct work *w = ops->works, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    free(ops);
}

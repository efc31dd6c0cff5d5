/* SPDX-License-Identifier: MIT */
/* See group.h. */
#include <openssl/bn.h>
#include <stdlib.h>

#include "crypto/kex/group.h"
#include "crypto/kex/kex_priv.h"

struct cx_kex_group {
    struct cx_kex kex;
    struct cx_dh dh;
    uint8_t prime[CX_GROUP_VALUE_MAX], generator[CX_GROUP_VALUE_MAX];
};

static const struct {
    uint32_t bits;
    BIGNUM *(*prime)(BIGNUM *);
} known[] = { { 2048, BN_get_rfc3526_prime_2048 },
              { 3072, BN_get_rfc3526_prime_3072 },
              { 4096, BN_get_rfc3526_prime_4096 },
              { 6144, BN_get_rfc3526_prime_6144 },
              { 8192, BN_get_rfc3526_prime_8192 } };
enum { KNOWN_COUNT = sizeof known / sizeof known[0] };

static struct cx_view copy(uint8_t *room, struct cx_view v)
{
    memcpy(room, v.data, v.len);
    return cx_view(room, v.len);
}

/* prime and generator: not longer than CX_GROUP_VALUE_MAX. */
static enum cx_err make(struct cx_view prime, struct cx_view generator, struct cx_kex_group **group)
{
    struct cx_kex_group *made = calloc(1, sizeof *made);
    if (!made)
        return CX_E_RESOURCE;
    made->kex = *cx_kex_find(cx_view_text("diffie-hellman-group-exchange-sha256"));
    made->kex.dh = &made->dh;
    made->dh = cx_dh_exchanged;
    made->dh.prime = copy(made->prime, prime);
    made->dh.generator = copy(made->generator, generator);
    *group = made;
    return CX_OK;
}

static bool within(size_t i, uint32_t min, uint32_t max)
{
    return i < KNOWN_COUNT && known[i].bits >= min && known[i].bits <= max;
}

enum cx_err cx_kex_group_choose(uint32_t min, uint32_t preferred, uint32_t max, struct cx_kex_group **group)
{
    static const uint8_t two = 2;
    size_t best = KNOWN_COUNT;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (within(i, min, max) && (!within(best, min, max) || known[best].bits < preferred))
            best = i;
    if (best == KNOWN_COUNT)
        return CX_E_WEAK;
    uint8_t content[CX_GROUP_VALUE_MAX];
    int len = 1 + (int)known[best].bits / 8; /* each p has its highest bit set: a sign byte in front */
    BIGNUM *p = known[best].prime(NULL);
    enum cx_err err = p && BN_bn2binpad(p, content, len) == len ? CX_OK : CX_E_RESOURCE;
    if (err == CX_OK)
        err = make(cx_view(content, (size_t)len), cx_view(&two, 1), group);
    BN_free(p);
    return err;
}

/* One round of Fermat's test: enough against a mistake, and against malice no test helps (see group.h). A full search for factors
 * would take seconds with 8192 bits. */
static enum cx_err judge_prime(const BIGNUM *p, BN_CTX *scratch)
{
    enum cx_err err = CX_E_RESOURCE;
    BN_CTX_start(scratch);
    BIGNUM *exponent = BN_CTX_get(scratch), *base = BN_CTX_get(scratch), *value = BN_CTX_get(scratch);
    if (value && BN_sub(exponent, p, BN_value_one()) == 1 && BN_set_word(base, 3) == 1 &&
        BN_mod_exp(value, base, exponent, p, scratch) == 1)
        err = BN_is_one(value) ? CX_OK : CX_E_WEAK;
    BN_CTX_end(scratch);
    return err;
}

static enum cx_err judge(const BIGNUM *p, const BIGNUM *g, uint32_t min, uint32_t max, BN_CTX *scratch)
{
    uint32_t bits = (uint32_t)BN_num_bits(p);
    if (bits < min || bits > max || !BN_is_odd(p) || BN_cmp(g, BN_value_one()) <= 0)
        return CX_E_WEAK;
    enum cx_err err = CX_E_RESOURCE;
    BN_CTX_start(scratch);
    BIGNUM *last = BN_CTX_get(scratch);
    if (last && BN_sub(last, p, BN_value_one()) == 1)
        err = BN_cmp(g, last) < 0 ? CX_OK : CX_E_WEAK;
    BN_CTX_end(scratch);
    return err == CX_OK ? judge_prime(p, scratch) : err;
}

enum cx_err cx_kex_group_take(struct cx_view prime, struct cx_view generator, uint32_t min, uint32_t max,
                              struct cx_kex_group **group)
{
    if (!cx_dh_is_mpint(prime) || !cx_dh_is_mpint(generator))
        return CX_E_MALFORMED;
    if (prime.len > CX_GROUP_VALUE_MAX || generator.len > CX_GROUP_VALUE_MAX)
        return CX_E_WEAK;
    BN_CTX *scratch = BN_CTX_new();
    BIGNUM *p = BN_bin2bn(prime.data, (int)prime.len, NULL), *g = BN_bin2bn(generator.data, (int)generator.len, NULL);
    enum cx_err err =
        scratch && p && g ? judge(p, g, min > CX_GROUP_BITS_MIN ? min : CX_GROUP_BITS_MIN, max, scratch) : CX_E_RESOURCE;
    if (err == CX_OK)
        err = make(prime, generator, group);
    BN_free(g);
    BN_free(p);
    BN_CTX_free(scratch);
    return err;
}

void cx_kex_group_free(struct cx_kex_group *group)
{
    free(group);
}

const struct cx_kex *cx_kex_group_method(const struct cx_kex_group *group)
{
    return &group->kex;
}

struct cx_view cx_kex_group_prime(const struct cx_kex_group *group)
{
    return group->dh.prime;
}

struct cx_view cx_kex_group_generator(const struct cx_kex_group *group)
{
    return group->dh.generator;
}

/* SPDX-License-Identifier: MIT */
/* Whether time or addresses depend on a secret: a plain program, run under memcheck, to which every secret is undefined memory, so
 * that a branch or an index on it is an error of its own. The code under test is compiled into this program with SLUICE_MEMCHECK,
 * so that what methods make public is defined from there on. Kernels are those of the library, which publish nothing: each tier's
 * that this processor has under memcheck, which knows AVX2 and not AVX-512.
 *
 * With the argument "leak" it branches on a secret: the check of the check, which must fail. */
#include <stdio.h>
#include <valgrind/memcheck.h>

#include "crypto/kex/mlkem768.h"
#include "crypto/kex/sntrup761.h"
#include "crypto/kex/x25519_priv.h"

static void hide(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, len);
}

static void show(void *bytes, size_t len)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes, len);
}

static void fill_hidden(void *state, uint8_t *out, size_t len)
{
    struct cx_random random = cx_random_from_seed(state, len);
    cx_random_fill(&random, out, len);
    hide(out, len);
}

/* The secrets, which no method makes public, are looked at only here. */
static bool same(uint8_t *a, uint8_t *b, size_t len)
{
    show(a, len);
    show(b, len);
    return memcmp(a, b, len) == 0;
}

/* A right ciphertext, then a wrong one. */
static bool check_mlkem768(const struct cx_random *random, const struct cx_kernels *k)
{
    uint8_t seed[CX_MLKEM768_SEED_BYTES], ek[CX_MLKEM768_EK_BYTES], dk[CX_MLKEM768_DK_BYTES];
    uint8_t message[CX_MLKEM768_MESSAGE_BYTES], c[CX_MLKEM768_CIPHERTEXT_BYTES];
    uint8_t mine[CX_MLKEM768_SHARED_BYTES], theirs[CX_MLKEM768_SHARED_BYTES];
    cx_random_fill(random, seed, sizeof seed);
    cx_random_fill(random, message, sizeof message);
    cx_mlkem768_make_pair(k, seed, ek, dk);
    show(ek, sizeof ek);
    show(dk + sizeof dk - sizeof ek - 64, sizeof ek); /* the copy of ek, in front of its hash and z */
    if (cx_mlkem768_encapsulate(k, ek, message, c, mine) != CX_OK)
        return false;
    show(c, sizeof c);
    cx_mlkem768_decapsulate(k, dk, c, theirs);
    bool right = same(mine, theirs, sizeof mine);
    c[1] ^= 1;
    cx_mlkem768_decapsulate(k, dk, c, theirs);
    return right && !same(mine, theirs, sizeof mine);
}

static bool check_sntrup761(const struct cx_random *random, const struct cx_kernels *k)
{
    uint8_t public[CX_SNTRUP761_PUBLIC_BYTES], secret[CX_SNTRUP761_SECRET_BYTES], c[CX_SNTRUP761_CIPHERTEXT_BYTES];
    uint8_t mine[CX_SNTRUP761_SHARED_BYTES], theirs[CX_SNTRUP761_SHARED_BYTES];
    if (cx_sntrup761_make_pair(k, random, secret, public) != CX_OK || cx_sntrup761_encapsulate(k, random, public, c, mine) != CX_OK)
        return false;
    show(c, sizeof c);
    if (cx_sntrup761_decapsulate(k, secret, c, theirs) != CX_OK)
        return false;
    bool right = same(mine, theirs, sizeof mine);
    c[1] ^= 1;
    return right && cx_sntrup761_decapsulate(k, secret, c, theirs) == CX_OK && !same(mine, theirs, sizeof mine);
}

/* Where the ladder of a kernel ends: by itself a number gives one. */
static bool check_x25519_field(const struct cx_random *random)
{
    uint8_t bytes[CX_X25519_BYTES], got[CX_X25519_BYTES], one[CX_X25519_BYTES] = { 1 };
    uint64_t limb[CX_X25519_LIMBS];
    cx_random_fill(random, bytes, sizeof bytes);
    cx_x25519_read(limb, bytes);
    cx_x25519_divide(got, limb, limb);
    return same(got, one, sizeof one);
}

int main(int argc, char **argv)
{
    struct cx_random_seeded seed;
    struct cx_random random = { fill_hidden, &seed };
    if (!RUNNING_ON_VALGRIND) {
        fprintf(stderr, "this finds nothing unless it runs under valgrind\n");
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        uint8_t secret;
        cx_random_fill(&random, &secret, 1);
        return secret == 1 ? 3 : 0;
    }
    for (unsigned tier = 0; tier < CX_TIER_COUNT; tier++) {
        struct cx_kernels kernels;
        cx_kernels_select(&kernels, cx_cpu_detect(), tier, NULL, NULL);
        cx_kernels_install(&kernels);
        if (!check_mlkem768(&random, &kernels) || !check_sntrup761(&random, &kernels) || !check_x25519_field(&random)) {
            fprintf(stderr, "the two sides do not agree\n");
            return 1;
        }
        printf("%s: mlkem768 %s, keccak %s, sntrup761 %s\n", cx_tier_name(tier), kernels.of[CX_PRIMITIVE_MLKEM]->name,
               kernels.of[CX_PRIMITIVE_KECCAK]->name, kernels.of[CX_PRIMITIVE_SNTRUP]->name);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* ML-KEM's ring and encodings against their definitions, done the slow way, with every kernel that this processor runs; the vectors
 * of the whole are in test_wycheproof.c. */
#include <criterion/criterion.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/random.h"

/* The kernels, one after the other; those that this processor does not run are told of. */
static const struct cx_mlkem_kernel *next_kernel(size_t *i)
{
    const struct cx_kernel *kernel;
    while ((kernel = cx_kernel_at(CX_PRIMITIVE_MLKEM, (*i)++))) {
        if (cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512))
            return (const struct cx_mlkem_kernel *)kernel;
        cr_log_info("%s does not run here", kernel->name);
    }
    return NULL;
}

static int modulo_q(int64_t x)
{
    return (int)((x % MLKEM_Q + MLKEM_Q) % MLKEM_Q);
}

static void fill(struct cx_mlkem_poly *p, size_t count, const struct cx_random *random)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < MLKEM_N; i++) {
            uint16_t word;
            cx_random_fill(random, &word, sizeof word);
            p[k].c[i] = (int16_t)(word % MLKEM_Q);
        }
}

/* Compress and Decompress, section 4.2.1: nearest, halves upwards. */
static int compressed(int x, unsigned d)
{
    return (2 * (x << d) + MLKEM_Q) / (2 * MLKEM_Q) % (1 << d);
}

static int restored(int y, unsigned d)
{
    return (2 * MLKEM_Q * y + (1 << d)) / (2 << d);
}

static void check_compression(const struct cx_mlkem_kernel *kernel)
{
    static struct cx_mlkem_vector u, u_back;
    static struct cx_mlkem_poly v, v_back;
    uint8_t c[CX_MLKEM768_CIPHERTEXT_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    for (int first = 0; first < MLKEM_Q; first += MLKEM_N) {
        for (int i = 0; i < MLKEM_N; i++)
            u.p[0].c[i] = u.p[1].c[i] = u.p[2].c[i] = v.c[i] = (int16_t)((first + i) % MLKEM_Q);
        kernel->encode_ciphertext(c, &u, &v);
        kernel->decode_ciphertext(&u_back, &v_back, c);
        kernel->encode_message(message, &v);
        for (int i = 0; i < MLKEM_N; i++) {
            int x = v.c[i];
            cr_assert_eq(u_back.p[2].c[i], restored(compressed(x, MLKEM_DU), MLKEM_DU), "%d", x);
            cr_assert_eq(v_back.c[i], restored(compressed(x, MLKEM_DV), MLKEM_DV), "%d", x);
            cr_assert_eq(message[i / 8] >> i % 8 & 1, compressed(x, 1), "%d", x);
        }
    }
}

Test(mlkem768, every_value_is_compressed_to_the_nearest)
{
    const struct cx_mlkem_kernel *kernel;
    for (size_t i = 0; (kernel = next_kernel(&i));)
        check_compression(kernel);
}

static void check_encodings(const struct cx_mlkem_kernel *kernel)
{
    static struct cx_mlkem_vector v, back;
    struct cx_mlkem_poly p;
    uint8_t bytes[MLKEM_VECTOR_BYTES], message[CX_MLKEM768_MESSAGE_BYTES], again[CX_MLKEM768_MESSAGE_BYTES];
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 3);
    fill(v.p, MLKEM_K, &random);
    kernel->encode(bytes, &v);
    kernel->decode(&back, bytes);
    cr_assert_arr_eq(&v, &back, sizeof v);
    cr_assert(kernel->is_canonical(&back));
    back.p[MLKEM_K - 1].c[MLKEM_N - 1] = MLKEM_Q;
    cr_assert_not(kernel->is_canonical(&back));
    cx_random_fill(&random, message, sizeof message);
    kernel->decode_message(&p, message);
    kernel->encode_message(again, &p);
    cr_assert_arr_eq(message, again, sizeof message);
}

Test(mlkem768, vectors_and_messages_survive_their_encodings)
{
    const struct cx_mlkem_kernel *kernel;
    for (size_t i = 0; (kernel = next_kernel(&i));)
        check_encodings(kernel);
}

/* out += a b modulo x^256 + 1 */
static void add_product(int64_t out[MLKEM_N], const struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        for (size_t j = 0; j < MLKEM_N; j++)
            out[(i + j) % MLKEM_N] += (i + j < MLKEM_N ? 1 : -1) * a->c[i] * b->c[j];
}

static void check_dot(const struct cx_mlkem_kernel *kernel, struct cx_mlkem_vector *a, struct cx_mlkem_vector *b)
{
    int64_t want[MLKEM_N] = { 0 };
    struct cx_mlkem_poly got;
    for (size_t k = 0; k < MLKEM_K; k++)
        add_product(want, &a->p[k], &b->p[k]);
    kernel->ntt(a->p, MLKEM_K);
    kernel->ntt(b->p, MLKEM_K);
    kernel->dot(&got, a, 1, b);
    kernel->ntt_inverse(&got, 1);
    kernel->canonical(&got, 1);
    for (size_t i = 0; i < MLKEM_N; i++)
        cr_assert_eq(got.c[i], modulo_q(want[i]), "coefficient %zu", i);
}

/* Random values, and the greatest in magnitude that are allowed, which reach the bounds of the arithmetic. */
static void check_products(const struct cx_mlkem_kernel *kernel)
{
    static struct cx_mlkem_vector a, b;
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 4);
    for (unsigned round = 0; round < 8; round++) {
        fill(a.p, MLKEM_K, &random);
        fill(b.p, MLKEM_K, &random);
        if (round >= 4)
            for (size_t i = 0; i < MLKEM_K * MLKEM_N; i++) {
                a.p[i / MLKEM_N].c[i % MLKEM_N] = (int16_t)((round & 1 ? 1 : -1) * (MLKEM_Q - 1));
                b.p[i / MLKEM_N].c[i % MLKEM_N] = (int16_t)((round & 2 && i % 2 ? 1 : -1) * (MLKEM_Q - 1));
            }
        check_dot(kernel, &a, &b);
    }
}

Test(mlkem768, products_are_those_of_the_ring)
{
    const struct cx_mlkem_kernel *kernel;
    for (size_t i = 0; (kernel = next_kernel(&i));)
        check_products(kernel);
}

/* ---- whole exchanges, each kernel against the portable one ---- */

static void check_exchange(const struct cx_kernels *k, const struct cx_random *random)
{
    uint8_t seed[CX_MLKEM768_SEED_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    uint8_t ek[2][CX_MLKEM768_EK_BYTES], dk[2][CX_MLKEM768_DK_BYTES], c[2][CX_MLKEM768_CIPHERTEXT_BYTES];
    uint8_t shared[2][CX_MLKEM768_SHARED_BYTES];
    const struct cx_kernels *with[2] = { &cx_kernels_portable, k };
    cx_random_fill(random, seed, sizeof seed);
    cx_random_fill(random, message, sizeof message);
    for (unsigned i = 0; i < 2; i++) {
        cx_mlkem768_make_pair(with[i], seed, ek[i], dk[i]);
        cr_assert_eq(cx_mlkem768_encapsulate(with[i], ek[0], message, c[i], shared[i]), CX_OK);
    }
    cr_assert_arr_eq(ek[0], ek[1], sizeof ek[0]);
    cr_assert_arr_eq(dk[0], dk[1], sizeof dk[0]);
    cr_assert_arr_eq(c[0], c[1], sizeof c[0]);
    cr_assert_arr_eq(shared[0], shared[1], sizeof shared[0]);
    cx_mlkem768_decapsulate(k, dk[0], c[0], shared[1]);
    cr_assert_arr_eq(shared[0], shared[1], sizeof shared[0]);
    c[0][seed[0] % sizeof c[0]] ^= (uint8_t)(1 << seed[1] % 8);
    for (unsigned i = 0; i < 2; i++)
        cx_mlkem768_decapsulate(with[i], dk[0], c[0], shared[i]);
    cr_assert_arr_eq(shared[0], shared[1], sizeof shared[0], "a refused ciphertext");
    ek[0][1] |= 0x0f; /* a first coefficient of 0xfxx */
    cr_assert_eq(cx_mlkem768_encapsulate(k, ek[0], message, c[1], shared[1]), CX_E_MALFORMED);
}

/* So many that some matrix needs a fourth block. */
Test(mlkem768, every_tier_gives_what_the_portable_one_does)
{
    enum { EXCHANGES = 150 };
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 5);
    for (unsigned tier = 0; tier < CX_TIER_COUNT; tier++) {
        struct cx_kernels k;
        cx_kernels_select(&k, cx_cpu_detect(), tier, NULL, NULL);
        for (unsigned i = 0; i < EXCHANGES; i++)
            check_exchange(&k, &random);
    }
}

/* ---- self-tests, against kernels that are right but for one thing ---- */

static void reduce_wrong(struct cx_mlkem_poly *p, size_t count)
{
    cx_mlkem_canonical(p, count);
    if (count > 1)
        p[1].c[200] = (int16_t)((p[1].c[200] + 1) % MLKEM_Q);
}

static void encode_wrong(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u, const struct cx_mlkem_poly *v)
{
    cx_mlkem_encode_ciphertext(out, u, v);
    if (u->p[2].c[255] == 3 * MLKEM_N - 1)
        out[MLKEM_K * MLKEM_U_POLY_BYTES - 1] ^= 0x40;
}

static bool accept_all(const struct cx_mlkem_vector *v)
{
    (void)v;
    return true;
}

static void permute_nothing(uint64_t *lanes)
{
    (void)lanes;
}

Test(mlkem768, a_self_test_notices_one_wrong_coefficient_bit_or_verdict)
{
    struct cx_mlkem_kernel faulty = cx_mlkem_portable;
    struct cx_keccak_kernel still = { .states = 2, .permute = permute_nothing };
    cr_assert(cx_selftest_mlkem(NULL, CX_PRIMITIVE_MLKEM, &faulty.kernel));
    faulty.canonical = reduce_wrong;
    cr_assert_not(cx_selftest_mlkem(NULL, CX_PRIMITIVE_MLKEM, &faulty.kernel));
    faulty = cx_mlkem_portable;
    faulty.encode_ciphertext = encode_wrong;
    cr_assert_not(cx_selftest_mlkem(NULL, CX_PRIMITIVE_MLKEM, &faulty.kernel));
    faulty = cx_mlkem_portable;
    faulty.is_canonical = accept_all;
    cr_assert_not(cx_selftest_mlkem(NULL, CX_PRIMITIVE_MLKEM, &faulty.kernel));
    cr_assert_not(cx_selftest_keccak(NULL, CX_PRIMITIVE_KECCAK, &still.kernel));
}

/* SPDX-License-Identifier: MIT */
/* ML-KEM's ring and encodings against their definitions, done the slow way; the vectors of the whole are in test_wycheproof.c. */
#include <criterion/criterion.h>

#include "crypto/kex/mlkem768_priv.h"
#include "crypto/random.h"

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

Test(mlkem768, every_value_is_compressed_to_the_nearest)
{
    static struct cx_mlkem_vector u, u_back;
    static struct cx_mlkem_poly v, v_back;
    uint8_t c[CX_MLKEM768_CIPHERTEXT_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    for (int first = 0; first < MLKEM_Q; first += MLKEM_N) {
        for (int i = 0; i < MLKEM_N; i++)
            u.p[0].c[i] = u.p[1].c[i] = u.p[2].c[i] = v.c[i] = (int16_t)((first + i) % MLKEM_Q);
        cx_mlkem_encode_ciphertext(c, &u, &v);
        cx_mlkem_decode_ciphertext(&u_back, &v_back, c);
        cx_mlkem_encode_message(message, &v);
        for (int i = 0; i < MLKEM_N; i++) {
            int x = v.c[i];
            cr_assert_eq(u_back.p[2].c[i], restored(compressed(x, MLKEM_DU), MLKEM_DU), "%d", x);
            cr_assert_eq(v_back.c[i], restored(compressed(x, MLKEM_DV), MLKEM_DV), "%d", x);
            cr_assert_eq(message[i / 8] >> i % 8 & 1, compressed(x, 1), "%d", x);
        }
    }
}

Test(mlkem768, vectors_and_messages_survive_their_encodings)
{
    static struct cx_mlkem_vector v, back;
    struct cx_mlkem_poly p;
    uint8_t bytes[MLKEM_VECTOR_BYTES], message[CX_MLKEM768_MESSAGE_BYTES], again[CX_MLKEM768_MESSAGE_BYTES];
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 3);
    fill(v.p, MLKEM_K, &random);
    cx_mlkem_encode(bytes, &v);
    cx_mlkem_decode(&back, bytes);
    cr_assert_arr_eq(&v, &back, sizeof v);
    cr_assert(cx_mlkem_is_canonical(&back));
    back.p[MLKEM_K - 1].c[MLKEM_N - 1] = MLKEM_Q;
    cr_assert_not(cx_mlkem_is_canonical(&back));
    cx_random_fill(&random, message, sizeof message);
    cx_mlkem_decode_message(&p, message);
    cx_mlkem_encode_message(again, &p);
    cr_assert_arr_eq(message, again, sizeof message);
}

/* out += a b modulo x^256 + 1 */
static void add_product(int64_t out[MLKEM_N], const struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        for (size_t j = 0; j < MLKEM_N; j++)
            out[(i + j) % MLKEM_N] += (i + j < MLKEM_N ? 1 : -1) * a->c[i] * b->c[j];
}

static void check_dot(struct cx_mlkem_vector *a, struct cx_mlkem_vector *b)
{
    int64_t want[MLKEM_N] = { 0 };
    struct cx_mlkem_poly got;
    for (size_t k = 0; k < MLKEM_K; k++)
        add_product(want, &a->p[k], &b->p[k]);
    cx_mlkem_ntt(a->p, MLKEM_K);
    cx_mlkem_ntt(b->p, MLKEM_K);
    cx_mlkem_dot(&got, a, b);
    cx_mlkem_ntt_inverse(&got, 1);
    cx_mlkem_canonical(&got, 1);
    for (size_t i = 0; i < MLKEM_N; i++)
        cr_assert_eq(got.c[i], modulo_q(want[i]), "coefficient %zu", i);
}

/* Random values, and the greatest in magnitude that are allowed, which reach the bounds of the arithmetic. */
Test(mlkem768, products_are_those_of_the_ring)
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
        check_dot(&a, &b);
    }
}

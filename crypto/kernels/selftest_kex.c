/* SPDX-License-Identifier: MIT */
/* The self-tests of kernels for key exchange: the same as the portable one, for every value that an encoding may meet, for the
 * largest that the ring's arithmetic may, and for a whole exchange, with a ciphertext that is refused. */
#include <stdlib.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/mlkem768_priv.h"
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/kex/x25519_priv.h"

/* ---- Keccak ---- */

enum { HASHES = CX_KECCAK_STATES_MAX + 3, INPUT = 600, OUTPUT = 400 };

/* Jobs of every algorithm, from long ones to short; the last hashes nothing. */
static void make_jobs(struct cx_keccak_job job[], size_t count, const uint8_t in[INPUT], uint8_t out[][OUTPUT])
{
    for (size_t i = 0; i < count; i++) {
        size_t len = i + 1 == count ? 0 : (INPUT - count) >> i / 2, half = len / 2;
        job[i] = (struct cx_keccak_job){ .alg = (enum cx_keccak_alg)(i % CX_KECCAK_ALG_COUNT), .out = out[i] };
        job[i].a = cx_view(in, half);
        job[i].b = cx_view(in + half, len - half);
        job[i].out_len = OUTPUT >> i / 4;
    }
}

bool cx_selftest_keccak(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    uint8_t in[INPUT], got[HASHES][OUTPUT], want[OUTPUT];
    struct cx_keccak_job job[HASHES];
    bool good = true;
    (void)evp;
    (void)primitive;
    for (size_t i = 0; i < INPUT; i++)
        in[i] = (uint8_t)(i * 11 + i / 256);
    for (size_t count = 1; count <= HASHES; count++) {
        make_jobs(job, count, in, got);
        cx_keccak_many((const struct cx_keccak_kernel *)kernel, job, count);
        for (size_t i = 0; i < count; i++) {
            cx_keccak(job[i].alg, job[i].a, job[i].b, want, job[i].out_len);
            good &= memcmp(got[i], want, job[i].out_len) == 0;
        }
    }
    return good;
}

/* ---- ML-KEM ---- */

enum { ROUNDS = 4 };

/* Fixed numbers that look random: the lowest bits of 31. */
static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 1 ^ *state >> 17;
}

struct exchange {
    uint8_t seed[CX_MLKEM768_SEED_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    uint8_t ek[CX_MLKEM768_EK_BYTES], dk[CX_MLKEM768_DK_BYTES], ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES];
    uint8_t sent[CX_MLKEM768_SHARED_BYTES], received[CX_MLKEM768_SHARED_BYTES], refused[CX_MLKEM768_SHARED_BYTES];
};

static bool exchange(struct exchange *x, const struct cx_kernels *k, uint8_t round)
{
    memset(x, 0, sizeof *x);
    memset(x->seed, round, sizeof x->seed);
    memset(x->message, round, sizeof x->message);
    cx_mlkem768_make_pair(k, x->seed, x->ek, x->dk);
    if (cx_mlkem768_encapsulate(k, x->ek, x->message, x->ciphertext, x->sent) != CX_OK)
        return false;
    cx_mlkem768_decapsulate(k, x->dk, x->ciphertext, x->received);
    x->ciphertext[round] ^= 1;
    cx_mlkem768_decapsulate(k, x->dk, x->ciphertext, x->refused);
    return memcmp(x->sent, x->received, sizeof x->sent) == 0;
}

static bool exchanges(const struct cx_mlkem_kernel *kernel)
{
    struct cx_kernels with = cx_kernels_portable;
    struct exchange want, got;
    with.mlkem = kernel;
    for (uint8_t round = 0; round < ROUNDS; round++)
        if (!exchange(&want, &cx_kernels_portable, round) || !exchange(&got, &with, round) || memcmp(&want, &got, sizeof want) != 0)
            return false;
    return true;
}

struct coded {
    uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES], vector[MLKEM_VECTOR_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    struct cx_mlkem_vector u, decoded;
    struct cx_mlkem_poly v, bits;
    bool canonical, beyond;
};

static void code(struct coded *c, const struct cx_mlkem_kernel *kernel, struct cx_mlkem_vector *values)
{
    memset(c, 0, sizeof *c);
    kernel->encode(c->vector, values);
    kernel->decode(&c->decoded, c->vector);
    kernel->encode_ciphertext(c->ciphertext, values, &values->p[0]);
    kernel->decode_ciphertext(&c->u, &c->v, c->ciphertext);
    kernel->encode_message(c->message, &values->p[1]);
    kernel->decode_message(&c->bits, c->message);
    c->canonical = kernel->is_canonical(values);
    int16_t kept = values->p[2].c[7];
    values->p[2].c[7] = MLKEM_Q;
    c->beyond = kernel->is_canonical(values);
    values->p[2].c[7] = kept;
}

/* Every value comes by in every polynomial. */
static bool encodings(const struct cx_mlkem_kernel *kernel)
{
    struct cx_mlkem_vector values;
    struct coded want, got;
    for (size_t first = 0; first < MLKEM_Q; first += MLKEM_N) {
        for (size_t i = 0; i < MLKEM_K * MLKEM_N; i++)
            values.p[i / MLKEM_N].c[i % MLKEM_N] = (int16_t)((first + i % MLKEM_N) % MLKEM_Q);
        code(&want, &cx_mlkem_portable, &values);
        code(&got, kernel, &values);
        if (memcmp(&want, &got, sizeof want) != 0)
            return false;
    }
    return true;
}

/* Through every function of the ring, each time from the largest values that it takes. */
static void compute(struct cx_mlkem_vector out[4], const struct cx_mlkem_kernel *kernel, const struct cx_mlkem_vector *in)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = *in;
    kernel->ntt(out[0].p, MLKEM_K);
    kernel->ntt_inverse(out[1].p, MLKEM_K);
    kernel->dot(out[2].p, (struct cx_mlkem_vector[]){ *in, *in }, 2, in);
    kernel->add(out[3].p, in->p, 2);
    kernel->subtract_from(&out[3].p[0], &in->p[0]);
    for (size_t i = 0; i < 4; i++)
        kernel->canonical(out[i].p, MLKEM_K);
}

static bool arithmetic(const struct cx_mlkem_kernel *kernel)
{
    struct cx_mlkem_vector in, want[4], got[4];
    for (uint32_t round = 0; round < 2 * ROUNDS; round++) {
        uint32_t state = round;
        for (size_t i = 0; i < MLKEM_K * MLKEM_N; i++) {
            uint32_t x = draw(&state);
            int16_t largest = (int16_t)(x & 1 ? MLKEM_Q - 1 : 1 - MLKEM_Q), any = (int16_t)(x % MLKEM_Q);
            in.p[i / MLKEM_N].c[i % MLKEM_N] = round == 0 ? MLKEM_Q - 1 : round == 1 ? 1 - MLKEM_Q : round % 2 == 0 ? largest : any;
        }
        compute(want, &cx_mlkem_portable, &in);
        compute(got, kernel, &in);
        if (memcmp(want, got, sizeof want) != 0)
            return false;
    }
    return true;
}

static bool samples(const struct cx_mlkem_kernel *kernel)
{
    uint8_t bytes[3 * MLKEM_N];
    struct cx_mlkem_poly want = { 0 }, got = { 0 };
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + i / 7);
    for (size_t len = 0; len <= sizeof bytes; len += 3) { /* too few, and more than enough */
        if (cx_mlkem_portable.take_uniform(&want, bytes, len) != kernel->take_uniform(&got, bytes, len))
            return false;
    }
    bool same = memcmp(&want, &got, sizeof want) == 0;
    cx_mlkem_portable.binomial(&want, bytes);
    kernel->binomial(&got, bytes);
    return same && memcmp(&want, &got, sizeof want) == 0;
}

bool cx_selftest_mlkem(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    const struct cx_mlkem_kernel *mlkem = (const struct cx_mlkem_kernel *)kernel;
    (void)evp;
    (void)primitive;
    return encodings(mlkem) && arithmetic(mlkem) && samples(mlkem) && exchanges(mlkem);
}

/* ---- sntrup761 ---- */

/* Random coefficients, then those that make sums as large as they get. */
static void fill_poly(struct cx_sntrup_poly *p, uint32_t round, int largest)
{
    uint32_t state = round;
    for (size_t i = 0; i < SNTRUP_P; i++) {
        uint32_t x = draw(&state);
        int any = (int)(x % (uint32_t)(2 * largest + 1)) - largest, sign = x & 1 ? largest : -largest;
        p->c[i] = (int16_t)(round == 0 ? largest : round == 1 ? -largest : round == 2 ? sign : any);
    }
}

static bool same_polys(const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool products(const struct cx_sntrup_kernel *kernel)
{
    struct cx_sntrup_poly a, b, want, got;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        fill_poly(&a, round, SNTRUP_HALF_Q);
        fill_poly(&b, round, 1);
        cx_sntrup_portable.multiply(&want, &a, &b);
        kernel->multiply(&got, &a, &b);
        if (!same_polys(&want, &got))
            return false;
        cx_sntrup_portable.multiply_small(&want, &b, &b);
        kernel->multiply_small(&got, &b, &b);
        if (!same_polys(&want, &got))
            return false;
    }
    return true;
}

static bool roundings(const struct cx_sntrup_kernel *kernel)
{
    struct cx_sntrup_poly a, want, got;
    for (int first = -SNTRUP_HALF_Q; first <= SNTRUP_HALF_Q; first += SNTRUP_P) {
        for (int i = 0; i < SNTRUP_P; i++)
            a.c[i] = (int16_t)(first + i <= SNTRUP_HALF_Q ? first + i : i);
        cx_sntrup_portable.triple_to_small(&want, &a);
        kernel->triple_to_small(&got, &a);
        bool same = same_polys(&want, &got);
        cx_sntrup_portable.force_weight(&want);
        kernel->force_weight(&got);
        same &= same_polys(&want, &got);
        want = got = a;
        cx_sntrup_portable.round(&want);
        kernel->round(&got);
        if (!same || !same_polys(&want, &got))
            return false;
    }
    return true;
}

static bool is_constant(const struct cx_sntrup_poly *p, int16_t constant)
{
    struct cx_sntrup_poly want = { { constant } };
    return same_polys(p, &want);
}

/* What an inverse times its argument is, is known without the portable one, which takes milliseconds. */
static bool inverses(const struct cx_sntrup_kernel *kernel)
{
    struct cx_sntrup_poly a, inverse, none = { 0 };
    fill_poly(&a, ROUNDS, 1);
    kernel->invert_triple(&inverse, &a);
    cx_sntrup_portable.multiply(&inverse, &inverse, &a);
    if (!is_constant(&inverse, -1530)) /* a third of 1 */
        return false;
    if (kernel->invert_small(&inverse, &none) || !kernel->invert_small(&inverse, &a))
        return false;
    cx_sntrup_portable.multiply_small(&inverse, &inverse, &a);
    return is_constant(&inverse, 1);
}

static bool sorts(const struct cx_sntrup_kernel *kernel)
{
    static const uint32_t masks[ROUNDS] = { 0, 7, 0x7fffffff, UINT32_MAX };
    uint32_t want[SNTRUP_P], got[SNTRUP_P];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t state = round;
        for (size_t i = 0; i < SNTRUP_P; i++)
            want[i] = got[i] = draw(&state) * 2654435761 & masks[round];
        cx_sntrup_portable.sort(want);
        kernel->sort(got);
        if (memcmp(want, got, sizeof want) != 0)
            return false;
    }
    return true;
}

bool cx_selftest_sntrup(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    const struct cx_sntrup_kernel *sntrup = (const struct cx_sntrup_kernel *)kernel;
    (void)evp;
    (void)primitive;
    return products(sntrup) && roundings(sntrup) && inverses(sntrup) && sorts(sntrup);
}

/* ---- X25519 ---- */

/* Scalars and points of one byte over and over, which are the smallest and the largest and give zero; then each result is the next
 * point, and a scalar that is none. */
bool cx_selftest_x25519(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel)
{
    static const uint8_t bytes[] = { 0, 1, 0x55, 0xff };
    const struct cx_x25519_kernel *x25519 = (const struct cx_x25519_kernel *)kernel;
    uint8_t scalar[CX_X25519_BYTES], point[CX_X25519_BYTES], got[CX_X25519_BYTES], want[CX_X25519_BYTES] = { 0 };
    bool good = true;
    (void)evp;
    (void)primitive;
    for (size_t i = 0; i < 8 * sizeof bytes; i++) {
        memset(scalar, bytes[i % 4], sizeof scalar);
        memset(point, bytes[i / 4 % 4], sizeof point);
        if (i >= 4 * sizeof bytes) {
            memcpy(point, want, sizeof point);
            scalar[i % sizeof scalar] ^= (uint8_t)i;
        }
        good &= cx_x25519_portable.multiply(want, scalar, point) == x25519->multiply(got, scalar, point) &&
                memcmp(got, want, sizeof got) == 0;
    }
    return good;
}

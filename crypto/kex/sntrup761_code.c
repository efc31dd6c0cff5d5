/* SPDX-License-Identifier: MIT */
/* sntrup761's encodings. Coefficients modulo m are the digits of a number in mixed radix, written in about as few bytes as it has:
 * level by level, neighbours r0, r1 become r0 + m r1 modulo m m, and while that modulus has more than 14 bits, the lowest byte is
 * put out. One modulus serves a whole level but for its last element, which has had fewer neighbours.
 *
 * Divisors are public, but a division's time tells of what is divided: a multiplication by the divisor's reciprocal stands
 * for it. */
#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum {
    LEVELS = 10, /* 761 elements are one after so many halvings */
    MODULUS_LIMIT = 1 << 14,
    RECIPROCAL_BITS = 43, /* r below 2^29 times an error below 2^14 stays below it: quotients are exact */
};

struct level {
    size_t len;
    uint32_t modulus, last;          /* of every element but the last, and of that */
    unsigned pair_bytes, last_bytes; /* put out by a pair, and by the last where it is one */
};

/* The modulus of a pair after its bytes are out. */
static uint32_t pair_modulus(uint32_t a, uint32_t b, unsigned *bytes)
{
    uint32_t m = a * b;
    for (*bytes = 0; m >= MODULUS_LIMIT; ++*bytes)
        m = (m + 255) >> 8;
    return m;
}

static void plan(struct level level[LEVELS + 1], uint32_t modulus)
{
    level[0] = (struct level){ .len = SNTRUP_P, .modulus = modulus, .last = modulus };
    for (size_t k = 0; k < LEVELS; k++) {
        struct level *from = &level[k], *to = &level[k + 1];
        bool even = from->len % 2 == 0;
        to->len = (from->len + 1) / 2;
        to->modulus = pair_modulus(from->modulus, from->modulus, &from->pair_bytes);
        to->last = even ? pair_modulus(from->modulus, from->last, &from->last_bytes) : from->last;
    }
}

static size_t pairs_of(const struct level *l)
{
    return l->len / 2;
}

/* How many bytes pair i of a level puts out. */
static unsigned bytes_of(const struct level *l, size_t i)
{
    return 2 * i + 2 == l->len ? l->last_bytes : l->pair_bytes;
}

/* digit[] is used up, and wiped: a ciphertext made again to compare it is not public. */
static void encode(uint8_t *out, uint16_t digit[SNTRUP_P], uint32_t modulus)
{
    struct level level[LEVELS + 1];
    plan(level, modulus);
    for (size_t k = 0; k < LEVELS; k++) {
        const struct level *l = &level[k];
        for (size_t i = 0; i < pairs_of(l); i++) {
            uint32_t r = digit[2 * i] + digit[2 * i + 1] * l->modulus;
            for (unsigned n = bytes_of(l, i); n > 0; n--, r >>= 8)
                *out++ = (uint8_t)r;
            digit[i] = (uint16_t)r;
        }
        if (l->len % 2 != 0)
            digit[l->len / 2] = digit[l->len - 1];
    }
    uint32_t r = digit[0];
    for (uint32_t m = level[LEVELS].last; m > 1; m = (m + 255) >> 8, r >>= 8)
        *out++ = (uint8_t)r;
    cx_secret_wipe(digit, SNTRUP_P * sizeof digit[0]);
}

struct divisor {
    uint32_t modulus;
    uint64_t reciprocal;
};

/* 2^43 / modulus, rounded up, bit by bit. */
static struct divisor divisor_new(uint32_t modulus)
{
    uint64_t quotient = 0, rest = modulus - 1;
    for (int bit = RECIPROCAL_BITS; bit >= 0; bit--) {
        uint64_t part = (uint64_t)modulus << bit, power = bit == RECIPROCAL_BITS ? (uint64_t)1 << bit : 0;
        rest += power;
        if (rest >= part) {
            rest -= part;
            quotient |= (uint64_t)1 << bit;
        }
    }
    return (struct divisor){ modulus, quotient };
}

static uint32_t divide(uint32_t r, const struct divisor *d, uint32_t *rest)
{
    uint32_t quotient = (uint32_t)(r * d->reciprocal >> RECIPROCAL_BITS);
    *rest = r - quotient * d->modulus;
    return quotient;
}

static uint32_t read_bytes(const uint8_t *in, unsigned count)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < count; i++)
        r |= (uint32_t)in[i] << 8 * i;
    return r;
}

static size_t level_bytes(const struct level *l)
{
    size_t pairs = pairs_of(l);
    return pairs == 0 ? 0 : (pairs - 1) * l->pair_bytes + bytes_of(l, pairs - 1);
}

/* A level out of the one above it, in place and so from its end; in: where the level's bytes start. Numbers that no encoder
 * writes are taken modulo what they should be below. */
static void split_level(uint16_t digit[SNTRUP_P], const struct level *l, const uint8_t *in)
{
    struct divisor modulus = divisor_new(l->modulus), last = divisor_new(l->last);
    size_t pairs = pairs_of(l);
    if (l->len % 2 != 0)
        digit[l->len - 1] = digit[pairs];
    for (size_t i = pairs; i-- > 0;) {
        unsigned bytes = bytes_of(l, i);
        uint32_t first, second, r = read_bytes(in + i * l->pair_bytes, bytes) + ((uint32_t)digit[i] << 8 * bytes);
        (void)divide(divide(r, &modulus, &first), 2 * i + 2 == l->len ? &last : &modulus, &second);
        digit[2 * i] = (uint16_t)first;
        digit[2 * i + 1] = (uint16_t)second;
    }
}

static void decode(uint16_t digit[SNTRUP_P], const uint8_t *in, uint32_t modulus)
{
    struct level level[LEVELS + 1];
    const uint8_t *at[LEVELS + 1];
    uint32_t top;
    plan(level, modulus);
    at[0] = in;
    for (size_t k = 0; k < LEVELS; k++)
        at[k + 1] = at[k] + level_bytes(&level[k]);
    struct divisor last = divisor_new(level[LEVELS].last);
    (void)divide(read_bytes(at[LEVELS], last.modulus > 256 ? 2 : 1), &last, &top);
    digit[0] = (uint16_t)top;
    for (size_t k = LEVELS; k-- > 0;)
        split_level(digit, &level[k], at[k]);
}

/* ---- the polynomials ---- */

enum { ROUNDED_MODULUS = (SNTRUP_Q + 2) / 3 };

void cx_sntrup_encode(uint8_t out[CX_SNTRUP761_PUBLIC_BYTES], const struct cx_sntrup_poly *a)
{
    uint16_t digit[SNTRUP_P];
    for (size_t i = 0; i < SNTRUP_P; i++)
        digit[i] = (uint16_t)(a->c[i] + SNTRUP_HALF_Q);
    encode(out, digit, SNTRUP_Q);
}

void cx_sntrup_decode(struct cx_sntrup_poly *a, const uint8_t in[CX_SNTRUP761_PUBLIC_BYTES])
{
    uint16_t digit[SNTRUP_P];
    decode(digit, in, SNTRUP_Q);
    for (size_t i = 0; i < SNTRUP_P; i++)
        a->c[i] = (int16_t)(digit[i] - SNTRUP_HALF_Q);
}

/* A third of 0 to 4590: 10923 is 2^15 / 3, rounded up. */
void cx_sntrup_encode_rounded(uint8_t out[SNTRUP_ROUNDED_BYTES], const struct cx_sntrup_poly *a)
{
    uint16_t digit[SNTRUP_P];
    for (size_t i = 0; i < SNTRUP_P; i++)
        digit[i] = (uint16_t)((a->c[i] + SNTRUP_HALF_Q) * 10923 >> 15);
    encode(out, digit, ROUNDED_MODULUS);
}

void cx_sntrup_decode_rounded(struct cx_sntrup_poly *a, const uint8_t in[SNTRUP_ROUNDED_BYTES])
{
    uint16_t digit[SNTRUP_P];
    decode(digit, in, ROUNDED_MODULUS);
    for (size_t i = 0; i < SNTRUP_P; i++)
        a->c[i] = (int16_t)(3 * digit[i] - SNTRUP_HALF_Q);
}

/* Four coefficients, plus 1, in a byte; the last stands alone. */
void cx_sntrup_encode_small(uint8_t out[SNTRUP_SMALL_BYTES], const struct cx_sntrup_poly *a)
{
    memset(out, 0, SNTRUP_SMALL_BYTES);
    for (size_t i = 0; i < SNTRUP_P; i++)
        out[i / 4] |= (uint8_t)((a->c[i] + 1) << 2 * (i % 4));
}

void cx_sntrup_decode_small(struct cx_sntrup_poly *a, const uint8_t in[SNTRUP_SMALL_BYTES])
{
    for (size_t i = 0; i < SNTRUP_P; i++)
        a->c[i] = (int16_t)((in[i / 4] >> 2 * (i % 4) & 3) - 1);
}

/* SPDX-License-Identifier: MIT */
/* See x25519_priv.h. A number modulo p = 2^255 - 19 is five limbs of 51 bits, up to 53 where something was added: so no sum of
 * products passes 2^113. Time depends on nothing: what an exchange ends with is a secret. */
#include "crypto/kex/x25519_priv.h"

#include <endian.h>

#include "crypto/secret.h"

enum { LIMBS = CX_X25519_LIMBS, LIMB_BITS = 51 };

static const uint64_t LIMB_MASK = (UINT64_C(1) << LIMB_BITS) - 1;

struct number {
    uint64_t limb[LIMBS];
};

typedef unsigned __int128 wide;

/* Limbs of 51 bits, but for one more in the second; 2^255 is 19. */
static struct number carry(wide r0, wide r1, wide r2, wide r3, wide r4)
{
    r1 += (uint64_t)(r0 >> LIMB_BITS);
    r2 += (uint64_t)(r1 >> LIMB_BITS);
    r3 += (uint64_t)(r2 >> LIMB_BITS);
    r4 += (uint64_t)(r3 >> LIMB_BITS);
    uint64_t low = ((uint64_t)r0 & LIMB_MASK) + 19 * (uint64_t)(r4 >> LIMB_BITS);
    return (struct number){ { low & LIMB_MASK, ((uint64_t)r1 & LIMB_MASK) + (low >> LIMB_BITS), (uint64_t)r2 & LIMB_MASK,
                              (uint64_t)r3 & LIMB_MASK, (uint64_t)r4 & LIMB_MASK } };
}

static struct number multiply(struct number a, struct number b)
{
    uint64_t a0 = a.limb[0], a1 = a.limb[1], a2 = a.limb[2], a3 = a.limb[3], a4 = a.limb[4];
    uint64_t b0 = b.limb[0], b1 = b.limb[1], b2 = b.limb[2], b3 = b.limb[3], b4 = b.limb[4];
    uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    return carry((wide)a0 * b0 + (wide)a1 * c4 + (wide)a2 * c3 + (wide)a3 * c2 + (wide)a4 * c1,
                 (wide)a0 * b1 + (wide)a1 * b0 + (wide)a2 * c4 + (wide)a3 * c3 + (wide)a4 * c2,
                 (wide)a0 * b2 + (wide)a1 * b1 + (wide)a2 * b0 + (wide)a3 * c4 + (wide)a4 * c3,
                 (wide)a0 * b3 + (wide)a1 * b2 + (wide)a2 * b1 + (wide)a3 * b0 + (wide)a4 * c4,
                 (wide)a0 * b4 + (wide)a1 * b3 + (wide)a2 * b2 + (wide)a3 * b1 + (wide)a4 * b0);
}

/* The square, `times` times: 15 products in place of 25, and most of what an inverse takes. */
static struct number square(struct number a, unsigned times)
{
    while (times-- > 0) {
        uint64_t a0 = a.limb[0], a1 = a.limb[1], a2 = a.limb[2], a3 = a.limb[3], a4 = a.limb[4];
        uint64_t twice0 = 2 * a0, twice1 = 2 * a1, c2 = 38 * a2, c3 = 19 * a3, c4 = 19 * a4;
        a = carry((wide)a0 * a0 + (wide)(2 * c4) * a1 + (wide)c2 * a3, (wide)twice0 * a1 + (wide)(2 * c4) * a2 + (wide)c3 * a3,
                  (wide)twice0 * a2 + (wide)a1 * a1 + (wide)(2 * c4) * a3, (wide)twice0 * a3 + (wide)twice1 * a2 + (wide)c4 * a4,
                  (wide)twice0 * a4 + (wide)twice1 * a3 + (wide)a2 * a2);
    }
    return a;
}

/* z^(p - 2), by Fermat; of zero it is zero. onesN: z^(2^N - 1). */
static struct number invert(struct number z)
{
    struct number z9 = multiply(square(z, 3), z), z11 = multiply(z9, square(z, 1));
    struct number ones5 = multiply(square(z11, 1), z9);
    struct number ones10 = multiply(square(ones5, 5), ones5);
    struct number ones20 = multiply(square(ones10, 10), ones10);
    struct number ones40 = multiply(square(ones20, 20), ones20);
    struct number ones50 = multiply(square(ones40, 10), ones10);
    struct number ones100 = multiply(square(ones50, 50), ones50);
    struct number ones200 = multiply(square(ones100, 100), ones100);
    struct number ones250 = multiply(square(ones200, 50), ones50);
    return multiply(square(ones250, 5), z11);
}

static uint64_t load(const uint8_t *p)
{
    uint64_t wire;
    memcpy(&wire, p, sizeof wire);
    return le64toh(wire);
}

static void store(uint8_t *p, uint64_t value)
{
    uint64_t wire = htole64(value);
    memcpy(p, &wire, sizeof wire);
}

void cx_x25519_read(uint64_t limb[CX_X25519_LIMBS], const uint8_t in[CX_X25519_BYTES])
{
    limb[0] = load(in) & LIMB_MASK;
    limb[1] = load(in + 6) >> 3 & LIMB_MASK;
    limb[2] = load(in + 12) >> 6 & LIMB_MASK;
    limb[3] = load(in + 19) >> 1 & LIMB_MASK;
    limb[4] = load(in + 24) >> 12 & LIMB_MASK;
}

/* The one form below p. */
static void write_number(uint8_t out[CX_X25519_BYTES], struct number a)
{
    uint64_t over = 19, *l = a.limb; /* whether a + 19 reaches 2^255 is whether a reaches p */
    for (size_t i = 0; i < LIMBS; i++)
        over = (l[i] + over) >> LIMB_BITS;
    over *= 19;
    for (size_t i = 0; i < LIMBS; i++) {
        l[i] += over;
        over = l[i] >> LIMB_BITS;
        l[i] &= LIMB_MASK;
    }
    store(out, l[0] | l[1] << 51);
    store(out + 8, l[1] >> 13 | l[2] << 38);
    store(out + 16, l[2] >> 26 | l[3] << 25);
    store(out + 24, l[3] >> 39 | l[4] << 12);
}

void cx_x25519_divide(uint8_t out[CX_X25519_BYTES], const uint64_t above[CX_X25519_LIMBS], const uint64_t below[CX_X25519_LIMBS])
{
    struct number a, b;
    memcpy(a.limb, above, sizeof a.limb);
    memcpy(b.limb, below, sizeof b.limb);
    write_number(out, multiply(a, invert(b)));
    cx_secret_wipe(&a, sizeof a);
    cx_secret_wipe(&b, sizeof b);
}

/* u = (1 + y) / (1 - y). */
void cx_x25519_from_edwards(uint8_t point[CX_X25519_BYTES])
{
    uint64_t above[LIMBS], below[LIMBS];
    cx_x25519_read(above, point);
    for (size_t i = 0; i < LIMBS; i++)
        below[i] = 2 * LIMB_MASK - above[i]; /* 2p - y, with what is missing: */
    below[0] -= 2 * 18 - 1;
    above[0] += 1;
    cx_x25519_divide(point, above, below);
}

/* SPDX-License-Identifier: MIT */
/* The 24 rounds of Keccak-f[1600] (FIPS 202 section 3), for words that hold one lane of one state or of several states at once.
 * The includer defines the type `word` and, inline, xor3(a, b, c) = a ^ b ^ c, chi(a, b, c) = a ^ (~b & c), broadcast(uint64_t)
 * and the macro ROTATE(word, constant). Everything is spelled out, so that the state stays in registers and every rotation is
 * by an immediate. */
#ifndef CX_KECCAK_ROUNDS_PRIV_H
#define CX_KECCAK_ROUNDS_PRIV_H

enum { KECCAK_ROUNDS = 24 };

/* iota: section 3.2.5 */
static const uint64_t keccak_constants[KECCAK_ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* theta: section 3.2.1 */
static inline void keccak_theta(word a[25])
{
    word c[5], r[5];
#pragma GCC unroll 5
    for (unsigned x = 0; x < 5; x++)
        c[x] = xor3(xor3(a[x], a[x + 5], a[x + 10]), a[x + 15], a[x + 20]);
#pragma GCC unroll 5
    for (unsigned x = 0; x < 5; x++)
        r[x] = ROTATE(c[x], 1);
#pragma GCC unroll 25
    for (unsigned i = 0; i < 25; i++)
        a[i] = xor3(a[i], c[(i + 4) % 5], r[(i + 1) % 5]);
}

/* rho and pi: sections 3.2.2 and 3.2.3 */
static inline void keccak_move(word b[25], const word a[25])
{
    b[0] = a[0];
    b[10] = ROTATE(a[1], 1);
    b[7] = ROTATE(a[10], 3);
    b[11] = ROTATE(a[7], 6);
    b[17] = ROTATE(a[11], 10);
    b[18] = ROTATE(a[17], 15);
    b[3] = ROTATE(a[18], 21);
    b[5] = ROTATE(a[3], 28);
    b[16] = ROTATE(a[5], 36);
    b[8] = ROTATE(a[16], 45);
    b[21] = ROTATE(a[8], 55);
    b[24] = ROTATE(a[21], 2);
    b[4] = ROTATE(a[24], 14);
    b[15] = ROTATE(a[4], 27);
    b[23] = ROTATE(a[15], 41);
    b[19] = ROTATE(a[23], 56);
    b[13] = ROTATE(a[19], 8);
    b[12] = ROTATE(a[13], 25);
    b[2] = ROTATE(a[12], 43);
    b[20] = ROTATE(a[2], 62);
    b[14] = ROTATE(a[20], 18);
    b[22] = ROTATE(a[14], 39);
    b[9] = ROTATE(a[22], 61);
    b[6] = ROTATE(a[9], 20);
    b[1] = ROTATE(a[6], 44);
}

static inline void keccak_rounds(word a[25])
{
    word b[25];
    for (unsigned round = 0; round < KECCAK_ROUNDS; round++) {
        keccak_theta(a);
        keccak_move(b, a);
#pragma GCC unroll 25
        for (unsigned i = 0; i < 25; i++)
            a[i] = chi(b[i], b[i / 5 * 5 + (i + 1) % 5], b[i / 5 * 5 + (i + 2) % 5]);
        a[0] = xor3(a[0], broadcast(keccak_constants[round]), broadcast(0));
    }
}

#endif

/* SPDX-License-Identifier: MIT */
/* HMAC-SHA-512 with a message a lane, for any width of vector (FIPS 180-4 section 6.4).
 *
 * The file that includes this says what a vector of 64-bit words is (`vec`, LANES, and the macros VEC_ALL, VEC_ADD, VEC_SUB,
 * VEC_XOR3, VEC_CHOOSE, VEC_MAJORITY, VEC_ROR, VEC_SHR: macros, since instructions take their counts as constants), and how LANES
 * states and blocks become vectors: load_states, store_states, load_block.
 *
 * The new e and the new a are each made of the last in three steps (rotate, exclusive or, add), which is the least there is;
 * everything else is added up beforehand. A compiler that reassociates these sums makes the chain longer, by half:
 * crypto/CMakeLists.txt forbids it that. */
#ifndef CX_SHA512_LANES_PRIV_H
#define CX_SHA512_LANES_PRIV_H

enum { GROUP = 16, BLOCK_BYTES = CX_SHA512_BLOCK_BYTES };

/* t counts rounds, modulo eight: the state does not move, its names do. kw is the round's constant and word. */
ALWAYS_INLINE void one_round(vec s[CX_SHA2_WORDS], unsigned t, vec kw)
{
    vec a = s[(0 - t) & 7], b = s[(1 - t) & 7], c = s[(2 - t) & 7], d = s[(3 - t) & 7];
    vec e = s[(4 - t) & 7], f = s[(5 - t) & 7], g = s[(6 - t) & 7], h = s[(7 - t) & 7];
    vec early = VEC_ADD(VEC_ADD(VEC_ADD(kw, h), d), VEC_CHOOSE(e, f, g));
    vec new_e = VEC_ADD(early, VEC_XOR3(VEC_ROR(e, 14), VEC_ROR(e, 18), VEC_ROR(e, 41)));
    vec rest = VEC_ADD(VEC_SUB(new_e, d), VEC_MAJORITY(a, b, c));
    s[(3 - t) & 7] = new_e;
    s[(7 - t) & 7] = VEC_ADD(rest, VEC_XOR3(VEC_ROR(a, 28), VEC_ROR(a, 34), VEC_ROR(a, 39)));
}

/* The word sixteen behind w[t]. */
ALWAYS_INLINE vec next_word(const vec w[GROUP], unsigned t)
{
    vec near = w[(t + 14) & 15], far = w[(t + 1) & 15];
    vec sum = VEC_ADD(VEC_ADD(w[t], w[(t + 9) & 15]), VEC_XOR3(VEC_ROR(far, 1), VEC_ROR(far, 8), VEC_SHR(far, 7)));
    return VEC_ADD(sum, VEC_XOR3(VEC_ROR(near, 19), VEC_ROR(near, 61), VEC_SHR(near, 6)));
}

ALWAYS_INLINE void block_of_each(vec s[CX_SHA2_WORDS], vec w[GROUP])
{
#pragma GCC unroll 16
    for (unsigned t = 0; t < GROUP; t++)
        one_round(s, t, VEC_ADD(w[t], VEC_ALL(cx_sha512_constant[t])));
    for (const uint64_t *constant = cx_sha512_constant + GROUP; constant < cx_sha512_constant + CX_SHA512_ROUNDS;
         constant += GROUP) {
#pragma GCC unroll 16
        for (unsigned t = 0; t < GROUP; t++) {
            w[t] = next_word(w, t);
            one_round(s, t, VEC_ADD(w[t], VEC_ALL(constant[t])));
        }
    }
}

/* A message's words may be a packet in the clear: they do not stay behind. */
static void run_full(union cx_sha2_state *const state[LANES], const uint8_t *const in[LANES], size_t blocks)
{
    vec s[CX_SHA2_WORDS], before[CX_SHA2_WORDS], w[GROUP];
    load_states(s, state);
    for (size_t at = 0; at < blocks * BLOCK_BYTES; at += BLOCK_BYTES) {
#pragma GCC unroll 8
        for (unsigned i = 0; i < CX_SHA2_WORDS; i++)
            before[i] = s[i];
        load_block(w, in, at);
        block_of_each(s, w);
#pragma GCC unroll 8
        for (unsigned i = 0; i < CX_SHA2_WORDS; i++)
            s[i] = VEC_ADD(s[i], before[i]);
    }
    store_states(state, s);
}

#endif

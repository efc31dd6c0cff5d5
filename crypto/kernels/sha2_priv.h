/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only: SHA-256 and SHA-512 (FIPS 180-4) as far as kernels need them, compression of several messages a call.
 * Any thread. Time depends on numbers of lanes and blocks only. */
#ifndef CX_SHA2_PRIV_H
#define CX_SHA2_PRIV_H

#include "crypto/packet/packet_priv.h"

enum { CX_SHA2_WORDS = 8, CX_SHA2_GROUP = 8, CX_SHA256_ROUNDS = 64, CX_SHA512_ROUNDS = 80, CX_SHA512_BLOCK_BYTES = 128 };

extern const uint32_t cx_sha256_constant[CX_SHA256_ROUNDS];
extern const uint64_t cx_sha512_constant[CX_SHA512_ROUNDS];

/* a to h, as the standard names them. */
union cx_sha2_state {
    uint32_t word32[CX_SHA2_WORDS];
    uint64_t word64[CX_SHA2_WORDS];
} __attribute__((aligned(64)));

extern const union cx_sha2_state cx_sha256_first, cx_sha512_first;

/* One of the two functions on one instruction set. */
struct cx_sha2 {
    unsigned word_bytes; /* 4: SHA-256, 8: SHA-512; a block is sixteen of them */
    const union cx_sha2_state *first;
    /* Moves each of 1 to CX_PACKET_BATCH states on by as many blocks, which stand at in[lane], unaligned. Leaves of them on the
     * stack what it likes, in no more than so many bytes below its caller's frame. */
    unsigned stack_bytes;
    void (*run)(union cx_sha2_state *const state[], const uint8_t *const in[], size_t lanes, size_t blocks);
    /* Moves CX_SHA2_GROUP states on by 1 or more blocks, and crypts beside each as many bytes; no job's counter wraps its lower
     * word. Of each block the cipher stores its bytes when the hash has loaded its own, and before it loads the next block's.
     * NULL: there is no such function. */
    void (*run_beside)(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks, const void *ctr_context,
                       const struct cx_ctr_job *job);
    /* Makes the tags of CX_SHA2_GROUP packets if they are short and of as many blocks each. NULL: there is no such function. */
    bool (*short_tags)(const union cx_sha2_state *inner, const union cx_sha2_state *outer, const struct cx_mac_job job[]);
};

/* One lane at a time, for what fills too few of the wider kernels' lanes. */
void cx_sha512_single_run(union cx_sha2_state *const state[], const uint8_t *const in[], size_t lanes, size_t blocks);

#endif

/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only: SHA-256 of eight messages at once, in assembly, and AES in counter mode beside it. Needs AVX-512 (F,
 * BW, VL, DQ) and SHA-NI, with a cipher VAES too. Time depends on the number of blocks only. */
#ifndef CX_SHA256_EIGHT_PRIV_H
#define CX_SHA256_EIGHT_PRIV_H

/* Where the fields of struct cx_sha256_eight stand, for the assembler. */
#define SHA256_EIGHT_STATE 1024
#define SHA256_EIGHT_COUNT 1280
#define SHA256_EIGHT_IN 1792
#define SHA256_EIGHT_FROM 1856
#define SHA256_EIGHT_TO 1920
#define SHA256_EIGHT_ROUND_KEY 1984

#ifndef __ASSEMBLER__

#include "crypto/kernels/sha2_priv.h"

enum { CX_SHA256_EIGHT = CX_SHA2_GROUP };

struct cx_sha256_eight {
    uint8_t pair[16][64];                  /* the functions' own; wiped when they return */
    uint8_t state[CX_SHA256_EIGHT][2][16]; /* as SHA-NI orders it: f e b a, h g d c, each a 32-bit word */
    uint64_t count[CX_SHA256_EIGHT][4][2]; /* the next four counter blocks, lower half first; which does not wrap */
    const uint8_t *in[CX_SHA256_EIGHT];    /* unaligned, all of them */
    const uint8_t *from[CX_SHA256_EIGHT];  /* the cipher's; these are NULL where there is none */
    uint8_t *to[CX_SHA256_EIGHT];          /* equal to from, or not overlapping */
    const void *round_key;                 /* each four times, in 64 aligned bytes */
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct cx_sha256_eight, state) == SHA256_EIGHT_STATE, "as the assembler has it");
_Static_assert(offsetof(struct cx_sha256_eight, count) == SHA256_EIGHT_COUNT, "as the assembler has it");
_Static_assert(offsetof(struct cx_sha256_eight, in) == SHA256_EIGHT_IN, "as the assembler has it");
_Static_assert(offsetof(struct cx_sha256_eight, from) == SHA256_EIGHT_FROM, "as the assembler has it");
_Static_assert(offsetof(struct cx_sha256_eight, to) == SHA256_EIGHT_TO, "as the assembler has it");
_Static_assert(offsetof(struct cx_sha256_eight, round_key) == SHA256_EIGHT_ROUND_KEY, "as the assembler has it");

/* Moves the states on by so many bytes, a multiple of 64 and not 0. */
void cx_sha256_eight(struct cx_sha256_eight *x, size_t bytes);

/* Also crypts as many bytes of each lane, 64 of each beside every block: after those of the block are loaded, before the next's. */
void cx_sha256_eight_aes128(struct cx_sha256_eight *x, size_t bytes);
void cx_sha256_eight_aes192(struct cx_sha256_eight *x, size_t bytes);
void cx_sha256_eight_aes256(struct cx_sha256_eight *x, size_t bytes);

/* Of a struct cx_sha2, whose run takes any number of lanes. */
void cx_sha256_eight_run(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks);
void cx_sha256_eight_run_beside(union cx_sha2_state *const state[], const uint8_t *const in[], size_t blocks,
                                const void *ctr_context, const struct cx_ctr_job *job);
bool cx_sha256_eight_short_tags(const union cx_sha2_state *inner, const union cx_sha2_state *outer, const struct cx_mac_job job[]);

#endif
#endif

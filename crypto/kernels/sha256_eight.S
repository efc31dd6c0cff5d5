/* SPDX-License-Identifier: MIT */
/* SHA-256 of eight messages on SHA-NI, with AES in counter mode beside it or without: see sha256_eight_priv.h.
 *
 * sha256rnds2 is taken every second cycle, which makes 512 cycles the least for eight blocks; everything else has to fit between.
 * The message schedule does not go through SHA-NI, whose own instructions for it would fill the ports that are left: it is made in
 * plain vectors, two words of each message at a time, so that nothing in a vector waits for another word of it. With the round
 * constants added it goes through memory, and comes back in pairs, which is how sha256rnds2 takes it. That leaves half of the ports
 * to the cipher. It is not left to a compiler since sha256rnds2 knows but sixteen registers, and gcc and clang both keep states in
 * memory that do not fit, which is a wait in the only chain there is.
 *
 *   %rdi  struct cx_sha256_eight     %rsi  bytes of each message     %rax  bytes done     %rcx  round keys
 *   %rdx  round constants            %r8, %r9  a lane's pointers
 *   %xmm0       two words, the round instruction's third operand
 *   %xmm1-14    lanes 0 to 6: abef, cdgh     %xmm15, %xmm31  lane 7, which borrows %xmm14     %xmm30  lane 6's while it does
 *   %zmm20, 19, 22, 23, 16, 24, 18, 25  the last sixteen words of the schedule, a pair of each lane in each
 *   %zmm17, 21, 26, 27, 30  for the moment     %zmm28  the key stream     %zmm29  the pattern of `straddle`
 *
 * `pair` is the pair of words whose rounds come next, from 0 to 31. */
#include "crypto/kernels/sha256_eight_priv.h"

#ifdef __CET__
#include <cet.h>
#endif

    .section .rodata
    .p2align 6
straddle: /* the upper word of each pair of one vector, the lower one of the same pair of the other */
    .long   1, 16, 3, 18, 5, 20, 7, 22, 9, 24, 11, 26, 13, 28, 15, 30
words: /* bytes of a word turned round */
    .rept 4
    .byte   3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12
    .endr
blocks: /* bytes of a counter block turned round */
    .rept 4
    .byte   15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
    .endr
four_blocks:
    .rept 4
    .quad   4, 0
    .endr

    .text

/* Of rows of two lanes each, which are lost: pairs 0, 2, 4, 6 or 1, 3, 5, 7 of all. */
.macro TRANSPOSE a, b, c, d, t0, t1, t2, t3
    vshufi64x2 $0x44, %zmm\t1, %zmm\t0, %zmm\c
    vshufi64x2 $0x44, %zmm\t3, %zmm\t2, %zmm\d
    vshufi64x2 $0xee, %zmm\t1, %zmm\t0, %zmm\t0
    vshufi64x2 $0xee, %zmm\t3, %zmm\t2, %zmm\t2
    vshufi64x2 $0x88, %zmm\d, %zmm\c, %zmm\a
    vshufi64x2 $0xdd, %zmm\d, %zmm\c, %zmm\b
    vshufi64x2 $0x88, %zmm\t2, %zmm\t0, %zmm\c
    vshufi64x2 $0xdd, %zmm\t2, %zmm\t0, %zmm\d
.endm

.macro ROW lane, to
    movq    SHA256_EIGHT_IN + 8 * \lane(%rdi), %r8
    vmovdqu64 (%r8, %rax), %zmm\to
.endm

.macro TWO_ROWS even, odd, low
    vpunpcklqdq %zmm\odd, %zmm\even, %zmm\low
    vpunpckhqdq %zmm\odd, %zmm\even, %zmm\odd
.endm

/* A pair of the schedule, in \w, to where the rounds look for it. */
.macro ADD_CONSTANTS number, w
    vpbroadcastq 8 * (\number)(%rdx), %zmm17
    vpaddd  %zmm17, %zmm\w, %zmm17
    vmovdqa64 %zmm17, 64 * ((\number) & 15)(%rdi)
.endm

.macro FIRST_PAIR number, w
    vpshufb words(%rip), %zmm\w, %zmm\w
    ADD_CONSTANTS \number, \w
.endm

.macro FIRST_WORDS
    ROW     0, 16
    ROW     1, 17
    ROW     2, 18
    ROW     3, 19
    ROW     4, 20
    ROW     5, 21
    ROW     6, 22
    ROW     7, 23
    TWO_ROWS 16, 17, 24
    TWO_ROWS 18, 19, 25
    TWO_ROWS 20, 21, 26
    TWO_ROWS 22, 23, 27
    TRANSPOSE 20, 22, 16, 18, 24, 25, 26, 27
    TRANSPOSE 19, 23, 24, 25, 17, 19, 21, 23
    FIRST_PAIR 0, 20
    FIRST_PAIR 1, 19
    FIRST_PAIR 2, 22
    FIRST_PAIR 3, 23
    FIRST_PAIR 4, 16
    FIRST_PAIR 5, 24
    FIRST_PAIR 6, 18
    FIRST_PAIR 7, 25
.endm

/* The pair that comes eight later takes this one's place in \w. \w1, \w4, \w5 and \w7 hold those that come so many later. */
.macro EXPAND w, w1, w4, w5, w7
    .if pair < 24
    vmovdqa64 %zmm\w, %zmm17
    vmovdqa64 %zmm\w4, %zmm21
    vpermt2d %zmm\w1, %zmm29, %zmm17
    vpermt2d %zmm\w5, %zmm29, %zmm21
    vprord  $17, %zmm\w7, %zmm26
    vprord  $19, %zmm\w7, %zmm27
    vpsrld  $10, %zmm\w7, %zmm30
    vpternlogd $0x96, %zmm26, %zmm27, %zmm30
    vprord  $7, %zmm17, %zmm26
    vprord  $18, %zmm17, %zmm27
    vpsrld  $3, %zmm17, %zmm17
    vpternlogd $0x96, %zmm26, %zmm27, %zmm17
    vpaddd  %zmm21, %zmm\w, %zmm\w
    vpaddd  %zmm17, %zmm\w, %zmm\w
    vpaddd  %zmm30, %zmm\w, %zmm\w
    ADD_CONSTANTS pair+8, \w
    .endif
.endm

/* Two rounds of one message. */
.macro ROUNDS lane, from, to
    vmovq   64 * (pair & 15) + 8 * \lane(%rdi), %xmm0
    sha256rnds2 %xmm0, %xmm\from, %xmm\to
.endm

.macro LEND_TO_LANE_7
    vmovdqa32 %xmm14, %xmm30
    vmovdqa32 %xmm31, %xmm14
.endm

/* Two rounds of each, which make of cdgh the next abef, */
.macro EVEN_ROUNDS
    ROUNDS  0, 1, 2
    ROUNDS  1, 3, 4
    ROUNDS  2, 5, 6
    ROUNDS  3, 7, 8
    ROUNDS  4, 9, 10
    ROUNDS  5, 11, 12
    ROUNDS  6, 13, 14
    LEND_TO_LANE_7
    ROUNDS  7, 15, 14
    vmovdqa32 %xmm14, %xmm31
    vmovdqa32 %xmm30, %xmm14
.endm

/* or of abef, which then is again what it is called. */
.macro ODD_ROUNDS
    ROUNDS  0, 2, 1
    ROUNDS  1, 4, 3
    ROUNDS  2, 6, 5
    ROUNDS  3, 8, 7
    ROUNDS  4, 10, 9
    ROUNDS  5, 12, 11
    ROUNDS  6, 14, 13
    LEND_TO_LANE_7
    ROUNDS  7, 14, 15
    vmovdqa32 %xmm30, %xmm14
.endm

/* Rounds of AES from \first to \last. */
.macro AES first, last
    .set round, \first
    .rept (\last) - (\first) + 1
    vaesenc 64 * round(%rcx), %zmm28, %zmm28
    .set round, round + 1
    .endr
.endm

.macro AES_BEGIN lane
    vmovdqa64 SHA256_EIGHT_COUNT + 64 * (\lane)(%rdi), %zmm28
    vpaddq  four_blocks(%rip), %zmm28, %zmm30
    vmovdqa64 %zmm30, SHA256_EIGHT_COUNT + 64 * (\lane)(%rdi)
    vpshufb blocks(%rip), %zmm28, %zmm28
    vpxorq  (%rcx), %zmm28, %zmm28
.endm

.macro AES_END lane, rounds
    vaesenclast 64 * \rounds(%rcx), %zmm28, %zmm28
    movq    SHA256_EIGHT_FROM + 8 * (\lane)(%rdi), %r8
    movq    SHA256_EIGHT_TO + 8 * (\lane)(%rdi), %r9
    vpxorq  (%r8, %rax), %zmm28, %zmm28
    vmovdqu64 %zmm28, (%r9, %rax)
.endm

/* What stands beside the rounds of a pair, a quarter of one lane's key stream; and on to the next pair. */
.macro BESIDE rounds
    .if \rounds > 0
    .if (pair & 3) == 0
    AES_BEGIN pair/4
    .endif
    AES     (\rounds-1)*(pair&3)/4+1, (\rounds-1)*((pair&3)+1)/4
    .if (pair & 3) == 3
    AES_END pair/4, \rounds
    .endif
    .endif
    .set pair, pair + 1
.endm

/* Eight pairs go once round the registers. */
.macro EIGHT_PAIRS rounds
    EXPAND  20, 19, 16, 24, 25
    EVEN_ROUNDS
    BESIDE  \rounds
    EXPAND  19, 22, 24, 18, 20
    ODD_ROUNDS
    BESIDE  \rounds
    EXPAND  22, 23, 18, 25, 19
    EVEN_ROUNDS
    BESIDE  \rounds
    EXPAND  23, 16, 25, 20, 22
    ODD_ROUNDS
    BESIDE  \rounds
    EXPAND  16, 24, 20, 19, 23
    EVEN_ROUNDS
    BESIDE  \rounds
    EXPAND  24, 18, 19, 22, 16
    ODD_ROUNDS
    BESIDE  \rounds
    EXPAND  18, 25, 22, 23, 24
    EVEN_ROUNDS
    BESIDE  \rounds
    EXPAND  25, 20, 23, 16, 18
    ODD_ROUNDS
    BESIDE  \rounds
.endm

.macro LOAD_STATE lane, abef, cdgh
    vmovdqa32 SHA256_EIGHT_STATE + 32 * \lane(%rdi), %xmm\abef
    vmovdqa32 SHA256_EIGHT_STATE + 32 * \lane + 16(%rdi), %xmm\cdgh
.endm

/* What a block began with is added to what it ends with. */
.macro ADD_STATE lane, abef, cdgh
    vpaddd  SHA256_EIGHT_STATE + 32 * \lane(%rdi), %xmm\abef, %xmm\abef
    vpaddd  SHA256_EIGHT_STATE + 32 * \lane + 16(%rdi), %xmm\cdgh, %xmm\cdgh
    vmovdqa32 %xmm\abef, SHA256_EIGHT_STATE + 32 * \lane(%rdi)
    vmovdqa32 %xmm\cdgh, SHA256_EIGHT_STATE + 32 * \lane + 16(%rdi)
.endm

.macro OF_EACH_STATE do
    \do     0, 1, 2
    \do     1, 3, 4
    \do     2, 5, 6
    \do     3, 7, 8
    \do     4, 9, 10
    \do     5, 11, 12
    \do     6, 13, 14
    \do     7, 15, 31
.endm

/* \rounds of AES: 0 is no cipher. */
.macro FUNCTION name, rounds
    .globl  \name
    .hidden \name
    .type   \name, @function
    .p2align 6
\name:
    .cfi_startproc
#ifdef __CET__
    _CET_ENDBR
#endif
    movq    SHA256_EIGHT_ROUND_KEY(%rdi), %rcx
    leaq    cx_sha256_constant(%rip), %rdx
    vmovdqa64 straddle(%rip), %zmm29
    OF_EACH_STATE LOAD_STATE
    xorl    %eax, %eax
    .p2align 6
1:
    FIRST_WORDS
    .set pair, 0
    .rept 4
    EIGHT_PAIRS \rounds
    .endr
    OF_EACH_STATE ADD_STATE
    addq    $64, %rax
    cmpq    %rsi, %rax
    jb      1b

    /* the words: plaintext, where the hash is of that */
    vpxord  %xmm0, %xmm0, %xmm0
    .set pair, 0
    .rept 16
    vmovdqa64 %zmm0, 64 * pair(%rdi)
    .set pair, pair + 1
    .endr
    vzeroupper
    ret
    .cfi_endproc
    .size   \name, . - \name
.endm

    FUNCTION cx_sha256_eight, 0
    FUNCTION cx_sha256_eight_aes128, 10
    FUNCTION cx_sha256_eight_aes192, 12
    FUNCTION cx_sha256_eight_aes256, 14

    .section .note.GNU-stack, "", @progbits

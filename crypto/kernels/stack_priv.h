/* SPDX-License-Identifier: MIT */
/* Inside crypto/kernels only, for files that are compiled for AVX2: what compilers put on the stack in kernels, short of registers,
 * is wiped by a frame that lies where theirs lay. Its function is not inlined, is called where the kernel was, and its frame is no
 * more than an array, since what a canary or an alignment put behind that would stay as it was. */
#ifndef CX_STACK_PRIV_H
#define CX_STACK_PRIV_H

#include "crypto/span.h"

typedef uint64_t cx_stack_vector __attribute__((vector_size(32), may_alias));
typedef cx_stack_vector cx_stack_vector_unaligned __attribute__((aligned(1)));

/* To its end, in aligned vectors but for the last. */
static inline __attribute__((always_inline)) void cx_stack_zero(uint8_t *frame, size_t bytes)
{
    uint8_t *last = frame + bytes - sizeof(cx_stack_vector);
    *(cx_stack_vector_unaligned *)last = (cx_stack_vector){ 0 };
    for (uint8_t *at = frame + (-(uintptr_t)frame & (sizeof(cx_stack_vector) - 1)); at < last; at += sizeof(cx_stack_vector)) {
        *(cx_stack_vector *)at = (cx_stack_vector){ 0 };
        /* also keeps the compiler from calling memset, whose string instructions take twice as long */
        __asm__ volatile("" : : "r"(frame) : "memory");
    }
}

#endif

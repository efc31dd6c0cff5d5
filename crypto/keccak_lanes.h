/* SPDX-License-Identifier: MIT */
/* Several independent hashes of SHA-3 at once: a kernel permutes as many states side by side as its vectors have lanes, and each
 * job goes through a lane of its own. Time depends on lengths only. Any thread; nothing is kept. */
#ifndef CX_KECCAK_LANES_H
#define CX_KECCAK_LANES_H

#include "crypto/keccak.h"
#include "crypto/kernels/kernels.h"

enum { CX_KECCAK_STATES_MAX = 8 };

struct cx_keccak_kernel {
    struct cx_kernel kernel;
    size_t states;                    /* at most CX_KECCAK_STATES_MAX */
    void (*permute)(uint64_t *lanes); /* CX_KECCAK_LANES rows of `states` numbers, aligned to their length; in place */
    /* Of fewer states, which some processors permute in less time; or NULL. */
    const struct cx_keccak_kernel *narrow;
};

/* out_len bytes of the digest of a and b, one behind the other. */
struct cx_keccak_job {
    enum cx_keccak_alg alg;
    struct cx_view a, b;
    uint8_t *out;
    size_t out_len;
};

/* The longest job is best the first. */
void cx_keccak_many(const struct cx_keccak_kernel *kernel, const struct cx_keccak_job job[], size_t count);

extern const struct cx_keccak_kernel cx_keccak_portable;
#if defined(__x86_64__)
extern const struct cx_keccak_kernel cx_keccak_avx2;
extern const struct cx_keccak_kernel cx_keccak_avx512;
extern const struct cx_keccak_kernel cx_keccak_avx512_narrow;
#endif

#endif

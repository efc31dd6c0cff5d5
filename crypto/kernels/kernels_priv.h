/* SPDX-License-Identifier: MIT */
/* Inside crypto/ and its tests only: the self-tests, and picking one kernel. */
#ifndef CX_KERNELS_PRIV_H
#define CX_KERNELS_PRIV_H

#include "crypto/kernels/kernels.h"

/* What exists for x86-64 alone; kernels.c has them in its lists. */
extern const struct cx_packet_ops cx_chachapoly_ifma, cx_chachapoly_avx512, cx_chachapoly_avx2;
extern const struct cx_ctr_kernel cx_ctr_vaes512, cx_ctr_vaes256;
extern const struct cx_mac_ops cx_mac_hmac_sha256_shani8, cx_mac_hmac_sha256_shani;
extern const struct cx_mac_ops cx_mac_hmac_sha512_avx512, cx_mac_hmac_sha512_avx2;
extern const struct cx_mac_ops cx_mac_umac64_avx512, cx_mac_umac64_avx2;
extern const struct cx_mac_ops cx_mac_umac128_avx512, cx_mac_umac128_avx2;

/* Of a context of cx_ctr_vaes512: *rounds + 1 round keys, each four times in 64 aligned bytes. */
const void *cx_ctr_vaes512_round_keys(const void *context, unsigned *rounds);

struct cx_evp;

/* True: the kernel does what the primitive's portable one does. */
typedef bool cx_kernel_test(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);

struct cx_kernel_judge {
    const struct cx_evp *evp;
    cx_kernel_test *test;
    cx_kernels_report *report; /* NULL: nobody asks */
    void *state;
};

/* The first of the candidates, which end with NULL, that runs and passes; the last is the portable one, and is taken as it is. */
const struct cx_kernel *cx_kernel_pick(enum cx_primitive primitive, const struct cx_kernel *const candidates[], uint32_t cpu,
                                       enum cx_tier cap, const struct cx_kernel_judge *judge);

/* selftest.c: every length from 0 to 511 and some longer, in batches of every size, against the portable kernel; and broken tags.
 */
bool cx_selftest_packets(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);
bool cx_selftest_ctr(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);
bool cx_selftest_mac(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);

/* selftest_kex.c */
bool cx_selftest_keccak(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);
bool cx_selftest_mlkem(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);
bool cx_selftest_sntrup(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);
bool cx_selftest_x25519(const struct cx_evp *evp, enum cx_primitive primitive, const struct cx_kernel *kernel);

#endif

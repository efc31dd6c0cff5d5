/* SPDX-License-Identifier: MIT */
/* Which implementation serves each primitive. A kernel is a const struct of functions for one algorithm and one instruction set; it
 * begins with a struct cx_kernel, which says its name and what it needs. For each primitive there is a const table of candidates,
 * best first, the portable one last, which runs everywhere.
 *
 * A selection is data: a worker's cache of packet contexts is made with one, so that tests and benchmarks run every kernel side by
 * side. What has no such handle (key exchange) asks for the process's own, which is installed once, before there are threads. */
#ifndef CX_KERNELS_H
#define CX_KERNELS_H

#include "crypto/cpu.h"
#include "crypto/span.h"

/* Instruction sets, each with those in front of it. */
enum cx_tier { CX_TIER_PORTABLE, CX_TIER_AVX2, CX_TIER_AVX512, CX_TIER_COUNT };

/* "portable", "avx2", "avx512". */
const char *cx_tier_name(enum cx_tier tier);
/* False: no tier has that name. */
bool cx_tier_parse(const char *name, enum cx_tier *tier);

/* What there are kernels for. Each is a field of struct cx_kernels, and a row of kernels.c, in this order. */
enum cx_primitive {
    CX_PRIMITIVE_GCM,
    CX_PRIMITIVE_CHACHAPOLY,
    CX_PRIMITIVE_CTR,
    CX_PRIMITIVE_HMAC_SHA256,
    CX_PRIMITIVE_HMAC_SHA512,
    CX_PRIMITIVE_UMAC64,
    CX_PRIMITIVE_UMAC128,
    CX_PRIMITIVE_KECCAK,
    CX_PRIMITIVE_MLKEM,
    CX_PRIMITIVE_SNTRUP,
    CX_PRIMITIVE_X25519,
    CX_PRIMITIVE_COUNT
};

/* "aes-gcm", "chacha20-poly1305", …: for logs and tables. */
const char *cx_primitive_name(enum cx_primitive primitive);

/* How every kernel struct begins. */
struct cx_kernel {
    const char *name; /* "vaes512", "evp": one of its primitive's */
    enum cx_tier tier;
    uint32_t needs; /* bits of cx_cpu_detect */
};

struct cx_packet_ops; /* these: crypto/packet/packet_priv.h */
struct cx_ctr_kernel;
struct cx_mac_ops;
struct cx_keccak_kernel; /* crypto/keccak_lanes.h */
struct cx_mlkem_kernel;  /* crypto/kex/mlkem768_priv.h */
struct cx_sntrup_kernel; /* crypto/kex/sntrup761_priv.h */
struct cx_x25519_kernel; /* crypto/kex/x25519_priv.h */

/* A selection: one kernel a primitive, none NULL. */
struct cx_kernels {
    union {
        struct {
            const struct cx_packet_ops *gcm, *chachapoly;
            const struct cx_ctr_kernel *ctr;
            const struct cx_mac_ops *hmac_sha256, *hmac_sha512, *umac64, *umac128;
            const struct cx_keccak_kernel *keccak;
            const struct cx_mlkem_kernel *mlkem;
            const struct cx_sntrup_kernel *sntrup;
            const struct cx_x25519_kernel *x25519;
        };
        const struct cx_kernel *of[CX_PRIMITIVE_COUNT]; /* the same, as what they begin with */
    };
};

/* OpenSSL's EVP, nettle, and portable C. */
extern const struct cx_kernels cx_kernels_portable;
/* "OpenSSL 3.0.15 3 Sep 2024": of the library that runs. */
const char *cx_openssl_version(void);

/* The i-th best candidate, whether or not this processor runs it; NULL past the last. */
const struct cx_kernel *cx_kernel_at(enum cx_primitive primitive, size_t i);
bool cx_kernel_runs(const struct cx_kernel *kernel, uint32_t cpu, enum cx_tier cap);

/* For each primitive the best candidate that runs on a processor with the bits `cpu`, is within the tier `cap`, and passes its
 * self-test against the portable one: a few milliseconds. One that does not is reported, if report is not NULL, and passed over. */
typedef void cx_kernels_report(void *state, enum cx_primitive primitive, const struct cx_kernel *failed);
void cx_kernels_select(struct cx_kernels *out, uint32_t cpu, enum cx_tier cap, cx_kernels_report *report, void *state);

/* The process's selection: the portable one until another, which must stay, is installed. Installed before there are threads. */
void cx_kernels_install(const struct cx_kernels *kernels);
const struct cx_kernels *cx_kernels_current(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Inside ML-KEM-768: the ring, sampling and the encodings of FIPS 203 section 4. What works on coefficients is a kernel's; each
 * function takes as many polynomials at once as its caller has. Coefficients are in one of three states, named where they cross a
 * function:
 *   reduced    -1664 to 1664
 *   small      less than q = 3329 in magnitude
 *   canonical  0 to q - 1 */
#ifndef CX_MLKEM768_PRIV_H
#define CX_MLKEM768_PRIV_H

#include "crypto/keccak_lanes.h"
#include "crypto/kex/mlkem768.h"

enum {
    MLKEM_N = 256,
    MLKEM_K = 3,
    MLKEM_Q = 3329,
    MLKEM_DU = 10,
    MLKEM_DV = 4,
    MLKEM_HASH_BYTES = 32,    /* of rho, sigma, r, H */
    MLKEM_POLY_BYTES = 384,   /* 12 bits a coefficient */
    MLKEM_U_POLY_BYTES = 320, /* MLKEM_DU bits */
    MLKEM_V_POLY_BYTES = 128, /* MLKEM_DV bits */
    MLKEM_VECTOR_BYTES = MLKEM_K * MLKEM_POLY_BYTES,
    MLKEM_NOISE_BYTES = MLKEM_N / 2, /* of a binomial polynomial */
    MLKEM_NOISE_MAX = 2 * MLKEM_K + 1,
};

struct cx_mlkem_poly {
    _Alignas(64) int16_t c[MLKEM_N];
};

struct cx_mlkem_vector {
    struct cx_mlkem_poly p[MLKEM_K];
};

struct cx_mlkem_kernel {
    struct cx_kernel kernel;

    /* ---- the ring, Z_q[x] / (x^256 + 1) ---- */

    /* Algorithm 9, in place: small in, reduced out. */
    void (*ntt)(struct cx_mlkem_poly *p, size_t count);
    /* Algorithm 10, in place: small in, small out. */
    void (*ntt_inverse)(struct cx_mlkem_poly *p, size_t count);
    /* Algorithm 11, summed over vectors: out[i] = a[i] . b in the transform's domain. Small in, small out. */
    void (*dot)(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, size_t count, const struct cx_mlkem_vector *b);
    /* a += b: small in, reduced out. */
    void (*add)(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b, size_t count);
    /* a = b - a: small in, reduced out. */
    void (*subtract_from)(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b);
    /* Small in, canonical out. */
    void (*canonical)(struct cx_mlkem_poly *p, size_t count);

    /* ---- sampling, of bytes drawn already ---- */

    /* Algorithm 7: numbers of 12 bits that are below q, until p is full or the bytes, whole pairs of numbers, are used up; how
     * many. */
    size_t (*take_uniform)(struct cx_mlkem_poly *p, const uint8_t *bytes, size_t len);
    /* Algorithm 8 for eta = 2: small. */
    void (*binomial)(struct cx_mlkem_poly *p, const uint8_t bytes[MLKEM_NOISE_BYTES]);

    /* ---- ByteEncode and ByteDecode of section 4.2.1, with Compress and Decompress ---- */

    /* Canonical in. */
    void (*encode)(uint8_t out[MLKEM_VECTOR_BYTES], const struct cx_mlkem_vector *v);
    /* Any 12-bit values out. */
    void (*decode)(struct cx_mlkem_vector *v, const uint8_t in[MLKEM_VECTOR_BYTES]);
    /* The modulus check of section 7.2 on decoded values, which are public. */
    bool (*is_canonical)(const struct cx_mlkem_vector *v);
    /* u and v of a ciphertext: canonical in both ways. */
    void (*encode_ciphertext)(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u,
                              const struct cx_mlkem_poly *v);
    void (*decode_ciphertext)(struct cx_mlkem_vector *u, struct cx_mlkem_poly *v, const uint8_t in[CX_MLKEM768_CIPHERTEXT_BYTES]);
    /* A message is one bit a coefficient: canonical in both ways. */
    void (*encode_message)(uint8_t out[CX_MLKEM768_MESSAGE_BYTES], const struct cx_mlkem_poly *p);
    void (*decode_message)(struct cx_mlkem_poly *p, const uint8_t in[CX_MLKEM768_MESSAGE_BYTES]);
};

extern const struct cx_mlkem_kernel cx_mlkem_portable; /* mlkem768_portable.c */
#if defined(__x86_64__)
extern const struct cx_mlkem_kernel cx_mlkem_avx2;
extern const struct cx_mlkem_kernel cx_mlkem_avx512;
#endif

/* ---- mlkem768_zetas.c ---- */

struct cx_mlkem_roots {
    int16_t forward[MLKEM_N / 2], forward_low[MLKEM_N / 2], inverse[MLKEM_N / 2], inverse_low[MLKEM_N / 2];
};

extern const struct cx_mlkem_roots cx_mlkem_roots;

/* ---- mlkem768_sample.c ---- */

/* A (Algorithm 13), canonical and in the transform's domain, MLKEM_K rows of it; transposed for encryption. Beside it, other hashes
 * that are due, at most MLKEM_NOISE_MAX. */
void cx_mlkem_sample_matrix(const struct cx_kernels *k, struct cx_mlkem_vector *rows, const uint8_t rho[MLKEM_HASH_BYTES],
                            bool transposed, const struct cx_keccak_job *beside, size_t count);
/* A noise polynomial's bytes are PRF(seed, nonce). */
struct cx_mlkem_noise {
    uint8_t nonce[MLKEM_NOISE_MAX], bytes[MLKEM_NOISE_MAX][MLKEM_NOISE_BYTES];
    struct cx_keccak_job job[MLKEM_NOISE_MAX];
};
/* The hashes for count polynomials from nonce 0 on. What they draw is wiped by cx_mlkem_noise_end, which makes polynomials of it.
 */
void cx_mlkem_noise_begin(struct cx_mlkem_noise *noise, const uint8_t seed[MLKEM_HASH_BYTES], size_t count);
void cx_mlkem_noise_end(const struct cx_kernels *k, struct cx_mlkem_noise *noise, struct cx_mlkem_poly *p, size_t count);

/* ---- the portable kernel's functions: mlkem768_{ring,sample,code}.c ---- */

/* take_uniform, behind `have` coefficients that p has already; those count. */
size_t cx_mlkem_take_uniform(struct cx_mlkem_poly *p, size_t have, const uint8_t *bytes, size_t len);
void cx_mlkem_ntt(struct cx_mlkem_poly *p, size_t count);
void cx_mlkem_ntt_inverse(struct cx_mlkem_poly *p, size_t count);
void cx_mlkem_dot(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, size_t count, const struct cx_mlkem_vector *b);
void cx_mlkem_add(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b, size_t count);
void cx_mlkem_subtract_from(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b);
void cx_mlkem_canonical(struct cx_mlkem_poly *p, size_t count);
void cx_mlkem_binomial(struct cx_mlkem_poly *p, const uint8_t bytes[MLKEM_NOISE_BYTES]);
void cx_mlkem_encode(uint8_t out[MLKEM_VECTOR_BYTES], const struct cx_mlkem_vector *v);
void cx_mlkem_decode(struct cx_mlkem_vector *v, const uint8_t in[MLKEM_VECTOR_BYTES]);
bool cx_mlkem_is_canonical(const struct cx_mlkem_vector *v);
void cx_mlkem_encode_ciphertext(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u,
                                const struct cx_mlkem_poly *v);
void cx_mlkem_decode_ciphertext(struct cx_mlkem_vector *u, struct cx_mlkem_poly *v, const uint8_t in[CX_MLKEM768_CIPHERTEXT_BYTES]);
void cx_mlkem_encode_message(uint8_t out[CX_MLKEM768_MESSAGE_BYTES], const struct cx_mlkem_poly *p);
void cx_mlkem_decode_message(struct cx_mlkem_poly *p, const uint8_t in[CX_MLKEM768_MESSAGE_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/* Inside ML-KEM-768: the ring, sampling and the encodings of FIPS 203 section 4, each working on as many polynomials at once as
 * its caller has, so that vector units find work. Coefficients are in one of three states, named where they cross a function:
 *   reduced    -1664 to 1664
 *   small      less than q = 3329 in magnitude
 *   canonical  0 to q - 1 */
#ifndef CX_MLKEM768_PRIV_H
#define CX_MLKEM768_PRIV_H

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
};

struct cx_mlkem_poly {
    int16_t c[MLKEM_N];
};

struct cx_mlkem_vector {
    struct cx_mlkem_poly p[MLKEM_K];
};

struct cx_mlkem_matrix {
    struct cx_mlkem_vector row[MLKEM_K];
};

/* ---- mlkem768_ring.c: Z_q[x] / (x^256 + 1) ---- */

/* Algorithm 9, in place: small in, reduced out. */
void cx_mlkem_ntt(struct cx_mlkem_poly *p, size_t count);
/* Algorithm 10, in place: small in, small out. */
void cx_mlkem_ntt_inverse(struct cx_mlkem_poly *p, size_t count);
/* Algorithm 11, summed over the vectors: out = a . b in the transform's domain. Small in, small out. */
void cx_mlkem_dot(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, const struct cx_mlkem_vector *b);
/* a += b: small in, reduced out. */
void cx_mlkem_add(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b, size_t count);
/* a = b - a: small in, reduced out. */
void cx_mlkem_subtract_from(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b);
/* Small in, canonical out. */
void cx_mlkem_canonical(struct cx_mlkem_poly *p, size_t count);

/* ---- mlkem768_sample.c ---- */

/* A (Algorithm 13) out of rho, canonical and in the transform's domain; transposed for encryption. */
void cx_mlkem_sample_matrix(struct cx_mlkem_matrix *a, const uint8_t rho[MLKEM_HASH_BYTES], bool transposed);
/* count polynomials of the centred binomial distribution with eta = 2, from PRF(seed, nonce) on: small. */
void cx_mlkem_sample_noise(struct cx_mlkem_poly *p, size_t count, const uint8_t seed[MLKEM_HASH_BYTES], uint8_t nonce);

/* ---- mlkem768_code.c: ByteEncode and ByteDecode of section 4.2.1, with Compress and Decompress ---- */

/* Canonical in. */
void cx_mlkem_encode(uint8_t out[MLKEM_VECTOR_BYTES], const struct cx_mlkem_vector *v);
/* Any 12-bit values out. */
void cx_mlkem_decode(struct cx_mlkem_vector *v, const uint8_t in[MLKEM_VECTOR_BYTES]);
/* The modulus check of section 7.2 on decoded values, which are public. */
bool cx_mlkem_is_canonical(const struct cx_mlkem_vector *v);
/* u and v of a ciphertext: canonical in both ways. */
void cx_mlkem_encode_ciphertext(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u,
                                const struct cx_mlkem_poly *v);
void cx_mlkem_decode_ciphertext(struct cx_mlkem_vector *u, struct cx_mlkem_poly *v, const uint8_t in[CX_MLKEM768_CIPHERTEXT_BYTES]);
/* A message is one bit a coefficient: canonical in both ways. */
void cx_mlkem_encode_message(uint8_t out[CX_MLKEM768_MESSAGE_BYTES], const struct cx_mlkem_poly *p);
void cx_mlkem_decode_message(struct cx_mlkem_poly *p, const uint8_t in[CX_MLKEM768_MESSAGE_BYTES]);

#endif

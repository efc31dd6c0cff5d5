/* SPDX-License-Identifier: MIT */
/* ML-KEM's encodings: FIPS 203 section 4.2.1. Bits go from the lowest of the first byte upwards. */
#include "crypto/kex/ct_priv.h"
#include "crypto/kex/mlkem768_priv.h"

/* Division by q as a multiplication: 2^40 / q rounded up, exact for what compress has (a test tries every value). Written as a
 * division, it is one in the machine's code too where the compiler optimises for size, and its time tells the secret. */
static const uint64_t RECIPROCAL = 330282857;
enum { RECIPROCAL_SHIFT = 40 };

/* Compress_d: 2^d / q times x, rounded; canonical in. */
static inline uint16_t compress(int16_t x, unsigned d)
{
    uint64_t scaled = ((uint64_t)(uint16_t)x << d) + MLKEM_Q / 2;
    return (uint16_t)((scaled * RECIPROCAL >> RECIPROCAL_SHIFT) & ((1u << d) - 1));
}

/* Decompress_d: q / 2^d times x, rounded. */
static inline int16_t decompress(uint32_t x, unsigned d)
{
    return (int16_t)((x * MLKEM_Q + (1u << (d - 1))) >> d);
}

void cx_mlkem_encode(uint8_t out[MLKEM_VECTOR_BYTES], const struct cx_mlkem_vector *v)
{
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i += 2, out += 3) {
            uint16_t a = (uint16_t)v->p[k].c[i], b = (uint16_t)v->p[k].c[i + 1];
            out[0] = (uint8_t)a;
            out[1] = (uint8_t)(a >> 8 | b << 4);
            out[2] = (uint8_t)(b >> 4);
        }
}

void cx_mlkem_decode(struct cx_mlkem_vector *v, const uint8_t in[MLKEM_VECTOR_BYTES])
{
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i += 2, in += 3) {
            v->p[k].c[i] = (int16_t)(in[0] | (in[1] & 0x0f) << 8);
            v->p[k].c[i + 1] = (int16_t)(in[1] >> 4 | in[2] << 4);
        }
}

bool cx_mlkem_is_canonical(const struct cx_mlkem_vector *v)
{
    bool good = true;
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i++)
            good &= v->p[k].c[i] < MLKEM_Q;
    return good;
}

/* Four coefficients of 10 bits in five bytes. */
static void encode_u(uint8_t *out, const struct cx_mlkem_poly *p)
{
    for (size_t i = 0; i < MLKEM_N; i += 4, out += 5) {
        uint64_t bits = 0;
        for (unsigned j = 0; j < 4; j++)
            bits |= (uint64_t)compress(p->c[i + j], MLKEM_DU) << MLKEM_DU * j;
        for (unsigned j = 0; j < 5; j++)
            out[j] = (uint8_t)(bits >> 8 * j);
    }
}

static void decode_u(struct cx_mlkem_poly *p, const uint8_t *in)
{
    for (size_t i = 0; i < MLKEM_N; i += 4, in += 5) {
        uint64_t bits = 0;
        for (unsigned j = 0; j < 5; j++)
            bits |= (uint64_t)in[j] << 8 * j;
        for (unsigned j = 0; j < 4; j++)
            p->c[i + j] = decompress(bits >> MLKEM_DU * j & ((1u << MLKEM_DU) - 1), MLKEM_DU);
    }
}

void cx_mlkem_encode_ciphertext(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u,
                                const struct cx_mlkem_poly *v)
{
    for (size_t k = 0; k < MLKEM_K; k++, out += MLKEM_U_POLY_BYTES)
        encode_u(out, &u->p[k]);
    for (size_t i = 0; i < MLKEM_V_POLY_BYTES; i++)
        out[i] = (uint8_t)(compress(v->c[2 * i], MLKEM_DV) | compress(v->c[2 * i + 1], MLKEM_DV) << MLKEM_DV);
}

void cx_mlkem_decode_ciphertext(struct cx_mlkem_vector *u, struct cx_mlkem_poly *v, const uint8_t in[CX_MLKEM768_CIPHERTEXT_BYTES])
{
    for (size_t k = 0; k < MLKEM_K; k++, in += MLKEM_U_POLY_BYTES)
        decode_u(&u->p[k], in);
    for (size_t i = 0; i < MLKEM_V_POLY_BYTES; i++) {
        v->c[2 * i] = decompress(in[i] & 0x0f, MLKEM_DV);
        v->c[2 * i + 1] = decompress(in[i] >> 4, MLKEM_DV);
    }
}

void cx_mlkem_encode_message(uint8_t out[CX_MLKEM768_MESSAGE_BYTES], const struct cx_mlkem_poly *p)
{
    for (size_t i = 0; i < CX_MLKEM768_MESSAGE_BYTES; i++) {
        unsigned byte = 0;
        for (unsigned j = 0; j < 8; j++)
            byte |= (unsigned)compress(p->c[8 * i + j], 1) << j;
        out[i] = (uint8_t)byte;
    }
}

void cx_mlkem_decode_message(struct cx_mlkem_poly *p, const uint8_t in[CX_MLKEM768_MESSAGE_BYTES])
{
    for (size_t i = 0; i < MLKEM_N; i++)
        p->c[i] = (int16_t)(cx_ct_mask(in[i / 8] >> i % 8 & 1) & ((MLKEM_Q + 1) / 2));
}

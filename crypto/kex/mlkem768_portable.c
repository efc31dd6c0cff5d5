/* SPDX-License-Identifier: MIT */
/* ML-KEM's kernel of portable C, whose loops compilers turn into their vector instructions where they can. */
#include "crypto/kex/mlkem768_priv.h"

static size_t take_uniform(struct cx_mlkem_poly *p, const uint8_t *bytes, size_t len)
{
    return cx_mlkem_take_uniform(p, 0, bytes, len);
}

const struct cx_mlkem_kernel cx_mlkem_portable = {
    .kernel = { .name = "portable" },
    .ntt = cx_mlkem_ntt,
    .ntt_inverse = cx_mlkem_ntt_inverse,
    .dot = cx_mlkem_dot,
    .add = cx_mlkem_add,
    .subtract_from = cx_mlkem_subtract_from,
    .canonical = cx_mlkem_canonical,
    .take_uniform = take_uniform,
    .binomial = cx_mlkem_binomial,
    .encode = cx_mlkem_encode,
    .decode = cx_mlkem_decode,
    .is_canonical = cx_mlkem_is_canonical,
    .encode_ciphertext = cx_mlkem_encode_ciphertext,
    .decode_ciphertext = cx_mlkem_decode_ciphertext,
    .encode_message = cx_mlkem_encode_message,
    .decode_message = cx_mlkem_decode_message,
};

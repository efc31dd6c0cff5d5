/* SPDX-License-Identifier: MIT */
#include "mux/transport/exchange_hash.h"

enum cx_err mux_exchange_hash(const struct mux_kex_inputs *in, struct cx_view k_s, uint8_t h[CX_HASH_MAX_BYTES])
{
    struct cx_hash hash;
    enum cx_err err = cx_hash_begin(&hash, in->kex->hash);
    if (err != CX_OK)
        return err;
    cx_hash_add_string(&hash, in->v_c);
    cx_hash_add_string(&hash, in->v_s);
    cx_hash_add_string(&hash, in->i_c);
    cx_hash_add_string(&hash, in->i_s);
    cx_hash_add_string(&hash, k_s);
    cx_hash_add_string(&hash, in->q_c);
    cx_hash_add_string(&hash, in->q_s);
    cx_hash_add(&hash, in->k);
    return cx_hash_end(&hash, h);
}

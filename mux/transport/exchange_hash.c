/* SPDX-License-Identifier: MIT */
#include "mux/transport/exchange_hash.h"

#include "crypto/wire.h"

/* RFC 4419 section 3: what was asked for, and what was given. */
static void add_group(struct cx_hash *hash, const struct mux_kex_inputs *in)
{
    uint8_t bits[12];
    cx_store_u32(bits, in->gex.min);
    cx_store_u32(bits + 4, in->gex.preferred);
    cx_store_u32(bits + 8, in->gex.max);
    cx_hash_add(hash, cx_view(bits, sizeof bits));
    cx_hash_add_string(hash, in->gex.prime);
    cx_hash_add_string(hash, in->gex.generator);
}

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
    if (in->gex.prime.len > 0)
        add_group(&hash, in);
    cx_hash_add_string(&hash, in->q_c);
    cx_hash_add_string(&hash, in->q_s);
    cx_hash_add(&hash, in->k);
    return cx_hash_end(&hash, h);
}

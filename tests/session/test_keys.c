/* SPDX-License-Identifier: MIT */
/* The keys that an exchange yields, derived once more here: RFC 4253 section 7.2. */
#include <criterion/criterion.h>

#include "inject.h"
#include "mux/transport/exchange_hash.h"

struct inputs {
    const struct cx_kex *kex;
    uint8_t k[CX_KEX_SHARED_MAX], h[CX_HASH_MAX_BYTES];
    size_t k_len, h_len;
};

/* K1 = HASH(K || H || letter || session id), K2 = HASH(K || H || K1), K3 = HASH(K || H || K1 || K2). */
static void derive(const struct inputs *in, char letter, struct cx_view id, uint8_t *out, size_t len)
{
    uint8_t made[4 * CX_HASH_MAX_BYTES];
    for (size_t have = 0; have < len; have += in->h_len) {
        struct cx_hash hash;
        cr_assert_eq(cx_hash_begin(&hash, in->kex->hash), CX_OK);
        cx_hash_add(&hash, cx_view(in->k, in->k_len));
        cx_hash_add(&hash, cx_view(in->h, in->h_len));
        cx_hash_add(&hash, have == 0 ? cx_view(&letter, 1) : cx_view(made, have));
        if (have == 0)
            cx_hash_add(&hash, id);
        cr_assert_eq(cx_hash_end(&hash, made + have), CX_OK);
    }
    memcpy(out, made, len);
}

/* Takes the server's inputs before the signature is handed in, since they are wiped then. */
static void hold(struct pair *p, struct inputs *in)
{
    p->server.hold_signature = true;
    (void)pair_run(p, 20);
    struct mux_kex *k = p->server.session->kex;
    cr_assert(p->server.session->waiting_signature);
    in->kex = k->method;
    in->k_len = k->k.len;
    memcpy(in->k, k->k.bytes, k->k.len);
}

static void sign(struct pair *p, struct inputs *in)
{
    struct mux_session *s = p->server.session;
    struct mux_kex *k = s->kex;
    struct cx_view v_c = mux_session_peer_ident(s), v_s = mux_session_peer_ident(p->client.session);
    struct mux_kex_inputs inputs = { k->method,
                                     v_c,
                                     v_s,
                                     cx_view(k->peer_init, k->peer_init_len),
                                     cx_view(k->our_init, k->our_init_len),
                                     cx_view(k->c.bytes, k->c.len),
                                     cx_view(k->s.bytes, k->s.len),
                                     cx_view(k->k.bytes, k->k.len) };
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    in->h_len = cx_hash_len(k->method->hash);
    cr_assert_eq(mux_exchange_hash(&inputs, p->host_key.blob, in->h), CX_OK);
    cr_assert_eq(cx_private_key_sign(p->host_private, k->host_alg, cx_view(in->h, in->h_len), signature, &len), CX_OK);
    mux_session_signature(s, cx_view(signature, len));
}

static void check_direction(const struct pair *p, const struct inputs *in, bool to_server)
{
    const struct mux_session *s = p->server.session;
    const struct cx_packet_key *key = to_server ? &s->kex->next_in : &s->kex->next_out;
    struct cx_view id = mux_session_id(s);
    uint8_t expected[CX_PACKET_KEY_MAX];
    derive(in, to_server ? 'A' : 'B', id, expected, key->cipher->iv_len);
    cr_assert_eq(memcmp(key->iv, expected, key->cipher->iv_len), 0);
    derive(in, to_server ? 'C' : 'D', id, expected, key->cipher->key_len);
    cr_assert_eq(memcmp(key->key, expected, key->cipher->key_len), 0);
    if (!key->mac)
        return;
    derive(in, to_server ? 'E' : 'F', id, expected, key->mac->key_len);
    cr_assert_eq(memcmp(key->mac_key, expected, key->mac->key_len), 0);
}

Test(keys, are_those_of_the_rfc_for_every_suite_and_rekey)
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    for (size_t c = 0; (cipher = cx_cipher_at(c)); c++)
        for (size_t m = 0; (mac = cx_mac_at(m)); m++) {
            struct pair *p = pair_new(cipher->name, mac->name, NULL, CX_KEY_ED25519);
            uint8_t first_id[CX_HASH_MAX_BYTES];
            struct inputs in;
            for (int i = 0; i < 2; i++) {
                hold(p, &in);
                sign(p, &in);
                if (i == 0)
                    memcpy(first_id, in.h, in.h_len);
                cr_assert(cx_view_equal(mux_session_id(p->server.session), cx_view(first_id, in.h_len)));
                check_direction(p, &in, true);
                check_direction(p, &in, false);
                /* the shared secret is gone once the keys are there */
                cr_assert_eq(p->server.session->kex->k.len, 0);
                p->server.hold_signature = false;
                cr_assert(pair_run(p, 100));
                mux_session_rekey(p->client.session);
            }
            pair_free(p);
        }
}

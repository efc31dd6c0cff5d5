/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "pair.h"

Test(session, handshake_survives_any_split)
{
    uint64_t hash = 0;
    for (size_t chunk = 1; chunk <= 64; chunk++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(pair_handshake(p, chunk), "chunk=%zu client=%d server=%d", chunk, p->client.err, p->server.err);
        cr_assert(hash == 0 || hash == p->hash, "chunk=%zu gives other events", chunk);
        hash = p->hash;
        pair_free(p);
    }
}

Test(session, every_suite_connects_and_rekeys)
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++) {
        for (size_t j = 0; (mac = cx_mac_at(j)); j++) {
            struct pair *p = pair_new(cipher->name, mac->name, NULL, CX_KEY_ED25519);
            cr_assert(pair_handshake(p, 1000), "%s %s", cipher->name, mac->name);
            uint32_t ch = pair_open(p);
            pair_send(&p->client, ch, 100000, true);
            cr_assert(pair_run(p, 1000));
            mux_session_rekey(p->client.session);
            cr_assert(pair_run(p, 1000));
            struct pair_stream *peer = pair_peer(p, ch);
            cr_assert(peer && peer->received == 100000 && !peer->corrupt && peer->eof, "%s %s", cipher->name, mac->name);
            cr_assert_eq(p->client.keyed, 2);
            pair_free(p);
        }
    }
}

Test(session, every_kex_and_host_key_type_connects)
{
    const struct cx_kex *kex;
    for (size_t i = 0; (kex = cx_kex_at(i)); i++)
        for (int type = 0; type < CX_KEY_PRIVATE_COUNT; type++) {
            struct pair *p = pair_new(NULL, NULL, kex->name, type);
            cr_assert(pair_handshake(p, SIZE_MAX), "%s type %d: %d %d", kex->name, type, p->client.err, p->server.err);
            cr_assert(p->client.strict && p->server.strict);
            pair_free(p);
        }
}

Test(session, refused_host_key_disconnects_with_its_reason)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->accept_host_key = false;
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->client.err, MUX_E_HOST_KEY);
    cr_assert_eq(p->server.disconnect_reason, 9);
    cr_assert_eq(p->server.err, MUX_E_PEER_LEFT);
    pair_free(p);
}

Test(session, nothing_in_common_disconnects)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->client.config.ciphers = "aes256-ctr";
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->server.err, MUX_E_NEGOTIATION);
    cr_assert_eq(p->client.err, MUX_E_NEGOTIATION);
    pair_free(p);
}

Test(session, login_that_fails_by_every_method_leaves_the_connection_alive)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->accept_auth = false;
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->client.events[MUX_EV_AUTH_FAILURE], 4); /* none, key, prompts, password */
    cr_assert_eq(p->client.err, MUX_OK);
    cr_assert_eq(p->server.err, MUX_OK);
    pair_free(p);
}

Test(session, waits_for_signature_and_verdict)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    p->server.hold_signature = true;
    cr_assert(pair_run(p, 100));
    cr_assert(mux_session_blocked(p->server.session));
    cr_assert_eq(p->client.keyed, 0);
    mux_session_signature(p->server.session, cx_view("", 0));
    cr_assert(pair_run(p, 100));
    cr_assert_eq(p->server.err, MUX_E_KEX);
    pair_free(p);
}

/* SPDX-License-Identifier: MIT */
/* Whole connections, with rekeys by either side in the middle of data, of which no nonce and no key stream serves twice: nonces.c
 * sees every packet, and fails the test where one does. Also where strict KEX is not agreed on, and numbers go on. */
#include <criterion/criterion.h>

#include "mux/session_priv.h"
#include "nonces.h"
#include "pair.h"

enum { BYTES = 150000, REKEYS = 4 };

static const struct {
    const char *cipher, *mac;
} suites[] = {
    { "aes128-gcm@openssh.com", NULL },        { "aes256-gcm@openssh.com", NULL },
    { "chacha20-poly1305@openssh.com", NULL }, { "aes128-ctr", "hmac-sha2-256-etm@openssh.com" },
    { "aes256-ctr", "hmac-sha2-512" },         { "aes192-ctr", "umac-64-etm@openssh.com" },
    { "aes256-ctr", "umac-128@openssh.com" },
};

static void talk(size_t suite, bool strict, size_t chunk)
{
    struct pair *p = pair_new(suites[suite].cipher, suites[suite].mac, NULL, CX_KEY_ED25519);
    p->client.config.rekey_bytes = 10000;
    p->server.config.rekey_packets = 16;
    p->area = 34 * 1024;
    cr_assert(pair_handshake(p, chunk));
    cr_assert(p->client.session->strict && p->server.session->strict);
    p->client.session->strict = p->server.session->strict = strict;
    uint32_t ch = pair_open(p);
    cr_assert(pair_run(p, 1000));
    pair_send(&p->client, ch, BYTES, true);
    pair_send(&p->server, pair_peer(p, ch)->channel, BYTES, true);
    cr_assert(pair_run(p, 100000));
    cr_assert_eq(p->client.stream[ch].received, BYTES);
    cr_assert_gt(p->client.keyed, REKEYS, "%s: %u rekeys", suites[suite].cipher, p->client.keyed);
    cr_assert_gt(nonces_seen()->keys, 2 * REKEYS);
    cr_assert_gt(nonces_seen()->blocks, 2 * BYTES / 17);
    cr_assert_eq(nonces_seen()->sealed, nonces_seen()->opened);
    pair_free(p);
}

Test(nonces, of_connections_with_rekeys_serve_once)
{
    static const size_t chunks[] = { 21, 1000, SIZE_MAX };
    for (size_t suite = 0; suite < sizeof suites / sizeof *suites; suite++) {
        for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
            talk(suite, true, chunks[i]);
            nonces_forget(); /* the seeds of the next connection are the same */
            talk(suite, false, chunks[i]);
            nonces_forget();
        }
    }
}

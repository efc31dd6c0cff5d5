/* SPDX-License-Identifier: MIT */
/* KEXINIT: what is chosen out of two lists, guesses, markers, and strict KEX. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "inject.h"

static const char DEFAULTS[] = "curve25519-sha256,ecdh-sha2-nistp256";

/* ---- what is chosen ---- */

struct lists {
    const char *client, *server, *chosen; /* NULL: nothing in common */
};

static const struct lists cipher_lists[] = {
    { "aes128-ctr,aes256-ctr", "aes256-ctr,aes128-ctr", "aes128-ctr" },
    { "aes256-gcm@openssh.com,aes128-ctr", "aes128-ctr", "aes128-ctr" },
    { "aes128-ctr", "aes128-gcm@openssh.com", NULL },
    { "nonsense,,aes192-ctr", "aes192-ctr", "aes192-ctr" },
    { "aes128", "aes128-ctr", NULL },
    { "", "aes128-ctr", NULL },
};

struct seen {
    const char *kex, *cipher, *mac;
};

static struct seen chosen_by(const struct pair_side *side)
{
    const struct mux_kex *k = side->session->kex;
    return (struct seen){ k->method->name, k->cipher_out->name, k->mac_out ? k->mac_out->name : NULL };
}

Test(negotiation, takes_the_clients_first_that_the_server_has)
{
    for (size_t i = 0; i < sizeof cipher_lists / sizeof cipher_lists[0]; i++) {
        const struct lists *l = &cipher_lists[i];
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        p->client.config.ciphers = l->client;
        p->server.config.ciphers = l->server;
        pair_start(p);
        (void)pair_produce(p, &p->client);
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, l->chosen ? MUX_OK : MUX_E_NEGOTIATION, "row %zu", i);
        if (l->chosen) {
            cr_assert_str_eq(chosen_by(&p->server).cipher, l->chosen);
            cr_assert(pair_handshake(p, SIZE_MAX), "row %zu", i);
        } else {
            /* it hears our offer in front of the DISCONNECT, and so can name what is missing */
            cr_assert(pair_produce(p, &p->server));
            (void)pair_feed(p, &p->client);
            cr_assert_eq(p->client.err, MUX_E_NEGOTIATION);
        }
        pair_free(p);
    }
}

Test(negotiation, an_aead_needs_no_mac_in_common)
{
    struct pair *p = pair_new("aes128-gcm@openssh.com", NULL, NULL, CX_KEY_ED25519);
    p->client.config.macs = "hmac-sha2-256";
    p->server.config.macs = "hmac-sha2-512";
    cr_assert(pair_handshake(p, SIZE_MAX));
    pair_free(p);
    p = pair_new("aes128-ctr", NULL, NULL, CX_KEY_ED25519);
    p->client.config.macs = "hmac-sha2-256";
    p->server.config.macs = "hmac-sha2-512";
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->server.err, MUX_E_NEGOTIATION);
    pair_free(p);
}

Test(negotiation, a_server_offers_what_its_keys_can_sign)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ECDSA_P256);
    p->client.config.host_key_algs = "ssh-ed25519";
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->server.err, MUX_E_NEGOTIATION);
    pair_free(p);
}

/* ---- a KEXINIT made by hand ---- */

struct init {
    const char *kex, *host_key, *compression;
    unsigned follows;
};

static void send_init(struct pair *p, struct pair_side *from, struct init i)
{
    static const uint8_t cookie_bytes[16];
    struct cx_view cookie = cx_view(cookie_bytes, sizeof cookie_bytes);
    const char *ciphers = from->config.ciphers, *macs = from->config.macs;
    const char *compression = i.compression ? i.compression : "none";
    inject(p, from, "brssssssssssbu", MUX_MSG_KEXINIT, &cookie, i.kex, i.host_key ? i.host_key : "ssh-ed25519", ciphers, ciphers,
           macs, macs, compression, compression, "", "", i.follows, 0u);
}

/* A server that has heard the client's identification. */
static struct pair *fresh(void)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_INIT));
    return p;
}

static const uint8_t base_point[32] = { 9 };

static void send_public(struct pair *p, size_t len)
{
    struct cx_view q = cx_view(base_point, len);
    inject(p, &p->client, "bur", MUX_MSG_KEX_INIT, (uint32_t)len, &q);
}

Test(negotiation, right_guess_is_used_and_a_wrong_one_dropped)
{
    /* a guess is right if both lists begin alike, whatever is chosen in the end */
    static const struct {
        const char *kex, *host_key;
        bool right;
    } rows[] = {
        { DEFAULTS, "ssh-ed25519", true },
        { "ecdh-sha2-nistp256,curve25519-sha256", "ssh-ed25519", false },
        { "nonsense,curve25519-sha256", "ssh-ed25519", false },
        { DEFAULTS, "ecdsa-sha2-nistp256,ssh-ed25519", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = fresh();
        send_init(p, &p->client, (struct init){ rows[i].kex, rows[i].host_key, NULL, 1 });
        p->server.hold_signature = true;
        send_public(p, rows[i].right ? 32 : 7);
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, MUX_OK, "row %zu", i);
        cr_assert_eq(p->server.session->waiting_signature, rows[i].right, "row %zu", i);
        if (!rows[i].right && strncmp(rows[i].kex, "ecdh", 4) != 0) {
            send_public(p, 32);
            (void)pair_feed(p, &p->server);
            cr_assert(p->server.session->waiting_signature, "row %zu", i);
        }
        pair_free(p);
    }
}

Test(negotiation, only_one_packet_of_the_exchange_is_dropped_after_a_wrong_guess)
{
    struct pair *p = fresh();
    send_init(p, &p->client, (struct init){ "nonsense,curve25519-sha256", NULL, NULL, 1 });
    inject(p, &p->client, "bz", MUX_MSG_IGNORE, 3);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_ILLEGAL);
    pair_free(p);
    p = fresh();
    send_init(p, &p->client, (struct init){ "nonsense,curve25519-sha256", NULL, NULL, 1 });
    send_public(p, 7);
    send_public(p, 7);
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_KEX);
    pair_free(p);
}

Test(negotiation, markers_are_no_methods)
{
    static const char *const lists[] = { "kex-strict-s-v00@openssh.com", "kex-strict-c-v00@openssh.com,ext-info-c", "" };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct pair *p = fresh();
        send_init(p, &p->client, (struct init){ .kex = lists[i] });
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, MUX_E_NEGOTIATION, "list %zu", i);
        cr_assert(inject_disconnects(p, &p->server));
        pair_free(p);
    }
}

Test(negotiation, compression_must_be_had_in_common)
{
    struct pair *p = fresh();
    send_init(p, &p->client, (struct init){ .kex = DEFAULTS, .compression = "zlib" });
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_E_NEGOTIATION);
    pair_free(p);
}

Test(negotiation, lists_longer_than_the_limit_are_malformed)
{
    static char endless[MUX_NAME_LIST_MAX + 2];
    memset(endless, ',', sizeof endless - 1);
    for (size_t over = 0; over < 2; over++) {
        struct pair *p = fresh();
        memcpy(endless, DEFAULTS, sizeof DEFAULTS - 1);
        endless[MUX_NAME_LIST_MAX + over] = 0;
        send_init(p, &p->client, (struct init){ .kex = endless });
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, over ? MUX_E_MALFORMED : MUX_OK);
        endless[MUX_NAME_LIST_MAX + over] = ',';
        pair_free(p);
    }
}

/* ---- strict KEX ---- */

static const char STRICT[] = "curve25519-sha256,kex-strict-c-v00@openssh.com";

Test(strict, kexinit_must_be_the_first_packet)
{
    for (int strict = 0; strict < 2; strict++) {
        struct pair *p = fresh();
        inject(p, &p->client, "bz", MUX_MSG_IGNORE, 3);
        send_init(p, &p->client, (struct init){ .kex = strict ? STRICT : DEFAULTS });
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, strict ? MUX_E_STRICT_KEX : MUX_OK);
        pair_free(p);
    }
}

Test(strict, takes_either_pair_of_names_but_no_mixed_one)
{
    static const struct {
        const char *marker;
        bool strict;
    } rows[] = {
        { "kex-strict-c", true },  { "kex-strict-c-v00@openssh.com", true },  { "kex-strict-c,kex-strict-c-v00@openssh.com", true },
        { "kex-strict-s", false }, { "kex-strict-s-v00@openssh.com", false }, { "kex-strict-c-v01@openssh.com", false }
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = fresh();
        char kex[128];
        (void)snprintf(kex, sizeof kex, "curve25519-sha256,%s", rows[i].marker);
        send_init(p, &p->client, (struct init){ .kex = kex });
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, MUX_OK);
        cr_assert_eq(p->server.session->strict, rows[i].strict, "row %zu", i);
        pair_free(p);
    }
}

/* Our KEXINIT's first list, as a C string. */
static void offered(const struct mux_session *s, char out[512])
{
    struct cx_reader r = cx_reader(cx_view(s->kex->our_init + 17, s->kex->our_init_len - 17));
    struct cx_view list = cx_reader_string(&r);
    cr_assert(cx_reader_ok(&r) && list.len < 512);
    memcpy(out, list.data, list.len);
    out[list.len] = '\0';
}

Test(strict, server_names_what_the_client_may_know_once_it_has_said_who_it_is)
{
    static const struct {
        const char *client;
        bool both;
    } rows[] = { { "dropbear_2022.83", true },
                 { "OpenSSH", true },
                 { "PuTTY_Release_0.78", true },
                 { "OpenSSH_10.5", false },
                 { "OpenSSH_8.2 x", false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char list[512];
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        p->client.config.software = rows[i].client;
        pair_start(p);
        cr_assert_null(p->server.session->kex->our_init);
        cr_assert(pair_produce(p, &p->server));
        cr_assert_not(mux_session_owes(p->server.session), "nothing but its own identification");
        (void)pair_produce(p, &p->client);
        (void)pair_feed(p, &p->server);
        offered(p->server.session, list);
        cr_assert(strstr(list, ",kex-strict-s-v00@openssh.com"), "row %zu", i);
        cr_assert_eq(strstr(list, ",kex-strict-s,") != NULL, rows[i].both, "row %zu", i);
        cr_assert(pair_handshake(p, SIZE_MAX));
        cr_assert(p->client.strict && p->server.strict, "row %zu", i);
        pair_free(p);
    }
}

Test(strict, a_name_that_was_not_offered_makes_no_pair)
{
    static const char *const markers[] = { "kex-strict-c", "kex-strict-c-v00@openssh.com" };
    for (size_t i = 0; i < 2; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        p->client.config.software = "OpenSSH_10.5";
        cr_assert(inject_reach(p, &p->server, PH_INIT));
        char kex[128];
        (void)snprintf(kex, sizeof kex, "curve25519-sha256,%s", markers[i]);
        send_init(p, &p->client, (struct init){ .kex = kex });
        (void)pair_feed(p, &p->server);
        cr_assert_eq(p->server.err, MUX_OK);
        cr_assert_eq(p->server.session->strict, i == 1, "%s", markers[i]);
        pair_free(p);
    }
}

Test(strict, nothing_that_is_passed_over_may_stand_inside_the_first_exchange)
{
    static const uint8_t numbers[] = { MUX_MSG_IGNORE, MUX_MSG_UNIMPLEMENTED, MUX_MSG_DEBUG };
    for (size_t i = 0; i < sizeof numbers; i++)
        for (int strict = 0; strict < 2; strict++) {
            struct pair *p = fresh();
            send_init(p, &p->client, (struct init){ .kex = strict ? STRICT : DEFAULTS });
            inject(p, &p->client, "bz", numbers[i], 0);
            (void)pair_feed(p, &p->server);
            cr_assert_eq(p->server.err, strict ? MUX_E_STRICT_KEX : MUX_OK, "message %d", numbers[i]);
            if (strict)
                cr_assert(inject_disconnects(p, &p->server));
            pair_free(p);
        }
}

Test(strict, sequence_numbers_begin_anew_behind_each_newkeys)
{
    struct pair *p = pair_new("chacha20-poly1305@openssh.com", NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_SERVICE));
    cr_assert(p->server.session->strict && p->client.session->strict);
    cr_assert_eq(p->server.session->in.seq, 0);
    cr_assert(pair_handshake(p, SIZE_MAX));
    for (int i = 0; i < 3; i++) {
        mux_session_rekey(p->client.session);
        cr_assert(pair_run(p, 100));
        cr_assert_leq(p->server.session->in.seq, 2);
        cr_assert_leq(p->client.session->in.seq, 2);
        cr_assert_eq(p->server.session->in.seq, p->client.session->out.seq);
        cr_assert_eq(p->client.session->in.seq, p->server.session->out.seq);
    }
    pair_free(p);
}

Test(strict, without_it_sequence_numbers_go_on_and_sessions_still_talk)
{
    struct pair *p = pair_new("chacha20-poly1305@openssh.com", NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_KEX_FIRST));
    p->server.session->strict = false; /* as if neither had named its marker */
    cr_assert(inject_reach(p, &p->client, PH_KEX_FIRST));
    p->client.session->strict = false;
    cr_assert(pair_handshake(p, SIZE_MAX));
    mux_session_rekey(p->client.session);
    cr_assert(pair_run(p, 100));
    cr_assert_gt(p->server.session->in.seq, 5);
    cr_assert_eq(p->server.keyed, 2);
    pair_free(p);
}

Test(strict, markers_of_a_rekey_change_nothing)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(pair_handshake(p, SIZE_MAX));
    p->server.session->strict = false;
    send_init(p, &p->client, (struct init){ .kex = STRICT });
    (void)pair_feed(p, &p->server);
    cr_assert_eq(p->server.err, MUX_OK);
    cr_assert_not(p->server.session->strict);
    pair_free(p);
}

/* ---- the server's reply, seen by a client ---- */

Test(negotiation, a_reply_with_a_wrong_signature_or_value_ends_in_key_exchange_failed)
{
    static const char *const lengths[] = { "short", "" };
    for (size_t i = 0; i < 2; i++) {
        struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
        cr_assert(inject_reach(p, &p->client, PH_KEX_FIRST));
        (void)pair_produce(p, &p->client);
        inject(p, &p->server, "bsss", MUX_MSG_KEX_REPLY, "blob", lengths[i], "signature");
        (void)pair_feed(p, &p->client);
        cr_assert_eq(p->client.err, MUX_E_KEX);
        cr_assert(inject_disconnects(p, &p->client));
        pair_free(p);
    }
}

Test(negotiation, a_signature_by_another_host_key_is_refused)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    struct cx_private_key *real = p->host_private;
    p->host_private = p->user_private; /* signs, while the blob sent stays the real one */
    cr_assert_not(pair_handshake(p, SIZE_MAX));
    cr_assert_eq(p->client.err, MUX_E_KEX);
    cr_assert_eq(p->client.events[MUX_EV_HOST_KEY], 0);
    p->host_private = real;
    pair_free(p);
}

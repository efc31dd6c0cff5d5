/* SPDX-License-Identifier: MIT */
/* Host keys that a CA has certified, in the exchange: OpenSSH PROTOCOL.certkeys. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "certify.h"
#include "inject.h"
#include "mux/connection/host_keys.h"

struct fixture {
    struct pair *p;
    struct cx_private_key *ca;
    uint8_t room[CX_CERTIFICATE_MAX + 1024];
};

/* A pair of which both sides name one algorithm; the server's key is certified by a CA of its own. */
static void init(struct fixture *f, const char *algs, enum cx_key_type type, enum cx_certificate_kind kind,
                 struct cx_view principals)
{
    f->p = pair_new(NULL, NULL, NULL, type);
    cr_assert_eq(cx_private_key_generate(CX_KEY_ED25519, &f->ca), CX_OK);
    f->p->host_key.certificate = certify((struct cx_span){ f->room, sizeof f->room }, f->p->host_private, kind, principals, f->ca);
    f->p->client.config.host_key_algs = f->p->server.config.host_key_algs = algs;
}

static void deinit(struct fixture *f)
{
    pair_free(f->p);
    cx_private_key_free(f->ca);
}

static const struct cx_view nobody = { (const uint8_t *)"", 0 };

Test(host_certificates, are_shown_in_every_exchange_and_logins_are_bound_to_them, .timeout = 60)
{
    const struct cx_sign_alg *alg;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++) {
        struct fixture f;
        if (!alg->certificate || alg->type >= CX_KEY_PRIVATE_COUNT)
            continue;
        init(&f, alg->name, alg->type, CX_CERTIFICATE_HOST, nobody);
        cr_assert(pair_handshake(f.p, SIZE_MAX), "%s", alg->name);
        cr_assert(f.p->client.session->peer_takes_hostbound);
        mux_session_rekey(f.p->client.session);
        cr_assert(pair_run(f.p, 100));
        cr_assert_eq(f.p->client.keyed, 2, "%s", alg->name);
        cr_assert_eq(f.p->server.session->host_alg, alg);
        cr_assert(cx_view_equal(mux_session_host_key(f.p->client.session), f.p->host_key.certificate));
        cr_assert(cx_view_equal(mux_session_host_key(f.p->server.session), f.p->host_key.certificate));
        deinit(&f);
    }
}

Test(host_certificates, are_offered_only_by_a_server_that_has_one)
{
    static const char both[] = "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519";
    for (int has = 0; has < 2; has++) {
        struct fixture f;
        init(&f, both, CX_KEY_ED25519, CX_CERTIFICATE_HOST, nobody);
        if (!has)
            f.p->host_key.certificate.len = 0;
        cr_assert(pair_handshake(f.p, SIZE_MAX));
        cr_assert_eq(f.p->server.session->host_alg->certificate, has != 0);
        deinit(&f);
        init(&f, both, CX_KEY_ED25519, CX_CERTIFICATE_HOST, nobody);
        f.p->client.config.host_key_algs = "ssh-ed25519-cert-v01@openssh.com";
        if (!has)
            f.p->host_key.certificate.len = 0;
        cr_assert_eq(pair_handshake(f.p, SIZE_MAX), has != 0);
        cr_assert_eq(f.p->server.err, has ? MUX_OK : MUX_E_NEGOTIATION);
        deinit(&f);
    }
}

Test(host_certificates, that_are_not_for_hosts_or_not_signed_by_their_ca_are_refused)
{
    for (int forged = 0; forged < 2; forged++) {
        struct fixture f;
        init(&f, "ssh-ed25519-cert-v01@openssh.com", CX_KEY_ED25519, forged ? CX_CERTIFICATE_HOST : CX_CERTIFICATE_USER, nobody);
        if (forged)
            f.room[f.p->host_key.certificate.len - 1] ^= 1;
        cr_assert_not(pair_handshake(f.p, SIZE_MAX));
        cr_assert_eq(f.p->client.err, MUX_E_KEX);
        cr_assert_eq(f.p->client.events[MUX_EV_HOST_KEY], 0);
        deinit(&f);
    }
}

/* So many bytes of names of a hundred bytes each. */
static struct cx_view names(uint8_t *out, size_t room)
{
    char name[101];
    memset(name, 'n', 100);
    name[100] = '\0';
    struct cx_writer w = cx_writer((struct cx_span){ out, room });
    while (w.used + 104 <= room)
        cx_writer_text(&w, name);
    return cx_writer_view(&w);
}

Test(host_certificates, of_many_names_pass_up_to_the_cap)
{
    static uint8_t room[CX_CERTIFICATE_MAX];
    for (int too_long = 0; too_long < 2; too_long++) {
        struct fixture f;
        init(&f, "ssh-ed25519-cert-v01@openssh.com", CX_KEY_ED25519, CX_CERTIFICATE_HOST,
             names(room, CX_CERTIFICATE_MAX - (too_long ? 0 : 600)));
        cr_assert_eq(f.p->host_key.certificate.len > CX_CERTIFICATE_MAX, too_long);
        cr_assert_eq(pair_handshake(f.p, SIZE_MAX), !too_long);
        cr_assert_eq(f.p->client.err, too_long ? MUX_E_MALFORMED : MUX_OK);
        deinit(&f);
    }
}

Test(host_certificates, leave_proofs_to_the_plain_key_under_the_hash_that_was_negotiated)
{
    struct fixture f;
    init(&f, "rsa-sha2-256-cert-v01@openssh.com", CX_KEY_RSA, CX_CERTIFICATE_HOST, nobody);
    f.p->client.config.software = "OpenSSH_9.9";
    f.p->server.config.announce_host_keys = true;
    cr_assert(pair_handshake(f.p, SIZE_MAX));
    uint8_t bytes[CX_KEY_BLOB_MAX + 4];
    struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_string(&w, f.p->host_key.blob);
    cr_assert(mux_session_global_request(f.p->client.session, "hostkeys-prove-00@openssh.com", true, cx_writer_view(&w)));
    f.p->server.hold_proofs = true;
    struct mux_event ev = inject_pass(f.p, &f.p->client);
    cr_assert_eq(ev.kind, MUX_EV_PROVE);
    cr_assert_str_eq(ev.prove.key[0].alg->name, "rsa-sha2-256");
    deinit(&f);
}

/* SPDX-License-Identifier: MIT */
/* Logins with certificates and security keys, as the server role reports them. */
#include <criterion/criterion.h>

#include "certify.h"
#include "inject.h"

#define CERTIFICATE "ssh-ed25519-cert-v01@openssh.com"
#define SECURITY_KEY "sk-ssh-ed25519@openssh.com"

static struct cx_view bytes_of(const struct cx_writer *w)
{
    cr_assert(cx_writer_ok(w));
    return cx_writer_view(w);
}

static struct cx_view fields_of(const struct cx_private_key *key)
{
    struct cx_reader r = cx_reader(cx_private_key_blob(key));
    cx_reader_string(&r);
    return r.left;
}

/* The 64 bytes of an Ed25519 signature as a string. */
static void write_signature(struct cx_writer *w, const struct cx_private_key *key, struct cx_view data)
{
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    cr_assert_eq(cx_private_key_sign(key, cx_sign_alg_find(cx_view_text("ssh-ed25519")), data, signature, &len), CX_OK);
    struct cx_reader r = cx_reader(cx_view(signature, len));
    cx_reader_string(&r);
    cx_writer_raw(w, r.left);
}

/* The user's key, certified by the pair's host key. */
static struct cx_view certificate(struct cx_span room, const struct pair *p, enum cx_certificate_kind kind)
{
    return certify(room, p->user_private, kind, cx_view("", 0), p->host_private);
}

/* PROTOCOL.u2f: what stands in data's stead. */
static void write_touched(struct cx_writer *w, struct cx_view data, uint8_t flags)
{
    struct cx_view parts[] = { cx_view_text("ssh:"), data };
    for (size_t i = 0; i < 2; i++) {
        struct cx_hash h;
        uint8_t digest[CX_HASH_MAX_BYTES];
        cr_assert_eq(cx_hash_begin(&h, CX_SHA256), CX_OK);
        cx_hash_add(&h, parts[i]);
        cr_assert_eq(cx_hash_end(&h, digest), CX_OK);
        cx_writer_raw(w, cx_view(digest, cx_hash_len(CX_SHA256)));
        if (i == 0) {
            cx_writer_u8(w, flags);
            cx_writer_u32(w, 7);
        }
    }
}

/* Sends a signed request for this blob; touch: the flags of a security key, or -1. What the server made of it. */
static struct mux_event login(struct pair *p, const char *alg, struct cx_view blob, int touch)
{
    uint8_t body[2048], data[2200], signature[512], message[256];
    struct cx_view id = mux_session_id(p->server.session);
    size_t n = inject_build(body, sizeof body, "bsssbsur", MUX_MSG_USERAUTH_REQUEST, "alice", "ssh-connection", "publickey", 1, alg,
                            (uint32_t)blob.len, &blob);
    struct cx_view covered = cx_view(body, n);
    n = inject_build(data, sizeof data, "urr", (uint32_t)id.len, &id, &covered);
    struct cx_view signed_data = cx_view(data, n);
    struct cx_writer w = cx_writer((struct cx_span){ signature, sizeof signature });
    struct cx_writer m = cx_writer((struct cx_span){ message, sizeof message });
    cx_writer_text(&w, touch < 0 ? "ssh-ed25519" : SECURITY_KEY);
    if (touch >= 0) {
        write_touched(&m, signed_data, (uint8_t)touch);
        signed_data = bytes_of(&m);
    }
    write_signature(&w, p->user_private, signed_data);
    if (touch >= 0) {
        cx_writer_u8(&w, (uint8_t)touch);
        cx_writer_u32(&w, 7);
    }
    struct cx_view made = bytes_of(&w);
    inject(p, &p->client, "rur", &covered, (uint32_t)made.len, &made);

    struct mux_event ev[PAIR_EVENTS];
    size_t used, count = PAIR_EVENTS;
    cr_assert_eq(mux_session_feed(p->server.session, p->now_ns, (struct cx_span){ p->server.inbox, p->server.inbox_len }, &used, ev,
                                  &count, NULL),
                 MUX_OK);
    cr_assert(count == 1 && ev[0].kind == MUX_EV_AUTH);
    p->server.inbox_len = 0;
    return ev[0];
}

static struct pair *at_auth(void)
{
    struct pair *p = pair_new(NULL, NULL, NULL, CX_KEY_ED25519);
    cr_assert(inject_reach(p, &p->server, PH_AUTH));
    return p;
}

Test(user_keys, a_certificate_arrives_whole_and_verified)
{
    struct pair *p = at_auth();
    uint8_t bytes[1024];
    struct cx_view blob = certificate((struct cx_span){ bytes, sizeof bytes }, p, CX_CERTIFICATE_USER);
    struct mux_event ev = login(p, CERTIFICATE, blob, -1);
    cr_assert(ev.auth.verified && ev.auth.alg && ev.auth.alg->certificate);
    cr_assert(cx_view_equal(ev.auth.blob, blob));
    pair_free(p);
}

Test(user_keys, certificates_and_keys_do_not_pass_for_each_other)
{
    struct pair *p = at_auth();
    uint8_t bytes[1024];
    struct cx_view blob = certificate((struct cx_span){ bytes, sizeof bytes }, p, CX_CERTIFICATE_USER);
    struct mux_event ev = login(p, "ssh-ed25519", blob, -1);
    cr_assert(!ev.auth.verified && !ev.auth.alg && ev.auth.blob.len == 0);
    pair_free(p);
    p = at_auth();
    ev = login(p, CERTIFICATE, cx_private_key_blob(p->user_private), -1);
    cr_assert(!ev.auth.verified && !ev.auth.alg && ev.auth.blob.len == 0);
    pair_free(p);
}

Test(user_keys, a_certificate_that_its_ca_did_not_sign_is_a_malformed_key)
{
    struct pair *p = at_auth();
    uint8_t bytes[1024];
    struct cx_view blob = certificate((struct cx_span){ bytes, sizeof bytes }, p, CX_CERTIFICATE_USER);
    bytes[blob.len - 1] ^= 1;
    struct mux_event ev = login(p, CERTIFICATE, blob, -1);
    cr_assert(!ev.auth.verified && !ev.auth.alg && ev.auth.blob.len == 0);
    pair_free(p);
}

Test(user_keys, a_certificate_for_hosts_is_none_of_a_user)
{
    struct pair *p = at_auth();
    uint8_t bytes[1024];
    struct mux_event ev = login(p, CERTIFICATE, certificate((struct cx_span){ bytes, sizeof bytes }, p, CX_CERTIFICATE_HOST), -1);
    cr_assert(!ev.auth.verified && !ev.auth.alg && ev.auth.blob.len == 0);
    pair_free(p);
}

Test(user_keys, what_a_security_key_states_arrives_with_its_signature)
{
    static const struct {
        int flags;
        bool present, verified;
    } rows[] = { { 0, false, false }, { 1, true, false }, { 4, false, true }, { 5, true, true } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = at_auth();
        uint8_t bytes[256];
        struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
        cx_writer_text(&w, SECURITY_KEY);
        cx_writer_raw(&w, fields_of(p->user_private));
        cx_writer_text(&w, "ssh:");
        struct mux_event ev = login(p, SECURITY_KEY, bytes_of(&w), rows[i].flags);
        cr_assert(ev.auth.alg && ev.auth.verified && ev.auth.stated.security_key);
        cr_assert_eq(ev.auth.stated.user_present, rows[i].present, "row %zu", i);
        cr_assert_eq(ev.auth.stated.user_verified, rows[i].verified, "row %zu", i);
        cr_assert_eq(ev.auth.stated.counter, 7);
        pair_free(p);
    }
}

Test(user_keys, a_key_that_is_no_security_key_states_nothing)
{
    struct pair *p = at_auth();
    struct mux_event ev = login(p, "ssh-ed25519", cx_private_key_blob(p->user_private), -1);
    cr_assert(ev.auth.verified && !ev.auth.stated.security_key && !ev.auth.stated.user_present);
    pair_free(p);
}

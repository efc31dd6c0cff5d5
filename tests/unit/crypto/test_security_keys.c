/* SPDX-License-Identifier: MIT */
/* Signatures of security keys, made here of plain keys by OpenSSH's PROTOCOL.u2f: what a real one needs is a finger. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>

#include "crypto/keys/key.h"
#include "crypto/wire.h"

enum { PRESENT = 1, VERIFIED = 4, ATTESTED = 0x40, EXTENSIONS = 0x80, COUNTER = 0x01020304 };

static const struct {
    const char *name, *plain_alg;
    enum cx_key_type type, plain_type;
} kinds[] = {
    { "sk-ssh-ed25519@openssh.com", "ssh-ed25519", CX_KEY_SK_ED25519, CX_KEY_ED25519 },
    { "sk-ecdsa-sha2-nistp256@openssh.com", "ecdsa-sha2-nistp256", CX_KEY_SK_ECDSA_P256, CX_KEY_ECDSA_P256 },
};
enum { ED25519, ECDSA, KINDS };

static const char webauthn[] = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com";

struct token {
    size_t kind;
    struct cx_private_key *key;
    size_t blob_len, signature_len;
    uint8_t blob[512], signature[4096];
};

static struct token token_new(size_t kind)
{
    struct token t = { .kind = kind };
    cr_assert_eq(cx_private_key_generate(kinds[kind].plain_type, &t.key), CX_OK);
    struct cx_reader r = cx_reader(cx_private_key_blob(t.key));
    cx_reader_string(&r);
    struct cx_writer w = cx_writer((struct cx_span){ t.blob, sizeof t.blob });
    cx_writer_text(&w, kinds[kind].name);
    cx_writer_raw(&w, r.left);
    cx_writer_text(&w, "ssh:");
    cr_assert(cx_writer_ok(&w));
    t.blob_len = w.used;
    return t;
}

static void write_hash(struct cx_writer *w, struct cx_view bytes)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes.data, bytes.len);
    cx_writer_raw(w, cx_view(digest, sizeof digest));
}

/* The parts of a signature that the tests vary; client_data is NULL unless a browser took part. name: NULL is the right one. */
struct request {
    const char *name, *application, *message, *extensions, *origin, *client_data;
    uint8_t flags;
};

static void token_sign(struct token *t, const struct request *q)
{
    uint8_t message[256], plain[CX_SIGNATURE_MAX];
    size_t len = sizeof plain;
    const char *extensions = q->extensions ? q->extensions : "";
    struct cx_writer w = cx_writer((struct cx_span){ message, sizeof message });
    write_hash(&w, cx_view_text(q->application ? q->application : "ssh:"));
    cx_writer_u8(&w, q->flags);
    cx_writer_u32(&w, COUNTER);
    cx_writer_raw(&w, cx_view_text(extensions));
    write_hash(&w, cx_view_text(q->client_data ? q->client_data : q->message));
    cr_assert_eq(
        cx_private_key_sign(t->key, cx_sign_alg_find(cx_view_text(kinds[t->kind].plain_alg)), cx_writer_view(&w), plain, &len),
        CX_OK);
    struct cx_reader r = cx_reader(cx_view(plain, len));
    cx_reader_string(&r);
    w = cx_writer((struct cx_span){ t->signature, sizeof t->signature });
    cx_writer_text(&w, q->name ? q->name : q->client_data ? webauthn : kinds[t->kind].name);
    cx_writer_string(&w, cx_reader_string(&r));
    cx_writer_u8(&w, q->flags);
    cx_writer_u32(&w, COUNTER);
    if (q->client_data) {
        cx_writer_text(&w, q->origin);
        cx_writer_text(&w, q->client_data);
        cx_writer_text(&w, extensions);
    }
    cr_assert(cx_reader_done(&r) && cx_writer_ok(&w));
    t->signature_len = w.used;
}

static enum cx_err check(const struct token *t, const char *alg, const char *message)
{
    return cx_key_verify(cx_view(t->blob, t->blob_len), cx_sign_alg_find(cx_view_text(alg)),
                         cx_view(t->signature, t->signature_len), cx_view_text(message));
}

Test(security_keys, what_a_touched_key_signed_verifies_and_nothing_else)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct token t = token_new(kind), other = token_new(kind);
        enum cx_key_type type;
        cr_assert_eq(cx_key_blob_check(cx_view(t.blob, t.blob_len), &type), CX_OK);
        cr_assert_eq(type, kinds[kind].type);
        token_sign(&t, &(struct request){ .message = "login", .flags = PRESENT });
        cr_assert_eq(check(&t, kinds[kind].name, "login"), CX_OK);
        cr_assert_eq(check(&t, kinds[kind].name, "logic"), CX_E_SIGNATURE);
        cr_assert_eq(check(&t, kinds[!kind].name, "login"), CX_E_SIGNATURE);
        cr_assert_eq(check(&t, kinds[kind].plain_alg, "login"), CX_E_SIGNATURE);
        cr_assert_eq(check(&t, webauthn, "login"), CX_E_SIGNATURE);
        for (size_t i = 0; i < t.signature_len; i++) {
            t.signature[i] ^= 1;
            cr_assert_eq(check(&t, kinds[kind].name, "login"), CX_E_SIGNATURE, "kind %zu byte %zu", kind, i);
            t.signature[i] ^= 1;
        }
        for (size_t whole = t.signature_len; t.signature_len-- > 0;)
            cr_assert_eq(check(&t, kinds[kind].name, "login"), CX_E_SIGNATURE, "kind %zu: %zu of %zu", kind, t.signature_len,
                         whole);
        token_sign(&t, &(struct request){ .message = "login", .flags = PRESENT });
        t.signature_len++;
        cr_assert_eq(check(&t, kinds[kind].name, "login"), CX_E_SIGNATURE, "a byte too many");
        token_sign(&other, &(struct request){ .message = "login", .flags = PRESENT });
        memcpy(other.blob, t.blob, t.blob_len);
        cr_assert_eq(check(&other, kinds[kind].name, "login"), CX_E_SIGNATURE, "another key");
        cx_private_key_free(t.key);
        cx_private_key_free(other.key);
    }
}

Test(security_keys, a_signature_under_the_name_of_plain_keys_is_refused)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct token t = token_new(kind);
        token_sign(&t, &(struct request){ .name = kinds[kind].plain_alg, .message = "login", .flags = PRESENT });
        cr_assert_eq(check(&t, kinds[kind].plain_alg, "login"), CX_E_SIGNATURE);
        cx_private_key_free(t.key);
    }
}

Test(security_keys, an_untouched_key_is_refused_unless_the_caller_judges)
{
    static const uint8_t flags[] = { 0, PRESENT, VERIFIED, PRESENT | VERIFIED };
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct token t = token_new(kind);
        for (size_t i = 0; i < sizeof flags; i++) {
            struct cx_verified told;
            token_sign(&t, &(struct request){ .message = "login", .flags = flags[i] });
            cr_assert_eq(check(&t, kinds[kind].name, "login"), (flags[i] & PRESENT) ? CX_OK : CX_E_SIGNATURE);
            cr_assert_eq(cx_key_verify_details(cx_view(t.blob, t.blob_len), cx_sign_alg_find(cx_view_text(kinds[kind].name)),
                                               cx_view(t.signature, t.signature_len), cx_view_text("login"), &told),
                         CX_OK);
            cr_assert(told.security_key && told.counter == COUNTER);
            cr_assert(told.user_present == !!(flags[i] & PRESENT) && told.user_verified == !!(flags[i] & VERIFIED));
        }
        cx_private_key_free(t.key);
    }
}

Test(security_keys, a_plain_key_states_nothing)
{
    struct token t = token_new(ED25519);
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("ssh-ed25519"));
    uint8_t signature[CX_SIGNATURE_MAX];
    size_t len = sizeof signature;
    struct cx_verified told = { true, true, true, 1 };
    cr_assert_eq(cx_private_key_sign(t.key, alg, cx_view_text("login"), signature, &len), CX_OK);
    cr_assert_eq(cx_key_verify_details(cx_private_key_blob(t.key), alg, cx_view(signature, len), cx_view_text("login"), &told),
                 CX_OK);
    cr_assert(!told.security_key && !told.user_present && !told.user_verified && told.counter == 0);
    cx_private_key_free(t.key);
}

Test(security_keys, a_signature_for_another_application_is_refused)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct token t = token_new(kind);
        token_sign(&t, &(struct request){ .message = "login", .application = "ssh:other", .flags = PRESENT });
        cr_assert_eq(check(&t, kinds[kind].name, "login"), CX_E_SIGNATURE);
        cx_private_key_free(t.key);
    }
}

/* ---- webauthn ---- */

/* 100 bytes, so that the challenge is made in several pieces, the last of which is no multiple of three. */
#define MESSAGE "0123456789abcdefghijklmnopqrstuvwxyz<>??0123456789abcdefghijklmnopqrstuvwxyz<>??0123456789abcdefghij"
#define CHALLENGE                                                                                                                  \
    "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6PD4_PzAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejw-Pz8wMTIzNDU2Nzg5YWJj" \
    "ZGVmZ2hpag"
#define CLIENT_DATA(type, challenge, origin)                                                                                       \
    "{\"type\":\"" type "\",\"challenge\":\"" challenge "\",\"origin\":\"" origin "\",\"crossOrigin\":false}"

static const struct {
    struct request request;
    enum cx_err want;
} browser[] = {
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"), .origin = "https://a", .flags = PRESENT }, CX_OK },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"), .origin = "https://a", .flags = VERIFIED },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"), .origin = "https://b", .flags = PRESENT },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "a\",\"b\":\""), .origin = "a\",\"b\":\"", .flags = PRESENT },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.create", CHALLENGE, "https://a"), .origin = "https://a", .flags = PRESENT },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE "==", "https://a"), .origin = "https://a", .flags = PRESENT },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", "MDEyMzQ1", "https://a"), .origin = "https://a", .flags = PRESENT },
      CX_E_SIGNATURE },
    { { .client_data = "{\"type\":\"webauthn.get\",\"challenge\":\"" CHALLENGE, .origin = "", .flags = PRESENT }, CX_E_SIGNATURE },
    { { .client_data = "", .origin = "", .flags = PRESENT }, CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"),
        .origin = "https://a",
        .flags = PRESENT | EXTENSIONS,
        .extensions = "\xa1\x61x\x01" },
      CX_OK },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"),
        .origin = "https://a",
        .flags = PRESENT,
        .extensions = "\xa1\x61x\x01" },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"), .origin = "https://a", .flags = PRESENT | EXTENSIONS },
      CX_E_SIGNATURE },
    { { .client_data = CLIENT_DATA("webauthn.get", CHALLENGE, "https://a"), .origin = "https://a", .flags = PRESENT | ATTESTED },
      CX_E_SIGNATURE },
};

Test(security_keys, a_browser_must_have_asked_for_this_very_message)
{
    struct token t = token_new(ECDSA);
    for (size_t i = 0; i < sizeof browser / sizeof browser[0]; i++) {
        token_sign(&t, &browser[i].request);
        cr_assert_eq(check(&t, webauthn, MESSAGE), browser[i].want, "row %zu", i);
    }
    cx_private_key_free(t.key);
}

Test(security_keys, a_browser_s_signature_cut_or_changed_is_refused)
{
    struct token t = token_new(ECDSA);
    token_sign(&t, &browser[0].request);
    for (size_t i = 0; i < t.signature_len; i++) {
        t.signature[i] ^= 0x10;
        cr_assert_eq(check(&t, webauthn, MESSAGE), CX_E_SIGNATURE, "byte %zu", i);
        t.signature[i] ^= 0x10;
    }
    for (size_t len = t.signature_len; len-- > 0;) {
        t.signature_len = len;
        cr_assert_eq(check(&t, webauthn, MESSAGE), CX_E_SIGNATURE, "%zu bytes", len);
    }
    cx_private_key_free(t.key);
}

/* ---- blobs ---- */

Test(security_keys, a_blob_without_its_application_or_with_more_is_refused)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct token t = token_new(kind);
        enum cx_key_type type;
        for (size_t len = 0; len < t.blob_len; len++)
            cr_assert_eq(cx_key_blob_check(cx_view(t.blob, len), &type), CX_E_MALFORMED, "kind %zu, %zu bytes", kind, len);
        cr_assert_eq(cx_key_blob_check(cx_view(t.blob, t.blob_len + 1), &type), CX_E_MALFORMED);
        cx_private_key_free(t.key);
    }
}

Test(security_keys, no_private_key_is_made_of_their_types)
{
    struct cx_private_key *key = NULL;
    for (size_t kind = 0; kind < KINDS; kind++)
        cr_assert_eq(cx_private_key_generate(kinds[kind].type, &key), CX_E_UNSUPPORTED);
}

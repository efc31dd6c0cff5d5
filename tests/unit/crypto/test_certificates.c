/* SPDX-License-Identifier: MIT */
/* Certificates: those that ssh-keygen makes, and those that no honest CA would. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/keys/certificate.h"
#include "crypto/wire.h"
#include "folder.h"

struct blob {
    size_t len;
    uint8_t bytes[CX_CERTIFICATE_MAX + 1024]; /* so that one can be too long */
};

static struct cx_view blob_view(const struct blob *b)
{
    return cx_view(b->bytes, b->len);
}

static const struct cx_sign_alg *alg_of(const char *name)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text(name));
    cr_assert_not_null(alg, "%s", name);
    return alg;
}

static size_t sign(const struct cx_private_key *key, const struct cx_sign_alg *alg, struct cx_view data,
                   uint8_t out[CX_SIGNATURE_MAX])
{
    size_t len = CX_SIGNATURE_MAX;
    cr_assert_eq(cx_private_key_sign(key, alg, data, out, &len), CX_OK);
    return len;
}

/* ---- of ssh-keygen ---- */

static void read_certificate(const struct folder *f, const char *name, struct blob *out)
{
    char text[2 * CX_CERTIFICATE_MAX];
    struct cx_view rest;
    folder_read(f, name, text, sizeof text);
    cr_assert_eq(cx_certificate_line_parse(cx_view_text(text), out->bytes, &out->len, &rest), CX_OK);
    cr_assert(cx_view_is(rest, "a comment"), "%.*s", (int)rest.len, (const char *)rest.data);
}

static struct cx_private_key *read_key(const struct folder *f, const char *name)
{
    char text[8192];
    struct cx_private_key *key = NULL;
    folder_read(f, name, text, sizeof text);
    cr_assert_eq(cx_private_key_parse(cx_view_text(text), cx_view("", 0), &key), CX_OK);
    return key;
}

static bool next_is(struct cx_reader *r, const char *want)
{
    return cx_view_is(cx_reader_string(r), want);
}

static void check_statements(const struct cx_certificate *c)
{
    cr_assert_eq(c->kind, CX_CERTIFICATE_USER);
    cr_assert_eq(c->serial, 0x0123456789abcdef);
    cr_assert_eq(c->valid_after, 946684800);
    cr_assert_eq(c->valid_before, UINT64_MAX);
    cr_assert(cx_view_is(c->key_id, "badge 42"));
    cr_assert_geq(c->nonce.len, 16);
    struct cx_reader r = cx_reader(c->principals);
    cr_assert(next_is(&r, "alice") && next_is(&r, "bob") && cx_reader_done(&r));
    r = cx_reader(c->critical_options);
    cr_assert(next_is(&r, "force-command"));
    struct cx_reader data = cx_reader(cx_reader_string(&r));
    cr_assert(next_is(&data, "uptime") && cx_reader_done(&data) && cx_reader_done(&r));
    r = cx_reader(c->extensions);
    cr_assert(next_is(&r, "permit-pty") && next_is(&r, "") && cx_reader_done(&r));
}

/* The certificate stands for the key: in its plain blob, and in what the key signs under each algorithm. */
static void check_key(const struct folder *f, const struct blob *b, const struct cx_certificate *c)
{
    struct cx_private_key *key = read_key(f, "key");
    uint8_t plain[CX_KEY_BLOB_MAX], signature[CX_SIGNATURE_MAX];
    struct cx_view data = cx_view_text("login"), plain_blob = cx_private_key_blob(key);
    const struct cx_sign_alg *alg;
    cr_assert(cx_view_equal(cx_certificate_key(c, plain), plain_blob));
    cr_assert_eq(cx_key_blob_rsa_bits(blob_view(b)), cx_key_blob_rsa_bits(plain_blob));
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++) {
        bool same_type = alg->type == cx_private_key_type(key);
        for (enum cx_certificate_kind kind = CX_CERTIFICATE_USER; kind <= CX_CERTIFICATE_HOST; kind++) {
            cr_assert_eq(cx_key_blob_suits(blob_view(b), alg, kind) == CX_OK, same_type && alg->certificate && kind == c->kind,
                         "%s for %d", alg->name, kind);
            cr_assert_eq(cx_key_blob_suits(plain_blob, alg, kind) == CX_OK, same_type && !alg->certificate, "%s", alg->name);
        }
        if (!same_type)
            continue;
        struct cx_view made = cx_view(signature, sign(key, alg, data, signature));
        cr_assert_eq(cx_key_verify(blob_view(b), alg, made, data), alg->certificate ? CX_OK : CX_E_SIGNATURE, "%s", alg->name);
        cr_assert_eq(cx_key_verify(plain_blob, alg, made, data), alg->certificate ? CX_E_SIGNATURE : CX_OK, "%s", alg->name);
        cr_assert_eq(cx_key_verify(blob_view(b), alg, made, cx_view_text("logic")), CX_E_SIGNATURE, "%s", alg->name);
    }
    cx_private_key_free(key);
}

Test(certificates, those_of_ssh_keygen_say_what_was_asked_for)
{
    static const char *const kinds[] = { "ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048" };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct folder f = folder_new();
    for (size_t i = 0; i < KINDS; i++) {
        char command[400];
        struct blob b;
        struct cx_certificate c;
        snprintf(command, sizeof command,
                 "export TZ=UTC && rm -f key* ca* && ssh-keygen -q -t %s -N '' -f ca && "
                 "ssh-keygen -q -t %s -N '' -C 'a comment' -f key && ssh-keygen -q -s ca -I 'badge 42' -n alice,bob "
                 "-z 81985529216486895 -V 20000101000000:forever -O clear -O permit-pty -O force-command=uptime key.pub",
                 kinds[(i + 1) % KINDS], kinds[i]);
        folder_run(&f, command);
        read_certificate(&f, "key-cert.pub", &b);
        cr_assert_eq(cx_certificate_check(blob_view(&b), &c), CX_OK, "%s", kinds[i]);
        check_statements(&c);
        check_key(&f, &b, &c);
    }
    folder_free(&f);
}

Test(certificates, a_host_s_is_told_from_a_user_s)
{
    struct folder f = folder_new();
    struct blob b;
    struct cx_certificate c;
    folder_run(&f, "ssh-keygen -q -t ed25519 -N '' -f ca && ssh-keygen -q -t ed25519 -N '' -C 'a comment' -f key && "
                   "ssh-keygen -q -h -s ca -I gate -n gate.example key.pub");
    read_certificate(&f, "key-cert.pub", &b);
    cr_assert_eq(cx_certificate_check(blob_view(&b), &c), CX_OK);
    cr_assert_eq(c.kind, CX_CERTIFICATE_HOST);
    cr_assert_eq(c.critical_options.len + c.extensions.len, 0);
    folder_free(&f);
}

Test(certificates, of_an_rsa_ca_s_signatures_those_with_sha1_are_refused)
{
    static const struct {
        const char *alg;
        enum cx_err want;
    } rows[] = { { "rsa-sha2-256", CX_OK }, { "rsa-sha2-512", CX_OK }, { "ssh-rsa", CX_E_UNSUPPORTED } };
    struct folder f = folder_new();
    folder_run(&f, "ssh-keygen -q -t rsa -b 2048 -N '' -f ca && ssh-keygen -q -t ed25519 -N '' -f key");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char command[128], text[8192];
        struct blob b;
        struct cx_view rest;
        snprintf(command, sizeof command, "ssh-keygen -q -t %s -s ca -I x key.pub", rows[i].alg);
        folder_run(&f, command);
        folder_read(&f, "key-cert.pub", text, sizeof text);
        cr_assert_eq(cx_certificate_line_parse(cx_view_text(text), b.bytes, &b.len, &rest), rows[i].want, "%s", rows[i].alg);
    }
    folder_free(&f);
}

/* ---- of our own ---- */

/* What a test changes; the rest has a default. */
struct recipe {
    const char *type, *options, *principal; /* options: names with empty data, separated by commas, critical and extensions alike */
    size_t principal_count, id_len;
    uint32_t kind;
    struct cx_view ca_blob; /* instead of the CA's */
    const char *signature_name;
    bool trailing, weak_key; /* weak: the neutral element */
};

struct ca {
    struct cx_private_key *key, *certified;
};

static struct ca ca_new(void)
{
    struct ca ca = { 0 };
    cr_assert_eq(cx_private_key_generate(CX_KEY_ED25519, &ca.key), CX_OK);
    cr_assert_eq(cx_private_key_generate(CX_KEY_ED25519, &ca.certified), CX_OK);
    return ca;
}

static void ca_free(struct ca *ca)
{
    cx_private_key_free(ca->key);
    cx_private_key_free(ca->certified);
}

static void write_options(struct cx_writer *w, const char *names)
{
    uint8_t bytes[256];
    struct cx_writer inner = cx_writer((struct cx_span){ bytes, sizeof bytes });
    while (names && *names) {
        size_t len = strcspn(names, ",");
        cx_writer_string(&inner, cx_view(names, len));
        cx_writer_text(&inner, "");
        names += len + (names[len] == ',');
    }
    cx_writer_string(w, cx_writer_view(&inner));
}

static void write_principals(struct cx_writer *w, const struct recipe *q)
{
    static uint8_t bytes[CX_CERTIFICATE_MAX + 512];
    struct cx_writer inner = cx_writer((struct cx_span){ bytes, sizeof bytes });
    for (size_t i = 0; i < q->principal_count; i++)
        cx_writer_string(&inner, q->principal ? cx_view_text(q->principal) : cx_view("a\0b", 3));
    cr_assert(cx_writer_ok(&inner));
    cx_writer_string(w, cx_writer_view(&inner));
}

static void write_signature(struct cx_writer *w, const struct ca *ca, const char *name)
{
    uint8_t raw[CX_SIGNATURE_MAX], changed[CX_SIGNATURE_MAX];
    size_t len = sign(ca->key, alg_of("ssh-ed25519"), cx_writer_view(w), raw);
    struct cx_reader r = cx_reader(cx_view(raw, len));
    struct cx_writer inner = cx_writer((struct cx_span){ changed, sizeof changed });
    cx_reader_string(&r);
    cx_writer_text(&inner, name ? name : "ssh-ed25519");
    cx_writer_raw(&inner, r.left);
    cx_writer_string(w, cx_writer_view(&inner));
}

static void issue(const struct ca *ca, const struct recipe *q, struct blob *out)
{
    static const uint8_t id[CX_CERTIFICATE_MAX] = { 0 }, neutral[32] = { 1 };
    struct cx_writer w = cx_writer((struct cx_span){ out->bytes, sizeof out->bytes });
    struct cx_reader key = cx_reader(cx_private_key_blob(ca->certified));
    cx_reader_string(&key);
    cx_writer_text(&w, q->type ? q->type : "ssh-ed25519-cert-v01@openssh.com");
    cx_writer_text(&w, "nonce");
    if (q->weak_key)
        cx_writer_string(&w, cx_view(neutral, sizeof neutral));
    else
        cx_writer_raw(&w, key.left);
    if (q->type && strncmp(q->type, "sk-", 3) == 0)
        cx_writer_text(&w, "ssh:");
    cx_writer_u64(&w, 1);
    cx_writer_u32(&w, q->kind ? q->kind : CX_CERTIFICATE_USER);
    cx_writer_string(&w, cx_view(id, q->id_len));
    write_principals(&w, q);
    cx_writer_u64(&w, 0);
    cx_writer_u64(&w, UINT64_MAX);
    write_options(&w, q->options);
    write_options(&w, q->options);
    cx_writer_text(&w, "reserved");
    cx_writer_string(&w, q->ca_blob.data ? q->ca_blob : cx_private_key_blob(ca->key));
    write_signature(&w, ca, q->signature_name);
    if (q->trailing)
        cx_writer_u8(&w, 0);
    cr_assert(cx_writer_ok(&w));
    out->len = w.used;
}

#define SK_CERTIFICATE "sk-ssh-ed25519-cert-v01@openssh.com"

Test(certificates, the_form_is_judged_strictly)
{
    static const struct {
        struct recipe recipe;
        enum cx_err want;
    } rows[] = {
        { { .principal = "a" }, CX_OK },
        { { .principal = "a", .principal_count = 256 }, CX_OK },
        { { .principal = "a", .principal_count = 257 }, CX_E_MALFORMED },
        { { .principal_count = 1 }, CX_E_MALFORMED },
        { { .id_len = 1 }, CX_E_MALFORMED },
        { { .kind = CX_CERTIFICATE_HOST }, CX_OK },
        { { .kind = 3 }, CX_E_MALFORMED },
        { { .options = "a,b,ba" }, CX_OK },
        { { .options = "b,a" }, CX_E_MALFORMED },
        { { .options = "a,a" }, CX_E_MALFORMED },
        { { .options = ",a" }, CX_E_MALFORMED },
        { { .trailing = true }, CX_E_MALFORMED },
        { { .weak_key = true }, CX_E_WEAK },
        { { .type = SK_CERTIFICATE }, CX_OK },
        { { .type = "ssh-ed25519" }, CX_E_UNSUPPORTED },
        { { .type = "ssh-dss-cert-v01@openssh.com" }, CX_E_UNSUPPORTED },
        { { .type = "rsa-sha2-256-cert-v01@openssh.com" }, CX_E_UNSUPPORTED },
        { { .type = "ecdsa-sha2-nistp256-cert-v01@openssh.com" }, CX_E_MALFORMED },
        { { .signature_name = "ssh-dss" }, CX_E_UNSUPPORTED },
        { { .signature_name = "ssh-rsa" }, CX_E_UNSUPPORTED },
        { { .signature_name = "ssh-ed25519-cert-v01@openssh.com" }, CX_E_UNSUPPORTED },
        { { .signature_name = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com" }, CX_E_UNSUPPORTED },
        { { .signature_name = "rsa-sha2-512" }, CX_E_MALFORMED },
    };
    struct ca ca = ca_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct blob b;
        struct cx_certificate c;
        issue(&ca, &rows[i].recipe, &b);
        enum cx_err err = cx_certificate_check(blob_view(&b), &c);
        cr_assert_eq(err, rows[i].want, "row %zu: %s", i, cx_err_text(err));
    }
    ca_free(&ca);
}

Test(certificates, a_security_key_s_stands_for_its_plain_blob)
{
    struct ca ca = ca_new();
    struct blob b;
    struct cx_certificate c;
    uint8_t plain[CX_KEY_BLOB_MAX];
    enum cx_key_type type;
    issue(&ca, &(struct recipe){ .type = SK_CERTIFICATE }, &b);
    cr_assert_eq(cx_certificate_check(blob_view(&b), &c), CX_OK);
    cr_assert_eq(cx_key_blob_check(cx_certificate_key(&c, plain), &type), CX_OK);
    cr_assert_eq(type, CX_KEY_SK_ED25519);
    ca_free(&ca);
}

Test(certificates, none_is_a_ca)
{
    struct ca ca = ca_new();
    struct blob first, second;
    struct cx_certificate c;
    issue(&ca, &(struct recipe){ 0 }, &first);
    issue(&ca, &(struct recipe){ .ca_blob = blob_view(&first) }, &second);
    cr_assert_eq(cx_certificate_check(blob_view(&second), &c), CX_E_UNSUPPORTED);
    ca_free(&ca);
}

Test(certificates, another_ca_s_signature_is_refused)
{
    struct ca ca = ca_new(), other = ca_new();
    struct blob b;
    struct cx_certificate c;
    issue(&ca, &(struct recipe){ .ca_blob = cx_private_key_blob(other.key) }, &b);
    cr_assert_eq(cx_certificate_parse(blob_view(&b), &c), CX_OK);
    cr_assert_eq(cx_certificate_verify(&c), CX_E_SIGNATURE);
    cr_assert_eq(cx_certificate_check(blob_view(&b), &c), CX_E_SIGNATURE);
    ca_free(&ca);
    ca_free(&other);
}

Test(certificates, one_cut_or_with_any_bit_changed_is_refused)
{
    struct ca ca = ca_new();
    struct blob b;
    struct cx_certificate c;
    issue(&ca, &(struct recipe){ .principal = "alice", .principal_count = 2, .options = "a,b" }, &b);
    cr_assert_eq(cx_certificate_check(blob_view(&b), &c), CX_OK);
    for (size_t i = 0; i < b.len * 8; i++) {
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        cr_assert_neq(cx_certificate_check(blob_view(&b), &c), CX_OK, "bit %zu", i);
        b.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees a read behind it */
        memcpy(exact + 1, b.bytes, len);
        cr_assert_eq(cx_certificate_check(cx_view(exact + 1, len), &c), CX_E_MALFORMED, "%zu bytes", len);
        free(exact);
    }
    ca_free(&ca);
}

/* 256 principals of 58 bytes and a few hundred bytes of other things fit, those of 60 bytes do not. */
Test(certificates, one_that_is_too_long_is_refused)
{
    struct ca ca = ca_new();
    struct cx_certificate c;
    static struct blob b;
    char name[64];
    for (int len = 58; len <= 60; len += 2) {
        snprintf(name, sizeof name, "%0*d", len, 0);
        issue(&ca, &(struct recipe){ .principal = name, .principal_count = 256 }, &b);
        cr_assert_eq(b.len <= CX_CERTIFICATE_MAX, len == 58);
        cr_assert_eq(cx_certificate_check(blob_view(&b), &c), len == 58 ? CX_OK : CX_E_MALFORMED, "%zu bytes", b.len);
    }
    ca_free(&ca);
}

Test(certificates, lines_of_keys_and_of_certificates_are_not_mixed_up)
{
    struct folder f = folder_new();
    static uint8_t out[CX_CERTIFICATE_MAX];
    char text[8192];
    size_t len;
    struct cx_view rest;
    folder_run(&f, "ssh-keygen -q -t ed25519 -N '' -f ca && ssh-keygen -q -t ed25519 -N '' -f key && "
                   "ssh-keygen -q -s ca -I x key.pub");
    folder_read(&f, "key-cert.pub", text, sizeof text);
    cr_assert_eq(cx_key_line_parse(cx_view_text(text), out, &len, &rest), CX_E_UNSUPPORTED);
    char *cut = strstr(text, "-cert-v01@openssh.com");
    memmove(cut, cut + strlen("-cert-v01@openssh.com"), strlen(cut + strlen("-cert-v01@openssh.com")) + 1);
    cr_assert_neq(cx_key_line_parse(cx_view_text(text), out, &len, &rest), CX_OK);
    cr_assert_eq(cx_certificate_line_parse(cx_view_text(text), out, &len, &rest), CX_E_UNSUPPORTED);
    folder_read(&f, "key.pub", text, sizeof text);
    cr_assert_eq(cx_certificate_line_parse(cx_view_text(text), out, &len, &rest), CX_E_UNSUPPORTED);
    folder_free(&f);
}

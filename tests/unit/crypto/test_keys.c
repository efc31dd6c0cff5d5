/* SPDX-License-Identifier: MIT */
/* Keys in every form, ssh-keygen's files among them, and signatures with each algorithm. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/keys/key.h"
#include "crypto/wire.h"
#include "folder.h"

static struct cx_private_key *generate(enum cx_key_type type)
{
    struct cx_private_key *key = NULL;
    cr_assert_eq(cx_private_key_generate(type, &key), CX_OK);
    return key;
}

static struct cx_private_key *parse(const char *text, enum cx_err want)
{
    struct cx_private_key *key = NULL;
    enum cx_err err = cx_private_key_parse(cx_view_text(text), cx_view("", 0), &key);
    cr_assert_eq(err, want, "%s, not %s", cx_err_text(err), cx_err_text(want));
    cr_assert_eq(key != NULL, want == CX_OK);
    return key;
}

static size_t sign(const struct cx_private_key *key, const struct cx_sign_alg *alg, struct cx_view data,
                   uint8_t out[CX_SIGNATURE_MAX])
{
    size_t len = CX_SIGNATURE_MAX;
    cr_assert_eq(cx_private_key_sign(key, alg, data, out, &len), CX_OK);
    return len;
}

Test(keys, every_algorithm_signs_what_it_verifies_and_nothing_else)
{
    const struct cx_sign_alg *alg;
    for (size_t a = 0; (alg = cx_sign_alg_at(a)) && alg->type < CX_KEY_PRIVATE_COUNT; a++) {
        struct cx_private_key *key = generate(alg->type), *other = generate(alg->type);
        struct cx_view blob = cx_private_key_blob(key), data = cx_view_text("exchange hash");
        uint8_t signature[CX_SIGNATURE_MAX];
        size_t len = sign(key, alg, data, signature);
        struct cx_view good = cx_view(signature, len);
        cr_assert_eq(cx_key_verify(blob, alg, good, data), CX_OK, "%s", alg->name);
        cr_assert_eq(cx_key_verify(blob, alg, good, cx_view_text("exchange hasH")), CX_E_SIGNATURE, "%s", alg->name);
        cr_assert_eq(cx_key_verify(cx_private_key_blob(other), alg, good, data), CX_E_SIGNATURE, "%s", alg->name);
        for (size_t b = 0; cx_sign_alg_at(b); b++)
            if (b != a)
                cr_assert_eq(cx_key_verify(blob, cx_sign_alg_at(b), good, data), CX_E_SIGNATURE, "%s", alg->name);
        for (size_t cut = 0; cut < len; cut += 7)
            cr_assert_eq(cx_key_verify(blob, alg, cx_view(signature, cut), data), CX_E_SIGNATURE, "%s: %zu", alg->name, cut);
        for (size_t i = 0; i < len; i += 5) {
            signature[i] ^= 0x20;
            cr_assert_eq(cx_key_verify(blob, alg, good, data), CX_E_SIGNATURE, "%s: byte %zu", alg->name, i);
            signature[i] ^= 0x20;
        }
        cx_private_key_free(key);
        cx_private_key_free(other);
    }
}

/* About one signature in 256 starts with a zero byte. */
Test(keys, an_rsa_signature_without_its_leading_zeros_verifies)
{
    const struct cx_sign_alg *alg = cx_sign_alg_find(cx_view_text("rsa-sha2-256"));
    struct cx_private_key *key = generate(CX_KEY_RSA);
    uint8_t signature[CX_SIGNATURE_MAX], cut[CX_SIGNATURE_MAX];
    struct cx_view raw, data;
    uint32_t counter = 0;
    do {
        counter++;
        data = cx_view(&counter, sizeof counter);
        struct cx_reader r = cx_reader(cx_view(signature, sign(key, alg, data, signature)));
        cx_reader_string(&r);
        raw = cx_reader_string(&r);
    } while (raw.data[0] != 0);
    struct cx_writer w = cx_writer((struct cx_span){ cut, sizeof cut });
    cx_writer_text(&w, alg->name);
    cx_writer_string(&w, cx_view(raw.data + 1, raw.len - 1));
    cr_assert_eq(cx_key_verify(cx_private_key_blob(key), alg, cx_writer_view(&w), data), CX_OK);
    cx_private_key_free(key);
}

Test(keys, a_signature_without_room_or_by_another_algorithm_is_refused)
{
    struct cx_private_key *key = generate(CX_KEY_ED25519);
    uint8_t out[CX_SIGNATURE_MAX];
    size_t whole = sign(key, cx_sign_alg_at(0), cx_view("", 0), out);
    for (size_t len = 0; len < whole; len++) {
        size_t room = len;
        cr_assert_eq(cx_private_key_sign(key, cx_sign_alg_at(0), cx_view("", 0), out, &room), CX_E_RESOURCE);
    }
    whole = sizeof out;
    cr_assert_eq(cx_private_key_sign(key, cx_sign_alg_find(cx_view_text("rsa-sha2-256")), cx_view("", 0), out, &whole),
                 CX_E_UNSUPPORTED);
    cx_private_key_free(key);
}

Test(keys, what_is_written_is_read_back)
{
    for (unsigned type = 0; type < CX_KEY_PRIVATE_COUNT; type++) {
        struct cx_private_key *key = generate((enum cx_key_type)type);
        for (size_t comment = 0; comment < 9; comment++) { /* every length of the padding */
            char *text = NULL;
            cr_assert_eq(cx_private_key_write(key, &"comments"[comment], &text), CX_OK);
            struct cx_private_key *again = parse(text, CX_OK);
            cr_assert(cx_view_equal(cx_private_key_blob(key), cx_private_key_blob(again)));
            cr_assert_eq(cx_private_key_type(again), type);
            cx_private_key_free(again);
            free(text);
        }
        cx_private_key_free(key);
    }
}

/* ---- against ssh-keygen ---- */

/* The private file and the public line beside it are one key, whose fingerprint is what ssh-keygen -l says. */
static void check_pair(const struct folder *f)
{
    char text[CX_KEY_FILE_MAX], fingerprint[CX_FINGERPRINT_TEXT], said[512];
    uint8_t blob[CX_KEY_BLOB_MAX];
    size_t blob_len;
    struct cx_view rest;
    enum cx_key_type type;
    folder_read(f, "key", text, sizeof text);
    struct cx_private_key *key = parse(text, CX_OK);
    folder_read(f, "key.pub", text, sizeof text);
    cr_assert_eq(cx_key_line_parse(cx_view_text(text), blob, &blob_len, &rest), CX_OK);
    cr_assert(cx_view_is(rest, "a comment"), "%.*s", (int)rest.len, (const char *)rest.data);
    cr_assert(cx_view_equal(cx_private_key_blob(key), cx_view(blob, blob_len)));
    cr_assert_eq(cx_key_blob_check(cx_view(blob, blob_len), &type), CX_OK);
    cr_assert_eq(type, cx_private_key_type(key));
    folder_run(f, "ssh-keygen -lf key.pub > fingerprint");
    folder_read(f, "fingerprint", said, sizeof said);
    cx_key_fingerprint(cx_view(blob, blob_len), fingerprint);
    cr_assert_eq(strlen(fingerprint), CX_FINGERPRINT_TEXT - 1);
    cr_assert_not_null(strstr(said, fingerprint), "%s in %s", fingerprint, said);
    cr_assert_not_null(strstr(said, cx_key_type_label(type)));
    cx_private_key_free(key);
}

Test(keys, files_of_ssh_keygen_are_read_in_every_form)
{
    static const char *const kinds[] = {
        "-t ed25519",      "-t ecdsa -b 256",        "-t ecdsa -b 256 -m PEM",  "-t ecdsa -b 256 -m PKCS8",
        "-t ecdsa -b 384", "-t ecdsa -b 384 -m PEM", "-t ecdsa -b 521",         "-t ecdsa -b 521 -m PKCS8",
        "-t rsa -b 2048",  "-t rsa -b 3072 -m PEM",  "-t rsa -b 2048 -m PKCS8",
    };
    struct folder f = folder_new();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "rm -f key* && ssh-keygen -q %s -N '' -C 'a comment' -f key", kinds[i]);
        folder_run(&f, command);
        check_pair(&f);
    }
    folder_free(&f);
}

/* RFC 8410 section 10.3 */
Test(keys, an_ed25519_key_in_pkcs8_is_read)
{
    static const char text[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                               "-----END PRIVATE KEY-----\n";
    struct cx_private_key *key = parse(text, CX_OK);
    cr_assert_eq(cx_private_key_type(key), CX_KEY_ED25519);
    struct cx_view blob = cx_private_key_blob(key);
    cr_assert(cx_view_equal(cx_view(blob.data + blob.len - 4, 4), cx_view("\x70\x31\x66\xe1", 4)));
    cx_private_key_free(key);
}

Test(keys, ssh_keygen_reads_what_is_written)
{
    struct folder f = folder_new();
    for (unsigned type = 0; type < CX_KEY_PRIVATE_COUNT; type++) {
        struct cx_private_key *key = generate((enum cx_key_type)type);
        uint8_t blob[CX_KEY_BLOB_MAX];
        size_t blob_len;
        struct cx_view rest;
        char *text, public[8192];
        cr_assert_eq(cx_private_key_write(key, "made here", &text), CX_OK);
        folder_write(&f, "key", text, strlen(text));
        folder_run(&f, "chmod 600 key && ssh-keygen -y -f key > key.pub");
        folder_read(&f, "key.pub", public, sizeof public);
        cr_assert_eq(cx_key_line_parse(cx_view_text(public), blob, &blob_len, &rest), CX_OK);
        cr_assert(cx_view_equal(cx_private_key_blob(key), cx_view(blob, blob_len)));
        cr_assert(cx_view_is(rest, "made here"));
        cx_private_key_free(key);
        free(text);
    }
    folder_free(&f);
}

/* ---- what is refused ---- */

Test(keys, keys_of_other_kinds_and_sizes_are_refused)
{
    struct folder f = folder_new();
    char text[8192];
    static const struct {
        const char *kind;
        enum cx_err want;
    } rows[] = {
        { "-t rsa -b 1024", CX_E_WEAK },
        { "-t rsa -b 1024 -m PEM", CX_E_WEAK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "rm -f key* && ssh-keygen -q %s -N '' -f key", rows[i].kind);
        folder_run(&f, command);
        folder_read(&f, "key", text, sizeof text);
        parse(text, rows[i].want);
    }
    folder_free(&f);
}

static const char begin_line[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n", end_line[] = "-----END OPENSSH PRIVATE KEY-----\n";

/* The bytes within a file's armour, and back. */
static size_t strip(const char *text, uint8_t *out, size_t room)
{
    size_t len, begin = strlen(begin_line);
    cr_assert_eq(sodium_base642bin(out, room, text + begin, strlen(text) - begin - strlen(end_line), "\n", &len, NULL,
                                   sodium_base64_VARIANT_ORIGINAL),
                 0);
    return len;
}

static enum cx_err parse_armoured(const uint8_t *bytes, size_t len)
{
    static char base64[CX_KEY_FILE_MAX], text[CX_KEY_FILE_MAX + 128];
    struct cx_private_key *key = NULL;
    sodium_bin2base64(base64, sizeof base64, bytes, len, sodium_base64_VARIANT_ORIGINAL);
    snprintf(text, sizeof text, "%s%s\n%s", begin_line, base64, end_line);
    enum cx_err err = cx_private_key_parse(cx_view_text(text), cx_view("", 0), &key);
    cx_private_key_free(key);
    return err;
}

Test(keys, a_file_with_any_bit_changed_is_refused)
{
    static const char comment[] = "twelve bytes"; /* leaves room for padding in each type's file */
    for (unsigned type = 0; type < CX_KEY_PRIVATE_COUNT; type++) {
        struct cx_private_key *key = generate((enum cx_key_type)type);
        uint8_t bytes[8192];
        char *text;
        cr_assert_eq(cx_private_key_write(key, comment, &text), CX_OK);
        size_t len = strip(text, bytes, sizeof bytes), step = type == CX_KEY_RSA ? 23 : 1;
        uint8_t *at = memmem(bytes, len, comment, strlen(comment));
        cr_assert_not_null(at);
        cr_assert_eq(parse_armoured(bytes, len), CX_OK);
        for (size_t i = 0; i < len; i += step) {
            if (bytes + i >= at && bytes + i < at + strlen(comment))
                continue;
            bytes[i] ^= (uint8_t)(1u << i % 8);
            cr_assert_neq(parse_armoured(bytes, len), CX_OK, "type %u, byte %zu of %zu", type, i, len);
            bytes[i] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t cut = 0; cut < len; cut += step)
            cr_assert_neq(parse_armoured(bytes, cut), CX_OK);
        free(text);
        cx_private_key_free(key);
    }
}

Test(keys, a_truncated_file_is_refused)
{
    struct cx_private_key *key = generate(CX_KEY_ED25519), *got = NULL;
    char *text;
    cr_assert_eq(cx_private_key_write(key, "x", &text), CX_OK);
    for (size_t len = 0; len < strlen(text) - 1; len++)
        cr_assert_neq(cx_private_key_parse(cx_view(text, len), cx_view("", 0), &got), CX_OK, "%zu bytes", len);
    free(text);
    cx_private_key_free(key);
}

static enum cx_err check_blob(struct cx_writer *w)
{
    enum cx_key_type type;
    return cx_key_blob_check(cx_writer_view(w), &type);
}

Test(keys, public_blobs_are_validated)
{
    uint8_t bytes[2048], number[1100];
    struct cx_writer w;
    memset(number, 0xff, sizeof number);
    static const struct {
        uint8_t exponent;
        size_t exponent_len, modulus_len;
        enum cx_err want;
    } rsa[] = {
        { 3, 1, 256, CX_OK },      { 1, 1, 256, CX_E_WEAK }, { 4, 1, 256, CX_E_WEAK }, { 3, 1, 255, CX_E_WEAK },
        { 3, 1, 1025, CX_E_WEAK }, { 3, 9, 256, CX_E_WEAK }, { 3, 1, 1024, CX_OK },
    };
    for (size_t i = 0; i < sizeof rsa / sizeof rsa[0]; i++) {
        uint8_t exponent[9];
        memset(exponent, rsa[i].exponent, sizeof exponent);
        w = cx_writer((struct cx_span){ bytes, sizeof bytes });
        cx_writer_text(&w, "ssh-rsa");
        cx_writer_mpint(&w, cx_view(exponent, rsa[i].exponent_len));
        cx_writer_mpint(&w, cx_view(number, rsa[i].modulus_len));
        cr_assert_eq(check_blob(&w), rsa[i].want, "row %zu", i);
    }
    w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_text(&w, "ecdsa-sha2-nistp256");
    cx_writer_text(&w, "nistp256");
    number[0] = 4;
    cx_writer_string(&w, cx_view(number, 65));
    cr_assert_eq(check_blob(&w), CX_E_WEAK, "a point off the curve");
    w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_text(&w, "ssh-ed25519");
    memset(number, 0, 32);
    number[0] = 1;
    cx_writer_string(&w, cx_view(number, 32));
    cr_assert_eq(check_blob(&w), CX_E_WEAK, "the neutral element");
    cx_writer_u8(&w, 0);
    cr_assert_eq(check_blob(&w), CX_E_MALFORMED, "a byte too many");
    w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_text(&w, "ssh-dss");
    cr_assert_eq(check_blob(&w), CX_E_UNSUPPORTED);
}

Test(keys, the_size_of_rsa_keys_is_told)
{
    static const struct {
        enum cx_key_type type;
        size_t bits;
    } rows[] = { { CX_KEY_RSA, 3072 }, { CX_KEY_ED25519, 0 }, { CX_KEY_ECDSA_P521, 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cx_private_key *key = generate(rows[i].type);
        cr_assert_eq(cx_key_blob_rsa_bits(cx_private_key_blob(key)), rows[i].bits);
        cx_private_key_free(key);
    }
    cr_assert_eq(cx_key_blob_rsa_bits(cx_view("", 0)), 0);
}

Test(keys, lines_are_parsed_strictly)
{
    static const char good[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    static const struct {
        const char *prefix, *suffix, *rest;
        enum cx_err want;
    } rows[] = {
        { "", "", "", CX_OK },
        { " \t", " me@home \r\n", "me@home ", CX_OK },
        { "", "\tmy key", "my key", CX_OK },
        { "x", "", "", CX_E_UNSUPPORTED },
        { "", "=", "", CX_E_MALFORMED },
        { "", "AAAA", "", CX_E_MALFORMED },
        { "ecdsa-sha2-nistp256 ", "", "", CX_E_MALFORMED },
        { "no-pty ", "", "", CX_E_UNSUPPORTED },
        { "#", "", "", CX_E_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[256];
        uint8_t blob[CX_KEY_BLOB_MAX];
        size_t len;
        struct cx_view rest;
        snprintf(line, sizeof line, "%s%s%s", rows[i].prefix, good, rows[i].suffix);
        enum cx_err err = cx_key_line_parse(cx_view_text(line), blob, &len, &rest);
        cr_assert_eq(err, rows[i].want, "row %zu: %s", i, cx_err_text(err));
        if (!err)
            cr_assert(cx_view_is(rest, rows[i].rest) && len == 51, "row %zu", i);
    }
}

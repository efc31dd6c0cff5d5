/* SPDX-License-Identifier: MIT */
/* Private key files under a passphrase, made by ssh-keygen and by OpenSSL. */
#include <criterion/criterion.h>
#include <sodium.h>
#include <stdio.h>

#include "crypto/keys/bcrypt_pbkdf.h"
#include "crypto/keys/key.h"
#include "crypto/wire.h"
#include "folder.h"

#define BEGIN_LINE "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define END_LINE "-----END OPENSSH PRIVATE KEY-----\n"

/* The blob goes into out, if that is not NULL. */
static enum cx_err open_text(const char *text, const char *passphrase, struct cx_writer *blob)
{
    struct cx_private_key *key = NULL;
    enum cx_err err = cx_private_key_parse(cx_view_text(text), cx_view_text(passphrase), &key);
    cr_assert_eq(key != NULL, err == CX_OK);
    if (key && blob)
        cx_writer_raw(blob, cx_private_key_blob(key));
    cx_private_key_free(key);
    return err;
}

/* The key that opens is the one whose public half ssh-keygen wrote beside it. */
static void check_file(const struct folder *f, const char *kind)
{
    char text[8192];
    uint8_t opened[CX_KEY_BLOB_MAX], written[CX_KEY_BLOB_MAX];
    size_t len;
    struct cx_view rest;
    struct cx_writer blob = cx_writer((struct cx_span){ opened, sizeof opened });
    folder_read(f, "key", text, sizeof text);
    cr_assert_eq(open_text(text, "", NULL), CX_E_PASSPHRASE, "%s", kind);
    cr_assert_eq(open_text(text, "open sesamf", NULL), CX_E_PASSPHRASE, "%s", kind);
    cr_assert_eq(open_text(text, "open sesame", &blob), CX_OK, "%s", kind);
    folder_read(f, "key.pub", text, sizeof text);
    cr_assert_eq(cx_key_line_parse(cx_view_text(text), written, &len, &rest), CX_OK);
    cr_assert(cx_view_equal(cx_writer_view(&blob), cx_view(written, len)), "%s", kind);
}

Test(encrypted_keys, each_form_opens_with_its_passphrase_only)
{
    static const char *const kinds[] = {
        "-t ed25519", /* as many rounds as ssh-keygen chooses */
        "-t ed25519 -a 3",
        "-t ecdsa -b 256 -a 1",
        "-t ecdsa -b 384 -a 1",
        "-t ecdsa -b 521 -a 1",
        "-t rsa -b 2048 -a 1",
        "-t ed25519 -a 1 -Z aes256-cbc",
        "-t rsa -b 2048 -m PEM",
        "-t ecdsa -b 256 -m PEM",
        "-t ecdsa -b 384 -m PKCS8",
    };
    struct folder f = folder_new();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "rm -f key* && ssh-keygen -q %s -N 'open sesame' -f key", kinds[i]);
        folder_run(&f, command);
        check_file(&f, kinds[i]);
    }
    folder_free(&f);
}

Test(encrypted_keys, other_ciphers_are_told_from_damage)
{
    static const char *const ciphers[] = { "aes128-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com" };
    struct folder f = folder_new();
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        char command[128], text[8192];
        snprintf(command, sizeof command, "rm -f key* && ssh-keygen -q -t ed25519 -a 1 -Z %s -N x -f key", ciphers[i]);
        folder_run(&f, command);
        folder_read(&f, "key", text, sizeof text);
        cr_assert_eq(open_text(text, "x", NULL), CX_E_UNSUPPORTED, "%s", ciphers[i]);
    }
    folder_free(&f);
}

/* ---- damaged files ---- */

struct file {
    size_t len, rounds_at, section_at;
    uint8_t bytes[1024];
};

/* One round, so that a hundred openings are no wait; no comment, since CTR lets nobody see that one was changed. */
static struct file file_new(void)
{
    struct folder f = folder_new();
    struct file file;
    char text[2048];
    folder_run(&f, "ssh-keygen -q -t ed25519 -a 1 -N x -C '' -f key");
    size_t len = folder_read(&f, "key", text, sizeof text), begin = strlen(BEGIN_LINE);
    cr_assert_eq(sodium_base642bin(file.bytes, sizeof file.bytes, text + begin, len - begin - strlen(END_LINE), "\n", &file.len,
                                   NULL, sodium_base64_VARIANT_ORIGINAL),
                 0);
    folder_free(&f);
    struct cx_reader r = cx_reader(cx_view(file.bytes, file.len));
    cx_reader_raw(&r, sizeof "openssh-key-v1");
    cx_reader_string(&r);
    cx_reader_string(&r);
    struct cx_view options = cx_reader_string(&r);
    file.rounds_at = (size_t)(options.data + options.len - 4 - file.bytes);
    cx_reader_u32(&r);
    cx_reader_string(&r);
    struct cx_view section = cx_reader_string(&r);
    file.section_at = (size_t)(section.data - file.bytes);
    cr_assert(cx_reader_done(&r));
    return file;
}

static enum cx_err open_file(const struct file *file, size_t len, const char *passphrase)
{
    char base64[2048], text[4096];
    sodium_bin2base64(base64, sizeof base64, file->bytes, len, sodium_base64_VARIANT_ORIGINAL);
    snprintf(text, sizeof text, BEGIN_LINE "%s\n" END_LINE, base64);
    return open_text(text, passphrase, NULL);
}

Test(encrypted_keys, a_file_cannot_ask_for_endless_work)
{
    static const struct {
        uint32_t rounds;
        enum cx_err want;
    } rows[] = {
        { 1, CX_OK },
        { 2, CX_E_PASSPHRASE },
        { 0, CX_E_UNSUPPORTED },
        { CX_BCRYPT_ROUNDS_MAX + 1, CX_E_UNSUPPORTED },
        { UINT32_MAX, CX_E_UNSUPPORTED },
    };
    struct file file = file_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cx_store_u32(file.bytes + file.rounds_at, rows[i].rounds);
        cr_assert_eq(open_file(&file, file.len, "x"), rows[i].want, "%u rounds", rows[i].rounds);
    }
}

Test(encrypted_keys, a_file_with_a_bit_changed_is_refused)
{
    struct file file = file_new();
    cr_assert_eq(open_file(&file, file.len, "x"), CX_OK);
    for (size_t i = 0; i < file.len; i += i < file.section_at ? 1 : 11) {
        file.bytes[i] ^= (uint8_t)(1u << i % 8);
        cr_assert_neq(open_file(&file, file.len, "x"), CX_OK, "byte %zu of %zu", i, file.len);
        file.bytes[i] ^= (uint8_t)(1u << i % 8);
    }
}

Test(encrypted_keys, a_truncated_or_lengthened_file_is_refused)
{
    struct file file = file_new();
    for (size_t len = 0; len < file.len; len++)
        cr_assert_eq(open_file(&file, len, "x"), CX_E_MALFORMED, "%zu bytes", len);
    file.bytes[file.len] = 0;
    cr_assert_eq(open_file(&file, file.len + 1, "x"), CX_E_MALFORMED);
}

/* ---- the key derivation ---- */

/* What a file needs is 48 bytes; here is every length up to some blocks, none of which may write past its end. */
Test(encrypted_keys, each_length_of_derived_key_is_filled_and_no_more)
{
    for (size_t len = 1; len <= 70; len += 3) {
        uint8_t out[80];
        memset(out, 0xaa, sizeof out);
        cr_assert_eq(cx_bcrypt_pbkdf(cx_view_text("x"), cx_view_text("salt"), 1, (struct cx_span){ out, len }), CX_OK);
        for (size_t i = len; i < sizeof out; i++)
            cr_assert_eq(out[i], 0xaa, "%zu: byte %zu", len, i);
        size_t same = 0;
        for (size_t i = 0; i < len; i++)
            same += out[i] == 0xaa;
        cr_assert_leq(same, 4, "%zu: %zu bytes were left", len, same);
    }
}

Test(encrypted_keys, nothing_is_derived_of_nothing)
{
    uint8_t out[CX_BCRYPT_OUT_MAX + 1];
    struct cx_view x = cx_view_text("x"), none = cx_view_text("");
    cr_assert_eq(cx_bcrypt_pbkdf(none, x, 1, (struct cx_span){ out, 48 }), CX_E_UNSUPPORTED);
    cr_assert_eq(cx_bcrypt_pbkdf(x, none, 1, (struct cx_span){ out, 48 }), CX_E_UNSUPPORTED);
    cr_assert_eq(cx_bcrypt_pbkdf(x, x, 1, (struct cx_span){ out, 0 }), CX_E_UNSUPPORTED);
    cr_assert_eq(cx_bcrypt_pbkdf(x, x, 1, (struct cx_span){ out, sizeof out }), CX_E_UNSUPPORTED);
}

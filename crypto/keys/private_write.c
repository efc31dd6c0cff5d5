/* SPDX-License-Identifier: MIT */
/* Writes openssh-key-v1 files, unencrypted: PROTOCOL.key of OpenSSH. */
#include <openssl/core_names.h>
#include <sodium.h>
#include <stdlib.h>

#include "crypto/keys/key_priv.h"
#include "crypto/secret.h"

enum {
    SECTION_MAX_BYTES = 8 * 1024, /* an RSA-8192 key's numbers take 4.6 KiB */
    FILE_MAX_BYTES = SECTION_MAX_BYTES + CX_KEY_BLOB_MAX + 256,
    COMMENT_MAX_BYTES = 1024,
    PADDING_BLOCK = 8,
    LINE_COLUMNS = 70, /* as ssh-keygen breaks lines */
};

/* Everything secret that is made on the way to the text. */
struct draft {
    uint8_t section[SECTION_MAX_BYTES];
    uint8_t file[FILE_MAX_BYTES];
    char base64[sodium_base64_ENCODED_LEN(FILE_MAX_BYTES, sodium_base64_VARIANT_ORIGINAL)];
};

static void write_number(const EVP_PKEY *evp, const char *name, struct cx_writer *w)
{
    uint8_t bytes[CX_RSA_BYTES_MAX];
    BIGNUM *number = BN_secure_new();
    int len = -1;
    if (number && EVP_PKEY_get_bn_param(evp, name, &number) == 1 && BN_num_bytes(number) <= CX_RSA_BYTES_MAX)
        len = BN_bn2bin(number, bytes);
    if (len > 0)
        cx_writer_mpint(w, cx_view(bytes, (size_t)len));
    else
        w->failed = true;
    cx_secret_wipe(bytes, sizeof bytes);
    BN_clear_free(number);
}

static void write_numbers(const struct cx_private_key *key, const struct cx_public_parts *parts, struct cx_writer *w)
{
    static const char *const rsa[] = { OSSL_PKEY_PARAM_RSA_N,       OSSL_PKEY_PARAM_RSA_E,
                                       OSSL_PKEY_PARAM_RSA_D,       OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
                                       OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2 };
    switch (key->type) {
    case CX_KEY_ED25519:
        cx_writer_string(w, parts->point);
        cx_writer_string(w, cx_view(key->ed25519, sizeof key->ed25519));
        break;
    case CX_KEY_RSA:
        for (size_t i = 0; i < sizeof rsa / sizeof rsa[0]; i++)
            write_number(key->evp, rsa[i], w);
        break;
    default:
        cx_writer_text(w, cx_key_curve(key->type)->name);
        cx_writer_string(w, parts->point);
        write_number(key->evp, OSSL_PKEY_PARAM_PRIV_KEY, w);
    }
}

/* The check words are there to show a wrong passphrase; here there is none, and any value does. */
static struct cx_view write_section(const struct cx_private_key *key, const char *comment, struct draft *d)
{
    struct cx_public_parts parts;
    struct cx_writer w = cx_writer((struct cx_span){ d->section, sizeof d->section });
    uint32_t check = randombytes_random();
    w.failed = cx_public_parse(cx_private_key_blob(key), &parts) != CX_OK;
    cx_writer_u32(&w, check);
    cx_writer_u32(&w, check);
    cx_writer_text(&w, cx_key_type_name(key->type));
    if (!w.failed)
        write_numbers(key, &parts, &w);
    cx_writer_text(&w, comment);
    for (uint8_t i = 1; !w.failed && w.used % PADDING_BLOCK != 0; i++)
        cx_writer_u8(&w, i);
    return w.failed ? cx_view(NULL, 0) : cx_writer_view(&w);
}

static struct cx_view write_file(const struct cx_private_key *key, const char *comment, struct draft *d)
{
    struct cx_view section = write_section(key, comment, d);
    struct cx_writer w = cx_writer((struct cx_span){ d->file, sizeof d->file });
    cx_writer_raw(&w, cx_view(CX_OPENSSH_MAGIC, sizeof CX_OPENSSH_MAGIC));
    cx_writer_text(&w, "none");
    cx_writer_text(&w, "none");
    cx_writer_text(&w, "");
    cx_writer_u32(&w, 1);
    cx_writer_string(&w, cx_private_key_blob(key));
    cx_writer_string(&w, section);
    return section.len == 0 || w.failed ? cx_view(NULL, 0) : cx_writer_view(&w);
}

static char *append(char *at, const char *from, size_t len)
{
    memcpy(at, from, len);
    at[len] = '\n';
    return at + len + 1;
}

static char *armour(const char *base64)
{
    size_t len = strlen(base64);
    char *text = malloc(len + len / LINE_COLUMNS + sizeof CX_OPENSSH_BEGIN + sizeof CX_OPENSSH_END + 2), *at = text;
    if (!text)
        return NULL;
    at = append(at, CX_OPENSSH_BEGIN, strlen(CX_OPENSSH_BEGIN));
    for (size_t done = 0; done < len; done += LINE_COLUMNS)
        at = append(at, base64 + done, len - done < LINE_COLUMNS ? len - done : LINE_COLUMNS);
    at = append(at, CX_OPENSSH_END, strlen(CX_OPENSSH_END));
    *at = '\0';
    return text;
}

enum cx_err cx_private_key_write(const struct cx_private_key *key, const char *comment, char **text)
{
    struct draft *d = strlen(comment) <= COMMENT_MAX_BYTES ? calloc(1, sizeof *d) : NULL;
    *text = NULL;
    if (!d)
        return CX_E_RESOURCE;
    struct cx_view file = write_file(key, comment, d);
    if (file.len > 0) {
        sodium_bin2base64(d->base64, sizeof d->base64, file.data, file.len, sodium_base64_VARIANT_ORIGINAL);
        *text = armour(d->base64);
    }
    cx_secret_wipe(d, sizeof *d);
    free(d);
    return *text ? CX_OK : CX_E_RESOURCE;
}

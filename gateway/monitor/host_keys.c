/* SPDX-License-Identifier: MIT */
/* See host_keys.h. */
#include "gateway/monitor/host_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/keys/certificate.h"
#include "crypto/secret.h"
#include "gateway/observe/log.h"

enum { WHY_BYTES = 128 };

/* The whole of a file into text of CX_KEY_FILE_MAX bytes; *mode: its permissions. -1: why. */
static ssize_t read_file(const char *path, uint8_t *text, mode_t *mode, char why[WHY_BYTES])
{
    struct stat st;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        snprintf(why, WHY_BYTES, "%s", strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > CX_KEY_FILE_MAX)
        snprintf(why, WHY_BYTES, "not a regular file of at most %d bytes", CX_KEY_FILE_MAX);
    else if ((n = pread(fd, text, CX_KEY_FILE_MAX, 0)) < 0)
        snprintf(why, WHY_BYTES, "%s", strerror(errno));
    else
        *mode = st.st_mode & 07777;
    if (fd >= 0)
        close(fd);
    return n;
}

/* ---- private keys ---- */

static bool is_short(const struct cx_private_key *key, size_t required_rsa_bits)
{
    size_t bits = cx_key_blob_rsa_bits(cx_private_key_blob(key));
    return bits > 0 && bits < required_rsa_bits;
}

static struct cx_private_key *load_key(const char *path, size_t required_rsa_bits, uint8_t *text, char *error, size_t room)
{
    struct cx_private_key *key = NULL;
    char why[WHY_BYTES] = "";
    mode_t mode = 0;
    ssize_t n = read_file(path, text, &mode, why);
    if ((mode & 077) != 0) {
        snprintf(error, room,
                 "Permissions %04o for '%s' are too open. It is required that your private key files are NOT accessible by others "
                 "(chmod 600 '%s').",
                 mode, path, path);
        return NULL;
    }
    if (n >= 0) {
        enum cx_err err = cx_private_key_parse(cx_view(text, (size_t)n), cx_view("", 0), &key);
        if (err != CX_OK)
            snprintf(why, sizeof why, "%s",
                     err == CX_E_PASSPHRASE ? "it is encrypted; a host key must have no passphrase" : cx_err_text(err));
        else if (is_short(key, required_rsa_bits))
            snprintf(why, sizeof why, "an RSA key of fewer bits than RequiredRSASize, which is %zu", required_rsa_bits);
    }
    if (why[0] == '\0')
        return key;
    snprintf(error, room, "Unable to load host key \"%s\": %s", path, why);
    cx_private_key_free(key);
    return NULL;
}

/* ---- certificates ---- */

static struct mux_host_key *find_key(const struct gw_host_keys *h, const struct cx_certificate *certificate)
{
    uint8_t room[CX_KEY_BLOB_MAX];
    struct cx_view blob = cx_certificate_key(certificate, room);
    for (size_t i = 0; i < h->count; i++)
        if (cx_view_equal(blob, h->public_keys[i].blob))
            return &h->public_keys[i];
    return NULL;
}

/* NULL: it is good, and *key is its key. Otherwise what is wrong. */
static const char *judge(const struct gw_host_keys *h, struct cx_view blob, struct mux_host_key **key)
{
    struct cx_certificate certificate;
    enum cx_err err = cx_certificate_check(blob, &certificate);
    if (err != CX_OK)
        return cx_err_text(err);
    if (certificate.kind != CX_CERTIFICATE_HOST)
        return "it is for users; one for hosts is made by ssh-keygen -h";
    *key = find_key(h, &certificate);
    if (!*key)
        return "it is of none of the host keys";
    return (*key)->certificate.len > 0 ? "its key has one already" : NULL;
}

static void say_time(const char *path, struct cx_view blob)
{
    struct cx_certificate certificate;
    uint64_t now = (uint64_t)time(NULL);
    if (cx_certificate_parse(blob, &certificate) == CX_OK && (now < certificate.valid_after || now >= certificate.valid_before))
        gw_log(GW_LOG_ERROR, "host certificate \"%s\" %s: clients go by the plain key", path,
               now < certificate.valid_after ? "is not yet valid" : "has expired");
}

/* Of the file's first line. */
static bool load_certificate(struct gw_host_keys *h, const char *path, uint8_t *text, char *error, size_t room)
{
    struct mux_host_key *key = NULL;
    struct cx_view rest;
    char why[WHY_BYTES] = "";
    size_t len = 0;
    mode_t mode;
    uint8_t *blob = malloc(CX_CERTIFICATE_MAX);
    ssize_t n = read_file(path, text, &mode, why);
    const uint8_t *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
    struct cx_view line = { text, end ? (size_t)(end - text) : n > 0 ? (size_t)n : 0 };
    const char *wrong = !blob ? "out of memory" : why[0] ? why : NULL;
    if (!wrong && cx_certificate_line_parse(line, blob, &len, &rest) != CX_OK)
        wrong = "it is not a certificate";
    if (!wrong)
        wrong = judge(h, cx_view(blob, len), &key);
    if (wrong) {
        snprintf(error, room, "Could not load host certificate \"%s\": %s", path, wrong);
        free(blob);
        return false;
    }
    key->certificate = cx_view(blob, len);
    say_time(path, key->certificate);
    return true;
}

/* ---- all ---- */

/* text: room for a file. */
static bool load_all(struct gw_host_keys *h, const struct gw_config *config, uint8_t *text, char *error, size_t room)
{
    for (size_t i = 0; i < config->host_key_count; i++) {
        struct cx_private_key *key = load_key(config->host_keys[i], config->required_rsa_bits, text, error, room);
        if (!key)
            return false;
        h->keys[i] = key;
        h->public_keys[i] = (struct mux_host_key){ .blob = cx_private_key_blob(key), .type = cx_private_key_type(key) };
        h->count++;
    }
    for (size_t i = 0; i < config->host_certificate_count; i++)
        if (!load_certificate(h, config->host_certificates[i], text, error, room))
            return false;
    return true;
}

bool gw_host_keys_load(struct gw_host_keys *h, const struct gw_config *config, char *error, size_t room)
{
    size_t count = config->host_key_count;
    *h = (struct gw_host_keys){ 0 };
    if (count == 0) {
        snprintf(
            error, room,
            "no hostkeys available -- exiting. Name one by the keyword HostKey (ssh-keygen -t ed25519 -N '' -f FILE makes it).");
        return false;
    }
    h->keys = calloc(count, sizeof *h->keys);
    h->public_keys = calloc(count, sizeof *h->public_keys);
    uint8_t *text = malloc(CX_KEY_FILE_MAX);
    bool ok = h->keys && h->public_keys && text;
    if (ok)
        ok = load_all(h, config, text, error, room);
    else
        snprintf(error, room, "out of memory");
    if (text)
        cx_secret_wipe(text, CX_KEY_FILE_MAX);
    free(text);
    if (!ok)
        gw_host_keys_free(h);
    return ok;
}

void gw_host_keys_lock_memory(void)
{
    mlockall(MCL_CURRENT | MCL_ONFAULT); /* without ONFAULT every mapped page would be made resident: 28 MiB a signer */
}

void gw_host_keys_free(struct gw_host_keys *h)
{
    for (size_t i = 0; i < h->count; i++)
        cx_private_key_free(h->keys[i]);
    for (size_t i = 0; i < h->count; i++)
        free((void *)(uintptr_t)h->public_keys[i].certificate.data);
    free(h->keys);
    free(h->public_keys);
    *h = (struct gw_host_keys){ 0 };
}

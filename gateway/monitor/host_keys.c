/* SPDX-License-Identifier: MIT */
/* See host_keys.h. */
#include "gateway/monitor/host_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"

/* The whole of a private key file into text of CX_KEY_FILE_MAX bytes. -1: error. */
static ssize_t read_private(const char *path, uint8_t *text, char *error, size_t room)
{
    struct stat st;
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        snprintf(error, room, "Unable to load host key \"%s\": %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > CX_KEY_FILE_MAX)
        snprintf(error, room, "Unable to load host key \"%s\": not a regular file of at most %d bytes", path, CX_KEY_FILE_MAX);
    else if ((st.st_mode & 077) != 0)
        snprintf(error, room,
                 "Permissions %04o for '%s' are too open. It is required that your private key files are NOT accessible by others "
                 "(chmod 600 '%s').",
                 st.st_mode & 07777, path, path);
    else if ((n = pread(fd, text, CX_KEY_FILE_MAX, 0)) < 0)
        snprintf(error, room, "Unable to load host key \"%s\": %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return n;
}

static bool is_short(const struct cx_private_key *key, size_t required_rsa_bits)
{
    size_t bits = cx_key_blob_rsa_bits(cx_private_key_blob(key));
    return bits > 0 && bits < required_rsa_bits;
}

static bool load_one(struct gw_host_keys *h, const char *path, size_t required_rsa_bits, char *error, size_t room)
{
    uint8_t *text = malloc(CX_KEY_FILE_MAX);
    struct cx_private_key *key = NULL;
    if (!text) {
        snprintf(error, room, "out of memory");
        return false;
    }
    ssize_t n = read_private(path, text, error, room);
    if (n >= 0) {
        enum cx_err err = cx_private_key_parse(cx_view(text, (size_t)n), cx_view("", 0), &key);
        if (err != CX_OK)
            snprintf(error, room, "Unable to load host key \"%s\": %s", path,
                     err == CX_E_PASSPHRASE ? "it is encrypted; a host key must have no passphrase" : cx_err_text(err));
        else if (is_short(key, required_rsa_bits))
            snprintf(error, room, "Unable to load host key \"%s\": an RSA key of fewer bits than RequiredRSASize, which is %zu",
                     path, required_rsa_bits);
        else
            h->keys[h->count] = key;
    }
    cx_secret_wipe(text, CX_KEY_FILE_MAX);
    free(text);
    if (!h->keys[h->count]) {
        cx_private_key_free(key);
        return false;
    }
    h->public_keys[h->count] = (struct mux_host_key){ .blob = cx_private_key_blob(key), .type = cx_private_key_type(key) };
    h->count++;
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
    bool ok = h->keys && h->public_keys;
    if (!ok)
        snprintf(error, room, "out of memory");
    for (size_t i = 0; ok && i < count; i++)
        ok = load_one(h, config->host_keys[i], config->required_rsa_bits, error, room);
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
    free(h->keys);
    free(h->public_keys);
    *h = (struct gw_host_keys){ 0 };
}

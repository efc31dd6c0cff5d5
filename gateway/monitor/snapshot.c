/* SPDX-License-Identifier: MIT */
/* The configuration as it travels to the engine: a sealed memfd with
 *
 *   uint32 magic, string configuration (gw_config_print), boolean has_banner, string banner,
 *   uint32 count, count times: string public host key, string its certificate (empty: none)
 *
 * Sealed, so that what the engine maps cannot change under it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/keys/certificate.h"
#include "crypto/wire.h"
#include "gateway/config/config.h"
#include "gateway/monitor/ipc.h"

enum {
    MAGIC = 0x736c6332, /* "slc2": another form gets another one */
    HOST_KEYS_MAX = 64,
    SNAPSHOT_MAX = GW_CONFIG_TEXT_MAX * 2,
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

static char *print_config(const struct gw_config *config, size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (!out)
        return NULL;
    gw_config_print(config, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static size_t snapshot_bytes(size_t text_len, struct cx_view banner, const struct mux_host_key *keys, size_t count)
{
    size_t n = 4 + 4 + text_len + 1 + 4 + banner.len + 4;
    for (size_t i = 0; i < count; i++)
        n += 4 + keys[i].blob.len + 4 + keys[i].certificate.len;
    return n;
}

static int sealed_memfd(struct cx_view bytes)
{
    int fd = memfd_create("sluice-configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, bytes.data, bytes.len);
    if (n == (ssize_t)bytes.len && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
        return fd;
    int why = n >= 0 && n != (ssize_t)bytes.len ? ENOSPC : errno;
    close(fd);
    errno = why;
    return -1;
}

int gw_snapshot_write(const struct gw_config *config, const struct mux_host_key *keys, size_t count)
{
    size_t text_len = 0;
    char *text = print_config(config, &text_len);
    if (!text)
        return -1;
    struct cx_view banner = config->banner ? cx_view_text(config->banner) : cx_view("", 0);
    size_t room = snapshot_bytes(text_len, banner, keys, count);
    uint8_t *bytes = malloc(room);
    int fd = -1;
    if (!bytes)
        goto out;
    struct cx_writer w = cx_writer((struct cx_span){ bytes, room });
    cx_writer_u32(&w, MAGIC);
    cx_writer_string(&w, cx_view(text, text_len));
    cx_writer_bool(&w, config->banner != NULL);
    cx_writer_string(&w, banner);
    cx_writer_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        cx_writer_string(&w, keys[i].blob);
        cx_writer_string(&w, keys[i].certificate);
    }
    if (cx_writer_ok(&w))
        fd = sealed_memfd(cx_writer_view(&w));
    else
        errno = EFBIG;
out:
    free(bytes);
    free(text);
    return fd;
}

static bool read_config(struct cx_reader *in, struct gw_snapshot *out, char *error, size_t room)
{
    char why[GW_CONFIG_ERROR_MAX] = "";
    struct cx_view text = cx_reader_string(in);
    bool has_banner = cx_reader_bool(in);
    struct cx_view banner = cx_reader_string(in);
    if (!cx_reader_ok(in) || text.len > GW_CONFIG_TEXT_MAX) {
        snprintf(error, room, "the snapshot is malformed");
        return false;
    }
    char *copy = strndup((const char *)text.data, text.len);
    struct gw_config *config = copy ? gw_config_parse(copy, "snapshot", why) : NULL;
    free(copy);
    if (!config) {
        snprintf(error, room, "%s", why[0] ? why : "out of memory");
        return false;
    }
    out->config = config;
    if (has_banner) {
        free(config->banner);
        config->banner = strndup((const char *)banner.data, banner.len);
    }
    return true;
}

/* False: out of memory. */
static bool copy(struct cx_view bytes, struct cx_view *out)
{
    uint8_t *mine = malloc(bytes.len + 1);
    if (!mine)
        return false;
    memcpy(mine, bytes.data, bytes.len);
    *out = cx_view(mine, bytes.len);
    return true;
}

static bool read_host_key(struct cx_reader *in, struct mux_host_key *key)
{
    struct cx_view blob = cx_reader_string(in), certificate = cx_reader_string(in);
    struct cx_certificate parsed;
    if (!cx_reader_ok(in) || cx_key_blob_check(blob, &key->type) != CX_OK)
        return false;
    if (certificate.len > 0 && (cx_certificate_check(certificate, &parsed) != CX_OK || parsed.type != key->type))
        return false;
    return copy(blob, &key->blob) && (certificate.len == 0 || copy(certificate, &key->certificate));
}

static bool read_host_keys(struct cx_reader *in, struct gw_snapshot *out)
{
    uint32_t count = cx_reader_u32(in);
    if (!cx_reader_ok(in) || count > HOST_KEYS_MAX)
        return false;
    out->host_keys = calloc(count ? count : 1, sizeof *out->host_keys);
    if (!out->host_keys)
        return false;
    out->host_key_count = count;
    for (uint32_t i = 0; i < count; i++)
        if (!read_host_key(in, &out->host_keys[i]))
            return false;
    return cx_reader_done(in);
}

static bool read_bytes(struct cx_view bytes, struct gw_snapshot *out, char *error, size_t room)
{
    struct cx_reader in = cx_reader(bytes);
    if (cx_reader_u32(&in) != MAGIC) {
        snprintf(error, room, "not a snapshot of this version");
        return false;
    }
    if (!read_config(&in, out, error, room))
        return false;
    if (!read_host_keys(&in, out)) {
        snprintf(error, room, "the snapshot's host keys are malformed");
        return false;
    }
    return true;
}

bool gw_snapshot_read(int memfd, struct gw_snapshot *out, char *error, size_t error_room)
{
    *out = (struct gw_snapshot){ 0 };
    struct stat st;
    int seals = fcntl(memfd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(memfd, &st) != 0 || st.st_size <= 0 || st.st_size > SNAPSHOT_MAX) {
        snprintf(error, error_room, "not a sealed snapshot");
        return false;
    }
    size_t len = (size_t)st.st_size;
    void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, memfd, 0);
    if (map == MAP_FAILED) {
        snprintf(error, error_room, "cannot map the snapshot: %s", strerror(errno));
        return false;
    }
    bool ok = read_bytes(cx_view(map, len), out, error, error_room);
    munmap(map, len);
    if (!ok)
        gw_snapshot_deinit(out);
    return ok;
}

void gw_snapshot_deinit(struct gw_snapshot *s)
{
    if (s->config)
        gw_config_drop(s->config);
    for (size_t i = 0; i < s->host_key_count; i++) {
        free((void *)(uintptr_t)s->host_keys[i].blob.data);
        free((void *)(uintptr_t)s->host_keys[i].certificate.data);
    }
    free(s->host_keys);
    *s = (struct gw_snapshot){ 0 };
}

/* SPDX-License-Identifier: MIT */
#include "bench/compare/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/keys/key.h"
#include "crypto/secret.h"

enum { LINE_BYTES = 1024, OPEN_AT_ONCE = 16 };

const char *compare_place_path(const struct compare_place *p, const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", p->path, name);
    return out;
}

bool compare_place_write(const struct compare_place *p, const char *name, const char *format, ...)
{
    char path[PATH_MAX];
    int fd = open(compare_place_path(p, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return false;
    va_list args;
    va_start(args, format);
    bool good = vfprintf(f, format, args) >= 0;
    va_end(args);
    return fclose(f) == 0 && good;
}

void compare_place_last_line(const struct compare_place *p, const char *name, char *out, size_t room)
{
    char path[PATH_MAX], line[LINE_BYTES];
    FILE *f = fopen(compare_place_path(p, name, path), "re");
    out[0] = 0;
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0])
            snprintf(out, room, "%s", line);
    }
    if (f)
        fclose(f);
    for (; *out; out++)
        if ((unsigned char)*out < ' ' || (unsigned char)*out > '~')
            *out = '?';
}

/* ---- keys ---- */

static bool write_public(const struct compare_place *p, const struct cx_private_key *key)
{
    struct cx_view blob = cx_private_key_blob(key);
    unsigned char base64[CX_KEY_BLOB_MAX * 2];
    if (EVP_EncodeBlock(base64, blob.data, (int)blob.len) <= 0)
        return false;
    return compare_place_write(p, "authorized_keys", "%s %s sluice-bench\n", cx_key_type_name(cx_private_key_type(key)), base64);
}

static bool make_key(char **text, struct cx_private_key **key)
{
    return cx_private_key_generate(CX_KEY_ED25519, key) == CX_OK && cx_private_key_write(*key, "sluice-bench", text) == CX_OK;
}

static void wipe(char *text)
{
    if (text)
        cx_secret_wipe(text, strlen(text));
    free(text);
}

static bool write_keys(struct compare_place *p)
{
    struct cx_private_key *host = NULL, *user = NULL;
    char *host_text = NULL;
    bool good = make_key(&host_text, &host) && make_key(&p->user_key, &user) && compare_place_write(p, "host", "%s", host_text) &&
                write_public(p, user);
    wipe(host_text);
    cx_private_key_free(host);
    cx_private_key_free(user);
    return good;
}

/* ---- the directory ---- */

bool compare_place_make(struct compare_place *p)
{
    const char *base = getenv("TMPDIR");
    const struct passwd *me = getpwuid(geteuid());
    *p = (struct compare_place){ .user_key = NULL };
    if (!me) {
        errno = ENOENT;
        return false;
    }
    snprintf(p->user, sizeof p->user, "%s", me->pw_name);
    snprintf(p->path, sizeof p->path, "%s/sluice-compare.XXXXXX", base && *base == '/' ? base : "/tmp");
    if (!mkdtemp(p->path)) {
        p->path[0] = 0;
        return false;
    }
    return write_keys(p);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

void compare_place_remove(struct compare_place *p)
{
    if (p->path[0])
        nftw(p->path, remove_one, OPEN_AT_ONCE, FTW_DEPTH | FTW_PHYS);
    wipe(p->user_key);
    *p = (struct compare_place){ .user_key = NULL };
}

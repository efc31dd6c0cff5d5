/* SPDX-License-Identifier: MIT */
/* See keyfile.h. The administrator's part of the path may lead through symbolic links, the part that a user's name is in may not:
 * openat2 refuses to leave the directory, so that no name reaches another file whatever it expands to. */
#include "gateway/monitor/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/auth/authorized_keys.h"

__attribute__((format(printf, 2, 3))) static void refuse(struct gw_keyfile *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
    if (out->fd >= 0)
        close(out->fd);
    out->fd = -1;
}

/* Where the part beneath the directory begins in an absolute pattern. */
static size_t beneath_at(const char *pattern)
{
    size_t before = strcspn(pattern, "%"), at = 0;
    for (size_t i = 0; i < before; i++)
        if (pattern[i] == '/')
            at = i + 1;
    return at;
}

/* False: too long, or an unknown % sequence. */
static bool expand(const char *from, struct cx_view user, char *out, size_t room, bool *has_user)
{
    size_t used = 0;
    for (; *from; from++) {
        struct cx_view piece = cx_view(from, 1);
        if (*from == '%') {
            from++;
            if (*from == 'u') {
                piece = user;
                *has_user = true;
            } else if (*from != '%') {
                return false;
            }
        }
        if (piece.len >= room - used)
            return false;
        memcpy(out + used, piece.data, piece.len);
        used += piece.len;
    }
    out[used] = '\0';
    return used > 0;
}

static void open_beneath(const char *directory, const char *path, struct gw_keyfile *out)
{
    int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        refuse(out, "%s: %s", directory, strerror(errno));
        return;
    }
    struct open_how how = {
        .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    out->fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    int why = errno;
    close(dir);
    if (out->fd < 0 && why != ENOENT)
        refuse(out, "%s", why == ELOOP ? "a symbolic link is in the way" : strerror(why));
}

static void judge(struct gw_keyfile *out)
{
    struct stat st;
    if (fstat(out->fd, &st) != 0)
        refuse(out, "%s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        refuse(out, "not a regular file");
    else if (st.st_size > GW_KEY_FILE_BYTES_MAX)
        refuse(out, "larger than %d bytes", GW_KEY_FILE_BYTES_MAX);
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        refuse(out, "bad ownership: owned by user %u", st.st_uid);
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        refuse(out, "bad modes: %04o lets others write", st.st_mode & 07777);
}

void gw_keyfile_open(const char *pattern, struct cx_view user, struct gw_keyfile *out)
{
    *out = (struct gw_keyfile){ .fd = -1 };
    char directory[PATH_MAX], path[PATH_MAX];
    size_t at = beneath_at(pattern);
    if (at == 0 || at >= sizeof directory || !expand(pattern + at, user, path, sizeof path, &out->path_has_user)) {
        refuse(out, "the path is not absolute, too long, or has an unknown %% in it");
        return;
    }
    memcpy(directory, pattern, at);
    directory[at] = '\0';
    open_beneath(directory, path, out);
    if (out->fd >= 0)
        judge(out);
}

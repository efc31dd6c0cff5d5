/* SPDX-License-Identifier: MIT */
/* What a client may say of a path is one name in a directory that the configuration gives: so no link, no parent directory and no
 * file elsewhere can be meant, whatever the engine's user may write. Nobody but that user should be able to write in the directory.
 *
 * The mode is the socket's own from its first moment on: Linux gives what bind makes the mode of the descriptor's inode, less the
 * umask, which the engine has set to 0. */
#include "gateway/forward/socket_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64 };

static bool is_name(const char *name, size_t len)
{
    if (len == 0 || len > NAME_MAX_BYTES || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

bool gw_socket_path_within(struct cx_view path, const char *directory)
{
    size_t len = directory ? strlen(directory) : 0;
    while (len > 0 && directory[len - 1] == '/')
        len--;
    struct sockaddr_un address;
    return directory && path.len > len + 1 && path.len < sizeof address.sun_path && memcmp(path.data, directory, len) == 0 &&
           path.data[len] == '/' && is_name((const char *)path.data + len + 1, path.len - len - 1);
}

/* Whether no process has it any more. A socket of another type asks, so that a live one is not disturbed: it is not the right type.
 */
static bool is_dead(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static void remove_dead(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && is_dead(address))
        unlink(address->sun_path);
}

bool gw_socket_path_bind(struct gw_socket_path *p, int fd, const char *path, mode_t mode, bool replace)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path));
    p->path = NULL;
    if (replace)
        remove_dead(&address);
    if (fchmod(fd, mode) != 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return false;
    struct stat st;
    p->path = lstat(path, &st) == 0 ? strdup(path) : NULL;
    if (!p->path) {
        unlink(path);
        errno = ENOMEM;
        return false;
    }
    p->device = st.st_dev;
    p->inode = st.st_ino;
    return true;
}

void gw_socket_path_remove(struct gw_socket_path *p)
{
    struct stat st;
    if (p->path && lstat(p->path, &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode)
        unlink(p->path);
    free(p->path);
    p->path = NULL;
}

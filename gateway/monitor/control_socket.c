/* SPDX-License-Identifier: MIT */
/* See control_socket.h. */
#include "gateway/monitor/control_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, SOCKET_MODE_MASK = 0117, DIRECTORY_MODE_MASK = 0027 };

struct opening {
    const struct gw_account *account;
    struct sockaddr_un address;
    char *error;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct opening *o, const char *format, ...)
{
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(o->error, o->room, "ControlSocket %s: %s", o->address.sun_path, why);
    return false;
}

static bool give_to_group(const struct opening *o, const char *path)
{
    return !o->account->separate || lchown(path, (uid_t)-1, o->account->gid) == 0;
}

/* Such as /run/NAME, which is gone after a reboot. */
static bool make_directory(const struct opening *o)
{
    char directory[sizeof o->address.sun_path];
    snprintf(directory, sizeof directory, "%s", o->address.sun_path);
    char *slash = strrchr(directory, '/');
    if (!slash || slash == directory)
        return true;
    *slash = '\0';
    mode_t mask = umask(DIRECTORY_MODE_MASK); /* whoever started us may have one that shuts the group out */
    int result = mkdir(directory, 0777);
    int why = errno;
    umask(mask);
    if (result != 0)
        return why == EEXIST || refuse(o, "its directory cannot be made: %s", strerror(why));
    return give_to_group(o, directory) || refuse(o, "its directory cannot be given to the group: %s", strerror(errno));
}

/* What a gateway left behind that was killed goes; what is anything else stays. */
static bool clear_path(const struct opening *o, int fd)
{
    struct stat st;
    if (lstat(o->address.sun_path, &st) != 0)
        return errno == ENOENT || refuse(o, "%s", strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return refuse(o, "there is a file in its place that is no socket");
    if (connect(fd, (const struct sockaddr *)&o->address, sizeof o->address) == 0 || errno == EAGAIN)
        return refuse(o, "another gateway answers there");
    if (errno != ECONNREFUSED)
        return refuse(o, "%s", strerror(errno));
    return unlink(o->address.sun_path) == 0 || refuse(o, "the old socket cannot be removed: %s", strerror(errno));
}

/* The mode is right when the file appears, so that there is no moment at which others could connect. */
static bool bind_private(const struct opening *o, int fd)
{
    mode_t mask = umask(SOCKET_MODE_MASK);
    int result = bind(fd, (const struct sockaddr *)&o->address, sizeof o->address);
    int why = errno;
    umask(mask);
    if (result != 0)
        return refuse(o, "%s", strerror(why));
    if (give_to_group(o, o->address.sun_path) && listen(fd, BACKLOG) == 0)
        return true;
    why = errno;
    unlink(o->address.sun_path);
    return refuse(o, "%s", strerror(why));
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

bool gw_control_socket_open(struct gw_control_socket *s, const char *path, const struct gw_account *account, char *error,
                            size_t room)
{
    *s = (struct gw_control_socket){ .fd = -1 };
    if (!path)
        return true;
    struct opening o = { .account = account, .address.sun_family = AF_UNIX, .error = error, .room = room };
    if (strlen(path) >= sizeof o.address.sun_path) {
        snprintf(error, room, "ControlSocket %.64s...: the path is longer than %zu bytes", path, sizeof o.address.sun_path - 1);
        return false;
    }
    memcpy(o.address.sun_path, path, strlen(path));
    int probe = new_socket(), fd = new_socket();
    bool ok = (probe >= 0 && fd >= 0) || refuse(&o, "%s", strerror(errno));
    ok = ok && make_directory(&o) && clear_path(&o, probe) && bind_private(&o, fd);
    if (probe >= 0)
        close(probe);
    if (ok) {
        *s = (struct gw_control_socket){ .fd = fd, .path = strdup(path) };
        if (s->path)
            return true;
        unlink(path);
        refuse(&o, "out of memory");
        s->fd = -1;
    }
    if (fd >= 0)
        close(fd);
    return false;
}

void gw_control_socket_close(struct gw_control_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->path)
        unlink(s->path);
    free(s->path);
    *s = (struct gw_control_socket){ .fd = -1 };
}

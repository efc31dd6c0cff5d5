/* SPDX-License-Identifier: MIT */
/* See reply.h. */
#include "gateway/ctl/reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/ctl/line.h"

enum { LINE_MAX_BYTES = 1024, READ_STEP = 64 * 1024, SILENCE_SECONDS = 10 };

__attribute__((format(printf, 2, 3))) static bool fail(char error[GW_CTL_ERROR_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, GW_CTL_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

/* ---- asking ---- */

static bool cannot_connect(const char *path, char error[GW_CTL_ERROR_MAX])
{
    if (errno == ENOENT)
        return fail(
            error,
            "there is no socket %.108s: is sluiced running, and does its configuration have a line ControlSocket with this path? "
            "(-s names another)",
            path);
    if (errno == ECONNREFUSED)
        return fail(error, "nobody answers on %.108s: sluiced is not running", path);
    if (errno == EACCES)
        return fail(error,
                    "you may not connect to %.108s: that takes root, or a member of the group that the socket belongs to "
                    "(ls -l shows it; sluiced's keyword User chooses it)",
                    path);
    if (errno == EAGAIN)
        return fail(error, "the gateway is busy with other operators on %.108s; try again", path);
    return fail(error, "%.108s: %s", path, strerror(errno));
}

static int open_connection(const char *path, char error[GW_CTL_ERROR_MAX])
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        fail(error, "the socket's path is longer than %zu bytes", sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval silence = { .tv_sec = SILENCE_SECONDS };
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence) != 0)
        fail(error, "cannot make a socket: %s", strerror(errno));
    else if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        cannot_connect(path, error);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_question(int fd, char *const *words, size_t count, char error[GW_CTL_ERROR_MAX])
{
    char line[LINE_MAX_BYTES];
    size_t len = (size_t)snprintf(line, sizeof line, "1");
    for (size_t i = 0; i < count; i++) {
        if (strpbrk(words[i], "\t\n"))
            return fail(error, "a name holds no tabs and no line ends");
        if (len + 1 + strlen(words[i]) + 1 >= sizeof line)
            return fail(error, "these names are too long");
        len += (size_t)sprintf(line + len, "\t%s", words[i]);
    }
    line[len++] = '\n';
    if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len)
        return fail(error, "the gateway does not take the question: %s", strerror(errno));
    return true;
}

/* All until the gateway closes. */
static char *read_answer(int fd, char error[GW_CTL_ERROR_MAX])
{
    char *text = NULL;
    size_t len = 0, room = 0;
    for (;;) {
        if (room - len < READ_STEP) {
            room = room * 2 + 2 * READ_STEP;
            char *larger = room <= GW_CTL_REPLY_MAX ? realloc(text, room) : NULL;
            if (!larger) {
                fail(error, "the answer does not fit into memory");
                break;
            }
            text = larger;
        }
        ssize_t n = recv(fd, text + len, READ_STEP, 0);
        if (n == 0) {
            text[len] = '\0';
            return text;
        }
        if (n < 0 && errno != EINTR) {
            fail(error, "the gateway does not answer: %s", errno == EAGAIN ? "it is silent" : strerror(errno));
            break;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    free(text);
    return NULL;
}

/* ---- the answer ---- */

static bool split(char *text, struct gw_ctl_reply *r)
{
    size_t lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    r->lines = calloc(lines + 1, sizeof *r->lines);
    if (!r->lines)
        return false;
    for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        *end = '\0';
        r->lines[r->count++] = text;
    }
    return true;
}

static bool judge(struct gw_ctl_reply *r, char error[GW_CTL_ERROR_MAX])
{
    uint64_t protocol;
    struct cx_view said;
    if (r->count == 0 || !gw_ctl_line_number(r->lines[0], "protocol", &protocol))
        return fail(error, "what answers there is no gateway");
    if (protocol != 1)
        return fail(error, "the gateway speaks another version of the control protocol: use the sluicectl that came with it");
    r->last = r->lines[r->count - 1];
    if (gw_ctl_line_text(r->last, "error", &said))
        return fail(error, "%.*s", (int)said.len, (const char *)said.data);
    if (!gw_ctl_line_is_true(r->last, "end") || r->count < 2)
        return fail(error, "the answer is not complete: the gateway has ended, or was too busy");
    r->lines++;
    r->count -= 2;
    return true;
}

bool gw_ctl_reply_parse(char *text, struct gw_ctl_reply *reply, char error[GW_CTL_ERROR_MAX])
{
    *reply = (struct gw_ctl_reply){ .text = text };
    if (!split(text, reply))
        fail(error, "out of memory");
    else if (judge(reply, error))
        return true;
    else
        free(reply->lines);
    free(text);
    *reply = (struct gw_ctl_reply){ 0 };
    return false;
}

bool gw_ctl_ask(const char *socket_path, char *const *words, size_t count, struct gw_ctl_reply *reply, char error[GW_CTL_ERROR_MAX])
{
    int fd = open_connection(socket_path, error);
    if (fd < 0)
        return false;
    char *text = send_question(fd, words, count, error) ? read_answer(fd, error) : NULL;
    close(fd);
    return text && gw_ctl_reply_parse(text, reply, error);
}

void gw_ctl_reply_deinit(struct gw_ctl_reply *reply)
{
    if (reply->lines)
        free(reply->lines - 1); /* judge passed the first by */
    free(reply->text);
    *reply = (struct gw_ctl_reply){ 0 };
}

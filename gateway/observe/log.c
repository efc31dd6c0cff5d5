/* SPDX-License-Identifier: MIT */
/* Log lines are built on the stack and leave by one write: no lock, no buffer, nothing lost when the process dies.
 *
 * That write never waits: who reads our pipe, terminal or journal could otherwise stop every worker by not reading. A line that
 * finds no room is lost, and the next one that finds some says how many were. */
#include "gateway/observe/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

/* What keeps a write from waiting. */
enum way { WAY_FILE, WAY_SOCKET, WAY_POLL };

static int log_fd = STDERR_FILENO;
static enum way log_way = WAY_POLL;
static const char *log_process = "sluiced";
static atomic_int log_level = GW_LOG_INFO;
static atomic_uint lines_lost;

/* O_NONBLOCK belongs to the description, which others (a shell, a pager) share: so ours is opened anew. Where that is forbidden,
 * as with another user's pipe, asking poll(2) first has to do, which two threads at the same last piece of room can outrun. */
static void make_nonblocking(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return;
    dup3(own, fd, fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0);
    close(own);
}

void gw_log_init(int fd, enum gw_log_level level, const char *process)
{
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    log_way = known && S_ISREG(st.st_mode) ? WAY_FILE : known && S_ISSOCK(st.st_mode) ? WAY_SOCKET : WAY_POLL;
    if (log_way == WAY_POLL)
        make_nonblocking(fd);
    log_fd = fd;
    log_process = process;
    gw_log_set_level(level);
}

void gw_log_set_level(enum gw_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool gw_log_enabled(enum gw_log_level level)
{
    return level != GW_LOG_QUIET && (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* The part in front of the text. Returns its length. */
static size_t write_head(char *line, size_t room)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, room - used, ".%06ldZ %.32s[%d]: ", now.tv_nsec / 1000, log_process, (int)getpid());
    assert(used < room);
    return used;
}

/* Returns its length, newline included. */
__attribute__((format(printf, 2, 0))) static size_t write_line(char line[LINE_MAX_BYTES], const char *format, va_list arguments)
{
    size_t head = write_head(line, LINE_MAX_BYTES);
    size_t room = LINE_MAX_BYTES - head - 1; /* one byte stays for the newline */
    int n = vsnprintf(line + head, room, format, arguments);
    size_t used = head + (n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1);

    /* A second net under gw_log_escape: whoever forgot it can still not forge a line. */
    for (size_t i = head; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[used++] = '\n';
    return used;
}

static bool has_room(void)
{
    struct pollfd polled = { .fd = log_fd, .events = POLLOUT };
    return poll(&polled, 1, 0) != 0; /* an error is the write's to tell */
}

/* False: there is no room for it now. A log that cannot be written at all has nobody to tell; the gateway goes on. */
__attribute__((format(printf, 1, 0))) static bool emit(const char *format, va_list arguments)
{
    char line[LINE_MAX_BYTES];
    size_t len = write_line(line, format, arguments);
    ssize_t n;
    do {
        if (log_way == WAY_POLL && !has_room())
            return false;
        n = log_way == WAY_SOCKET ? send(log_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) : write(log_fd, line, len);
    } while (n < 0 && errno == EINTR);
    return n >= 0 || errno != EAGAIN;
}

__attribute__((format(printf, 1, 2))) static bool say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool said = emit(format, arguments);
    va_end(arguments);
    return said;
}

/* What was lost is told in front of the first line that finds room again. */
static void tell_losses(void)
{
    unsigned lost = atomic_exchange_explicit(&lines_lost, 0, memory_order_relaxed);
    if (lost > 0 && !say("%u log lines were lost: nobody read them", lost))
        atomic_fetch_add_explicit(&lines_lost, lost, memory_order_relaxed);
}

void gw_log(enum gw_log_level level, const char *format, ...)
{
    if (!gw_log_enabled(level))
        return;
    int saved_errno = errno;
    if (atomic_load_explicit(&lines_lost, memory_order_relaxed) > 0)
        tell_losses();
    va_list arguments;
    va_start(arguments, format);
    if (!emit(format, arguments))
        atomic_fetch_add_explicit(&lines_lost, 1, memory_order_relaxed);
    va_end(arguments);
    errno = saved_errno;
}

/* ---- escaping ---- */

/* Output that stops at the first piece which does not fit. */
struct escaped {
    char *out;
    size_t room; /* without the NUL */
    size_t used;
    size_t fits; /* how long the output may be so that "..." still fits behind it */
    bool cut;
};

static struct escaped begin(char *out, size_t room)
{
    assert(room >= 4); /* "..." and its NUL */
    return (struct escaped){ .out = out, .room = room - 1 };
}

static void put(struct escaped *e, const char *piece, size_t len)
{
    if (e->cut || len > e->room - e->used) {
        e->cut = true;
        return;
    }
    memcpy(e->out + e->used, piece, len);
    e->used += len;
    if (e->used + 3 <= e->room)
        e->fits = e->used;
}

static const char *end(struct escaped *e)
{
    if (e->cut) {
        memcpy(e->out + e->fits, "...", 3);
        e->used = e->fits + 3;
    }
    e->out[e->used] = '\0';
    return e->out;
}

const char *gw_log_escape(char *out, size_t room, struct cx_view text, bool escape_spaces)
{
    struct escaped e = begin(out, room);
    for (size_t i = 0; i < text.len && !e.cut; i++) {
        uint8_t c = text.data[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '\\' && !(c == ' ' && escape_spaces);
        char piece[4] = { (char)c };
        if (!plain) {
            piece[0] = '\\';
            piece[1] = (char)('0' + (c >> 6));
            piece[2] = (char)('0' + (c >> 3 & 7));
            piece[3] = (char)('0' + (c & 7));
        }
        put(&e, piece, plain ? 1 : 4);
    }
    return end(&e);
}

/* Length of the well-formed UTF-8 sequence of several bytes at the start of text, 0: none. RFC 3629 section 4: no overlong
 * form, no surrogate, nothing past U+10FFFF. */
static size_t utf8_sequence(struct cx_view text)
{
    uint8_t first = text.data[0];
    size_t len = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
    if (len == 0 || len > text.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    uint8_t second = text.data[1];
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second >= 0xa0;
    bool too_high = first == 0xf4 && second >= 0x90;
    return overlong || surrogate || too_high ? 0 : len;
}

const char *gw_json_escape(char *out, size_t room, struct cx_view text)
{
    static const char hex[] = "0123456789abcdef";
    struct escaped e = begin(out, room);
    while (text.len > 0 && !e.cut) {
        uint8_t c = text.data[0];
        size_t taken = 1;
        if (c == '"' || c == '\\') {
            put(&e, (char[]){ '\\', (char)c }, 2);
        } else if (c >= 0x20 && c < 0x7f) {
            put(&e, (char[]){ (char)c }, 1);
        } else if ((taken = utf8_sequence(text)) > 0) {
            put(&e, (const char *)text.data, taken);
        } else {
            taken = 1;
            put(&e, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
        }
        text.data += taken;
        text.len -= taken;
    }
    return end(&e);
}

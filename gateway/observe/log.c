/* SPDX-License-Identifier: MIT */
/* Log lines are built on the stack and leave by one write: no lock, no buffer, nothing lost when the process dies. */
#include "gateway/observe/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static int log_fd = STDERR_FILENO;
static const char *log_process = "sluiced";
static atomic_int log_level = GW_LOG_INFO;

void gw_log_init(int fd, enum gw_log_level level, const char *process)
{
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

void gw_log(enum gw_log_level level, const char *format, ...)
{
    if (!gw_log_enabled(level))
        return;
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    size_t head = write_head(line, sizeof line);
    size_t room = sizeof line - head - 1; /* one byte stays for the newline */

    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line + head, room, format, arguments);
    va_end(arguments);
    size_t used = head + (n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1);

    /* A second net under gw_log_escape: whoever forgot it can still not forge a line. */
    for (size_t i = head; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[used++] = '\n';

    ssize_t written;
    do
        written = write(log_fd, line, used);
    while (written < 0 && errno == EINTR);
    /* A log that cannot be written has nobody to tell; the gateway goes on. */
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

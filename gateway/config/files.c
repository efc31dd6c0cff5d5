/* SPDX-License-Identifier: MIT */
/* What of a configuration comes from files: their text, their paths, Include. Relative paths start at the directory of the main
 * file wherever they are written, so that a file may be moved into conf.d without being changed. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/config/reader_priv.h"

static bool fail_file(struct gw_reader *r, const char *path, const char *why)
{
    char quoted[256];
    return gw_reader_fail(r, "%s cannot be read: %s", gw_reader_quote(quoted, sizeof quoted, path), why);
}

char *gw_reader_path(struct gw_reader *r, const char *word)
{
    if (word[0] == '/')
        return gw_reader_copy(r, word);
    if (word[0] == '\0' || !r->directory) {
        gw_reader_refuse(r, word, word[0] == '\0' ? "a path" : "an absolute path");
        return NULL;
    }
    char *path;
    if (asprintf(&path, "%s/%s", r->directory, word) < 0) {
        gw_reader_out_of_memory(r);
        return NULL;
    }
    return path;
}

/* Reads until the end or until buffer is full. False: errno. */
static bool read_all(int fd, char *buffer, size_t room, size_t *len)
{
    *len = 0;
    while (*len < room) {
        ssize_t n = read(fd, buffer + *len, room - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        *len += (size_t)n;
    }
    return true;
}

char *gw_reader_file(struct gw_reader *r, const char *path, size_t max, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        fail_file(r, path, strerror(errno));
        return NULL;
    }
    char *text = malloc(max + 2); /* one byte more than allowed shows that there is more; and a NUL */
    bool ok = text && read_all(fd, text, max + 1, len);
    int error = text ? errno : ENOMEM;
    close(fd);
    if (!ok || *len > max) {
        fail_file(r, path, ok ? "it is too long" : strerror(error));
        free(text);
        return NULL;
    }
    text[*len] = '\0';
    return text;
}

/* One file's lines, outside of any block; afterwards the including line's place and block are back. */
static bool include_file(struct gw_reader *r, const char *path)
{
    size_t len;
    char *text = gw_reader_file(r, path, GW_CONFIG_TEXT_MAX - r->bytes_read, &len);
    if (!text)
        return false;
    r->bytes_read += len;
    bool ok = strlen(text) == len || fail_file(r, path, "it holds a NUL byte");
    if (ok) {
        struct gw_place place = r->place;
        const char *keyword = r->keyword;
        int queue = r->queue;
        r->depth++;
        ok = gw_reader_text(r, text, path);
        r->depth--;
        if (ok) {
            r->place = place;
            r->keyword = keyword;
            r->queue = queue;
        }
    }
    free(text);
    return ok;
}

static bool include_matches(struct gw_reader *r, const char *pattern)
{
    glob_t found;
    int result = glob(pattern, 0, NULL, &found);
    if (result == GLOB_NOMATCH) {
        /* an empty conf.d is fine; a single file that is named and not there is a mistake, and to be told so */
        return strpbrk(pattern, "*?[") ? true : fail_file(r, pattern, strerror(ENOENT));
    }
    if (result != 0)
        return result == GLOB_NOSPACE ? gw_reader_out_of_memory(r) : fail_file(r, pattern, strerror(EIO));
    bool ok = true;
    for (size_t i = 0; ok && i < found.gl_pathc; i++)
        ok = include_file(r, found.gl_pathv[i]);
    globfree(&found);
    return ok;
}

static bool read_include(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    (void)k;
    (void)base;
    if (!r->directory)
        return gw_reader_fail(r, "cannot stand here; accepted: in a configuration that is read from files");
    if (r->depth >= GW_INCLUDE_DEPTH_MAX)
        return gw_reader_fail(r, "files include each other too deeply, or in a circle; accepted: a depth of %d",
                              GW_INCLUDE_DEPTH_MAX);
    for (size_t i = 0; i < line->count; i++) {
        char *pattern = gw_reader_path(r, line->words[i]);
        bool ok = pattern && include_matches(r, pattern);
        free(pattern);
        if (!ok)
            return false;
    }
    return true;
}

const struct gw_kind gw_kind_include = { .read = read_include, .many_words = true, .repeats = true };

bool gw_reader_main_file(struct gw_reader *r, const char *path)
{
    assert(r->depth == 0 && path[0] == '/');
    r->place = (struct gw_place){ 0 };
    r->keyword = NULL;
    return include_file(r, path);
}

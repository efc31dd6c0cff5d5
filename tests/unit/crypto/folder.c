/* SPDX-License-Identifier: MIT */
/* Folders for tests, and what happens in them. */
#include "folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

struct folder folder_new(void)
{
    struct folder f = { "/tmp/test_keys.XXXXXX" };
    cr_assert_not_null(mkdtemp(f.path));
    return f;
}

void folder_free(const struct folder *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->path);
    cr_assert_eq(system(command), 0);
}

void folder_run(const struct folder *f, const char *command)
{
    char line[512];
    cr_assert_lt((size_t)snprintf(line, sizeof line, "cd '%s' && %s", f->path, command), sizeof line);
    cr_assert_eq(system(line), 0, "%s", command);
}

size_t folder_read(const struct folder *f, const char *name, char *out, size_t room)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    size_t len = fread(out, 1, room - 1, file);
    out[len] = '\0';
    fclose(file);
    return len;
}

void folder_write(const struct folder *f, const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

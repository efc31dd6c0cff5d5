/* SPDX-License-Identifier: MIT */
/* A folder of files that go to and fro between a test and ssh-keygen. Whatever fails fails the test. */
#ifndef TESTS_CRYPTO_FOLDER_H
#define TESTS_CRYPTO_FOLDER_H

#include <stddef.h>

struct folder {
    char path[64];
};

struct folder folder_new(void);
/* Removes it with everything in it. */
void folder_free(const struct folder *f);
/* A shell's command line, in the folder. */
void folder_run(const struct folder *f, const char *command);
/* The file, with a NUL behind it; room counts that. */
size_t folder_read(const struct folder *f, const char *name, char *out, size_t room);
void folder_write(const struct folder *f, const char *name, const void *bytes, size_t len);

#endif

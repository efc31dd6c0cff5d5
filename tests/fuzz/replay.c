/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without a fuzzer: replay CORPUS MUTATIONS [SEED] feeds every file of the directory, and that many random
 * mutations of each, the same ones whenever the seed is the same. A crash is what it is looking for. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX = 64 * 1024, EDITS_MAX = 8 };

static uint64_t state = 88172645463325252u;

static uint32_t random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) % n);
}

static void mutate(uint8_t *data, size_t *size)
{
    for (uint32_t edits = 1 + random_below(EDITS_MAX); edits > 0; edits--) {
        size_t at = random_below((uint32_t)*size), n = 1 + random_below(8);
        switch (random_below(4)) {
        case 0:
            data[at] ^= (uint8_t)(1u << random_below(8));
            break;
        case 1:
            data[at] = (uint8_t)random_below(256);
            break;
        case 2: /* repeats what stands there */
            if (*size + n <= INPUT_MAX && at + n <= *size) {
                memmove(data + at + n, data + at, *size - at);
                *size += n;
            }
            break;
        default: /* takes it out */
            if (at + n < *size) {
                memmove(data + at, data + at + n, *size - at - n);
                *size -= n;
            }
            break;
        }
    }
}

static void run(const uint8_t *data, size_t size)
{
    /* memory of its very size, so that a read past the end shows */
    uint8_t *exact = malloc(size);
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static bool replay(const char *path, unsigned mutations)
{
    static uint8_t original[INPUT_MAX], data[INPUT_MAX];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t len = fread(original, 1, sizeof original, f);
    (void)fclose(f);
    if (len == 0)
        return true;
    run(original, len);
    for (unsigned i = 0; i < mutations; i++) {
        size_t size = len;
        memcpy(data, original, len);
        mutate(data, &size);
        run(data, size);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    if (argc < 3 || argc > 4) {
        (void)fprintf(stderr, "usage: %s CORPUS MUTATIONS [SEED]\n", argv[0]);
        return 2;
    }
    if (argc > 3)
        state += strtoull(argv[3], NULL, 10) << 20;
    int count = scandir(argv[1], &entries, NULL, alphasort), files = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && replay(path, (unsigned)atoi(argv[2])))
            files++;
        free(entries[i]);
    }
    free(count >= 0 ? entries : NULL);
    (void)printf("%d inputs, %s mutations of each\n", files, argv[2]);
    return files > 0 ? 0 : 1;
}

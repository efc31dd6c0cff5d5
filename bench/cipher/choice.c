/* SPDX-License-Identifier: MIT */
#include "bench/cipher/choice.h"

#include <fnmatch.h>
#include <string.h>

/* A pattern with a wildcard is one of the whole name, another any part of it. */
static bool matches(const char *pattern, const char *name)
{
    return strpbrk(pattern, "*?[") ? fnmatch(pattern, name, 0) == 0 : strstr(name, pattern) != NULL;
}

static bool any_matches(const struct bench_words *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (matches(patterns->word[i], name))
            return true;
    return patterns->count == 0;
}

bool bench_choice_takes(const struct bench_choice *choice, const char *area, const char *name)
{
    for (size_t i = 0; i < choice->only.count; i++)
        if (strcmp(choice->only.word[i], area) == 0)
            return true;
    return any_matches(&choice->only, name);
}

bool bench_choice_takes_kernel(const struct bench_choice *choice, const char *kernel)
{
    return any_matches(&choice->kernels, kernel);
}

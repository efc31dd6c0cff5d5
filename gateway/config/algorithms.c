/* SPDX-License-Identifier: MIT */
/* Lists of algorithms: exact names, patterns, and the edits + (behind the defaults), - (without) and ^ (in front of them). */
#include <stdlib.h>

#include "gateway/config/reader_priv.h"
#include "gateway/net/host.h"

enum { LIST_MAX = 4096, NAME_MAX_BYTES = 128 };

/* A comma list being made; nothing stands in it twice. */
struct list {
    char text[LIST_MAX];
    size_t used;
};

static bool list_has(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; *at; at += *at == ',') {
        size_t item = strcspn(at, ",");
        if (item == len && memcmp(at, name, len) == 0)
            return true;
        at += item;
    }
    return false;
}

static void list_add(struct list *l, const char *name)
{
    size_t len = strlen(name);
    if (list_has(l->text, name) || l->used + 1 + len >= sizeof l->text) /* every name of crypto/ once fits many times over */
        return;
    if (l->used > 0)
        l->text[l->used++] = ',';
    memcpy(l->text + l->used, name, len + 1);
    l->used += len;
}

/* Takes the next item off *list. False: none left, or too long to be a name. */
static bool next_item(const char **list, char item[NAME_MAX_BYTES])
{
    size_t len = strcspn(*list, ",");
    if (**list == '\0' || len >= NAME_MAX_BYTES)
        return false;
    memcpy(item, *list, len);
    item[len] = '\0';
    *list += len;
    *list += **list == ',';
    return true;
}

/* Adds what each item of `names` stands for. The item that stands for nothing is left in `item`, and false returned;
 * with allow_idle_patterns a pattern may stand for nothing. */
static bool expand(struct list *out, const struct gw_algorithms *known, const char *names, bool allow_idle_patterns,
                   char item[NAME_MAX_BYTES])
{
    size_t ends_in_comma = strlen(names);
    if (ends_in_comma == 0 || names[ends_in_comma - 1] == ',') {
        item[0] = '\0';
        return false;
    }
    while (*names) {
        if (!next_item(&names, item)) {
            snprintf(item, NAME_MAX_BYTES, "%.*s", NAME_MAX_BYTES - 1, names);
            return false;
        }
        bool any = allow_idle_patterns && strpbrk(item, "*?");
        const char *name;
        for (size_t i = 0; (name = known->name_at(i)); i++) {
            if (gw_pattern_match(item, name)) {
                list_add(out, name);
                any = true;
            }
        }
        if (!any)
            return false;
    }
    return true;
}

static void add_defaults(struct list *out, const char *defaults, const char *without)
{
    char item[NAME_MAX_BYTES];
    while (next_item(&defaults, item))
        if (!list_has(without, item))
            list_add(out, item);
}

static void list_known(struct list *out, const struct gw_algorithms *known)
{
    const char *name;
    for (size_t i = 0; (name = known->name_at(i)); i++)
        list_add(out, name);
}

char *gw_algorithms_edit(struct gw_reader *r, const struct gw_keyword *k, const char *list)
{
    char edit = *list == '+' || *list == '-' || *list == '^' ? *list++ : '\0';
    char item[NAME_MAX_BYTES];
    struct list named = { 0 }, result = { 0 };
    if (!expand(&named, k->algorithms, list, edit == '-', item)) {
        struct list known = { 0 };
        list_known(&known, k->algorithms);
        gw_reader_refuse(r, item, known.text);
        return NULL;
    }
    if (edit == '+')
        add_defaults(&result, k->algorithms->defaults, "");
    if (edit != '-')
        add_defaults(&result, named.text, "");
    if (edit == '^' || edit == '-')
        add_defaults(&result, k->algorithms->defaults, edit == '-' ? named.text : "");
    if (result.used == 0) {
        gw_reader_fail(r, "nothing is left of the list; accepted: at least one of %s", k->algorithms->defaults);
        return NULL;
    }
    return gw_reader_copy(r, result.text);
}

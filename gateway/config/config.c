/* SPDX-License-Identifier: MIT */
/* A snapshot's life: made in one go from text, counted by its users, freed by the last of them. */
#include "gateway/config/config.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/keys/key.h"
#include "gateway/config/reader_priv.h"

static const uint64_t second_ns = 1000000000;

/* One user: whoever asked for it. */
static struct gw_config *new_config(void)
{
    struct gw_config *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->users, 1);
    c->login_grace_ns = 120 * second_ns;
    c->max_auth_tries = 6;
    c->required_rsa_bits = CX_RSA_BITS_MIN;
    c->startups_begin = 100;
    c->startups_rate = 30;
    c->startups_full = 1000;
    c->per_source_startups = UINT_MAX;
    c->net_block_v4 = 32;
    c->net_block_v6 = 128;
    c->alive_count = 3;
    c->log_level = GW_LOG_INFO;
    c->max_channels = 16384;
    c->max_channels_per_user = 256;
    c->stream_local_mask = 0177;
    c->hard_stop_ns = 30 * second_ns;
    c->window_budget_bytes = 1ull << 30;
    return c;
}

static void free_texts(char **items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(items[i]);
    free(items);
}

static void free_rules(struct gw_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rules[i].who);
    free(rules);
}

static void free_queue(struct gw_queue_config *q)
{
    for (size_t i = 0; i < q->target_count; i++) {
        free(q->targets[i].host);
        free(q->targets[i].text);
    }
    for (size_t i = 0; i < q->route_count; i++)
        free(q->routes[i].glob);
    free(q->targets);
    free(q->routes);
    free_rules(q->allow, q->allow_count);
    free_rules(q->deny, q->deny_count);
    free_rules(q->accept_reverse, q->accept_reverse_count);
}

static void free_config(struct gw_config *c)
{
    for (size_t i = 0; i < c->group_count; i++) {
        free(c->groups[i].name);
        free_texts(c->groups[i].members, c->groups[i].member_count);
    }
    for (size_t i = 0; i < c->queue_count; i++)
        free_queue(&c->queues[i]);
    free(c->groups);
    free(c->queues);
    free(c->listen);
    free_texts(c->host_keys, c->host_key_count);
    free_texts(c->host_certificates, c->host_certificate_count);
    free_texts(c->keys_files, c->keys_file_count);
    free(c->ciphers);
    free(c->macs);
    free(c->kex);
    free(c->host_key_algs);
    free(c->banner_path);
    free(c->banner);
    free(c->user);
    free(c->audit_log);
    free(c->pid_file);
    free(c->control_socket);
    for (size_t i = 0; i < c->permit_listen_count; i++)
        free(c->permit_listens[i].host);
    free(c->permit_listens);
    free(c->stream_local_directory);
    free(c);
}

const struct gw_config *gw_config_hold(const struct gw_config *c)
{
    /* The count is the one field of a snapshot that moves, whoever holds it. */
    atomic_uint *users = &((struct gw_config *)(uintptr_t)c)->users;
    unsigned before = atomic_fetch_add_explicit(users, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT_MAX);
    return c;
}

void gw_config_drop(const struct gw_config *c)
{
    struct gw_config *mine = (struct gw_config *)(uintptr_t)c;
    /* release: our reads are done before the count falls; acquire: whoever frees sees everybody's reads done */
    unsigned before = atomic_fetch_sub_explicit(&mine->users, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        free_config(mine);
}

/* ---- reading ---- */

static bool begin(struct gw_reader *r, char *error)
{
    *r = (struct gw_reader){ .error = error, .queue = GW_NO_QUEUE };
    error[0] = '\0';
    r->config = new_config();
    return r->config || gw_reader_out_of_memory(r);
}

/* Frees the reader, and the snapshot too unless ok. */
static struct gw_config *end(struct gw_reader *r, bool ok)
{
    free_texts(r->files, r->file_count);
    free(r->ports);
    free(r->blocks);
    free(r->group_places);
    for (size_t i = 0; i < r->group_use_count; i++)
        free(r->group_uses[i].name);
    free(r->group_uses);
    assert(ok || r->error[0] != '\0');
    if (!ok && r->config)
        free_config(r->config);
    return ok ? r->config : NULL;
}

/* Options count as one file in front of all others. */
static bool read_options(struct gw_reader *r, const char *const *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        r->place = (struct gw_place){ .line = (unsigned)i + 1, .is_option = true };
        char *text = gw_reader_copy(r, options[i]);
        bool ok = text && gw_reader_line(r, text);
        free(text);
        if (!ok)
            return false;
    }
    return true;
}

/* path itself where it is absolute, else behind the current directory. NULL: errno. */
static char *absolute(const char *path)
{
    char *out;
    if (path[0] == '/')
        return strdup(path);
    char *here = getcwd(NULL, 0);
    int n = here ? asprintf(&out, "%s/%s", here, path) : -1;
    free(here);
    return n < 0 ? NULL : out;
}

static bool load(struct gw_reader *r, const char *path, const char *const *options, size_t option_count)
{
    char *full = absolute(path);
    char *directory = full ? strdup(full) : NULL;
    bool ok = directory != NULL;
    if (!ok) {
        gw_reader_fail(r, "the current directory cannot be told: %s", strerror(errno));
    } else {
        *strrchr(directory, '/') = '\0'; /* "" stands for the root: paths get their slash when they are joined */
        /* Of options too: where the shell was is not known any more when a daemon reads all of it again. */
        r->directory = directory;
        ok = read_options(r, options, option_count) && gw_reader_main_file(r, full) && gw_reader_finish(r);
    }
    free(full);
    free(directory);
    return ok;
}

struct gw_config *gw_config_load(const char *path, const char *const *options, size_t option_count, char error[GW_CONFIG_ERROR_MAX])
{
    struct gw_reader r;
    bool ok = begin(&r, error) && load(&r, path, options, option_count);
    return end(&r, ok);
}

struct gw_config *gw_config_parse(const char *text, const char *name, char error[GW_CONFIG_ERROR_MAX])
{
    struct gw_reader r;
    if (!begin(&r, error))
        return end(&r, false);
    char *copy = gw_reader_copy(&r, text);
    bool ok = copy && gw_reader_text(&r, copy, name) && gw_reader_finish(&r);
    free(copy);
    return end(&r, ok);
}

/* ---- printing ---- */

static void print_scope(enum gw_keyword_scope scope, const void *base, FILE *out)
{
    const struct gw_keyword *k;
    for (size_t i = 0; (k = gw_keyword_at(i)); i++)
        if (k->scope == scope && k->kind->print)
            k->kind->print(k, base, out);
}

void gw_config_print(const struct gw_config *c, FILE *out)
{
    print_scope(GW_SCOPE_GLOBAL, c, out);
    for (size_t i = 0; i < c->queue_count; i++) {
        fprintf(out, "queue %s\n", c->queues[i].name);
        print_scope(GW_SCOPE_QUEUE, &c->queues[i], out);
    }
}

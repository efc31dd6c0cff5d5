/* SPDX-License-Identifier: MIT */
/* What stands when all lines are read: defaults of what nobody said, and the rules that no single line can break. */
#include <stdlib.h>

#include "gateway/config/reader_priv.h"

enum { PORT_DEFAULT = 2222 };

static bool is_set(const struct gw_reader *r, const char *keyword)
{
    return (r->seen & gw_keyword_bit(gw_keyword_find(keyword))) != 0;
}

/* ---- listeners ---- */

static bool same_proxies(const struct gw_listen *a, const struct gw_listen *b)
{
    return a->proxy_count == b->proxy_count && memcmp(a->proxies, b->proxies, sizeof a->proxies) == 0;
}

static bool refuse_proxies(struct gw_reader *r, const struct gw_addr *address)
{
    char text[GW_ADDR_TEXT];
    return gw_reader_fail(r, "%s stands there twice with different proxy-from; accepted: each once",
                          gw_addr_port_text(address, text));
}

static bool push_listener(struct gw_reader *r, struct gw_listen **list, size_t *count, const struct gw_listen *l)
{
    for (size_t i = 0; i < *count; i++)
        if (gw_addr_equal(&(*list)[i].address, &l->address) && (*list)[i].address.port == l->address.port)
            return same_proxies(&(*list)[i], l) || refuse_proxies(r, &l->address);
    struct gw_listen *slot = gw_reader_push(r, list, count, sizeof *slot);
    if (slot)
        *slot = *l;
    return slot != NULL;
}

/* Each address that came without a port listens on every port. */
static bool finish_listeners(struct gw_reader *r)
{
    struct gw_config *c = r->config;
    static const struct gw_listen everywhere[] = { { .address.family = AF_INET }, { .address.family = AF_INET6 } };
    const struct gw_listen *written = c->listen_count > 0 ? c->listen : everywhere;
    size_t written_count = c->listen_count > 0 ? c->listen_count : sizeof everywhere / sizeof everywhere[0];
    static const uint16_t port_default = PORT_DEFAULT;
    const uint16_t *ports = r->port_count > 0 ? r->ports : &port_default;
    size_t port_count = r->port_count > 0 ? r->port_count : 1;

    struct gw_listen *list = NULL;
    size_t count = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < written_count; i++) {
        struct gw_listen l = written[i];
        bool has_port = l.address.port != 0;
        for (size_t p = 0; ok && p < (has_port ? 1 : port_count); p++) {
            if (!has_port)
                l.address.port = ports[p];
            ok = push_listener(r, &list, &count, &l);
        }
    }
    free(c->listen);
    c->listen = list;
    c->listen_count = count;
    return ok;
}

/* ---- texts ---- */

static bool default_text(struct gw_reader *r, char **field, const char *text)
{
    if (!*field)
        *field = gw_reader_copy(r, text);
    return *field != NULL;
}

/* Lists of algorithms nobody wrote are the defaults. */
static bool finish_algorithms(struct gw_reader *r)
{
    const struct gw_keyword *k;
    for (size_t i = 0; (k = gw_keyword_at(i)); i++)
        if (k->algorithms && !default_text(r, gw_keyword_field(k, r->config), k->algorithms->defaults))
            return false;
    return true;
}

static bool finish_texts(struct gw_reader *r)
{
    struct gw_config *c = r->config;
    if (!default_text(r, &c->user, "sluice"))
        return false;
    if (c->host_key_count == 0 && !gw_reader_push_text(r, &c->host_keys, &c->host_key_count, "/etc/sluice/ssh_host_ed25519_key"))
        return false;
    if (!is_set(r, "AuthorizedKeysFile") && !gw_reader_push_text(r, &c->keys_files, &c->keys_file_count, "/etc/sluice/keys/%u"))
        return false;
    return finish_algorithms(r);
}

/* ---- queues ---- */

static bool check_queue(struct gw_reader *r, const struct gw_queue_config *q)
{
    bool dials = false;
    for (size_t i = 0; i < q->target_count; i++)
        dials |= q->targets[i].kind == GW_TARGET_DIAL;
    bool reverse = q->accept_reverse_count > 0;
    if (q->target_count == 0 && !reverse && !q->hold_for_consumer)
        return gw_reader_fail(r, "'%s' has no Target; accepted: at least one, AcceptReverse, or HoldForConsumer yes", q->name);
    if (reverse && dials)
        return gw_reader_fail(r, "'%s' has AcceptReverse and Target dial; accepted: one of them", q->name);
    if (reverse && q->target_count > 0 && !q->mix_reverse)
        return gw_reader_fail(r, "'%s' has AcceptReverse and a Target; accepted: one of them, or both with MixReverse yes",
                              q->name);
    if (dials && q->target_count > 1)
        return gw_reader_fail(r, "'%s' has Target dial beside another; accepted: dial alone", q->name);
    if (dials && q->route_count == 0)
        return gw_reader_fail(r, "'%s' has Target dial and no Route that says what may be dialled; accepted: at least one Route",
                              q->name);
    for (size_t i = 0; dials && i < q->route_count; i++)
        if (q->routes[i].is_path)
            return gw_reader_fail(r, "'%s' has Target dial and Route unix:%s; accepted: another queue for sockets", q->name,
                                  q->routes[i].glob);
    return true;
}

static bool finish_queues(struct gw_reader *r)
{
    r->keyword = "Queue";
    for (size_t i = 0; i < r->config->queue_count; i++) {
        r->place = r->blocks[i].place;
        if (!check_queue(r, &r->config->queues[i]))
            return false;
    }
    return true;
}

static bool group_exists(const struct gw_config *c, const char *name)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (strcmp(c->groups[i].name, name) == 0)
            return true;
    return false;
}

static bool finish_groups(struct gw_reader *r)
{
    for (size_t i = 0; i < r->group_use_count; i++) {
        r->keyword = r->group_uses[i].keyword;
        r->place = r->group_uses[i].place;
        if (!group_exists(r->config, r->group_uses[i].name))
            return gw_reader_fail(r, "there is no group '%s'; accepted: a group that a line Group %s MEMBER... defines",
                                  r->group_uses[i].name, r->group_uses[i].name);
    }
    return true;
}

bool gw_reader_finish(struct gw_reader *r)
{
    bool ok = finish_queues(r) && finish_groups(r);
    if (!ok)
        return false;
    r->place = (struct gw_place){ 0 };
    r->keyword = "ListenAddress";
    ok = finish_listeners(r);
    r->keyword = NULL;
    return ok && finish_texts(r);
}

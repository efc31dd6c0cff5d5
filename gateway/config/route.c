/* SPDX-License-Identifier: MIT */
/* Which queue a request goes to, whom a queue admits, and what dial may connect to. */
#include <errno.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/net/host.h"

static bool port_matches(const struct gw_route *route, uint32_t port)
{
    return port >= route->port_low && port <= route->port_high;
}

static bool glob_matches(const struct gw_route *route, const struct gw_host *host, uint32_t port)
{
    return !route->is_cidr && !route->is_path && host->kind == GW_HOST_NAME && port_matches(route, port) &&
           gw_pattern_match(route->glob, host->name);
}

static bool cidr_matches(const struct gw_route *route, const struct gw_addr *address, uint32_t port)
{
    return route->is_cidr && port_matches(route, port) && gw_cidr_contains(&route->cidr, address);
}

static bool route_matches(const struct gw_route *route, const struct gw_host *host, uint32_t port)
{
    return glob_matches(route, host, port) || (host->kind == GW_HOST_LITERAL && cidr_matches(route, &host->address, port));
}

static const struct gw_queue_config *queue_named(const struct gw_config *c, const struct gw_host *asked)
{
    for (size_t i = 0; asked->kind == GW_HOST_NAME && i < c->queue_count; i++)
        if (strcmp(c->queues[i].name, asked->name) == 0)
            return &c->queues[i];
    return NULL;
}

const struct gw_queue_config *gw_config_queue(const struct gw_config *c, struct cx_view name)
{
    struct gw_host asked = gw_host_read(name);
    return queue_named(c, &asked);
}

const struct gw_queue_config *gw_config_route(const struct gw_config *c, struct cx_view host, uint32_t port)
{
    struct gw_host asked = gw_host_read(host);
    const struct gw_queue_config *named = queue_named(c, &asked);
    if (named)
        return named;
    for (size_t i = 0; i < c->queue_count; i++)
        for (size_t j = 0; j < c->queues[i].route_count; j++)
            if (route_matches(&c->queues[i].routes[j], &asked, port))
                return &c->queues[i];
    return NULL;
}

static bool dials(const struct gw_queue_config *q)
{
    return q->target_count > 0 && q->targets[0].kind == GW_TARGET_DIAL;
}

const struct gw_queue_config *gw_config_route_path(const struct gw_config *c, struct cx_view path)
{
    char text[GW_HOST_MAX + 1];
    if (path.len == 0 || path.len >= sizeof text || memchr(path.data, '\0', path.len))
        return NULL;
    memcpy(text, path.data, path.len);
    text[path.len] = '\0';
    /* OpenSSH's client takes for a path only what begins with a slash */
    const struct gw_queue_config *named = gw_config_queue(c, cx_view_text(text[0] == '/' ? text + 1 : text));
    if (named)
        return dials(named) ? NULL : named;
    for (size_t i = 0; i < c->queue_count; i++)
        for (size_t n = 0; n < c->queues[i].route_count; n++)
            if (c->queues[i].routes[n].is_path && gw_pattern_match(c->queues[i].routes[n].glob, text))
                return &c->queues[i];
    return NULL;
}

/* ---- users ---- */

static bool group_has(const struct gw_config *c, const char *name, const char *user)
{
    for (size_t i = 0; i < c->group_count; i++) {
        if (strcmp(c->groups[i].name, name) != 0)
            continue;
        for (size_t m = 0; m < c->groups[i].member_count; m++)
            if (strcmp(c->groups[i].members[m], user) == 0)
                return true;
    }
    return false;
}

/* An address that cannot be told is in no block. */
static bool in_block(const struct gw_rule *rule, const struct gw_addr *source)
{
    return !rule->has_block || gw_cidr_contains(&rule->block, source);
}

static bool admits(const struct gw_config *c, const struct gw_rule *rule, const char *user, bool proves_name)
{
    if (strcmp(rule->who, "*") == 0)
        return true;
    return proves_name && (rule->who[0] == '@' ? group_has(c, rule->who + 1, user) : strcmp(rule->who, user) == 0);
}

static bool any_admits(const struct gw_config *c, const struct gw_rule *rules, size_t count, const char *user, bool proves_name,
                       const struct gw_addr *source)
{
    for (size_t i = 0; i < count; i++)
        if (in_block(&rules[i], source) && admits(c, &rules[i], user, proves_name))
            return true;
    return false;
}

/* Whoever may have taken a name by choice could be the one that is denied. */
static bool denies(const struct gw_config *c, const struct gw_rule *rule, const char *user, bool proves_name)
{
    return !proves_name || admits(c, rule, user, true);
}

bool gw_config_allows(const struct gw_config *c, const struct gw_queue_config *q, const char *user, bool proves_name,
                      const struct gw_addr *source)
{
    for (size_t i = 0; i < q->deny_count; i++)
        if (in_block(&q->deny[i], source) && denies(c, &q->deny[i], user, proves_name))
            return false;
    return any_admits(c, q->allow, q->allow_count, user, proves_name, source);
}

bool gw_config_accepts_reverse(const struct gw_config *c, const struct gw_queue_config *q, const char *user, bool proves_name,
                               const struct gw_addr *source)
{
    return any_admits(c, q->accept_reverse, q->accept_reverse_count, user, proves_name, source);
}

/* ---- dial ---- */

static bool is_unspecified(const struct gw_addr *a)
{
    static const uint8_t zero[sizeof a->bytes];
    return memcmp(a->bytes, zero, sizeof zero) == 0;
}

/* Whether the address is one of this machine: only those can be bound. When that cannot be found out, yes. */
static bool is_own_address(const struct gw_addr *address)
{
    struct gw_addr any_port = *address;
    any_port.port = 0;
    struct sockaddr_storage name;
    socklen_t len = gw_addr_to_sockaddr(&any_port, &name);
    int fd = socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    bool foreign = bind(fd, (struct sockaddr *)&name, len) < 0 && errno == EADDRNOTAVAIL;
    close(fd);
    return !foreign;
}

/* Whether connecting to it would reach the gateway itself. */
static bool is_own_listener(const struct gw_config *c, const struct gw_addr *address)
{
    for (size_t i = 0; i < c->listen_count; i++) {
        const struct gw_addr *own = &c->listen[i].address;
        if (own->port != address->port)
            continue;
        if (gw_addr_equal(own, address) || (is_unspecified(own) && is_own_address(address)))
            return true;
    }
    return false;
}

/* Whether a CIDR route of the queue gives the address; of those only one that lies within `range`, or is a single address. */
static bool cidr_gives(const struct gw_queue_config *q, const struct gw_addr *address, const struct gw_cidr *range, bool single)
{
    for (size_t i = 0; i < q->route_count; i++) {
        const struct gw_route *route = &q->routes[i];
        if (cidr_matches(route, address, address->port) && (!range || gw_cidr_within(&route->cidr, range)) &&
            (!single || gw_cidr_is_single(&route->cidr)))
            return true;
    }
    return false;
}

static bool glob_gives(const struct gw_queue_config *q, const struct gw_host *host, uint16_t port)
{
    for (size_t i = 0; i < q->route_count; i++)
        if (glob_matches(&q->routes[i], host, port))
            return true;
    return false;
}

bool gw_config_dial_permits(const struct gw_config *c, const struct gw_queue_config *q, struct cx_view host,
                            const struct gw_addr *address)
{
    struct gw_host asked = gw_host_read(host);
    struct gw_addr inner = gw_addr_unwrap(address);
    const struct gw_cidr *special = gw_addr_special_range(&inner);
    bool own = is_own_listener(c, &inner);
    if (asked.kind == GW_HOST_NONE)
        return false;
    if (asked.kind == GW_HOST_NAME && !glob_gives(q, &asked, inner.port))
        return false;
    if (asked.kind == GW_HOST_LITERAL || special || own)
        return cidr_gives(q, &inner, special, own);
    return true;
}

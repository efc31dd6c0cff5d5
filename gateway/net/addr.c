/* SPDX-License-Identifier: MIT */
/* Addresses and blocks: everything is IPv4 or true IPv6 from the first moment on, so that no rule can be walked around by
 * writing the same address another way. */
#include "gateway/net/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { V4_BYTES = 4, V6_BYTES = 16 };

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
/* RFC 6052 section 2.1: the well-known prefix. */
static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

static unsigned width_bits(uint8_t family)
{
    return family == AF_INET ? 8 * V4_BYTES : 8 * V6_BYTES;
}

static void become_v4(struct gw_addr *a, const uint8_t *v4)
{
    uint8_t bytes[V4_BYTES];
    memcpy(bytes, v4, sizeof bytes);
    memset(a->bytes, 0, sizeof a->bytes);
    memcpy(a->bytes, bytes, sizeof bytes);
    a->family = AF_INET;
    a->scope = 0;
}

static void normalise(struct gw_addr *a)
{
    if (a->family == AF_INET6 && memcmp(a->bytes, v4_mapped, sizeof v4_mapped) == 0)
        become_v4(a, a->bytes + sizeof v4_mapped);
}

bool gw_addr_from_sockaddr(struct gw_addr *a, const struct sockaddr *sa)
{
    *a = (struct gw_addr){ 0 };
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        a->family = AF_INET;
        a->port = ntohs(in.sin_port);
        memcpy(a->bytes, &in.sin_addr, V4_BYTES);
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        a->family = AF_INET6;
        a->port = ntohs(in6.sin6_port);
        a->scope = in6.sin6_scope_id;
        memcpy(a->bytes, &in6.sin6_addr, V6_BYTES);
        normalise(a);
        return true;
    }
    return false;
}

socklen_t gw_addr_to_sockaddr(const struct gw_addr *a, struct sockaddr_storage *out)
{
    assert(a->family == AF_INET || a->family == AF_INET6);
    memset(out, 0, sizeof *out);
    if (a->family == AF_INET) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };
        memcpy(&in.sin_addr, a->bytes, V4_BYTES);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope };
    memcpy(&in6.sin6_addr, a->bytes, V6_BYTES);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

bool gw_addr_parse(struct gw_addr *a, const char *text)
{
    *a = (struct gw_addr){ 0 };
    /* inet_pton knows neither octal nor short forms, unlike inet_aton: what it refuses is no address here */
    if (inet_pton(AF_INET, text, a->bytes) == 1) {
        a->family = AF_INET;
        return true;
    }
    char inner[GW_ADDR_TEXT];
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof inner)
        return false;
    memcpy(inner, text, len);
    inner[len] = '\0';
    if (inet_pton(AF_INET6, inner, a->bytes) != 1) {
        *a = (struct gw_addr){ 0 };
        return false;
    }
    a->family = AF_INET6;
    normalise(a);
    return true;
}

const char *gw_addr_text(const struct gw_addr *a, char out[GW_ADDR_TEXT])
{
    if (a->family != AF_INET && a->family != AF_INET6) {
        snprintf(out, GW_ADDR_TEXT, "UNKNOWN"); /* sshd's word for a peer without an address */
        return out;
    }
    bool fits = inet_ntop(a->family, a->bytes, out, GW_ADDR_TEXT) != NULL;
    assert(fits);
    if (a->scope != 0) {
        size_t len = strlen(out);
        snprintf(out + len, GW_ADDR_TEXT - len, "%%%u", a->scope);
    }
    return out;
}

const char *gw_addr_port_text(const struct gw_addr *a, char out[GW_ADDR_TEXT])
{
    char address[GW_ADDR_TEXT];
    gw_addr_text(a, address);
    int n = snprintf(out, GW_ADDR_TEXT, a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address, a->port);
    assert(n > 0 && n < GW_ADDR_TEXT);
    return out;
}

bool gw_addr_equal(const struct gw_addr *a, const struct gw_addr *b)
{
    return a->family == b->family && a->scope == b->scope && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void clear_behind(uint8_t bytes[V6_BYTES], unsigned bits)
{
    for (unsigned i = 0; i < V6_BYTES; i++) {
        if (bits >= 8 * (i + 1))
            continue;
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
}

void gw_addr_mask(struct gw_addr *a, unsigned bits)
{
    if (bits < width_bits(a->family))
        clear_behind(a->bytes, bits);
}

/* "0" to "128", no sign, no leading zero. */
static bool parse_bits(const char *text, unsigned *bits)
{
    size_t len = strlen(text);
    if (len == 0 || len > 3 || (text[0] == '0' && len > 1) || strspn(text, "0123456789") != len)
        return false;
    *bits = 0;
    for (; *text; text++)
        *bits = *bits * 10 + (unsigned)(*text - '0');
    return true;
}

bool gw_cidr_parse(struct gw_cidr *c, const char *text)
{
    *c = (struct gw_cidr){ 0 };
    char address[GW_ADDR_TEXT];
    size_t len = strcspn(text, "/");
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';

    struct gw_addr a;
    if (!gw_addr_parse(&a, address))
        return false;
    bool was_mapped = a.family == AF_INET && strchr(address, ':');
    unsigned bits = width_bits(a.family);
    if (text[len] == '/') {
        if (!parse_bits(text + len + 1, &bits))
            return false;
        /* ::ffff:10.0.0.0/104 is 10.0.0.0/8; a shorter prefix would hold more than IPv4 */
        if (was_mapped) {
            if (bits < 8 * sizeof v4_mapped)
                return false;
            bits -= 8 * sizeof v4_mapped;
        }
        if (bits > width_bits(a.family))
            return false;
    }
    struct gw_addr masked = a;
    gw_addr_mask(&masked, bits);
    if (!gw_addr_equal(&a, &masked))
        return false;
    c->family = a.family;
    c->bits = (uint8_t)bits;
    memcpy(c->bytes, a.bytes, sizeof c->bytes);
    return true;
}

const char *gw_cidr_text(const struct gw_cidr *c, char out[GW_ADDR_TEXT])
{
    struct gw_addr a = { .family = c->family };
    memcpy(a.bytes, c->bytes, sizeof a.bytes);
    gw_addr_text(&a, out);
    if (c->bits != width_bits(c->family)) {
        size_t len = strlen(out);
        snprintf(out + len, GW_ADDR_TEXT - len, "/%u", c->bits);
    }
    return out;
}

bool gw_cidr_contains(const struct gw_cidr *c, const struct gw_addr *a)
{
    if (c->family != a->family)
        return false;
    struct gw_addr masked = *a;
    gw_addr_mask(&masked, c->bits);
    return memcmp(masked.bytes, c->bytes, sizeof c->bytes) == 0;
}

bool gw_cidr_within(const struct gw_cidr *inner, const struct gw_cidr *outer)
{
    struct gw_addr first = { .family = inner->family };
    memcpy(first.bytes, inner->bytes, sizeof first.bytes);
    return inner->bits >= outer->bits && gw_cidr_contains(outer, &first);
}

bool gw_cidr_is_single(const struct gw_cidr *c)
{
    return c->bits == width_bits(c->family);
}

struct gw_addr gw_addr_unwrap(const struct gw_addr *a)
{
    struct gw_addr inner = *a;
    normalise(&inner);
    if (inner.family == AF_INET6 && memcmp(inner.bytes, nat64, sizeof nat64) == 0)
        become_v4(&inner, inner.bytes + sizeof nat64);
    return inner;
}

/* Most specific first: the first that holds an address is its range. The tunnelling ranges carry an IPv4 address that cannot
 * be judged with certainty (RFC 8215 has no fixed place for it; 6to4 and Teredo relays decide themselves where they send), so
 * that whoever reaches one may reach loopback. */
static const struct gw_cidr special[] = {
    { AF_INET, 32, { 255, 255, 255, 255 } },         /* limited broadcast */
    { AF_INET, 8, { 0 } },                           /* "this network"; 0.0.0.0 connects to the machine itself */
    { AF_INET, 8, { 127 } },                         /* loopback */
    { AF_INET, 16, { 169, 254 } },                   /* link-local: also where clouds keep their metadata */
    { AF_INET, 4, { 224 } },                         /* multicast */
    { AF_INET, 4, { 240 } },                         /* reserved */
    { AF_INET6, 128, { 0 } },                        /* unspecified: connects to the machine itself */
    { AF_INET6, 128, { [15] = 1 } },                 /* loopback */
    { AF_INET6, 96, { 0 } },                         /* IPv4-compatible, RFC 4291 section 2.5.5.1 */
    { AF_INET6, 96, { [8] = 0xff, [9] = 0xff } },    /* IPv4-translated, RFC 7915 */
    { AF_INET6, 48, { 0, 0x64, 0xff, 0x9b, 0, 1 } }, /* NAT64 of local use, RFC 8215 */
    { AF_INET6, 16, { 0x20, 0x02 } },                /* 6to4, RFC 3056 */
    { AF_INET6, 32, { 0x20, 0x01 } },                /* Teredo, RFC 4380 */
    { AF_INET6, 10, { 0xfe, 0x80 } },                /* link-local */
    { AF_INET6, 8, { 0xff } },                       /* multicast */
};

const struct gw_cidr *gw_addr_special_range(const struct gw_addr *a)
{
    struct gw_addr inner = gw_addr_unwrap(a);
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if (gw_cidr_contains(&special[i], &inner))
            return &special[i];
    return NULL;
}

bool gw_addr_is_special(const struct gw_addr *a)
{
    return gw_addr_special_range(a) != NULL;
}

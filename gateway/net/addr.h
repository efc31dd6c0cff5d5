/* SPDX-License-Identifier: MIT */
/* Socket addresses and address blocks, IPv4 and IPv6 alike. A v4-mapped IPv6 address is normalised to IPv4 on the way in.
 * Any thread. */
#ifndef GW_ADDR_H
#define GW_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { GW_ADDR_TEXT = 64 };

struct gw_addr {
    uint8_t family;    /* AF_INET, AF_INET6; 0: none */
    uint16_t port;     /* host order */
    uint8_t bytes[16]; /* 4 or 16 of them, network order */
    uint32_t scope;
};

struct gw_cidr {
    uint8_t family; /* AF_INET, AF_INET6 */
    uint8_t bits;
    uint8_t bytes[16];
};

bool gw_addr_from_sockaddr(struct gw_addr *a, const struct sockaddr *sa);
socklen_t gw_addr_to_sockaddr(const struct gw_addr *a, struct sockaddr_storage *out);
/* A literal without port: "10.0.0.1", "::1", "[::1]". No names, no octal or short forms. */
bool gw_addr_parse(struct gw_addr *a, const char *text);
/* "10.0.0.1", "::1": no brackets, no port. Returns out. */
const char *gw_addr_text(const struct gw_addr *a, char out[GW_ADDR_TEXT]);
/* "10.0.0.1:22", "[::1]:22". Returns out. */
const char *gw_addr_port_text(const struct gw_addr *a, char out[GW_ADDR_TEXT]);
bool gw_addr_equal(const struct gw_addr *a, const struct gw_addr *b); /* scope included, port not */

/* "10.0.0.0/8", "fd00::/8", or a bare address. Host bits below the prefix are an error. */
bool gw_cidr_parse(struct gw_cidr *c, const char *text);
bool gw_cidr_contains(const struct gw_cidr *c, const struct gw_addr *a);
bool gw_cidr_within(const struct gw_cidr *inner, const struct gw_cidr *outer);
bool gw_cidr_is_single(const struct gw_cidr *c); /* one address: /32 or /128 */
/* "10.0.0.0/8"; a single address without its prefix length. No brackets. Returns out. */
const char *gw_cidr_text(const struct gw_cidr *c, char out[GW_ADDR_TEXT]);
/* The address with all but its first bits cleared: a source's block (PerSourceNetBlockSize). */
void gw_addr_mask(struct gw_addr *a, unsigned bits);

/* v4-mapped and NAT64 (64:ff9b::/96, RFC 6052) addresses, unwrapped to the IPv4 one inside; others unchanged. */
struct gw_addr gw_addr_unwrap(const struct gw_addr *a);
/* What dial refuses unless a route names the literal range: loopback, unspecified, link-local, multicast, broadcast, reserved, and
 * the IPv6 ranges that carry an IPv4 address which cannot be judged (IPv4-compatible and -translated, NAT64 of local use, 6to4,
 * Teredo). Judged after unwrapping. Private ranges (10/8, fc00::/7 …) are ordinary. */
bool gw_addr_is_special(const struct gw_addr *a);
/* The special range that holds the address, after unwrapping; NULL: it is an ordinary one. Static. */
const struct gw_cidr *gw_addr_special_range(const struct gw_addr *a);

#endif

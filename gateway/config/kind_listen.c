/* SPDX-License-Identifier: MIT */
/* ListenAddress, Port, and whether proxies stand in front. An address without a port listens on every Port, so that it waits with
 * port 0 for the end of the file. */
#include <strings.h>

#include "gateway/config/reader_priv.h"

#define PROXIES "address blocks such as 10.0.0.0/8 fd00::/8, of the proxies that are believed whom they connect"

static bool read_port(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    (void)base;
    uint64_t port;
    if (!gw_value_number(line->words[0], k->max, &port) || port < k->min)
        return gw_reader_refuse(r, line->words[0], k->accepted);
    uint16_t *slot = gw_reader_push(r, &r->ports, &r->port_count, sizeof *slot);
    if (slot)
        *slot = (uint16_t)port;
    return slot != NULL;
}

/* What it said stands in the addresses, once all is read. */
const struct gw_kind gw_kind_port = { .read = read_port, .repeats = true };

static bool parse_listen(const char *word, struct gw_addr *a)
{
    if (gw_addr_parse(a, word))
        return true;
    char text[GW_ADDR_TEXT], *host, *port_text;
    uint64_t port;
    if (strlen(word) >= sizeof text)
        return false;
    memcpy(text, word, strlen(word) + 1);
    if (!gw_value_host_port(text, &host, &port_text) || !gw_addr_parse(a, host))
        return false;
    if (!gw_value_number(port_text, 65535, &port) || port == 0)
        return false;
    a->port = (uint16_t)port;
    return true;
}

/* The words from `first` on: blocks of addresses. */
static bool read_proxies(struct gw_reader *r, const struct gw_line *line, size_t first, struct gw_listen *l)
{
    if (first == line->count)
        return gw_reader_fail(r, "proxy-from has no value; accepted: " PROXIES);
    for (size_t i = first; i < line->count; i++) {
        if (l->proxy_count == GW_PROXIES_MAX)
            return gw_reader_fail(r, "proxy-from has too many values; accepted: at most %d", GW_PROXIES_MAX);
        if (!gw_cidr_parse(&l->proxies[l->proxy_count++], line->words[i]))
            return gw_reader_refuse(r, line->words[i], PROXIES);
    }
    return true;
}

static bool read_listen(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    struct gw_addr a;
    if (!parse_listen(line->words[0], &a))
        return gw_reader_refuse(r, line->words[0], k->accepted);
    struct gw_listen *slot = gw_reader_push(r, &c->listen, &c->listen_count, sizeof *slot);
    if (!slot)
        return false;
    slot->address = a;
    if (line->count == 1)
        return true;
    if (strcasecmp(line->words[1], "proxy-from") != 0)
        return gw_reader_refuse(r, line->words[1], "proxy-from, or nothing behind the address");
    return read_proxies(r, line, 2, slot);
}

static void print_listen(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    char text[GW_ADDR_TEXT];
    for (size_t i = 0; i < c->listen_count; i++) {
        gw_keyword_print_name(k, out);
        fputs(gw_addr_port_text(&c->listen[i].address, text), out);
        for (unsigned n = 0; n < c->listen[i].proxy_count; n++)
            fprintf(out, "%s%s", n == 0 ? " proxy-from " : " ", gw_cidr_text(&c->listen[i].proxies[n], text));
        fputc('\n', out);
    }
}

const struct gw_kind gw_kind_listen = { .read = read_listen, .print = print_listen, .many_words = true, .repeats = true };

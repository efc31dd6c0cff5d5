/* SPDX-License-Identifier: MIT */
/* ListenAddress and Port. An address without a port listens on every Port, so that it waits with port 0 for the end of the file. */
#include "gateway/config/reader_priv.h"

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

static bool read_listen(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    struct gw_addr a;
    if (!parse_listen(line->words[0], &a))
        return gw_reader_refuse(r, line->words[0], k->accepted);
    struct gw_addr *slot = gw_reader_push(r, &c->listen, &c->listen_count, sizeof *slot);
    if (slot)
        *slot = a;
    return slot != NULL;
}

static void print_listen(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    char text[GW_ADDR_TEXT];
    for (size_t i = 0; i < c->listen_count; i++) {
        gw_keyword_print_name(k, out);
        fprintf(out, "%s\n", gw_addr_port_text(&c->listen[i], text));
    }
}

const struct gw_kind gw_kind_listen = { .read = read_listen, .print = print_listen, .repeats = true };

/* SPDX-License-Identifier: MIT */
/* What ssh -R may have listened on, in sshd's words: PermitListen, GatewayPorts and StreamLocalBindMask. */
#include <stdlib.h>
#include <strings.h>

#include "gateway/config/reader_priv.h"

/* ---- PermitListen none | any | [HOST:]PORT… ---- */

static bool read_permit(struct gw_reader *r, const struct gw_keyword *k, struct gw_config *c, const char *word)
{
    struct cx_view host = cx_view_text("*");
    uint16_t port = 0;
    if (strcasecmp(word, "any") != 0 && !gw_permit_parse_listen(cx_view_text(word), &host, &port))
        return gw_reader_refuse(r, word, k->accepted);
    struct gw_permit *slot = gw_reader_push(r, &c->permit_listens, &c->permit_listen_count, sizeof *slot);
    if (!slot)
        return false;
    slot->port = port;
    slot->host = strndup((const char *)host.data, host.len);
    return slot->host || gw_reader_out_of_memory(r);
}

static bool read_permit_listen(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    if (line->count == 1 && strcasecmp(line->words[0], "none") == 0)
        return true;
    for (size_t i = 0; i < line->count; i++)
        if (!read_permit(r, k, base, line->words[i]))
            return false;
    return true;
}

static void print_permit_listen(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    if (c->permit_listen_count == 0)
        fputs("none", out);
    for (size_t i = 0; i < c->permit_listen_count; i++) {
        const struct gw_permit *p = &c->permit_listens[i];
        fprintf(out, strchr(p->host, ':') ? "%s[%s]:" : "%s%s:", i > 0 ? " " : "", p->host);
        if (p->port == 0)
            fputc('*', out);
        else
            fprintf(out, "%u", p->port);
    }
    fputc('\n', out);
}

const struct gw_kind gw_kind_permit_listen = { .read = read_permit_listen, .print = print_permit_listen, .many_words = true };

/* ---- GatewayPorts ---- */

static const char *const gateway_ports[] = {
    [GW_GATEWAY_PORTS_NO] = "no",
    [GW_GATEWAY_PORTS_YES] = "yes",
    [GW_GATEWAY_PORTS_CLIENT] = "clientspecified",
};

static bool read_gateway_ports(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    struct gw_config *c = base;
    for (size_t i = 0; i < sizeof gateway_ports / sizeof gateway_ports[0]; i++) {
        if (strcasecmp(line->words[0], gateway_ports[i]) == 0) {
            c->gateway_ports = (enum gw_gateway_ports)i;
            return true;
        }
    }
    return gw_reader_refuse(r, line->words[0], k->accepted);
}

static void print_gateway_ports(const struct gw_keyword *k, const void *base, FILE *out)
{
    const struct gw_config *c = base;
    gw_keyword_print_name(k, out);
    fprintf(out, "%s\n", gateway_ports[c->gateway_ports]);
}

const struct gw_kind gw_kind_gateway_ports = { .read = read_gateway_ports, .print = print_gateway_ports };

/* ---- StreamLocalBindMask ---- */

static bool read_mask(struct gw_reader *r, const struct gw_keyword *k, void *base, const struct gw_line *line)
{
    const char *word = line->words[0];
    unsigned long mask = strtoul(word, NULL, 8);
    if (strspn(word, "01234567") != strlen(word) || word[0] == '\0' || mask > 0777)
        return gw_reader_refuse(r, word, k->accepted);
    *(unsigned *)gw_keyword_field(k, base) = (unsigned)mask;
    return true;
}

static void print_mask(const struct gw_keyword *k, const void *base, FILE *out)
{
    gw_keyword_print_name(k, out);
    fprintf(out, "0%03o\n", *(const unsigned *)gw_keyword_field_of(k, base));
}

const struct gw_kind gw_kind_mask = { .read = read_mask, .print = print_mask };

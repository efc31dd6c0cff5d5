/* SPDX-License-Identifier: MIT */
/* Group exchange, either role: RFC 4419 section 3, RFC 8270. A client says how many bits it wants, the server answers with a group,
 * and from there on the exchange is that of any group, under numbers of its own (32 and 33), since 31 is GROUP here. The form of
 * the request without bounds (30), which RFC 4419 keeps for older clients, is not spoken. */
#include "crypto/kex/group.h"
#include "mux/session_priv.h"

/* Server. */
enum mux_err mux_on_gex_request(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    struct mux_kex *k = s->kex;
    if (!k->gex.used || k->gex.group)
        return MUX_E_ILLEGAL;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    k->gex.min = cx_reader_u32(&r);
    k->gex.preferred = cx_reader_u32(&r);
    k->gex.max = cx_reader_u32(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    if (k->gex.min > k->gex.preferred || k->gex.preferred > k->gex.max)
        return MUX_E_KEX;
    enum cx_err err = cx_kex_group_choose(k->gex.min, k->gex.preferred, k->gex.max, &k->gex.group);
    if (err != CX_OK)
        return err == CX_E_RESOURCE ? MUX_E_RESOURCE : MUX_E_KEX;
    k->method = cx_kex_group_method(k->gex.group);
    k->gex.owed = true;
    return MUX_OK;
}

/* Client. */
enum mux_err mux_on_gex_group(struct mux_session *s, struct cx_span payload)
{
    struct mux_kex *k = s->kex;
    if (k->gex.owed || k->gex.group)
        return MUX_E_ILLEGAL;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    struct cx_view prime = cx_reader_string(&r), generator = cx_reader_string(&r);
    if (!cx_reader_done(&r))
        return MUX_E_MALFORMED;
    enum cx_err err = cx_kex_group_take(prime, generator, k->gex.min, k->gex.max, &k->gex.group);
    if (err != CX_OK)
        return err == CX_E_RESOURCE ? MUX_E_RESOURCE : MUX_E_KEX;
    k->method = cx_kex_group_method(k->gex.group);
    return mux_kex_begin_public(s);
}

enum mux_err mux_on_gex_init(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    const struct mux_kex *k = s->kex;
    if (!k->gex.group || k->gex.owed)
        return MUX_E_ILLEGAL;
    return mux_kex_take_public(s, payload, ev);
}

enum mux_err mux_on_gex_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    return s->kex->gex.group ? mux_kex_take_reply(s, payload, ev) : MUX_E_ILLEGAL;
}

void mux_gex_begin(struct mux_session *s)
{
    struct mux_kex *k = s->kex;
    k->gex.used = cx_kex_wants_group(k->method);
    if (!k->gex.used || s->config->server)
        return;
    k->gex.min = CX_GROUP_BITS_MIN;
    k->gex.preferred = MUX_GEX_PREFERRED_BITS;
    k->gex.max = CX_GROUP_BITS_MAX;
    k->gex.owed = true;
}

static struct cx_writer begin_group(const struct mux_kex *k, struct mux_out *o)
{
    struct cx_view prime = cx_kex_group_prime(k->gex.group), generator = cx_kex_group_generator(k->gex.group);
    struct cx_writer w = mux_out_begin(o, MUX_MSG_GEX_GROUP, 16 + prime.len + generator.len);
    cx_writer_string(&w, prime);
    cx_writer_string(&w, generator);
    return w;
}

static struct cx_writer begin_request(const struct mux_kex *k, struct mux_out *o)
{
    struct cx_writer w = mux_out_begin(o, MUX_MSG_GEX_REQUEST, 16);
    cx_writer_u32(&w, k->gex.min);
    cx_writer_u32(&w, k->gex.preferred);
    cx_writer_u32(&w, k->gex.max);
    return w;
}

void mux_gex_write(struct mux_session *s, struct mux_out *o)
{
    struct mux_kex *k = s->kex;
    if (!k->gex.owed)
        return;
    struct cx_writer w = s->config->server ? begin_group(k, o) : begin_request(k, o);
    k->gex.owed = !mux_out_commit(o, &w);
}

void mux_gex_inputs(const struct mux_kex *k, struct mux_kex_inputs *in)
{
    if (!k->gex.group)
        return;
    in->gex.min = k->gex.min;
    in->gex.preferred = k->gex.preferred;
    in->gex.max = k->gex.max;
    in->gex.prime = cx_kex_group_prime(k->gex.group);
    in->gex.generator = cx_kex_group_generator(k->gex.group);
}

/* SPDX-License-Identifier: MIT */
/* EXT_INFO, either role: RFC 8308. Each side sends one behind its first NEWKEYS, if the peer's first KEXINIT had the marker. A
 * client that says ext-info-in-auth@openssh.com in its own gets the server's once more behind its first USERAUTH_REQUEST (OpenSSH
 * PROTOCOL section 1.11), which is when a server may have other things to say to that user. Extensions that we do not use are
 * passed over.
 */
#include <stdlib.h>

#include "mux/session_priv.h"

enum { SIG_ALGS_MAX = 512 };

static const char SERVER_SIG_ALGS[] = "server-sig-algs", IN_AUTH[] = "ext-info-in-auth@openssh.com";
static const char HOSTBOUND[] = "publickey-hostbound@openssh.com";

void mux_ext_info_free(struct mux_session *s)
{
    free(s->server_sig_algs);
    s->server_sig_algs = NULL;
    s->server_sig_algs_len = 0;
}

struct cx_view mux_session_server_sig_algs(const struct mux_session *s)
{
    return cx_view(s->server_sig_algs ? s->server_sig_algs : "", s->server_sig_algs_len);
}

/* The latest counts: the second one may be cut to what this user may use. */
static enum mux_err keep_sig_algs(struct mux_session *s, struct cx_view list)
{
    if (list.len > MUX_NAME_LIST_MAX)
        return MUX_E_LIMIT;
    char *copy = malloc(list.len + 1);
    if (!copy)
        return MUX_E_RESOURCE;
    mux_ext_info_free(s);
    memcpy(copy, list.data, list.len);
    s->server_sig_algs = copy;
    s->server_sig_algs_len = (uint16_t)list.len;
    return MUX_OK;
}

static enum mux_err take_extension(struct mux_session *s, struct cx_view name, struct cx_view value)
{
    if (s->config->server)
        s->ext_info_in_auth = s->ext_info_in_auth || (cx_view_is(name, IN_AUTH) && cx_view_is(value, "0"));
    else if (cx_view_is(name, SERVER_SIG_ALGS))
        return keep_sig_algs(s, value);
    else if (cx_view_is(name, HOSTBOUND) && cx_view_is(value, "0"))
        s->peer_takes_hostbound = true;
    return MUX_OK;
}

/* A client's is the packet behind its NEWKEYS, and there is only one: RFC 8308 section 2.4. */
static bool too_late(struct mux_session *s)
{
    bool late = s->config->server && (s->ext_info_heard || s->service_accepted);
    s->ext_info_heard = true;
    return late;
}

enum mux_err mux_on_ext_info(struct mux_session *s, struct cx_span payload, struct mux_event *ev)
{
    (void)ev;
    struct cx_reader r = cx_reader(cx_span_view(payload));
    if (too_late(s))
        return MUX_E_ILLEGAL;
    uint32_t count = cx_reader_u32(&r);
    if (count > MUX_EXTENSIONS_MAX)
        return MUX_E_LIMIT;
    while (count-- > 0 && cx_reader_ok(&r)) {
        struct cx_view name = cx_reader_string(&r), value = cx_reader_string(&r);
        enum mux_err err = cx_reader_ok(&r) ? take_extension(s, name, value) : MUX_E_MALFORMED;
        if (err != MUX_OK)
            return err;
    }
    return cx_reader_done(&r) ? MUX_OK : MUX_E_MALFORMED;
}

static void write_servers(struct cx_writer *w)
{
    uint8_t algs[SIG_ALGS_MAX];
    struct cx_writer list = cx_writer((struct cx_span){ algs, sizeof algs });
    const struct cx_sign_alg *alg;
    for (size_t i = 0; (alg = cx_sign_alg_at(i)); i++) {
        if (alg->certificate) /* RFC 8308 section 3.1 asks for signatures' names */
            continue;
        cx_writer_raw(&list, cx_view(",", i > 0));
        cx_writer_raw(&list, cx_view_text(alg->name));
    }
    if (!cx_writer_ok(&list))
        w->failed = true;
    cx_writer_u32(w, 3);
    cx_writer_text(w, SERVER_SIG_ALGS);
    cx_writer_string(w, cx_writer_view(&list));
    cx_writer_text(w, HOSTBOUND);
    cx_writer_text(w, "0");
    cx_writer_text(w, "ping@openssh.com");
    cx_writer_text(w, "0");
}

static void write_clients(struct cx_writer *w)
{
    cx_writer_u32(w, 1);
    cx_writer_text(w, IN_AUTH);
    cx_writer_text(w, "0");
}

static bool again_owed(const struct mux_session *s)
{
    return s->ext_info_in_auth && mux_auth_owes(s);
}

bool mux_ext_info_owes(const struct mux_session *s)
{
    return s->ext_info_owed || again_owed(s);
}

void mux_ext_info_write(struct mux_session *s, struct mux_out *o)
{
    if (!mux_ext_info_owes(s))
        return;
    struct cx_writer w = mux_out_begin(o, MUX_MSG_EXT_INFO, SIG_ALGS_MAX + 128);
    if (s->config->server)
        write_servers(&w);
    else
        write_clients(&w);
    if (!mux_out_commit(o, &w))
        return;
    if (!s->ext_info_owed)
        s->ext_info_in_auth = false;
    s->ext_info_owed = false;
}

/* SPDX-License-Identifier: MIT */
/* KEXINIT: what we offer, and what two offers come to. RFC 4253 section 7.1; the markers are those of RFC 8308 (ext-info-c)
 * and of strict KEX (draft-miller-sshm-strict-kex; OpenSSH PROTOCOL section 1.10), and stand in a connection's first KEXINIT only.
 */
#include <stdlib.h>

#include "mux/session_priv.h"

enum {
    COOKIE_BYTES = 16,
    KEXINIT_ROOM = 16 * 1024,
    LIST_KEX = 0,
    LIST_HOST_KEY,
    LIST_CIPHER_C2S,
    LIST_CIPHER_S2C,
    LIST_MAC_C2S,
    LIST_MAC_S2C,
    LIST_COMPRESS_C2S,
    LIST_COMPRESS_S2C,
    LIST_LANG_C2S,
    LIST_LANG_S2C,
    LIST_COUNT,
};

struct kexinit {
    struct cx_view list[LIST_COUNT];
    bool first_kex_packet_follows;
};

/* Takes the next name off a list; false at its end. */
static bool next_name(struct cx_view *list, struct cx_view *name)
{
    if (list->len == 0)
        return false;
    const uint8_t *comma = memchr(list->data, ',', list->len);
    name->data = list->data;
    name->len = comma ? (size_t)(comma - list->data) : list->len;
    size_t step = comma ? name->len + 1 : name->len;
    list->data += step;
    list->len -= step;
    return true;
}

static bool has_name(struct cx_view list, struct cx_view wanted)
{
    struct cx_view name;
    while (next_name(&list, &name))
        if (cx_view_equal(name, wanted))
            return true;
    return false;
}

static bool has_text(struct cx_view list, const char *wanted)
{
    return has_name(list, cx_view_text(wanted));
}

/* The signature algorithms of the list that one of the server's keys can make. */
static void write_host_key_algs(struct mux_session *s, struct cx_writer *w)
{
    uint8_t room[1024];
    struct cx_writer out = cx_writer((struct cx_span){ room, sizeof room });
    struct cx_view list = cx_view_text(s->config->host_key_algs), name;
    while (next_name(&list, &name)) {
        const struct cx_sign_alg *alg = cx_sign_alg_find(name);
        bool usable = !s->config->server;
        for (size_t i = 0; alg && i < s->config->host_key_count; i++)
            usable = usable || mux_host_key_shown(&s->config->host_keys[i], alg).len > 0;
        if (!alg || !usable)
            continue;
        cx_writer_raw(&out, cx_view(",", out.used > 0));
        cx_writer_raw(&out, name);
    }
    cx_writer_string(w, cx_writer_view(&out));
}

/* Both names of strict KEX, since an end may know the draft's alone; but what calls itself OpenSSH is told OpenSSH's alone: its
 * programs (10.5 too) know no other, and auditors that take its name report one that they do not know as an unknown algorithm.
 * So a server waits for the client's identification. That costs no round trip: clients send theirs without waiting for ours,
 * and it is here when the connection is. To wait for the client's KEXINIT, and answer the names in it, would cost one. */
static const char *markers(const struct mux_session *s)
{
    if (s->keyed_once)
        return "";
    if (!s->config->server)
        return ",ext-info-c,kex-strict-c,kex-strict-c-v00@openssh.com";
    return mux_ident_is_openssh(s) ? ",ext-info-s,kex-strict-s-v00@openssh.com"
                                   : ",ext-info-s,kex-strict-s,kex-strict-s-v00@openssh.com";
}

static void write_kex_list(struct mux_session *s, struct cx_writer *w)
{
    const char *more = markers(s);
    cx_writer_u32(w, (uint32_t)(strlen(s->config->kex) + strlen(more)));
    cx_writer_raw(w, cx_view_text(s->config->kex));
    cx_writer_raw(w, cx_view_text(more));
}

static const char *compression_list(const struct mux_config *config)
{
    if (!config->compression)
        return "none";
    return config->server ? "none,zlib@openssh.com" : "zlib@openssh.com,none";
}

enum mux_err mux_kexinit_build(struct mux_session *s, struct mux_kex *k)
{
    uint8_t *room = malloc(KEXINIT_ROOM);
    if (!room)
        return MUX_E_RESOURCE;
    struct cx_writer w = cx_writer((struct cx_span){ room, KEXINIT_ROOM });
    cx_writer_u8(&w, MUX_MSG_KEXINIT);
    uint8_t *cookie = cx_writer_room(&w, COOKIE_BYTES);
    cx_random_fill(&s->shared->random, cookie, COOKIE_BYTES);
    write_kex_list(s, &w);
    write_host_key_algs(s, &w);
    cx_writer_text(&w, s->config->ciphers);
    cx_writer_text(&w, s->config->ciphers);
    cx_writer_text(&w, s->config->macs);
    cx_writer_text(&w, s->config->macs);
    cx_writer_text(&w, compression_list(s->config));
    cx_writer_text(&w, compression_list(s->config));
    cx_writer_text(&w, "");
    cx_writer_text(&w, "");
    cx_writer_bool(&w, false);
    cx_writer_u32(&w, 0);
    uint8_t *exact = cx_writer_ok(&w) ? realloc(room, w.used) : NULL;
    if (!exact) {
        free(room);
        return MUX_E_RESOURCE;
    }
    k->our_init = exact;
    k->our_init_len = w.used;
    return MUX_OK;
}

static bool parse(const uint8_t *payload, size_t len, struct kexinit *out)
{
    struct cx_reader r = cx_reader(cx_view(payload + 1, len - 1));
    (void)cx_reader_raw(&r, COOKIE_BYTES);
    for (size_t i = 0; i < LIST_COUNT; i++) {
        out->list[i] = cx_reader_string(&r);
        if (out->list[i].len > MUX_NAME_LIST_MAX)
            return false;
    }
    out->first_kex_packet_follows = cx_reader_bool(&r);
    (void)cx_reader_u32(&r);
    return cx_reader_done(&r);
}

/* The client's first name that the server has too. */
static struct cx_view choose(struct cx_view client, struct cx_view server)
{
    struct cx_view name;
    while (next_name(&client, &name))
        if (has_name(server, name))
            return name;
    return cx_view("", 0);
}

static bool choose_cipher(struct cx_view cipher_c, struct cx_view cipher_s, struct cx_view mac_c, struct cx_view mac_s,
                          const struct cx_cipher **cipher, const struct cx_mac **mac)
{
    *cipher = cx_cipher_find(choose(cipher_c, cipher_s));
    /* an AEAD brings its own tag; what the MAC lists say then does not count: RFC 5647 section 5.1, OpenSSH PROTOCOL 1.6 */
    *mac = *cipher && (*cipher)->tag_len == 0 ? cx_mac_find(choose(mac_c, mac_s)) : NULL;
    return *cipher && ((*cipher)->tag_len != 0 || *mac);
}

static bool choose_compression(struct cx_view client, struct cx_view server, bool *compress)
{
    struct cx_view name = choose(client, server);
    *compress = cx_view_is(name, "zlib@openssh.com");
    return name.len > 0;
}

static bool choose_host_key(struct mux_session *s, struct mux_kex *k, const struct kexinit *c, const struct kexinit *v)
{
    k->host_alg = cx_sign_alg_find(choose(c->list[LIST_HOST_KEY], v->list[LIST_HOST_KEY]));
    if (!k->host_alg)
        return false;
    for (size_t i = 0; s->config->server && i < s->config->host_key_count; i++) {
        if (mux_host_key_shown(&s->config->host_keys[i], k->host_alg).len > 0) {
            k->host_key = i;
            return true;
        }
    }
    return !s->config->server;
}

/* Right only if both lists begin alike: RFC 4253 section 7. */
static bool guess_was_right(const struct kexinit *a, const struct kexinit *b)
{
    struct cx_view x, y, list_a, list_b;
    for (size_t i = LIST_KEX; i <= LIST_HOST_KEY; i++) {
        list_a = a->list[i];
        list_b = b->list[i];
        if (!next_name(&list_a, &x) || !next_name(&list_b, &y) || !cx_view_equal(x, y))
            return false;
    }
    return true;
}

/* c, v: what client and server offer. Strict is what both name, by the same pair. */
static enum mux_err take_markers(struct mux_session *s, struct cx_view c, struct cx_view v)
{
    s->strict = (has_text(c, "kex-strict-c") && has_text(v, "kex-strict-s")) ||
                (has_text(c, "kex-strict-c-v00@openssh.com") && has_text(v, "kex-strict-s-v00@openssh.com"));
    s->peer_takes_ext_info = s->config->server ? has_text(c, "ext-info-c") : has_text(v, "ext-info-s");
    return s->strict && s->packet_seq != 0 ? MUX_E_STRICT_KEX : MUX_OK;
}

enum mux_err mux_kexinit_negotiate(struct mux_session *s, struct mux_kex *k)
{
    struct kexinit ours, peer;
    if (!parse(k->peer_init, k->peer_init_len, &peer) || !parse(k->our_init, k->our_init_len, &ours))
        return MUX_E_MALFORMED;
    const struct kexinit *c = s->config->server ? &peer : &ours, *v = s->config->server ? &ours : &peer;
    if (!s->heard_kexinit) {
        enum mux_err err = take_markers(s, c->list[LIST_KEX], v->list[LIST_KEX]);
        if (err != MUX_OK)
            return err;
    }
    const struct cx_cipher *cipher[2];
    const struct cx_mac *mac[2];
    k->method = cx_kex_find(choose(c->list[LIST_KEX], v->list[LIST_KEX]));
    for (size_t i = 0; i < 2; i++)
        if (!choose_cipher(c->list[LIST_CIPHER_C2S + i], v->list[LIST_CIPHER_C2S + i], c->list[LIST_MAC_C2S + i],
                           v->list[LIST_MAC_C2S + i], &cipher[i], &mac[i]))
            return MUX_E_NEGOTIATION;
    bool compress[2];
    if (!k->method || !choose_host_key(s, k, c, v) ||
        !choose_compression(c->list[LIST_COMPRESS_C2S], v->list[LIST_COMPRESS_C2S], &compress[0]) ||
        !choose_compression(c->list[LIST_COMPRESS_S2C], v->list[LIST_COMPRESS_S2C], &compress[1]))
        return MUX_E_NEGOTIATION;
    size_t in = s->config->server ? 0 : 1;
    k->cipher_in = cipher[in];
    k->mac_in = mac[in];
    k->compress_in = compress[in];
    k->compress_out = compress[1 - in];
    k->cipher_out = cipher[1 - in];
    k->mac_out = mac[1 - in];
    k->skip_guess = peer.first_kex_packet_follows && !guess_was_right(&ours, &peer);
    return MUX_OK;
}

/* SPDX-License-Identifier: MIT */
/* The key exchange methods by name, best first, and how a method is put together from its parts: C and S are the KEM's share,
 * if there is one, and behind it the group's. A hybrid's K is a string, the hash of both secrets; a group's alone an mpint. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"

static const struct cx_kex methods[] = {
    { "mlkem768x25519-sha256", CX_SHA256, &cx_kem_mlkem768, &cx_dh_x25519 },
    { "sntrup761x25519-sha512", CX_SHA512, &cx_kem_sntrup761, &cx_dh_x25519 },
    { "sntrup761x25519-sha512@openssh.com", CX_SHA512, &cx_kem_sntrup761, &cx_dh_x25519 }, /* the name before RFC 9941 */
    { "mlkem768nistp256-sha256", CX_SHA256, &cx_kem_mlkem768, &cx_dh_nistp256 },
    { "curve25519-sha256", CX_SHA256, NULL, &cx_dh_x25519 },
    { "curve25519-sha256@libssh.org", CX_SHA256, NULL, &cx_dh_x25519 }, /* the name before RFC 8731; the same method */
    { "ecdh-sha2-nistp256", CX_SHA256, NULL, &cx_dh_nistp256 },
    { "ecdh-sha2-nistp384", CX_SHA384, NULL, &cx_dh_nistp384 },
    { "ecdh-sha2-nistp521", CX_SHA512, NULL, &cx_dh_nistp521 },
    { "diffie-hellman-group14-sha256", CX_SHA256, NULL, &cx_dh_group14 },
    { "diffie-hellman-group16-sha512", CX_SHA512, NULL, &cx_dh_group16 },
    { "diffie-hellman-group18-sha512", CX_SHA512, NULL, &cx_dh_group18 },
    { "diffie-hellman-group-exchange-sha256", CX_SHA256, NULL, NULL },
};
enum { METHOD_COUNT = sizeof methods / sizeof methods[0] };

struct cx_kex_state {
    size_t size;      /* of the whole state: what is wiped */
    uint8_t secret[]; /* the KEM's, then the group's */
};

/* What both sides share, raw: the KEM's part, then the group's. */
struct raw {
    uint8_t bytes[CX_KEM_SHARED_BYTES + CX_DH_SHARED_MAX];
    struct cx_writer w;
};

const struct cx_kex *cx_kex_at(size_t i)
{
    return i < METHOD_COUNT ? &methods[i] : NULL;
}

const char *cx_kex_name_at(size_t i)
{
    const struct cx_kex *kex = cx_kex_at(i);
    return kex ? kex->name : NULL;
}

const struct cx_kex *cx_kex_find(struct cx_view name)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (cx_view_is(name, methods[i].name))
            return &methods[i];
    return NULL;
}

static void raw_init(struct raw *raw)
{
    raw->w = cx_writer((struct cx_span){ raw->bytes, sizeof raw->bytes });
}

/* K in the form that the exchange hash takes: RFC 4253 section 8; RFC 9941 section 3 and the ML-KEM draft for hybrids. */
static enum cx_err encode_shared(const struct cx_kex *kex, const struct raw *raw, struct cx_kex_shared *k)
{
    struct cx_writer w = cx_writer((struct cx_span){ k->bytes, sizeof k->bytes });
    enum cx_err err = CX_OK;
    assert(cx_writer_ok(&raw->w));
    if (kex->kem) {
        uint8_t digest[CX_HASH_MAX_BYTES];
        struct cx_hash hash;
        err = cx_hash_begin(&hash, kex->hash);
        if (!err) {
            cx_hash_add(&hash, cx_writer_view(&raw->w));
            err = cx_hash_end(&hash, digest);
        }
        if (!err)
            cx_writer_string(&w, cx_view(digest, cx_hash_len(kex->hash)));
        cx_secret_wipe(digest, sizeof digest);
    } else {
        cx_writer_mpint(&w, cx_writer_view(&raw->w));
    }
    assert(cx_writer_ok(&w));
    k->len = w.used;
    return err;
}

/* The KEM's and the group's share of C or S. False: it is too short for the KEM's. */
static bool split(struct cx_view value, size_t kem_bytes, struct cx_view *kem, struct cx_view *dh)
{
    struct cx_reader r = cx_reader(value);
    *kem = cx_reader_raw(&r, kem_bytes);
    *dh = r.left;
    return cx_reader_ok(&r);
}

enum cx_err cx_kex_start(const struct cx_kex *kex, const struct cx_random *random, struct cx_kex_state **state,
                         struct cx_kex_public *c)
{
    size_t kem_bytes = kex->kem ? kex->kem->secret_bytes : 0;
    size_t size = sizeof(struct cx_kex_state) + kem_bytes + kex->dh->secret_bytes;
    struct cx_kex_state *mine = calloc(1, size);
    if (!mine)
        return CX_E_RESOURCE;
    mine->size = size;
    struct cx_writer w = cx_writer((struct cx_span){ c->bytes, sizeof c->bytes });
    enum cx_err err = CX_OK;
    if (kex->kem)
        err = kex->kem->make_pair(random, mine->secret, cx_writer_room(&w, kex->kem->public_bytes));
    if (!err)
        err = kex->dh->make_pair(kex->dh, random, mine->secret + kem_bytes, &w);
    if (err) {
        cx_kex_state_free(mine);
        return err;
    }
    assert(cx_writer_ok(&w));
    c->len = w.used;
    *state = mine;
    return CX_OK;
}

/* The group's half of an answer: a pair of our own, used once. */
static enum cx_err respond_dh(const struct cx_dh *dh, const struct cx_random *random, struct cx_view c, struct cx_writer *s,
                              struct cx_writer *shared)
{
    uint8_t secret[CX_DH_SECRET_MAX];
    assert(dh->secret_bytes <= sizeof secret);
    enum cx_err err = dh->make_pair(dh, random, secret, s);
    if (!err)
        err = dh->agree(dh, secret, c, shared);
    cx_secret_wipe(secret, sizeof secret);
    return err;
}

enum cx_err cx_kex_respond(const struct cx_kex *kex, const struct cx_random *random, struct cx_view c, struct cx_kex_public *s,
                           struct cx_kex_shared *k)
{
    struct cx_view c_kem, c_dh;
    struct cx_writer w = cx_writer((struct cx_span){ s->bytes, sizeof s->bytes });
    struct raw raw;
    enum cx_err err = CX_OK;
    if (!split(c, kex->kem ? kex->kem->public_bytes : 0, &c_kem, &c_dh))
        return CX_E_MALFORMED;
    raw_init(&raw);
    if (kex->kem)
        err = kex->kem->encapsulate(random, c_kem.data, cx_writer_room(&w, kex->kem->ciphertext_bytes),
                                    cx_writer_room(&raw.w, CX_KEM_SHARED_BYTES));
    if (!err)
        err = respond_dh(kex->dh, random, c_dh, &w, &raw.w);
    if (!err)
        err = encode_shared(kex, &raw, k);
    cx_secret_wipe(&raw, sizeof raw);
    assert(err || cx_writer_ok(&w));
    s->len = w.used;
    return err;
}

enum cx_err cx_kex_finish(const struct cx_kex *kex, struct cx_kex_state *state, struct cx_view s, struct cx_kex_shared *k)
{
    struct cx_view s_kem, s_dh;
    struct raw raw;
    enum cx_err err = CX_OK;
    if (!split(s, kex->kem ? kex->kem->ciphertext_bytes : 0, &s_kem, &s_dh))
        return CX_E_MALFORMED;
    raw_init(&raw);
    if (kex->kem)
        err = kex->kem->decapsulate(state->secret, s_kem.data, cx_writer_room(&raw.w, CX_KEM_SHARED_BYTES));
    if (!err)
        err = kex->dh->agree(kex->dh, state->secret + (kex->kem ? kex->kem->secret_bytes : 0), s_dh, &raw.w);
    if (!err)
        err = encode_shared(kex, &raw, k);
    cx_secret_wipe(&raw, sizeof raw);
    return err;
}

void cx_kex_state_free(struct cx_kex_state *state)
{
    if (!state)
        return;
    cx_secret_wipe(state, state->size);
    free(state);
}

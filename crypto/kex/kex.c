/* SPDX-License-Identifier: MIT */
/* The key exchange methods by name, best first, and what they share. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/kex/kex_priv.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

static const struct cx_kex methods[] = {
    { "curve25519-sha256", CX_SHA256, &cx_kex_x25519 },
    { "curve25519-sha256@libssh.org", CX_SHA256, &cx_kex_x25519 }, /* the name before RFC 8731; the same method */
    { "ecdh-sha2-nistp256", CX_SHA256, &cx_kex_ecdh_p256 },
};
enum { METHOD_COUNT = sizeof methods / sizeof methods[0] };

const struct cx_kex *cx_kex_at(size_t i)
{
    return i < METHOD_COUNT ? &methods[i] : NULL;
}

const struct cx_kex *cx_kex_find(struct cx_view name)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (cx_view_is(name, methods[i].name))
            return &methods[i];
    return NULL;
}

enum cx_err cx_kex_start(const struct cx_kex *kex, const struct cx_random *random, struct cx_kex_state **state,
                         struct cx_kex_public *c)
{
    return kex->ops->start(random, state, c);
}

enum cx_err cx_kex_respond(const struct cx_kex *kex, const struct cx_random *random, struct cx_view c, struct cx_kex_public *s,
                           struct cx_kex_shared *k)
{
    return kex->ops->respond(random, c, s, k);
}

enum cx_err cx_kex_finish(const struct cx_kex *kex, struct cx_kex_state *state, struct cx_view s, struct cx_kex_shared *k)
{
    return kex->ops->finish(state, s, k);
}

void cx_kex_state_free(struct cx_kex_state *state)
{
    if (!state)
        return;
    cx_secret_wipe(state, state->size);
    free(state);
}

void cx_kex_shared_mpint(struct cx_kex_shared *k, struct cx_view secret)
{
    struct cx_writer w = cx_writer((struct cx_span){ k->bytes, sizeof k->bytes });
    cx_writer_mpint(&w, secret);
    assert(cx_writer_ok(&w));
    k->len = w.used;
}

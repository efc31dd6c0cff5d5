/* SPDX-License-Identifier: MIT */
/* When keys have served long enough: by bytes, by packets (RFC 4344 section 3.1) and by time. */
#include "mux/session_priv.h"

/* Packets under one key, with room for those of one more produce or feed. */
enum { SEQUENCE_END = 1u << 31 | 1u << 30 };

static uint64_t bytes_limit(const struct mux_session *s, const struct cx_packet_key *k)
{
    uint64_t cipher = k->cipher->rekey_bytes, configured = s->config->rekey_bytes;
    return configured != 0 && configured < cipher ? configured : cipher;
}

static uint64_t packets_limit(const struct mux_session *s)
{
    uint64_t configured = s->config->rekey_packets;
    return configured != 0 && configured < MUX_REKEY_PACKETS ? configured : MUX_REKEY_PACKETS;
}

static bool due(const struct mux_session *s)
{
    return s->in_bytes >= bytes_limit(s, &s->in) || s->out_bytes >= bytes_limit(s, &s->out) || s->in_packets >= packets_limit(s) ||
           s->out_packets >= packets_limit(s) || (s->config->rekey_ns != 0 && s->now_ns - s->keyed_ns >= s->config->rekey_ns);
}

bool mux_rekey_due(const struct mux_session *s)
{
    return !s->kex && s->authenticated && (s->rekey_wanted || due(s));
}

void mux_rekey_check(struct mux_session *s)
{
    if (s->finished != MUX_OK || !mux_rekey_due(s))
        return;
    enum mux_err err = mux_kex_start(s);
    if (err != MUX_OK)
        (void)mux_fail(s, err, NULL);
}

void mux_session_rekey(struct mux_session *s)
{
    if (!s->kex && s->authenticated)
        s->rekey_wanted = true;
}

/* A peer that answers no KEXINIT of ours would go on until its sequence numbers repeat under one key; and one that never
 * sends its NEWKEYS, until ours do. */
enum mux_err mux_rekey_overrun(const struct mux_session *s)
{
    return s->in_packets >= SEQUENCE_END || s->out_packets >= SEQUENCE_END ? MUX_E_SEQUENCE : MUX_OK;
}

/* A public-key operation for a few bytes is the cheapest way to burn our processor, so a peer's exchanges are counted:
 * a bucket refilled by time and by data moved, wide enough for a RekeyLimit of 16M at any speed. */
bool mux_rekey_admit(struct mux_session *s)
{
    uint64_t refill = (s->now_ns - s->keyed_ns) / MUX_REKEY_REFILL_NS + (s->in_bytes + s->out_bytes) / MUX_REKEY_REFILL_BYTES;
    s->rekey_tokens = refill > MUX_REKEY_BURST - s->rekey_tokens ? MUX_REKEY_BURST : s->rekey_tokens + (uint32_t)refill;
    if (s->rekey_tokens == 0)
        return false;
    s->rekey_tokens--;
    return true;
}

uint64_t mux_session_deadline(const struct mux_session *s)
{
    if (s->finished != MUX_OK)
        return UINT64_MAX;
    if (s->kex)
        return s->kex->deadline_ns;
    if (s->authenticated && s->config->rekey_ns != 0)
        return s->keyed_ns + s->config->rekey_ns;
    return UINT64_MAX;
}

enum mux_err mux_session_tick(struct mux_session *s, uint64_t now_ns)
{
    s->now_ns = now_ns;
    if (s->finished == MUX_OK && s->kex && now_ns >= s->kex->deadline_ns)
        return mux_fail(s, MUX_E_TIMEOUT, "key exchange timed out");
    mux_rekey_check(s);
    return s->finished;
}

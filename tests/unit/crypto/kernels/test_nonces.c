/* SPDX-License-Identifier: MIT */
/* No nonce serves twice, and no key stream, whatever the batches, however their bytes arrive, and through changes of keys: nonces.c
 * fails the test where one does. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "nonces.h"
#include "suites.h"

enum { MAX_PACKET = 4096, WIRE = 4 * CX_PACKET_BATCH * (MAX_PACKET + CX_PACKET_OVERHEAD_MAX), ROUNDS = 40, REKEY_EVERY = 8 };

/* One direction, both its ends. */
struct link {
    struct cx_kernels kernels;
    struct cx_packet_cache *cache;
    struct cx_packet_key out, in;
    struct cx_random_seeded seeded;
    struct cx_random random;
    uint8_t iv[CX_PACKET_IV_MAX];
    uint8_t *wire;
    size_t have; /* bytes sealed, and not opened yet */
};

static uint32_t below(struct link *l, uint32_t n)
{
    uint32_t x;
    cx_random_fill(&l->random, &x, sizeof x);
    return x % n;
}

/* New ones for both ends, which go on counting packets or begin anew. The counters are those of the keys before, half of the time,
 * as if an old context served on: near where they carry, or wrap. */
static void change_keys(struct link *l, const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    uint8_t key[CX_PACKET_KEY_MAX], mac_key[CX_PACKET_MAC_KEY_MAX];
    uint32_t seq = below(l, 2) ? l->out.seq : 0;
    cx_random_fill(&l->random, key, sizeof key);
    cx_random_fill(&l->random, mac_key, sizeof mac_key);
    if (below(l, 2)) {
        uint32_t whole = below(l, cipher->iv_len + 1);
        cx_random_fill(&l->random, l->iv, sizeof l->iv);
        memset(l->iv + whole, 0xff, cipher->iv_len - whole);
    }
    cx_packet_key_deinit(&l->out, l->cache);
    cx_packet_key_deinit(&l->in, l->cache);
    cx_packet_key_init(&l->out, l->cache, true, cipher, mac, key, l->iv, mac_key);
    cx_packet_key_init(&l->in, l->cache, false, cipher, mac, key, l->iv, mac_key);
    l->out.seq = l->in.seq = seq;
}

static bool link_init(struct link *l, size_t selection, size_t suite)
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    *l = (struct link){ 0 };
    if (!suite_at(suite, &cipher, &mac))
        return false;
    cr_assert(selection_at(selection, &l->kernels));
    l->cache =
        cx_packet_cache_new((suite + selection) % 2 ? 1 : 4, &l->kernels); /* where there is room for one, contexts come and go */
    l->wire = malloc(WIRE);
    l->random = cx_random_from_seed(&l->seeded, suite);
    cr_assert(l->cache && l->wire);
    l->out.seq = UINT32_MAX - 50;
    change_keys(l, cipher, mac);
    return true;
}

static void link_deinit(struct link *l)
{
    cx_packet_key_deinit(&l->out, l->cache);
    cx_packet_key_deinit(&l->in, l->cache);
    cx_packet_cache_free(l->cache);
    free(l->wire);
}

static void seal_batch(struct link *l)
{
    struct cx_packet_slot slot[CX_PACKET_BATCH];
    size_t n = 1 + below(l, CX_PACKET_BATCH);
    for (size_t i = 0; i < n; i++) {
        slot[i] = (struct cx_packet_slot){ l->wire + l->have, below(l, 1 + below(l, below(l, 8) ? 300 : MAX_PACKET - 100)) };
        memset(slot[i].start + CX_PACKET_HEADER, 0x5a, slot[i].payload_len);
        l->have += cx_packet_sealed_len(&l->out, slot[i].payload_len);
    }
    cr_assert_eq(cx_packet_seal(l->cache, &l->out, slot, n, &l->random), CX_OK);
}

/* What is there of so many bytes, in calls of any size. True: something came. */
static bool open_some(struct link *l, size_t bytes)
{
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = 1 + below(l, CX_PACKET_BATCH), used, need;
    cr_assert_eq(cx_packet_open(l->cache, &l->in, (struct cx_span){ l->wire, bytes }, MAX_PACKET, payload, &count, &used, &need),
                 CX_OK);
    l->have -= used;
    memmove(l->wire, l->wire + used, l->have);
    return count > 0;
}

/* What an attacker sends instead: of all that stands in front of a broken packet nothing is opened otherwise than it was sealed. */
static void open_broken(struct link *l)
{
    struct cx_packet_key in = l->in;
    struct cx_span payload[CX_PACKET_BATCH], wire = { malloc(l->have + 1), l->have };
    size_t count = CX_PACKET_BATCH, used, need;
    memcpy(wire.data, l->wire, l->have);
    wire.data[below(l, (uint32_t)l->have)] ^= (uint8_t)(1u << below(l, 8));
    enum cx_err err = cx_packet_open(l->cache, &in, wire, MAX_PACKET, payload, &count, &used, &need);
    cr_assert(err == CX_OK || err == CX_E_TAG || err == CX_E_LENGTH);
    cr_assert_lt(used, l->have);
    free(wire.data);
}

static void talk(struct link *l)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        seal_batch(l);
        if (l->out.cipher != &cx_cipher_none)
            open_broken(l);
        while (below(l, 4) && l->have > 0)
            open_some(l, below(l, (uint32_t)l->have));
        if (round % REKEY_EVERY != REKEY_EVERY - 1 && l->have < WIRE / 2)
            continue;
        while (l->have > 0)
            cr_assert(open_some(l, l->have));
        if (round % REKEY_EVERY == REKEY_EVERY - 1)
            change_keys(l, l->out.cipher, l->out.mac);
    }
}

Test(nonces, serve_once_with_every_suite_and_kernel)
{
    struct cx_kernels kernels;
    struct link l;
    for (size_t selection = 0; selection_at(selection, &kernels); selection++) {
        for (size_t suite = 0; link_init(&l, selection, suite); suite++) {
            talk(&l);
            cr_assert(suite == 0 || (nonces_seen()->sealed > ROUNDS && nonces_seen()->opened > ROUNDS));
            cr_assert(suite == 0 || nonces_seen()->blocks > 10 * ROUNDS);
            cr_assert(suite == 0 || nonces_seen()->keys >= ROUNDS / REKEY_EVERY);
            nonces_forget(); /* the next selection has the same keys */
            link_deinit(&l);
        }
    }
}

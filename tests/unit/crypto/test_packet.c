/* SPDX-License-Identifier: MIT */
/* Every suite with every kernel, sealed and opened by the pipelines: round trips, batches, splits, broken tags and lengths. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "crypto/packet/packet.h"
#include "crypto/wire.h"
#include "suites.h"

enum { MAX_PACKET = 256 * 1024, PAYLOAD_BIG = 200 * 1024 };

/* Both directions' ends of one suite, in memory. */
struct pair {
    struct cx_kernels kernels;
    struct cx_packet_cache *cache;
    struct cx_packet_key out, in;
    struct cx_random_seeded seeded;
    struct cx_random random;
};

/* The best kernels' suites first, and "none" with those alone. */
static bool find_suite(struct pair *p, size_t i, const struct cx_cipher **cipher, const struct cx_mac **mac)
{
    for (size_t selection = 0; selection_at(selection, &p->kernels); selection++) {
        size_t suite = selection == 0 ? 0 : 1;
        while (suite_at(suite, cipher, mac) && i > 0) {
            suite++;
            i--;
        }
        if (*cipher)
            return true;
    }
    return false;
}

static bool pair_init(struct pair *p, size_t suite)
{
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    uint8_t key[CX_PACKET_KEY_MAX], iv[CX_PACKET_IV_MAX], mac_key[CX_PACKET_MAC_KEY_MAX];
    if (!find_suite(p, suite, &cipher, &mac))
        return false;
    p->cache = cx_packet_cache_new(4, &p->kernels);
    cr_assert_not_null(p->cache);
    p->random = cx_random_from_seed(&p->seeded, suite);
    cx_random_fill(&p->random, key, sizeof key);
    cx_random_fill(&p->random, iv, sizeof iv);
    cx_random_fill(&p->random, mac_key, sizeof mac_key);
    memset(iv + 4, 0xff, sizeof iv - 4); /* counters carry at once */
    cx_packet_key_init(&p->out, p->cache, true, cipher, mac, key, iv, mac_key);
    cx_packet_key_init(&p->in, p->cache, false, cipher, mac, key, iv, mac_key);
    p->out.seq = p->in.seq = UINT32_MAX - 3;
    return true;
}

static void pair_deinit(struct pair *p)
{
    cx_packet_key_deinit(&p->out, p->cache);
    cx_packet_key_deinit(&p->in, p->cache);
    cx_packet_cache_free(p->cache);
}

static const char *name(const struct pair *p)
{
    return suite_name(p->out.cipher, p->out.mac);
}

static uint8_t payload_byte(size_t packet, size_t i)
{
    return (uint8_t)(packet * 37 + i * 11 + (i >> 8));
}

/* Seals packets of the given payload lengths one behind the other; the caller frees. */
static struct cx_span seal_all(struct pair *p, const size_t len[], size_t n)
{
    size_t total = 0;
    struct cx_packet_slot slot[CX_PACKET_BATCH];
    for (size_t i = 0; i < n; i++)
        total += cx_packet_sealed_len(&p->out, len[i]);
    struct cx_span wire = { malloc(total), 0 };
    for (size_t i = 0; i < n; i++) {
        slot[i] = (struct cx_packet_slot){ wire.data + wire.len, (uint32_t)len[i] };
        for (size_t j = 0; j < len[i]; j++)
            slot[i].start[CX_PACKET_HEADER + j] = payload_byte(i, j);
        wire.len += cx_packet_sealed_len(&p->out, len[i]);
    }
    cr_assert_eq(cx_packet_seal(p->cache, &p->out, slot, n, &p->random), CX_OK);
    return wire;
}

static void check_payload(const struct pair *p, struct cx_span got, size_t packet, size_t len)
{
    cr_assert_eq(got.len, len, "%s: %zu, not %zu", name(p), got.len, len);
    for (size_t j = 0; j < len; j++)
        cr_assert_eq(got.data[j], payload_byte(packet, j), "%s: byte %zu of %zu", name(p), j, len);
}

static void check_opens(struct pair *p, struct cx_span wire, const size_t len[], size_t n)
{
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = CX_PACKET_BATCH, used, need;
    enum cx_err err = cx_packet_open(p->cache, &p->in, wire, MAX_PACKET, payload, &count, &used, &need);
    cr_assert_eq(err, CX_OK, "%s: %s", name(p), cx_err_text(err));
    cr_assert(count == n && used == wire.len && need == 0, "%s: %zu of %zu", name(p), count, n);
    for (size_t i = 0; i < n; i++)
        check_payload(p, payload[i], i, len[i]);
}

static void round_trip(struct pair *p, const size_t len[], size_t n)
{
    struct cx_span wire = seal_all(p, len, n);
    check_opens(p, wire, len, n);
    free(wire.data);
}

Test(packet, every_suite_brings_every_length_back)
{
    struct pair p;
    for (size_t suite = 0; pair_init(&p, suite); suite++) {
        for (size_t len = 0; len <= 2100; len += len < 300 ? 1 : 13)
            round_trip(&p, &len, 1);
        round_trip(&p, &(size_t){ 32768 }, 1);
        round_trip(&p, &(size_t){ PAYLOAD_BIG }, 1);
        pair_deinit(&p);
    }
}

Test(packet, every_suite_brings_batches_back)
{
    struct pair p;
    for (size_t suite = 0; pair_init(&p, suite); suite++) {
        for (size_t n = 1; n <= CX_PACKET_BATCH; n++) {
            size_t len[CX_PACKET_BATCH];
            for (size_t i = 0; i < n; i++)
                len[i] = (i * 311 + n * 17) % 1500;
            round_trip(&p, len, n);
        }
        pair_deinit(&p);
    }
}

Test(packet, a_batch_is_the_same_bytes_as_packets_one_by_one)
{
    struct pair a, b;
    size_t len[CX_PACKET_BATCH];
    for (size_t suite = 0; pair_init(&a, suite) && pair_init(&b, suite); suite++) {
        for (size_t i = 0; i < CX_PACKET_BATCH; i++)
            len[i] = i * 29;
        struct cx_span whole = seal_all(&a, len, CX_PACKET_BATCH);
        for (size_t i = 0, at = 0; i < CX_PACKET_BATCH; i++) {
            size_t size = cx_packet_sealed_len(&b.out, len[i]);
            uint8_t *one = malloc(size);
            for (size_t j = 0; j < len[i]; j++)
                one[CX_PACKET_HEADER + j] = payload_byte(i, j);
            struct cx_packet_slot slot = { one, (uint32_t)len[i] };
            cr_assert_eq(cx_packet_seal(b.cache, &b.out, &slot, 1, &b.random), CX_OK);
            cr_assert_arr_eq(one, whole.data + at, size, "%s: packet %zu", name(&a), i);
            at += size;
            free(one);
        }
        free(whole.data);
        pair_deinit(&a);
        pair_deinit(&b);
    }
}

/* A receiver that gets the stream `chunk` bytes at a time finds the same packets, and is told what the next one needs. */
static void open_in_chunks(struct pair *p, struct cx_span wire, const size_t len[], size_t n, size_t chunk)
{
    size_t opened = 0, at = 0, have = 0;
    while (opened < n) {
        struct cx_span payload[CX_PACKET_BATCH];
        size_t count = CX_PACKET_BATCH, used, need;
        have = have + chunk < wire.len ? have + chunk : wire.len;
        cr_assert_eq(cx_packet_open(p->cache, &p->in, (struct cx_span){ wire.data + at, have - at }, MAX_PACKET, payload, &count,
                                    &used, &need),
                     CX_OK);
        for (size_t i = 0; i < count; i++)
            check_payload(p, payload[i], opened + i, len[opened + i]);
        opened += count;
        at += used;
        if (have - at >= 4)
            cr_assert_eq(need, cx_packet_sealed_len(&p->out, len[opened]), "%s", name(p));
        else
            cr_assert_eq(need, 0);
    }
    cr_assert_eq(at, wire.len);
}

Test(packet, every_split_gives_the_same_packets)
{
    static const size_t len[] = { 0, 1, 17, 64, 5, 100, 3, 31 };
    enum { N = sizeof len / sizeof len[0] };
    struct pair p;
    for (size_t suite = 0; pair_init(&p, suite); suite++) {
        for (size_t chunk = 1; chunk <= 70; chunk++) {
            struct cx_span wire = seal_all(&p, len, N);
            open_in_chunks(&p, wire, len, N, chunk);
            free(wire.data);
        }
        pair_deinit(&p);
    }
}

Test(packet, no_more_packets_are_opened_than_asked_for)
{
    static const size_t len[] = { 10, 20, 30, 40 };
    struct pair p;
    for (size_t suite = 0; pair_init(&p, suite); suite++) {
        struct cx_span payload[CX_PACKET_BATCH], wire = seal_all(&p, len, 4);
        size_t count = 3, used, need;
        cr_assert_eq(cx_packet_open(p.cache, &p.in, wire, MAX_PACKET, payload, &count, &used, &need), CX_OK);
        cr_assert_eq(count, 3);
        cr_assert_eq(need, 0);
        for (size_t i = 0; i < 3; i++)
            check_payload(&p, payload[i], i, len[i]);
        size_t room = 0, none_used;
        cr_assert_eq(cx_packet_open(p.cache, &p.in, wire, MAX_PACKET, payload, &room, &none_used, &need), CX_OK);
        cr_assert(room == 0 && none_used == 0);
        count = 1;
        struct cx_span rest = { wire.data + used, wire.len - used };
        cr_assert_eq(cx_packet_open(p.cache, &p.in, rest, MAX_PACKET, payload, &count, &used, &need), CX_OK);
        check_payload(&p, payload[0], 3, len[3]);
        free(wire.data);
        pair_deinit(&p);
    }
}

static bool all_zero(struct cx_span s)
{
    uint8_t any = 0;
    for (size_t i = 0; i < s.len; i++)
        any |= s.data[i];
    return any == 0;
}

/* Breaks the packet at index `bad` of a batch and looks at what comes out. */
static void open_broken(struct pair *p, const size_t len[], size_t n, size_t bad, bool in_tag)
{
    struct cx_packet_key before = p->in, sender = p->out;
    struct cx_span payload[CX_PACKET_BATCH], wire = seal_all(p, len, n);
    size_t count = CX_PACKET_BATCH, used, need, at = 0;
    for (size_t i = 0; i < bad; i++)
        at += cx_packet_sealed_len(&p->out, len[i]);
    size_t size = cx_packet_sealed_len(&p->out, len[bad]);
    wire.data[in_tag ? at + size - 1 : at + 6] ^= 0x10;
    enum cx_err err = cx_packet_open(p->cache, &p->in, wire, MAX_PACKET, payload, &count, &used, &need);
    cr_assert_eq(err, CX_E_TAG, "%s, packet %zu: %s", name(p), bad, cx_err_text(err));
    cr_assert(count == bad && used == at && need == 0, "%s: %zu opened in front of %zu", name(p), count, bad);
    for (size_t i = 0; i < bad; i++)
        check_payload(p, payload[i], i, len[i]);
    cr_assert(all_zero((struct cx_span){ wire.data + at, wire.len - at }), "%s: plaintext left", name(p));
    cr_assert_eq(p->in.seq, (uint32_t)(before.seq + bad));
    free(wire.data);
    memcpy(p->in.iv, before.iv, sizeof before.iv);
    p->in.seq = before.seq;
    memcpy(p->out.iv, sender.iv, sizeof sender.iv);
    p->out.seq = sender.seq;
}

Test(packet, a_bad_tag_anywhere_in_a_batch_releases_nothing_behind_it)
{
    static const size_t len[CX_PACKET_BATCH] = { 5, 100, 40, 1, 1400, 2, 3, 64, 65, 66, 67, 68, 0, 9, 10, 11 };
    struct pair p;
    for (size_t suite = 1; pair_init(&p, suite); suite++) {
        for (size_t bad = 0; bad < CX_PACKET_BATCH; bad++) {
            open_broken(&p, len, CX_PACKET_BATCH, bad, true);
            open_broken(&p, len, CX_PACKET_BATCH, bad, false);
        }
        pair_deinit(&p);
    }
}

Test(packet, a_flipped_bit_at_any_place_is_never_accepted)
{
    struct pair p;
    const size_t len = 50;
    for (size_t suite = 1; pair_init(&p, suite); suite++) {
        struct cx_packet_key fresh = p.in;
        struct cx_span sealed = seal_all(&p, &len, 1);
        uint8_t *copy = malloc(sealed.len);
        for (size_t bit = 0; bit < sealed.len * 8; bit++) {
            struct cx_span payload;
            size_t count = 1, used, need;
            memcpy(copy, sealed.data, sealed.len);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            p.in = fresh;
            enum cx_err err =
                cx_packet_open(p.cache, &p.in, (struct cx_span){ copy, sealed.len }, MAX_PACKET, &payload, &count, &used, &need);
            cr_assert(count == 0 && used == 0, "%s: bit %zu", name(&p), bit);
            cr_assert(err == CX_E_TAG || err == CX_E_LENGTH || (err == CX_OK && need > sealed.len && bit < 32), "%s: bit %zu",
                      name(&p), bit);
        }
        free(copy);
        free(sealed.data);
        pair_deinit(&p);
    }
}

static enum cx_err open_clear(struct pair *p, uint8_t *bytes, size_t len, uint32_t max_packet)
{
    struct cx_span payload[1];
    size_t count = 1, used, need;
    return cx_packet_open(p->cache, &p->in, (struct cx_span){ bytes, len }, max_packet, payload, &count, &used, &need);
}

Test(packet, lengths_out_of_bounds_are_refused)
{
    struct pair p;
    cr_assert(pair_init(&p, 0));
    struct {
        uint32_t len;
        uint8_t padding;
        enum cx_err want;
    } rows[] = {
        { 0, 4, CX_E_LENGTH },   { 4, 4, CX_E_LENGTH },
        { 11, 4, CX_E_LENGTH },  { 12, 3, CX_E_LENGTH },
        { 12, 12, CX_E_LENGTH }, { 12, 11, CX_OK },
        { 12, 4, CX_OK },        { 13, 4, CX_E_LENGTH },
        { 60, 4, CX_E_LENGTH },  { UINT32_MAX, 4, CX_E_LENGTH },
        { 52, 4, CX_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64] = { 0 };
        cx_store_u32(bytes, rows[i].len);
        bytes[4] = rows[i].padding;
        enum cx_err err = open_clear(&p, bytes, sizeof bytes, 52);
        cr_assert_eq(err, rows[i].want, "row %zu: %s", i, cx_err_text(err));
    }
    pair_deinit(&p);
}

Test(packet, a_packet_over_the_limit_is_refused_from_its_length_alone)
{
    struct pair p;
    for (size_t suite = 0; pair_init(&p, suite); suite++) {
        struct cx_span wire = seal_all(&p, &(size_t){ 1000 }, 1);
        cr_assert_eq(open_clear(&p, wire.data, 4, 900), CX_E_LENGTH, "%s", name(&p));
        free(wire.data);
        pair_deinit(&p);
    }
}

/* Directions of several suites share one cache, and are used in no order. */
static void share_cache(size_t entries)
{
    enum { PAIRS = 20 };
    struct pair p[PAIRS];
    struct cx_packet_cache *cache = cx_packet_cache_new(entries, cx_kernels_current());
    for (size_t i = 0; i < PAIRS; i++) {
        cr_assert(pair_init(&p[i], 1 + i % 4));
        cx_packet_cache_free(p[i].cache);
        p[i].cache = cache;
        p[i].out.id = 1000 + 2 * i;
        p[i].in.id = 1001 + 2 * i;
    }
    for (size_t round = 0; round < 500; round++) {
        uint8_t which;
        cx_random_fill(&p[0].random, &which, 1);
        round_trip(&p[which % PAIRS], &round, 1);
        if (round % 50 == 49) { /* what is dropped comes back by itself */
            struct cx_packet_key copy = p[which % PAIRS].out;
            cx_packet_key_deinit(&copy, cache);
        }
    }
    for (size_t i = 0; i < PAIRS; i++) {
        cx_packet_key_deinit(&p[i].out, cache);
        cx_packet_key_deinit(&p[i].in, cache);
    }
    cx_packet_cache_free(cache);
}

Test(packet, any_number_of_contexts_serves_any_number_of_directions)
{
    for (size_t entries = 1; entries < 45; entries += 1 + entries / 3)
        share_cache(entries);
}

Test(packet, names_find_their_algorithms)
{
    for (size_t i = 0; cx_cipher_at(i); i++)
        cr_assert_eq(cx_cipher_find(cx_view_text(cx_cipher_at(i)->name)), cx_cipher_at(i));
    for (size_t i = 0; cx_mac_at(i); i++)
        cr_assert_eq(cx_mac_find(cx_view_text(cx_mac_at(i)->name)), cx_mac_at(i));
    cr_assert_null(cx_cipher_find(cx_view_text("none")));
    cr_assert_null(cx_mac_find(cx_view_text("hmac-md5")));
}

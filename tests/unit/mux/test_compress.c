/* SPDX-License-Identifier: MIT */
/* Payloads through deflate and inflate, packet by packet; what does not fit, and what is no stream. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "mux/limits.h"
#include "mux/transport/compress.h"

enum { ROOM = 64 * 1024, PAYLOAD_ROOM = 1000 };

struct ends {
    struct mux_compress *out, *in;
    struct cx_random_seeded seeded;
    struct cx_random random;
};

static void ends_init(struct ends *e)
{
    e->out = mux_compress_new(true);
    e->in = mux_compress_new(false);
    cr_assert(e->out && e->in);
    e->random = cx_random_from_seed(&e->seeded, 1);
}

static void ends_deinit(struct ends *e)
{
    mux_compress_free(e->out);
    mux_compress_free(e->in);
}

/* Carries a payload over, in memory of its exact length; how long its packet was. */
static size_t carry(struct ends *e, struct cx_view payload, size_t room)
{
    static uint8_t got[ROOM];
    struct cx_span wire = { malloc(room), room };
    size_t wire_len, len;
    cr_assert(mux_compress_deflate(e->out, payload, wire, &wire_len), "%zu bytes into %zu", payload.len, room);
    cr_assert_eq(mux_compress_inflate(e->in, cx_view(wire.data, wire_len), (struct cx_span){ got, sizeof got }, &len), MUX_OK);
    cr_assert(cx_view_equal(cx_view(got, len), payload), "%zu bytes", payload.len);
    free(wire.data);
    return wire_len;
}

Test(compress, whatever_it_holds_a_payload_that_should_fit_does)
{
    static uint8_t payload[ROOM];
    struct ends e;
    ends_init(&e);
    for (size_t room = 70; room < ROOM; room += 1 + room / 7) {
        size_t len = mux_compress_fit(room);
        cr_assert(len > 0 && len < room);
        cx_random_fill(&e.random, payload, len);
        carry(&e, cx_view(payload, len), room);
        for (size_t i = 0; i < len; i++)
            payload[i] = (uint8_t)(i % 251 < 200 ? i % 7 : payload[i]);
        carry(&e, cx_view(payload, len), room);
    }
    cr_assert_eq(mux_compress_fit(0), 0);
    ends_deinit(&e);
}

Test(compress, a_payload_seen_before_is_short)
{
    uint8_t payload[PAYLOAD_ROOM];
    struct ends e;
    ends_init(&e);
    cx_random_fill(&e.random, payload, sizeof payload);
    cr_assert_gt(carry(&e, cx_view(payload, sizeof payload), ROOM), sizeof payload);
    cr_assert_lt(carry(&e, cx_view(payload, sizeof payload), ROOM), 50);
    mux_compress_restart(e.out);
    mux_compress_restart(e.in);
    cr_assert_gt(carry(&e, cx_view(payload, sizeof payload), ROOM), sizeof payload);
    ends_deinit(&e);
}

Test(compress, what_does_not_fit_is_said_to)
{
    uint8_t payload[PAYLOAD_ROOM], wire[PAYLOAD_ROOM];
    size_t len;
    struct ends e;
    ends_init(&e);
    cx_random_fill(&e.random, payload, sizeof payload);
    cr_assert_not(mux_compress_deflate(e.out, cx_view(payload, sizeof payload), (struct cx_span){ wire, sizeof wire }, &len));
    ends_deinit(&e);
}

/* A payload of so many zeros, deflated and inflated into `room` bytes that end where memory does. */
static enum mux_err inflate_zeros(size_t zeros, size_t room, size_t *len)
{
    struct ends e;
    uint8_t *payload = calloc(1, zeros), *wire = malloc(ROOM), *out = malloc(room);
    size_t wire_len;
    ends_init(&e);
    cr_assert(mux_compress_deflate(e.out, cx_view(payload, zeros), (struct cx_span){ wire, ROOM }, &wire_len));
    enum mux_err err = mux_compress_inflate(e.in, cx_view(wire, wire_len), (struct cx_span){ out, room }, len);
    free(payload);
    free(wire);
    free(out);
    ends_deinit(&e);
    return err;
}

Test(compress, a_bomb_is_inflated_no_further_than_its_bound)
{
    size_t len;
    cr_assert_eq(inflate_zeros(MUX_PACKET_MAX, MUX_STAGING_IN, &len), MUX_OK);
    cr_assert_eq(len, MUX_PACKET_MAX);
    cr_assert_eq(inflate_zeros(MUX_PACKET_MAX + 1, MUX_STAGING_IN, &len), MUX_E_PACKET_LENGTH);
    cr_assert_eq(inflate_zeros(32 << 20, MUX_STAGING_IN, &len), MUX_E_PACKET_LENGTH);
    cr_assert_eq(len, MUX_STAGING_IN);
}

static enum mux_err inflate_bytes(const char *bytes, size_t n)
{
    uint8_t out[100];
    size_t len;
    struct ends e;
    ends_init(&e);
    enum mux_err err = mux_compress_inflate(e.in, cx_view(bytes, n), (struct cx_span){ out, sizeof out }, &len);
    ends_deinit(&e);
    return err;
}

Test(compress, what_is_no_stream_or_ends_it_is_malformed)
{
    cr_assert_eq(inflate_bytes("", 0), MUX_E_MALFORMED);
    cr_assert_eq(inflate_bytes("clear text", 10), MUX_E_MALFORMED);
    cr_assert_eq(inflate_bytes("\x78\xbb\x00\x00\x00\x01\x00", 7), MUX_E_MALFORMED);     /* asks for a dictionary */
    cr_assert_eq(inflate_bytes("\x78\x9c\x03\x00\x00\x00\x00\x01", 8), MUX_E_MALFORMED); /* whole, and of no bytes */
    cr_assert_eq(inflate_bytes("\x78\x9c\x01\x01\x00\xfe\xff\x61\x00\x62\x00\x62", 12),
                 MUX_E_MALFORMED); /* the last block, and no end */
    cr_assert_eq(inflate_bytes("\x78\x9c\x00\x01\x00\xfe\xff\x61", 8), MUX_OK);
}

/* SPDX-License-Identifier: MIT */
#include "mux/transport/exchange_hash.h"

#include <criterion/criterion.h>

/* Counts from `first`, upwards or downwards. */
static struct cx_view count(uint8_t *room, size_t n, uint8_t first, int step)
{
    for (size_t i = 0; i < n; i++)
        room[i] = (uint8_t)(first + step * (int)i);
    return cx_view(room, n);
}

/* The expected values were made by another implementation, of RFC 4253 section 8 in Python's hashlib. */
Test(exchange_hash, is_that_of_another_implementation)
{
    static const uint8_t expected[] = { 0x5e, 0xbb, 0x51, 0x80, 0x00, 0x55, 0x37, 0xcc, 0xed, 0x7c, 0x34,
                                        0xab, 0xa6, 0xf6, 0xd2, 0xfa, 0x12, 0x17, 0xb6, 0x8b, 0xe1, 0x90,
                                        0x00, 0x0c, 0x13, 0x0b, 0x69, 0x31, 0x1c, 0xb1, 0x85, 0x1b };
    /* with an exchanged group: RFC 4419 section 3 */
    static const uint8_t expected_gex[] = { 0xb1, 0x6a, 0x0c, 0xfe, 0xa2, 0x68, 0x6d, 0x18, 0xfc, 0x42, 0xde,
                                            0x52, 0x3e, 0x38, 0xc6, 0x3b, 0x94, 0x83, 0x18, 0x82, 0x05, 0x7d,
                                            0xb1, 0xf4, 0x8d, 0x1c, 0xca, 0x2e, 0xa6, 0x0e, 0x70, 0xfa };
    uint8_t i_c[101] = { 20 }, i_s[156] = { 20 }, k_s[51], q_c[32], q_s[32], k[37] = { 0, 0, 0, 33, 0 }, h[CX_HASH_MAX_BYTES];
    (void)count(i_c + 1, 100, 0, 1);
    (void)count(i_s + 1, 155, 255, -1);
    memcpy(k_s, "\0\0\0\013ssh-ed25519\0\0\0\040", 19);
    (void)count(k_s + 19, 32, 0, 1);
    (void)count(k + 5, 32, 200, 1);
    struct mux_kex_inputs in = {
        .kex = cx_kex_find(cx_view_text("curve25519-sha256")),
        .v_c = cx_view_text("SSH-2.0-client_1.0 comment"),
        .v_s = cx_view_text("SSH-2.0-server_2.0"),
        .i_c = cx_view(i_c, sizeof i_c),
        .i_s = cx_view(i_s, sizeof i_s),
        .q_c = count(q_c, 32, 1, 1),
        .q_s = count(q_s, 32, 33, 1),
        .k = cx_view(k, sizeof k),
    };
    cr_assert_eq(mux_exchange_hash(&in, cx_view(k_s, sizeof k_s), h), CX_OK);
    cr_assert_arr_eq(h, expected, sizeof expected);
    uint8_t prime[41] = { 0 };
    (void)count(prime + 1, 40, 150, 1);
    in.gex.min = 2048;
    in.gex.preferred = 3072;
    in.gex.max = 8192;
    in.gex.prime = cx_view(prime, sizeof prime);
    in.gex.generator = cx_view("\2", 1);
    cr_assert_eq(mux_exchange_hash(&in, cx_view(k_s, sizeof k_s), h), CX_OK);
    cr_assert_arr_eq(h, expected_gex, sizeof expected_gex);
}

/* SPDX-License-Identifier: MIT */
/* Bit by bit: it is run over some hundred bytes, once a connection. */
#include "gateway/net/crc32c.h"

static const uint32_t polynomial = 0x82f63b78; /* reflected */

uint32_t gw_crc32c(struct cx_view bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (polynomial & (0u - (crc & 1)));
    }
    return ~crc;
}

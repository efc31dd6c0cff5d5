/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), which PROXY protocol headers may carry. Any thread. */
#ifndef GW_CRC32C_H
#define GW_CRC32C_H

#include "crypto/span.h"

uint32_t gw_crc32c(struct cx_view bytes);

#endif

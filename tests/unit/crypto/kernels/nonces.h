/* SPDX-License-Identifier: MIT */
/* Under which key and nonce what was sealed and opened. The linker sends every cx_packet_seal and cx_packet_open of a program that
 * links this through here. It fails the test where, in the life of the process,
 *   a nonce, or a block of AES-CTR's counter, seals a second time under its key, or a sequence number under its MAC's;
 *   two blocks of key stream are alike, as the payloads and what they became show them, whatever the kernels were given;
 *   a packet is opened under anything but what it was sealed under;
 *   a direction moves on by anything but the packets that were sealed or opened. */
#ifndef NONCES_H
#define NONCES_H

#include "crypto/packet/packet.h"

struct nonces_seen {
    size_t sealed, opened, blocks; /* packets, and blocks of key stream */
    size_t keys;
};

/* What was compared so far: for tests to see that it was something. */
const struct nonces_seen *nonces_seen(void);
/* Forgets it all. */
void nonces_forget(void);

#endif

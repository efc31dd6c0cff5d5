/* SPDX-License-Identifier: MIT */
#include "bench/cipher.h"

const char bench_cipher_help_head[] =
    "usage: sluice-bench cipher [OPTION ...]\n"
    "\n"
    "What one core of this machine can do: seal and open packets under every suite, with each kernel that the\n"
    "processor runs and through the interface that the gateway uses; exchange keys; sign and verify.\n"
    "Beside each stands OpenSSL's EVP doing the same, and memcpy of the same payloads, in the same run: they take\n"
    "turns, in samples of tens of microseconds, so that a machine whose speed drifts bends all of them alike.\n"
    "\n";

const char bench_cipher_help_foot[] =
    "      --help          this text\n"
    "\n"
    "Every figure is a median. Between any two samples runs a canary, a loop of fixed work: a sample counts only if\n"
    "the canaries before and after it ran at full speed, which is what they reach at best, less 5 %. What is left\n"
    "with fewer than three such samples is marked with ~, is the median of all, and should not be relied on. \"2.50x\"\n"
    "is 2.5 times as fast as OpenSSL. nettle makes the UMACs there, which OpenSSL has not, and hybrids with ML-KEM\n"
    "or sntrup761 have nothing beside them.\n"
    "\n"
    "Payloads are in the cache. A packet is its payload with header, padding and tag; GB/s are 10^9 payload bytes.\n"
    "encaps is the server's half of a key exchange, keygen and decaps the client's. RSA keys have 3072 bits.\n"
    "\n"
    "--json: one object.\n"
    "  machine      processor, cores, clock_ghz (measured), cpu_features, system\n"
    "  build        version, compiler, openssl, nettle, sodium\n"
    "  run          seconds, canary_ns at full speed, canary_tolerance; over all: samples, rejected, noisy results\n"
    "  cipher       list: suite, kernel, tier, size, batch, direction (seal, open), ns_packet, gbps, cycles_byte (of the\n"
    "               core's clock, a payload byte), ns_evp, ns_memcpy, ratio_evp and ratio_memcpy (times as fast)\n"
    "  kex          list: method, kernel, tier, operation (keygen, encaps, decaps), ns, per_second, ns_openssl,\n"
    "               ratio_openssl (null: OpenSSL has no such method)\n"
    "  sign         list: algorithm, kernel, tier, operation (sign, verify), and so on as kex\n"
    "tier is portable, avx2 or avx512; null where there is no choice of kernels. Each of a list's also has samples\n"
    "(accepted ones), rejected, noisy. A key keeps its meaning as long as \"schema\" keeps its number; new ones may come.\n"
    "\n"
    "SLUICE_TIER=portable, avx2 or avx512 in the environment leaves out kernels for more than that.\n"
    "\n"
    "Exit status: 0; 1 if something failed, such as a packet that did not open; 255 for a wrong command line.\n";

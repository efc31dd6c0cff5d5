/* SPDX-License-Identifier: MIT */
/* Whether time or addresses of the kernels of ciphers and MACs depend on keys or payloads: a plain program, run under memcheck, to
 * which all of them are undefined memory, so that a branch or an index on one is an error. It runs each kernel that this processor
 * has under memcheck, which knows AVX2 and AES, and not AVX-512, VAES or SHA; what those kernels do outside the vector registers is
 * the same code. The portable ones are OpenSSL's and nettle's.
 *
 * With the argument "leak" it branches on a byte of a payload: the check of the check, which must fail. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/packet/packet_priv.h"
#include "crypto/secret.h"

enum { SLOT = 5000 };

static uint8_t plain[CX_PACKET_BATCH][SLOT], sealed[CX_PACKET_BATCH][SLOT], opened[CX_PACKET_BATCH][SLOT];
static const uint32_t lengths[] = { 0, 1, 15, 16, 17, 31, 63, 64, 100, 127, 128, 200, 255, 256, 500, 1000, 1024, 1500, 4000 };
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* In the place of the library's: whether a tag was right is public, and the one thing that may be in a branch. */
bool cx_secret_equal(const void *a, const void *b, size_t len)
{
    uint8_t differ = 0;
    for (size_t i = 0; i < len; i++)
        differ |= ((const uint8_t *)a)[i] ^ ((const uint8_t *)b)[i];
    VALGRIND_MAKE_MEM_DEFINED(&differ, sizeof differ);
    return differ == 0;
}

void cx_secret_wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}

/* A batch of n packets from the i-th length on. What is sent is public: the packets sealed, but not what they hold. */
static void make_batch(struct cx_packet_job job[CX_PACKET_BATCH + 1], const struct cx_packet_ops *ops, size_t n, size_t i)
{
    memset(job, 0, (CX_PACKET_BATCH + 1) * sizeof *job);
    memset(plain, 0x5a, sizeof plain);
    job->seq = UINT32_MAX - 3;
    for (size_t j = 0; j < n; j++) {
        job[j].len = lengths[(i + j) % LENGTHS];
        job[j + 1] = job[j];
        if (ops)
            ops->advance(&job[j], &job[j + 1]);
        VALGRIND_MAKE_MEM_UNDEFINED(plain[j] + CX_PACKET_LENGTH_BYTES, SLOT - CX_PACKET_LENGTH_BYTES);
    }
}

static void place(struct cx_packet_job job[], size_t n, uint8_t from[][SLOT], uint8_t to[][SLOT])
{
    for (size_t j = 0; j < n; j++) {
        job[j].from = from[j];
        job[j].start = to[j];
    }
}

static void check_packets(const struct cx_packet_ops *ops, const struct cx_evp *evp, struct cx_packet_key *k)
{
    k->sealing = true;
    void *sealer = ops->expand(evp, &cx_kernels_portable, k);
    k->sealing = false;
    void *opener = ops->expand(evp, &cx_kernels_portable, k);
    must(sealer && opener, "expanding");
    for (size_t i = 0; i < LENGTHS; i++) {
        struct cx_packet_job job[CX_PACKET_BATCH + 1];
        size_t n = 1 + i % CX_PACKET_BATCH, good;
        make_batch(job, ops, n, i);
        place(job, n, plain, sealed);
        must(ops->seal(sealer, job, n) == CX_OK, "sealing");
        VALGRIND_MAKE_MEM_DEFINED(sealed, sizeof sealed);
        place(job, n, sealed, opened);
        must(ops->open(opener, job, n, &good) == CX_OK && good == n, "opening");
        sealed[n - 1][CX_PACKET_LENGTH_BYTES + job[n - 1].len] ^= 1;
        must(ops->open(opener, job, n, &good) == CX_E_TAG && good == n - 1, "refusing");
    }
    ops->release(sealer);
    ops->release(opener);
}

static void check_mac(const struct cx_mac_ops *ops, const struct cx_evp *evp, const struct cx_packet_key *k)
{
    void *context = ops->expand(evp, k);
    must(context, "expanding");
    for (size_t i = 0; i < LENGTHS; i++) {
        struct cx_packet_job job[CX_PACKET_BATCH + 1];
        struct cx_mac_job mac[CX_PACKET_BATCH];
        size_t n = 1 + i % CX_PACKET_BATCH;
        make_batch(job, NULL, n, i);
        for (size_t j = 0; j < n; j++)
            mac[j] = (struct cx_mac_job){ (uint32_t)j, plain[j], CX_PACKET_LENGTH_BYTES + job[j].len, sealed[j] };
        must(ops->tags(context, mac, n), "tags");
    }
    ops->release(context);
}

static void check_ctr(const struct cx_ctr_kernel *ops, const struct cx_evp *evp, const struct cx_packet_key *k)
{
    void *context = ops->expand(evp, k->key, k->cipher->key_len);
    must(context, "expanding");
    for (size_t i = 0; i < LENGTHS; i++) {
        struct cx_packet_job job[CX_PACKET_BATCH + 1];
        struct cx_ctr_job piece[CX_PACKET_BATCH];
        size_t n = 1 + i % CX_PACKET_BATCH;
        make_batch(job, NULL, n, i);
        for (size_t j = 0; j < n; j++)
            piece[j] = (struct cx_ctr_job){ plain[j], sealed[j], job[j].len, job[j].iv };
        must(ops->crypt(context, piece, n), "crypting");
    }
    ops->release(context);
}

/* Those of one algorithm; how many ran. */
static size_t check_kernels(enum cx_primitive primitive, const struct cx_cipher *cipher, const struct cx_mac *mac)
{
    const struct cx_kernel *kernel;
    struct cx_packet_key k = { .cipher = cipher, .mac = mac };
    struct cx_evp evp;
    size_t ran = 0;
    must(cx_evp_fetch(&evp), "fetching");
    VALGRIND_MAKE_MEM_UNDEFINED(k.key, sizeof k.key);
    VALGRIND_MAKE_MEM_UNDEFINED(k.mac_key, sizeof k.mac_key);
    for (size_t i = 0; (kernel = cx_kernel_at(primitive, i)); i++) {
        if (kernel == cx_kernels_portable.of[primitive] || !cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_COUNT - 1))
            continue;
        printf("%s: %s\n", cipher ? cipher->name : mac->name, kernel->name);
        if (mac)
            check_mac((const struct cx_mac_ops *)kernel, &evp, &k);
        else if (cipher->tag_len > 0)
            check_packets((const struct cx_packet_ops *)kernel, &evp, &k);
        else
            check_ctr((const struct cx_ctr_kernel *)kernel, &evp, &k);
        ran++;
    }
    cx_evp_drop(&evp);
    return ran;
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    must(RUNNING_ON_VALGRIND, "running under valgrind, without which this finds nothing,");
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        struct cx_packet_job job[CX_PACKET_BATCH + 1];
        make_batch(job, NULL, 1, 0);
        return plain[0][SLOT - 1] > 9 ? 3 : 0;
    }
    for (size_t i = 0; cx_cipher_at(i); i++)
        ran += check_kernels(cx_cipher_at(i)->primitive, cx_cipher_at(i), NULL);
    for (size_t i = 0; cx_mac_at(i); i++)
        if (cx_mac_at(i)->etm) /* of the others the kernels are the same */
            ran += check_kernels(cx_mac_at(i)->primitive, NULL, cx_mac_at(i));
    printf("%zu kernels\n", ran);
    return 0;
}

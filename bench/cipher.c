/* SPDX-License-Identifier: MIT */
/* sluice-bench cipher: every suite through the packet interface that the gateway uses, sealing and opening, eight packets a
 * call. Each cell is the median of many short samples, and samples of all cells are interleaved, so that a machine whose
 * speed drifts bends all cells alike. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "crypto/packet/packet.h"

enum { BATCH = 8, SAMPLES_MAX = 201, AREA_BYTES = BATCH * (32768 + CX_PACKET_OVERHEAD_MAX), CALL_BYTES_MIN = 32 * 1024 };

static const size_t sizes[] = { 64, 512, 1500, 8192, 32768 };
enum { SIZE_COUNT = sizeof sizes / sizeof *sizes };

struct suite {
    const struct cx_cipher *cipher;
    const struct cx_mac *mac; /* NULL with an AEAD */
};

struct cell {
    struct suite suite;
    size_t size;
    size_t samples;
    double seal_ns[SAMPLES_MAX], open_ns[SAMPLES_MAX]; /* a packet */
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void start_key(struct cx_packet_key *k, struct cx_packet_cache *cache, bool sealing, const struct suite *suite)
{
    static const uint8_t fixed[CX_PACKET_KEY_MAX] = { 1, 2, 3 };
    cx_packet_key_init(k, cache, sealing, suite->cipher, suite->mac, fixed, fixed, fixed);
}

static bool seal_once(struct cx_packet_cache *cache, struct cx_packet_key *k, const struct cx_random *random, uint8_t *area,
                      size_t size)
{
    struct cx_packet_slot slot[BATCH];
    for (size_t i = 0; i < BATCH; i++)
        slot[i] = (struct cx_packet_slot){ area + i * cx_packet_sealed_len(k, size), (uint32_t)size };
    return cx_packet_seal(cache, k, slot, BATCH, random) == CX_OK;
}

static bool open_once(struct cx_packet_cache *cache, struct cx_packet_key *k, uint8_t *area, size_t bytes)
{
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = BATCH, used, need;
    return cx_packet_open(cache, k, (struct cx_span){ area, bytes }, 256 * 1024, payload, &count, &used, &need) == CX_OK &&
           count == BATCH;
}

/* One sample: calls alternate, each timed on its own, so that what is opened was sealed under the same sequence numbers. */
static bool sample(struct cell *c, struct cx_packet_cache *cache, const struct cx_random *random, uint8_t *area)
{
    struct cx_packet_key seal, open;
    start_key(&seal, cache, true, &c->suite);
    start_key(&open, cache, false, &c->suite);
    size_t calls = CALL_BYTES_MIN / (BATCH * c->size) + 1, bytes = BATCH * cx_packet_sealed_len(&seal, c->size);
    double seal_ns = 0, open_ns = 0;
    bool ok = true;
    for (size_t i = 0; ok && i <= calls; i++) {
        double t0 = now_ns();
        ok = seal_once(cache, &seal, random, area, c->size);
        double t1 = now_ns();
        ok = ok && open_once(cache, &open, area, bytes);
        double t2 = now_ns();
        /* the first call expands the contexts */
        seal_ns += i > 0 ? t1 - t0 : 0;
        open_ns += i > 0 ? t2 - t1 : 0;
    }
    c->seal_ns[c->samples] = seal_ns / (double)(calls * BATCH);
    c->open_ns[c->samples++] = open_ns / (double)(calls * BATCH);
    cx_packet_key_deinit(&seal, cache);
    cx_packet_key_deinit(&open, cache);
    return ok;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

static size_t list_suites(struct suite *out, size_t room)
{
    size_t n = 0;
    const struct cx_cipher *cipher;
    const struct cx_mac *mac;
    for (size_t i = 0; (cipher = cx_cipher_at(i)); i++) {
        if (cipher->tag_len != 0 && n < room)
            out[n++] = (struct suite){ cipher, NULL };
        for (size_t j = 0; cipher->tag_len == 0 && (mac = cx_mac_at(j)) && n < room; j++)
            out[n++] = (struct suite){ cipher, mac };
    }
    return n;
}

static void print_suite(struct cell *c)
{
    char name[96];
    snprintf(name, sizeof name, "%s%s%s", c->suite.cipher->name, c->suite.mac ? " " : "", c->suite.mac ? c->suite.mac->name : "");
    printf("%-48s", name);
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        double seal = median(c[i].seal_ns, c[i].samples), open = median(c[i].open_ns, c[i].samples);
        if (c[i].size < 8192)
            printf("  %6.0f/%-6.0f", seal, open);
        else
            printf("  %5.2f/%-5.2f", (double)c[i].size / seal, (double)c[i].size / open);
    }
    printf("\n");
}

static int run(double seconds)
{
    struct suite suites[64];
    size_t suite_count = list_suites(suites, 64), cell_count = suite_count * SIZE_COUNT;
    struct cell *cells = calloc(cell_count, sizeof *cells);
    uint8_t *area = calloc(1, AREA_BYTES);
    struct cx_packet_cache *cache = cx_packet_cache_new(8, cx_kernels_current());
    struct cx_random_seeded seeded;
    struct cx_random random = cx_random_from_seed(&seeded, 1);
    bool ok = cells && area && cache;
    for (size_t i = 0; ok && i < cell_count; i++)
        cells[i] = (struct cell){ .suite = suites[i / SIZE_COUNT], .size = sizes[i % SIZE_COUNT] };
    double end = now_ns() + seconds * 1e9;
    for (size_t round = 0; ok && round < SAMPLES_MAX && (round < 3 || now_ns() < end); round++)
        for (size_t i = 0; ok && i < cell_count; i++)
            ok = sample(&cells[i], cache, &random, area);
    if (ok) {
        printf("%-48s  %-13s  %-13s  %-13s  %-11s  %-11s\n", "seal/open", "64 B, ns", "512 B, ns", "1500 B, ns", "8 KiB, GB/s",
               "32 KiB, GB/s");
        for (size_t i = 0; i < cell_count; i += SIZE_COUNT)
            print_suite(&cells[i]);
    } else {
        fprintf(stderr, "sluice-bench: out of memory, or a packet did not open\n");
    }
    cx_packet_cache_free(cache);
    free(area);
    free(cells);
    return ok ? 0 : 1;
}

int bench_cipher(int argc, char **argv)
{
    static const struct option options[] = { { "seconds", required_argument, NULL, 's' },
                                             { "help", no_argument, NULL, 'h' },
                                             { 0 } };
    double seconds = 5;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        char *rest = NULL;
        if (c == 's')
            seconds = strtod(optarg, &rest);
        if (c == 'h') {
            printf("usage: sluice-bench cipher [--seconds S]\n\nSeals and opens packets, 8 a call, under every suite; medians.\n");
            return 0;
        }
        if (c != 's' || *rest != 0 || !(seconds > 0 && seconds <= 3600)) {
            fprintf(stderr, "sluice-bench cipher: --seconds takes a number from 0 to 3600\n");
            return 255;
        }
    }
    return run(seconds);
}

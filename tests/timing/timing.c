/* SPDX-License-Identifier: MIT */
/* Whether time tells a secret, after dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): the same
 * code runs on inputs of two classes in random order, and Welch's t-test asks whether their times differ. A |t| above THRESHOLD
 * stands for a leak; below, for none that was found in so much time. Interrupts make the slowest samples: the test is repeated
 * on the times below several quantiles, which a first round of samples sets, and the largest |t| counts.
 *
 * The inputs of both classes are copied into one place before each sample, so that only their content differs. The row "leak",
 * memcmp on the same input as cx_secret_equal, shows that a difference would be seen; it does not decide the exit status.
 *
 * On a core that runs nothing else (isolcpus=3 nohz_full=3 on the kernel's command line, its frequency fixed), once a tier and
 * compiler: for tier in avx512 avx2 portable; do SLUICE_TIER=$tier taskset -c 3 build/release/bin/timing 60; done On a busy one
 * other work hides small differences. Whether one that is found comes of a branch, an address or a division, ctest -L evidence
 * tells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "crypto/kernels/kernels.h"
#include "timing.h"

enum { CROPS = 8, CALIBRATION = 2000, POOL = 64 };
static const double THRESHOLD = 5;

static struct cx_random_seeded seeded;
struct cx_random timing_random;

void timing_need(bool good)
{
    if (!good) {
        fprintf(stderr, "timing: the code under test failed\n");
        exit(255);
    }
}

/* ---- the test ---- */

struct moments {
    double n, mean, squares; /* Welford's */
};

static void add(struct moments *m, double x)
{
    double delta = x - m->mean;
    m->n++;
    m->mean += delta / m->n;
    m->squares += delta * (x - m->mean);
}

static double welch(const struct moments m[2])
{
    if (m[0].n < 100 || m[1].n < 100)
        return 0;
    double variance = m[0].squares / (m[0].n - 1) / m[0].n + m[1].squares / (m[1].n - 1) / m[1].n;
    return variance > 0 ? fabs(m[0].mean - m[1].mean) / sqrt(variance) : 0;
}

static uint64_t pool[2][POOL][INPUT_MAX / sizeof(uint64_t)];

/* Reads both classes whichever it takes: else it would also be what is in the caches that differs. */
static void choose(uint64_t *input, unsigned class, size_t i)
{
    uint64_t mask = 0 - (uint64_t) class;
    for (size_t j = 0; j < INPUT_MAX / sizeof *input; j++)
        input[j] = (pool[0][i][j] & ~mask) | (pool[1][i][j] & mask);
}

static double sample(const struct bench *b, unsigned *class)
{
    static uint64_t input[INPUT_MAX / sizeof(uint64_t)];
    uint8_t draw[2];
    unsigned after;
    cx_random_fill(&timing_random, draw, sizeof draw);
    *class = draw[0] & 1;
    choose(input, *class, draw[1] % POOL);
    _mm_lfence();
    uint64_t start = __rdtsc();
    _mm_lfence();
    b->run((const uint8_t *)input);
    uint64_t end = __rdtscp(&after);
    _mm_lfence();
    return (double)(end - start);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void calibrate(const struct bench *b, double limits[CROPS])
{
    static double times[CALIBRATION];
    unsigned class;
    for (size_t i = 0; i < CALIBRATION; i++)
        times[i] = sample(b, &class);
    qsort(times, CALIBRATION, sizeof *times, by_value);
    for (int i = 0; i < CROPS; i++) /* ever nearer to all, and then all of them */
        limits[i] = i == CROPS - 1 ? INFINITY : times[(size_t)(CALIBRATION * (1 - pow(0.5, i + 1)))];
}

static double measure(const struct bench *b, double seconds, double *samples)
{
    struct moments m[CROPS][2] = { 0 };
    double limits[CROPS], largest = 0;
    for (unsigned class = 0; class < 2; class ++)
        for (size_t i = 0; i < POOL; i++)
            b->make((uint8_t *)pool[class][i], class);
    calibrate(b, limits);
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    for (*samples = 0; clock() < end;) {
        for (int burst = b->slow ? 16 : 256; burst > 0; burst--, ++*samples) {
            unsigned class;
            double time = sample(b, &class);
            for (int i = 0; i < CROPS; i++)
                if (time < limits[i])
                    add(&m[i][class], time);
        }
    }
    for (int i = 0; i < CROPS; i++)
        largest = fmax(largest, welch(m[i]));
    return largest;
}

/* The kernels that SLUICE_TIER allows; the best where it is not set. */
static bool pick_kernels(void)
{
    static struct cx_kernels kernels;
    const char *name = getenv("SLUICE_TIER");
    enum cx_tier cap = CX_TIER_COUNT - 1;
    if (name && !cx_tier_parse(name, &cap))
        return false;
    cx_kernels_select(&kernels, cx_cpu_detect(), cap, NULL, NULL);
    cx_kernels_install(&kernels);
    return true;
}

static bool measure_row(const struct bench *b, double seconds)
{
    double samples;
    if (b->start)
        b->start(b);
    double t = measure(b, seconds, &samples);
    bool found = t > THRESHOLD;
    printf("%-25s %-25s %10.0f %8.2f  %s\n", b->name, b->classes, samples, t, found ? "differs" : "no difference found");
    fflush(stdout);
    return !found || b->leaks;
}

/* Rows that have `only` in their name; NULL: all. */
static bool measure_rows(const struct bench *b, double seconds, const char *only)
{
    bool good = true;
    for (; b->name; b++)
        if (!only || strstr(b->name, only))
            good = measure_row(b, seconds) && good;
    return good;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10;
    const char *only = argc > 2 ? argv[2] : NULL;
    if (argc > 3 || seconds <= 0 || !pick_kernels()) {
        fprintf(stderr, "usage: [SLUICE_TIER=portable|avx2|avx512] %s [SECONDS OF EACH ROW [NAME]]\n", argv[0]);
        return 255;
    }
    timing_random = cx_random_from_seed(&seeded, 1);
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++)
        printf("%s %s%s", cx_primitive_name(i), cx_kernels_current()->of[i]->name, i + 1 < CX_PRIMITIVE_COUNT ? ", " : "\n");
    printf("%-25s %-25s %10s %8s\n", "code", "classes", "samples", "max |t|");
    bool good = measure_rows(timing_kex, seconds, only);
    good = measure_rows(timing_packets, seconds, only) && good;
    return good ? 0 : 1;
}

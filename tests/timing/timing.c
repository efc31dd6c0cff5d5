/* SPDX-License-Identifier: MIT */
/* Whether time tells a secret, after dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017): the same
 * code runs on inputs of two classes in random order, and Welch's t-test asks whether their times differ. A |t| above THRESHOLD
 * stands for a leak; below, for none that was found in so much time. Interrupts make the slowest samples: the test is repeated
 * on the times below several quantiles, which a first round of samples sets, and the largest |t| counts.
 *
 * The inputs of both classes are copied into one place before each sample, so that only their content differs. The row "leak",
 * memcmp on the same input as cx_secret_equal, shows that a difference would be seen; it does not decide the exit status. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <x86intrin.h>

#include "crypto/kex/mlkem768.h"
#include "crypto/kex/sntrup761.h"
#include "crypto/packet/packet.h"
#include "crypto/secret.h"

enum { CROPS = 8, CALIBRATION = 2000, POOL = 64, INPUT_MAX = 4096, COMPARED = 1024, PAYLOAD = 64 };
static const double THRESHOLD = 5;

/* Inputs: class 0 is always the same one, or of one kind; class 1 is drawn from a pool. */
struct bench {
    const char *name, *classes;
    void (*make)(uint8_t *input, unsigned class);
    void (*run)(const uint8_t *input);
    const char *cipher, *mac; /* of rows about tags */
    bool leaks;               /* on purpose */
    bool slow;
};

static struct cx_random_seeded seeded;
static struct cx_random random_source;
static volatile unsigned sink;
static uint8_t shared[CX_MLKEM768_SHARED_BYTES];

static void need(bool good)
{
    if (!good) {
        fprintf(stderr, "timing: the code under test failed\n");
        exit(255);
    }
}

/* ---- ML-KEM: secrets; ciphertexts, of which every one in class 1 is refused inside ---- */

static uint8_t mlkem_ek[CX_MLKEM768_EK_BYTES], mlkem_dk[CX_MLKEM768_DK_BYTES];

static void mlkem_ciphertext(uint8_t *input, unsigned class)
{
    static bool have_pair;
    uint8_t seed[CX_MLKEM768_SEED_BYTES], message[CX_MLKEM768_MESSAGE_BYTES];
    if (!have_pair) {
        cx_random_fill(&random_source, seed, sizeof seed);
        cx_mlkem768_make_pair(cx_kernels_current(), seed, mlkem_ek, mlkem_dk);
        have_pair = true;
    }
    cx_random_fill(&random_source, message, sizeof message);
    need(cx_mlkem768_encapsulate(cx_kernels_current(), mlkem_ek, message, input, shared) == CX_OK);
    if (class == 1)
        input[CX_MLKEM768_CIPHERTEXT_BYTES - 1] ^= 1;
}

static void mlkem_run_ciphertext(const uint8_t *input)
{
    cx_mlkem768_decapsulate(cx_kernels_current(), mlkem_dk, input, shared);
}

/* z, the last 32 bytes of a secret, and the secret polynomials in front; the public key stays that of one pair. */
static void mlkem_secret(uint8_t *input, unsigned class)
{
    enum { VECTOR_BYTES = CX_MLKEM768_DK_BYTES - CX_MLKEM768_EK_BYTES - 64 };
    static uint8_t fixed[CX_MLKEM768_DK_BYTES];
    static uint8_t other_ek[CX_MLKEM768_EK_BYTES], other_dk[CX_MLKEM768_DK_BYTES], seed[CX_MLKEM768_SEED_BYTES];
    static bool have_fixed;
    cx_random_fill(&random_source, seed, sizeof seed);
    cx_mlkem768_make_pair(cx_kernels_current(), seed, other_ek, other_dk);
    if (!have_fixed)
        memcpy(fixed, other_dk, sizeof fixed);
    have_fixed = true;
    memcpy(input, fixed, sizeof fixed);
    if (class == 1) {
        memcpy(input, other_dk, VECTOR_BYTES);
        memcpy(input + sizeof fixed - 32, other_dk + sizeof fixed - 32, 32);
    }
}

static void mlkem_run_secret(const uint8_t *input)
{
    static const uint8_t ciphertext[CX_MLKEM768_CIPHERTEXT_BYTES] = { 1 };
    cx_mlkem768_decapsulate(cx_kernels_current(), input, ciphertext, shared);
}

/* ---- sntrup761: as ML-KEM ---- */

static uint8_t ntru_public[CX_SNTRUP761_PUBLIC_BYTES], ntru_secret[CX_SNTRUP761_SECRET_BYTES];

static void ntru_ciphertext(uint8_t *input, unsigned class)
{
    static bool have_pair;
    if (!have_pair)
        need(cx_sntrup761_make_pair(cx_kernels_current(), &random_source, ntru_secret, ntru_public) == CX_OK);
    have_pair = true;
    need(cx_sntrup761_encapsulate(cx_kernels_current(), &random_source, ntru_public, input, shared) == CX_OK);
    if (class == 1)
        input[CX_SNTRUP761_CIPHERTEXT_BYTES - 1] ^= 1;
}

static void ntru_run_ciphertext(const uint8_t *input)
{
    need(cx_sntrup761_decapsulate(cx_kernels_current(), ntru_secret, input, shared) == CX_OK);
}

/* The two small polynomials in front, and what a rejected ciphertext is hashed with; the public key stays that of one pair. */
static void ntru_secret_key(uint8_t *input, unsigned class)
{
    enum { SMALL_BYTES = 191, PUBLIC_AT = 2 * SMALL_BYTES, RHO_AT = PUBLIC_AT + CX_SNTRUP761_PUBLIC_BYTES };
    static uint8_t fixed[CX_SNTRUP761_SECRET_BYTES], other[CX_SNTRUP761_SECRET_BYTES], other_public[CX_SNTRUP761_PUBLIC_BYTES];
    static bool have_fixed;
    need(cx_sntrup761_make_pair(cx_kernels_current(), &random_source, other, other_public) == CX_OK);
    if (!have_fixed)
        memcpy(fixed, other, sizeof fixed);
    have_fixed = true;
    memcpy(input, fixed, sizeof fixed);
    if (class == 1) {
        memcpy(input, other, PUBLIC_AT);
        memcpy(input + RHO_AT, other + RHO_AT, SMALL_BYTES);
    }
}

static void ntru_run_secret_key(const uint8_t *input)
{
    static const uint8_t ciphertext[CX_SNTRUP761_CIPHERTEXT_BYTES] = { 1 };
    need(cx_sntrup761_decapsulate(cx_kernels_current(), input, ciphertext, shared) == CX_OK);
}

/* ---- comparisons ---- */

static uint8_t compared[COMPARED];

/* Class 0 is equal, class 1 differs from its first byte on. */
static void compare_make(uint8_t *input, unsigned class)
{
    memset(input, 0, COMPARED);
    if (class == 1)
        cx_random_fill(&random_source, input, COMPARED);
}

static void compare_run(const uint8_t *input)
{
    sink = cx_secret_equal(input, compared, COMPARED);
}

static void compare_leak(const uint8_t *input)
{
    sink = (unsigned)memcmp(input, compared, COMPARED);
}

/* ---- tags of packets: class 0 is wrong in the last byte, class 1 in the first; both are refused ---- */

static struct cx_packet_cache *cache;
static struct cx_packet_key packet_key;
static const struct cx_cipher *tag_cipher;
static const struct cx_mac *tag_mac;
static uint8_t sealed[INPUT_MAX];
static size_t sealed_len;

static void tag_start(const struct bench *b)
{
    static const uint8_t key[CX_PACKET_KEY_MAX] = { 1, 2, 3 };
    struct cx_packet_key seal;
    struct cx_packet_slot slot = { sealed, PAYLOAD };
    tag_cipher = cx_cipher_find(cx_view_text(b->cipher));
    tag_mac = b->mac ? cx_mac_find(cx_view_text(b->mac)) : NULL;
    need(tag_cipher && (tag_mac || !b->mac));
    cx_packet_key_init(&seal, cache, true, tag_cipher, tag_mac, key, key, key);
    need(cx_packet_seal(cache, &seal, &slot, 1, &random_source) == CX_OK);
    sealed_len = cx_packet_sealed_len(&seal, PAYLOAD);
    cx_packet_key_deinit(&seal, cache);
    cx_packet_key_init(&packet_key, cache, false, tag_cipher, tag_mac, key, key, key);
}

static void tag_make(uint8_t *input, unsigned class)
{
    size_t tag_len = tag_mac ? tag_mac->tag_len : tag_cipher->tag_len;
    memcpy(input, sealed, sealed_len);
    input[class == 0 ? sealed_len - 1 : sealed_len - tag_len] ^= 0xff;
}

static void tag_run(const uint8_t *input)
{
    static uint8_t wire[INPUT_MAX];
    struct cx_packet_key k = packet_key; /* a failed packet's direction is not used on */
    struct cx_span payload[CX_PACKET_BATCH];
    size_t count = 1, used, wanted;
    memcpy(wire, input, sealed_len);
    need(cx_packet_open(cache, &k, (struct cx_span){ wire, sealed_len }, INPUT_MAX, payload, &count, &used, &wanted) == CX_E_TAG);
}

#define TAG(name, ...)                                                                                                             \
    {                                                                                                                              \
        name " tag", "last / first byte wrong", tag_make, tag_run, __VA_ARGS__                                                     \
    }
static const struct bench benches[] = {
    { "mlkem768 decapsulate", "right / wrong ciphertext", mlkem_ciphertext, mlkem_run_ciphertext, .slow = true },
    { "mlkem768 decapsulate", "fixed / other secret", mlkem_secret, mlkem_run_secret, .slow = true },
    { "sntrup761 decapsulate", "right / wrong ciphertext", ntru_ciphertext, ntru_run_ciphertext, .slow = true },
    { "sntrup761 decapsulate", "fixed / other secret", ntru_secret_key, ntru_run_secret_key, .slow = true },
    { "cx_secret_equal", "equal / random", compare_make, compare_run },
    TAG("aes128-gcm", "aes128-gcm@openssh.com"),
    TAG("aes256-gcm", "aes256-gcm@openssh.com"),
    TAG("chacha20-poly1305", "chacha20-poly1305@openssh.com"),
    TAG("hmac-sha2-256-etm", "aes128-ctr", "hmac-sha2-256-etm@openssh.com"),
    TAG("hmac-sha2-512-etm", "aes128-ctr", "hmac-sha2-512-etm@openssh.com"),
    TAG("umac-128-etm", "aes128-ctr", "umac-128-etm@openssh.com"),
    { "memcmp (leak)", "equal / random", compare_make, compare_leak, .leaks = true },
};
#undef TAG

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

static uint8_t pool[2][POOL][INPUT_MAX];

static double sample(const struct bench *b, unsigned *class)
{
    static uint8_t input[INPUT_MAX];
    uint8_t draw[2];
    unsigned after;
    cx_random_fill(&random_source, draw, sizeof draw);
    *class = draw[0] & 1;
    memcpy(input, pool[*class][draw[1] % POOL], sizeof input);
    _mm_lfence();
    uint64_t start = __rdtsc();
    _mm_lfence();
    b->run(input);
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
            b->make(pool[class][i], class);
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
    if (b->cipher)
        tag_start(b);
    double t = measure(b, seconds, &samples);
    bool found = t > THRESHOLD;
    printf("%-24s %-26s %10.0f %8.2f  %s\n", b->name, b->classes, samples, t, found ? "differs" : "no difference found");
    fflush(stdout);
    return !found || b->leaks;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 10;
    bool good = true;
    if (argc > 2 || seconds <= 0 || !pick_kernels()) {
        fprintf(stderr, "usage: [SLUICE_TIER=portable|avx2|avx512] %s [SECONDS OF EACH ROW]\n", argv[0]);
        return 255;
    }
    random_source = cx_random_from_seed(&seeded, 1);
    cache = cx_packet_cache_new(4, cx_kernels_current());
    need(cache != NULL);
    for (unsigned i = 0; i < CX_PRIMITIVE_COUNT; i++)
        printf("%s %s%s", cx_primitive_name(i), cx_kernels_current()->of[i]->name, i + 1 < CX_PRIMITIVE_COUNT ? ", " : "\n");
    printf("%-24s %-26s %10s %8s\n", "code", "classes", "samples", "max |t|");
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        good = measure_row(&benches[i], seconds) && good;
    cx_packet_cache_free(cache);
    return good ? 0 : 1;
}

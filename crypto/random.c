/* SPDX-License-Identifier: MIT */
/* The system's randomness, a generator that it keys, and a seeded generator for tests (xoshiro256**, seeded by splitmix64, both by
 * Blackman and Vigna, public domain algorithms). */
#include "crypto/random.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>

#include "crypto/secret.h"

/* Going on with bytes that a peer can guess would be worse than not going on at all. */
static void system_bytes(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t got = getrandom(out, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            out += got;
            len -= (size_t)got;
        }
    }
}

static void refill(struct cx_random_pool *pool)
{
    /* each key makes one stream, so that the nonce may be the same for all */
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    uint8_t key[CX_RANDOM_KEY_BYTES];
    if (pool->refills_left == 0) {
        system_bytes(key, sizeof key);
        pool->refills_left = CX_RANDOM_REFILLS_A_SEED;
    } else {
        memcpy(key, pool->bytes, sizeof key);
    }
    crypto_stream_chacha20(pool->bytes, sizeof pool->bytes, nonce, key);
    cx_secret_wipe(key, sizeof key);
    pool->refills_left--;
    pool->left = sizeof pool->bytes - CX_RANDOM_KEY_BYTES;
}

static void fill_from_pool(void *state, uint8_t *out, size_t len)
{
    struct cx_random_pool *pool = state;
    if (len >= CX_RANDOM_KEY_BYTES) {
        system_bytes(out, len);
        return;
    }
    if (len > pool->left)
        refill(pool);
    uint8_t *from = pool->bytes + sizeof pool->bytes - pool->left;
    memcpy(out, from, len);
    cx_secret_wipe(from, len);
    pool->left -= len;
}

struct cx_random cx_random_system(struct cx_random_pool *pool)
{
    if (sodium_init() < 0) /* it picks the fastest ChaCha20, once; and must have randomness itself */
        abort();
    return (struct cx_random){ fill_from_pool, pool };
}

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t next_word(uint64_t s[4])
{
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

static void fill_from_seed(void *state, uint8_t *out, size_t len)
{
    struct cx_random_seeded *seeded = state;
    while (len > 0) {
        uint64_t word = next_word(seeded->s);
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(out, &word, n);
        out += n;
        len -= n;
    }
}

struct cx_random cx_random_from_seed(struct cx_random_seeded *state, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        state->s[i] = z ^ z >> 31;
    }
    return (struct cx_random){ fill_from_seed, state };
}

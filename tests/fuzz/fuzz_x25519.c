/* SPDX-License-Identifier: MIT */
/* Fuzzes X25519's kernels, and the public values that come from the other curve, against libsodium. An input is a scalar, a point
 * and rounds; each round goes on with what came out of the one before. */
#include <sodium.h>
#include <string.h>

#include "crypto/kernels/kernels_priv.h"
#include "crypto/kex/kex_priv.h"
#include "crypto/kex/x25519_priv.h"
#include "fuzz.h"

enum { BYTES = CX_X25519_BYTES, INPUT = 2 * BYTES + 1, ROUNDS_MAX = 64 };

static void copy_secret(void *state, uint8_t *out, size_t len)
{
    memcpy(out, state, len);
}

static void check_public_value(const uint8_t scalar[BYTES])
{
    uint8_t want[BYTES], got[BYTES], drawn[BYTES], secret[BYTES];
    memcpy(drawn, scalar, sizeof drawn);
    struct cx_random random = { copy_secret, drawn };
    struct cx_writer w = cx_writer((struct cx_span){ got, sizeof got });
    require(crypto_scalarmult_curve25519_base(want, scalar) == 0);
    require(cx_dh_x25519.make_pair(&cx_dh_x25519, &random, secret, &w) == CX_OK);
    require(memcmp(got, want, sizeof got) == 0);
}

/* want is set to libsodium's product. */
static void check_kernels(uint8_t want[BYTES], const uint8_t scalar[BYTES], const uint8_t point[BYTES])
{
    const struct cx_kernel *kernel;
    bool good = cx_x25519_portable.multiply(want, scalar, point);
    for (size_t i = 0; (kernel = cx_kernel_at(CX_PRIMITIVE_X25519, i)); i++) {
        uint8_t got[BYTES];
        if (!cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_AVX512))
            continue;
        require(((const struct cx_x25519_kernel *)kernel)->multiply(got, scalar, point) == good);
        require(!good || memcmp(got, want, sizeof got) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t scalar[BYTES], point[BYTES], product[BYTES] = { 0 };
    if (size < INPUT)
        return 0;
    memcpy(scalar, data, BYTES);
    memcpy(point, data + BYTES, BYTES);
    check_public_value(scalar);
    for (unsigned rounds = data[INPUT - 1] % ROUNDS_MAX + 1; rounds > 0; rounds--) {
        check_kernels(product, scalar, point);
        memcpy(point, scalar, BYTES);
        memcpy(scalar, product, BYTES);
    }
    return 0;
}

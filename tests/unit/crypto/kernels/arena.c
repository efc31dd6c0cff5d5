/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <criterion/criterion.h>
#include <sys/mman.h>

#include "crypto/kernels/kernels.h"
#include "crypto/random.h"

enum { PAGE = 4096 };

struct arena arena_new(size_t len)
{
    len = (len + PAGE - 1) / PAGE * PAGE;
    uint8_t *all = mmap(NULL, len + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(all != MAP_FAILED && mprotect(all + PAGE, len, PROT_READ | PROT_WRITE) == 0);
    return (struct arena){ all + PAGE, len };
}

void arena_free(struct arena *a)
{
    munmap(a->bytes - PAGE, a->len + 2 * PAGE);
}

uint8_t *arena_end(const struct arena *a, size_t n)
{
    return a->bytes + a->len - n;
}

const struct cx_kernel *runnable_at(unsigned primitive, size_t i)
{
    const struct cx_kernel *k;
    uint32_t cpu = cx_cpu_detect();
    for (size_t at = 0; (k = cx_kernel_at(primitive, at)) && k != cx_kernels_portable.of[primitive]; at++) {
        if (cx_kernel_runs(k, cpu, CX_TIER_COUNT - 1)) {
            if (i-- == 0)
                return k;
        } else if (i == 0) {
            cr_log_info("this processor does not run %s of %s", k->name, cx_primitive_name(primitive));
        }
    }
    return NULL;
}

void pattern(uint8_t *out, size_t len, uint64_t seed)
{
    struct cx_random_seeded seeded;
    struct cx_random random = cx_random_from_seed(&seeded, seed);
    cx_random_fill(&random, out, len);
}

bool length_at(size_t i, uint32_t *len)
{
    static const uint32_t big[] = { 2049,  2064,  3000,   4095,   4096,   4097,   5555,   8191,   8192,   8208,  10000,
                                    16383, 16384, 16400,  20001,  32767,  32768,  32784,  32785,  40000,  65535, 65536,
                                    65537, 99999, 131071, 131072, 131073, 200000, 262128, 262143, 262144, 262160 };
    *len = i <= 2048 ? (uint32_t)i : i - 2049 < sizeof big / sizeof *big ? big[i - 2049] : 0;
    return i < 2049 + sizeof big / sizeof *big;
}

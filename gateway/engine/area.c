/* SPDX-License-Identifier: MIT */
/* Areas come from mmap with an unmapped page on either side, so that a length that was computed wrongly ends the process instead of
 * reading another connection's bytes. */
#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/engine/area.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, len) ((void)(start), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(start, len) ((void)(start), (void)(len))
#endif

bool gw_area_init(struct gw_area *a, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    len = (len + page - 1) / page * page;
    uint8_t *map = mmap(NULL, len + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    if (mprotect(map + page, len, PROT_READ | PROT_WRITE) != 0 || madvise(map + page, len, MADV_DONTDUMP) != 0) {
        munmap(map, len + 2 * page);
        return false;
    }
    *a = (struct gw_area){ map + page, len };
    gw_area_open(a, 0);
    return true;
}

void gw_area_deinit(struct gw_area *a)
{
    if (!a->bytes)
        return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    gw_area_open(a, a->len); /* the sanitizer's marks would outlive the mapping */
    munmap(a->bytes - page, a->len + 2 * page);
    *a = (struct gw_area){ 0 };
}

void gw_area_open(const struct gw_area *a, size_t n)
{
    assert(n <= a->len);
    ASAN_POISON_MEMORY_REGION(a->bytes, a->len);
    ASAN_UNPOISON_MEMORY_REGION(a->bytes, n);
}

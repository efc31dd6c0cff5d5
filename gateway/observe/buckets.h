/* SPDX-License-Identifier: MIT */
/* Log-linear buckets, as histograms of times want them: 2^bits buckets to each power of two, so that a value is known to 1 part in
 * 2^bits. A bucket is numbered by its values' leading bits: as many as bits + 1, and how far they stand to the left of the value's
 * end. Values of no more bits than that have a bucket of their own. */
#ifndef GW_BUCKETS_H
#define GW_BUCKETS_H

#include <stdint.h>

/* How many buckets there are for values below 2^value_bits. */
#define GW_BUCKETS(value_bits, bits) (((value_bits) - (bits) + 1) << (bits))

static inline unsigned gw_bucket_of(uint64_t value, unsigned bits)
{
    unsigned length = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = length > bits + 1 ? length - (bits + 1) : 0;
    return (shift << bits) + (unsigned)(value >> shift);
}

/* The least value of a bucket. */
static inline uint64_t gw_bucket_begin(unsigned bucket, unsigned bits)
{
    unsigned shift = bucket >> bits > 0 ? (bucket >> bits) - 1 : 0;
    return (uint64_t)(bucket - (shift << bits)) << shift;
}

/* The largest. */
static inline uint64_t gw_bucket_end(unsigned bucket, unsigned bits)
{
    unsigned shift = bucket >> bits > 0 ? (bucket >> bits) - 1 : 0;
    return gw_bucket_begin(bucket, bits) + (((uint64_t)1 << shift) - 1);
}

#endif

/* SPDX-License-Identifier: MIT */
/* Packets in the clear, before the first NEWKEYS; and what families share whose length field is in the clear. */
#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

enum cx_err cx_packet_peek_clear(void *context, const struct cx_packet_job *job, uint32_t *len)
{
    (void)context;
    *len = cx_load_u32(job->from);
    return CX_OK;
}

void cx_packet_advance_seq(const struct cx_packet_job *job, struct cx_packet_job *next)
{
    next->seq = job->seq + 1;
    memmove(next->iv, job->iv, sizeof next->iv);
}

static enum cx_err seal_batch(void *context, const struct cx_packet_job job[], size_t n)
{
    (void)context;
    (void)job;
    (void)n;
    return CX_OK;
}

static enum cx_err open_batch(void *context, const struct cx_packet_job job[], size_t n, size_t *good)
{
    (void)context;
    (void)job;
    *good = n;
    return CX_OK;
}

/* No expand: packet.c keeps a packet without a key out of the cache, and reads and writes in place. */
const struct cx_packet_ops cx_packet_none = {
    .peek = cx_packet_peek_clear,
    .advance = cx_packet_advance_seq,
    .seal = seal_batch,
    .open = open_batch,
};

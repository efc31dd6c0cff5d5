/* SPDX-License-Identifier: MIT */
/* Many sponges over one permutation of several states. A state's lane l is number `lane` of row l. A lane that is done takes the
 * next job, so that short jobs fill what a long one leaves idle. */
#include "crypto/keccak_lanes.h"

#include <assert.h>

#include "crypto/keccak_priv.h"
#include "crypto/secret.h"

/* One sponge at work. */
struct lane {
    const struct cx_keccak_job *job; /* NULL: idle */
    size_t absorbed, squeezed;       /* bytes */
    bool padded;
};

struct lanes {
    _Alignas(64) uint64_t rows[CX_KECCAK_LANES * CX_KECCAK_STATES_MAX];
    uint8_t block[KECCAK_RATE_MAX];
    struct lane lane[CX_KECCAK_STATES_MAX];
};

static size_t input_len(const struct cx_keccak_job *job)
{
    return job->a.len + job->b.len;
}

/* Permutations of a job. The last absorbs the padding and gives the first bytes. */
static size_t steps_of(const struct cx_keccak_job *job)
{
    size_t rate = cx_keccak_sponges[job->alg].rate, steps = 1;
    for (size_t left = input_len(job); left >= rate; left -= rate)
        steps++;
    for (size_t left = job->out_len; left > rate; left -= rate)
        steps++;
    return steps;
}

/* The narrow kernel where that takes no more permutations: where it is full, or one job alone is as long as all take side by side.
 */
static const struct cx_keccak_kernel *choose(const struct cx_keccak_kernel *kernel, const struct cx_keccak_job job[], size_t count)
{
    size_t sum = 0, longest = 0;
    if (!kernel->narrow)
        return kernel;
    for (size_t i = 0; i < count; i++) {
        size_t steps = steps_of(&job[i]);
        sum += steps;
        longest = steps > longest ? steps : longest;
    }
    return sum <= longest * kernel->narrow->states ? kernel->narrow : kernel;
}

/* Up to len bytes of a and b from `at` on. */
static size_t copy_input(const struct cx_keccak_job *job, size_t at, uint8_t *out, size_t len)
{
    size_t from_a = at < job->a.len ? job->a.len - at : 0, done = from_a < len ? from_a : len;
    if (done > 0)
        memcpy(out, job->a.data + at, done);
    size_t at_b = at + done - job->a.len, left = job->b.len - at_b, more = left < len - done ? left : len - done;
    if (done < len && more > 0) {
        memcpy(out + done, job->b.data + at_b, more);
        done += more;
    }
    return done;
}

/* The next block of a lane's input, with the padding where the input ends in it. `lanes` points at the lane's first number. */
static void absorb(struct lane *l, uint64_t *lanes, size_t states, uint8_t block[KECCAK_RATE_MAX])
{
    const struct keccak_sponge *sponge = &cx_keccak_sponges[l->job->alg];
    size_t got = copy_input(l->job, l->absorbed, block, sponge->rate);
    l->absorbed += got;
    if (got < sponge->rate) {
        memset(block + got, 0, sponge->rate - got);
        block[got] = sponge->suffix;
        block[sponge->rate - 1] ^= 0x80;
        l->padded = true;
    }
    for (size_t i = 0; i < sponge->rate / 8; i++)
        lanes[i * states] ^= keccak_load_lane(block + 8 * i);
}

static void squeeze(struct lane *l, const uint64_t *lanes, size_t states, uint8_t block[KECCAK_RATE_MAX])
{
    size_t rate = cx_keccak_sponges[l->job->alg].rate, left = l->job->out_len - l->squeezed, len = left < rate ? left : rate;
    uint8_t *out = l->job->out + l->squeezed;
    for (size_t i = 0; i < len / 8; i++)
        keccak_store_lane(out + 8 * i, lanes[i * states]);
    if (len % 8 != 0) {
        keccak_store_lane(block, lanes[len / 8 * states]);
        memcpy(out + len / 8 * 8, block, len % 8);
    }
    l->squeezed += len;
    if (l->squeezed == l->job->out_len)
        l->job = NULL;
}

static void clear(uint64_t *lanes, size_t states)
{
    for (size_t i = 0; i < CX_KECCAK_LANES; i++)
        lanes[i * states] = 0;
}

/* Gives idle lanes the jobs that are left, and every lane its input. False: all is done. */
static bool feed(struct lanes *s, size_t states, const struct cx_keccak_job **next, const struct cx_keccak_job *end)
{
    uint64_t *lanes = s->rows;
    bool busy = false;
    for (size_t i = 0; i < states; i++) {
        struct lane *l = &s->lane[i];
        if (!l->job && *next < end) {
            *l = (struct lane){ .job = (*next)++ };
            clear(lanes + i, states);
        }
        if (l->job && !l->padded)
            absorb(l, lanes + i, states, s->block);
        busy |= l->job != NULL;
    }
    return busy;
}

void cx_keccak_many(const struct cx_keccak_kernel *kernel, const struct cx_keccak_job job[], size_t count)
{
    struct lanes s;
    const struct cx_keccak_job *next = job;
    kernel = choose(kernel, job, count);
    assert(kernel->states <= CX_KECCAK_STATES_MAX);
    memset(&s, 0, sizeof s);
    while (feed(&s, kernel->states, &next, job + count)) {
        kernel->permute(s.rows);
        for (size_t i = 0; i < kernel->states; i++)
            if (s.lane[i].job && s.lane[i].padded)
                squeeze(&s.lane[i], s.rows + i, kernel->states, s.block);
    }
    cx_secret_wipe(&s, sizeof s);
}

const struct cx_keccak_kernel cx_keccak_portable = { .kernel = { .name = "portable" }, .states = 1, .permute = cx_keccak_permute };

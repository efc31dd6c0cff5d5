/* SPDX-License-Identifier: MIT */
/* sntrup761's products and its sort on vectors of 32-bit numbers, for any length of them. The includer defines:
 *   vector, V(name), LANES       its type, the intrinsic of that name for its length, and the numbers in it
 *   load, store                  of a vector, aligned
 *   turn(x, flip)                number i becomes that of i ^ flip
 *   pick(low, high, bit)         number i of high where i & bit, else of low
 *
 * A product of 768 coefficients is nine of 192 by Karatsuba's rule, twice; those go by pairs: madd multiplies two neighbours of one
 * factor with two of the other, and adds. Neighbours of the other factor are wanted at every even distance from a vector's start:
 * there is a copy for each, so that all loads are aligned. */
#ifndef CX_SNTRUP_VECTOR_PRIV_H
#define CX_SNTRUP_VECTOR_PRIV_H

#include "crypto/kex/sntrup761_priv.h"
#include "crypto/secret.h"

enum {
    WHOLE = SNTRUP_PRODUCT / 2,
    PART = WHOLE / 4,
    COPIES = LANES / 2,
    TILE = 64, /* coefficients of a product that are summed in registers */
    TILE_VECTORS = TILE / LANES,
    SPAN = TILE + PART + TILE + LANES, /* of a copy, with zeros on both sides */
};

/* One level of Karatsuba's rule: the sums of halves, and their product. */
struct sums {
    int16_t a[WHOLE / 2], b[WHOLE / 2];
    _Alignas(64) int32_t product[WHOLE];
};

struct multiplication {
    _Alignas(64) int32_t copy[COPIES][SPAN]; /* pair j, b[j] and b[j - 1], of copy s stands at TILE + j + 2 s */
    uint32_t pair[SPAN + LANES];             /* without distance: pair j at TILE + LANES + j */
    int16_t a[WHOLE], b[WHOLE];
    struct sums level[2];
};

static void copy_pairs(struct multiplication *m, const int16_t b[PART])
{
    uint32_t *pair = m->pair + TILE + LANES;
    pair[0] = (uint16_t)b[0];
    for (size_t j = 1; j < PART; j++)
        pair[j] = (uint16_t)b[j] | (uint32_t)(uint16_t)b[j - 1] << 16;
    pair[PART] = (uint32_t)(uint16_t)b[PART - 1] << 16;
    for (size_t s = 0; s < COPIES; s++)
        for (size_t j = 0; j < SPAN; j += LANES)
            memcpy(m->copy[s] + j, m->pair + LANES - 2 * s + j, LANES * sizeof m->pair[0]);
}

/* Sums are formed in the order in which they are written: the compiler's own order needs more registers than there are. */
static inline void in_order(vector *sum)
{
    __asm__("" : "+v"(*sum));
}

/* The sums of a tile from coefficient k on, out of the pairs of a from `first` to before `end`, multiples of COPIES. */
static inline void sum_tile(int32_t *out, const struct multiplication *m, const int16_t a[PART], size_t k, size_t first, size_t end)
{
    vector sum[TILE_VECTORS];
#pragma GCC unroll 8
    for (size_t t = 0; t < TILE_VECTORS; t++)
        sum[t] = V(set1_epi32)(0);
    for (size_t i = first; i < end; i += COPIES) {
        const int32_t *at = m->copy[0] + TILE + k - LANES * (i / COPIES);
#pragma GCC unroll 8
        for (size_t s = 0; s < COPIES; s++) {
            int32_t pair;
            memcpy(&pair, a + 2 * (i + s), sizeof pair);
#pragma GCC unroll 8
            for (size_t t = 0; t < TILE_VECTORS; t++) {
                sum[t] = V(add_epi32)(sum[t], V(madd_epi16)(V(set1_epi32)(pair), load(at + SPAN * s + LANES * t)));
                in_order(&sum[t]);
            }
        }
    }
#pragma GCC unroll 8
    for (size_t t = 0; t < TILE_VECTORS; t++)
        store(out + LANES * t, sum[t]);
}

static void multiply_part(struct multiplication *m, int32_t out[2 * PART], const int16_t a[PART], const int16_t b[PART])
{
    copy_pairs(m, b);
    for (size_t k = 0; k < 2 * PART; k += TILE) {
        size_t first = k > PART ? (k - PART) / 2 : 0, end = (k + TILE) / 2;
        sum_tile(out + k, m, a, k, first, end < PART / 2 ? end : PART / 2);
    }
}

/* Of PART 2^level coefficients. */
static void karatsuba(struct multiplication *m, unsigned level, int32_t *out, const int16_t *a, const int16_t *b)
{
    size_t half = (size_t)PART << level >> 1;
    if (level == 0) {
        multiply_part(m, out, a, b);
        return;
    }
    struct sums *s = &m->level[level - 1];
    for (size_t i = 0; i < half; i++) {
        s->a[i] = (int16_t)(a[i] + a[i + half]);
        s->b[i] = (int16_t)(b[i] + b[i + half]);
    }
    karatsuba(m, level - 1, out, a, b);
    karatsuba(m, level - 1, out + 2 * half, a + half, b + half);
    karatsuba(m, level - 1, s->product, s->a, s->b);
    for (size_t i = 0; i < 2 * half; i++)
        s->product[i] -= out[i] + out[i + 2 * half];
    for (size_t i = 0; i < 2 * half; i++)
        out[i + half] += s->product[i];
}

static void multiply_plain(int32_t product[SNTRUP_PRODUCT], const struct cx_sntrup_poly *a, const struct cx_sntrup_poly *b)
{
    struct multiplication m;
    memset(m.pair, 0, sizeof m.pair);
    memset(m.a, 0, sizeof m.a);
    memset(m.b, 0, sizeof m.b);
    memcpy(m.a, a->c, sizeof a->c);
    memcpy(m.b, b->c, sizeof b->c);
    karatsuba(&m, 2, product, m.a, m.b);
    cx_secret_wipe(&m, sizeof m);
}

/* ---- the sort: 1024 numbers as columns, one a lane ---- */

enum { SORTED = 1024, ROWS = SORTED / LANES };

static inline void order(vector *a, vector *b)
{
    vector low = V(min_epu32)(*a, *b);
    *b = V(max_epu32)(*a, *b);
    *a = low;
}

/* Batcher's merge exchange, as the portable sort has it, in all columns. */
static void sort_columns(vector row[ROWS])
{
    for (size_t p = ROWS / 2; p > 0; p /= 2)
        for (size_t q = ROWS / 2, d = p, r = 0;; d = q - p, q /= 2, r = p) {
            for (size_t at = r; at + d < ROWS; at += 2 * p)
                for (size_t i = at; i < at + p && i + d < ROWS; i++)
                    order(&row[i], &row[i + d]);
            if (q == p)
                break;
        }
}

/* A pair of rows against each other's mirror image in groups of lanes. */
static inline void order_mirrored(vector *a, vector *b, unsigned group)
{
    vector x = *a, y = *b, x_turned = turn(x, group - 1), y_turned = turn(y, group - 1);
    *a = pick(V(min_epu32)(x, y_turned), V(max_epu32)(x, y_turned), group / 2);
    *b = pick(V(min_epu32)(y, x_turned), V(max_epu32)(y, x_turned), group / 2);
}

/* Bitonic merges of neighbouring columns until all are one, of which a column is a section. */
static void merge_columns(vector row[ROWS])
{
    for (unsigned group = 2; group <= LANES; group *= 2) {
        for (size_t i = 0; i < ROWS / 2; i++)
            order_mirrored(&row[i], &row[ROWS - 1 - i], group);
        for (unsigned bit = group / 4; bit > 0; bit /= 2)
            for (size_t i = 0; i < ROWS; i++) {
                vector turned = turn(row[i], bit);
                row[i] = pick(V(min_epu32)(row[i], turned), V(max_epu32)(row[i], turned), bit);
            }
        for (size_t d = ROWS / 2; d > 0; d /= 2)
            for (size_t at = 0; at < ROWS; at += 2 * d)
                for (size_t i = at; i < at + d; i++)
                    order(&row[i], &row[i + d]);
    }
}

static void sort(uint32_t word[SNTRUP_P])
{
    union {
        vector row[ROWS];
        uint32_t word[SORTED];
    } s;
    memcpy(s.word, word, SNTRUP_P * sizeof word[0]);
    memset(s.word + SNTRUP_P, 0xff, (SORTED - SNTRUP_P) * sizeof word[0]);
    sort_columns(s.row);
    merge_columns(s.row);
    for (size_t i = 0; i < SNTRUP_P; i++)
        word[i] = s.word[i % ROWS * LANES + i / ROWS];
    cx_secret_wipe(&s, sizeof s);
}

#include "crypto/kex/sntrup761_ring_priv.h"

#endif

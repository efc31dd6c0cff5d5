/* SPDX-License-Identifier: MIT */
/* ML-KEM-768's ring and encodings on vectors of 16-bit numbers, for any length of them. The includer defines:
 *   vector, V(name)                    its type, and the intrinsic of that name for its length
 *   LANES, GROUPS                      16-bit numbers in a vector; groups of 128 bits in it
 *   load, store, both, either          of a vector; and, or
 *   repeat_64(number), repeat_group(16 bytes)
 *   widen_64(numbers)                  LANES / 4 of them, in 64 bits each
 *   part(a, b, len)                    blocks of len numbers: those of even number to a, the others to b; its own inverse. len is
 *                                      from 16 to 2, and of a pair of vectors: where a block is a vector, nothing changes
 *   spread(roots, len)                 one root a block, in the order that part() leaves
 *   load_bytes(bytes)                  LANES / 2 of them, in 32 bits each
 *   load_groups, store_groups          so many bytes a group
 *   from_bits(bytes), to_bits          LANES bits: all ones for a bit; the lowest bits
 *   none(vector)                       all of it is 0; not for secrets
 *   take_uniform                       as struct cx_mlkem_kernel has it
 * and gets the functions that the kernel asks for.
 *
 * Coefficients stay in the standard's order between functions, in the transform's domain too. A transform's first three layers go
 * between vectors; the other four within pairs of them, whose blocks are sorted so that a butterfly's two halves stand in two
 * vectors. Roots carry R, and products are Montgomery's: crypto/kex/mlkem768_ring.c says how they and Barrett's reduction work. */
#ifndef CX_MLKEM_VECTOR_PRIV_H
#define CX_MLKEM_VECTOR_PRIV_H

/* Functions whose arguments become immediates. */
#define VECTOR_INLINE static inline __attribute__((always_inline))

enum {
    VECTORS = MLKEM_N / LANES,
    STRIDE = VECTORS / 8, /* between the eight vectors that the first three layers join */
    Q_INVERSE = (int16_t)62209,
    R_SQUARED = 1353,
    R_OVER_128 = 512,
    R_OVER_128_LOW = 512, /* times the inverse of q, mod R */
    BARRETT = 20159,
    BARRETT_ROUND = 1 << (15 - 10), /* mulhrs by this is a shift by 10, rounded */
};

VECTOR_INLINE vector repeat(int16_t x)
{
    return V(set1_epi16)(x);
}

/* low: root's, times the inverse of q. */
VECTOR_INLINE vector multiply_by(vector a, vector root, vector low)
{
    return V(sub_epi16)(V(mulhi_epi16)(a, root), V(mulhi_epi16)(V(mullo_epi16)(a, low), repeat(MLKEM_Q)));
}

VECTOR_INLINE vector multiply(vector a, vector b)
{
    return multiply_by(a, b, V(mullo_epi16)(b, repeat(Q_INVERSE)));
}

/* Any in, reduced out. */
VECTOR_INLINE vector reduce(vector a)
{
    vector quotient = V(mulhrs_epi16)(V(mulhi_epi16)(a, repeat(BARRETT)), repeat(BARRETT_ROUND));
    return V(sub_epi16)(a, V(mullo_epi16)(quotient, repeat(MLKEM_Q)));
}

/* ---- the transforms ---- */

VECTOR_INLINE void butterfly(vector *low, vector *high, vector root, vector root_low)
{
    vector t = multiply_by(*high, root, root_low);
    *high = V(sub_epi16)(*low, t);
    *low = V(add_epi16)(*low, t);
}

VECTOR_INLINE void butterfly_inverse(vector *low, vector *high, vector root, vector root_low)
{
    vector difference = V(sub_epi16)(*high, *low);
    *low = V(add_epi16)(*low, *high);
    *high = multiply_by(difference, root, root_low);
}

/* A layer between vectors: blocks of `apart` of the eight. */
VECTOR_INLINE void layer(vector v[8], unsigned apart)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        unsigned root = 4 / apart + i / (2 * apart);
        if ((i & apart) == 0)
            butterfly(&v[i], &v[i + apart], repeat(cx_mlkem_roots.forward[root]), repeat(cx_mlkem_roots.forward_low[root]));
    }
}

VECTOR_INLINE void layer_inverse(vector v[8], unsigned apart)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        unsigned root = 4 / apart + i / (2 * apart);
        if ((i & apart) == 0)
            butterfly_inverse(&v[i], &v[i + apart], repeat(cx_mlkem_roots.inverse[root]), repeat(cx_mlkem_roots.inverse_low[root]));
    }
}

/* A layer within pair number `pair`. */
VECTOR_INLINE void pair_layer(vector *a, vector *b, size_t pair, unsigned len)
{
    size_t root = (MLKEM_N / 2 + pair * LANES) / len;
    part(a, b, len);
    butterfly(a, b, spread(cx_mlkem_roots.forward + root, len), spread(cx_mlkem_roots.forward_low + root, len));
    part(a, b, len);
}

VECTOR_INLINE void pair_layer_inverse(vector *a, vector *b, size_t pair, unsigned len, bool lazy)
{
    size_t root = (MLKEM_N / 2 + pair * LANES) / len;
    part(a, b, len);
    butterfly_inverse(a, b, spread(cx_mlkem_roots.inverse + root, len), spread(cx_mlkem_roots.inverse_low + root, len));
    if (!lazy)
        *a = reduce(*a);
    part(a, b, len);
}

static void ntt_one(int16_t *c)
{
    vector v[8];
    for (size_t first = 0; first < STRIDE; first++) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            v[i] = load(c + LANES * (first + STRIDE * i));
        layer(v, 4);
        layer(v, 2);
        layer(v, 1);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            store(c + LANES * (first + STRIDE * i), v[i]);
    }
    for (size_t pair = 0; pair < VECTORS / 2; pair++) {
        int16_t *at = c + 2 * LANES * pair;
        vector a = load(at), b = load(at + LANES);
        pair_layer(&a, &b, pair, 16);
        pair_layer(&a, &b, pair, 8);
        pair_layer(&a, &b, pair, 4);
        pair_layer(&a, &b, pair, 2);
        store(at, reduce(a));
        store(at + LANES, reduce(b));
    }
}

/* A sum's bound doubles with a layer: from q to 8 q, which is below 2^15, in three layers, and then sums are reduced. */
static void ntt_inverse_one(int16_t *c)
{
    vector v[8];
    for (size_t pair = 0; pair < VECTORS / 2; pair++) {
        int16_t *at = c + 2 * LANES * pair;
        vector a = load(at), b = load(at + LANES);
        pair_layer_inverse(&a, &b, pair, 2, true);
        pair_layer_inverse(&a, &b, pair, 4, true);
        pair_layer_inverse(&a, &b, pair, 8, false);
        pair_layer_inverse(&a, &b, pair, 16, true);
        store(at, a);
        store(at + LANES, b);
    }
    for (size_t first = 0; first < STRIDE; first++) {
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            v[i] = load(c + LANES * (first + STRIDE * i));
        layer_inverse(v, 1);
        layer_inverse(v, 2);
#pragma GCC unroll 4
        for (size_t i = 0; i < 8; i += 4)
            v[i] = reduce(v[i]); /* the only ones beyond 4 q */
        layer_inverse(v, 4);
#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++)
            store(c + LANES * (first + STRIDE * i), multiply_by(v[i], repeat(R_OVER_128), repeat(R_OVER_128_LOW)));
    }
}

static void ntt(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt_one(p[i].c);
}

static void ntt_inverse(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ntt_inverse_one(p[i].c);
}

/* ---- products: a pair of coefficients is a number of 32 bits, and madd adds two products in it ---- */

/* The roots of four coefficients are R, z R, R, -z R: the odd coefficients' product counts z times. */
VECTOR_INLINE vector pair_roots(size_t i)
{
    vector z = widen_64(cx_mlkem_roots.forward + 64 + i * LANES / 4), minus = V(sub_epi64)(repeat_64(0), z);
    vector one = repeat_64((long long)0x0000fbec0000fbec); /* R mod q, -1044 */
    return either(one, either(V(slli_epi64)(z, 16), V(slli_epi64)(minus, 48)));
}

/* x / R of sums of products, in the high halves; the low halves are 0. */
VECTOR_INLINE vector reduce_sums(vector x)
{
    vector t = V(mullo_epi16)(x, V(set1_epi32)(Q_INVERSE & 0xffff));
    return V(sub_epi32)(x, V(madd_epi16)(t, V(set1_epi32)(MLKEM_Q)));
}

VECTOR_INLINE vector swap_neighbours(vector x)
{
    return either(V(slli_epi32)(x, 16), V(srli_epi32)(x, 16));
}

/* Each product takes part of b times R, so that one reduction is enough. */
static void dot(struct cx_mlkem_poly *out, const struct cx_mlkem_vector *a, size_t count, const struct cx_mlkem_vector *b)
{
    for (size_t i = 0; i < VECTORS; i++) {
        vector even[MLKEM_K], odd[MLKEM_K], roots = multiply(pair_roots(i), repeat(R_SQUARED));
        for (size_t k = 0; k < MLKEM_K; k++) {
            vector y = load(b->p[k].c + LANES * i);
            even[k] = multiply(y, roots);
            odd[k] = swap_neighbours(multiply(y, repeat(R_SQUARED)));
        }
        for (size_t row = 0; row < count; row++) {
            vector x = load(a[row].p[0].c + LANES * i);
            vector even_sum = V(madd_epi16)(x, even[0]), odd_sum = V(madd_epi16)(x, odd[0]);
            for (size_t k = 1; k < MLKEM_K; k++) {
                x = load(a[row].p[k].c + LANES * i);
                even_sum = V(add_epi32)(even_sum, V(madd_epi16)(x, even[k]));
                odd_sum = V(add_epi32)(odd_sum, V(madd_epi16)(x, odd[k]));
            }
            store(out[row].c + LANES * i, either(V(srli_epi32)(reduce_sums(even_sum), 16), reduce_sums(odd_sum)));
        }
    }
}

static void add(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < MLKEM_N; i += LANES)
            store(a[k].c + i, reduce(V(add_epi16)(load(a[k].c + i), load(b[k].c + i))));
}

static void subtract_from(struct cx_mlkem_poly *a, const struct cx_mlkem_poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i += LANES)
        store(a->c + i, reduce(V(sub_epi16)(load(b->c + i), load(a->c + i))));
}

static void canonical(struct cx_mlkem_poly *p, size_t count)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < MLKEM_N; i += LANES) {
            vector x = reduce(load(p[k].c + i));
            store(p[k].c + i, V(add_epi16)(x, both(V(srai_epi16)(x, 15), repeat(MLKEM_Q))));
        }
}

/* ---- noise: FIPS 203, Algorithm 8; a byte is two coefficients ---- */

static void binomial(struct cx_mlkem_poly *p, const uint8_t bytes[MLKEM_NOISE_BYTES])
{
    vector halves = V(set1_epi32)(0x55), pair = V(set1_epi32)(0x00030003);
    for (size_t i = 0; i < VECTORS; i++) {
        vector x = load_bytes(bytes + LANES / 2 * i);
        vector sums = V(add_epi32)(both(x, halves), both(V(srli_epi32)(x, 1), halves));
        vector plus = both(either(sums, V(slli_epi32)(sums, 12)), pair);
        vector minus = both(either(V(srli_epi32)(sums, 2), V(slli_epi32)(sums, 10)), pair);
        store(p->c + LANES * i, V(sub_epi16)(plus, minus));
    }
}

/* ---- encodings ---- */

/* Within each group of 128 bits; an index of -1 gives 0. */
VECTOR_INLINE vector shuffle(vector x, const int8_t index[16])
{
    return V(shuffle_epi8)(x, repeat_group(index));
}

VECTOR_INLINE vector neighbours(int16_t first, int16_t second)
{
    return V(set1_epi32)((int32_t)((uint32_t)(uint16_t)second << 16 | (uint16_t)first));
}

static void encode(uint8_t out[MLKEM_VECTOR_BYTES], const struct cx_mlkem_vector *v)
{
    static const int8_t three_of_four[16] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1 };
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i += LANES, out += 12 * GROUPS) {
            vector pairs = V(madd_epi16)(load(v->p[k].c + i), neighbours(1, 1 << 12));
            store_groups(out, shuffle(pairs, three_of_four), 12);
        }
}

static void decode(struct cx_mlkem_vector *v, const uint8_t in[MLKEM_VECTOR_BYTES])
{
    static const int8_t index[16] = { 0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11 };
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i += LANES, in += 12 * GROUPS) {
            vector words = V(mullo_epi16)(shuffle(load_groups(in, 12), index), neighbours(16, 1));
            store(v->p[k].c + i, V(srli_epi16)(words, 4));
        }
}

static bool is_canonical(const struct cx_mlkem_vector *v)
{
    vector beyond = repeat(0);
    for (size_t k = 0; k < MLKEM_K; k++)
        for (size_t i = 0; i < MLKEM_N; i += LANES)
            beyond = either(beyond, V(sub_epi16)(repeat(MLKEM_Q - 1), load(v->p[k].c + i)));
    return none(V(srai_epi16)(beyond, 15));
}

/* Compress_d: a quotient that is too small by one at most, and then exact by what is left, which is below 2 q. */
VECTOR_INLINE vector compress(vector x, unsigned d)
{
    enum { RECIPROCAL = 40317 }; /* 2^27 / q, rounded down: of 16 x, the high half is 2^15 x / q */
    vector quotient = V(srli_epi16)(V(mulhi_epu16)(V(slli_epi16)(x, 4), repeat((int16_t)RECIPROCAL)), (int)(15 - d));
    vector scaled = V(add_epi16)(V(slli_epi16)(x, (int)d), repeat(MLKEM_Q / 2));
    vector rest = V(sub_epi16)(scaled, V(mullo_epi16)(quotient, repeat(MLKEM_Q)));
    vector short_by = V(srli_epi16)(V(sub_epi16)(repeat(MLKEM_Q - 1), rest), 15);
    return both(V(add_epi16)(quotient, short_by), repeat((int16_t)((1 << d) - 1)));
}

/* Four coefficients of 10 bits are 40 bits of a 64-bit number. */
static uint8_t *encode_u(uint8_t *out, const struct cx_mlkem_poly *p)
{
    static const int8_t five_of_eight[16] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, -1, -1, -1, -1, -1, -1 };
    vector low = repeat_64(0xfffff);
    for (size_t i = 0; i < MLKEM_N; i += LANES, out += 10 * GROUPS) {
        vector pairs = V(madd_epi16)(compress(load(p->c + i), MLKEM_DU), neighbours(1, 1 << MLKEM_DU));
        vector fours = either(both(pairs, low), both(V(srli_epi64)(pairs, 12), repeat_64(0xfffff00000)));
        store_groups(out, shuffle(fours, five_of_eight), 10);
    }
    return out;
}

static void encode_ciphertext(uint8_t out[CX_MLKEM768_CIPHERTEXT_BYTES], const struct cx_mlkem_vector *u,
                              const struct cx_mlkem_poly *v)
{
    static const int8_t one_of_four[16] = { 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
    for (size_t k = 0; k < MLKEM_K; k++)
        out = encode_u(out, &u->p[k]);
    for (size_t i = 0; i < MLKEM_N; i += LANES, out += 4 * GROUPS) {
        vector pairs = V(madd_epi16)(compress(load(v->c + i), MLKEM_DV), neighbours(1, 1 << MLKEM_DV));
        store_groups(out, shuffle(pairs, one_of_four), 4);
    }
}

/* Decompress_d of x 2^(15 - d): mulhrs is the product's high half, rounded. */
VECTOR_INLINE vector decompress(vector x)
{
    return V(mulhrs_epi16)(x, repeat(MLKEM_Q));
}

static const uint8_t *decode_u(struct cx_mlkem_poly *p, const uint8_t *in)
{
    static const int8_t index[16] = { 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9 };
    vector shift = repeat_64(1ll << 48 | 4ll << 32 | 16ll << 16 | 64);
    for (size_t i = 0; i < MLKEM_N; i += LANES, in += 10 * GROUPS) {
        vector words = V(mullo_epi16)(shuffle(load_groups(in, 10), index), shift);
        store(p->c + i, decompress(V(slli_epi16)(V(srli_epi16)(words, 6), 5)));
    }
    return in;
}

static void decode_ciphertext(struct cx_mlkem_vector *u, struct cx_mlkem_poly *v, const uint8_t in[CX_MLKEM768_CIPHERTEXT_BYTES])
{
    for (size_t k = 0; k < MLKEM_K; k++)
        in = decode_u(&u->p[k], in);
    for (size_t i = 0; i < VECTORS; i++) {
        vector x = load_bytes(in + LANES / 2 * i);
        vector nibbles = both(either(V(slli_epi32)(x, 11), V(slli_epi32)(x, 23)), V(set1_epi32)(0x78007800));
        store(v->c + LANES * i, decompress(nibbles));
    }
}

static void encode_message(uint8_t out[CX_MLKEM768_MESSAGE_BYTES], const struct cx_mlkem_poly *p)
{
    for (size_t i = 0; i < VECTORS; i++)
        to_bits(out + LANES / 8 * i, compress(load(p->c + LANES * i), 1));
}

static void decode_message(struct cx_mlkem_poly *p, const uint8_t in[CX_MLKEM768_MESSAGE_BYTES])
{
    for (size_t i = 0; i < VECTORS; i++)
        store(p->c + LANES * i, both(from_bits(in + LANES / 8 * i), repeat((MLKEM_Q + 1) / 2)));
}

/* What struct cx_mlkem_kernel holds behind its name. */
#define MLKEM_FUNCTIONS                                                                                                            \
    .ntt = ntt, .ntt_inverse = ntt_inverse, .dot = dot, .add = add, .subtract_from = subtract_from, .canonical = canonical,        \
    .take_uniform = take_uniform, .binomial = binomial, .encode = encode, .decode = decode, .is_canonical = is_canonical,          \
    .encode_ciphertext = encode_ciphertext, .decode_ciphertext = decode_ciphertext, .encode_message = encode_message,              \
    .decode_message = decode_message

#endif

/* SPDX-License-Identifier: MIT */
/* Wycheproof's vectors, from the folder wycheproof below SLUICE_VECTORS; where that is not set, these say so and pass.
 * ChaCha20-Poly1305's do not apply: SSH's packets fix the associated data and the nonces that those vary. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/kernels/kernels.h"
#include "crypto/kex/kex.h"
#include "crypto/kex/mlkem768.h"
#include "crypto/keys/key.h"
#include "crypto/packet/packet_priv.h"
#include "crypto/wire.h"

enum { FIELD_MAX = 8 * 1024 };

struct field {
    uint8_t bytes[FIELD_MAX];
    size_t len;
};

static struct cx_view field_view(const struct field *f)
{
    return cx_view(f->bytes, f->len);
}

/* The hexadecimal field `name` of an object. */
static void field_get(const json_t *object, const char *name, struct field *f)
{
    const char *hex = json_string_value(json_object_get(object, name));
    cr_assert_not_null(hex, "%s", name);
    f->len = strlen(hex) / 2;
    cr_assert_leq(f->len, FIELD_MAX);
    for (size_t i = 0; i < f->len; i++)
        cr_assert_eq(sscanf(hex + 2 * i, "%2hhx", &f->bytes[i]), 1);
}

/* What the vector says: valid, invalid, or acceptable, which leaves it to us. */
static void judge(const json_t *test, bool accepted, size_t *judged)
{
    const char *result = json_string_value(json_object_get(test, "result"));
    json_int_t id = json_integer_value(json_object_get(test, "tcId"));
    ++*judged;
    if (strcmp(result, "acceptable") != 0)
        cr_assert_eq(accepted, strcmp(result, "valid") == 0, "vector %d (%s) is %s", (int)id,
                     json_string_value(json_object_get(test, "comment")), result);
}

/* check judges one vector of a group. least: so many must apply to SSH, or the file is not what it was. */
static void run_file(const char *name, size_t least, void (*check)(const json_t *group, const json_t *test, size_t *judged))
{
    const char *folder = getenv("SLUICE_VECTORS");
    char path[1024];
    json_error_t error;
    size_t i, j, judged = 0;
    json_t *group, *test;
    if (!folder) {
        cr_log_info("SLUICE_VECTORS is not set: %s is left out", name);
        return;
    }
    snprintf(path, sizeof path, "%s/wycheproof/%s", folder, name);
    json_t *root = json_load_file(path, 0, &error);
    cr_assert_not_null(root, "%s: %s", path, error.text);
    json_array_foreach(json_object_get(root, "testGroups"), i, group) json_array_foreach(json_object_get(group, "tests"), j, test)
        check(group, test, &judged);
    json_decref(root);
    cr_assert_geq(judged, least, "%s: %zu vectors apply", name, judged);
}

/* ---- key exchange ---- */

static void fill_from_field(void *state, uint8_t *out, size_t len)
{
    const struct field *f = state;
    cr_assert_eq(f->len, len);
    memcpy(out, f->bytes, len);
}

/* The vector's private value is what "randomness" gives. refuse_zero: a shared value of zero is one we
 * must refuse, whatever the vector says. */
static void check_kex(const char *name, const json_t *test, struct field *private, const struct field *public, bool refuse_zero,
                      size_t *judged)
{
    struct field shared;
    struct cx_random random = { fill_from_field, private };
    struct cx_kex_public s;
    struct cx_kex_shared k;
    uint8_t want[256];
    field_get(test, "shared", &shared);
    struct cx_writer w = cx_writer((struct cx_span){ want, sizeof want });
    cx_writer_mpint(&w, field_view(&shared));
    enum cx_err err = cx_kex_respond(cx_kex_find(cx_view_text(name)), &random, field_view(public), &s, &k);
    if (refuse_zero && w.used == 4) {
        cr_assert_eq(err, CX_E_WEAK);
        ++*judged;
        return;
    }
    judge(test, err == CX_OK, judged);
    if (!err)
        cr_assert(cx_view_equal(cx_view(k.bytes, k.len), cx_writer_view(&w)));
}

static void check_x25519(const json_t *group, const json_t *test, size_t *judged)
{
    struct field private, public;
    (void)group;
    field_get(test, "private", &private);
    field_get(test, "public", &public);
    check_kex("curve25519-sha256", test, &private, &public, true, judged);
}

Test(wycheproof, x25519)
{
    struct cx_kernels kernels;
    for (unsigned tier = 0; tier < CX_TIER_COUNT; tier++) {
        cx_kernels_select(&kernels, cx_cpu_detect(), tier, NULL, NULL);
        cx_kernels_install(&kernels);
        run_file("x25519_test.json", 500, check_x25519);
    }
    cx_kernels_install(&cx_kernels_portable);
}

/* Private values have a leading zero too many, or fewer bytes than the curve's. */
static void check_nist(const char *name, size_t field_bytes, const json_t *test, size_t *judged)
{
    struct field given, private = { .len = field_bytes }, public;
    field_get(test, "private", &given);
    field_get(test, "public", &public);
    size_t skip = given.len > field_bytes ? given.len - field_bytes : 0;
    memcpy(private.bytes + field_bytes - (given.len - skip), given.bytes + skip, given.len - skip);
    /* compressed points are legal in ECDH, but SSH's peers never send them, and we refuse them */
    bool compressed = public.len == 1 + field_bytes;
    if (!compressed)
        check_kex(name, test, &private, &public, false, judged);
}

static void check_p256(const json_t *group, const json_t *test, size_t *judged)
{
    (void)group;
    check_nist("ecdh-sha2-nistp256", 32, test, judged);
}

Test(wycheproof, ecdh_p256)
{
    run_file("ecdh_secp256r1_ecpoint_test.json", 250, check_p256);
}

static void check_p384(const json_t *group, const json_t *test, size_t *judged)
{
    (void)group;
    check_nist("ecdh-sha2-nistp384", 48, test, judged);
}

Test(wycheproof, ecdh_p384)
{
    run_file("ecdh_secp384r1_ecpoint_test.json", 780, check_p384);
}

static void check_p521(const json_t *group, const json_t *test, size_t *judged)
{
    (void)group;
    check_nist("ecdh-sha2-nistp521", 66, test, judged);
}

Test(wycheproof, ecdh_p521)
{
    run_file("ecdh_secp521r1_ecpoint_test.json", 640, check_p521);
}

/* ---- ML-KEM-768, with what each tier picks here ---- */

static void run_tiers(const char *name, size_t least, void (*check)(const json_t *group, const json_t *test, size_t *judged))
{
    static struct cx_kernels kernels;
    for (unsigned tier = 0; tier < CX_TIER_COUNT; tier++) {
        cx_kernels_select(&kernels, cx_cpu_detect(), tier, NULL, NULL);
        cx_kernels_install(&kernels);
        cr_log_info("%s, %s: mlkem768 %s, keccak %s", name, cx_tier_name(tier), kernels.of[CX_PRIMITIVE_MLKEM]->name,
                    kernels.of[CX_PRIMITIVE_KECCAK]->name);
        run_file(name, least, check);
    }
}

static void check_mlkem_make_pair(const json_t *group, const json_t *test, size_t *judged)
{
    struct field seed, ek, dk;
    uint8_t made_ek[CX_MLKEM768_EK_BYTES], made_dk[CX_MLKEM768_DK_BYTES];
    (void)group;
    field_get(test, "seed", &seed);
    field_get(test, "ek", &ek);
    field_get(test, "dk", &dk);
    cr_assert(seed.len == CX_MLKEM768_SEED_BYTES && ek.len == sizeof made_ek && dk.len == sizeof made_dk);
    cx_mlkem768_make_pair(cx_kernels_current(), seed.bytes, made_ek, made_dk);
    bool same = memcmp(made_ek, ek.bytes, ek.len) == 0 && memcmp(made_dk, dk.bytes, dk.len) == 0;
    judge(test, same, judged);
}

Test(wycheproof, mlkem768_make_pair)
{
    run_tiers("mlkem_768_keygen_seed_test.json", 100, check_mlkem_make_pair);
}

/* Lengths are the hybrids' affair: a value of another one goes through the whole of the method. */
static bool hybrid_takes(const struct field *ek)
{
    uint8_t c[FIELD_MAX] = { 0 };
    struct cx_random_seeded seed;
    struct cx_random random = cx_random_from_seed(&seed, 1);
    struct cx_kex_public s;
    struct cx_kex_shared k;
    memcpy(c, ek->bytes, ek->len);
    c[ek->len] = 9;
    return cx_kex_respond(cx_kex_find(cx_view_text("mlkem768x25519-sha256")), &random, cx_view(c, ek->len + 32), &s, &k) == CX_OK;
}

static void check_mlkem_encapsulate(const json_t *group, const json_t *test, size_t *judged)
{
    struct field ek, message, want_c, want_k;
    uint8_t c[CX_MLKEM768_CIPHERTEXT_BYTES], k[CX_MLKEM768_SHARED_BYTES];
    (void)group;
    field_get(test, "ek", &ek);
    field_get(test, "m", &message);
    field_get(test, "c", &want_c);
    field_get(test, "K", &want_k);
    if (ek.len != CX_MLKEM768_EK_BYTES) {
        judge(test, hybrid_takes(&ek), judged);
        return;
    }
    enum cx_err err = cx_mlkem768_encapsulate(cx_kernels_current(), ek.bytes, message.bytes, c, k);
    judge(test, !err, judged);
    cr_assert_eq(hybrid_takes(&ek), !err);
    if (!err)
        cr_assert(cx_view_equal(field_view(&want_c), cx_view(c, sizeof c)) &&
                  cx_view_equal(field_view(&want_k), cx_view(k, sizeof k)));
}

Test(wycheproof, mlkem768_encapsulate)
{
    run_tiers("mlkem_768_encaps_test.json", 260, check_mlkem_encapsulate);
}

/* K is the rejection's where the ciphertext is not an encapsulation's. */
static void check_mlkem_decapsulate(const json_t *group, const json_t *test, size_t *judged)
{
    struct field seed, c, want;
    uint8_t ek[CX_MLKEM768_EK_BYTES], dk[CX_MLKEM768_DK_BYTES], k[CX_MLKEM768_SHARED_BYTES];
    (void)group;
    field_get(test, "seed", &seed);
    field_get(test, "c", &c);
    field_get(test, "K", &want);
    bool fits = seed.len == CX_MLKEM768_SEED_BYTES && c.len == CX_MLKEM768_CIPHERTEXT_BYTES;
    judge(test, fits, judged);
    if (!fits)
        return;
    cx_mlkem768_make_pair(cx_kernels_current(), seed.bytes, ek, dk);
    cx_mlkem768_decapsulate(cx_kernels_current(), dk, c.bytes, k);
    cr_assert(cx_view_equal(field_view(&want), cx_view(k, sizeof k)));
}

Test(wycheproof, mlkem768_decapsulate)
{
    run_tiers("mlkem_768_test.json", 190, check_mlkem_decapsulate);
}

/* ---- signatures ---- */

static bool verifies(const struct cx_writer *blob, const char *algorithm, struct cx_view raw, struct cx_view message)
{
    uint8_t bytes[FIELD_MAX + 64];
    struct cx_writer w = cx_writer((struct cx_span){ bytes, sizeof bytes });
    cx_writer_text(&w, algorithm);
    cx_writer_string(&w, raw);
    cr_assert(cx_writer_ok(blob) && cx_writer_ok(&w));
    return cx_key_verify(cx_writer_view(blob), cx_sign_alg_find(cx_view_text(algorithm)), cx_writer_view(&w), message) == CX_OK;
}

static void check_ed25519(const json_t *group, const json_t *test, size_t *judged)
{
    struct field key, signature, message;
    uint8_t bytes[128];
    struct cx_writer blob = cx_writer((struct cx_span){ bytes, sizeof bytes });
    field_get(json_object_get(group, "publicKey"), "pk", &key);
    field_get(test, "sig", &signature);
    field_get(test, "msg", &message);
    cx_writer_text(&blob, "ssh-ed25519");
    cx_writer_string(&blob, field_view(&key));
    judge(test, verifies(&blob, "ssh-ed25519", field_view(&signature), field_view(&message)), judged);
}

Test(wycheproof, ed25519)
{
    run_file("ed25519_test.json", 150, check_ed25519);
}

/* One ASN.1 integer of a short form, whose bytes are those of an mpint. */
static struct cx_view read_integer(struct cx_reader *r)
{
    if (cx_reader_u8(r) != 2)
        cx_reader_fail(r);
    uint8_t len = cx_reader_u8(r);
    if (len >= 0x80)
        cx_reader_fail(r);
    return cx_reader_raw(r, len);
}

/* The vectors' signatures are ASN.1; what varies in ASN.1 alone has no form in SSH and is left out. */
static bool to_ssh(const struct field *der, struct cx_writer *w)
{
    struct cx_reader r = cx_reader(field_view(der));
    if (cx_reader_u8(&r) != 0x30)
        return false;
    uint8_t len = cx_reader_u8(&r);
    bool long_form = len == 0x81; /* P-521's take more than 127 bytes */
    if (long_form)
        len = cx_reader_u8(&r);
    if (len != r.left.len || long_form != (len >= 0x80))
        return false;
    struct cx_view first = read_integer(&r), second = read_integer(&r);
    cx_writer_string(w, first);
    cx_writer_string(w, second);
    return cx_reader_done(&r);
}

static void check_ecdsa(const json_t *group, const json_t *test, const char *curve, size_t *judged)
{
    struct field key, signature, message;
    uint8_t bytes[256], raw[1024];
    char algorithm[32];
    struct cx_writer blob = cx_writer((struct cx_span){ bytes, sizeof bytes }), w = cx_writer((struct cx_span){ raw, sizeof raw });
    field_get(json_object_get(group, "publicKey"), "uncompressed", &key);
    field_get(test, "sig", &signature);
    field_get(test, "msg", &message);
    snprintf(algorithm, sizeof algorithm, "ecdsa-sha2-%s", curve);
    cx_writer_text(&blob, algorithm);
    cx_writer_text(&blob, curve);
    cx_writer_string(&blob, field_view(&key));
    if (to_ssh(&signature, &w))
        judge(test, verifies(&blob, algorithm, cx_writer_view(&w), field_view(&message)), judged);
}

static void check_ecdsa_p256(const json_t *group, const json_t *test, size_t *judged)
{
    check_ecdsa(group, test, "nistp256", judged);
}

static void check_ecdsa_p384(const json_t *group, const json_t *test, size_t *judged)
{
    check_ecdsa(group, test, "nistp384", judged);
}

static void check_ecdsa_p521(const json_t *group, const json_t *test, size_t *judged)
{
    check_ecdsa(group, test, "nistp521", judged);
}

Test(wycheproof, ecdsa)
{
    run_file("ecdsa_secp256r1_sha256_test.json", 290, check_ecdsa_p256);
    run_file("ecdsa_secp384r1_sha384_test.json", 290, check_ecdsa_p384);
    run_file("ecdsa_secp521r1_sha512_test.json", 250, check_ecdsa_p521);
}

static void check_rsa(const json_t *group, const json_t *test, const char *algorithm, size_t *judged)
{
    struct field e, n, signature, message;
    uint8_t bytes[2048];
    struct cx_writer blob = cx_writer((struct cx_span){ bytes, sizeof bytes });
    field_get(json_object_get(group, "publicKey"), "publicExponent", &e);
    field_get(json_object_get(group, "publicKey"), "modulus", &n);
    field_get(test, "sig", &signature);
    field_get(test, "msg", &message);
    cx_writer_text(&blob, "ssh-rsa");
    cx_writer_mpint(&blob, field_view(&e));
    cx_writer_mpint(&blob, field_view(&n));
    judge(test, verifies(&blob, algorithm, field_view(&signature), field_view(&message)), judged);
}

static void check_rsa_sha256(const json_t *group, const json_t *test, size_t *judged)
{
    check_rsa(group, test, "rsa-sha2-256", judged);
}

static void check_rsa_sha512(const json_t *group, const json_t *test, size_t *judged)
{
    check_rsa(group, test, "rsa-sha2-512", judged);
}

Test(wycheproof, rsa_3072)
{
    run_file("rsa_signature_3072_sha256_test.json", 250, check_rsa_sha256);
    run_file("rsa_signature_3072_sha512_test.json", 250, check_rsa_sha512);
}

/* In SSH the associated data is a packet's length, which is in none of the vectors, so that their tags do not apply; what becomes
 * of the message depends on key and nonce alone, and does. Each kernel that this processor runs gets it. */
static void check_gcm(const json_t *group, const json_t *test, size_t *judged)
{
    const json_int_t key_bits = json_integer_value(json_object_get(group, "keySize"));
    const char *name = key_bits == 128 ? "aes128-gcm@openssh.com" : "aes256-gcm@openssh.com";
    struct cx_packet_key k = { .cipher = cx_cipher_find(cx_view_text(name)), .sealing = true };
    const struct cx_kernel *kernel;
    struct field key, iv, message, sealed;
    uint8_t from[4 + FIELD_MAX] = { 0 }, to[sizeof from + 16];
    struct cx_packet_job job = { .from = from, .start = to };
    struct cx_evp evp;
    if (key_bits == 192 || json_integer_value(json_object_get(group, "ivSize")) != 96)
        return;
    field_get(test, "key", &key);
    field_get(test, "iv", &iv);
    field_get(test, "msg", &message);
    field_get(test, "ct", &sealed);
    memcpy(k.key, key.bytes, key.len);
    memcpy(job.iv, iv.bytes, iv.len);
    memcpy(from + 4, message.bytes, message.len);
    job.len = (uint32_t)message.len;
    cr_assert(cx_evp_fetch(&evp));
    for (size_t i = 0; (kernel = cx_kernel_at(CX_PRIMITIVE_GCM, i)); i++) {
        const struct cx_packet_ops *ops = (const struct cx_packet_ops *)kernel;
        if (!cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_COUNT - 1))
            continue;
        void *context = ops->expand(&evp, &cx_kernels_portable, &k);
        cr_assert(context && ops->seal(context, &job, 1) == CX_OK);
        ops->release(context);
        cr_assert_arr_eq(to + 4, sealed.bytes, message.len, "vector %d", (int)json_integer_value(json_object_get(test, "tcId")));
        ++*judged;
    }
    cx_evp_drop(&evp);
}

Test(wycheproof, aes_gcm)
{
    run_file("aes_gcm_test.json", 100, check_gcm);
}

/* A MAC's message in SSH begins with four bytes of sequence number, and its key fits the hash's block: the vectors of which that is
 * true. Each kernel that this processor runs gets them. */
static void check_hmac(const json_t *group, const json_t *test, const char *name, size_t *judged)
{
    struct cx_mac mac = *cx_mac_find(cx_view_text(name));
    struct cx_packet_key k = { .mac = &mac };
    size_t tag_len = (size_t)json_integer_value(json_object_get(group, "tagSize")) / 8;
    const struct cx_kernel *kernel;
    struct field key, message, tag;
    struct cx_evp evp;
    field_get(test, "key", &key);
    field_get(test, "msg", &message);
    field_get(test, "tag", &tag);
    if (key.len > sizeof k.mac_key || message.len < 4)
        return;
    mac.key_len = (uint8_t)key.len;
    memcpy(k.mac_key, key.bytes, key.len);
    cr_assert(cx_evp_fetch(&evp));
    for (size_t i = 0; (kernel = cx_kernel_at(mac.primitive, i)); i++) {
        const struct cx_mac_ops *ops = (const struct cx_mac_ops *)kernel;
        uint8_t made[64];
        const struct cx_mac_job job = { cx_load_u32(message.bytes), message.bytes + 4, message.len - 4, made };
        if (!cx_kernel_runs(kernel, cx_cpu_detect(), CX_TIER_COUNT - 1))
            continue;
        void *context = ops->expand(&evp, &k);
        cr_assert(context && ops->tags(context, &job, 1));
        judge(test, memcmp(made, tag.bytes, tag_len) == 0, judged);
        ops->release(context);
    }
    cx_evp_drop(&evp);
}

static void check_hmac_sha256(const json_t *group, const json_t *test, size_t *judged)
{
    check_hmac(group, test, "hmac-sha2-256", judged);
}

static void check_hmac_sha512(const json_t *group, const json_t *test, size_t *judged)
{
    check_hmac(group, test, "hmac-sha2-512", judged);
}

Test(wycheproof, hmac)
{
    run_file("hmac_sha256_test.json", 100, check_hmac_sha256);
    run_file("hmac_sha512_test.json", 100, check_hmac_sha512);
}

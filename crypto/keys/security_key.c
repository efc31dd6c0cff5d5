/* SPDX-License-Identifier: MIT */
/* What a security key signs: PROTOCOL.u2f of OpenSSH. It never sees the data, only its hash, and puts before it which
 * application asked, whether somebody touched the key, and how often it has signed. A browser hands the key the hash of a
 * JSON text instead, in which the data stands. */
#include <sodium.h>

#include "crypto/keys/key_priv.h"

enum {
    FLAG_USER_PRESENT = 0x01,
    FLAG_USER_VERIFIED = 0x04,
    FLAG_ATTESTED = 0x40, /* has no place in a signature */
    FLAG_EXTENSIONS = 0x80,
    /* base64 is made piece by piece, since the data has no bound here */
    PIECE_BYTES = 48,
    PIECE_TEXT = PIECE_BYTES / 3 * 4 + 1,
};

static bool skip(struct cx_reader *r, struct cx_view expected)
{
    return cx_view_equal(cx_reader_raw(r, expected.len), expected) && cx_reader_ok(r);
}

static bool skip_base64url(struct cx_reader *r, struct cx_view data)
{
    for (size_t done = 0; done < data.len; done += PIECE_BYTES) {
        char text[PIECE_TEXT];
        size_t len = data.len - done < PIECE_BYTES ? data.len - done : PIECE_BYTES;
        sodium_bin2base64(text, sizeof text, data.data + done, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        if (!skip(r, cx_view_text(text)))
            return false;
    }
    return true;
}

/* Browsers write these members first and without blanks (Web Authentication, section 5.8.1.1), so that a comparison does
 * where a JSON parser would have to; OpenSSH relies on the same. What follows the origin is not judged. */
static bool client_data_matches(struct cx_view client_data, struct cx_view origin, struct cx_view data)
{
    struct cx_reader r = cx_reader(client_data);
    if (memchr(origin.data, '"', origin.len) || memchr(origin.data, '\\', origin.len))
        return false;
    return skip(&r, cx_view_text("{\"type\":\"webauthn.get\",\"challenge\":\"")) && skip_base64url(&r, data) &&
           skip(&r, cx_view_text("\",\"origin\":\"")) && skip(&r, origin) && skip(&r, cx_view_text("\""));
}

static void write_hash(struct cx_writer *w, struct cx_view bytes)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes.data, bytes.len);
    cx_writer_raw(w, cx_view(digest, sizeof digest));
}

enum cx_err cx_security_key_message(const struct cx_sign_alg *alg, struct cx_view application, struct cx_reader *r,
                                    struct cx_view data, struct cx_security_key_message *out)
{
    struct cx_writer w = cx_writer((struct cx_span){ out->bytes, sizeof out->bytes });
    struct cx_view extensions = cx_view("", 0);
    uint8_t flags = cx_reader_u8(r);
    uint32_t counter = cx_reader_u32(r);
    if (alg->webauthn) {
        struct cx_view origin = cx_reader_string(r), client_data = cx_reader_string(r);
        extensions = cx_reader_string(r);
        if (!cx_reader_done(r) || (flags & FLAG_ATTESTED) != 0 || ((flags & FLAG_EXTENSIONS) != 0) != (extensions.len > 0) ||
            !client_data_matches(client_data, origin, data))
            return CX_E_SIGNATURE;
        data = client_data;
    }
    write_hash(&w, application);
    cx_writer_u8(&w, flags);
    cx_writer_u32(&w, counter);
    cx_writer_raw(&w, extensions);
    write_hash(&w, data);
    out->len = w.used;
    out->verified = (struct cx_verified){ true, (flags & FLAG_USER_PRESENT) != 0, (flags & FLAG_USER_VERIFIED) != 0, counter };
    return cx_reader_done(r) && cx_writer_ok(&w) ? CX_OK : CX_E_SIGNATURE;
}

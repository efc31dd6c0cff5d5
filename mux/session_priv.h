/* SPDX-License-Identifier: MIT */
/* The engine's inside: one struct a session, and what its files call of each other.
 *
 * Each file of transport/, auth/ and connection/ handles its messages in both directions: a handler for what comes in
 * (called by dispatch.c, legality already judged) and a writer for what is owed (called by produce.c). Nothing is written
 * outside of produce. */
#ifndef MUX_SESSION_PRIV_H
#define MUX_SESSION_PRIV_H

#include "crypto/wire.h"
#include "mux/msg.h"
#include "mux/session.h"
#include "mux/transport/compress.h"

/* ---- the phases of receiving, as bits for the legality table of dispatch.c ---- */
enum mux_phase {
    PH_INIT = 1,      /* waiting for the peer's first KEXINIT */
    PH_KEX_FIRST = 2, /* from there to its first NEWKEYS */
    PH_SERVICE = 4,   /* keyed; no service yet */
    PH_AUTH = 8,
    PH_OPEN = 16,  /* authenticated */
    PH_REKEY = 32, /* from a later KEXINIT of the peer to its NEWKEYS */
};

/* ---- key exchange: exists only while one is under way; about 10 KiB, wiped when freed ---- */
struct mux_kex {
    uint8_t *our_init, *peer_init; /* KEXINIT payloads, from the message number on; ours NULL until a server knows its client */
    size_t our_init_len, peer_init_len;
    bool sent_init, got_init;
    bool skip_guess;  /* the peer's next packet was sent on a wrong guess: RFC 4253 section 7 */
    bool public_owed; /* client: KEX_INIT; server: KEX_REPLY */
    bool public_sent;
    bool derived; /* next_in and next_out are made */
    bool newkeys_owed, sent_newkeys, got_newkeys;
    uint64_t deadline_ns;
    char our_ident[MUX_IDENT_MAX];

    const struct cx_kex *method;
    const struct cx_sign_alg *host_alg;
    size_t host_key; /* server: index in config->host_keys */
    const struct cx_cipher *cipher_in, *cipher_out;
    const struct cx_mac *mac_in, *mac_out;
    bool compress_in, compress_out;

    struct {
        bool used, owed; /* owed: by the client REQUEST, by the server GROUP */
        uint32_t min, preferred, max;
        struct cx_kex_group *group; /* whose method then is `method` */
    } gex;

    struct cx_kex_state *state; /* client */
    struct cx_kex_public c, s;
    struct cx_kex_shared k;
    uint8_t *host_blob; /* client: the server's */
    size_t host_blob_len;
    size_t signature_len;
    uint8_t signature[CX_SIGNATURE_MAX];
    struct cx_packet_key next_in, next_out;
};

struct mux_auth; /* auth/auth_priv.h */

/* ---- ordered replies ---- */
enum mux_reply_kind { REPLY_GLOBAL, REPLY_CHANNEL, REPLY_OPEN_FAILURE, REPLY_UNIMPLEMENTED, REPLY_PONG, REPLY_PROVE };
struct mux_reply {
    uint8_t kind;
    bool ready; /* answered: an answer goes to the oldest of its kind and channel that waits, so none overtakes another */
    bool success;
    uint8_t reason;
    uint32_t channel; /* CHANNEL: local id; OPEN_FAILURE: the peer's; UNIMPLEMENTED: the sequence number */
    uint32_t port;
    const char *text; /* OPEN_FAILURE: static */
    uint8_t *data;    /* PONG, PROVE: malloc'd, or NULL */
    uint32_t data_len;
};

/* A message of our own that is already encoded: requests, opens. */
struct mux_note {
    struct mux_note *next;
    uint32_t room, len;
    uint32_t channel; /* whose confirmation must come first, or CHANNEL_NONE */
    uint8_t payload[];
};

/* ---- channels ---- */
enum { CHANNEL_NONE = UINT32_MAX, CHANNEL_CHUNK = 16 };
enum mux_channel_state { CH_FREE, CH_ASKED /* by the peer */, CH_REFUSED /* to be said */, CH_OPENING /* by us */, CH_OPEN };
enum mux_channel_flags {
    CH_EOF_IN = 1,
    CH_CLOSE_IN = 2,
    CH_EOF_SENT = 4,
    CH_CLOSE_SENT = 8,
    CH_RELEASED = 16,    /* the application is done with it */
    CH_OWES_ANSWER = 32, /* confirmation or refusal */
    CH_OWES_ADJUST = 64,
    CH_OWES_EOF = 128,
    CH_OWES_CLOSE = 256,
    CH_READY = 512,     /* the source has something to pull */
    CH_BULK = 1024,     /* its last pull was large: it queues behind the interactive ones */
    CH_IN_OWED = 2048,  /* linked into the owed list */
    CH_IN_READY = 4096, /* linked into a ready list */
    CH_SESSION = 8192,
    CH_STDERR_READY = 16384, /* so has its stderr */
    CH_STDERR_TURN = 32768,  /* of two that are ready, stderr is next */
    CH_OWES = CH_OWES_ANSWER | CH_OWES_ADJUST | CH_OWES_EOF | CH_OWES_CLOSE,
};
struct mux_link {
    uint32_t next, prev;
};
struct mux_list {
    uint32_t head, tail;
};

struct mux_channel {
    union {
        void *user;
        const char *refusal; /* CH_REFUSED: static text … */
    };
    uint8_t refusal_reason; /* … and reason */
    uint8_t state;
    uint16_t flags;
    uint32_t id, peer_id;
    uint32_t peer_window, peer_packet_max; /* what we may send */
    uint32_t window;                       /* what the peer may still send */
    uint32_t window_target;                /* what it is topped up to */
    uint32_t undrained;                    /* received, and not yet taken by the far side */
    uint32_t replies_waiting;              /* entries of the reply list that name this row */
    uint32_t requests_out;
    uint32_t round_bytes;   /* received since round_ns: see window.c */
    uint32_t round_last_us; /* the round before the last doubling */
    uint64_t round_ns;
    struct mux_link owed, ready;
};

struct mux_session {
    const struct mux_config *config;
    struct mux_shared *shared;
    void *user;
    struct cx_packet_key in, out;
    bool compress_in, compress_out;         /* negotiated with these keys … */
    struct mux_compress *inflate, *deflate; /* … and in use; NULL: payloads are as they are */
    uint64_t inflated_bytes;

    enum mux_err finished;
    const char *finish_text;
    uint64_t now_ns;     /* of the latest call */
    uint32_t packet_seq; /* of the packet being dispatched */

    bool ident_sent, disconnect_sent, heard_kexinit;
    bool strict, peer_takes_ext_info, ext_info_owed, ext_info_heard;
    bool ext_info_in_auth; /* server: owed once more, in front of the answer to the first USERAUTH_REQUEST */
    bool keyed_once, service_owed, service_accepted, authenticated;
    bool waiting_signature, waiting_host_key, waiting_auth;
    bool rekey_wanted;
    bool no_more_sessions;     /* server: the client has said so */
    bool peer_takes_hostbound; /* client: publickey-hostbound@openssh.com stood in the server's EXT_INFO */
    uint16_t prelude_lines;

    uint8_t proven;                     /* host keys that were asked for, a bit each */
    const struct cx_sign_alg *host_alg; /* of the latest exchange */

    uint8_t session_id_len;
    uint8_t session_id[CX_HASH_MAX_BYTES];
    size_t first_host_key; /* server: index of the first exchange's, and the algorithm, which says what was shown of it … */
    const struct cx_sign_alg *first_host_alg;
    uint8_t *first_host_blob; /* … client: what the server showed */
    size_t first_host_blob_len;
    char *peer_ident;
    uint16_t peer_ident_len;
    uint16_t server_sig_algs_len;
    char *server_sig_algs; /* client: what EXT_INFO said */

    /* since the last NEWKEYS in that direction */
    uint64_t in_bytes, in_packets, out_bytes, out_packets;
    uint64_t keyed_ns;
    uint32_t rekey_tokens; /* key exchanges that the peer may still ask for: rekey.c */

    struct mux_kex *kex;
    struct mux_auth *auth;

    struct mux_reply *replies; /* room for MUX_REPLIES_REKEY_MAX while any is owed */
    uint32_t reply_count;
    struct mux_note *notes, **notes_tail;
    uint32_t global_out; /* our global requests in flight, and which of them are keepalives, oldest in bit 0 */
    uint32_t global_out_keepalives;
    uint32_t keepalives_unanswered;

    struct mux_channel **chunks;
    uint32_t chunk_count, channel_count, free_head;
    uint32_t freed_head; /* freed since the events that may still name them were handed out */
    struct mux_list owed, interactive, bulk;
};

/* ---- a packet being laid out; produce.c ---- */
struct mux_out {
    struct mux_session *s;
    struct cx_span area;
    size_t used;
    struct cx_packet_slot slot[CX_PACKET_BATCH];
    size_t slots;
    size_t deflated; /* bytes of payloads that were compressed */
    bool full;       /* the next message did not fit: stop */
    enum mux_err err;
};
/* A writer for one message of at most `room` payload bytes, its number written; failed when the area is full. */
struct cx_writer mux_out_begin(struct mux_out *o, uint8_t number, size_t room);
/* Takes the message into the batch. False: nothing was begun, or it did not fit. */
bool mux_out_commit(struct mux_out *o, struct cx_writer *w);
/* Seals what is laid out: before keys change, and at the end. */
void mux_out_flush(struct mux_out *o);
/* Where the next payload is laid out, and how much of it surely fits: in the area, or, to be compressed, in the staging. */
struct cx_span mux_out_room(const struct mux_out *o);
/* How many packets of MUX_LANE_BYTES are sealed side by side; 1: packets may be as large as they like. */
size_t mux_out_lanes(const struct mux_session *s);
/* A payload that was laid out there by its writer (data.c). */
void mux_out_take(struct mux_out *o, const uint8_t *payload, size_t len);

/* A handler gets the payload behind the message number. It may fill *ev (kind MUX_EV_NONE on entry). */
typedef enum mux_err mux_handler(struct mux_session *s, struct cx_span payload, struct mux_event *ev);

/* dispatch.c */
enum mux_phase mux_phase_of(const struct mux_session *s);
enum mux_err mux_dispatch(struct mux_session *s, struct cx_span payload, uint32_t seq, struct mux_event *ev);

/* session.c */
enum mux_err mux_fail(struct mux_session *s, enum mux_err err, const char *text);
/* Batches, and whatever is not of the key exchange, may be sent. */
bool mux_may_send(const struct mux_session *s);

/* transport/compress.c */
/* Begins a direction's stream anew, behind authentication or a change of keys; ends it where its keys go without. False: out of
 * memory. */
MUX_MUST_CHECK bool mux_compress_begin(struct mux_session *s, bool outwards);

/* transport/ident.c */
enum mux_err mux_ident_feed(struct mux_session *s, struct cx_view in, size_t *used, size_t *need);
size_t mux_ident_write(struct mux_session *s, struct cx_span area);
/* The peer calls itself OpenSSH: for extensions that only its own programs are known to take. */
bool mux_ident_is_openssh(const struct mux_session *s);
struct cx_view mux_ident_ours(const struct mux_session *s, char room[MUX_IDENT_MAX]);

/* transport/kexinit.c */
enum mux_err mux_kexinit_build(struct mux_session *s, struct mux_kex *k);
enum mux_err mux_kexinit_negotiate(struct mux_session *s, struct mux_kex *k);

/* transport/kex.c */
/* Our KEXINIT, where there is one that was not sent yet. */
void mux_kexinit_write(struct mux_session *s, struct mux_out *o);
enum mux_err mux_kex_start(struct mux_session *s);
void mux_kex_free(struct mux_session *s);
bool mux_kex_owes(const struct mux_session *s);
void mux_kex_write(struct mux_session *s, struct mux_out *o);
mux_handler mux_on_kexinit, mux_on_kex_init, mux_on_kex_reply, mux_on_newkeys;
/* Whichever numbers the method gives to its two messages. */
enum mux_err mux_kex_begin_public(struct mux_session *s); /* client */
enum mux_err mux_kex_take_public(struct mux_session *s, struct cx_span payload, struct mux_event *ev);
enum mux_err mux_kex_take_reply(struct mux_session *s, struct cx_span payload, struct mux_event *ev);

/* transport/gex.c */
void mux_gex_begin(struct mux_session *s); /* the method is chosen */
void mux_gex_write(struct mux_session *s, struct mux_out *o);
void mux_gex_inputs(const struct mux_kex *k, struct mux_kex_inputs *in);
enum mux_err mux_on_gex_group(struct mux_session *s, struct cx_span payload); /* shares its number with KEX_REPLY */
mux_handler mux_on_gex_request, mux_on_gex_init, mux_on_gex_reply;

/* transport/rekey.c */
bool mux_rekey_due(const struct mux_session *s);
void mux_rekey_check(struct mux_session *s);
enum mux_err mux_rekey_overrun(const struct mux_session *s);
bool mux_rekey_admit(struct mux_session *s);

/* transport/misc.c */
mux_handler mux_on_disconnect, mux_on_ignore, mux_on_service_request, mux_on_service_accept;
bool mux_misc_owes(const struct mux_session *s);
void mux_misc_write(struct mux_session *s, struct mux_out *o);
void mux_disconnect_write(struct mux_session *s, struct mux_out *o);

/* transport/ext_info.c */
mux_handler mux_on_ext_info;
bool mux_ext_info_owes(const struct mux_session *s);
void mux_ext_info_write(struct mux_session *s, struct mux_out *o);
void mux_ext_info_free(struct mux_session *s);

/* transport/ping.c */
mux_handler mux_on_ping;
bool mux_pong_write(struct mux_out *o, const struct mux_reply *r);

/* auth/ */
enum mux_err mux_auth_begin(struct mux_session *s);
void mux_auth_free(struct mux_session *s);
bool mux_auth_owes(const struct mux_session *s);
void mux_auth_write(struct mux_session *s, struct mux_out *o);
mux_handler mux_on_userauth_request, mux_on_userauth_info_response;
mux_handler mux_on_userauth_failure, mux_on_userauth_success, mux_on_userauth_banner, mux_on_userauth_60;

/* connection/channel.c: the table and its lists */
struct mux_channel *mux_channel_new(struct mux_session *s);
struct mux_channel *mux_channel_at(const struct mux_session *s, uint32_t id);  /* NULL: free or out of range */
struct mux_channel *mux_channel_own(const struct mux_session *s, uint32_t id); /* the application's: asserts that it exists */
void mux_channel_owe(struct mux_session *s, struct mux_channel *ch, uint16_t flag);
void mux_channel_unready(struct mux_session *s, struct mux_channel *ch);
void mux_channel_queue_ready(struct mux_session *s, struct mux_channel *ch);
void mux_channel_free_if_done(struct mux_session *s, struct mux_channel *ch);
void mux_channel_free(struct mux_session *s, struct mux_channel *ch);
void mux_channels_free_all(struct mux_session *s);
void mux_channels_settle(struct mux_session *s);
void mux_channels_write(struct mux_session *s, struct mux_out *o);

/* connection/open.c, window.c, data.c, requests.c */
mux_handler mux_on_channel_open, mux_on_open_confirmation, mux_on_open_failure, mux_on_channel_eof, mux_on_channel_close;
mux_handler mux_on_window_adjust, mux_on_channel_data, mux_on_channel_extended;
bool mux_open_write(struct mux_out *o, struct mux_channel *ch);
bool mux_refusal_write(struct mux_out *o, uint32_t peer_id, uint8_t reason, const char *text);
void mux_window_open(struct mux_session *s, struct mux_channel *ch);
void mux_window_release(struct mux_session *s, struct mux_channel *ch);
enum mux_err mux_window_receive(struct mux_session *s, struct mux_channel *ch, size_t n);
bool mux_window_write(struct mux_out *o, struct mux_channel *ch);
bool mux_data_owes(const struct mux_session *s);
void mux_data_write(struct mux_session *s, struct mux_out *o, const struct mux_source *source);
mux_handler mux_on_global_request, mux_on_request_success, mux_on_request_failure;
mux_handler mux_on_channel_request, mux_on_channel_success, mux_on_channel_failure;
enum mux_err mux_reply_push(struct mux_session *s, const struct mux_reply *r);
bool mux_requests_owe(const struct mux_session *s);
void mux_requests_write(struct mux_session *s, struct mux_out *o);
void mux_requests_free(struct mux_session *s);
/* A note of this payload, filled through *w; NULL: out of memory, or too long for a packet. Push it when it is written. */
struct mux_note *mux_note_new(size_t room, struct cx_writer *w);
void mux_note_push(struct mux_session *s, struct mux_note *n, const struct cx_writer *w);
/* Wipes it, as it may have held a password. NULL is fine. */
void mux_note_free(struct mux_note *n);
/* The oldest that waits for its answer, or NULL. */
struct mux_reply *mux_reply_waits(struct mux_session *s, enum mux_reply_kind kind);
/* Replies that nobody will answer any more become failures. */
void mux_replies_abandon(struct mux_session *s, uint32_t channel);

/* connection/host_keys.c */
void mux_host_keys_announce(struct mux_session *s);
bool mux_is_prove(const struct mux_session *s, struct cx_view name);
enum mux_err mux_on_prove(struct mux_session *s, struct cx_reader *r, bool want_reply, struct mux_event *ev);

#endif

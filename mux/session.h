/* SPDX-License-Identifier: MIT */
/* One SSH connection, either role: the façade of the engine. No sockets, clock, threads or globals.
 *
 * Bytes go in through mux_session_feed, which opens packets in place and reports events; they come out through
 * mux_session_produce, the only call that writes and seals. In between, every call only records what is owed.
 * The engine never decides and never signs: it asks by an event and goes on when the answer is handed in.
 *
 * Threading: a session, and the mux_shared that it was made with, belong to one thread (a worker) for life.
 * Spans in events point into the fed bytes, or into the staging: they live until the next feed of any session with the same
 * mux_shared. Every other call is legal while they are borrowed.
 * Errors: once feed, produce or tick has returned an error the session is finished: it owes at most a DISCONNECT, which one
 * more produce delivers (later calls of feed use nothing); then the caller closes the socket and frees it. */
#ifndef MUX_SESSION_H
#define MUX_SESSION_H

#include <sys/uio.h>

#include "crypto/kex/kex.h"
#include "crypto/keys/key.h"
#include "crypto/packet/packet.h"
#include "mux/err.h"
#include "mux/limits.h"

struct mux_session; /* opaque; one object of at most 1.5 KiB while idle */

/* A host key as the engine knows it: the public part. */
struct mux_host_key {
    struct cx_view blob;
    enum cx_key_type type;
    struct cx_view certificate; /* of this key, for hosts; empty: it has none */
};

/* What a server shows of the key under an algorithm: K_S of RFC 4253 section 8. Empty: the two do not go together. */
static inline struct cx_view mux_host_key_shown(const struct mux_host_key *key, const struct cx_sign_alg *alg)
{
    struct cx_view nothing = { NULL, 0 };
    if (key->type != alg->type)
        return nothing;
    return alg->certificate ? key->certificate : key->blob;
}

/* Immutable while any session uses it. Lists are names separated by commas, in order of preference. */
struct mux_config {
    bool server;
    const char *software;      /* behind "SSH-2.0-": "sluice_0.1" */
    const char *kex;           /* without the markers: those are the engine's own */
    const char *host_key_algs; /* signature algorithms; a server's list is cut to what its keys can do */
    const char *ciphers;
    const char *macs;
    bool compression; /* offers zlib@openssh.com, the client role in front of none; costs: mux/transport/compress.h */
    const struct mux_host_key *host_keys; /* server */
    size_t host_key_count;
    bool announce_host_keys; /* server: hostkeys-00@openssh.com, to OpenSSH; brings MUX_EV_PROVE */
    struct cx_view banner;   /* server: sent once before the first answer to an authentication; may be empty */
    uint64_t rekey_bytes;    /* in either direction; 0: the cipher's own */
    uint64_t rekey_packets;  /* 0: MUX_REKEY_PACKETS; for tests lower */
    uint64_t rekey_ns;       /* 0: never by time */
    uint64_t kex_timeout_ns; /* a key exchange that takes longer ends the connection; 0: never */
    uint32_t channels_max;   /* 0: MUX_CHANNELS_MAX */
    uint32_t window_initial; /* 0: MUX_WINDOW_INITIAL */
    uint32_t window_max;     /* 0: MUX_WINDOW_MAX, and less for OpenSSH */
};

/* What windows may grow by, over the whole process: taken and given back atomically by every worker's sessions. */
struct mux_window_budget {
    _Atomic int64_t left_bytes;
};

/* What the sessions of one worker share. The owner fills it in and keeps it in place. */
struct mux_shared {
    struct cx_packet_cache *cache;
    struct cx_random random;
    struct mux_window_budget *budget;
    struct cx_span staging; /* MUX_STAGING_BYTES, where a config has compression: payloads inflated, or not yet deflated */
};

/* ---- life ---- */

/* config, shared: borrowed for the session's life. user: returned by mux_session_user. NULL: out of memory. */
struct mux_session *mux_session_new(const struct mux_config *config, struct mux_shared *shared, uint64_t now_ns, void *user);
/* Wipes keys, gives windows back, frees channels. Their user pointers are not touched. NULL is fine. */
void mux_session_free(struct mux_session *s);
void *mux_session_user(const struct mux_session *s);

/* ---- events ---- */

enum mux_event_kind {
    MUX_EV_NONE,
    MUX_EV_SIGN,             /* server: .sign; answer with mux_session_signature */
    MUX_EV_HOST_KEY,         /* client: .host_key; answer with mux_session_host_key_verdict */
    MUX_EV_KEYED,            /* a key exchange is complete: .keyed */
    MUX_EV_AUTH,             /* server: .auth; answer with mux_session_auth_answer */
    MUX_EV_AUTH_RESPONSES,   /* server: .responses to the prompts of mux_session_auth_prompt; answer as MUX_EV_AUTH */
    MUX_EV_AUTH_READY,       /* client: the userauth service was accepted: call mux_client_auth_* */
    MUX_EV_AUTH_FAILURE,     /* client: .auth_failure: methods that can continue */
    MUX_EV_AUTH_PK_OK,       /* client: the key that was asked about would do */
    MUX_EV_AUTH_PROMPTS,     /* client: .prompts; answer with mux_client_auth_respond */
    MUX_EV_AUTH_CHANGE,      /* client: the password must change, .text; mux_client_auth_change_password, or another request */
    MUX_EV_AUTH_SUCCESS,     /* client */
    MUX_EV_BANNER,           /* client: .text */
    MUX_EV_GLOBAL_REQUEST,   /* .request; when want_reply, answer with mux_session_request_answer */
    MUX_EV_GLOBAL_REPLY,     /* .reply, in the order of our requests */
    MUX_EV_CHANNEL_OPEN,     /* .open; answer with mux_channel_accept or mux_channel_refuse */
    MUX_EV_CHANNEL_OPENED,   /* ours was confirmed: .channel */
    MUX_EV_CHANNEL_REFUSED,  /* ours was refused: .channel, .refused; the id is already free */
    MUX_EV_CHANNEL_DATA,     /* .channel, .data; call mux_channel_drained as the far side takes it */
    MUX_EV_CHANNEL_EXTENDED, /* the same with .data_type */
    MUX_EV_CHANNEL_EOF,      /* the peer sends no more on .channel */
    MUX_EV_CHANNEL_CLOSE,   /* .channel is closed by the peer; ours is answered by the engine; call mux_channel_release when done */
    MUX_EV_CHANNEL_REQUEST, /* .channel, .request */
    MUX_EV_CHANNEL_REPLY,   /* .channel, .reply */
    MUX_EV_PROVE,           /* server: .prove; answer with mux_session_proofs */
    MUX_EV_DISCONNECT,      /* .disconnect: the peer's; feed returns MUX_E_PEER_LEFT after it */
};

/* Everything that the exchange hash is made of, but for the host key: RFC 5656 section 4, RFC 8731 section 3.1. */
struct mux_kex_inputs {
    const struct cx_kex *kex;
    struct cx_view v_c, v_s; /* identification without CR LF */
    struct cx_view i_c, i_s; /* KEXINIT payloads */
    struct cx_view q_c, q_s; /* the method's public values */
    struct cx_view k;        /* encoded, length included */
    struct {
        uint32_t min, preferred, max;
        struct cx_view prime, generator; /* contents of mpints */
    } gex;                               /* group exchange only, else empty: RFC 4419 section 3 */
};

struct mux_event {
    enum mux_event_kind kind;
    uint32_t channel; /* local id, for MUX_EV_CHANNEL_* */
    void *user;       /* the channel's user pointer, for MUX_EV_CHANNEL_* but OPEN */
    union {
        struct {
            size_t host_key; /* index in config->host_keys */
            const struct cx_sign_alg *alg;
            struct mux_kex_inputs inputs; /* live until the signature is handed in */
        } sign;
        struct {
            struct cx_view blob; /* the key, or, if alg->certificate, a certificate for hosts: whom its CA may speak for, its
                                  * names and times are the caller's to judge (crypto/keys/certificate.h) */
            const struct cx_sign_alg *alg; /* the signature over the exchange hash was verified already, and a CA's too */
        } host_key;
        struct {
            bool first; /* else a rekey */
            bool strict;
            const char *kex, *host_key_alg, *cipher_in, *cipher_out, *mac_in, *mac_out; /* mac: NULL with an AEAD */
        } keyed;
        struct {
            struct cx_view user;   /* raw, at most 1 KiB; not yet judged; the same in every request of a session */
            struct cx_view method; /* "none", "publickey", "password", "keyboard-interactive", or one that we do not speak */
            struct cx_view blob; /* publickey: the key, or a certificate for users (alg->certificate), checked and of a type that we
                                  * speak; else empty. Of a certificate the CA's signature holds; trust is the caller's to judge */
            const struct cx_sign_alg *alg; /* publickey; NULL: unknown algorithm or malformed key: only FAILURE can be answered */
            bool signed_;                  /* false: the query phase of RFC 4252 section 7 */
            bool verified;                 /* signed_, and the signature is good for this session, user and key */
            struct cx_verified stated;     /* verified, and by a security key: a touch and a PIN are the caller's to demand */
            bool changes;                  /* password: a change request, with new_password */
            /* password: secrets, each of at most MUX_AUTH_SECRET_MAX bytes. The caller, whose bytes they are, wipes what it fed. */
            struct cx_view password, new_password;
            struct cx_view submethods; /* keyboard-interactive: the client's wish; often empty */
        } auth;
        struct {
            bool match;          /* as many as there were prompts; else only FAILURE can be answered */
            uint32_t count;      /* 0 unless match */
            struct cx_view list; /* for mux_auth_response_next; secrets, as .auth.password */
        } responses;
        struct {
            struct cx_view name, instruction; /* to be shown above the prompts; may be empty */
            uint32_t count;                   /* at most MUX_AUTH_PROMPTS_MAX */
            struct cx_view list;              /* for mux_auth_prompt_next */
        } prompts;
        struct {
            struct cx_view methods;
            bool partial;
        } auth_failure;
        struct cx_view text;
        struct {
            struct cx_view name;
            bool want_reply;
            struct cx_view data; /* what follows, unparsed */
        } request;
        struct {
            bool success;
            struct cx_view data;
        } reply;
        struct {
            size_t count; /* at least one; each host key is asked for once a connection */
            struct {
                size_t host_key; /* index in config->host_keys */
                const struct cx_sign_alg *alg;
            } key[MUX_PROVE_KEYS_MAX];
        } prove; /* of each key, a signature over mux_host_key_proof (mux/connection/host_keys.h) */
        struct {
            struct cx_view type; /* "direct-tcpip", "session", … */
            struct cx_view data; /* what follows, unparsed: see mux/connection/forward.h */
        } open;
        struct {
            uint32_t reason; /* RFC 4254 section 5.1 */
            struct cx_view text;
        } refused;
        struct {
            uint32_t data_type; /* MUX_EV_CHANNEL_EXTENDED: 1 is stderr */
            struct cx_span data;
        } data;
        struct {
            uint32_t reason;
            struct cx_view text;
        } disconnect;
    };
};

/* Feeds wire bytes, which are decrypted in place. *used: bytes consumed; the rest (a partial packet, or what must wait for
 * room in ev[] or for an answer) stays the caller's, who hands it in again, followed by more bytes.
 * *ev_count in: room, at least 1; out: events. Each packet yields at most one event, and all of ev[] that is filled is valid
 * also when an error is returned.
 * *need (may be NULL): bytes that the next packet needs from its start; 0 unknown. Call again, while *used > 0 or events
 * came, until it is 0 and none. A compressed packet is the last one of its feed. */
MUX_MUST_CHECK enum mux_err mux_session_feed(struct mux_session *s, uint64_t now_ns, struct cx_span in, size_t *used,
                                             struct mux_event *ev, size_t *ev_count, size_t *need);

/* True: feed would use nothing now, whatever it is given (an answer is pending, or the ordered replies are full);
 * false again after an answer or a produce. The caller stops reading meanwhile. */
bool mux_session_blocked(const struct mux_session *s);

/* ---- what is owed ---- */

enum mux_pull {
    MUX_PULL_MORE, /* the source may have more: the channel stays ready; with no bytes, no source is asked again in this produce */
    MUX_PULL_DRY,  /* no more for now: call mux_channel_ready again later */
    MUX_PULL_EOF,  /* after these bytes the source has ended: EOF is owed */
};

/* How produce takes a channel's bytes: reads into iov (readv), returns how many bytes came, from the first iov on without gaps. */
struct mux_source {
    size_t (*pull)(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more);
    void *ctx;
    /* The same for stderr (CHANNEL_EXTENDED_DATA of type 1), of channels that mux_channel_ready_stderr named; may be NULL if none
     * is. It has no end of its own: EOF means DRY. The end that pull reports is that of both, so it comes when stderr has ended
     * too. */
    size_t (*pull_stderr)(void *ctx, uint32_t channel, void *user, const struct iovec *iov, int iov_count, enum mux_pull *more);
};

/* Writes what is owed into area, then data of ready channels in turn, seals it in place and returns the bytes to send.
 * 0: nothing owed, or it does not fit: an area of at least MUX_CHANNEL_PACKET_MAX + 1024 bytes always makes progress.
 * Call only while no earlier bytes are unsent. A failure (MUX_E_RESOURCE, MUX_E_TIMEOUT) is reported by *err. */
size_t mux_session_produce(struct mux_session *s, uint64_t now_ns, struct cx_span area, const struct mux_source *source,
                           enum mux_err *err);

/* The largest area that produce makes good use of, with the keys that are in use now; at most MUX_PARKED_MAX. */
size_t mux_session_produce_bytes(const struct mux_session *s);

/* Whether produce would have something to write now. */
bool mux_session_owes(const struct mux_session *s);

/* Data goes out compressed: a produce then takes up to MUX_DEFLATE_A_PRODUCE bytes of work, however few come out. */
bool mux_session_deflates(const struct mux_session *s);
/* Bytes that feed has inflated so far, for turns that are bounded by work: the bytes fed may be a thousandth of it. */
uint64_t mux_session_inflated_bytes(const struct mux_session *s);

/* When tick wants to be called, UINT64_MAX: not by itself. Cheap; look after every feed and produce. */
uint64_t mux_session_deadline(const struct mux_session *s);
/* Rekeys that are due by time, and deadlines of the key exchange. */
MUX_MUST_CHECK enum mux_err mux_session_tick(struct mux_session *s, uint64_t now_ns);

/* The time, for the calls that carry none: before channels are told what became of bytes that came earlier (mux_channel_drained).
 */
void mux_session_clock(struct mux_session *s, uint64_t now_ns);

/* Owes a DISCONNECT and finishes the session, as if feed had failed with err. text: a static string, or NULL: err's own. */
void mux_session_disconnect(struct mux_session *s, enum mux_err err, const char *text);

/* ---- key exchange ---- */

void mux_session_rekey(struct mux_session *s); /* starts one, if none is under way and authentication is done */
/* Server: the signature blob, in answer to MUX_EV_SIGN. Empty: it could not be made; the connection ends (MUX_E_KEX). */
void mux_session_signature(struct mux_session *s, struct cx_view signature);
void mux_session_host_key_verdict(struct mux_session *s, bool trusted);
/* Empty before the first key exchange is complete. */
struct cx_view mux_session_id(const struct mux_session *s);
/* The server's host key of the first key exchange, or the certificate that it showed then, either role; empty before that is
 * complete. */
struct cx_view mux_session_host_key(const struct mux_session *s);
/* The peer's identification without CR LF; empty until it came. */
struct cx_view mux_session_peer_ident(const struct mux_session *s);
bool mux_session_authenticated(const struct mux_session *s);
/* Client: the signature algorithms that the server takes of users, as its EXT_INFO names them (RFC 8308 section 3.1); empty: it did
 * not say. Until the session's next feed. */
struct cx_view mux_session_server_sig_algs(const struct mux_session *s);

/* ---- authentication, server ---- */

enum mux_auth_answer {
    MUX_AUTH_FAILURE, /* methods names what can continue */
    MUX_AUTH_PARTIAL, /* success of this method, others are needed */
    MUX_AUTH_PK_OK,   /* only for a query */
    MUX_AUTH_SUCCESS,
};
/* methods: what can continue, names separated by commas, or empty; a static string. */
void mux_session_auth_answer(struct mux_session *s, enum mux_auth_answer answer, const char *methods);

/* A question of keyboard-interactive; text: as the peer sent it, for a person. */
struct mux_auth_prompt {
    struct cx_view text;
    bool echo; /* what is typed may be seen */
};
/* Step through the lists of events; false: at the end. */
bool mux_auth_prompt_next(struct cx_view *list, struct mux_auth_prompt *prompt);
bool mux_auth_response_next(struct cx_view *list, struct cx_view *response);

/* In answer to "keyboard-interactive" or its responses: a further round, of any number of prompts, also none. Copied.
 * False: more than MUX_AUTH_PROMPTS_MAX, too long for a packet, or memory; an answer is still awaited. */
bool mux_session_auth_prompt(struct mux_session *s, const char *name, const char *instruction, const struct mux_auth_prompt *prompt,
                             size_t count);
/* In answer to "password": it has expired, or the new one does not do. prompt says so to a person; copied. False: as above. */
bool mux_session_auth_ask_change(struct mux_session *s, const char *prompt);

/* ---- authentication, client: one at a time; the pointers are copied ---- */

void mux_client_auth_none(struct mux_session *s, const char *user);
/* publickey-hostbound-v00@openssh.com where the server knows it. query: asks first (MUX_EV_AUTH_PK_OK) and returns nothing. Else
 * returns the bytes to sign, live until the signature is handed in (empty: out of memory). */
struct cx_view mux_client_auth_publickey(struct mux_session *s, const char *user, const struct cx_sign_alg *alg,
                                         struct cx_view blob, bool query);
void mux_client_auth_signature(struct mux_session *s, struct cx_view signature);
void mux_client_auth_password(struct mux_session *s, const char *user, struct cx_view password);
void mux_client_auth_change_password(struct mux_session *s, const char *user, struct cx_view old, struct cx_view changed);
/* submethods: names in order of preference, or empty: the server's choice. */
void mux_client_auth_interactive(struct mux_session *s, const char *user, const char *submethods);
/* As many as there were prompts, in their order. */
void mux_client_auth_respond(struct mux_session *s, const struct cx_view *response, size_t count);

/* ---- global requests ---- */

/* name and data are copied. False: too many are in flight (want_reply), or memory. */
bool mux_session_global_request(struct mux_session *s, const char *name, bool want_reply, struct cx_view data);
/* In answer to the oldest MUX_EV_GLOBAL_REQUEST with want_reply that is unanswered; port: appended when not 0. */
void mux_session_request_answer(struct mux_session *s, bool success, uint32_t port);
/* In answer to MUX_EV_PROVE: the signatures in its order. None, or an empty one: FAILURE. */
void mux_session_proofs(struct mux_session *s, const struct cx_view *signature, size_t count);
/* Owes a keepalive@openssh.com that wants a reply, and counts it. */
void mux_session_keepalive(struct mux_session *s);
/* Keepalives sent since the peer was last heard of: any packet resets it. */
uint32_t mux_session_keepalives_unanswered(const struct mux_session *s);

/* ---- channels ---- */

/* Reasons of CHANNEL_OPEN_FAILURE: RFC 4254 section 5.1. */
enum mux_open_reason {
    MUX_OPEN_PROHIBITED = 1,
    MUX_OPEN_CONNECT_FAILED = 2,
    MUX_OPEN_UNKNOWN_TYPE = 3,
    MUX_OPEN_RESOURCE_SHORTAGE = 4,
};

/* The answers to MUX_EV_CHANNEL_OPEN. accept: user becomes the channel's pointer. refuse releases the id at once; text: a
 * static string without addresses. */
void mux_channel_accept(struct mux_session *s, uint32_t channel, void *user);
void mux_channel_refuse(struct mux_session *s, uint32_t channel, enum mux_open_reason reason, const char *text);
/* The channel's pointer as it is now: NULL where it was released. An event's own pointer is as of the feed: where the caller may
 * have released the channel on an earlier event of the same feed, it asks here. Ids are not reused before the next feed or produce.
 */
void *mux_channel_user(const struct mux_session *s, uint32_t channel);
/* Of the first channel from *channel on that has a pointer, whose number *channel becomes. NULL: there is none. */
void *mux_session_next_user(const struct mux_session *s, uint32_t *channel);
/* Sets the pointer that events and pulls carry; legal from CHANNEL_OPEN on, also before the answer. */
void mux_channel_set_user(struct mux_session *s, uint32_t channel, void *user);

/* Opens a channel: type and data (what follows the maximum packet size) are copied. UINT32_MAX: none free. */
uint32_t mux_channel_open(struct mux_session *s, const char *type, struct cx_view data, void *user);

/* The channel's source has bytes, or its end: produce will pull. */
void mux_channel_ready(struct mux_session *s, uint32_t channel);
/* So has its stderr. Where both are ready they take turns. */
void mux_channel_ready_stderr(struct mux_session *s, uint32_t channel);
/* n bytes that DATA events brought have been taken by the far side: only then are they credited. */
void mux_channel_drained(struct mux_session *s, uint32_t channel, size_t n);
/* The end of a channel that was accepted or opened by us; one that waits for its answer is refused instead.
 * No more bytes from our side, without a pull. */
void mux_channel_eof(struct mux_session *s, uint32_t channel);
/* CLOSE is owed, and nothing more is pulled. */
void mux_channel_close(struct mux_session *s, uint32_t channel);
/* The caller is done with the id: no call names it after this. It is reused once both sides have closed. Closes where needed. */
void mux_channel_release(struct mux_session *s, uint32_t channel);

/* CHANNEL_REQUEST; false as for global requests. */
bool mux_channel_request(struct mux_session *s, uint32_t channel, const char *name, bool want_reply, struct cx_view data);
void mux_channel_request_answer(struct mux_session *s, uint32_t channel, bool success);
/* Tells the peer that what it sends on this session is read no more (eow@openssh.com), if it is an OpenSSH and the channel a
 * session; else does nothing. False: memory. */
bool mux_channel_end_of_write(struct mux_session *s, uint32_t channel);

/* Channels that are not free, for limits and logs. */
uint32_t mux_session_channel_count(const struct mux_session *s);

#endif

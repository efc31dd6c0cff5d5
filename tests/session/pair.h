/* SPDX-License-Identifier: MIT */
/* A client and a server session wired to each other in memory: a fake clock, seeded randomness, and a byte stream that is
 * handed over in chunks of a chosen size. Each side runs a small application that answers what the engine asks. */
#ifndef PAIR_H
#define PAIR_H

#include "mux/session.h"

enum { PAIR_AREA = 256 * 1024, PAIR_CHANNELS = 64, PAIR_EVENTS = 8 };

/* What a channel's end sends and has received. */
struct pair_stream {
    uint32_t channel;
    bool open, refused, eof, closed, released;
    uint64_t to_send, sent, received;
    bool eof_after; /* EOF follows the last byte to send */
    uint64_t hold;  /* bytes received that are not to be drained yet */
    uint8_t send_seed, receive_seed;
    bool corrupt;
};

struct pair_side {
    struct mux_session *session;
    struct mux_shared shared;
    struct cx_random_seeded seeded;
    struct mux_config config;
    struct pair_stream stream[PAIR_CHANNELS]; /* by channel id */
    uint8_t *inbox;                           /* bytes from the other side that were not fed yet */
    size_t inbox_len, inbox_room;
    enum mux_err err; /* the last that feed or produce returned */
    unsigned keyed, events[64];
    bool strict;
    bool hold_signature, hold_auth, hold_reads; /* leave what is asked unanswered; drain nothing */
    bool hold_proofs;                           /* and so does a request for proofs */
    bool hold_requests;                         /* global requests stay unanswered */
    uint32_t disconnect_reason;
    size_t most_inbox;
};

struct pair {
    struct pair_side client, server;
    struct mux_host_key host_key;
    struct cx_private_key *host_private, *user_private;
    uint64_t now_ns;
    size_t chunk; /* bytes a feed */
    size_t area;  /* room a produce */
    bool accept_auth, accept_host_key;
    unsigned auth_tries;
    uint64_t hash; /* over all events of both sides: the same for every chunk size */
};

/* True while the pair allocates or frees for itself, not an engine: for a test that makes memory fail. */
extern volatile bool pair_allocates; /* volatile: compilers know that malloc reads no variable */

/* cipher, mac, kex: NULL is the default list. The user key is ed25519, the host key of host_type. */
struct pair *pair_new(const char *cipher, const char *mac, const char *kex, enum cx_key_type host_type);
void pair_free(struct pair *p);
/* Makes the two sessions, as pair_run does by itself. */
void pair_start(struct pair *p);
/* One produce of a side, into the other's inbox; one round of feeding a side what stands in its inbox. True: something moved. */
bool pair_produce(struct pair *p, struct pair_side *from);
bool pair_feed(struct pair *p, struct pair_side *side);
/* Moves bytes both ways until nothing moves any more, or `rounds` have passed. True: it came to rest. */
bool pair_run(struct pair *p, unsigned rounds);
/* Handshake and authentication. */
bool pair_handshake(struct pair *p, size_t chunk);
/* A pair with the defaults behind its handshake; and one with channel 0 open besides. Either aborts where that fails. */
struct pair *pair_connected(void);
struct pair *pair_with_channel(void);
/* Opens a channel from the client; its id at the client. The server accepts every "direct-tcpip". */
uint32_t pair_open(struct pair *p);
/* The other end of a client's channel. */
struct pair_stream *pair_peer(struct pair *p, uint32_t client_channel);
/* Has a side send n bytes of its pattern on a channel, EOF behind it where asked. */
void pair_send(struct pair_side *side, uint32_t channel, uint64_t n, bool eof_after);

#endif

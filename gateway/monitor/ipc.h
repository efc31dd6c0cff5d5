/* SPDX-License-Identifier: MIT */
/* What monitor and engine say to each other: typed records in SOCK_SEQPACKET datagrams, each with a version and an id.
 *
 *   control   one socketpair between the engine's main thread and the monitor. Down: CONFIG, LISTENERS, ADMIN, WORKER, START,
 *             and later CONFIG again (HUP) and DRAIN. Up: READY. Its end (EOF) on either side means that the other process is gone.
 *   worker    one socketpair a worker: requests up, answers down, in any order. A worker sends all requests of a loop round in
 *             one datagram.
 *
 * Several engine generations may be alive, each with sockets of its own.
 * A record carries at most one descriptor: CONFIG, LISTENERS, WORKER and ADMIN always one, KEYS one if .keys.opened. Where a datagram
 * holds several records, they take its descriptors in their order (gw_ipc_record_has_fd). The monitor sends its control records
 * one a datagram.
 * Each side takes the other for hostile: a record that does not parse ends the engine. */
#ifndef GW_IPC_H
#define GW_IPC_H

#include <sys/types.h>

#include "crypto/span.h"
#include "mux/session.h"

enum {
    GW_IPC_VERSION = 3,
    GW_IPC_DATAGRAM_MAX = 160 * 1024, /* SO_SNDBUF is raised so that one fits */
    GW_IPC_CONTROL_FD = 3,            /* the engine finds the control socket here */
    GW_IPC_FDS_MAX = 16,              /* descriptors a datagram */
    GW_IPC_NAME_MAX = 64,             /* an algorithm's, a method's or a user's name */
    GW_IPC_CONNECTION_BYTES = 32,     /* a connection's id, hex */
    GW_IPC_REASON_MAX = 512,
    GW_IPC_AUDIT_MAX = 16 * 1024, /* one audit record */
};

enum gw_ipc_type {
    /* control, monitor to engine */
    GW_IPC_CONFIG = 1, /* fd: a sealed memfd with a snapshot (gw_snapshot_write) */
    GW_IPC_LISTENERS,  /* fd: a listening socket; one record each, in the order of config->listen */
    GW_IPC_WORKER,     /* fd: the socket of worker `id`; as many as there are workers */
    GW_IPC_START,      /* all is sent: make threads */
    GW_IPC_DRAIN,      /* stop accepting, refuse new channels, end when empty or after HardStopAfter */
    /* control, engine to monitor */
    GW_IPC_READY, /* the workers run; accepting begins */
    /* worker sockets, engine to monitor; id names the request */
    GW_IPC_SIGN,      /* sign_kex */
    GW_IPC_PROVE,     /* prove_hostkey: a signature that the host key is ours, made for one session */
    GW_IPC_FORGET,    /* a connection whose key exchange was signed has ended; no answer */
    GW_IPC_OPEN_KEYS, /* the next key file of a user */
    GW_IPC_AUDIT,     /* one JSON record; no answer */
    /* worker sockets, monitor to engine */
    GW_IPC_SIGNED, /* signature blob, or empty */
    GW_IPC_KEYS,   /* fd: the file, opened and judged; or none, with the reason */
    /* control, monitor to engine */
    GW_IPC_ADMIN, /* fd: the listening socket of ControlSocket; before START, at most once */
    GW_IPC_TYPE_COUNT
};

/* A record as both sides handle it; views point into the datagram. */
struct gw_ipc_record {
    enum gw_ipc_type type;
    uint64_t id;
    union {
        struct {
            char connection[GW_IPC_CONNECTION_BYTES];
            bool first;                   /* the connection's first: its hash is the session id */
            uint32_t host_key;            /* index in the snapshot's order */
            struct cx_view alg;           /* signature algorithm */
            struct cx_view kex;           /* method name */
            struct mux_kex_inputs inputs; /* .kex is not sent: gw_ipc_next finds it by name, and an unknown one is malformed */
        } sign;
        struct {
            char connection[GW_IPC_CONNECTION_BYTES];
            uint32_t host_key;
            struct cx_view alg;
        } prove;
        struct {
            struct cx_view user; /* valid by gw_user_name_valid: another name ends the engine */
            uint32_t index;      /* of config->keys_files */
        } open_keys;
        struct {
            bool opened;           /* then a descriptor came with the datagram */
            bool last;             /* no key file has a higher index */
            bool path_has_user;    /* %u stood in it */
            struct cx_view reason; /* for the log, if not opened; empty: it does not exist */
        } keys;
        struct cx_view bytes; /* AUDIT: one line of JSON without control bytes; SIGNED; FORGET: the connection's id */
    };
};

/* Whether a descriptor of the datagram belongs to r. */
bool gw_ipc_record_has_fd(const struct gw_ipc_record *r);

/* A connected pair: non-blocking, close-on-exec, with room for the longest datagram. False: errno. */
bool gw_ipc_pair(int pair[2]);

/* A datagram being filled. Owned by one thread. */
struct gw_ipc_out {
    uint8_t *bytes; /* GW_IPC_DATAGRAM_MAX of them, allocated by init */
    size_t used;
    int fds[GW_IPC_FDS_MAX];
    unsigned fd_count;
};
bool gw_ipc_out_init(struct gw_ipc_out *o);
void gw_ipc_out_deinit(struct gw_ipc_out *o);
/* False: it does not fit; send what is there first (into an empty one every record within the caps above fits).
 * fd: -1 or one descriptor that goes with it; it must stay open until gw_ipc_send has answered 1, and is not closed here. */
bool gw_ipc_put(struct gw_ipc_out *o, const struct gw_ipc_record *r, int fd);
/* Sends one datagram without waiting, and empties o on success (so does sending nothing: 1). 1 sent, 0 the socket is full: try
 * again when it is writable, -1 errno. */
int gw_ipc_send(struct gw_ipc_out *o, int socket);

/* Receives one datagram without waiting into room of GW_IPC_DATAGRAM_MAX bytes. Length; 0: the other side is gone; -1 errno
 * (EAGAIN: none). Descriptors are close-on-exec and the caller's. */
ssize_t gw_ipc_receive(int socket, uint8_t *room, int fds[GW_IPC_FDS_MAX], unsigned *fd_count);
/* Takes the next record off the front of *datagram. 1 got one, 0 none left, -1 malformed or of another version. */
int gw_ipc_next(struct cx_view *datagram, struct gw_ipc_record *r);

/* ---- the snapshot as it travels: effective configuration text, banner, public host keys in the order of config->host_keys,
 * certificates ---- */

struct gw_config;
struct gw_snapshot {
    const struct gw_config *config; /* one hold */
    size_t host_key_count;
    struct mux_host_key *host_keys; /* blobs and certificates owned */
};
/* A sealed memfd, or -1 with errno. Where config->host_keys and keys differ (a reload that named others), keys count. */
int gw_snapshot_write(const struct gw_config *config, const struct mux_host_key *keys, size_t count);
/* False: malformed; error says how. */
bool gw_snapshot_read(int memfd, struct gw_snapshot *out, char *error, size_t error_room);
void gw_snapshot_deinit(struct gw_snapshot *s);

#endif

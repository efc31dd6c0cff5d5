/* SPDX-License-Identifier: MIT */
/* The configuration: an immutable snapshot, made from sshd_config syntax by a keyword table, counted by its users.
 * Parsing and loading: one thread. A finished snapshot: any thread, read only. */
#ifndef GW_CONFIG_H
#define GW_CONFIG_H

#include <stdatomic.h>
#include <stdio.h>

#include "crypto/span.h"
#include "gateway/auth/authorized_keys.h"
#include "gateway/net/addr.h"
#include "gateway/observe/log.h"

enum {
    GW_QUEUE_NAME_MAX = 64,
    GW_CONFIG_TEXT_MAX = 4 * 1024 * 1024,
    GW_CONFIG_ERROR_MAX = 1024,
    GW_INCLUDE_DEPTH_MAX = 16,
    GW_TARGETS_MAX = 256, /* a queue */
    GW_WEIGHT_MAX = 256,
    GW_RETRIES_MAX = 7,
    GW_PROXIES_MAX = 64,
    GW_CHECK_PATH_MAX = 255,
    GW_UNIX_PATH_MAX = 107, /* bytes of a Unix socket's path: unix(7) */
};

enum gw_target_kind {
    GW_TARGET_TCP,  /* HOST:PORT */
    GW_TARGET_UNIX, /* unix:PATH */
    GW_TARGET_DIAL, /* what the client asked for, judged by the routes */
    GW_TARGET_ECHO,
    GW_TARGET_DISCARD,
    GW_TARGET_SOURCE,
    GW_TARGET_HTTP,    /* builtin:… */
    GW_TARGET_REVERSE, /* a client that joins with ssh -R; never written */
};

enum gw_check_type {
    GW_CHECK_TCP,  /* it can be connected */
    GW_CHECK_SSH,  /* and says that it speaks SSH 2 */
    GW_CHECK_HTTP, /* and answers GET with the status that is expected */
};

/* check [check-type TYPE] [check-path PATH] [check-status N] [inter TIME] [fall N] [rise N]: what HAProxy's words mean. */
struct gw_check_config {
    bool on;
    enum gw_check_type type;
    char path[GW_CHECK_PATH_MAX + 1]; /* of GET: / */
    unsigned status;                  /* 0: any from 200 to 399 */
    uint64_t interval_ns;             /* 2s */
    unsigned fall, rise;              /* so many failures in a row take it out of rotation, so many successes back in: 3, 2 */
};

/* Target WHERE [maxconn N] [weight N] [backup] [check …] [slowstart TIME] [timeout TIME]. */
struct gw_target {
    enum gw_target_kind kind;
    char *host; /* TCP: a name or a literal, lower case, no brackets; UNIX: the path */
    uint16_t port;
    char *text;        /* as written: "10.0.0.10:80", "builtin:echo"; its name in the queue */
    unsigned max_conn; /* tunnels at once; UINT_MAX: any number */
    unsigned weight;   /* 1 to GW_WEIGHT_MAX; its share, beside those of the others */
    bool backup;       /* serves only while no other is up */
    struct gw_check_config check;
    uint64_t slowstart_ns;       /* how long its weight grows once a check has found it up again; 0: at once */
    uint64_t connect_timeout_ns; /* its own ConnectTimeout; 0: the queue's */
    bool sends_proxy;            /* send-proxy-v2: a PROXY header says whose connection it is */
};

enum gw_gateway_ports { GW_GATEWAY_PORTS_NO, GW_GATEWAY_PORTS_YES, GW_GATEWAY_PORTS_CLIENT };

enum gw_balance { GW_BALANCE_ROUNDROBIN, GW_BALANCE_LEASTCONN, GW_BALANCE_RANDOM, GW_BALANCE_SOURCE };

/* A word of Allow or Deny: WHO, WHO@BLOCK or BLOCK, where WHO is "*", "alice" or "@dev". */
struct gw_rule {
    char *who; /* "*" where only a block was written */
    bool has_block;
    struct gw_cidr block;
};

/* Route HOST:PORTS: a CIDR or address literal matches literals only, a glob (or name) matches names only. Route unix:GLOB matches
 * paths of sockets only. */
struct gw_route {
    bool is_cidr;
    struct gw_cidr cidr;
    bool is_path;
    char *glob;                   /* lower case but of a path; * and ?, which match any bytes, dots and slashes too */
    uint16_t port_low, port_high; /* "*": 0 to 65535 */
};

/* ListenAddress ADDRESS [proxy-from BLOCK…]. */
struct gw_listen {
    struct gw_addr address; /* with its port */
    unsigned proxy_count;   /* 0: clients connect themselves, and no PROXY header is looked for; else each connection comes from one
                               of these blocks, and begins with one */
    struct gw_cidr proxies[GW_PROXIES_MAX];
};

/* A Queue NAME block. */
struct gw_queue_config {
    char name[GW_QUEUE_NAME_MAX + 1]; /* lower case */
    size_t target_count, route_count, allow_count, deny_count, accept_reverse_count;
    struct gw_target *targets; /* at most GW_TARGETS_MAX */
    struct gw_route *routes;
    struct gw_rule *allow, *deny;
    struct gw_rule *accept_reverse; /* AcceptReverse: who may join with ssh -R */
    bool mix_reverse;               /* MixReverse: beside targets: no */
    unsigned reverse_max_conn;      /* ReverseMaxConn: tunnels at once of a member that joined; UINT_MAX: any number */
    bool reverse_owner_first;       /* ReverseOwner first|any: any */
    enum gw_balance balance;        /* Balance: roundrobin */
    unsigned max_conn;              /* MaxConn: tunnels of the queue at once; UINT_MAX: any number, the default */
    unsigned per_user_max_conn;     /* PerUserMaxConn: the same a user */
    unsigned max_queue;             /* MaxQueue: requests that may wait: 1000 */
    unsigned retries;               /* Retries: further members tried where one cannot be connected: 3 */
    bool hold_for_consumer;         /* HoldForConsumer: wait where no member is up: no */
    uint64_t queue_timeout_ns;      /* QueueTimeout: how long a request may wait, retries included; 0: for ever; default 10s */
    uint64_t connect_timeout_ns;    /* ConnectTimeout, default 10s */
};

struct gw_group {
    char *name;
    size_t member_count;
    char **members;
};

struct gw_config {
    atomic_uint users; /* gw_config_hold, gw_config_drop */

    size_t listen_count, host_key_count, host_certificate_count, keys_file_count, group_count, queue_count;
    struct gw_listen *listen; /* ListenAddress, with ports (Port, default 2222); default 0.0.0.0 and ::, as two sockets */
    char **host_keys;         /* HostKey: paths */
    char **host_certificates; /* HostCertificate: paths, each of a certificate of one of the keys */
    char **keys_files;        /* AuthorizedKeysFile: absolute paths, %u and %% */
    struct gw_group *groups;
    struct gw_queue_config *queues; /* in the order of the file */

    unsigned workers;                                      /* 0: one a core */
    uint64_t login_grace_ns;                               /* 0: none; default 120s */
    unsigned max_auth_tries;                               /* 6 */
    unsigned required_rsa_bits;                            /* RequiredRSASize of users' keys and our own: 2048 */
    bool touch_required, verify_required;                  /* PubkeyAuthOptions: of security keys, whatever a key's line says */
    unsigned startups_begin, startups_rate, startups_full; /* MaxStartups 10:30:100 as sshd; default for sluice 100:30:1000 */
    unsigned per_source_startups;                          /* UINT_MAX: none */
    unsigned net_block_v4, net_block_v6;                   /* PerSourceNetBlockSize 32:128 */
    uint64_t alive_interval_ns;                            /* 0: none */
    unsigned alive_count;                                  /* 3 */
    uint64_t rekey_bytes, rekey_ns;                        /* RekeyLimit; 0: default/none */
    char *ciphers, *macs, *kex, *host_key_algs;            /* comma lists, edits applied, every name known to crypto/ */
    bool compression;                                      /* Compression yes|delayed|no: no */
    char *banner_path;                                     /* NULL: none */
    char *banner;                                          /* its text, read by the monitor; at most 16 KiB; NULL: none */
    enum gw_log_level log_level;
    bool queue_errors_detailed; /* QueueErrors detailed|alike */
    char *user;                 /* User: whom the engine runs as, where the monitor is root; default "sluice" */
    char *audit_log;            /* AuditLog: path, NULL: none */
    char *pid_file;             /* PidFile; NULL: none */
    char *control_socket;       /* ControlSocket: path, NULL: none */
    unsigned max_channels;      /* MaxChannels a connection: 16384 */
    size_t permit_listen_count;
    struct gw_permit *permit_listens;    /* PermitListen: where ssh -R may open a port; none */
    enum gw_gateway_ports gateway_ports; /* GatewayPorts: on which addresses: no, loopback alone */
    char *stream_local_directory;        /* StreamLocalBindDirectory: where ssh -R may make Unix sockets; NULL: nowhere */
    unsigned stream_local_mask;          /* StreamLocalBindMask: 0177 */
    bool stream_local_unlink;            /* StreamLocalBindUnlink: where an old one stands that no process has: no */
    unsigned max_channels_per_user;      /* MaxChannelsPerUser: 256 */
    uint64_t hard_stop_ns;               /* HardStopAfter: how long a drain may take; default 30s */
    uint64_t window_budget_bytes; /* WindowBudget: what all windows may grow by, each step by a quarter of the rest; default 1G */
};

/* Loads path with its Includes and the -o options (each "Keyword value" or "Keyword=value", before the file: first match wins;
 * ListenAddress, Port, HostKey, HostCertificate, AuthorizedKeysFile, Group and Queue add up). The banner's text is read too. Key
 * files are not opened. Relative paths start at the main file's directory, also in options and included files. A block ends at the
 * next Queue or the end of its file; an included file starts outside of any block. On failure NULL, and error: "FILE line N:
 * Keyword: what is wrong; accepted: what would be", one line of printable ASCII. */
struct gw_config *gw_config_load(const char *path, const char *const *options, size_t option_count,
                                 char error[GW_CONFIG_ERROR_MAX]);
/* The same from one text, where Include and relative paths are not allowed and no file is opened (banner stays NULL): what the
 * engine is sent. `name` stands for the file in errors. */
struct gw_config *gw_config_parse(const char *text, const char *name, char error[GW_CONFIG_ERROR_MAX]);
/* The effective configuration as -T prints it: lower-case keywords, one a line, queues as blocks. gw_config_parse reads it back to
 * the same. */
void gw_config_print(const struct gw_config *c, FILE *out);

const struct gw_config *gw_config_hold(const struct gw_config *c);
void gw_config_drop(const struct gw_config *c); /* the last one frees */

/* The queue that a request for host (raw, any case, a trailing dot ignored) and port goes to: an exact queue name first (whatever
 * the port), then the first Route that matches in the order of the file. NULL: none. */
const struct gw_queue_config *gw_config_route(const struct gw_config *c, struct cx_view host, uint32_t port);
/* The queue that a request for the socket `path` goes to (direct-streamlocal): an exact queue name, as it is or behind one slash,
 * then the first Route unix:GLOB that matches. NULL: none, or one that dials, which serves no sockets. */
const struct gw_queue_config *gw_config_route_path(const struct gw_config *c, struct cx_view path);
/* Whether the queue's Allow admits user from that source, and its Deny does not refuse him. "*" stands for everyone authenticated.
 * Where the key does not prove the name, a rule of Allow with a name or @group admits nobody, and one of Deny refuses everybody. */
bool gw_config_allows(const struct gw_config *c, const struct gw_queue_config *q, const char *user, bool proves_name,
                      const struct gw_addr *source);
/* The queue of that name (raw, any case, a trailing dot ignored); NULL: none. */
const struct gw_queue_config *gw_config_queue(const struct gw_config *c, struct cx_view name);
/* Whether the queue's AcceptReverse admits user from that source as a member; names as for Allow. */
bool gw_config_accepts_reverse(const struct gw_config *c, const struct gw_queue_config *q, const char *user, bool proves_name,
                               const struct gw_addr *source);
/* For dial: whether one resolved address (with the port asked for) may be connected to, asked for as `host`. An ordinary address
 * asked for by a literal needs a CIDR route of that queue that holds it and its port; asked for by a name, the glob route that
 * matched the name suffices. Special addresses (gw_addr_is_special) need, however they were asked for, a CIDR route that holds them
 * and lies wholly inside that special range (0.0.0.0/0 does not give loopback); the gateway's own listeners need a route of that
 * single address. Both come on top of the glob where a name was asked for. What a wildcard listener covers is asked of the system
 * (a bind, on its port only). */
bool gw_config_dial_permits(const struct gw_config *c, const struct gw_queue_config *q, struct cx_view host,
                            const struct gw_addr *address);

#endif

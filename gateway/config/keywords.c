/* SPDX-License-Identifier: MIT */
/* The table of keywords: one row says all about one. Names, meanings and units are sshd_config(5)'s wherever it has them. */
#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <strings.h>

#include "crypto/kex/kex.h"
#include "crypto/keys/key.h"
#include "crypto/packet/packet.h"
#include "gateway/config/reader_priv.h"
#include "mux/limits.h"

/* ---- what the lists of algorithms may hold; preferences follow the measured cost on machines with AES instructions ---- */

/* Only what a host's key can sign with, plain or certified. */
static const char *host_name_at(size_t i)
{
    const struct cx_sign_alg *alg;
    for (size_t at = 0; (alg = cx_sign_alg_at(at)); at++)
        if (alg->type < CX_KEY_PRIVATE_COUNT && i-- == 0)
            return alg->name;
    return NULL;
}

static const struct gw_algorithms ciphers = {
    cx_cipher_name_at,
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr",
};
static const struct gw_algorithms macs = {
    cx_mac_name_at,
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com",
};
static const struct gw_algorithms kex = {
    cx_kex_name_at,
    "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
    "curve25519-sha256@libssh.org",
};
static const struct gw_algorithms host_key_algs = {
    host_name_at,
    "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384-cert-v01@openssh.com,"
    "ecdsa-sha2-nistp521-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,"
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256",
};

/* ---- the table ---- */

#define FIELD(name) .offset = offsetof(struct gw_config, name)
#define QUEUE_FIELD(name) .offset = offsetof(struct gw_queue_config, name)
#define LIST(name, count) FIELD(name), .count_offset = offsetof(struct gw_config, count)
#define RULES                                                                                                                      \
    "users, groups as @GROUP, or * for everybody who is authenticated, each with @BLOCK behind it to mean only who comes from "    \
    "there"                                                                                                                        \
    " (alice@10.0.0.0/8), or a block alone"
#define PATH_OR_NONE "a path, or none"
#define LIST_EDITS                                                                                                                 \
    "a comma list of names or patterns; + in front adds it behind the defaults, - removes it, ^ moves it to the front"

static const struct gw_keyword keywords[] = {
    { "Include", GW_SCOPE_ANY, &gw_kind_include, "paths of files, or patterns such as conf.d/*.conf" },
    { "ListenAddress", GW_SCOPE_GLOBAL, &gw_kind_listen,
      "an address, with a port from 1 to 65535 behind it if need be: 127.0.0.1:2222, [::1]:2222, 0.0.0.0; names are not looked "
      "up; behind it, where only proxies connect: proxy-from BLOCK..." },
    { "Port", GW_SCOPE_GLOBAL, &gw_kind_port, "1 to 65535", .min = 1, .max = 65535 },
    { "HostKey", GW_SCOPE_GLOBAL, &gw_kind_paths, "the path of a private key", LIST(host_keys, host_key_count) },
    { "HostCertificate", GW_SCOPE_GLOBAL, &gw_kind_paths_or_none,
      "the path of a certificate for hosts, of one of the host keys; or none", LIST(host_certificates, host_certificate_count) },
    { "AuthorizedKeysFile", GW_SCOPE_GLOBAL, &gw_kind_keys_files,
      "paths, in which %u stands for the user and %% for a percent sign; or none alone", LIST(keys_files, keys_file_count) },
    { "Workers", GW_SCOPE_GLOBAL, &gw_kind_number, "0 (one a core) to 1024", FIELD(workers), .max = 1024 },
    { "LoginGraceTime", GW_SCOPE_GLOBAL, &gw_kind_seconds, "0 (no limit), or a time such as 90, 2m or 1h30m", FIELD(login_grace_ns),
      .max = INT32_MAX },
    { "MaxAuthTries", GW_SCOPE_GLOBAL, &gw_kind_number, "1 to 1000", FIELD(max_auth_tries), .min = 1, .max = 1000 },
    { "RequiredRSASize", GW_SCOPE_GLOBAL, &gw_kind_number, "2048 to 8192", FIELD(required_rsa_bits), .min = CX_RSA_BITS_MIN,
      .max = CX_RSA_BITS_MAX },
    { "PubkeyAuthOptions", GW_SCOPE_GLOBAL, &gw_kind_pubkey_auth, "none, or touch-required, verify-required or both" },
    { "MaxStartups", GW_SCOPE_GLOBAL, &gw_kind_startups,
      "BEGIN:RATE:FULL such as 100:30:1000, where BEGIN is 1 to FULL and RATE 1 to 100; or FULL alone", .max = 1000000 },
    { "PerSourceMaxStartups", GW_SCOPE_GLOBAL, &gw_kind_number_or_none, "none, or 1 to 1000000", FIELD(per_source_startups),
      .min = 1, .max = 1000000 },
    { "PerSourceNetBlockSize", GW_SCOPE_GLOBAL, &gw_kind_net_block, "V4:V6 such as 32:128, where V4 is 0 to 32 and V6 0 to 128",
      .max = 128 },
    { "ClientAliveInterval", GW_SCOPE_GLOBAL, &gw_kind_seconds, "0 (never asked), or a time such as 30 or 1m",
      FIELD(alive_interval_ns), .max = INT32_MAX },
    { "ClientAliveCountMax", GW_SCOPE_GLOBAL, &gw_kind_number, "1 to 1000; ClientAliveInterval 0 turns it off", FIELD(alive_count),
      .min = 1, .max = 1000 },
    { "RekeyLimit", GW_SCOPE_GLOBAL, &gw_kind_rekey, "default or a size from 16K to 1024G, then none or a time: 1G 1h",
      .min = 16 * 1024, .max = 1024ull << 30 },
    { "Ciphers", GW_SCOPE_GLOBAL, &gw_kind_algorithms, LIST_EDITS, FIELD(ciphers), .algorithms = &ciphers },
    { "MACs", GW_SCOPE_GLOBAL, &gw_kind_algorithms, LIST_EDITS, FIELD(macs), .algorithms = &macs },
    { "KexAlgorithms", GW_SCOPE_GLOBAL, &gw_kind_algorithms, LIST_EDITS, FIELD(kex), .algorithms = &kex },
    { "HostKeyAlgorithms", GW_SCOPE_GLOBAL, &gw_kind_algorithms, LIST_EDITS, FIELD(host_key_algs), .algorithms = &host_key_algs },
    { "Compression", GW_SCOPE_GLOBAL, &gw_kind_compression, "yes (or delayed: after authentication in any case), or no" },
    { "Banner", GW_SCOPE_GLOBAL, &gw_kind_banner, PATH_OR_NONE, FIELD(banner_path) },
    { "LogLevel", GW_SCOPE_GLOBAL, &gw_kind_log_level, "QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG (DEBUG1 to DEBUG3 mean it too)" },
    { "QueueErrors", GW_SCOPE_GLOBAL, &gw_kind_queue_errors, "alike, or detailed" },
    { "User", GW_SCOPE_GLOBAL, &gw_kind_user, "the name of an account", FIELD(user) },
    { "AuditLog", GW_SCOPE_GLOBAL, &gw_kind_path_or_none, PATH_OR_NONE, FIELD(audit_log) },
    { "PidFile", GW_SCOPE_GLOBAL, &gw_kind_path_or_none, PATH_OR_NONE, FIELD(pid_file) },
    { "ControlSocket", GW_SCOPE_GLOBAL, &gw_kind_path_or_none, PATH_OR_NONE, FIELD(control_socket) },
    { "MaxChannels", GW_SCOPE_GLOBAL, &gw_kind_number, "1 to 16384", FIELD(max_channels), .min = 1, .max = MUX_CHANNELS_MAX },
    { "MaxChannelsPerUser", GW_SCOPE_GLOBAL, &gw_kind_number, "1 to 1000000", FIELD(max_channels_per_user), .min = 1,
      .max = 1000000 },
    { "PermitListen", GW_SCOPE_GLOBAL, &gw_kind_permit_listen, "none, any, or [HOST:]PORT..., where either may be *" },
    { "GatewayPorts", GW_SCOPE_GLOBAL, &gw_kind_gateway_ports, "no, yes or clientspecified" },
    { "StreamLocalBindDirectory", GW_SCOPE_GLOBAL, &gw_kind_path_or_none, PATH_OR_NONE, FIELD(stream_local_directory) },
    { "StreamLocalBindMask", GW_SCOPE_GLOBAL, &gw_kind_mask, "an octal number up to 0777, such as 0177", FIELD(stream_local_mask) },
    { "StreamLocalBindUnlink", GW_SCOPE_GLOBAL, &gw_kind_yes_no, "yes or no", FIELD(stream_local_unlink) },
    { "HardStopAfter", GW_SCOPE_GLOBAL, &gw_kind_seconds, "a time such as 30, 10m or 1d", FIELD(hard_stop_ns), .max = INT32_MAX },
    { "WindowBudget", GW_SCOPE_GLOBAL, &gw_kind_size, "a size up to 1024G, such as 256M", FIELD(window_budget_bytes),
      .max = 1024ull << 30 },
    { "Group", GW_SCOPE_GLOBAL, &gw_kind_group,
      "NAME MEMBER..., each 1 to 64 letters, digits, '.', '_' or '-', not led by '.' or '-'" },
    { "Queue", GW_SCOPE_ANY, &gw_kind_queue,
      "a name of 1 to 64 letters, digits, '.', '_' or '-' that is no number, no address and not localhost" },
    { "Target", GW_SCOPE_QUEUE, &gw_kind_target,
      "one of HOST:PORT, [IPV6]:PORT, unix:PATH, dial, builtin:echo, builtin:discard, builtin:source, builtin:http, and options "
      "behind it" },
    { "Route", GW_SCOPE_QUEUE, &gw_kind_route,
      "HOST:PORTS..., where HOST is a name, a pattern such as *.internal, or an address block without bits behind its prefix such "
      "as "
      "10.0.0.0/8 or [fd00::/8], and PORTS is *, 22 or 1000-2000; or unix:PATTERN for paths" },
    { "Allow", GW_SCOPE_QUEUE, &gw_kind_rules, RULES, QUEUE_FIELD(allow),
      .count_offset = offsetof(struct gw_queue_config, allow_count) },
    { "Deny", GW_SCOPE_QUEUE, &gw_kind_rules, RULES, QUEUE_FIELD(deny),
      .count_offset = offsetof(struct gw_queue_config, deny_count) },
    { "AcceptReverse", GW_SCOPE_QUEUE, &gw_kind_rules, RULES, QUEUE_FIELD(accept_reverse),
      .count_offset = offsetof(struct gw_queue_config, accept_reverse_count) },
    { "MixReverse", GW_SCOPE_QUEUE, &gw_kind_yes_no, "yes or no", QUEUE_FIELD(mix_reverse) },
    { "ReverseOwner", GW_SCOPE_QUEUE, &gw_kind_reverse_owner, "first (one user at a time), or any" },
    { "ReverseMaxConn", GW_SCOPE_QUEUE, &gw_kind_number_or_none, "none, or 1 to 1000000", QUEUE_FIELD(reverse_max_conn), .min = 1,
      .max = 1000000 },
    { "Balance", GW_SCOPE_QUEUE, &gw_kind_balance, "roundrobin, leastconn, random or source" },
    { "MaxConn", GW_SCOPE_QUEUE, &gw_kind_number_or_none, "none, or 1 to 1000000", QUEUE_FIELD(max_conn), .min = 1,
      .max = 1000000 },
    { "PerUserMaxConn", GW_SCOPE_QUEUE, &gw_kind_number_or_none, "none, or 1 to 1000000", QUEUE_FIELD(per_user_max_conn), .min = 1,
      .max = 1000000 },
    { "MaxQueue", GW_SCOPE_QUEUE, &gw_kind_number, "0 to 1000000", QUEUE_FIELD(max_queue), .max = 1000000 },
    { "QueueTimeout", GW_SCOPE_QUEUE, &gw_kind_seconds, "0 (no limit), or a time up to 7d, such as 10s or 5m",
      QUEUE_FIELD(queue_timeout_ns), .max = 7 * 24 * 60 * 60 },
    { "HoldForConsumer", GW_SCOPE_QUEUE, &gw_kind_yes_no, "yes or no", QUEUE_FIELD(hold_for_consumer) },
    { "Retries", GW_SCOPE_QUEUE, &gw_kind_number, "0 to 7", QUEUE_FIELD(retries), .max = GW_RETRIES_MAX },
    { "ConnectTimeout", GW_SCOPE_QUEUE, &gw_kind_seconds, "a time from 1s to 1h, such as 10s", QUEUE_FIELD(connect_timeout_ns),
      .min = 1, .max = 60 * 60 },
};

enum { KEYWORD_COUNT = sizeof keywords / sizeof keywords[0], KEYWORD_BYTES_MAX = 32 };
_Static_assert(KEYWORD_COUNT <= 64, "gw_reader.seen has a bit for each");

const struct gw_keyword *gw_keyword_at(size_t i)
{
    return i < KEYWORD_COUNT ? &keywords[i] : NULL;
}

const struct gw_keyword *gw_keyword_find(const char *name)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++)
        if (strcasecmp(keywords[i].name, name) == 0)
            return &keywords[i];
    return NULL;
}

uint64_t gw_keyword_bit(const struct gw_keyword *k)
{
    return UINT64_C(1) << (k - keywords);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, without regard to case, between names of at most KEYWORD_BYTES_MAX bytes. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[KEYWORD_BYTES_MAX + 1];
    size_t width = strlen(b);
    assert(width <= KEYWORD_BYTES_MAX);
    for (size_t j = 0; j <= width; j++)
        row[j] = (unsigned)j;
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 1; j <= width; j++) {
            unsigned change = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j - 1]));
            diagonal = row[j];
            row[j] = least(change, 1 + least(row[j], row[j - 1]));
        }
    }
    return row[width];
}

const struct gw_keyword *gw_keyword_nearest(const char *name)
{
    const struct gw_keyword *nearest = NULL;
    size_t len = strlen(name);
    unsigned best = (unsigned)(len / 2); /* farther away it is another word, not a misspelling */
    for (size_t i = 0; i < KEYWORD_COUNT && len <= KEYWORD_BYTES_MAX; i++) {
        unsigned distance = edit_distance(name, keywords[i].name);
        if (distance < best || (distance == best && !nearest)) {
            best = distance;
            nearest = &keywords[i];
        }
    }
    return nearest;
}

void gw_keyword_print_name(const struct gw_keyword *k, FILE *out)
{
    if (k->scope == GW_SCOPE_QUEUE)
        fputs("    ", out);
    for (const char *c = k->name; *c; c++)
        fputc(tolower((unsigned char)*c), out);
    fputc(' ', out);
}

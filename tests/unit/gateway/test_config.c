/* SPDX-License-Identifier: MIT */
/* Configurations from text: every keyword, defaults, first match, and the round trip through -T's form. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/kex/kex.h"
#include "crypto/keys/key.h"
#include "crypto/packet/packet.h"
#include "gateway/config/config.h"

static const uint64_t second_ns = 1000000000;

static struct gw_config *parse(const char *text)
{
    char error[GW_CONFIG_ERROR_MAX];
    struct gw_config *c = gw_config_parse(text, "test.conf", error);
    cr_assert(c, "%s", error);
    return c;
}

static char *print(const struct gw_config *c)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cr_assert(out);
    gw_config_print(c, out);
    fclose(out);
    return text;
}

Test(config, an_empty_text_gives_the_defaults)
{
    struct gw_config *c = parse("");
    char text[GW_ADDR_TEXT];
    cr_assert_eq(c->listen_count, 2);
    cr_assert_str_eq(gw_addr_port_text(&c->listen[0].address, text), "0.0.0.0:2222");
    cr_assert_str_eq(gw_addr_port_text(&c->listen[1].address, text), "[::]:2222");
    cr_assert_eq(c->host_key_count, 1);
    cr_assert_str_eq(c->host_keys[0], "/etc/sluice/ssh_host_ed25519_key");
    cr_assert_eq(c->keys_file_count, 1);
    cr_assert_str_eq(c->keys_files[0], "/etc/sluice/keys/%u");
    cr_assert_eq(c->group_count, 0);
    cr_assert_eq(c->queue_count, 0);
    cr_assert_eq(c->workers, 0);
    cr_assert_eq(c->login_grace_ns, 120 * second_ns);
    cr_assert_eq(c->max_auth_tries, 6);
    cr_assert_eq(c->required_rsa_bits, 2048);
    cr_assert(c->startups_begin == 100 && c->startups_rate == 30 && c->startups_full == 1000);
    cr_assert_eq(c->per_source_startups, UINT_MAX);
    cr_assert(c->net_block_v4 == 32 && c->net_block_v6 == 128);
    cr_assert(c->alive_interval_ns == 0 && c->alive_count == 3);
    cr_assert(c->rekey_bytes == 0 && c->rekey_ns == 0);
    cr_assert_not(c->compression);
    cr_assert_not(c->touch_required || c->verify_required);
    cr_assert_null(c->banner_path);
    cr_assert_null(c->banner);
    cr_assert_eq(c->log_level, GW_LOG_INFO);
    cr_assert_not(c->queue_errors_detailed);
    cr_assert_str_eq(c->user, "sluice");
    cr_assert_null(c->audit_log);
    cr_assert_null(c->pid_file);
    cr_assert_null(c->control_socket);
    cr_assert(c->max_channels == 16384 && c->max_channels_per_user == 256);
    cr_assert(c->permit_listen_count == 0 && c->gateway_ports == GW_GATEWAY_PORTS_NO);
    cr_assert(!c->stream_local_directory && c->stream_local_mask == 0177 && !c->stream_local_unlink);
    cr_assert_eq(c->hard_stop_ns, 30 * second_ns);
    cr_assert_eq(c->window_budget_bytes, 1ull << 30);
    gw_config_drop(c);
}

/* Every name in a comma list is one that find knows. */
#define ASSERT_ALL_KNOWN(list, find)                                                                                               \
    do {                                                                                                                           \
        const char *at = list;                                                                                                     \
        while (*at) {                                                                                                              \
            size_t len = strcspn(at, ",");                                                                                         \
            cr_assert_not_null(find(cx_view(at, len)), "%.*s", (int)len, at);                                                      \
            at += len + (at[len] == ',');                                                                                          \
        }                                                                                                                          \
    } while (0)

Test(config, default_algorithms_all_exist)
{
    struct gw_config *c = parse("");
    ASSERT_ALL_KNOWN(c->ciphers, cx_cipher_find);
    ASSERT_ALL_KNOWN(c->macs, cx_mac_find);
    ASSERT_ALL_KNOWN(c->kex, cx_kex_find);
    ASSERT_ALL_KNOWN(c->host_key_algs, cx_sign_alg_find);
    cr_assert_eq(strncmp(c->ciphers, "aes128-gcm@openssh.com,", 23), 0);
    gw_config_drop(c);
}

Test(config, host_keys_are_shown_with_their_certificates_unless_told_otherwise)
{
    struct gw_config *c = parse(""), *bare = parse("HostKeyAlgorithms -*cert*"), *all = parse("HostKeyAlgorithms *");
    cr_assert_eq(strncmp(c->host_key_algs, "ssh-ed25519-cert-v01@openssh.com,", 33), 0);
    cr_assert_str_eq(bare->host_key_algs,
                     "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256");
    cr_assert_eq(strlen(all->host_key_algs), strlen(c->host_key_algs), "no key of a host's is missing, and no other there");
    cr_assert_null(strstr(all->host_key_algs, "sk-"));
    gw_config_drop(all);
    gw_config_drop(bare);
    gw_config_drop(c);
}

/* One of everything, no value a default. */
static const char everything[] = "# a comment\n"
                                 "   # and another\n"
                                 "\n"
                                 "Port 2022\n"
                                 "listenaddress 127.0.0.1:2200\r\n"
                                 "ListenAddress [::1]:2201 # behind a value\n"
                                 "LISTENADDRESS 10.0.0.1\n"
                                 "HostKey /keys/a\n"
                                 "HostKey \"/keys/b c\"\n"
                                 "HostCertificate none\n"
                                 "HostCertificate /keys/a-cert.pub\n"
                                 "AuthorizedKeysFile /keys/%u /shared/%%x\n"
                                 "AuthorizedKeysFile /more\n"
                                 "Workers 3\n"
                                 "LoginGraceTime 1h30m\n"
                                 "MaxAuthTries=4\n"
                                 "RequiredRSASize 3072\n"
                                 "PubkeyAuthOptions verify-required none Touch-required\n"
                                 "MaxStartups = 10:50:60\n"
                                 "PerSourceMaxStartups 7\n"
                                 "PerSourceNetBlockSize 24:56\n"
                                 "ClientAliveInterval 15s\n"
                                 "ClientAliveCountMax 2\n"
                                 "RekeyLimit 16M 1h\n"
                                 "Ciphers chacha20-poly1305@openssh.com,aes256-ctr\n"
                                 "MACs hmac-sha2-512\n"
                                 "Compression delayed\n"
                                 "KexAlgorithms ecdh-sha2-nistp256\n"
                                 "HostKeyAlgorithms rsa-sha2-256\n"
                                 "Banner '/etc/the \"banner\"'\n"
                                 "LogLevel verbose\n"
                                 "QueueErrors detailed\n"
                                 "User nobody\n"
                                 "AuditLog /var/log/audit\n"
                                 "PidFile /run/pid\n"
                                 "ControlSocket /run/sluice/control.sock\n"
                                 "MaxChannels 100\n"
                                 "MaxChannelsPerUser 9\n"
                                 "PermitListen 8080 Localhost:* [::1]:22 *:9\n"
                                 "GatewayPorts ClientSpecified\n"
                                 "StreamLocalBindDirectory /run/s\n"
                                 "StreamLocalBindMask 0117\n"
                                 "StreamLocalBindUnlink yes\n"
                                 "HardStopAfter 1d\n"
                                 "WindowBudget 256M\n"
                                 "Group dev alice bob\n"
                                 "Group ops carol\n"
                                 "Queue Web\n"
                                 "    Target Backend.Internal:80\n"
                                 "    Target [2001:db8::1]:8080\n"
                                 "    Balance roundrobin\n"
                                 "    ConnectTimeout 2m\n"
                                 "    Allow @dev dave\n"
                                 "    Allow *\n"
                                 "queue anything\n"
                                 "    Target dial\n"
                                 "    Route *.Internal:22 10.0.0.0/8:*\n"
                                 "    Route [fd00::/8]:1000-2000 db.internal.:5432\n"
                                 "Queue own\n"
                                 "    Target builtin:echo\n"
                                 "    Target builtin:discard\n"
                                 "    Target Builtin:Source\n"
                                 "    Target builtin:http\n";

Test(config, every_keyword_lands_in_its_field)
{
    struct gw_config *c = parse(everything);
    char text[GW_ADDR_TEXT];
    cr_assert_eq(c->listen_count, 3);
    cr_assert_str_eq(gw_addr_port_text(&c->listen[0].address, text), "127.0.0.1:2200");
    cr_assert_str_eq(gw_addr_port_text(&c->listen[1].address, text), "[::1]:2201");
    cr_assert_str_eq(gw_addr_port_text(&c->listen[2].address, text), "10.0.0.1:2022");
    cr_assert(c->host_key_count == 2 && !strcmp(c->host_keys[0], "/keys/a") && !strcmp(c->host_keys[1], "/keys/b c"));
    cr_assert(c->host_certificate_count == 1 && !strcmp(c->host_certificates[0], "/keys/a-cert.pub"));
    cr_assert_eq(c->keys_file_count, 3);
    cr_assert(!strcmp(c->keys_files[0], "/keys/%u") && !strcmp(c->keys_files[1], "/shared/%%x") &&
              !strcmp(c->keys_files[2], "/more"));
    cr_assert_eq(c->workers, 3);
    cr_assert_eq(c->login_grace_ns, 5400 * second_ns);
    cr_assert_eq(c->max_auth_tries, 4);
    cr_assert_eq(c->required_rsa_bits, 3072);
    cr_assert(c->touch_required && c->verify_required);
    cr_assert(c->startups_begin == 10 && c->startups_rate == 50 && c->startups_full == 60);
    cr_assert_eq(c->per_source_startups, 7);
    cr_assert(c->net_block_v4 == 24 && c->net_block_v6 == 56);
    cr_assert(c->alive_interval_ns == 15 * second_ns && c->alive_count == 2);
    cr_assert(c->rekey_bytes == 16u << 20 && c->rekey_ns == 3600 * second_ns);
    cr_assert_str_eq(c->ciphers, "chacha20-poly1305@openssh.com,aes256-ctr");
    cr_assert_str_eq(c->macs, "hmac-sha2-512");
    cr_assert(c->compression);
    cr_assert_str_eq(c->kex, "ecdh-sha2-nistp256");
    cr_assert_str_eq(c->host_key_algs, "rsa-sha2-256");
    cr_assert_str_eq(c->banner_path, "/etc/the \"banner\"");
    cr_assert_null(c->banner, "a parsed text opens no file");
    cr_assert_eq(c->log_level, GW_LOG_VERBOSE);
    cr_assert(c->queue_errors_detailed);
    cr_assert_str_eq(c->user, "nobody");
    cr_assert_str_eq(c->audit_log, "/var/log/audit");
    cr_assert_str_eq(c->pid_file, "/run/pid");
    cr_assert_str_eq(c->control_socket, "/run/sluice/control.sock");
    cr_assert(c->max_channels == 100 && c->max_channels_per_user == 9);
    cr_assert_eq(c->permit_listen_count, 4);
    cr_assert(!strcmp(c->permit_listens[0].host, "*") && c->permit_listens[0].port == 8080);
    cr_assert(!strcmp(c->permit_listens[1].host, "Localhost") && c->permit_listens[1].port == 0);
    cr_assert(!strcmp(c->permit_listens[2].host, "::1") && c->permit_listens[2].port == 22);
    cr_assert_eq(c->gateway_ports, GW_GATEWAY_PORTS_CLIENT);
    cr_assert_str_eq(c->stream_local_directory, "/run/s");
    cr_assert(c->stream_local_mask == 0117 && c->stream_local_unlink);
    cr_assert_eq(c->hard_stop_ns, 86400 * second_ns);
    cr_assert_eq(c->window_budget_bytes, 256u << 20);
    gw_config_drop(c);
}

Test(config, groups_and_queues_keep_what_their_blocks_say)
{
    struct gw_config *c = parse(everything);
    cr_assert_eq(c->group_count, 2);
    cr_assert(!strcmp(c->groups[0].name, "dev") && c->groups[0].member_count == 2 && !strcmp(c->groups[0].members[1], "bob"));
    cr_assert_eq(c->queue_count, 3);

    const struct gw_queue_config *web = &c->queues[0], *dial = &c->queues[1], *own = &c->queues[2];
    cr_assert_str_eq(web->name, "web");
    cr_assert_eq(web->target_count, 2);
    cr_assert_eq(web->targets[0].kind, GW_TARGET_TCP);
    cr_assert_str_eq(web->targets[0].host, "backend.internal");
    cr_assert_eq(web->targets[0].port, 80);
    cr_assert_str_eq(web->targets[0].text, "Backend.Internal:80");
    cr_assert_str_eq(web->targets[1].host, "2001:db8::1");
    cr_assert_eq(web->targets[1].port, 8080);
    cr_assert_eq(web->connect_timeout_ns, 120 * second_ns);
    cr_assert(web->allow_count == 3 && !strcmp(web->allow[0].who, "@dev") && !strcmp(web->allow[2].who, "*"));

    cr_assert_eq(dial->targets[0].kind, GW_TARGET_DIAL);
    cr_assert_eq(dial->connect_timeout_ns, 10 * second_ns);
    cr_assert_eq(dial->route_count, 4);
    cr_assert_not(dial->routes[0].is_cidr);
    cr_assert_str_eq(dial->routes[0].glob, "*.internal");
    cr_assert(dial->routes[0].port_low == 22 && dial->routes[0].port_high == 22);
    cr_assert(dial->routes[1].is_cidr && dial->routes[1].port_low == 0 && dial->routes[1].port_high == 65535);
    cr_assert(dial->routes[2].is_cidr && dial->routes[2].cidr.family == AF_INET6);
    cr_assert(dial->routes[2].port_low == 1000 && dial->routes[2].port_high == 2000);
    cr_assert_str_eq(dial->routes[3].glob, "db.internal");
    cr_assert_eq(dial->allow_count, 0);

    cr_assert_eq(own->target_count, 4);
    cr_assert(own->targets[0].kind == GW_TARGET_ECHO && own->targets[1].kind == GW_TARGET_DISCARD);
    cr_assert(own->targets[2].kind == GW_TARGET_SOURCE && own->targets[3].kind == GW_TARGET_HTTP);
    cr_assert_str_eq(own->targets[2].text, "builtin:source");
    gw_config_drop(c);
}

Test(config, what_is_printed_reads_back_to_the_same)
{
    static const char *const texts[] = {
        "",
        everything,
        "AuthorizedKeysFile none\nPerSourceMaxStartups none\nBanner none\nRekeyLimit default 2h\nLogLevel QUIET\n",
        "RekeyLimit 64K none\nHostKey \"/a\\\"b\\\\c#=d\"\nListenAddress ::\nMaxStartups 5\n",
        "PubkeyAuthOptions verify-required\n",
        "PermitListen any\nGatewayPorts yes\n",
        "PermitListen none\n",
        "ListenAddress 127.0.0.1:1\nListenAddress [::1]:2 proxy-from 10.0.0.0/8 ::ffff:192.0.2.0/120 fd00::/8\n",
        "PubkeyAuthOptions touch-required\n",
        "Queue q\nTarget h:1 check\nTarget h:2 check check-type ssh inter 3s fall 1 rise 9 slowstart 1m timeout 2s\n"
        "Target h:3 rise 2 check check-type HTTP check-path \"/a#\\\"b\" check-status 204\n",
        "Queue q\nTarget 10.0.0.1:1\nRoute *:* 0.0.0.0/0:80 [::1]:1-2 ??.example:9\n",
        "Queue q\nTarget \"unix:/run/a b\" check send-proxy-v2\nTarget h:1 send-proxy-v2\nRoute unix:/run/* 'unix:/A b\\\\c' h:1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct gw_config *first = parse(texts[i]);
        char *once = print(first);
        struct gw_config *second = parse(once);
        char *twice = print(second);
        cr_assert_str_eq(once, twice);
        free(once);
        free(twice);
        gw_config_drop(first);
        gw_config_drop(second);
    }
}

Test(config, the_printed_form_is_lower_case_and_one_keyword_a_line)
{
    struct gw_config *c = parse(
        "HostKey \"/a b\"\nRekeyLimit 1M 1h\nGroup dev alice bob\nQueue Q\n Target dial\n Route [FD00::/8]:22\n Allow @dev *\n"
        "Queue R\n Target a:1 BACKUP weight 3 maxconn 7\n Target builtin:echo weight 1\n Balance Source\n MaxConn 10\n"
        " PerUserMaxConn 2\n MaxQueue 5\n QueueTimeout 1m30s\n HoldForConsumer yes\n Retries 0\n"
        " Allow alice@10.0.0.0/8 fd00::/8 alice@10.0.0.0/8\n Deny @dev 10.0.0.1\n"
        " AcceptReverse *\n MixReverse Yes\n ReverseOwner First\n ReverseMaxConn 3\n");
    char *text = print(c);
    static const char *const lines[] = {
        "\nhostkey \"/a b\"\n",
        "listenaddress 0.0.0.0:2222\n",
        "\nrekeylimit 1048576 3600\n",
        "\nlogingracetime 120\n",
        "\nbanner none\n",
        "\nloglevel INFO\n",
        "\ngroup dev alice bob\n",
        "\npersourcemaxstartups none\n",
        "\nmaxstartups 100:30:1000\n",
        "\npermitlisten none\n",
        "\ngatewayports no\n",
        "\nstreamlocalbinddirectory none\n",
        "\nstreamlocalbindmask 0177\n",
        "\nstreamlocalbindunlink no\n",
        "\nqueue q\n    target dial\n    route [fd00::/8]:22\n    allow @dev\n    allow *\n    "
        "mixreverse no\n    reverseowner any\n    reversemaxconn none\n    balance roundrobin\n    maxconn none\n    "
        "perusermaxconn none\n    maxqueue 1000\n    queuetimeout 10\n    "
        "holdforconsumer no\n    retries 3\n    connecttimeout 10\n",
        "\nqueue r\n    target a:1 maxconn 7 weight 3 backup\n    target builtin:echo\n    allow alice@10.0.0.0/8\n    "
        "allow *@fd00::/8\n    deny @dev\n    deny *@10.0.0.1\n    acceptreverse *\n    mixreverse yes\n    reverseowner first\n   "
        " reversemaxconn 3\n    balance source\n    maxconn 10\n    peruser"
        "maxconn 2\n    maxqueue 5\n    queuetimeout 90\n    holdforconsumer yes\n    retries 0\n    connecttimeout 10\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_assert(strstr(text, lines[i]), "%s\nnot in\n%s", lines[i], text);
    free(text);
    gw_config_drop(c);
}

Test(config, the_first_value_wins_where_one_is_kept)
{
    struct gw_config *c = parse("Workers 1\nworkers 2\nBanner none\nBanner /b\nLogLevel DEBUG3\nLogLevel INFO\n"
                                "Queue a\nTarget h:1\nConnectTimeout 1\nConnectTimeout 2\nQueue b\nTarget h:1\nConnectTimeout 3\n");
    cr_assert_eq(c->workers, 1);
    cr_assert_null(c->banner_path);
    cr_assert_eq(c->log_level, GW_LOG_DEBUG);
    cr_assert_eq(c->queues[0].connect_timeout_ns, second_ns);
    cr_assert_eq(c->queues[1].connect_timeout_ns, 3 * second_ns);
    gw_config_drop(c);
}

Test(config, lists_hold_nothing_twice)
{
    struct gw_config *c =
        parse("ListenAddress 127.0.0.1\nListenAddress ::ffff:127.0.0.1\nPort 1\nPort 2\nPort 1\nHostKey /a\nHostKey /a\n"
              "Group g a a\n");
    cr_assert_eq(c->listen_count, 2);
    cr_assert(c->listen[0].address.port == 1 && c->listen[1].address.port == 2);
    cr_assert_eq(c->host_key_count, 1);
    cr_assert_eq(c->groups[0].member_count, 1);
    gw_config_drop(c);
}

Test(config, a_listener_for_proxies_is_one_on_every_port)
{
    struct gw_config *c = parse("Port 1\nPort 2\nListenAddress ::1 PROXY-FROM 10.0.0.0/8 fd00::1\nListenAddress 127.0.0.1\n");
    char text[GW_ADDR_TEXT];
    cr_assert_eq(c->listen_count, 4);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(c->listen[i].proxy_count, i < 2 ? 2 : 0);
    cr_assert_str_eq(gw_cidr_text(&c->listen[1].proxies[0], text), "10.0.0.0/8");
    cr_assert_str_eq(gw_cidr_text(&c->listen[1].proxies[1], text), "fd00::1");
    gw_config_drop(c);
}

Test(config, no_key_file_is_a_choice)
{
    struct gw_config *c = parse("AuthorizedKeysFile none\n");
    cr_assert_eq(c->keys_file_count, 0);
    gw_config_drop(c);
}

Test(config, a_long_list_of_words_is_read)
{
    char *text = malloc(8192), *at = text;
    at += sprintf(at, "Group many");
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, " u%d", i);
    struct gw_config *c = parse(text);
    cr_assert_eq(c->groups[0].member_count, 1000);
    gw_config_drop(c);
    free(text);
}

static void assert_list(const char *line, size_t offset, const char *want)
{
    struct gw_config *c = parse(line);
    const char *list = *(char **)(void *)((char *)c + offset);
    cr_assert_str_eq(list, want, "%s: %s", line, list);
    gw_config_drop(c);
}

Test(algorithms, edits_apply_to_the_defaults)
{
    static const size_t ciphers = offsetof(struct gw_config, ciphers), kex = offsetof(struct gw_config, kex),
                        macs = offsetof(struct gw_config, macs);
    assert_list("Ciphers aes256-ctr,aes128-ctr,aes256-ctr", ciphers, "aes256-ctr,aes128-ctr");
    assert_list("Ciphers -aes*-ctr", ciphers, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com");
    assert_list("Ciphers -*cbc*,chacha20-poly1305@openssh.com,aes?*-ctr", ciphers, "aes128-gcm@openssh.com,aes256-gcm@openssh.com");
    assert_list("Ciphers ^aes256-ctr", ciphers,
                "aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr");
    assert_list("KexAlgorithms +ecdh-sha2-nistp256", kex,
                "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
                "curve25519-sha256@libssh.org,ecdh-sha2-nistp256");
    assert_list("KexAlgorithms ^curve*", kex,
                "curve25519-sha256,curve25519-sha256@libssh.org,mlkem768x25519-sha256,sntrup761x25519-sha512,"
                "sntrup761x25519-sha512@openssh.com");
    assert_list("MACs *-etm@openssh.com", macs,
                "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com,umac-64-etm@openssh.com");
}

Test(snapshot, the_last_user_frees)
{
    const struct gw_config *c = parse("Workers 2\n");
    cr_assert_eq(gw_config_hold(c), c);
    gw_config_drop(c);
    cr_assert_eq(c->workers, 2);
    gw_config_drop(c);
}

/* SPDX-License-Identifier: MIT */
#include "bench/load/names.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_ROOM = 128, PORTS_AN_ADDRESS = 20000 }; /* of Linux's 28,000 ephemeral ports: some are in use, or were just now */

const char load_host_key_algs[] =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256";

/* ---- places ---- */

bool load_place_parse(struct load_place *out, const char *text, uint32_t usual_port)
{
    const char *host = text, *end = text + strlen(text), *port = NULL;
    if (*text == '[') {
        host = text + 1;
        end = strchr(host, ']');
        if (!end || (end[1] != 0 && end[1] != ':'))
            return false;
        port = end[1] ? end + 2 : NULL;
    } else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
        end = strchr(text, ':');
        port = end + 1;
    }
    size_t len = (size_t)(end - host);
    if (len == 0 || len > MUX_HOST_MAX)
        return false;
    memcpy(out->host, host, len);
    out->host[len] = 0;
    out->port = usual_port;
    if (!port)
        return true;
    char *rest;
    unsigned long value = strtoul(port, &rest, 10);
    out->port = (uint32_t)value;
    return *port >= '0' && *port <= '9' && *rest == 0 && value >= 1 && value <= 65535;
}

const char *load_place_resolve(const struct load_place *place, struct gw_addr *out)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    int err = getaddrinfo(place->host, NULL, &hints, &found);
    if (err != 0)
        return gai_strerror(err);
    bool good = gw_addr_from_sockaddr(out, found->ai_addr);
    out->port = (uint16_t)place->port;
    freeaddrinfo(found);
    return good ? NULL : "no IP address";
}

size_t load_sources_for(const struct gw_addr *server, unsigned connections, struct gw_addr out[LOAD_SOURCES_MAX])
{
    size_t wanted = connections / PORTS_AN_ADDRESS + 1;
    if (server->family != AF_INET || server->bytes[0] != 127 || wanted == 1)
        return 0;
    if (wanted > LOAD_SOURCES_MAX)
        wanted = LOAD_SOURCES_MAX;
    for (size_t i = 0; i < wanted; i++)
        out[i] = (struct gw_addr){ .family = AF_INET, .bytes = { 127, 0, 0, (uint8_t)(i + 1) } };
    return wanted;
}

/* ---- algorithms ---- */

static bool stands_for(const char *name, const char *word, size_t len)
{
    return strncmp(name, word, len) == 0 && (name[len] == 0 || name[len] == '@');
}

static const char *find(const char *(*at)(size_t i), const char *word, size_t len)
{
    const char *name;
    size_t i = 0;
    while ((name = at(i)) && !stands_for(name, word, len))
        i++;
    return name;
}

static void tell_names(const char *(*at)(size_t i), char *out, size_t room)
{
    const char *name;
    for (size_t i = 0, used = 0; (name = at(i)) && used < room; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%s", i > 0 ? ", " : "", name);
}

static bool find_all(const char *(*at)(size_t i), const char *words, const char *option, char *out, size_t room, char *error,
                     size_t error_room)
{
    size_t used = 0;
    out[0] = 0;
    for (const char *word = words; *word; word += *word == ',') {
        size_t len = strcspn(word, ",");
        const char *name = find(at, word, len);
        if (!name || used + strlen(name) + 2 > room) {
            int head = snprintf(error, error_room, "--%s: there is no '%.*s', but ", option,
                                (int)(len < NAME_ROOM ? len : NAME_ROOM), word);
            tell_names(at, error + head, error_room - (size_t)head);
            return false;
        }
        used += (size_t)snprintf(out + used, room - used, "%s%s", used > 0 ? "," : "", name);
        word += len;
    }
    return used > 0;
}

bool load_names_ciphers(const char *words, char *out, size_t room, char *error, size_t error_room)
{
    static const char usual[] = "aes128-gcm,aes256-gcm,chacha20-poly1305,aes128-ctr,aes192-ctr,aes256-ctr";
    return find_all(cx_cipher_name_at, words ? words : usual, "cipher", out, room, error, error_room);
}

bool load_names_macs(const char *words, char *out, size_t room, char *error, size_t error_room)
{
    static const char usual[] = "hmac-sha2-256-etm,hmac-sha2-512-etm,umac-128-etm,hmac-sha2-256,hmac-sha2-512";
    return find_all(cx_mac_name_at, words ? words : usual, "mac", out, room, error, error_room);
}

bool load_names_kex(const char *words, char *out, size_t room, char *error, size_t error_room)
{
    static const char usual[] = "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
                                "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group14-sha256";
    return find_all(cx_kex_name_at, words ? words : usual, "kex", out, room, error, error_room);
}

/* ---- keys ---- */

const char *load_key_read(const char *path, char **text)
{
    struct cx_private_key *key;
    FILE *f = fopen(path, "re");
    if (!f)
        return strerror(errno);
    *text = calloc(1, CX_KEY_FILE_MAX + 1);
    size_t len = *text ? fread(*text, 1, CX_KEY_FILE_MAX, f) : 0;
    fclose(f);
    if (!*text)
        return "out of memory";
    if (cx_private_key_parse(cx_view(*text, len), cx_view(NULL, 0), &key) != CX_OK)
        return "not a private key, or one with a passphrase";
    cx_private_key_free(key);
    return NULL;
}

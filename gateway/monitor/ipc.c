/* SPDX-License-Identifier: MIT */
/* The records of ipc.h on the wire:
 *
 *   byte version, byte type, uint64 id, string body          (RFC 4251 section 5's types; several in a datagram)
 *
 * The schema of each body stands in one function for writing and one for reading. What a reader accepts is capped field by field,
 * so that whatever it accepts fits in a datagram of its own. */
#include "gateway/monitor/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/kex/group.h"
#include "crypto/wire.h"

enum {
    HEADER_BYTES = 1 + 1 + 8 + 4,
    KEXINIT_MAX = 64 * 1024, /* above MUX_PACKET_PREAUTH_MAX and above ten name-lists of MUX_NAME_LIST_MAX */
};

static const uint8_t KEYS_OPENED = 1, KEYS_LAST = 2, KEYS_PATH_HAS_USER = 4;

bool gw_ipc_record_has_fd(const struct gw_ipc_record *r)
{
    switch (r->type) {
    case GW_IPC_CONFIG:
    case GW_IPC_LISTENERS:
    case GW_IPC_WORKER:
    case GW_IPC_ADMIN:
        return true;
    case GW_IPC_KEYS:
        return r->keys.opened;
    default:
        return false;
    }
}

bool gw_ipc_pair(int pair[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        /* the kernel doubles it for its own bookkeeping; two datagrams fit even under Debian's net.core.wmem_max */
        int room = GW_IPC_DATAGRAM_MAX + 32 * 1024;
        if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0) {
            int why = errno;
            close(pair[0]);
            close(pair[1]);
            errno = why;
            return false;
        }
    }
    return true;
}

bool gw_ipc_out_init(struct gw_ipc_out *o)
{
    *o = (struct gw_ipc_out){ .bytes = malloc(GW_IPC_DATAGRAM_MAX) };
    return o->bytes != NULL;
}

void gw_ipc_out_deinit(struct gw_ipc_out *o)
{
    free(o->bytes);
    *o = (struct gw_ipc_out){ 0 };
}

static void put_sign(struct cx_writer *w, const struct gw_ipc_record *r)
{
    cx_writer_raw(w, cx_view(r->sign.connection, GW_IPC_CONNECTION_BYTES));
    cx_writer_bool(w, r->sign.first);
    cx_writer_u32(w, r->sign.host_key);
    cx_writer_string(w, r->sign.alg);
    cx_writer_string(w, r->sign.kex);
    cx_writer_string(w, r->sign.inputs.v_c);
    cx_writer_string(w, r->sign.inputs.v_s);
    cx_writer_string(w, r->sign.inputs.i_c);
    cx_writer_string(w, r->sign.inputs.i_s);
    cx_writer_string(w, r->sign.inputs.q_c);
    cx_writer_string(w, r->sign.inputs.q_s);
    cx_writer_string(w, r->sign.inputs.k);
    cx_writer_u32(w, r->sign.inputs.gex.min);
    cx_writer_u32(w, r->sign.inputs.gex.preferred);
    cx_writer_u32(w, r->sign.inputs.gex.max);
    cx_writer_string(w, r->sign.inputs.gex.prime);
    cx_writer_string(w, r->sign.inputs.gex.generator);
}

static void put_body(struct cx_writer *w, const struct gw_ipc_record *r)
{
    switch (r->type) {
    case GW_IPC_SIGN:
        put_sign(w, r);
        break;
    case GW_IPC_PROVE:
        cx_writer_raw(w, cx_view(r->prove.connection, GW_IPC_CONNECTION_BYTES));
        cx_writer_u32(w, r->prove.host_key);
        cx_writer_string(w, r->prove.alg);
        break;
    case GW_IPC_OPEN_KEYS:
        cx_writer_string(w, r->open_keys.user);
        cx_writer_u32(w, r->open_keys.index);
        break;
    case GW_IPC_FORGET:
    case GW_IPC_AUDIT:
    case GW_IPC_SIGNED:
        cx_writer_raw(w, r->bytes);
        break;
    case GW_IPC_KEYS:
        cx_writer_u8(w, (uint8_t)((r->keys.opened ? KEYS_OPENED : 0) | (r->keys.last ? KEYS_LAST : 0) |
                                  (r->keys.path_has_user ? KEYS_PATH_HAS_USER : 0)));
        cx_writer_string(w, r->keys.reason);
        break;
    default: /* the type and the id say it all */
        break;
    }
}

bool gw_ipc_put(struct gw_ipc_out *o, const struct gw_ipc_record *r, int fd)
{
    if (fd >= 0 && o->fd_count == GW_IPC_FDS_MAX)
        return false;
    struct cx_writer w = cx_writer((struct cx_span){ o->bytes + o->used, GW_IPC_DATAGRAM_MAX - o->used });
    cx_writer_u8(&w, GW_IPC_VERSION);
    cx_writer_u8(&w, (uint8_t)r->type);
    cx_writer_u64(&w, r->id);
    cx_writer_u32(&w, 0); /* the body's length, known below */
    put_body(&w, r);
    if (!cx_writer_ok(&w))
        return false;
    cx_store_u32(o->bytes + o->used + HEADER_BYTES - 4, (uint32_t)(w.used - HEADER_BYTES));
    o->used += w.used;
    if (fd >= 0)
        o->fds[o->fd_count++] = fd;
    return true;
}

int gw_ipc_send(struct gw_ipc_out *o, int socket)
{
    if (o->used == 0)
        return 1;
    union {
        struct cmsghdr header; /* for its alignment */
        uint8_t bytes[CMSG_SPACE(sizeof o->fds)];
    } control;
    struct iovec iov = { o->bytes, o->used };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    if (o->fd_count > 0) {
        memset(&control, 0, sizeof control);
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(o->fd_count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(o->fd_count * sizeof(int));
        memcpy(CMSG_DATA(c), o->fds, o->fd_count * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    o->used = 0;
    o->fd_count = 0;
    return 1;
}

static void take_fds(struct msghdr *m, int fds[GW_IPC_FDS_MAX], unsigned *fd_count)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count && *fd_count < GW_IPC_FDS_MAX; i++)
            memcpy(&fds[(*fd_count)++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

ssize_t gw_ipc_receive(int socket, uint8_t *room, int fds[GW_IPC_FDS_MAX], unsigned *fd_count)
{
    union {
        struct cmsghdr header; /* for its alignment */
        uint8_t bytes[CMSG_SPACE(GW_IPC_FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = { room, GW_IPC_DATAGRAM_MAX };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    *fd_count = 0;
    ssize_t n;
    do
        n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET)); /* the latter once, if it went with datagrams of ours unread: what
                                                               * it sent before that is still to be had */
    if (n < 0)
        return -1;
    take_fds(&m, fds, fd_count);
    if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
        return n;
    while (*fd_count > 0)
        close(fds[--*fd_count]);
    errno = EMSGSIZE;
    return -1;
}

static struct cx_view read_capped(struct cx_reader *in, size_t most)
{
    struct cx_view v = cx_reader_string(in);
    if (v.len > most)
        cx_reader_fail(in);
    return v;
}

static void read_connection(struct cx_reader *in, char out[GW_IPC_CONNECTION_BYTES])
{
    struct cx_view connection = cx_reader_raw(in, GW_IPC_CONNECTION_BYTES);
    if (connection.len == GW_IPC_CONNECTION_BYTES)
        memcpy(out, connection.data, GW_IPC_CONNECTION_BYTES);
}

static void read_sign(struct cx_reader *in, struct gw_ipc_record *r)
{
    read_connection(in, r->sign.connection);
    r->sign.first = cx_reader_bool(in);
    r->sign.host_key = cx_reader_u32(in);
    r->sign.alg = read_capped(in, GW_IPC_NAME_MAX);
    r->sign.kex = read_capped(in, GW_IPC_NAME_MAX);
    r->sign.inputs.v_c = read_capped(in, MUX_IDENT_MAX);
    r->sign.inputs.v_s = read_capped(in, MUX_IDENT_MAX);
    r->sign.inputs.i_c = read_capped(in, KEXINIT_MAX);
    r->sign.inputs.i_s = read_capped(in, KEXINIT_MAX);
    r->sign.inputs.q_c = read_capped(in, CX_KEX_PUBLIC_MAX);
    r->sign.inputs.q_s = read_capped(in, CX_KEX_PUBLIC_MAX);
    r->sign.inputs.k = read_capped(in, CX_KEX_SHARED_MAX);
    r->sign.inputs.gex.min = cx_reader_u32(in);
    r->sign.inputs.gex.preferred = cx_reader_u32(in);
    r->sign.inputs.gex.max = cx_reader_u32(in);
    r->sign.inputs.gex.prime = read_capped(in, CX_GROUP_VALUE_MAX);
    r->sign.inputs.gex.generator = read_capped(in, CX_GROUP_VALUE_MAX);
    r->sign.inputs.kex = cx_kex_find(r->sign.kex);
    /* a group where there is none to be exchanged would make another hash than the method's */
    if (!r->sign.inputs.kex || cx_kex_wants_group(r->sign.inputs.kex) != (r->sign.inputs.gex.prime.len > 0))
        cx_reader_fail(in);
}

static void read_keys(struct cx_reader *in, struct gw_ipc_record *r)
{
    uint8_t flags = cx_reader_u8(in);
    r->keys.opened = (flags & KEYS_OPENED) != 0;
    r->keys.last = (flags & KEYS_LAST) != 0;
    r->keys.path_has_user = (flags & KEYS_PATH_HAS_USER) != 0;
    r->keys.reason = read_capped(in, GW_IPC_REASON_MAX);
}

static bool read_body(struct cx_view body, struct gw_ipc_record *r)
{
    struct cx_reader in = cx_reader(body);
    switch (r->type) {
    case GW_IPC_SIGN:
        read_sign(&in, r);
        break;
    case GW_IPC_PROVE:
        read_connection(&in, r->prove.connection);
        r->prove.host_key = cx_reader_u32(&in);
        r->prove.alg = read_capped(&in, GW_IPC_NAME_MAX);
        break;
    case GW_IPC_FORGET:
        r->bytes = cx_reader_raw(&in, GW_IPC_CONNECTION_BYTES);
        break;
    case GW_IPC_OPEN_KEYS:
        r->open_keys.user = read_capped(&in, GW_IPC_NAME_MAX);
        r->open_keys.index = cx_reader_u32(&in);
        break;
    case GW_IPC_AUDIT:
        r->bytes = cx_reader_raw(&in, body.len);
        return body.len <= GW_IPC_AUDIT_MAX;
    case GW_IPC_SIGNED:
        r->bytes = cx_reader_raw(&in, body.len);
        return body.len <= CX_SIGNATURE_MAX;
    case GW_IPC_KEYS:
        read_keys(&in, r);
        break;
    default:
        break;
    }
    return cx_reader_done(&in);
}

int gw_ipc_next(struct cx_view *datagram, struct gw_ipc_record *r)
{
    if (datagram->len == 0)
        return 0;
    struct cx_reader in = cx_reader(*datagram);
    *r = (struct gw_ipc_record){ 0 };
    uint8_t version = cx_reader_u8(&in), type = cx_reader_u8(&in);
    r->id = cx_reader_u64(&in);
    struct cx_view body = cx_reader_string(&in);
    if (!cx_reader_ok(&in) || version != GW_IPC_VERSION || type == 0 || type >= GW_IPC_TYPE_COUNT)
        return -1;
    r->type = (enum gw_ipc_type)type;
    if (!read_body(body, r))
        return -1;
    *datagram = in.left;
    return 1;
}

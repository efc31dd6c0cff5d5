/* SPDX-License-Identifier: MIT */
/* See signer_process.h. A signer holds what is needed for signing and nothing else: every descriptor but its socket is closed, and
 * it reads nothing but fixed records of the monitor. It stays the monitor's user: as any other, a process of that user could end
 * it, and as the engine's the engine could. */
#include "gateway/monitor/signer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/monitor/ipc.h"
#include "mux/connection/host_keys.h"

static void sign_one(const struct gw_host_keys *keys, const struct gw_signer_request *request, int socket)
{
    uint8_t signature[CX_SIGNATURE_MAX] = { 0 };
    size_t len = sizeof signature;
    uint8_t proof[MUX_PROOF_MAX];
    struct cx_view data = cx_view(request->bytes, request->len);
    if (request->task == GW_SIGNER_PROOF)
        data = mux_host_key_proof((struct cx_span){ proof, sizeof proof }, data, keys->public_keys[request->key].blob);
    if (data.len == 0 || cx_private_key_sign(keys->keys[request->key], request->alg, data, signature, &len) != CX_OK) {
        signature[0] = 0;
        len = 1;
    }
    ssize_t n;
    do
        n = send(socket, signature, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
}

static void prepare(int socket)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* it ends when the monitor's end does, not by a Ctrl-C meant for the monitor */
    if (socket > STDERR_FILENO + 1)
        close_range(STDERR_FILENO + 1, (unsigned)socket - 1, 0);
    close_range((unsigned)socket + 1, UINT_MAX, 0);
    fcntl(socket, F_SETFL, 0); /* this process has nothing better to do than to wait */
    prctl(PR_SET_NAME, "sluiced-signer", 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    gw_host_keys_lock_memory();
}

static _Noreturn void run(const struct gw_host_keys *keys, int socket)
{
    prepare(socket);
    for (;;) {
        struct gw_signer_request request;
        ssize_t n = recv(socket, &request, sizeof request, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof request)
            break;
        sign_one(keys, &request, socket);
    }
    struct gw_host_keys mine = *keys;
    gw_host_keys_free(&mine);
    _exit(0);
}

pid_t gw_signer_process_start(const struct gw_host_keys *keys, int *socket)
{
    int pair[2];
    if (!gw_ipc_pair(pair))
        return -1;
    pid_t pid = fork();
    if (pid == 0)
        run(keys, pair[1]);
    int why = errno;
    close(pair[1]);
    if (pid > 0)
        *socket = pair[0];
    else
        close(pair[0]);
    errno = why;
    return pid;
}

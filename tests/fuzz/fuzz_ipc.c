/* SPDX-License-Identifier: MIT */
/* Fuzzes gw_ipc_next: the input is a datagram from the other process, which may be hostile. What parses fits into a datagram of
 * ours, and says the same there. */
#include <string.h>

#include "fuzz.h"
#include "gateway/monitor/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cx_view datagram = cx_view(data, size);
    struct gw_ipc_record r, again;
    struct gw_ipc_out out, twice;
    require(gw_ipc_out_init(&out) && gw_ipc_out_init(&twice));
    for (size_t left = datagram.len; gw_ipc_next(&datagram, &r) == 1; left = datagram.len) {
        require(datagram.len < left);
        out.used = twice.used = 0;
        require(gw_ipc_put(&out, &r, -1));
        struct cx_view mine = cx_view(out.bytes, out.used);
        require(gw_ipc_next(&mine, &again) == 1 && mine.len == 0);
        require(again.type == r.type && again.id == r.id && gw_ipc_record_has_fd(&again) == gw_ipc_record_has_fd(&r));
        require(gw_ipc_put(&twice, &again, -1));
        require(cx_view_equal(cx_view(out.bytes, out.used), cx_view(twice.bytes, twice.used)));
    }
    gw_ipc_out_deinit(&out);
    gw_ipc_out_deinit(&twice);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* The engine process: every socket and thread of the gateway, and no private key. Its main thread makes the acceptor and the
 * workers from what the monitor sends, hands them new snapshots and the order to drain, and ends with the monitor. */
#ifndef GW_ENGINE_H
#define GW_ENGINE_H

/* Runs the engine on the control socket until it is drained (0), the monitor is gone (0), or it cannot go on (255). Privileges were
 * dropped, and the log was opened, before. Signals are the monitor's: INT and HUP are ignored, TERM ends the process. */
int gw_engine_main(int control_fd);

/* Logs and ends the process at once: for what leaves nothing to go on with. The monitor starts another. Any thread. */
_Noreturn __attribute__((format(printf, 1, 2))) void gw_engine_die(const char *format, ...);

#endif

/* SPDX-License-Identifier: MIT */
/* What no honest engine sends: packets of any content, sealed with a side's own keys and put behind what it has sent already;
 * and a way to bring the other side into any phase first. */
#ifndef INJECT_H
#define INJECT_H

#include "mux/session_priv.h"
#include "pair.h"

struct pair_side *inject_other(struct pair *p, struct pair_side *side);

/* Puts a packet of `from` into the other side's inbox. */
void inject_bytes(struct pair *p, struct pair_side *from, const void *payload, size_t len);
/* The same from fields: b byte, u uint32, s a C string as string, z a string of so many zero bytes, r a struct cx_view * raw. */
void inject(struct pair *p, struct pair_side *from, const char *format, ...);
size_t inject_build(uint8_t *out, size_t room, const char *format, ...);

/* Feeds what was injected and moves what comes of it both ways; what the side returned last. */
enum mux_err inject_run(struct pair *p, struct pair_side *target);

/* Feeds a side what stands in its inbox, past its application: the event that comes of it, NONE where none does; more than one
 * aborts. Its bytes live until the next call. */
struct mux_event inject_take(struct pair *p, struct pair_side *side);
/* The same with what the other side owes now. */
struct mux_event inject_pass(struct pair *p, struct pair_side *from);

/* Runs the pair, a packet of the peer's at a time, until `target` is in this phase of receiving. */
bool inject_reach(struct pair *p, struct pair_side *target, enum mux_phase phase);

/* Checks that the side which has failed says so: its peer got a DISCONNECT with the error's reason. */
bool inject_disconnects(struct pair *p, struct pair_side *failed);

#endif

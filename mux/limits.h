/* SPDX-License-Identifier: MIT */
/* Every count and length that a peer controls inside the engine has its cap here. */
#ifndef MUX_LIMITS_H
#define MUX_LIMITS_H

enum {
    MUX_IDENT_MAX = 255,              /* an identification line with CR LF: RFC 4253 section 4.2 */
    MUX_IDENT_PRELUDE_LINES = 64,     /* client role: lines a server may send before it */
    MUX_USER_NAME_MAX = 1024,         /* of USERAUTH_REQUEST, as it comes */
    MUX_AUTH_SECRET_MAX = 8192,       /* a password, or the response to a prompt */
    MUX_AUTH_PROMPTS_MAX = 100,       /* a round of keyboard-interactive */
    MUX_AUTH_ROUNDS_MAX = 64,         /* client role: rounds a request */
    MUX_PACKET_PREAUTH_MAX = 35000,   /* packet_length before authentication: RFC 4253 section 6.1 */
    MUX_PACKET_MAX = 256 * 1024,      /* packet_length after it */
    MUX_CHANNEL_PACKET_MAX = 32768,   /* data a packet that we accept, and most that we send */
    MUX_CHANNEL_PACKET_MIN = 1,       /* a peer's maximum packet size below this is refused */
    MUX_CHANNELS_MAX = 16384,         /* a connection, unless configured lower */
    MUX_HOST_MAX = 255,               /* a host's name or address in a forwarding message */
    MUX_SOCKET_PATH_MAX = 1024,       /* a path in one */
    MUX_SESSION_NAME_MAX = 256,       /* names in requests on sessions: of variables, terminals, subsystems, signals */
    MUX_ENV_VALUE_MAX = 16 * 1024,    /* a variable's value */
    MUX_COMMAND_MAX = 128 * 1024,     /* exec's: one argument of Linux's execve */
    MUX_TTY_MODES_MAX = 256,          /* entries */
    MUX_EXIT_MESSAGE_MAX = 4096,      /* exit-signal's text */
    MUX_REPLIES_MAX = 128,            /* ordered replies owed; reading stops when full … */
    MUX_REPLIES_REKEY_MAX = 256,      /* … but for a key exchange that must get through; past this the connection ends */
    MUX_REQUESTS_OUT_MAX = 16,        /* our own requests with want_reply in flight */
    MUX_NAME_LIST_MAX = 4096,         /* a name-list of KEXINIT */
    MUX_EXTENSIONS_MAX = 256,         /* of EXT_INFO */
    MUX_PROVE_KEYS_MAX = 8,           /* host keys that are announced, and proven once a connection */
    MUX_PING_MAX = 256,               /* data of a PING; longer ones are dropped */
    MUX_GEX_PREFERRED_BITS = 3072,    /* client role: a group about as strong as 128-bit keys */
    MUX_REKEY_PACKETS = 1u << 31,     /* RFC 4344 section 3.1 */
    MUX_REKEY_BURST = 256,            /* key exchanges that a peer may ask for in a row … */
    MUX_REKEY_REFILL_NS = 20000000,   /* … one more each 20 ms, */
    MUX_REKEY_REFILL_BYTES = 1 << 20, /* and each MiB moved */
    MUX_STAGING_OUT = MUX_CHANNEL_PACKET_MAX + 1024, /* a payload before it is deflated */
    MUX_STAGING_IN = MUX_PACKET_MAX + 1,             /* one inflated, and a byte that shows that it is too long */
    MUX_STAGING_BYTES = MUX_STAGING_OUT + MUX_STAGING_IN,
    MUX_DEFLATE_A_PRODUCE = 64 * 1024, /* channel data deflated at a time: what comes out may be a thousandth of it */
    MUX_WINDOW_INITIAL = 128 * 1024,
    MUX_WINDOW_OPENSSH_MAX = 16 * 1024 * 1024, /* its windows: see connection/window.c */
    MUX_WINDOW_MAX = 64 * 1024 * 1024,         /* a channel, where the process's budget allows it */
    MUX_LANE_BYTES = 16 * 1024,                /* a packet on the wire, where the MAC has lanes and we serve: produce.c */
    MUX_PRODUCE_BYTES = 64 * 1024,             /* a larger area is no faster, … */
    MUX_PARKED_MAX = 128 * 1024,               /* … but where the MAC has lanes; most sealed bytes that a socket did not take */
};

#endif

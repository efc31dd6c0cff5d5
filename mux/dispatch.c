/* SPDX-License-Identifier: MIT */
/* Which message is legal when, and from whom: one constant table. What stands there and is not legal now disconnects;
 * a number that does not stand there is answered by UNIMPLEMENTED once keys are in use (RFC 4253 section 11.4), and
 * disconnects before that and during a key exchange. */
#include "mux/session_priv.h"

enum sender { BY_CLIENT = 1, BY_SERVER = 2, BY_ANY = 3 };

enum { PH_ANY = PH_INIT | PH_KEX_FIRST | PH_SERVICE | PH_AUTH | PH_OPEN | PH_REKEY };

struct rule {
    uint8_t phases, sender;
    mux_handler *handler;
};

static const struct rule rules[MUX_MSG_COUNT] = {
    [MUX_MSG_DISCONNECT] = { PH_ANY, BY_ANY, mux_on_disconnect },
    [MUX_MSG_IGNORE] = { PH_ANY, BY_ANY, mux_on_ignore },
    [MUX_MSG_UNIMPLEMENTED] = { PH_ANY, BY_ANY, mux_on_ignore },
    [MUX_MSG_DEBUG] = { PH_ANY, BY_ANY, mux_on_ignore },
    [MUX_MSG_SERVICE_REQUEST] = { PH_SERVICE | PH_AUTH, BY_CLIENT, mux_on_service_request },
    [MUX_MSG_SERVICE_ACCEPT] = { PH_SERVICE, BY_SERVER, mux_on_service_accept },
    [MUX_MSG_EXT_INFO] = { PH_SERVICE | PH_AUTH, BY_ANY, mux_on_ext_info },
    [MUX_MSG_KEXINIT] = { PH_INIT | PH_OPEN, BY_ANY, mux_on_kexinit },
    [MUX_MSG_NEWKEYS] = { PH_KEX_FIRST | PH_REKEY, BY_ANY, mux_on_newkeys },
    [MUX_MSG_KEX_INIT] = { PH_KEX_FIRST | PH_REKEY, BY_CLIENT, mux_on_kex_init },
    [MUX_MSG_KEX_REPLY] = { PH_KEX_FIRST | PH_REKEY, BY_SERVER, mux_on_kex_reply },
    [MUX_MSG_GEX_INIT] = { PH_KEX_FIRST | PH_REKEY, BY_CLIENT, mux_on_gex_init },
    [MUX_MSG_GEX_REPLY] = { PH_KEX_FIRST | PH_REKEY, BY_SERVER, mux_on_gex_reply },
    [MUX_MSG_GEX_REQUEST] = { PH_KEX_FIRST | PH_REKEY, BY_CLIENT, mux_on_gex_request },
    [MUX_MSG_USERAUTH_REQUEST] = { PH_AUTH | PH_OPEN, BY_CLIENT, mux_on_userauth_request },
    [MUX_MSG_USERAUTH_FAILURE] = { PH_AUTH, BY_SERVER, mux_on_userauth_failure },
    [MUX_MSG_USERAUTH_SUCCESS] = { PH_AUTH, BY_SERVER, mux_on_userauth_success },
    [MUX_MSG_USERAUTH_BANNER] = { PH_AUTH, BY_SERVER, mux_on_userauth_banner },
    [MUX_MSG_USERAUTH_PK_OK] = { PH_AUTH, BY_SERVER, mux_on_userauth_60 },
    [MUX_MSG_USERAUTH_INFO_RESPONSE] = { PH_AUTH, BY_CLIENT, mux_on_userauth_info_response },
    [MUX_MSG_GLOBAL_REQUEST] = { PH_OPEN, BY_ANY, mux_on_global_request },
    [MUX_MSG_REQUEST_SUCCESS] = { PH_OPEN, BY_ANY, mux_on_request_success },
    [MUX_MSG_REQUEST_FAILURE] = { PH_OPEN, BY_ANY, mux_on_request_failure },
    [MUX_MSG_CHANNEL_OPEN] = { PH_OPEN, BY_ANY, mux_on_channel_open },
    [MUX_MSG_CHANNEL_OPEN_CONFIRMATION] = { PH_OPEN, BY_ANY, mux_on_open_confirmation },
    [MUX_MSG_CHANNEL_OPEN_FAILURE] = { PH_OPEN, BY_ANY, mux_on_open_failure },
    [MUX_MSG_CHANNEL_WINDOW_ADJUST] = { PH_OPEN, BY_ANY, mux_on_window_adjust },
    [MUX_MSG_CHANNEL_DATA] = { PH_OPEN, BY_ANY, mux_on_channel_data },
    [MUX_MSG_CHANNEL_EXTENDED_DATA] = { PH_OPEN, BY_ANY, mux_on_channel_extended },
    [MUX_MSG_CHANNEL_EOF] = { PH_OPEN, BY_ANY, mux_on_channel_eof },
    [MUX_MSG_CHANNEL_CLOSE] = { PH_OPEN, BY_ANY, mux_on_channel_close },
    [MUX_MSG_CHANNEL_REQUEST] = { PH_OPEN, BY_ANY, mux_on_channel_request },
    [MUX_MSG_CHANNEL_SUCCESS] = { PH_OPEN, BY_ANY, mux_on_channel_success },
    [MUX_MSG_CHANNEL_FAILURE] = { PH_OPEN, BY_ANY, mux_on_channel_failure },
    /* of the transport by nature, if not by number, and not counted among what ends a connection during a rekey */
    [MUX_MSG_PING] = { PH_SERVICE | PH_AUTH | PH_OPEN | PH_REKEY, BY_ANY, mux_on_ping },
};

enum mux_phase mux_phase_of(const struct mux_session *s)
{
    if (!s->heard_kexinit)
        return PH_INIT;
    if (s->kex && s->kex->got_init && !s->kex->got_newkeys)
        return s->keyed_once ? PH_REKEY : PH_KEX_FIRST;
    if (s->authenticated)
        return PH_OPEN;
    return s->service_accepted ? PH_AUTH : PH_SERVICE;
}

static enum mux_err unimplemented(struct mux_session *s, enum mux_phase phase)
{
    if (phase & (PH_INIT | PH_KEX_FIRST | PH_REKEY))
        return MUX_E_ILLEGAL;
    return mux_reply_push(s, &(struct mux_reply){ .kind = REPLY_UNIMPLEMENTED, .ready = true, .channel = s->packet_seq });
}

enum mux_err mux_dispatch(struct mux_session *s, struct cx_span payload, uint32_t seq, struct mux_event *ev)
{
    if (payload.len == 0)
        return MUX_E_MALFORMED;
    s->packet_seq = seq;
    enum mux_phase phase = mux_phase_of(s);
    uint8_t number = payload.data[0];
    uint8_t sender = s->config->server ? BY_CLIENT : BY_SERVER;
    const struct rule *rule = &rules[number];
    /* one packet after a wrong guess is dropped unseen, whatever it holds: RFC 4253 section 7 */
    if (s->kex && s->kex->skip_guess && number != MUX_MSG_DISCONNECT) {
        s->kex->skip_guess = false;
        return number >= 30 && number <= 49 ? MUX_OK : MUX_E_ILLEGAL;
    }
    if (!rule->handler)
        return unimplemented(s, phase);
    if (!(rule->phases & phase) || !(rule->sender & sender))
        return MUX_E_ILLEGAL;
    return rule->handler(s, (struct cx_span){ payload.data + 1, payload.len - 1 }, ev);
}

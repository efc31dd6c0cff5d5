# SPDX-License-Identifier: MIT
"""libssh2's own API, as far as a tunnel needs it. Calls block; one thread a session."""
import ctypes
import ctypes.util
import socket

HOSTKEY_SHA256 = 3


def _load():
    library = ctypes.CDLL(ctypes.util.find_library("ssh2") or "libssh2.so.1")
    pointer, text, size, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int
    for name, result, *arguments in (
        ("libssh2_init", number, number),
        ("libssh2_session_init_ex", pointer, pointer, pointer, pointer, pointer),
        ("libssh2_session_set_timeout", None, pointer, ctypes.c_long),
        ("libssh2_session_handshake", number, pointer, number),
        ("libssh2_session_methods", text, pointer, number),
        ("libssh2_hostkey_hash", pointer, pointer, number),
        ("libssh2_userauth_publickey_fromfile_ex", number, pointer, text, ctypes.c_uint, text, text, text),
        ("libssh2_session_last_error", number, pointer, ctypes.POINTER(text), pointer, number),
        ("libssh2_channel_direct_tcpip_ex", pointer, pointer, text, number, text, number),
        ("libssh2_channel_write_ex", ctypes.c_ssize_t, pointer, number, text, size),
        ("libssh2_channel_read_ex", ctypes.c_ssize_t, pointer, number, text, size),
        ("libssh2_channel_send_eof", number, pointer),
        ("libssh2_channel_free", number, pointer),
        ("libssh2_session_disconnect_ex", number, pointer, number, text, text),
        ("libssh2_session_free", number, pointer),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Session:
    """A connection to the gateway, logged in; the host key must be the one of that SHA-256 digest."""

    def __init__(self, port: int, user: str, key, host_digest: bytes):
        self.library = _load()
        self.library.libssh2_init(0)
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.session = self.library.libssh2_session_init_ex(None, None, None, None)
        self.library.libssh2_session_set_timeout(self.session, 60_000)
        self._check(self.library.libssh2_session_handshake(self.session, self.socket.fileno()))
        assert ctypes.string_at(self.library.libssh2_hostkey_hash(self.session, HOSTKEY_SHA256), 32) == host_digest
        name, path = user.encode(), str(key).encode()
        self._check(
            self.library.libssh2_userauth_publickey_fromfile_ex(self.session, name, len(name), path + b".pub", path, None)
        )

    def _check(self, result):
        if result < 0:
            text = ctypes.c_char_p()
            self.library.libssh2_session_last_error(self.session, ctypes.byref(text), None, 0)
            raise AssertionError(f"libssh2: {result}: {text.value}")
        return result

    def methods(self) -> dict[str, str]:
        """What was negotiated: key exchange, host key, cipher."""
        names = {"kex": 0, "host key": 1, "cipher": 2}
        return {name: self.library.libssh2_session_methods(self.session, number).decode() for name, number in names.items()}

    def tunnel(self, host: str, port: int):
        channel = self.library.libssh2_channel_direct_tcpip_ex(self.session, host.encode(), port, b"127.0.0.1", 1)
        if not channel:
            self._check(-1)
        return Tunnel(self, channel)

    def close(self):
        self.library.libssh2_session_disconnect_ex(self.session, 11, b"done", b"")
        self.library.libssh2_session_free(self.session)
        self.socket.close()


class Tunnel:
    def __init__(self, session: Session, channel):
        self.session, self.channel, self.library = session, channel, session.library

    def sendall(self, data: bytes):
        sent = 0
        while sent < len(data):
            part = data[sent : sent + (1 << 18)]
            sent += self.session._check(self.library.libssh2_channel_write_ex(self.channel, 0, part, len(part)))

    def end(self):
        self.session._check(self.library.libssh2_channel_send_eof(self.channel))

    def recv(self, count: int) -> bytes:
        """As a socket's: empty at the end."""
        room = ctypes.create_string_buffer(count)
        length = self.session._check(self.library.libssh2_channel_read_ex(self.channel, 0, room, count))
        return room.raw[:length]

    def close(self):
        self.session._check(self.library.libssh2_channel_free(self.channel))

# SPDX-License-Identifier: MIT
"""SSH packets by hand: in the clear before a key exchange, and through paramiko's transport after it."""
import os
import socket
import struct
import threading

import paramiko

KEXINIT, NEWKEYS, DISCONNECT = 20, 21, 1
KEX_NAMES = ("curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "none", "none", "", "")
PROTOCOL_ERROR, KEY_EXCHANGE_FAILED, MAC_ERROR, SERVICE_NOT_AVAILABLE, VERSION_NOT_SUPPORTED = 2, 3, 5, 7, 8


def string(data) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return struct.pack(">I", len(data)) + data


def kexinit(names=KEX_NAMES, follows=False) -> bytes:
    return bytes([KEXINIT]) + os.urandom(16) + b"".join(map(string, names)) + bytes([follows]) + bytes(4)


def packet(payload: bytes, padding=None, length=None) -> bytes:
    """A packet in the clear; padding and length may be lies."""
    if padding is None:
        padding = 8 - (5 + len(payload)) % 8
        padding += 8 if padding < 4 else 0
    if length is None:
        length = 1 + len(payload) + padding
    return struct.pack(">IB", length, padding) + payload + bytes(padding)


class Plain:
    """A TCP connection to the gateway that speaks what a test tells it to, before any key exchange."""

    def __init__(self, gateway, ident=b"SSH-2.0-test\r\n"):
        self.socket = socket.create_connection(("127.0.0.1", gateway.port))
        self.socket.settimeout(60)
        self.buffer = b""
        self.socket.sendall(ident)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the gateway has already said what it thinks

    def line(self) -> bytes:
        while b"\n" not in self.buffer:
            self._more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def packet(self) -> bytes:
        """The next packet's payload."""
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">I", self.buffer[:4])[0]:
            self._more()
        length, padding = struct.unpack(">IB", self.buffer[:5])
        payload, self.buffer = self.buffer[5 : 4 + length - padding], self.buffer[4 + length :]
        return payload

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def disconnect_reason(self) -> int:
        """Reads on to the DISCONNECT and to the end of the stream; the reason code."""
        while (payload := self.packet())[0] != DISCONNECT:
            pass
        try:
            while True:
                self._more()
        except EOFError:
            return struct.unpack(">I", payload[1:5])[0]


class Spoken(paramiko.Transport):
    """A connection with encryption, on which a test may send any message; keeps the DISCONNECT's reason."""

    def __init__(self, gateway, compressed=False):
        self.raw = socket.create_connection(("127.0.0.1", gateway.port))
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a message waits for no other's acknowledgement
        super().__init__(self.raw)
        self.reason = None
        self.ended = threading.Event()
        security = self.get_security_options()
        security.ciphers = ("aes128-ctr",)
        security.digests = ("hmac-sha2-256-etm@openssh.com",)
        security.kex = ("curve25519-sha256@libssh.org",)
        self.use_compression(compressed)
        self.start_client(timeout=60)

    def log_in(self, gateway, user="alice"):
        self.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(str(gateway.keys["alice"])))
        return self

    def send(self, payload: bytes):
        message = paramiko.Message()
        message.add_bytes(payload)
        self._send_message(message)

    def _parse_disconnect(self, message):
        self.reason = message.get_int()
        self.ended.set()
        super()._parse_disconnect(message)

    def disconnect_reason(self) -> int:
        assert self.ended.wait(60), "no DISCONNECT"
        return self.reason

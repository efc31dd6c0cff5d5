# SPDX-License-Identifier: MIT
"""Malformed, truncated, oversized and out-of-phase packets end their connection with a reason, and nothing else."""
import os
import random
import socket
import struct

import paramiko
import pytest

from support import wire
from support.client import connect, read_exactly
from support.wire import Plain, Spoken, kexinit, packet, string

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


@pytest.fixture
def witnessed(gateway, client):
    """A started gateway with another client's open tunnel, which must survive whatever the test does."""
    gateway.start(ECHO, "Compression yes")
    _, (path,) = client(gateway).forward("echo:1")
    engine = gateway.engine()
    with connect(path) as tunnel:
        yield gateway
        tunnel.sendall(b"alive")
        assert read_exactly(tunnel, 5) == b"alive"
    assert gateway.engine() == engine


def test_other_protocols_are_turned_away(witnessed):
    for ident in (b"GET / HTTP/1.1\r\n\r\n", b"SSH-1.5-old\r\n", b"SSH-2.0-" + b"x" * 300 + b"\r\n", b"\0" * 300, b"\r\n" * 3000):
        with Plain(witnessed, ident) as peer:
            try:
                while True:
                    peer.line()
            except (EOFError, ConnectionResetError):
                pass


def test_a_peer_that_says_nothing_or_half_a_line_may_leave(witnessed):
    for ident in (b"", b"SSH-", b"SSH-2.0-half"):
        with Plain(witnessed, ident) as peer:
            peer.line()


@pytest.mark.parametrize("name,data,reason", [
    ("a length below the least", packet(kexinit(), length=1), wire.PROTOCOL_ERROR),
    ("a length beyond 35,000", struct.pack(">IB", 35_001, 4) + bytes(40_000), wire.PROTOCOL_ERROR),
    ("a length of 4 GiB", b"\xff" * 64, wire.PROTOCOL_ERROR),
    ("a length that is no multiple of the block", packet(kexinit(), length=13), wire.PROTOCOL_ERROR),
    ("padding longer than the packet", packet(bytes(10), padding=200, length=12), wire.PROTOCOL_ERROR),
    ("padding too short", packet(b"\x02" + string(b"abc"), padding=3), wire.PROTOCOL_ERROR),
    ("an empty payload", packet(b""), wire.PROTOCOL_ERROR),
    ("KEXINIT cut short", packet(kexinit()[:40]), wire.PROTOCOL_ERROR),
    ("KEXINIT with bytes behind it", packet(kexinit() + b"behind"), wire.PROTOCOL_ERROR),
    ("KEXINIT with a name-list beyond its end", packet(bytes([20]) + bytes(16) + b"\xff\xff\xff\xff" + bytes(60)), wire.PROTOCOL_ERROR),
    ("NEWKEYS out of phase", packet(bytes([wire.NEWKEYS])), wire.PROTOCOL_ERROR),
    ("a login before the key exchange", packet(b"\x32" + string("alice") + string("ssh-connection") + string("none")), wire.PROTOCOL_ERROR),
    ("channel data before the key exchange", packet(b"\x5e" + bytes(4) + string("data")), wire.PROTOCOL_ERROR),
    ("a second KEXINIT", packet(kexinit()) + packet(kexinit()), wire.PROTOCOL_ERROR),
    ("a KEX reply from the wrong side", packet(kexinit()) + packet(b"\x1f" + string("x") * 3), wire.PROTOCOL_ERROR),
    ("a public value of the wrong length", packet(kexinit()) + packet(b"\x1e" + string(bytes(31))), wire.KEY_EXCHANGE_FAILED),
    ("a public value of low order", packet(kexinit()) + packet(b"\x1e" + string(bytes(32))), wire.KEY_EXCHANGE_FAILED),
    ("no cipher in common", packet(kexinit(("curve25519-sha256", "ssh-ed25519", "3des-cbc", "3des-cbc") + wire.KEX_NAMES[4:])),
     wire.KEY_EXCHANGE_FAILED),
    ("no method in common", packet(kexinit(("diffie-hellman-group1-sha1",) + wire.KEX_NAMES[1:])), wire.KEY_EXCHANGE_FAILED),
], ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "")
def test_in_the_clear(witnessed, name, data, reason):
    with Plain(witnessed) as peer:
        assert peer.line().startswith(b"SSH-2.0-")
        peer.send(data)
        assert peer.disconnect_reason() == reason, name


def test_strict_kex_forbids_an_ignore_before_newkeys(witnessed):
    names = ("curve25519-sha256,kex-strict-c-v00@openssh.com",) + wire.KEX_NAMES[1:]
    with Plain(witnessed) as peer:
        peer.line()
        peer.send(packet(kexinit(names)) + packet(b"\x02" + string("ignored")))
        assert peer.disconnect_reason() == wire.PROTOCOL_ERROR


def test_a_connection_cut_anywhere_harms_nobody(witnessed):
    stream = packet(kexinit()) + packet(b"\x1e" + string(os.urandom(32))) + packet(bytes([wire.NEWKEYS]))
    for length in range(0, len(stream), 7):
        with Plain(witnessed) as peer:
            peer.send(stream[:length])


def test_garbage_harms_nobody(witnessed):
    dice = random.Random(1)
    for _ in range(60):
        with Plain(witnessed) as peer:
            if dice.random() < 0.5:
                peer.send(packet(kexinit()))
            peer.send(dice.randbytes(dice.randrange(1, 5000)))
            peer.socket.shutdown(socket.SHUT_WR)
            try:
                while True:
                    peer._more()
            except (EOFError, ConnectionResetError):
                pass


OPEN = b"\x5a" + string("direct-tcpip") + struct.pack(">III", 0, 1 << 20, 32768)
TO_ECHO = string("echo") + struct.pack(">I", 1) + string("127.0.0.1") + struct.pack(">I", 1)


@pytest.mark.parametrize("name,payload", [
    ("a channel open", OPEN + TO_ECHO),
    ("a global request", b"\x50" + string("keepalive@openssh.com") + b"\x01"),
    ("a KEX init from the middle", b"\x1e" + string(bytes(32))),
    ("a login for another service", b"\x32" + string("alice") + string("ssh-other") + string("none")),
    ("a success from the client", b"\x34"),
], ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "")
def test_before_the_login(witnessed, name, payload):
    peer = Spoken(witnessed)
    peer.send(b"\x05" + string("ssh-userauth"))
    peer.send(payload)
    assert peer.disconnect_reason() in (wire.PROTOCOL_ERROR, wire.SERVICE_NOT_AVAILABLE), name


def test_an_unknown_service(witnessed):
    peer = Spoken(witnessed)
    peer.send(b"\x05" + string("ssh-nonsense"))
    assert peer.disconnect_reason() == wire.SERVICE_NOT_AVAILABLE


@pytest.mark.parametrize("name,payload", [
    ("data for a channel that does not exist", b"\x5e" + struct.pack(">I", 77) + string("x")),
    ("a close of a channel that does not exist", b"\x61" + struct.pack(">I", 77)),
    ("a window adjust cut short", b"\x5d\x00\x00"),
    ("a channel open cut short", OPEN[:20]),
    ("an open confirmation nobody waits for", b"\x5b" + struct.pack(">IIII", 77, 0, 1, 1)),
    ("a request success nobody waits for", b"\x51"),
    ("NEWKEYS", bytes([21])),
    ("a login answer", b"\x33" + string("publickey") + b"\x00"),
], ids=lambda value: value.replace(" ", "_") if isinstance(value, str) else "")
def test_after_the_login(witnessed, name, payload):
    peer = Spoken(witnessed).log_in(witnessed)
    peer.send(payload)
    assert peer.disconnect_reason() == wire.PROTOCOL_ERROR, name


def test_data_beyond_the_window(witnessed):
    """The echo's answer is not read, so no credit comes: whoever sends on breaks the protocol."""
    peer = Spoken(witnessed).log_in(witnessed)
    channel = peer.open_channel("direct-tcpip", ("echo", 1), ("127.0.0.1", 1), window_size=1 << 15, max_packet_size=1 << 15)
    data = b"\x5e" + struct.pack(">I", channel.remote_chanid) + string(bytes(32_000))
    try:
        for _ in range(4000):
            peer.send(data)
    except (OSError, EOFError, paramiko.SSHException):
        pass
    assert peer.disconnect_reason() == wire.PROTOCOL_ERROR


def test_a_broken_mac(witnessed):
    peer = Spoken(witnessed).log_in(witnessed)
    peer.raw.sendall(struct.pack(">I", 32) + os.urandom(32 + 32))
    assert peer.disconnect_reason() == wire.MAC_ERROR


def test_a_packet_beyond_the_largest(witnessed):
    peer = Spoken(witnessed).log_in(witnessed)
    peer.raw.sendall(struct.pack(">I", 256 * 1024 + 16) + os.urandom(1000))
    assert peer.disconnect_reason() == wire.PROTOCOL_ERROR


def test_a_payload_that_inflates_beyond_the_largest(witnessed):
    peer = Spoken(witnessed, compressed=True).log_in(witnessed)
    for _ in range(50):  # those that do not are a nuisance, and no more
        peer.send(b"\x02" + string(b"\0" * (256 * 1024 - 5)))
    peer.send(b"\x02" + string(b"\0" * (256 * 1024 - 4)))
    assert peer.disconnect_reason() == wire.PROTOCOL_ERROR


def test_a_payload_that_should_be_compressed_and_is_not(witnessed):
    peer = Spoken(witnessed, compressed=True).log_in(witnessed)
    peer.packetizer.set_outbound_compressor(None)
    peer.send(b"\x02" + string("in the clear"))
    assert peer.disconnect_reason() == wire.PROTOCOL_ERROR


@pytest.mark.parametrize("payload,count", [
    (b"\xc8hello", 1),  # RFC 4253 section 11.4: an unknown number is answered UNIMPLEMENTED
    (b"\x5a" + string("direct-tcpip") + struct.pack(">III", 9, 1, 0) + TO_ECHO, 1),  # packets of no size: the channel is refused
    (b"\x5a" + string("x11") + struct.pack(">III", 9, 1, 1), 1),
    (b"\x50" + string("nonsense@example.com") + b"\x01", 500),
    (b"\x02" + string("ignored"), 500),
], ids=("unknown", "no_size", "x11", "requests", "ignore"))
def test_what_is_refused_or_ignored_leaves_the_connection_alone(witnessed, payload, count):
    peer = Spoken(witnessed).log_in(witnessed)
    for _ in range(count):
        peer.send(payload)
    channel = peer.open_channel("direct-tcpip", ("echo", 1), ("127.0.0.1", 1))
    channel.sendall(b"still here")
    assert channel.recv(10) == b"still here"
    peer.close()

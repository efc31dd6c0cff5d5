# SPDX-License-Identifier: MIT
"""Every byte is carried, both ways, through key exchanges in the middle of the transfer, and to the last one at a close."""
import hashlib
import os
import re
import socket
import threading

import pytest

from support.backends import endless, pattern, pattern_digest, source
from support.client import connect, read_to_end
from support.transfer import MIB, transfer_bytes
from support.waiting import wait_until

SIZE = transfer_bytes(64)
# AEADs, and a cipher and a MAC beside each other
SUITES = (
    ["Ciphers aes128-gcm@openssh.com"],
    ["Ciphers aes256-gcm@openssh.com"],
    ["Ciphers chacha20-poly1305@openssh.com"],
    ["Ciphers aes128-ctr", "MACs hmac-sha2-256-etm@openssh.com"],
)
# some key exchanges a transfer, however large that is
REKEY_LIMIT = f"RekeyLimit {max(SIZE // 4, MIB)}"


@pytest.mark.parametrize("suite", SUITES)
def test_client_rekeys_in_the_middle(transfer, suite):
    transfer([*suite, REKEY_LIMIT], size=SIZE)


@pytest.mark.parametrize("suite", SUITES)
def test_gateway_rekeys_in_the_middle(transfer, suite):
    transfer(suite, REKEY_LIMIT, size=SIZE)


def test_both_sides_rekey(transfer):
    transfer(["RekeyLimit 1M"], "RekeyLimit 1M", size=min(SIZE, 64 * MIB))


@pytest.mark.parametrize("settings", ("", "RekeyLimit 1M"))
@pytest.mark.parametrize("options", ([], ["RekeyLimit 1M"]))
def test_compressed(transfer, gateway, options, settings):
    transfer(["Compression yes", "LogLevel DEBUG1", *options], f"Compression yes\n{settings}", size=min(SIZE, 16 * MIB))
    ssh_said = (gateway.directory / "ssh.stderr").read_text()
    assert "compression: zlib@openssh.com" in ssh_said and "compression: none" not in ssh_said


def test_compression_that_was_not_configured_is_not_negotiated(transfer, gateway):
    transfer(["Compression yes", "LogLevel DEBUG1"], size=MIB)
    assert "compression: zlib" not in (gateway.directory / "ssh.stderr").read_text()


def test_bytes_that_do_not_compress(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "Compression yes\nRekeyLimit 2M")
    _, (path,) = client(gateway, options=["Compression yes"]).forward("echo:1")
    sent = os.urandom(4 * MIB)
    with connect(path) as tunnel:
        feeder = threading.Thread(target=lambda: (tunnel.sendall(sent), tunnel.shutdown(socket.SHUT_WR)))
        feeder.start()
        assert read_to_end(tunnel) == sent
        feeder.join()


def test_compressed_tunnels_at_once(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "Compression yes")
    _, paths = client(gateway, options=["Compression yes"]).forward(*["echo:1"] * 10)
    tunnels = [connect(path) for path in paths]
    for turn in range(20):
        for number, tunnel in enumerate(tunnels):
            tunnel.sendall(b"%d %d " % (number, turn) * 1000)
    for number, tunnel in enumerate(tunnels):
        tunnel.shutdown(socket.SHUT_WR)
        assert read_to_end(tunnel) == b"".join(b"%d %d " % (number, turn) * 1000 for turn in range(20))
        tunnel.close()


def test_a_client_with_its_defaults_gets_a_post_quantum_key_exchange(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice")
    talk = client(gateway).run("-v", "-W", "echo:1", "gw", input=b"hello").stderr.decode()
    assert re.search(r"kex: algorithm: (mlkem768|sntrup761)x25519-sha", talk), talk


def test_both_directions_of_one_channel_at_once(gateway, client):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice", "RekeyLimit 4M")
    _, (path,) = client(gateway, options=["RekeyLimit 3M"]).forward("echo:1")
    size = min(SIZE, 64 * MIB)
    with connect(path) as tunnel:

        def feed():
            for chunk in pattern(size):
                tunnel.sendall(chunk)
            tunnel.shutdown(socket.SHUT_WR)

        feeder = threading.Thread(target=feed)
        feeder.start()
        seen = hashlib.sha256()
        while data := tunnel.recv(1 << 18):
            seen.update(data)
        feeder.join()
    assert seen.hexdigest() == pattern_digest(size)


def test_bytes_before_a_close_are_not_lost(gateway, client, backend):
    size = 500_000
    service = backend(source(size))
    gateway.start(f"Queue source\n Target {service.address}\n Allow alice")
    _, (path,) = client(gateway).forward("source:1")
    for _ in range(20):
        with connect(path) as tunnel:
            assert hashlib.sha256(read_to_end(tunnel)).hexdigest() == pattern_digest(size)


def test_bytes_before_the_clients_close_are_not_lost(gateway, client, backend):
    """The client half-closes and goes; the backend, a slow reader, still gets all of it."""
    size = 500_000
    seen = []

    def slow(connection):
        count = 0
        while data := connection.recv(2000):
            count += len(data)
        seen.append(count)

    service = backend(slow)
    gateway.start(f"Queue slow\n Target {service.address}\n Allow alice")
    one = client(gateway)
    for _ in range(5):
        assert one.run("-W", "slow:1", "gw", input=b"y" * size).returncode == 0
    assert seen == [size] * 5


def test_a_backend_that_ends_first_still_gets_what_follows(gateway, client, backend):
    """The other half-close: the backend says its last word, then reads on."""
    size = 500_000
    seen = []

    def last_word_first(connection):
        connection.sendall(b"that is all")
        connection.shutdown(socket.SHUT_WR)
        digest_of = hashlib.sha256()
        while data := connection.recv(1 << 16):
            digest_of.update(data)
        seen.append(digest_of.hexdigest())

    service = backend(last_word_first)
    gateway.start(f"Queue last\n Target {service.address}\n Allow alice")
    _, (path,) = client(gateway).forward("last:1")
    with connect(path) as tunnel:
        assert read_to_end(tunnel) == b"that is all"
        for chunk in pattern(size):
            tunnel.sendall(chunk)
        tunnel.shutdown(socket.SHUT_WR)
        wait_until(lambda: seen, "end of the stream at the backend")
    assert seen == [pattern_digest(size)]
    (record,) = gateway.wait_for_audit(event="tunnel")
    assert record["bytes_up"] == size and record["bytes_down"] == 11


def test_a_client_that_leaves_ends_the_backends_connection(gateway, client, backend):
    service = backend(endless)
    gateway.start(f"Queue endless\n Target {service.address}\n Allow alice")
    ssh, (path,) = client(gateway).forward("endless:1")
    with connect(path) as tunnel:
        assert tunnel.recv(1000)
        ssh.kill()
        (record,) = gateway.wait_for_audit(event="tunnel", queue="endless")
    assert record["bytes_down"] > 0

# SPDX-License-Identifier: MIT
"""Every suite carries every byte, both ways, through key exchanges in the middle of the transfer.
SLUICE_TRANSFER_MIB is the size of each transfer: 64 unless set, 16 under a sanitizer."""
import hashlib
import os
import re
import socket
import subprocess
import threading

import pytest

from support.backends import digest, endless, pattern, pattern_digest, source
from support.client import connect, read_to_end
from support.gateway import is_sanitized
from support.waiting import wait_until

MIB = 1 << 20
SIZE = int(os.environ.get("SLUICE_TRANSFER_MIB", "16" if is_sanitized() else "64")) * MIB
AEADS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
CTRS = ("aes128-ctr", "aes192-ctr", "aes256-ctr")
MACS = tuple(mac + etm for mac in ("hmac-sha2-256", "hmac-sha2-512") for etm in ("-etm@openssh.com", "")) + tuple(
    mac + etm + "@openssh.com" for mac in ("umac-128", "umac-64") for etm in ("-etm", "")
)
# each MAC once, and each cipher: the two are independent in every implementation's packet code but for their lengths
SUITES = [(cipher, None) for cipher in AEADS] + [("aes128-ctr", mac) for mac in MACS] + [(cipher, MACS[0]) for cipher in CTRS[1:]]


def suite_options(cipher, mac):
    return [f"Ciphers {cipher}"] + ([f"MACs {mac}"] if mac else [])


def suite_settings(mac):
    """The gateway's, which does not offer every MAC by itself."""
    return f"MACs {mac}\n" if mac else ""


def upload(one, size):
    """Sends the pattern through -W; returns what the digest backend answered after the half-close."""
    ssh = one.start("-W", "digest:1", "gw", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for chunk in pattern(size):
            ssh.stdin.write(chunk)
        ssh.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    answer = ssh.stdout.read()
    feeder.join()
    assert ssh.wait(60) == 0
    return answer.decode()


def download(one):
    ssh = one.start("-W", "source:1", "gw", stdout=subprocess.PIPE)
    seen = hashlib.sha256()
    while data := ssh.stdout.read(1 << 18):
        seen.update(data)
    assert ssh.wait(60) == 0
    return seen.hexdigest()


@pytest.fixture
def transfer(gateway, client, backend):
    """transfer(client options, gateway settings): up and down, equal digests."""

    def run(options, settings="", size=SIZE):
        up, down = backend(digest), backend(source(size))
        queues = f"Queue digest\n Target {up.address}\n Allow alice\nQueue source\n Target {down.address}\n Allow alice"
        gateway.start(queues, settings)
        one = client(gateway, options=options)
        assert upload(one, size) == pattern_digest(size)
        assert download(one) == pattern_digest(size)
        assert not up.errors and not down.errors
        for queue, field in (("digest", "bytes_up"), ("source", "bytes_down")):
            (record,) = gateway.wait_for_audit(event="tunnel", queue=queue)
            assert record[field] == size, record

    return run


@pytest.mark.parametrize("cipher,mac", SUITES)
def test_suite_carries_every_byte(transfer, cipher, mac):
    transfer(suite_options(cipher, mac), suite_settings(mac))


@pytest.mark.parametrize("cipher,mac", SUITES[:4])
def test_client_rekeys_in_the_middle(transfer, cipher, mac):
    transfer(suite_options(cipher, mac) + ["RekeyLimit 16M" if SIZE > 32 * MIB else "RekeyLimit 2M"], suite_settings(mac))


@pytest.mark.parametrize("cipher,mac", SUITES[:4])
def test_gateway_rekeys_in_the_middle(transfer, cipher, mac):
    transfer(suite_options(cipher, mac), suite_settings(mac) + ("RekeyLimit 16M" if SIZE > 32 * MIB else "RekeyLimit 2M"))


def test_both_sides_rekey(transfer):
    transfer(["RekeyLimit 1M"], "RekeyLimit 1M", min(SIZE, 64 * MIB))


# what the installed client may not know yet is left out: its own list says
KEX = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512",
    "sntrup761x25519-sha512@openssh.com",
    "mlkem768nistp256-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
)


@pytest.mark.parametrize("kex", KEX)
def test_key_exchange_method(transfer, kex):
    known = subprocess.run(["ssh", "-Q", "kex"], capture_output=True, text=True, check=True).stdout.split()
    if kex not in known:
        pytest.skip(f"this ssh does not speak {kex}")
    transfer([f"KexAlgorithms {kex}", "RekeyLimit 1M"], f"KexAlgorithms {kex}", 4 * MIB)


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

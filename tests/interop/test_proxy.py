# SPDX-License-Identifier: MIT
"""PROXY protocol: whose address a connection has that a proxy hands on, who is turned away at a listener for proxies, and what
services are told."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import pytest

from support.backends import echo
from support.client import read_exactly
from support.keys import public_line
from support.process import free_port
from support.waiting import wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ECHO = "Queue echo\n Target builtin:echo\n Allow *"
LINE = "PROXY TCP4 192.0.2.7 198.51.100.1 4711 2222\r\n"

# What ssh runs as its ProxyCommand: connects, writes the header, then copies.
COMMAND = """
import os, socket, sys, threading, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
header, pieces = bytes.fromhex(sys.argv[2]), int(sys.argv[3])
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for at in range(0, len(header), pieces):
    connection.sendall(header[at : at + pieces])
    time.sleep(0.005)
def down():
    while data := connection.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=down, daemon=True).start()
while data := os.read(0, 65536):
    connection.sendall(data)
connection.shutdown(socket.SHUT_WR)
time.sleep(60)
"""


def version_2(source="192.0.2.7", port=4711, command=0x21, tlvs=b""):
    addresses = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", port, 2222)
    return SIGNATURE + struct.pack(">BBH", command, 0x11, len(addresses) + len(tlvs)) + addresses + tlvs


@pytest.fixture
def proxied(gateway):
    """proxied(queues, settings, trusted): starts it with a second listener, for proxies; returns that one's port."""

    def start(queues=ECHO, settings="", trusted="127.0.0.0/8 ::1"):
        port = free_port()
        gateway.start(queues, f"{settings}\nListenAddress 127.0.0.1:{port} proxy-from {trusted}")
        return port

    return start


def through(client, gateway, port, header, pieces=1 << 16, **keywords):
    script = gateway.directory / "through.py"
    script.write_text(COMMAND)
    command = f"{sys.executable} {script} {port} {bytes(header).hex()} {pieces}"
    return client(gateway, options=[f"ProxyCommand {command}"], **keywords)


def carries(one):
    sent = os.urandom(100_000)
    result = one.run("-W", "echo:1", "gw", input=sent)
    assert result.stdout == sent, result.stderr


def ends(connection):
    """Whether the other side has closed, without a word."""
    connection.settimeout(60)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("header", [LINE.encode(), version_2(), version_2(tlvs=b"\x05\x00\x02id\x04\x00\x00")], ids=["1", "2", "tlvs"])
@pytest.mark.parametrize("pieces", [1 << 16, 1])
def test_the_clients_address_stands_in_log_and_audit(gateway, client, proxied, header, pieces):
    port = proxied()
    carries(through(client, gateway, port, header, pieces))
    gateway.wait_for_log(r"Connection from 192\.0\.2\.7 port 4711 on 127\.0\.0\.1 port \d+ through 127\.0\.0\.1:\d+ on conn=")
    gateway.wait_for_log(r"Accepted publickey for alice from 192\.0\.2\.7 port 4711 ssh2")
    for record in gateway.wait_for_audit(event="auth", result="success") + gateway.wait_for_audit(event="tunnel"):
        assert record["peer"] == "192.0.2.7:4711"
        assert record["proxy"].startswith("127.0.0.1:")


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", version_2(command=0x20)], ids=["unknown", "local"])
def test_where_the_proxy_does_not_say_the_sockets_address_holds(gateway, client, proxied, header):
    carries(through(client, gateway, proxied(), header))
    (record,) = gateway.wait_for_audit(event="tunnel")
    assert record["peer"] == record["proxy"] and record["peer"].startswith("127.0.0.1:")


def test_rules_judge_the_clients_address(gateway, client, proxied):
    port = proxied("Queue echo\n Target builtin:echo\n Allow *@192.0.2.0/24\n")
    carries(through(client, gateway, port, LINE.encode()))
    other = through(client, gateway, port, LINE.replace("192.0.2.7", "203.0.113.9").encode())
    assert b"not available" in other.run("-W", "echo:1", "gw").stderr


def test_limits_are_the_clients_own(gateway, proxied):
    port = proxied(settings="PerSourceMaxStartups 2")

    def come(source):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(LINE.replace("192.0.2.7", source).encode())
        connection.settimeout(60)
        return connection, connection.recv(7)

    held = [come("192.0.2.7") for _ in range(2)] + [come("192.0.2.8")]
    assert [said for _, said in held] == [b"SSH-2.0"] * 3
    refused, said = come("192.0.2.7")
    assert said == b"Exceede"
    gateway.wait_for_log(r"drop connection #\d+ from \[192\.0\.2\.7\]:4711 on \[127\.0\.0\.1\]:\d+ past MaxStartups")
    held[0][0].close()

    def is_let_in():
        connection, said = come("192.0.2.7")
        connection.close()
        return said == b"SSH-2.0"

    wait_until(is_let_in, "the slot of who has left")


def test_without_a_header_nobody_is_served(gateway, proxied):
    port = proxied()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        assert ends(connection)
    gateway.wait_for_log("its PROXY header is malformed")
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.settimeout(0.5)
        with pytest.raises(TimeoutError):
            silent.recv(1)  # not even the identification


def test_who_is_no_trusted_proxy_is_turned_away(gateway, client, proxied):
    port = proxied(trusted="10.0.0.0/8")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert ends(connection)
    gateway.wait_for_log(r"drop connection from 127\.0\.0\.1 port \d+: the listener is for proxies, of which it is none")
    carries(client(gateway))  # the other listener


def test_elsewhere_a_header_is_not_looked_for(gateway, proxied):
    proxied()
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(LINE.encode() + b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.settimeout(60)
        assert connection.recv(7) == b"SSH-2.0"
    gateway.wait_for_log(r"Connection from 127\.0\.0\.1 port \d+: invalid format|invalid format")
    assert "192.0.2.7" not in gateway.log()


def test_a_header_has_as_long_as_a_login(gateway, proxied):
    port = proxied(settings="LoginGraceTime 2s")
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"PROXY TCP4 192.0.2")
        assert ends(connection)
    assert 1.9 < time.monotonic() - began < 30
    gateway.wait_for_log("its PROXY header did not come in time")


def test_a_drain_does_not_wait_for_headers(gateway, proxied):
    port = proxied(settings="HardStopAfter 1h")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"PROXY ")
        time.sleep(0.3)
        gateway.signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0


def test_a_reload_changes_whom_a_listener_trusts(gateway, client, proxied):
    port = proxied(trusted="10.0.0.0/8")
    gateway.configure(ECHO, f"ListenAddress 127.0.0.1:{port} proxy-from 127.0.0.1")
    gateway.signal(signal.SIGHUP)
    one = through(client, gateway, port, LINE.encode())
    wait_until(lambda: one.run("-W", "echo:1", "gw", input=b"x").stdout == b"x", "trust in the proxy")


def haproxy(gateway, cleanup, sections):
    """Runs one by these sections of its configuration."""
    configuration = gateway.directory / "haproxy.cfg"
    configuration.write_text(f"defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n{sections}\n")
    running = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", configuration], stderr=subprocess.DEVNULL)
    cleanup.callback(running.wait)
    cleanup.callback(running.kill)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


needs_haproxy = pytest.mark.skipif(not shutil.which("haproxy", path="/usr/sbin:/usr/bin"), reason="haproxy is not installed")


@needs_haproxy
@pytest.mark.parametrize("word", ["send-proxy", "send-proxy-v2"])
def test_haproxy_stands_in_front(gateway, client, proxied, cleanup, word):
    port, front = proxied(), free_port()
    check = word.replace("-v2", "")
    haproxy(gateway, cleanup, f"listen ssh\n bind 127.0.0.1:{front}\n server gw 127.0.0.1:{port} {word} check inter 100ms check-{check}")
    wait_until(lambda: answers(front), "haproxy")
    one = client(gateway, options=[f"Port {front}", "HostKeyAlias gw"])
    with open(gateway.known_hosts, "a") as known:
        known.write(gateway.known_hosts.read_text().replace(f"[127.0.0.1]:{gateway.port}", "gw"))
    carries(one)
    (record,) = gateway.wait_for_audit(event="tunnel")
    assert record["peer"] != record["proxy"]


# ---- towards services: send-proxy-v2


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Headed:
    """A service that takes a header off each connection, then echoes. headers: what stood in them."""

    def __init__(self):
        self.headers = []

    def __call__(self, connection):
        fixed = read_exactly(connection, 16)
        assert fixed[:12] == SIGNATURE
        command, over, length = struct.unpack(">BBH", fixed[12:])
        body = read_exactly(connection, length)
        self.headers.append((command, over, self.fields(fixed, body) if length else {}))
        echo(connection)

    def fields(self, fixed, body):
        fields = {"source": (socket.inet_ntoa(body[:4]), *struct.unpack(">H", body[8:10])),
                  "destination": (socket.inet_ntoa(body[4:8]), *struct.unpack(">H", body[10:12]))}
        at = 12
        while at < len(body):
            kind, size = struct.unpack(">BH", body[at : at + 3])
            fields[kind] = body[at + 3 : at + 3 + size]
            if kind == 0x03:
                whole = fixed + body[: at + 3] + bytes(4) + body[at + 7 :]
                assert struct.unpack(">I", fields[kind]) == (crc32c(whole),)
            at += 3 + size
        return fields


def test_a_service_is_told_whose_tunnel_it_is(gateway, client, backend):
    headed = Headed()
    gateway.start(f"Queue Web\n Target 127.0.0.1:{free_port()} send-proxy-v2\n Target {backend(headed).address} send-proxy-v2\n Allow alice")
    for number in range(2):
        assert client(gateway).run("-W", "web:80", "gw", input=b"hello").stdout == b"hello"
        (record,) = [r for r in gateway.wait_for_audit(event="tunnel", count=number + 1)][number:]
        command, over, fields = headed.headers[number]
        assert (command, over) == (0x21, 0x11)
        host, _, port = record["peer"].rpartition(":")
        assert fields["source"] == (host, int(port))
        assert fields["destination"] == ("127.0.0.1", gateway.port)
        assert fields[0x05].decode() == f"{record['connection']}/{record['channel']}"
        assert (fields[0xE0], fields[0xE1].decode(), fields[0xE2]) == (b"alice", record["key"], b"web")
        assert 0x03 in fields


def test_it_is_told_no_name_that_the_key_does_not_prove(gateway, client, backend, keys):
    shared = gateway.directory / "shared"
    shared.write_text(f"{public_line(keys['alice'])}\n")
    shared.chmod(0o600)
    headed = Headed()
    gateway.start(f"Queue web\n Target {backend(headed).address} send-proxy-v2\n Allow *", f"AuthorizedKeysFile {shared}")
    assert client(gateway, user="root", key=keys["alice"]).run("-W", "web:80", "gw", input=b"hello").stdout == b"hello"
    fields = headed.headers[0][2]
    assert 0xE0 not in fields and fields[0xE1].startswith(b"SHA256:")


def test_it_is_told_the_client_that_a_proxy_in_front_names(client, gateway, proxied, backend):
    headed = Headed()
    port = proxied(f"Queue echo\n Target {backend(headed).address} send-proxy-v2\n Allow *")
    carries(through(client, gateway, port, LINE.encode()))
    assert headed.headers[0][2]["source"] == ("192.0.2.7", 4711)


def test_a_service_at_a_unix_socket_is_told_too(gateway, client, backend, cleanup):
    place = pathlib.Path(tempfile.mkdtemp(prefix="sluice-"))
    cleanup.callback(shutil.rmtree, place)
    place.chmod(0o755)
    headed = Headed()
    service = backend(headed, path=place / "app")
    (place / "app").chmod(0o777)
    gateway.start(f"Queue echo\n Target {service.address} send-proxy-v2\n Allow *")
    carries(client(gateway))
    assert headed.headers[0][2][0xE2] == b"echo"


def test_a_check_speaks_for_the_gateway_itself(gateway, backend):
    headed = Headed()
    gateway.start(f"Queue q\n Target {backend(headed).address} send-proxy-v2 check inter 1s\n Allow *")
    wait_until(lambda: len(headed.headers) >= 2, "checks")
    assert set(map(str, headed.headers)) == {str((0x20, 0, {}))}
    assert "is down" not in gateway.log()


def test_a_reload_turns_headers_on(gateway, client, backend):
    headed, plain = Headed(), "Queue echo\n Target %s%s\n Allow *"
    address = backend(headed).address
    gateway.start(plain % (address, ""))
    gateway.configure(plain % (address, " send-proxy-v2"))
    gateway.signal(signal.SIGHUP)
    one = client(gateway)
    wait_until(lambda: one.run("-W", "echo:1", "gw", input=b"x").stdout == b"x", "the header")


@needs_haproxy
def test_haproxy_stands_behind(gateway, client, cleanup):
    back = free_port()
    gateway.start(f"Queue web\n Target 127.0.0.1:{back} send-proxy-v2 check inter 1s check-type http\n Allow *")
    haproxy(gateway, cleanup, f"""
frontend web
 mode http
 bind 127.0.0.1:{back} accept-proxy
 http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[fc_pp_unique_id]"
""")
    gateway.wait_for_log("Member .* is up again")
    said = client(gateway).run("-W", "web:80", "gw", input=b"GET / HTTP/1.0\r\n\r\n").stdout
    (record,) = gateway.wait_for_audit(event="tunnel")
    assert said.endswith(f"\r\n\r\n{record['peer']} {record['connection']}/{record['channel']}".encode()), said

# SPDX-License-Identifier: MIT
"""Clients that are not OpenSSH's reach what is behind the gateway: PuTTY's plink, dropbear's dbclient, paramiko, libssh2."""
import base64
import functools
import hashlib
import os
import pathlib
import re
import socket
import subprocess

import paramiko
import pytest

from support.backends import pattern, pattern_digest
from support.keys import fingerprint, public_line
from support.libssh2 import Session
from support.process import free_port
from support.transfer import carry, transfer_bytes
from support.waiting import wait_until

SIZE = transfer_bytes(16)
# the gateway asks for key exchanges in the middle of each transfer, whatever the client does by itself
REKEYS = f"RekeyLimit {SIZE // 4}"
COMPAT = pathlib.Path(__file__).resolve().parents[2] / "deploy/examples/compat.conf"
OLDER = f"Include {COMPAT}"
ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


def plink(gateway, key, target):
    ppk = gateway.directory / f"{key.name}.ppk"
    subprocess.run(["puttygen", str(key), "-O", "private", "-o", str(ppk)], check=True)
    host = fingerprint(gateway.keys["host"])
    argv = ["plink", "-batch", "-noagent", "-noshare", "-hostkey", host, "-i", str(ppk), "-P", str(gateway.port), "-nc", target]
    return [*argv, "alice@127.0.0.1"]


def dbclient(gateway, key, target):
    converted = gateway.directory / f"{key.name}.dropbear"
    subprocess.run(["dropbearconvert", "openssh", "dropbear", str(key), str(converted)], check=True, capture_output=True)
    (gateway.directory / ".ssh").mkdir(exist_ok=True)
    # it knows hosts by their name alone
    (gateway.directory / ".ssh" / "known_hosts").write_text(f"127.0.0.1 {public_line(gateway.keys['host'])}\n")
    return ["dbclient", "-i", str(converted), "-p", str(gateway.port), "-B", target, "alice@127.0.0.1"]


def start(program, gateway, key, target, **streams):
    environment = {**os.environ, "HOME": str(gateway.directory)}
    return subprocess.Popen(program(gateway, key, target), env=environment, **streams)


PROGRAMS = (plink, dbclient)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_carries_every_byte(metered, keys, program):
    with metered(SIZE, REKEYS) as gateway:
        carry(*(functools.partial(start, program, gateway, keys["alice"], f"{queue}:1") for queue in ("digest", "source")), SIZE)


def echoes(program, gateway, key):
    streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    running = start(program, gateway, key, "echo:1", **streams)
    got, errors = running.communicate(b"hello", timeout=60)
    assert got == b"hello", errors


@pytest.mark.parametrize("kind", ("alice", "ecdsa", "rsa"))
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_logs_in_with_each_key_type(gateway, keys, program, kind):
    gateway.admit("alice", public_line(keys[kind]))
    gateway.start(ECHO)
    echoes(program, gateway, keys[kind])


@pytest.mark.parametrize("kind", ("ecdsa", "rsa"))
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_meets_each_host_key_type(gateway, keys, program, kind):
    gateway.keys = {**keys, "host": keys[kind]}
    gateway.start(ECHO)
    echoes(program, gateway, keys["alice"])


@pytest.mark.parametrize("kex", re.search(r"^KexAlgorithms \+(\S+)", COMPAT.read_text(), re.MULTILINE)[1].split(","))
def test_an_older_client_is_let_in_by_the_compat_sample(gateway, client, kex):
    options = (f"KexAlgorithms {kex}", "Ciphers aes128-ctr", "MACs hmac-sha2-256")
    gateway.start(ECHO, OLDER)
    assert client(gateway, options=options).run("-W", "echo:1", "gw", input=b"hello").stdout == b"hello"


def test_an_older_client_is_refused_without_it(gateway, client):
    gateway.start(ECHO)
    for option in ("KexAlgorithms ecdh-sha2-nistp256", "MACs hmac-sha2-256"):
        refused = client(gateway, options=("Ciphers aes128-ctr", option)).run("-W", "echo:1", "gw")
        assert refused.returncode == 255 and b"no matching" in refused.stderr


# ---- libraries ----


def carry_through(tunnel_to, size, quarter=lambda: None):
    """tunnel_to(queue): an object with sendall, end, recv and close. quarter() is called when a quarter has gone, either way."""
    up = tunnel_to("digest")
    sent = 0
    for chunk in pattern(size):
        if sent < size // 4 <= sent + len(chunk):
            quarter()
        up.sendall(chunk)
        sent += len(chunk)
    up.end()
    answer = b""
    while part := up.recv(1 << 16):
        answer += part
    up.close()
    assert answer.decode() == pattern_digest(size)
    down = tunnel_to("source")
    down.end()
    seen = hashlib.sha256()
    received = 0
    while part := down.recv(1 << 18):
        seen.update(part)
        if received < size // 4 <= received + len(part):
            quarter()
        received += len(part)
    down.close()
    assert seen.hexdigest() == pattern_digest(size)


class Paramiko(paramiko.Transport):
    """Logged in; the host key must be the gateway's."""

    def __init__(self, gateway, key):
        super().__init__(("127.0.0.1", gateway.port))
        host = public_line(gateway.keys["host"]).split()[1]
        self.start_client(timeout=60)
        assert base64.b64encode(self.get_remote_server_key().asbytes()).decode() == host
        self.auth_publickey("alice", key)

    def tunnel(self, queue):
        channel = self.open_channel("direct-tcpip", (queue, 1), ("127.0.0.1", 1), timeout=60)
        channel.settimeout(60)
        channel.end = channel.shutdown_write
        return channel


@pytest.fixture
def through_paramiko(cleanup):
    def make(gateway, key=None):
        made = Paramiko(gateway, key or paramiko.Ed25519Key.from_private_key_file(str(gateway.keys["alice"])))
        cleanup.callback(made.close)
        return made

    return make


def test_paramiko_carries_every_byte(metered, through_paramiko):
    with metered(SIZE, REKEYS) as gateway:
        carry_through(through_paramiko(gateway).tunnel, SIZE)


def test_paramiko_asks_for_new_keys_in_the_middle(metered, through_paramiko):
    """Not with its window's 2 MiB before an end: a CHANNEL_CLOSE between its KEXINIT and ours makes it wait for itself for 30 s."""
    with metered(SIZE) as gateway:
        transport = through_paramiko(gateway)
        first = transport.session_id
        hashes = [transport.H]
        carry_through(transport.tunnel, SIZE, quarter=lambda: (transport.renegotiate_keys(), hashes.append(transport.H)))
        assert transport.session_id == first and len(set(hashes)) == 3


@pytest.mark.parametrize("kind", ("ecdsa", "rsa"))
def test_paramiko_logs_in_with_each_key_type(gateway, keys, through_paramiko, kind):
    gateway.keys = {**keys, "host": keys[kind]}
    gateway.admit("alice", public_line(keys[kind]))
    gateway.start(ECHO)
    form = {"ecdsa": paramiko.ECDSAKey, "rsa": paramiko.RSAKey}[kind]
    tunnel = through_paramiko(gateway, form.from_private_key_file(str(keys[kind]))).tunnel("echo")
    tunnel.sendall(b"hello")
    assert tunnel.recv(5) == b"hello"


def test_paramiko_holds_many_tunnels_and_hears_of_a_refused_one(gateway, through_paramiko):
    gateway.start(ECHO)
    transport = through_paramiko(gateway)
    tunnels = [transport.tunnel("echo") for _ in range(50)]
    for number, tunnel in enumerate(tunnels):
        tunnel.sendall(b"%d" % number * 1000)
    with pytest.raises(paramiko.ChannelException) as refused:
        transport.tunnel("nowhere")
    assert refused.value.code == 1
    for number, tunnel in enumerate(tunnels):
        sent = b"%d" % number * 1000
        got = b""
        while len(got) < len(sent):
            got += tunnel.recv(len(sent) - len(got))
        assert got == sent


@pytest.fixture
def through_libssh2(cleanup):
    def make(gateway, key):
        digest = base64.b64decode(fingerprint(gateway.keys["host"]).removeprefix("SHA256:") + "=")
        made = Session(gateway.port, "alice", key, digest)
        cleanup.callback(made.close)
        return made

    return make


def test_libssh2_carries_every_byte(metered, keys, through_libssh2):
    with metered(SIZE, OLDER) as gateway:
        session = through_libssh2(gateway, keys["alice"])
        carry_through(lambda queue: session.tunnel(queue, 1), SIZE)


def test_libssh2_logs_in_with_an_ecdsa_key(gateway, keys, through_libssh2):
    """With RSA keys it signs by SHA-1 alone before 1.11, and nobody does here."""
    gateway.keys = {**keys, "host": keys["ecdsa"]}
    gateway.admit("alice", public_line(keys["ecdsa"]))
    gateway.start(ECHO, OLDER)
    tunnel = through_libssh2(gateway, keys["ecdsa"]).tunnel("echo", 1)
    tunnel.sendall(b"hello")
    assert tunnel.recv(5) == b"hello"
    tunnel.close()


def test_curl_moves_files_by_sftp_with_an_sshd_behind_the_gateway(gateway, client, new_sshd, tmp_path):
    """curl's SSH is libssh2: through a port that ssh -L forwards, since curl has no tunnels of its own."""
    sshd = new_sshd(settings="Subsystem sftp internal-sftp")
    gateway.start(f"Queue box\n Target 127.0.0.1:{sshd.port}\n Allow alice")
    port = free_port()
    ssh = client(gateway).start("-N", "-L", f"127.0.0.1:{port}:box:22", "gw")

    def listening():
        assert ssh.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listening, "forwarded port")
    sent, there, back = tmp_path / "sent", tmp_path / "there", tmp_path / "back"
    sent.write_bytes(b"".join(pattern(SIZE)))
    host = fingerprint(sshd.directory / "host").removeprefix("SHA256:")
    common = ["curl", "-sS", "--max-time", "120", "--noproxy", "*", "--user", f"{sshd.user}:", "--key", str(sshd.key)]
    common += ["--pubkey", f"{sshd.key}.pub", "--hostpubsha256", host]
    url = f"sftp://127.0.0.1:{port}{there}"
    for transfer in (["--upload-file", str(sent)], ["--output", str(back)]):
        done = subprocess.run([*common, *transfer, url], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert sent.read_bytes() == there.read_bytes() == back.read_bytes()

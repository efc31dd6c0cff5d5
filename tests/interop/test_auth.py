# SPDX-License-Identifier: MIT
"""Who gets in, who does not, and what each is told and logged."""
import re
import socket
import subprocess

import paramiko
import pytest

from support.keys import fingerprint, make_key, public_line
from support.waiting import wait_until
from support.wire import Spoken

ECHO = "Queue echo\n Target builtin:echo\n Allow alice bob"


def echoes(one):
    result = one.run("-W", "echo:1", "gw", input=b"hello")
    return result.returncode == 0 and result.stdout == b"hello"


@pytest.mark.parametrize("name,options", [
    ("alice", ()), ("ecdsa", ()), ("rsa", ("PubkeyAcceptedAlgorithms rsa-sha2-256",)), ("rsa", ("PubkeyAcceptedAlgorithms rsa-sha2-512",)),
])
def test_each_key_type_logs_in(gateway, client, keys, name, options):
    gateway.admit("alice", public_line(keys[name]))
    gateway.start(ECHO)
    assert echoes(client(gateway, key=keys[name], options=options))
    kind = {"alice": "ED25519"}.get(name, name.upper())
    gateway.wait_for_log(rf"Accepted publickey for alice from 127\.0\.0\.1 port \d+ ssh2: {kind} {re.escape(fingerprint(keys[name]))} ")


def test_a_login_is_bound_to_the_host_key(gateway, client):
    gateway.start(ECHO)
    result = client(gateway, options=("LogLevel DEBUG3",)).run("-W", "echo:1", "gw", input=b"hello")
    assert result.stdout == b"hello"
    assert b"using publickey-hostbound-v00@openssh.com with" in result.stderr


def test_each_host_key_type_serves(gateway, client, keys):
    gateway.start(ECHO, f"HostKey {keys['ecdsa']}\nHostKey {keys['rsa']}")
    port = gateway.port
    gateway.known_hosts.write_text("".join(f"[127.0.0.1]:{port} {public_line(keys[name])}\n" for name in ("host", "ecdsa", "rsa")))
    for algorithm in ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256", "rsa-sha2-512"):
        assert echoes(client(gateway, options=(f"HostKeyAlgorithms {algorithm}",))), algorithm


def test_wrong_key_and_unknown_user_get_the_same_answer(gateway, client, keys):
    gateway.start(ECHO)
    wrong = client(gateway, user="alice", key=keys["stranger"]).run("-N", "gw")
    unknown = client(gateway, user="nosuchuser", key=keys["stranger"]).run("-N", "gw")
    assert wrong.returncode == unknown.returncode == 255
    assert wrong.stderr.replace(b"alice", b"?") == unknown.stderr.replace(b"nosuchuser", b"?")
    assert b"Permission denied (publickey)" in wrong.stderr
    mark = re.escape(fingerprint(keys["stranger"]))
    gateway.wait_for_log(rf"Failed publickey for alice from 127\.0\.0\.1 port \d+ ssh2: ED25519 {mark}")
    gateway.wait_for_log(rf"Failed publickey for (invalid user )?nosuchuser from 127\.0\.0\.1 port \d+ ssh2: ED25519 {mark}")


@pytest.mark.parametrize("name", ["../alice", "alice/../bob", ".alice", "-alice", "a%u", "al ice", "alice\x01", "x" * 65, "älice", "", "x" * 1000])
def test_a_bad_name_is_an_invalid_user_before_any_lookup(gateway, name):
    gateway.start(ECHO)
    with pytest.raises(paramiko.AuthenticationException):
        Spoken(gateway).log_in(gateway, name)
    log = gateway.wait_for_log(r"Invalid user .* from 127\.0\.0\.1")[0].group()
    assert log.isascii() and log.isprintable()


def test_too_many_tries_end_the_connection(gateway, client, keys, tmp_path):
    gateway.start(ECHO, "MaxAuthTries 2")
    wrong = [make_key(tmp_path / f"wrong{number}") for number in range(4)]
    options = [f"IdentityFile {path}" for path in wrong]
    result = client(gateway, key=keys["stranger"], options=options).run("-N", "gw")
    assert result.returncode == 255
    assert b"Too many authentication failures" in result.stderr
    (record,) = gateway.wait_for_audit(event="auth", result="failure")
    assert record["user"] == "alice"


def test_a_slow_login_is_ended(gateway):
    gateway.start(ECHO, "LoginGraceTime 1")
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.settimeout(60)
        connection.sendall(b"SSH-2.0-slow\r\n")
        while connection.recv(4096):
            pass
    gateway.wait_for_log(r"Timeout before authentication")


def test_startups_beyond_the_maximum_are_dropped(gateway, client):
    gateway.start(ECHO, "MaxStartups 2:100:2\nLoginGraceTime 60")
    held = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(2)]
    for connection in held:
        connection.settimeout(60)
        assert connection.recv(4) == b"SSH-"
    with socket.create_connection(("127.0.0.1", gateway.port)) as third:
        third.settimeout(60)
        assert not third.recv(100).startswith(b"SSH-")
    for connection in held:
        connection.close()
    wait_until(lambda: echoes(client(gateway)), "room after the held ones left")


def test_startups_of_one_source_are_limited(gateway, client):
    gateway.start(ECHO, "PerSourceMaxStartups 1\nLoginGraceTime 60")
    with socket.create_connection(("127.0.0.1", gateway.port)) as held:
        held.settimeout(60)
        assert held.recv(4) == b"SSH-"
        with socket.create_connection(("127.0.0.1", gateway.port)) as second:
            second.settimeout(60)
            assert not second.recv(100).startswith(b"SSH-")
    wait_until(lambda: echoes(client(gateway)), "room after the held one left")


def test_a_shared_file_proves_only_the_names_it_gives(gateway, client, keys):
    shared = gateway.directory / "shared"
    shared.write_text(f'user="bob" {public_line(keys["bob"])}\n{public_line(keys["stranger"])}\n')
    shared.chmod(0o600)
    gateway.start("Queue echo\n Target builtin:echo\n Allow bob\nQueue open\n Target builtin:echo\n Allow *",
                  f"AuthorizedKeysFile {shared} {gateway.key_directory}/%u")
    assert echoes(client(gateway, user="bob"))
    assert client(gateway, user="alice", key=keys["bob"]).run("-N", "gw").returncode == 255
    anyone = client(gateway, user="bob", key=keys["stranger"])
    assert anyone.run("-W", "echo:1", "gw", input=b"x").returncode == 255, "the line proves no name"
    assert anyone.run("-W", "open:1", "gw", input=b"x").stdout == b"x"


@pytest.mark.parametrize("options,admits", [
    ('from="127.0.0.0/8"', True), ('from="10.0.0.0/8,!127.0.0.1"', False), ('from="10.0.0.0/8"', False),
    ('expiry-time="20990101"', True), ('expiry-time="20200101"', False),
    ('user="alice,carol"', True), ('user="carol"', False),
    ('no-pty,no-agent-forwarding', True), ('command="true"', False), ('nonsense', False), ('cert-authority', False),
])
def test_key_options(gateway, client, keys, options, admits):
    gateway.admit("alice", f"{options} {public_line(keys['alice'])}")
    gateway.start(ECHO)
    assert echoes(client(gateway)) == admits


@pytest.mark.parametrize("options,admits", [
    ("restrict", False), ("no-port-forwarding", False), ("restrict,port-forwarding", True),
    ('permitopen="echo:1"', True), ('permitopen="ECHO:*"', True), ('permitopen="echo:2"', False), ('permitopen="web:1"', False),
    ('permitopen="web:1",permitopen="*:1"', True),
])
def test_key_options_limit_forwards(gateway, client, keys, options, admits):
    gateway.admit("alice", f"{options} {public_line(keys['alice'])}")
    gateway.start(ECHO)
    assert echoes(client(gateway)) == admits
    gateway.wait_for_log("Accepted publickey for alice")


@pytest.mark.parametrize("fault", ["writable by others", "symbolic link", "directory"])
def test_a_key_file_that_cannot_be_trusted_admits_nobody(gateway, client, fault):
    path = gateway.key_directory / "alice"
    if fault == "writable by others":
        path.chmod(0o666)
    else:
        path.rename(gateway.directory / "elsewhere")
        path.symlink_to(gateway.directory / "elsewhere") if fault == "symbolic link" else path.mkdir()
    gateway.start(ECHO)
    assert client(gateway).run("-N", "gw").returncode == 255
    assert echoes(client(gateway, user="bob"))


def test_authentication_is_audited(gateway, client, keys):
    gateway.start(ECHO)
    assert echoes(client(gateway))
    (record,) = gateway.wait_for_audit(event="auth", result="success")
    assert record["user"] == "alice" and record["method"] == "publickey"
    assert record["key"] == fingerprint(keys["alice"])
    assert len(record["connection"]) == 32 and record["peer"].startswith("127.0.0.1")
    assert record["connection"] in gateway.log()


def test_the_banner_is_shown(gateway, client):
    banner = gateway.directory / "banner"
    banner.write_text("Authorised use only.\n")
    gateway.start(ECHO, f"Banner {banner}")
    result = client(gateway).run("-W", "echo:1", "gw", input=b"x")
    assert b"Authorised use only." in result.stderr


def test_no_algorithm_in_common(gateway, client):
    gateway.start(ECHO, "Ciphers aes128-gcm@openssh.com")
    result = client(gateway, options=("Ciphers aes256-ctr",)).run("-N", "gw")
    assert result.returncode == 255
    assert b"no matching cipher found" in result.stderr
    assert subprocess.run(["ssh-keyscan", "-p", str(gateway.port), "127.0.0.1"], capture_output=True, timeout=60).stdout

# SPDX-License-Identifier: MIT
"""Kinds of keys beyond those of every day: larger curves, RSA keys that are too short, certificates that nobody trusts."""
import re
import subprocess

import pytest

from support import process
from support.gateway import program
from support.keys import certify, fingerprint, make_key, public_line

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


def echoes(one):
    result = one.run("-W", "echo:1", "gw", input=b"hello")
    return result.returncode == 0 and result.stdout == b"hello"


@pytest.mark.parametrize("bits", ["384", "521"])
def test_the_larger_curves_log_in_and_serve(gateway, client, tmp_path, bits):
    user, host = make_key(tmp_path / "user", "ecdsa", "-b", bits), make_key(tmp_path / "host", "ecdsa", "-b", bits)
    gateway.admit("alice", public_line(user))
    gateway.start(ECHO, f"HostKey {host}")
    gateway.known_hosts.write_text(f"[127.0.0.1]:{gateway.port} {public_line(host)}\n")
    assert echoes(client(gateway, key=user, options=(f"HostKeyAlgorithms ecdsa-sha2-nistp{bits}",)))
    gateway.wait_for_log(rf"Accepted publickey for alice from .* ssh2: ECDSA {re.escape(fingerprint(user))} ")


def test_an_rsa_key_below_the_required_size_is_refused(gateway, client, keys, tmp_path):
    large = make_key(tmp_path / "large", "rsa", "-b", "3072")
    gateway.admit("alice", public_line(keys["rsa"]), public_line(large))
    gateway.start(ECHO, "RequiredRSASize 3072")
    assert not echoes(client(gateway, key=keys["rsa"]))
    gateway.wait_for_log("refusing RSA key: Invalid key length")
    assert echoes(client(gateway, key=large))


def test_a_host_key_below_the_required_size_is_a_clear_error(gateway, keys):
    gateway.port = process.free_port()
    gateway.configure(ECHO, f"RequiredRSASize 3072\nHostKey {keys['rsa']}")
    result = subprocess.run([program(), "-D", "-e", "-f", str(gateway.config_path)], capture_output=True, timeout=60)
    assert result.returncode == 255
    assert re.search(rb"Unable to load host key .*rsa.*RequiredRSASize, which is 3072", result.stderr)


@pytest.mark.parametrize("kind", [("ed25519",), ("ecdsa", "-b", "256"), ("rsa", "-b", "2048")])
def test_a_certificate_that_nobody_trusts_does_not_stand_in_the_way_of_its_key(gateway, client, tmp_path, kind):
    user, ca = make_key(tmp_path / "user", *kind), make_key(tmp_path / "ca")
    certify(user, ca, "-n", "alice", "-z", "7")
    gateway.start(ECHO)
    assert not echoes(client(gateway, key=user))
    gateway.wait_for_log(
        rf"Failed publickey for alice from .* ssh2: {kind[0].upper()}-CERT {re.escape(fingerprint(user))} ID badge \(serial 7\) "
        rf"CA ED25519 {re.escape(fingerprint(ca))} "
    )
    gateway.admit("alice", public_line(user))
    assert echoes(client(gateway, key=user))


def test_a_certificate_alone_is_refused_and_counts_as_a_try(gateway, client, tmp_path):
    user, ca = make_key(tmp_path / "user"), make_key(tmp_path / "ca")
    certificate = certify(user, ca, "-n", "alice")
    gateway.admit("alice", f"cert-authority {public_line(ca)}", public_line(ca))
    gateway.start(ECHO, "MaxAuthTries 1")
    result = client(gateway, key=user, options=(f"CertificateFile {certificate}",)).run("-N", "gw")
    assert result.returncode == 255 and b"Too many authentication failures" in result.stderr
    assert "Accepted" not in gateway.log()

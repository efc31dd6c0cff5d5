# SPDX-License-Identifier: MIT
"""Keys that live in a FIDO security key, through the stock ssh and its helper; the security key itself is security_key.c."""
import os
import re
import subprocess

import pytest

from support.keys import fingerprint, make_key, public_line

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"
PROVIDER = os.environ["SECURITY_KEY"]
KINDS = {"ed25519-sk": "ED25519-SK", "ecdsa-sk": "ECDSA-SK"}
NO_TOUCH = r"rejected: user presence \(authenticator touch\) requirement not met"
NO_USER = r"rejected: user verification requirement not met"


@pytest.fixture
def enroll(tmp_path):
    """enroll(kind, option…): a key made in the security key; options are ssh-keygen's -O."""

    def make(kind, *options):
        arguments = [word for option in options for word in ("-O", option)]
        return make_key(tmp_path / "-".join((kind, *options)), kind, "-w", PROVIDER, *arguments)

    return make


@pytest.fixture
def logs_in(gateway, client):
    """logs_in(key): whether ssh gets through with that key alone, and its bytes back."""

    def attempt(key):
        result = client(gateway, key=key, options=(f"SecurityKeyProvider {PROVIDER}",)).run("-W", "echo:1", "gw", input=b"hello")
        return result.returncode == 0 and result.stdout == b"hello"

    return attempt


@pytest.mark.parametrize("kind", KINDS)
def test_a_touched_key_logs_in(gateway, enroll, logs_in, kind):
    key = enroll(kind)
    gateway.admit("alice", public_line(key))
    gateway.start(ECHO)
    assert logs_in(key)
    gateway.wait_for_log(rf"Accepted publickey for alice from .* ssh2: {KINDS[kind]} {re.escape(fingerprint(key))} ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_nobody_touches_needs_a_line_that_says_so(gateway, enroll, logs_in, kind):
    key = enroll(kind, "no-touch-required")
    gateway.admit("alice", public_line(key))
    gateway.start(ECHO)
    assert not logs_in(key)
    gateway.wait_for_log(rf"public key {KINDS[kind]} {re.escape(fingerprint(key))} signature for alice from 127\.0\.0\.1 port \d+ {NO_TOUCH}")
    gateway.admit("alice", f"no-touch-required {public_line(key)}")
    assert logs_in(key)


def test_the_configuration_may_forbid_to_waive_the_touch(gateway, enroll, logs_in):
    touched, untouched = enroll("ed25519-sk"), enroll("ed25519-sk", "no-touch-required")
    gateway.admit("alice", *(f"no-touch-required {public_line(key)}" for key in (touched, untouched)))
    gateway.start(ECHO, "PubkeyAuthOptions touch-required")
    assert not logs_in(untouched)
    gateway.wait_for_log(NO_TOUCH)
    assert logs_in(touched)


@pytest.mark.parametrize("where", ["line", "configuration"])
def test_a_verified_user_may_be_demanded(gateway, enroll, logs_in, where):
    touched, verified = enroll("ecdsa-sk"), enroll("ecdsa-sk", "verify-required")
    option = "verify-required " if where == "line" else ""
    gateway.admit("alice", *(option + public_line(key) for key in (touched, verified)))
    gateway.start(ECHO, "PubkeyAuthOptions verify-required" if where == "configuration" else "")
    assert not logs_in(touched)
    gateway.wait_for_log(NO_USER)
    assert logs_in(verified)


def test_other_keys_are_neither_touched_nor_verified(gateway, client, keys):
    gateway.admit("alice", f"verify-required {public_line(keys['alice'])}")
    gateway.start(ECHO, "PubkeyAuthOptions touch-required verify-required")
    assert client(gateway).run("-W", "echo:1", "gw", input=b"hello").stdout == b"hello"


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_that_nobody_trusts_does_not_stand_in_its_way(gateway, enroll, logs_in, tmp_path, kind):
    key, ca = enroll(kind), make_key(tmp_path / "ca")
    subprocess.run(["ssh-keygen", "-q", "-s", str(ca), "-I", "badge", "-n", "alice", str(key) + ".pub"], check=True)
    gateway.start(ECHO)
    assert not logs_in(key)
    gateway.admit("alice", public_line(key))
    assert logs_in(key)

# SPDX-License-Identifier: MIT
"""The engine's client role (client_role.c) against a real sshd: each algorithm carries every byte, both ways."""
import functools
import os
import re
import subprocess

import pytest

from support.algorithms import key_arguments, listed, plain, spoken
from support.backends import digest, source
from support.keys import public_line
from support.transfer import carry, transfer_bytes

SIZE = transfer_bytes(16)
# Two transfers, each with the first key exchange and at least one more. How many more is not certain: what is in flight when
# one begins still comes under the old keys.
KEY_EXCHANGES = 4


class Role:
    """client_role against one server; its stderr is kept."""

    def __init__(self, directory, port, user, key, host_line, options):
        self.errors = directory / "client_role.stderr"
        self.argv = [os.environ["CLIENT_ROLE"], "--port", str(port), "--user", user, "--key", str(key), "--host-key", host_line, *options]

    def start(self, target, **streams):
        with open(self.errors, "ab") as errors:
            return subprocess.Popen([*self.argv, "--target", target], stderr=errors, **streams)

    def key_exchanges(self):
        """What each chose: a dictionary each."""
        text = self.errors.read_text()
        assert "Sanitizer" not in text and "runtime error" not in text, text
        return [dict(word.split("=") for word in line.split()[1:]) for line in text.splitlines() if line.startswith("keyed ")]


@pytest.fixture
def against_sshd(new_sshd, backend, tmp_path):
    """against_sshd(options): transfers through a real sshd; returns its key exchanges."""

    def run(options, settings="", keys=("ed25519",), ca=None):
        up, down = backend(digest), backend(source(SIZE))
        sshd = new_sshd(settings=settings, key_arguments=keys, ca=ca)
        role = Role(tmp_path, sshd.port, sshd.user, sshd.key, sshd.host_line, options)
        carry(*(functools.partial(role.start, service.address) for service in (up, down)), SIZE)
        assert not up.errors and not down.errors
        return role.key_exchanges()

    return run


@pytest.mark.parametrize("kex", spoken("key exchange", "kex"))
def test_key_exchange_method(against_sshd, kex):
    done = against_sshd(["--kex", kex, "--rekey-bytes", str(SIZE // 4)], f"KexAlgorithms +{kex}")
    assert {one["kex"] for one in done} == {kex}
    assert len(done) >= KEY_EXCHANGES, "each transfer had key exchanges in its middle"


def test_the_server_rekeys_in_the_middle(against_sshd):
    assert len(against_sshd([], f"RekeyLimit {SIZE // 4}")) >= KEY_EXCHANGES


@pytest.mark.parametrize("cipher", spoken("ciphers", "cipher"))
def test_cipher(against_sshd, cipher):
    done = against_sshd(["--cipher", cipher], f"Ciphers +{cipher}")
    assert {one["cipher"] for one in done} == {f"{cipher}/{cipher}"}


@pytest.mark.parametrize("mac", spoken("MACs", "mac"))
def test_mac(against_sshd, mac):
    done = against_sshd(["--cipher", "aes128-ctr", "--mac", mac], f"MACs +{mac}")
    assert {one["mac"] for one in done} == {mac}


def test_compression_begins_behind_the_login_and_again_with_each_key(against_sshd):
    done = against_sshd(["--compression", "yes", "--rekey-bytes", "16384"], "Compression delayed")
    assert [one["deflates"] for one in done].count("0") == 2, "the first of each transfer"
    assert len(done) > 2 * 4


@pytest.mark.parametrize("algorithm", spoken("host and user keys", "key-sig"))
def test_key_type_of_host_and_user(against_sshd, algorithm):
    done = against_sshd(["--host-key-alg", algorithm, "--key-alg", algorithm], keys=key_arguments(algorithm))
    assert {one["host-key"] for one in done} == {algorithm}


@pytest.mark.parametrize("algorithm", spoken("host certificates", "key-sig"))
def test_host_certificate(against_sshd, keys, algorithm):
    done = against_sshd(["--host-key-alg", algorithm, "--key-alg", plain(algorithm)], keys=key_arguments(algorithm), ca=keys["rsa"])
    assert {one["host-key"] for one in done} == {algorithm}


@pytest.mark.parametrize("kex", [kex for kex in listed("key exchange") if kex not in spoken("key exchange", "kex")])
def test_what_the_installed_openssh_does_not_speak_is_spoken_between_our_roles(metered, tmp_path, kex):
    with metered(SIZE, f"KexAlgorithms +{kex}") as gateway:
        options = ["--kex", kex, "--rekey-bytes", str(SIZE // 4)]
        role = Role(tmp_path, gateway.port, "alice", gateway.keys["alice"], public_line(gateway.keys["host"]), options)
        carry(*(functools.partial(role.start, f"{queue}:1") for queue in ("digest", "source")), SIZE)
    assert {one["kex"] for one in role.key_exchanges()} == {kex}


def test_a_host_key_that_is_not_the_expected_one_is_refused(new_sshd, tmp_path, keys):
    sshd = new_sshd()
    role = Role(tmp_path, sshd.port, sshd.user, sshd.key, public_line(keys["host"]), [])
    assert role.start("127.0.0.1:1", stdin=subprocess.DEVNULL).wait(60) == 1
    assert re.search("client_role: session: .*host key", role.errors.read_text())

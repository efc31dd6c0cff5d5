# SPDX-License-Identifier: MIT
"""Each algorithm that PROTOCOL.md lists and that the installed OpenSSH speaks carries every byte, both ways."""
import re
import subprocess

import pytest

from support import process
from support.algorithms import key_arguments, listed, spoken
from support.gateway import program
from support.keys import make_key, public_line
from support.transfer import transfer_bytes

SIZE = transfer_bytes(16)


def test_the_account_lists_what_the_gateway_knows(gateway):
    gateway.port = process.free_port()
    gateway.configure("", "KexAlgorithms *\nCiphers *\nMACs *")
    shown = subprocess.run([program(), "-T", "-f", str(gateway.config_path)], capture_output=True, text=True, check=True).stdout
    for keyword, kind in (
        ("kexalgorithms", "key exchange"),
        ("ciphers", "ciphers"),
        ("macs", "MACs"),
        ("hostkeyalgorithms", "host"),
    ):
        known = re.search(rf"^{keyword} (.*)$", shown, re.MULTILINE)[1].split(",")
        assert sorted(listed(kind)) == sorted(known), kind


@pytest.mark.parametrize("kex", spoken("key exchange", "kex"))
def test_key_exchange_method(transfer, kex):
    transfer([f"KexAlgorithms {kex}", f"RekeyLimit {SIZE // 4}"], f"KexAlgorithms +{kex}", size=SIZE)


@pytest.mark.parametrize("cipher", spoken("ciphers", "cipher"))
def test_cipher(transfer, cipher):
    transfer([f"Ciphers {cipher}"], f"Ciphers +{cipher}", size=SIZE)


@pytest.mark.parametrize("mac", spoken("MACs", "mac"))
def test_mac(transfer, mac):
    transfer(["Ciphers aes128-ctr", f"MACs {mac}"], f"MACs +{mac}", size=SIZE)


@pytest.mark.parametrize("algorithm", spoken("host and user keys", "key-sig"))
def test_key_type_of_host_and_user(gateway, transfer, tmp_path, algorithm):
    host, user = (make_key(tmp_path / name, *key_arguments(algorithm)) for name in ("host", "user"))
    gateway.keys = {**gateway.keys, "host": host}
    gateway.admit("alice", public_line(user))
    transfer([f"HostKeyAlgorithms {algorithm}", f"PubkeyAcceptedAlgorithms {algorithm}"], size=SIZE, key=user)

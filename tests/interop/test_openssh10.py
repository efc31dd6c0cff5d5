# SPDX-License-Identifier: MIT
"""A current OpenSSH, which speaks ML-KEM; the script openssh10 gets it where the installed one is older."""
import pathlib
import re
import subprocess

import pytest

from support.transfer import transfer_bytes

HERE = pathlib.Path(__file__).resolve().parent
SIZE = transfer_bytes(16)


@pytest.fixture(scope="session")
def ssh():
    directory = HERE.parents[1] / "build" / "openssh10"
    return subprocess.run([HERE / "openssh10", directory], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_ml_kem_carries_every_byte(transfer, ssh):
    transfer([f"RekeyLimit {SIZE // 4}", "KexAlgorithms mlkem768x25519-sha256"], size=SIZE, program=ssh)


def test_its_defaults_choose_ml_kem(gateway, client, ssh):
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice")
    result = client(gateway, program=ssh).run("-v", "-W", "echo:1", "gw", input=b"hello")
    assert result.stdout == b"hello"
    assert re.search(r"kex: algorithm: mlkem768x25519-sha256\r?$", result.stderr.decode(), re.MULTILINE), result.stderr


def test_it_warns_of_nothing(gateway, client, ssh):
    """Since 10.1 a client warns where a connection is not safe from quantum computers."""
    gateway.start("Queue echo\n Target builtin:echo\n Allow alice")
    result = client(gateway, program=ssh).run("-W", "echo:1", "gw", input=b"hello")
    assert result.stderr == b""

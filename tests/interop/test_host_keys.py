# SPDX-License-Identifier: MIT
"""Host keys that a client learns (hostkeys-00@openssh.com, hostkeys-prove-00@openssh.com)."""
import os
import signal

import pytest

from support.keys import make_key, public_line
from support.waiting import wait_until

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"


def known(gateway):
    """TYPE BASE64 of each line of the client's known_hosts."""
    return {line.split(" ", 1)[1] for line in gateway.known_hosts.read_text().splitlines()}


def learn(gateway, client, first, others, options=()):
    """A client that knows one host key of the gateway's comes to know the others."""
    gateway.known_hosts.write_text(f"[127.0.0.1]:{gateway.port} {public_line(first)}\n")
    running = client(gateway, options=("UpdateHostKeys yes", "LogLevel VERBOSE", *options)).start("-N", "gw")
    wanted = {public_line(path) for path in (first, *others)}
    wait_until(lambda: running.poll() is not None or known(gateway) == wanted, f"{len(wanted)} known host keys")
    assert running.poll() is None, (gateway.directory / "ssh.stderr").read_text()
    return running


@pytest.mark.parametrize("first", ["host", "ecdsa", "rsa"])
def test_a_client_that_knows_one_host_key_learns_the_others(gateway, client, keys, first):
    gateway.start(ECHO, f"HostKey {keys['ecdsa']}\nHostKey {keys['rsa']}")
    learn(gateway, client, keys[first], [keys[name] for name in ("host", "ecdsa", "rsa") if name != first])


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_an_rsa_key_is_proven_under_the_algorithm_of_the_exchange(gateway, client, keys, tmp_path, algorithm):
    other = make_key(tmp_path / "other", "rsa", "-b", "3072")
    gateway.start(ECHO, f"HostKey {keys['rsa']}\nHostKey {other}")
    learn(gateway, client, keys["rsa"], [other, keys["host"]], (f"HostKeyAlgorithms {algorithm},ssh-ed25519",))


def test_the_next_engine_proves_too(gateway, client, keys):
    gateway.start(ECHO, f"HostKey {keys['ecdsa']}")
    ssh = learn(gateway, client, keys["host"], [keys["ecdsa"]])
    engine = gateway.engine()
    os.kill(engine, signal.SIGKILL)
    wait_until(lambda: ssh.poll() is not None, "end of the client")
    gateway.wait_for_log(r"engine \d+ is serving")
    learn(gateway, client, keys["ecdsa"], [keys["host"]])


def test_a_client_that_asks_for_nothing_is_not_in_the_way(gateway, client, keys):
    gateway.start(ECHO, f"HostKey {keys['ecdsa']}")
    result = client(gateway).run("-W", "echo:1", "gw", input=b"hello")
    assert result.returncode == 0 and result.stdout == b"hello"
    assert known(gateway) == {public_line(keys["host"])}

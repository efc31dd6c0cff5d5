# SPDX-License-Identifier: MIT
"""Fixtures: what a test starts is ended, by its process id, whether it passes or not."""
import contextlib
import os
import resource

import pytest

from support.backends import Backend
from support.client import Client
from support.gateway import Gateway
from support.keys import make_key
from support.sshd import Sshd

USERS = ("alice", "bob", "stranger")


@pytest.fixture(scope="session", autouse=True)
def descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ.pop("SSH_AUTH_SOCK", None)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Private key files by name: a host key and one for each user; `ecdsa` and `rsa` are further keys."""
    directory = tmp_path_factory.mktemp("keys")
    made = {name: make_key(directory / name) for name in ("host", *USERS)}
    made["ecdsa"] = make_key(directory / "ecdsa", "ecdsa", "-b", "256")
    made["rsa"] = make_key(directory / "rsa", "rsa", "-b", "2048")
    return made


@pytest.fixture
def cleanup():
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def new_gateway(tmp_path_factory, keys, cleanup):
    """new_gateway(): one that is not started; it is stopped and its log judged at the test's end."""

    def make():
        made = Gateway(tmp_path_factory.mktemp("gw"), keys)
        cleanup.callback(made.stop)
        return made

    return make


@pytest.fixture
def gateway(new_gateway):
    """gateway.start(queues, settings) is the test's to call."""
    return new_gateway()


@pytest.fixture
def client(cleanup):
    """client(gateway, user=…, options=…): an OpenSSH client."""

    def make(*arguments, **keywords):
        made = Client(*arguments, **keywords)
        cleanup.callback(made.stop)
        return made

    return make


@pytest.fixture
def backend(cleanup):
    """backend(serve): a service on a loopback port."""

    def make(serve, **keywords):
        made = Backend(serve, **keywords)
        cleanup.callback(made.stop)
        return made

    return make


@pytest.fixture
def sshd(tmp_path_factory, cleanup):
    made = Sshd(tmp_path_factory.mktemp("sshd"))
    cleanup.callback(made.stop)
    return made

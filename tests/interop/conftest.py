# SPDX-License-Identifier: MIT
"""Fixtures: what a test starts is ended, by its process id, whether it passes or not; what it wrote stays where it failed."""
import contextlib
import functools
import os
import pathlib
import re
import resource
import shutil
import tempfile

import pytest

from support.backends import Backend, digest, source
from support.client import Client
from support.ctl import Ctl
from support.gateway import Gateway
from support.keys import make_key
from support.load import serve_target
from support.sshd import Sshd
from support.transfer import carry

USERS = ("alice", "bob", "stranger")
DIRECTORIES, FAILED = pytest.StashKey(), pytest.StashKey()
LOG_TAIL = 4000


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test's directories go when it has passed. Else its report says where they are: pytest's own would go a few runs later."""
    report = (yield).get_result()
    directories = item.stash.get(DIRECTORIES, [])
    if report.failed:
        item.stash[FAILED] = True
        for directory in directories:
            log = directory / "log"
            report.sections.append((f"left in {directory}", log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else "no log"))
    elif report.when == "teardown" and not item.stash.get(FAILED, False):
        for directory in directories:
            shutil.rmtree(directory, ignore_errors=True)


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
def new_directory(request):
    """new_directory(name): one of the test's own, with config, log and records; it stays if the test fails."""

    def make(name):
        test = re.sub(r"\W+", "-", request.node.name)[:30]
        made = pathlib.Path(tempfile.mkdtemp(prefix=f"sluice-{test}-{name}-"))
        request.node.stash.setdefault(DIRECTORIES, []).append(made)
        return made

    return make


@pytest.fixture
def new_gateway(new_directory, keys, cleanup):
    """new_gateway(): one that is not started; it is stopped and its log judged at the test's end."""

    def make():
        made = Gateway(new_directory("gw"), keys)
        cleanup.callback(made.stop)
        return made

    return make


@pytest.fixture
def gateway(new_gateway):
    """gateway.start(queues, settings) is the test's to call."""
    return new_gateway()


@pytest.fixture
def ctl():
    """sluicectl; a gateway is started with ctl.setting."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ctl"))
    directory.chmod(0o755)
    yield Ctl(directory)
    shutil.rmtree(directory)


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
def metered(gateway, backend):
    """with metered(size, settings): what the block carries through the queues digest and source is judged at its end."""

    @contextlib.contextmanager
    def make(size, settings=""):
        up, down = backend(digest), backend(source(size))
        gateway.start(f"Queue digest\n Target {up.address}\n Allow alice\nQueue source\n Target {down.address}\n Allow alice", settings)
        yield gateway
        assert not up.errors and not down.errors
        for queue, field in (("digest", "bytes_up"), ("source", "bytes_down")):
            (record,) = gateway.wait_for_audit(event="tunnel", queue=queue)
            assert record[field] == size, record

    return make


@pytest.fixture
def transfer(metered, client):
    """transfer(client options, gateway settings, size): up and down through OpenSSH's client, equal digests."""

    def run(options=(), settings="", *, size, **keywords):
        with metered(size, settings) as gateway:
            one = client(gateway, options=options, **keywords)
            carry(*(functools.partial(one.start, "-W", f"{queue}:1", "gw") for queue in ("digest", "source")), size)

    return run


@pytest.fixture
def new_sshd(new_directory, cleanup):
    """new_sshd(…): a real sshd; arguments are Sshd's."""

    def make(**keywords):
        made = Sshd(new_directory("sshd"), **keywords)
        cleanup.callback(made.stop)
        return made

    return make


@pytest.fixture
def sshd(new_sshd):
    return new_sshd()


@pytest.fixture
def target(cleanup):
    """The services of sluice-bench load --serve-target: their addresses by name."""
    return serve_target(cleanup)

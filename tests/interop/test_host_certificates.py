# SPDX-License-Identifier: MIT
"""Host keys that a CA has certified: who trusts the CA needs no line for each gateway."""
import re
import subprocess

import pytest

from support import process
from support.algorithms import key_arguments, spoken
from support.gateway import program
from support.keys import certify, make_key, public_line

ECHO = "Queue echo\n Target builtin:echo\n Allow alice"
NAME = "gateway.example"


@pytest.fixture
def certified(gateway, tmp_path):
    """certified(ssh-keygen's arguments, …): starts the gateway with a certified host key; its client knows the CA alone."""

    def make(*key, principals=NAME, times=(), ca_kind=("ed25519",)):
        host, ca = make_key(tmp_path / "host", *key), make_key(tmp_path / "ca", *ca_kind)
        certificate = certify(host, ca, "-h", "-n", principals, *times)
        gateway.start(ECHO, f"HostKey {host}\nHostCertificate {certificate}")
        gateway.known_hosts.write_text(f"@cert-authority *.example {public_line(ca)}\n")
        return host

    return make


def echo(client, gateway, *options):
    one = client(gateway, options=(f"HostKeyAlias {NAME}", "LogLevel DEBUG1", *options))
    return one.run("-W", "echo:1", "gw", input=b"hello")


@pytest.mark.parametrize("algorithm", spoken("host certificates", "key-sig"))
def test_each_type_is_accepted_by_who_trusts_the_ca(gateway, client, certified, algorithm):
    certified(*key_arguments(algorithm))
    result = echo(client, gateway, f"HostKeyAlgorithms {algorithm}")
    assert result.stdout == b"hello", result.stderr
    assert f"host key algorithm: {algorithm}".encode() in result.stderr


def test_a_long_one_of_many_names_by_an_rsa_ca(gateway, client, certified):
    names = [f"host-{number:040}.example" for number in range(200)]
    certified("rsa", "-b", "3072", principals=",".join([*names, NAME]), ca_kind=("rsa", "-b", "3072"))
    assert echo(client, gateway).stdout == b"hello"


def test_it_is_shown_before_the_plain_key_and_serves_through_rekeys(gateway, client, certified):
    certified("ed25519")
    result = echo(client, gateway, "RekeyLimit 1K")
    assert result.stdout == b"hello"
    assert b"host key algorithm: ssh-ed25519-cert-v01@openssh.com" in result.stderr


@pytest.mark.parametrize("principals,times", [("other.example", ()), (NAME, ("-V", "20200101:20210101"))])
def test_of_another_name_or_time_it_is_refused(gateway, client, certified, principals, times):
    certified("ed25519", principals=principals, times=times)
    result = echo(client, gateway)
    assert result.returncode == 255 and result.stdout == b""
    assert re.search(rb"Certificate invalid: (name is not a listed principal|expired)", result.stderr)
    assert bool(times) == bool(re.search(r'host certificate ".*" has expired', gateway.log()))


def test_who_knows_the_plain_key_needs_no_ca(gateway, client, certified):
    host = certified("ed25519")
    gateway.known_hosts.write_text(f"{NAME} {public_line(host)}\n")
    assert echo(client, gateway).stdout == b"hello"


def test_who_trusts_the_ca_learns_no_plain_keys(gateway, client, certified):
    certified("ed25519")
    before = gateway.known_hosts.read_text()
    assert echo(client, gateway, "UpdateHostKeys yes").stdout == b"hello"
    assert gateway.known_hosts.read_text() == before


@pytest.mark.parametrize("fault,said", [
    ("user", "it is for users"), ("stranger", "it is of none of the host keys"), ("twice", "its key has one already"),
    ("plain", "it is not a certificate"), ("missing", "No such file or directory"),
])
def test_what_is_no_certificate_of_a_host_key_is_a_clear_error(gateway, tmp_path, fault, said):
    host, ca = make_key(tmp_path / "host"), make_key(tmp_path / "ca")
    path = tmp_path / "host-cert.pub"
    if fault == "plain":
        path.write_text(public_line(host) + "\n")
    elif fault != "missing":
        path = certify(make_key(tmp_path / "other") if fault == "stranger" else host, ca, *(() if fault == "user" else ("-h",)))
    lines = f"HostKey {host}\nHostCertificate {path}\n"
    if fault == "twice":
        first = path.rename(tmp_path / "first-cert.pub")
        lines = f"HostKey {host}\nHostCertificate {first}\nHostCertificate {certify(host, ca, '-h')}\n"
    gateway.port = process.free_port()
    gateway.configure(ECHO, lines)
    result = subprocess.run([program(), "-t", "-f", str(gateway.config_path)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 255
    assert re.search(rf'Could not load host certificate "{path}": {said}', result.stderr)

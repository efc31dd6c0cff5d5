# SPDX-License-Identifier: MIT
"""The command line, and what a faulty configuration is told."""
import os
import pathlib
import socket
import subprocess

import pytest

from support.gateway import program
from support.keys import make_key
from support.process import free_port
from support.waiting import wait_until

EXAMPLE = pathlib.Path(__file__).parents[2] / "deploy/examples/sluice.conf"
ENGINE_USER = "User nobody\n" if os.geteuid() == 0 else ""


def sluiced(*arguments):
    return subprocess.run([program(), *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def write(tmp_path, keys):
    """write(text): a configuration file with a host key and the text."""

    def make(text):
        path = tmp_path / "sluice.conf"
        path.write_text(f"HostKey {keys['host']}\n{ENGINE_USER}{text}\n")
        return path

    return make


# each text stands behind the lines that write() puts there
FIRST = 3 if ENGINE_USER else 2


@pytest.mark.parametrize("text,line,keyword,said", [
    ("Listen 127.0.0.1", FIRST, "Listen", "ListenAddress"),
    ("LogLevel LOUD", FIRST, "LogLevel", "VERBOSE"),
    ("LoginGraceTime soon", FIRST, "LoginGraceTime", ""),
    ("Workers many", FIRST, "Workers", ""),
    ("MaxStartups 10:200:5", FIRST, "MaxStartups", ""),
    ("RekeyLimit 1X", FIRST, "RekeyLimit", ""),
    ("Ciphers 3des-cbc", FIRST, "Ciphers", "aes128-gcm@openssh.com"),
    ("MACs hmac-md5", FIRST, "MACs", "hmac-sha2-256-etm@openssh.com"),
    ("KexAlgorithms diffie-hellman-group1-sha1", FIRST, "KexAlgorithms", "curve25519-sha256"),
    ("ListenAddress nonsense:x", FIRST, "ListenAddress", ""),
    ('Banner "unclosed', FIRST, "a quote is not closed", ""),
    ("Queue", FIRST, "Queue", ""),
    ("Queue localhost\n Target builtin:echo", FIRST, "Queue", ""),
    ("Queue 10.0.0.1\n Target builtin:echo", FIRST, "Queue", ""),
    ("Queue a\n Target builtin:nonsense", FIRST + 1, "Target", "builtin:echo"),
    ("Queue a\n Target builtin:echo\nQueue A\n Target builtin:echo", FIRST + 2, "Queue", ""),
    ("Queue a\n Target builtin:echo\n Allow @nosuchgroup", FIRST + 2, "Allow", ""),
    ("Queue a\n Target builtin:echo\nLogLevel INFO", FIRST + 2, "LogLevel", ""),
    ("Target builtin:echo", FIRST, "Target", "Queue"),
    ("Queue a\n Allow alice", FIRST, "Queue", "Target"),
    ("Queue a\n Target dial\n Allow alice", FIRST, "Queue", "Route"),
])
def test_a_fault_names_file_line_keyword_and_what_would_do(write, text, line, keyword, said):
    path = write(text)
    result = sluiced("-t", "-f", path)
    assert result.returncode == 255
    assert f"{path} line {line}: {keyword}" in result.stderr, result.stderr
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_no_configuration_file(tmp_path):
    result = sluiced("-t", "-f", tmp_path / "nowhere")
    assert result.returncode == 255 and str(tmp_path / "nowhere") in result.stderr


def test_the_example_is_valid(tmp_path, keys):
    """With a host key and an engine user that exist on this machine."""
    path = tmp_path / "sluice.conf"
    path.write_text(EXAMPLE.read_text().replace("/etc/sluice/ssh_host_ed25519_key", str(keys["host"])))
    result = sluiced("-t", "-f", path, "-o", "User=nobody")
    assert result.returncode == 0, result.stderr


def test_the_effective_configuration_reads_back_the_same(write, tmp_path):
    path = write("RekeyLimit 1G 1h\nGroup dev alice bob\nQueue web\n Target 10.0.0.10:80\n Target [::1]:80\n Allow @dev\n"
                 "Queue out\n Route 10.0.0.0/8:* *.internal:20-30\n Target dial\n Allow *")
    first = sluiced("-T", "-f", path)
    assert first.returncode == 0, first.stderr
    again = tmp_path / "again.conf"
    again.write_text(first.stdout)
    assert sluiced("-T", "-f", again).stdout == first.stdout


def test_options_win_over_the_file(write):
    result = sluiced("-T", "-f", write("LoginGraceTime 10"), "-o", "LoginGraceTime=20", "-o", "MaxAuthTries 3")
    assert "logingracetime 20" in result.stdout and "maxauthtries 3" in result.stdout


def test_includes_are_read_in_order(write, tmp_path):
    for name in ("20-second", "10-first"):
        (tmp_path / f"{name}.conf").write_text(f"MaxAuthTries {name[0]}\n")
    result = sluiced("-T", "-f", write("Include *.conf.d/none *-*.conf"))
    assert "maxauthtries 1" in result.stdout, result.stderr


def test_a_fault_in_an_included_file_is_named_there(write, tmp_path):
    (tmp_path / "part").write_text("\n\nNonsense yes\n")
    result = sluiced("-t", "-f", write("Include part"))
    assert result.returncode == 255 and f"{tmp_path}/part line 3: Nonsense" in result.stderr


def test_a_host_key_that_others_can_read_is_refused(tmp_path):
    key = make_key(tmp_path / "open")
    key.chmod(0o644)
    path = tmp_path / "sluice.conf"
    path.write_text(f"HostKey {key}\n{ENGINE_USER}Queue echo\n Target builtin:echo\n")
    result = sluiced("-D", "-e", "-f", path)
    assert result.returncode == 255
    assert "too open" in result.stderr and str(key) in result.stderr


def test_a_port_in_use(write):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        result = sluiced("-D", "-e", "-f", write(f"ListenAddress {address}\nQueue echo\n Target builtin:echo"))
    assert result.returncode == 255
    assert "in use" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="as root only")
def test_an_engine_user_that_does_not_exist(tmp_path, keys):
    path = tmp_path / "sluice.conf"
    path.write_text(f"HostKey {keys['host']}\nUser nosuchuserhere\nListenAddress 127.0.0.1:{free_port()}\nQueue echo\n Target builtin:echo\n")
    result = sluiced("-D", "-e", "-f", path)
    assert result.returncode == 255 and "nosuchuserhere" in result.stderr


def test_version_and_help():
    assert "sluice" in (sluiced("-V").stdout + sluiced("-V").stderr)
    assert sluiced("-?nonsense").returncode == 255


def test_the_version_names_kernels_within_the_tier(monkeypatch):
    monkeypatch.setenv("SLUICE_TIER", "portable")
    shown = sluiced("-V")
    assert shown.returncode == 0 and "OpenSSL 3" in shown.stdout
    assert [line.split() for line in shown.stdout.splitlines()[1:4]] == [["aes-gcm", "evp"], ["chacha20-poly1305", "evp"], ["aes-ctr", "evp"]]
    assert "self-test" not in sluiced("-V").stdout


def test_a_tier_that_does_not_exist_is_refused(monkeypatch, write):
    monkeypatch.setenv("SLUICE_TIER", "avx1024")
    for arguments in (["-V"], ["-t", "-f", write("")]):
        refused = sluiced(*arguments)
        assert refused.returncode == 255
        assert "SLUICE_TIER=avx1024" in refused.stderr and "portable, avx2 or avx512" in refused.stderr


def test_it_daemonises_when_told_nothing_else(write, tmp_path):
    port = free_port()
    pid_file, log = tmp_path / "pid", tmp_path / "log"
    path = write(f"ListenAddress 127.0.0.1:{port}\nPidFile {pid_file}\nQueue echo\n Target builtin:echo")
    started = subprocess.run([program(), "-f", path, "-E", log], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             timeout=60)
    assert started.returncode == 0, log.read_text()
    pid = int(pid_file.read_text())
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as peer:
            peer.settimeout(60)
            assert peer.recv(4) == b"SSH-"
    finally:
        os.kill(pid, 15)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}") or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3],
                   "end of the daemon")

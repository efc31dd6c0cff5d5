# SPDX-License-Identifier: MIT
"""OpenSSH's own client, with a configuration file of the test's: host `gw` is the gateway, `box` a real sshd."""
import pathlib
import signal
import socket
import subprocess

from .process import is_listening
from .waiting import wait_until


class Client:
    """ssh as one user of one gateway. options: ssh_config lines for the host gw. program: an ssh other than the installed one."""

    def __init__(self, gateway, user="alice", key=None, options=(), box=None, program="ssh"):
        self.program = program
        self.directory = pathlib.Path(gateway.directory)
        self.config = self.directory / f"ssh_config.{len(list(self.directory.glob('ssh_config.*')))}"
        key = key or gateway.keys["alice" if user not in gateway.keys else user]
        lines = [
            "Host gw", *options, "HostName 127.0.0.1", f"Port {gateway.port}", f"User {user}", f"IdentityFile {key}",
            f"UserKnownHostsFile {gateway.known_hosts}",
        ]
        if box:
            lines += ["Host box", f"HostName {box.name}", f"Port {box.port}", f"HostKeyAlias {box.alias}", f"User {box.user}",
                      f"IdentityFile {box.key}", f"UserKnownHostsFile {box.known_hosts}"]
        lines += ["Host *", "BatchMode yes", "IdentitiesOnly yes", "IdentityAgent none", "GlobalKnownHostsFile none",
                  "StrictHostKeyChecking yes", "UpdateHostKeys no", "ConnectTimeout 60", "ExitOnForwardFailure yes",
                  "PreferredAuthentications publickey", "LogLevel INFO"]
        self.config.write_text("\n".join(lines) + "\n")
        self.started = []

    def argv(self, *arguments):
        return [self.program, "-F", str(self.config), *map(str, arguments)]

    def run(self, *arguments, input=None, timeout=120):
        """Runs to the end; stdin is empty unless input is given."""
        return subprocess.run(self.argv(*arguments), input=b"" if input is None else input, capture_output=True, timeout=timeout)

    def start(self, *arguments, **streams):
        streams.setdefault("stdin", subprocess.DEVNULL)
        streams.setdefault("stdout", subprocess.DEVNULL)
        streams.setdefault("stderr", open(self.directory / "ssh.stderr", "ab"))
        started = subprocess.Popen(self.argv(*arguments), **streams)
        self.started.append(started)
        return started

    def forward(self, *targets, arguments=()):
        """ssh -N with a local socket for each target (HOST:PORT at the gateway); returns the process and the sockets' paths."""
        number = len(self.started)
        paths = [str(self.directory / f"{self.config.name[11:]}.{number}.{index}") for index in range(len(targets))]
        options = [word for path, target in zip(paths, targets) for word in ("-L", f"{path}:{target}")]
        running = self.start("-N", *arguments, *options, "gw")
        wait_until(lambda: running.poll() is not None or all(map(is_listening, paths)), "forwarding")
        assert running.poll() is None, (self.directory / "ssh.stderr").read_text()
        return running, paths

    def stop(self):
        """Ends every ssh that still runs. TERM is sent again and again: ssh loses one that comes just before its poll."""
        for running in self.started:

            def has_ended(running=running):
                if running.poll() is None:
                    running.send_signal(signal.SIGCONT)
                    running.send_signal(signal.SIGTERM)
                return running.poll() is not None

            try:
                wait_until(has_ended, "end of ssh after TERM")
            finally:
                if running.poll() is None:
                    running.kill()
                    running.wait()


def connect(path: str) -> socket.socket:
    """Connects to a local socket of Client.forward."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)  # blocking: with a timeout it would fail where ssh is behind with accepting
    connection.settimeout(120)
    return connection


def read_exactly(connection: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 1 << 16))
        if not part:
            raise AssertionError(f"the stream ended after {len(parts)} of {count} bytes")
        parts += part
    return bytes(parts)


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)

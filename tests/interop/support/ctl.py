# SPDX-License-Identifier: MIT
"""sluicectl, and the socket that it talks to."""
import json
import os
import socket
import subprocess


class Ctl:
    """Of one gateway. A Unix socket's path is short, so that it stands beside pytest's deep directories."""

    def __init__(self, directory):
        self.path = str(directory / "s")
        self.setting = f"ControlSocket {self.path}"

    def try_to(self, *words):
        return subprocess.run([os.environ["SLUICECTL"], "-s", self.path, *words], capture_output=True, text=True, timeout=60)

    def run(self, *words, status=0):
        result = self.try_to(*words)
        assert result.returncode == status, result.stdout + result.stderr
        return result.stdout if status == 0 else result.stderr

    def json(self, *words):
        return json.loads(self.run("--json", *words))

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(self.path)
        return connection

    def say(self, line: bytes) -> list[dict]:
        """One raw question; the answer's lines."""
        with self.connect() as connection:
            connection.sendall(line)
            received = b""
            while chunk := connection.recv(1 << 16):
                received += chunk
        return [json.loads(text) for text in received.splitlines()]

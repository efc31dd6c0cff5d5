# SPDX-License-Identifier: MIT
"""A real sshd as a service behind the gateway, run by whoever runs the tests."""
import getpass
import os
import pathlib
import subprocess

from . import process
from .keys import make_key, public_line
from .waiting import wait_until


class Sshd:
    alias = "box"
    user = getpass.getuser()

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.name = "127.0.0.1"
        self.port = process.free_port()
        host_key = make_key(directory / "host")
        self.key = make_key(directory / "user")
        (directory / "authorized_keys").write_text(public_line(self.key) + "\n")
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.write_text(f"{self.alias} {public_line(host_key)}\n")
        config = directory / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {host_key}\nAuthorizedKeysFile {directory}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nMaxStartups 1000\n"
        )
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        with open(directory / "log", "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stderr=log)
        wait_until(lambda: "Server listening" in (directory / "log").read_text(), "sshd")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

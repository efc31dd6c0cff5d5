# SPDX-License-Identifier: MIT
"""A real sshd, run by whoever runs the tests: a service behind the gateway, or the server of our client role."""
import getpass
import os
import pathlib
import subprocess

from . import process
from .keys import certify, make_key, public_line
from .waiting import wait_until


class Sshd:
    alias = "box"
    user = getpass.getuser()

    def __init__(self, directory: pathlib.Path, settings: str = "", key_arguments=("ed25519",), ca=None):
        """settings: lines of sshd_config, in front of those here. key_arguments: ssh-keygen's, for host key and user key. ca: a key
        that certifies the host key, which is then shown with its certificate."""
        self.directory = directory
        self.name = "127.0.0.1"
        self.port = process.free_port()
        host_key = make_key(directory / "host", *key_arguments)
        self.host_line = public_line(host_key)
        if ca:
            certificate = certify(host_key, ca, "-h")
            self.host_line = certificate.read_text()
            settings += f"\nHostCertificate {certificate}"
        self.key = make_key(directory / "user", *key_arguments)
        (directory / "authorized_keys").write_text(public_line(self.key) + "\n")
        self.known_hosts = directory / "known_hosts"
        self.known_hosts.write_text(f"{self.alias} {self.host_line}\n")
        config = directory / "sshd_config"
        config.write_text(
            f"{settings}\nListenAddress 127.0.0.1:{self.port}\nHostKey {host_key}\nAuthorizedKeysFile {directory}/authorized_keys\n"
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

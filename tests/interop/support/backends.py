# SPDX-License-Identifier: MIT
"""Services behind the gateway, each on a loopback port or Unix socket of its own, a thread for each connection."""
import hashlib
import os
import socket
import threading

CHUNK = 1 << 20
_PATTERN = os.urandom(CHUNK)


def pattern(size: int):
    """`size` bytes in chunks, no two of them alike, so that loss, repetition and reordering all change the digest."""
    for index in range(0, size, CHUNK):
        chunk = index.to_bytes(8, "big") + _PATTERN[8:]
        yield chunk[: min(CHUNK, size - index)]


def pattern_digest(size: int) -> str:
    digest = hashlib.sha256()
    for chunk in pattern(size):
        digest.update(chunk)
    return digest.hexdigest()


class Backend:
    """serve(connection) runs in a thread for each connection, which is closed after it. path: a Unix socket instead of a port."""

    def __init__(self, serve, family=socket.AF_INET, host="127.0.0.1", port=0, path=None):
        self.serve = serve
        self.listener = socket.socket(socket.AF_UNIX if path else family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(str(path) if path else (host, port))
        self.listener.listen(1024)
        self.port = None if path else self.listener.getsockname()[1]
        if path:
            self.address = f"unix:{path}"
        else:
            self.address = f"[{host}]:{self.port}" if family == socket.AF_INET6 else f"{host}:{self.port}"
        self.connections = []
        self.errors = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        try:
            self.serve(connection)
        except OSError as error:
            self.errors.append(error)
        finally:
            connection.close()

    def stop(self):
        """Also a second time."""
        if self.listener.fileno() < 0:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def echo(connection):
    while data := connection.recv(1 << 16):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def digest(connection):
    """Reads to the end, then answers with the hexadecimal SHA-256 of what came: works only where half-closes do."""
    seen = hashlib.sha256()
    while data := connection.recv(1 << 18):
        seen.update(data)
    connection.sendall(seen.hexdigest().encode())


def source(size: int):
    """Sends `size` bytes of the pattern and closes at once."""

    def serve(connection):
        for chunk in pattern(size):
            connection.sendall(chunk)

    return serve


def endless(connection):
    while True:
        connection.sendall(_PATTERN)


def greeting(text: bytes):
    """Says text and closes: tells which backend was reached."""

    def serve(connection):
        connection.sendall(text)

    return serve


class Stalled:
    """Accepts and reads nothing until released; then reads to the end and counts."""

    def __init__(self):
        self.released = threading.Event()
        self.ended = threading.Event()
        self.count = 0

    def __call__(self, connection):
        self.released.wait()
        while data := connection.recv(1 << 16):
            self.count += len(data)
        self.ended.set()

# SPDX-License-Identifier: MIT
"""Clients, members and services that are killed and stopped at random under full load, while the configuration is reloaded and an
operator drains and disconnects. No tunnel hangs, none carries a wrong byte, and in the end every counter is back at zero.
SLUICE_KILL_SECONDS is how long; SLUICE_KILL_SEED repeats the choices of an earlier run, though not its timing."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from support.client import connect, read_exactly
from support.process import reserved_port
from support.waiting import wait_until

SECONDS = float(os.environ.get("SLUICE_KILL_SECONDS", 6))
SEED = int(os.environ.get("SLUICE_KILL_SEED", random.randrange(1 << 32)))
ECHO_PROCESS = pathlib.Path(__file__).with_name("support") / "echo_process.py"

QUEUES = ("targets", "members", "mixed")
TUNNELS_AT_ONCE = 16
PRODUCERS, CONSUMERS, SERVICES = 5, 3, 2
LARGEST = 300_000
MARK_SECONDS = 10  # how long a target is avoided whose connects have failed: gateway/queues/pool.c


def configuration(services, more):
    """Two of them, between which reloads go to and fro: in one there is less of everything."""
    targets = [f" Target 127.0.0.1:{service.port} maxconn {30 if more else 3}\n" for service in services[: None if more else 1]]
    terms = f" MaxConn {50 if more else 5}\n PerUserMaxConn {40 if more else 4}\n MaxQueue {200 if more else 5}\n"
    terms += f" QueueTimeout 3s\n ConnectTimeout 2s\n Balance {'leastconn' if more else 'random'}\n Allow *\n"
    joins = f" AcceptReverse {'carol dave' if more else 'carol'}\n ReverseMaxConn {20 if more else 2}\n HoldForConsumer {'yes' if more else 'no'}\n"
    listens = "PermitListen any\n" if more else ""
    check = targets[0].rstrip() + " check inter 1s fall 1 rise 1 slowstart 1s\n"
    return (f"{listens}Queue targets\n{''.join(targets)}{terms}Queue members\n{joins}{terms.replace('PerUserMaxConn', '# PerUserMaxConn')}"
            f"Queue mixed\n{check}{joins} MixReverse yes\n{terms}")


class Service:
    """A process that echoes, on the same port each time it is started."""

    def __init__(self, cleanup):
        holder = cleanup.enter_context(reserved_port())
        self.port = holder.getsockname()[1]
        self.start()
        cleanup.callback(self.kill)

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-B", str(ECHO_PROCESS), str(self.port)])
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "service")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Consumer:
    """A client that is a member of the queues which take it, and has the gateway listen on a port, in front of a service."""

    def __init__(self, cleanup, client, service):
        self.client, self.service = client, service
        self.paths = [cleanup.enter_context(reserved_port()).getsockname()[1]]
        self.start()

    def start(self):
        asked = [f"{name}:0" for name in QUEUES[1:]] + self.paths
        words = [word for one in asked for word in ("-R", f"{one}:127.0.0.1:{self.service.port}")]
        self.process = self.client.start("-N", "-o", "ExitOnForwardFailure=no", *words, "gw")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Producer:
    """A client with a local socket for each queue."""

    def __init__(self, client):
        self.client = client
        self.start()

    def start(self):
        self.process, self.paths = wait_until(self.try_to_start, "producer")

    def try_to_start(self):
        try:
            return self.client.forward(*(f"{name}:1" for name in QUEUES))
        except AssertionError:  # an operator has disconnected it before it was ready
            return None

    def kill(self):
        self.process.kill()
        self.process.wait()


class Storm:
    """Threads that each do one thing again and again until the time is over; what one of them raises, the test does."""

    def __init__(self):
        self.end = time.monotonic() + SECONDS
        self.threads, self.errors = [], []
        self.carried = self.cut = 0
        self.lock = threading.Lock()

    def go(self, act, *arguments):
        chance = random.Random(SEED + len(self.threads))

        def run():
            try:
                while time.monotonic() < self.end:
                    act(chance, *arguments)
            except BaseException as error:
                self.errors.append(error)

        self.threads.append(threading.Thread(target=run))

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def tunnel(self, chance, entrances):
        """One tunnel: what comes back is what was sent, as far as it comes."""
        path = chance.choice(chance.choice(entrances).paths)
        sent = chance.randbytes(chance.randrange(1, LARGEST))
        wanted = len(sent) if chance.random() < 0.7 else chance.randrange(len(sent))
        try:
            with enter(path) as tunnel:
                got = exchange(tunnel, sent, wanted)
        except (ConnectionError, FileNotFoundError):
            got = b""
        assert sent.startswith(got), "wrong bytes"
        with self.lock:
            self.carried += len(got) >= wanted
            self.cut += len(got) < wanted
        if not got:
            time.sleep(0.02)


def enter(path):
    """A producer's local socket, or a port that the gateway listens on for a consumer."""
    return socket.create_connection(("127.0.0.1", path), timeout=120) if isinstance(path, int) else connect(path)


def exchange(tunnel, sent, wanted):
    """Sends all and reads the first `wanted` bytes; fewer, where the tunnel ends before. A tunnel that stands still fails."""

    def feed():
        try:
            tunnel.sendall(sent)
        except OSError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    got = bytearray()
    try:
        while len(got) < wanted and (part := tunnel.recv(1 << 16)):
            got += part
    except ConnectionError:
        pass
    finally:
        try:
            tunnel.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        feeder.join()
    return bytes(got)


def kill_one(chance, victims, pause):
    time.sleep(chance.random() * pause)
    victim = chance.choice(victims)
    if chance.random() < 0.3:
        victim.process.send_signal(signal.SIGSTOP)
        time.sleep(chance.random())
        victim.process.send_signal(signal.SIGCONT)
        return
    victim.kill()
    time.sleep(chance.random() * pause)
    victim.start()


def operate(chance, gateway, ctl, configurations):
    """What an operator may do; who is named may have gone meanwhile."""
    time.sleep(chance.random() * 0.5)
    if chance.random() < 0.4:
        gateway.configure(chance.choice(configurations), ctl.setting)
        gateway.signal(signal.SIGHUP)
        return
    members = [(queue["queue"], member["member"]) for queue in ctl.json("queues")["queues"] for member in queue["members"]]
    sessions = ctl.json("sessions")["sessions"]
    if members:
        order = chance.choice(members)
        ctl.try_to("drain", *order)
        time.sleep(chance.random() * 0.2)
        ctl.try_to("enable", *order)
    if sessions and chance.random() < 0.3:
        ctl.try_to("kill", chance.choice(sessions)["session"])


def is_at_rest(ctl):
    """Nobody is connected, nothing waits, and no slot is taken."""
    queues = ctl.json("queues")["queues"]
    members = [member for queue in queues for member in queue["members"]]
    return not ctl.json("sessions")["sessions"] and not any(item["active"] for item in queues + members) and not any(
        queue["waiting"] for queue in queues)


def test_random_kills_leave_nothing_behind(gateway, client, ctl, keys, cleanup):
    print(f"SLUICE_KILL_SEED={SEED}")
    for user, key in (("carol", "ecdsa"), ("dave", "rsa")):
        gateway.admit(user, f"{(keys[key].parent / (key + '.pub')).read_text().strip()}")
    services = [Service(cleanup) for _ in range(SERVICES)]
    configurations = [configuration(services, more) for more in (True, False)]
    gateway.start(configurations[0], ctl.setting)
    who = [("carol", "ecdsa"), ("dave", "rsa")]
    consumers = [Consumer(cleanup, client(gateway, user=user, key=keys[key]), services[0]) for user, key in (who * CONSUMERS)[:CONSUMERS]]
    producers = [Producer(client(gateway, user=user)) for user in (["alice", "bob"] * PRODUCERS)[:PRODUCERS]]

    storm = Storm()
    for _ in range(TUNNELS_AT_ONCE):
        storm.go(storm.tunnel, producers + consumers)
    storm.go(kill_one, producers, 0.5)
    storm.go(kill_one, consumers, 0.5)
    storm.go(kill_one, services, 1.5)
    storm.go(operate, gateway, ctl, configurations)
    storm.run()
    print(f"{storm.carried} tunnels carried all, {storm.cut} were cut or refused")
    assert storm.carried > SECONDS and storm.cut > 0
    assert {"members", "mixed", None} <= {record["queue"] for record in gateway.audit() if record["event"] == "reverse_tunnel"}

    for one in producers + consumers:
        one.kill()
    wait_until(lambda: is_at_rest(ctl), "rest")
    for queue in ctl.json("queues")["queues"]:
        gateway.wait_for_audit(count=queue["served"], event="tunnel", queue=queue["queue"])
        assert sum(record["event"] == "tunnel" and record["queue"] == queue["queue"] for record in gateway.audit()) == queue["served"]
    serves_again(gateway, ctl, configurations[0], producers[0], consumers[0])


def serves_again(gateway, ctl, everything, producer, consumer):
    gateway.configure(everything, ctl.setting)
    gateway.signal(signal.SIGHUP)
    consumer.start()
    producer.start()
    end = time.monotonic() + MARK_SECONDS * 3
    for path in producer.paths:
        while True:
            with connect(path) as tunnel:
                tunnel.sendall(b"again")
                try:
                    assert read_exactly(tunnel, 5) == b"again"
                    break
                except (AssertionError, ConnectionError):
                    assert time.monotonic() < end, f"{path} is not served"
                    time.sleep(0.2)

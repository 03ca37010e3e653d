"""What has an absolute bound: memory, times, and rates that have no peer."""

import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

import setup


class Figure:
    """A measured number, and what it may be at most or must be at least."""

    def __init__(self, name, value, unit, bound, at_least=False):
        self.name, self.value, self.unit, self.bound, self.at_least = name, value, unit, bound, at_least

    @property
    def met(self):
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def row(self):
        sign = "≥" if self.at_least else "≤"
        return f"| {self.name} | {self.value:,.2f} {self.unit} | {sign} {self.bound:g} | {'met' if self.met else 'not met'} |"


def table(figures):
    return "\n".join(["| what | measured | bound | |", "|---|---|---|---|", *(figure.row() for figure in figures)])


def many_files(folder, count=112_120):
    """The shape of the NIH corpus: twelve folders of small files."""
    if not (folder / "done").exists():
        for n in range(count):
            place = folder / f"images_{n % 12 + 1:03}"
            if n < 12:
                place.mkdir(parents=True, exist_ok=True)
            (place / f"{n:08}_000.png").write_bytes(os.urandom(8) * 512)
        (folder / "done").write_text("")


def hashing(gate, home):
    """Importing 112,120 files, beside sha256sum on both cores; then memory and time of a fresh start."""
    folder = home / "corpus"
    many_files(folder)
    (home / "corpus.toml").write_text(
        'slug = "corpus"\ntitle = "C"\nsummary = "."\ndescription = "."\nlicence = "CC0"\npublisher = "Us"\nmode = "open"\n'
        f'root = "{folder}"\n')
    ratios = []
    for _ in range(3):
        begin = time.monotonic()
        subprocess.run(f"find {folder} -type f -print0 | xargs -0 -n 2000 -P 2 sha256sum > /dev/null", shell=True, check=True)
        theirs = time.monotonic() - begin
        begin = time.monotonic()
        gate.command("dataset", "import", str(home / "corpus.toml"))
        ratios.append(theirs / (time.monotonic() - begin))
    yield Figure("`dataset import` of 112,120 files, speed beside `sha256sum` on both cores", statistics.median(ratios), "×", 0.8, True)
    gate.server.stop()
    times = []
    for _ in range(3):
        begin = time.monotonic()
        gate.server = gate.serve()
        while True:
            try:
                with socket.create_connection((setup.HOST, gate.port), 1) as client:
                    client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    if b"200 OK" in client.recv(100):
                        break
            except OSError:
                pass
            time.sleep(0.002)
        times.append((time.monotonic() - begin) * 1000)
        memory = gate.server.memory() / 1e6
        gate.server.stop()
    gate.server = gate.serve()
    yield Figure("ready after start", statistics.median(times), "ms", 300)
    yield Figure("memory at rest with 112,120 files", memory, "MB", 40)


def crowd(gate, token):
    """Slow readers of a large file, and connections that rest."""
    request = (f"GET /data/bench/large/00000000_000.png HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").encode()
    clients = []
    for _ in range(1000):
        client = socket.create_connection((setup.HOST, gate.port))
        client.sendall(request)
        clients.append(client)
    for client in clients:
        if b"200 OK" not in client.recv(64):
            raise SystemExit("a slow client was not served")
    time.sleep(2)
    yield Figure("memory with 1,000 slow clients of the 1 GiB file", gate.server.memory() / 1e6, "MB", 150)
    for client in clients:
        client.close()
    time.sleep(1)
    clients = [socket.create_connection((setup.HOST, gate.port)) for _ in range(10_000)]
    time.sleep(2)
    yield Figure("memory with 10,000 idle connections", gate.server.memory() / 1e6, "MB", 200)
    for client in clients:
        client.close()


def open_loop(gate, token, rate=2_000, seconds=10):
    """Requests at their times, whether the ones before were answered or not; latency counts from when each was due."""
    latencies = []

    def client(number, clients):
        connection = http.client.HTTPConnection(setup.HOST, gate.port)
        headers = {"Authorization": f"Bearer {token}"}
        start = time.monotonic() + 0.5
        for n in range(number, rate * seconds, clients):
            due = start + n / rate
            time.sleep(max(0, due - time.monotonic()))
            connection.request("GET", "/data/bench/small/00000001_000.png", headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"{answer.status} in the open loop")
            latencies.append(time.monotonic() - due)

    # In a process of its own, threads would wait for each other's turn; a few processes share the load.
    pids = []
    clients = 16
    pipe_read, pipe_write = os.pipe()
    for process in range(4):
        pid = os.fork()
        if pid == 0:
            threads = [threading.Thread(target=client, args=(process * 4 + n, clients)) for n in range(4)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            os.write(pipe_write, b"".join(f"{latency:.6f}\n".encode() for latency in sorted(latencies)[-600:]) or b"\n")
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    os.close(pipe_write)
    with os.fdopen(pipe_read) as pipe:
        slowest = sorted((float(line) for line in pipe.read().split()), reverse=True)
    return Figure(f"admission p99 at {rate:,} requests/s, open loop", slowest[rate * seconds // 100] * 1000, "ms", 5)


def verifying(gate):
    """`audit verify` over everything that the bench recorded."""
    gate.command("audit", "verify")
    begin = time.monotonic()
    said = gate.command("audit", "verify")
    seconds = time.monotonic() - begin
    events = int(re.search(r"verifies: ([\d,]+) events", said)[1].replace(",", ""))
    return Figure(f"`audit verify`, events/s ({events:,} events)", events / seconds, "/s", 300_000, True)

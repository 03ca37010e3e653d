"""What has an absolute bound: memory, times, and rates that have no peer."""

import contextlib
import json
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import threading
import time

import setup


# 0.4 of what a download left before it was said once.
RECORD_BYTES = 165


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
        gate.server = gate.serve(demo=False)
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
    """Slow readers of a large file; and connections that rest."""
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
    # Each of the two by itself.
    gate.server.stop()
    gate.server = gate.serve()
    clients = [socket.create_connection((setup.HOST, gate.port)) for _ in range(10_000)]
    time.sleep(2)
    yield Figure("memory with 10,000 idle connections", gate.server.memory() / 1e6, "MB", 200)
    for client in clients:
        client.close()


def latencies(gate, token, home, rate, seconds, clients):
    """How long downloads take that begin at their times, whatever became of the ones before, in microseconds (h2load over
    HTTP/1.1)."""
    log = home / "h2load.log"
    log.unlink(missing_ok=True)
    subprocess.run(
        ["h2load", "--h1", "-c", str(clients), "-t", "1", "--rps", str(rate // clients), "-D", str(seconds),
         "-H", f"authorization: Bearer {token}", "--log-file", str(log), f"http://{setup.HOST}:{gate.port}/data/bench/small/00000001_000.png"],
        check=True, capture_output=True)
    rows = [line.split() for line in log.read_text().splitlines()]
    if any(status != "200" for _, status, _ in rows):
        raise SystemExit("the open loop was answered something else than 200")
    return [int(micros) for _, _, micros in rows]


def p99(times):
    """The 99th percentile, in milliseconds."""
    return sorted(times)[len(times) * 99 // 100] / 1000


def latency(gate, token, home, rate, seconds, clients):
    """The 99th percentile of such downloads, and how many there were a second."""
    times = latencies(gate, token, home, rate, seconds, clients)
    return p99(times), len(times) / seconds


def open_loop(gate, token, home):
    """Admissions at a steady rate."""
    slow, rate = latency(gate, token, home, 2_000, 10, 16)
    return Figure(f"admission p99 at {rate:,.0f} requests/s, open loop", slow, "ms", 5)


def beside_pages(gate, token, home):
    """The same at a lower rate, at rest and while 800 connections ask for a page as fast as they get it."""
    ratios = []
    for _ in range(3):
        at_rest, _rate = latency(gate, token, home, 500, 5, 16)
        pages = subprocess.Popen(
            ["wrk", "-t", "1", "-c", "800", "-d", "8s", "--timeout", "30s", f"http://{setup.HOST}:{gate.port}/datasets/bench"],
            stdout=subprocess.DEVNULL)
        time.sleep(1)
        crowded, _rate = latency(gate, token, home, 500, 5, 16)
        pages.wait()
        ratios.append(crowded / at_rest)
    return Figure("download p99 while 800 connections ask for a page, beside at rest", statistics.median(ratios), "×", 3)


def beside_import(gate, token, home):
    """The same for half a minute at rest, and while every one of 112,120 files is imported with other bytes: over all of that
    time, and in the worst two seconds of each."""
    def window():
        return latencies(gate, token, home, 500, 2, 16)

    def compared(rest, busy):
        whole = p99(sum(busy, [])) / p99(sum(rest, []))
        return whole, max(map(p99, busy)) / max(map(p99, rest))

    homes = [home / "corpus", home / "corpus-again"]
    for folder in homes:
        many_files(folder)
    ratios = []
    for n in range(3):
        description = (home / "corpus.toml").read_text()
        description = description[:description.index("root = ")] + f'root = "{homes[(n + 1) % 2]}"\n'
        (home / "corpus.toml").write_text(description)
        # What the import before has left to copy is copied.
        time.sleep(5)
        rest, busy = [window() for _ in range(15)], []
        importing = threading.Thread(target=gate.command, args=("dataset", "import", str(home / "corpus.toml")))
        importing.start()
        while importing.is_alive():
            busy.append(window())
        importing.join()
        ratios.append(compared(rest, busy))
    name = "download p99 while 112,120 files are imported, beside at rest"
    whole, worst = (statistics.median(found) for found in zip(*ratios))
    return [Figure(name, whole, "×", 2), Figure(f"{name}, the worst two seconds of each", worst, "×", 2)]


def beside_commands(gate, other, load, target, home):
    """The rate of downloads while 64 connections sign in and out, make and revoke tokens: at the gateway itself, beside at
    another one on the same machine, so that what is measured is not the processors that both and their clients share."""
    def busy(stop, busy_gate):
        while not stop.is_set():
            try:
                person = setup.Person(f"http://{setup.HOST}:{busy_gate.port}")
                person.post("/login", busy_gate.login)
                page = person.post("/account/tokens", {"name": "b", "days": "7", "datasets": "bench"})
                token = re.search(r"/account/tokens/([0-9a-f-]+)/revoke", page)
                if token:
                    person.post(f"/account/tokens/{token[1]}/revoke", {})
                person.post("/account/sessions/end-others", {})
                person.post("/logout", {})
            except OSError:
                time.sleep(0.05)

    def downloads(busy_gate):
        stop = threading.Event()
        people = [threading.Thread(target=busy, args=(stop, busy_gate), daemon=True) for _ in range(64)]
        for person in people:
            person.start()
        time.sleep(1)
        rate = load(target, 64, 5, home)["requests/s"]
        stop.set()
        for person in people:
            person.join(60)
        return rate

    ratios = []
    for _ in range(3):
        elsewhere = downloads(other)
        ratios.append(downloads(gate) / elsewhere)
    name = "downloads while 64 connections sign in and out, make and revoke tokens, beside while they do so elsewhere"
    return Figure(name, statistics.median(ratios), "×", 0.95, True)


def used_bytes(gate):
    """What the database's tables and indexes take, in bytes."""
    with contextlib.closing(sqlite3.connect(f"file:{gate.data / 'countersign.db'}?mode=ro", uri=True)) as database:
        pages, free, size = (database.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def count_admissions(gate):
    """How many downloads the log has of each file of the bench's dataset, and how many bytes."""
    rows = json.loads(gate.command("audit", "holdings", "--dataset", "bench", "--format", "json"))
    return sum(row["transfers"] for row in rows), sum(row["at_most"] for row in rows)


def recording(gate, target, load, home):
    """What the log keeps of each download; and whether it says what the client counted."""
    (downloads, sent), used = count_admissions(gate), used_bytes(gate)
    result = load(target, 64, 30, home)
    time.sleep(2)
    (after, sent_after), used_after = count_admissions(gate), used_bytes(gate)
    # The 64 that wrk breaks off at the end are in the log and not in its count.
    if not 0 <= after - downloads - result["requests"] <= 128 or sent_after - sent < result["requests"] * 4096:
        raise SystemExit(f"wrk counted {result['requests']} downloads, the log {after - downloads}, of {sent_after - sent} bytes")
    yield Figure("bytes of log a download leaves on disk", (used_after - used) / (after - downloads), "B", RECORD_BYTES)


def holdings(gate):
    """Who holds what of a dataset, from all the downloads that the bench made."""
    times = []
    for _ in range(3):
        begin = time.monotonic()
        downloads, _bytes = count_admissions(gate)
        times.append(time.monotonic() - begin)
    return Figure(f"`audit holdings` of one dataset with {downloads:,} downloads", statistics.median(times), "s", 2)


def verifying(gate):
    """`audit verify` over everything that the bench recorded."""
    gate.command("audit", "verify")
    begin = time.monotonic()
    said = gate.command("audit", "verify")
    seconds = time.monotonic() - begin
    events = int(re.search(r"verifies: ([\d,]+) events", said)[1].replace(",", ""))
    return Figure(f"`audit verify`, events/s ({events:,} events)", events / seconds, "/s", 300_000, True)

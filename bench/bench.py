"""Runs Countersign and its peers in turn, on the same files, with the same connections, in the same minutes."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import figures
import setup

WRK = """
local paths = {}
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
local authorization = os.getenv("BENCH_AUTHORIZATION")
if authorization then wrk.headers["Authorization"] = authorization end
local next = 0
function request()
  next = next % #paths + 1
  return wrk.format("GET", paths[next])
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT {\\"requests\\": %d, \\"bytes\\": %d, \\"seconds\\": %f, \\"p99\\": %f, \\"errors\\": %d}\\n",
    summary.requests, summary.bytes, summary.duration / 1e6, latency:percentile(99) / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class Target:
    """An address to load, with what it asks for."""

    def __init__(self, name, url, paths, authorization=None):
        self.name, self.url, self.paths, self.authorization = name, url, paths, authorization


def load(target, connections, seconds, home):
    """One round of wrk; any answer but 200 ends the bench, for a refusal is fast."""
    (home / "wrk.lua").write_text(WRK)
    (home / "paths").write_text("\n".join(target.paths) + "\n")
    env = {"BENCH_PATHS": str(home / "paths"), "PATH": "/usr/bin:/bin"}
    if target.authorization:
        env["BENCH_AUTHORIZATION"] = target.authorization
    threads = min(2, connections)
    done = subprocess.run(
        ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s", "-s", str(home / "wrk.lua"), target.url],
        capture_output=True, text=True, env=env)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise SystemExit(f"wrk on {target.name}: {done.stdout}{done.stderr}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["errors"]:
        raise SystemExit(f"{target.name}: {result['errors']} errors\n{done.stdout}")
    return {
        "requests": result["requests"],
        "requests/s": result["requests"] / result["seconds"],
        "bytes/s": result["bytes"] / result["seconds"],
        "p99": result["p99"],
    }


class Row:
    """What is compared, with whom, how, and what is to be reached."""

    def __init__(self, name, ours, peer, metric, goal, connections=64, at_most=False):
        self.name, self.ours, self.peer, self.metric, self.goal = name, ours, peer, metric, goal
        self.connections, self.at_most = connections, at_most


def quick(number):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each pair (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds a server a round (default %(default)s)")
    parser.add_argument("--only", default="", help="only rows whose name has this in it")
    parser.add_argument("--events", type=int, default=0, help="also measure with so many events in the log, such as 10000000")
    parser.add_argument("--no-figures", action="store_true", help="only the rows with peers")
    parser.add_argument("--keep", type=Path, help="use this folder, and leave it")
    parser.add_argument("--record", action="store_true", help="write bench/RESULTS.md")
    options = parser.parse_args()

    top = Path(__file__).resolve().parent.parent
    home = options.keep or Path(tempfile.mkdtemp(prefix="countersign-bench-"))
    home = home.resolve()
    home.mkdir(exist_ok=True)
    # nginx reads the corpus as a user of its own.
    home.chmod(0o755)
    shutil.rmtree(home / "countersign", ignore_errors=True)
    servers = []
    try:
        files = home / "files"
        paths = setup.corpus(files)
        gate = setup.Countersign(str(top / "target/dist/countersign"), home, files)
        servers.append(gate.server)
        nginx, ports = setup.nginx(home, files)
        servers.append(nginx)
        rows = make_rows(gate, ports, paths, home, top, servers, options)
        rows = [row for row in rows if options.only in row.name]
        results = [measure(row, options, home) for row in rows]
        found = [] if options.no_figures else list(take_figures(gate, paths, home))
    finally:
        for server in servers:
            server.stop()
        if not options.keep:
            shutil.rmtree(home, ignore_errors=True)
    table = render(rows, results)
    if found:
        table += "\n\n" + figures.table(found)
    print(table)
    if options.record:
        record(top, table, rows, results, options)


def take_figures(gate, paths, home):
    def shown(figure):
        print(f"   {figure.name}: {figure.value:.2f} {figure.unit}", file=sys.stderr)
        return figure

    yield shown(figures.open_loop(gate, gate.token, home))
    yield shown(figures.beside_pages(gate, gate.token, home))
    downloads = Target("countersign", gate.server.url, ["/data/bench/small/00000001_000.png"], f"Bearer {gate.token}")
    (home / "other").mkdir(exist_ok=True)
    other = setup.Countersign(gate.program, home / "other", gate.files)
    yield shown(figures.beside_commands(gate, other, load, downloads, home))
    other.server.stop()
    small = Target("countersign", gate.server.url, [f"/data/bench/{path}" for path in paths["small"]], f"Bearer {gate.token}")
    yield from map(shown, figures.recording(gate, small, load, home))
    yield shown(figures.holdings(gate))
    yield shown(figures.verifying(gate))
    yield from map(shown, figures.crowd(gate, gate.token))
    yield from map(shown, figures.hashing(gate, home))
    yield from map(shown, figures.beside_import(gate, gate.token, home))


def lengthen(gate, paths, events, home):
    """Downloads until the log has so many events."""
    target = Target("countersign", gate.server.url, [f"/data/bench/{path}" for path in paths], f"Bearer {gate.token}")
    while True:
        checkpoint = urllib.request.urlopen(gate.server.url + "/log/checkpoint").read().decode()
        size = int(checkpoint.split("\n")[1])
        print(f"   the long log has {size:,} events", file=sys.stderr)
        if size >= events:
            return
        load(target, 256, 20, home)


def make_rows(gate, ports, paths, home, top, servers, options):
    expires = int(time.time()) + 86_400
    port = {use: f"http://{setup.HOST}:{number}" for use, number in ports.items()}

    def ours(shape):
        return Target("countersign", gate.server.url, [f"/data/bench/{path}" for path in paths[shape]], f"Bearer {gate.token}")

    def linked(shape):
        return Target("nginx secure_link", port["static"], [setup.secure_link(path, expires) for path in paths[shape]])

    def plain(name, url, shape, authorization=None):
        return Target(name, url, [f"/{path}" for path in paths[shape]], authorization)

    basic = "Basic " + __import__("base64").b64encode(f"{setup.USER}:{setup.PASSWORD}".encode()).decode()
    dufs_port, rclone_port = setup.free_port(), setup.free_port()
    files = str(home / "files")
    servers.append(setup.Server(
        "dufs", [str(top / "target/bench/dufs/bin/dufs"), "-b", setup.HOST, "-p", str(dufs_port), "-a", f"{setup.USER}:{setup.PASSWORD}@/", files],
        dufs_port, home))
    servers.append(setup.Server(
        "rclone", ["rclone", "serve", "http", "--addr", f"{setup.HOST}:{rclone_port}", "--user", setup.USER, "--pass", setup.PASSWORD, files],
        rclone_port, home, env={"RCLONE_CONFIG": "/dev/null"}))
    dufs = f"http://{setup.HOST}:{dufs_port}"
    rclone = f"http://{setup.HOST}:{rclone_port}"
    small, medium, large = "4 KiB, 64 connections", "400 KiB, 64 connections", "1 GiB, one connection"
    cert, key = setup.certificate(home)
    tls, tls_token = gate.encrypted(cert, key)
    servers.append(tls)
    encrypted = Target("countersign", tls.url, [f"/data/bench/{path}" for path in paths["medium"]], f"Bearer {tls_token}")
    remote_token = gate.remote(port["upstream"], paths["medium"])
    remote = Target("countersign", gate.server.url, [f"/data/remote/{path}" for path in paths["medium"]], f"Bearer {remote_token}")
    more = []
    if options.events:
        (home / "long").mkdir(exist_ok=True)
        long = setup.Countersign(gate.program, home / "long", home / "files")
        servers.append(long.server)
        lengthen(long, paths["small"], options.events, home)
        with_long = Target("with the long log", long.server.url, ours("small").paths, f"Bearer {long.token}")
        with_short = Target("countersign with the short one", gate.server.url, ours("small").paths, f"Bearer {gate.token}")
        more.append(Row(f"admissions with {options.events:,} events in the log", with_long, with_short, "requests/s", 0.95))
    return more + [
        Row(small, ours("small"), linked("small"), "requests/s", 0.65),
        Row(small, ours("small"), plain("nginx auth_request", port["auth_request"], "small"), "requests/s", 1.1),
        Row(small, ours("small"), plain("dufs", dufs, "small", basic), "requests/s", 20),
        Row(small, ours("small"), plain("rclone serve http", rclone, "small", basic), "requests/s", None),
        Row(medium, ours("medium"), linked("medium"), "requests/s", 0.9),
        Row("400 KiB over TLS, 64 connections", encrypted, Target("nginx TLS", f"https://localhost:{ports['tls']}", plain("", "", "medium").paths), "requests/s", 1.0),
        Row("400 KiB from an HTTP upstream, 64 connections", remote, plain("nginx proxy_pass", port["proxy"], "medium"), "requests/s", 0.7),
        Row(large, ours("large"), linked("large"), "bytes/s", 1.0, connections=1),
        Row(small, ours("small"), linked("small"), "p99", 2.0, at_most=True),
    ]


def measure(row, options, home):
    for target in (row.ours, row.peer):
        # Nobody is measured while what it sends comes from the disk.
        load(target, row.connections, 3, home)
    rounds = []
    for number in range(options.rounds):
        # Who goes first changes from round to round.
        order = [row.ours, row.peer] if number % 2 == 0 else [row.peer, row.ours]
        found = {target.name: load(target, row.connections, options.seconds, home)[row.metric] for target in order}
        rounds.append((found[row.ours.name], found[row.peer.name]))
        print(f"   {row.name} · {row.metric} · {row.peer.name}: {quick(rounds[-1][0])} / {quick(rounds[-1][1])}", file=sys.stderr)
    return rounds


def ratio(rounds):
    return statistics.median(ours / peer for ours, peer in rounds)


def render(rows, results):
    lines = ["| what | measure | Countersign | beside | its | ratio | goal | |", "|---|---|---|---|---|---|---|---|"]
    for row, rounds in zip(rows, results):
        found = ratio(rounds)
        met = row.goal is None or (found <= row.goal if row.at_most else found >= row.goal)
        goal = "" if row.goal is None else f"{'≤' if row.at_most else '≥'} {row.goal:g}"
        lines.append(
            f"| {row.name} | {row.metric} | {quick(statistics.median(ours for ours, _ in rounds))} | {row.peer.name} "
            f"| {quick(statistics.median(peer for _, peer in rounds))} | {found:.2f} | {goal} | {'' if not goal else 'met' if met else 'not met'} |")
    return "\n".join(lines)


def record(top, table, rows, results, options):
    processor = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    commit = subprocess.run(["git", "-C", str(top), "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    raw = "\n".join(
        f"- {row.name}, {row.metric}, {row.peer.name}: " + ", ".join(f"{quick(ours)} / {quick(peer)}" for ours, peer in rounds)
        for row, rounds in zip(rows, results))
    (top / "bench/RESULTS.md").write_text(
        f"# Results\n\n{time.strftime('%Y-%m-%d')}, {processor} ({__import__('os').cpu_count()} cores, shared with the load generator), "
        f"commit {commit}, {options.rounds} rounds of {options.seconds} s.\n\n{table}\n\nRatios are medians of the rounds' ratios.\n\n"
        f"## Rounds (Countersign / peer)\n\n{raw}\n")


if __name__ == "__main__":
    main()

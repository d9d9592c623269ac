"""What parts of the gate cost beside all of it, and how soon a call is found: `GREAVE=… python3 bench/parts.py [SECONDS]`.

One gate is as it comes, with a watch that only tells, and seals at full hours and what is 64 MiB; one
has no watch; one seals what it writes every ten seconds; one sends a span of each request to a
collector. wrk asks them in turn; what counts is the processor's time for a request, by the names of
the gate's threads. Sealing is counted until all of it is done. Needs Debian's nginx and wrk.
"""

import collections
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="greave-parts-"))
os.environ.setdefault("GREAVE_BENCH_SCRATCH", str(SCRATCH))

import bench  # noqa: E402
from gate import BINARY  # noqa: E402
from lib import LOOPBACK, Api, free_port, wait_until  # noqa: E402
from peers import Peer, answers, document, key, nginx  # noqa: E402

SEALED = 'seal = "10s"\n'
PROBES = 40
SEALER = "record-seal"


class Collector(http.server.ThreadingHTTPServer):
    """Takes spans, and looks at none."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Taker)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def by_thread(pid):
    """Nanoseconds that the process has run, by the names of its threads without their numbers."""
    spent = collections.Counter()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name = (task / "comm").read_text().strip().rstrip("0123456789-")
            spent[name] += int((task / "schedstat").read_text().split()[0])
    return spent


def measure(peer, seconds, record=None):
    """Microseconds a request by thread; with a record, until all of it is sealed."""
    bench.ask(peer, 1, bench.CONNECTIONS)
    pid = peer.programs[0].process.pid
    if record:
        wait_until(lambda: sealed(record), 60, "what was written before is sealed")
    before = by_thread(pid)
    seen = bench.ask(peer, seconds, bench.CONNECTIONS)
    if record:
        wait_until(lambda: sealed(record), 120, "all is sealed")
    after = by_thread(pid)
    return {name: (after[name] - before[name]) / 1e3 / seen["requests"] for name in after}


def sealed(record):
    """Whether no log holds calls: a fresh one has only its header."""
    return all(log.stat().st_size <= 4096 for log in record.glob("*.calls"))


def found_after(gate, one):
    """Seconds from a call's answer until a command finds it."""
    path = f"/v1/orders/probe-{time.monotonic_ns()}"
    Api(gate.port, f"Bearer {one}")("GET", path)
    began = time.monotonic()
    argv = [BINARY, "--config", gate.folder / "greave.toml", "calls", "--format", "jsonl", "--since", "1m"]
    while time.monotonic() < began + 30:
        told = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout
        if path.rsplit("/", 1)[1] in told:
            return time.monotonic() - began
    raise RuntimeError(f"{path} was not found within 30 s")


def tell(name, rounds):
    """A line: the whole without what sealing takes, which begins when it likes; and its parts."""
    names = sorted({part for spent in rounds for part in spent})
    parts = {part: statistics.median(spent.get(part, 0) for spent in rounds) for part in names}
    whole = statistics.median(sum(spent.values()) - spent.get(SEALER, 0) for spent in rounds)
    shown = ", ".join(f"{part} {parts[part]:.1f}" for part in sorted(parts, key=parts.get, reverse=True) if parts[part] >= 0.05)
    print(f"{name:<24} {whole:6.1f} µs a request: {shown}", flush=True)
    return whole, parts


def main(seconds):
    bench.RUN.mkdir(parents=True)
    (bench.RUN / "openapi.json").write_text(json.dumps(document()))
    thing, things = answers()
    keys = [key(number) for number in range(100)]
    with bench.on_core(bench.LOAD):
        api, _ = nginx("api.conf", bench.RUN / "api", OBJECT=thing, LIST=things)
        collector = Collector()
    traced = f'\n[trace]\nto = "http://{LOOPBACK}:{collector.server_address[1]}/v1/traces"\nsample = 1.0\n'
    peers = {}
    with bench.on_core(bench.PROXY):
        for name, more, watch in (("plain", "", "dry-run"), ("unwatched", "", "off"), ("sealing", SEALED, "dry-run"), ("traced", traced, "dry-run")):
            gate = bench.greave(api, name, keys, "enforce", more, watch)
            peers[name] = (gate, Peer(name, gate.port, [gate.program], keys, bench.THINGS))
    found = collections.defaultdict(list)
    for _ in range(3):
        for name, (gate, peer) in peers.items():
            record = gate.folder / "state/record" if name == "sealing" else None
            found[name].append(measure(peer, seconds, record))
    plain, _ = tell("the gate", found["plain"])
    whole = tell("without its watch", found["unwatched"])[0]
    print(f"  the watch is {plain - whole:.1f} µs, {(plain - whole) / whole:.0%} on top of the gate")
    seal = tell("sealing what it writes", found["sealing"])[1].get(SEALER, 0)
    print(f"  sealing is {seal:.1f} µs, {seal / plain:.0%} on top of the gate")
    whole = tell("a span of each", found["traced"])[0]
    print(f"  spans are {whole - plain:.1f} µs, {(whole - plain) / plain:.0%} on top of the gate")
    record = peers["sealing"][0].folder / "state/record"
    bytes_sealed = sum(file.stat().st_size for file in record.glob("hour=*/*"))
    print(f"on disk: {bytes_sealed >> 20} MiB sealed")
    delays = sorted(found_after(peers["sealing"][0], keys[0]) for _ in range(PROBES))
    print(f"a call is found {delays[len(delays) // 2]:.2f} s after its answer, {delays[-1]:.2f} s at most of {PROBES}")
    for gate, _ in peers.values():
        gate.stop()
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)

"""The gate beside other proxies in one interleaved run: `bench.py ROUNDS SECONDS`, which `run.sh` calls.

The proxy has core 0 for itself; wrk and the API share core 1. Each round asks every proxy, in an
order of its own; what counts is the processor's time for a request over all the proxy's processes
and threads, and its ratio to bare nginx's in the same round: machines are noisy, ratios less so.
Added latency is measured apart, with one connection and everything on one core, so that no core
has to be woken up.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from gate import Gate  # noqa: E402
from lib import Api, wait_until  # noqa: E402
from peers import KINDS, LOG, ROWS, Peer, answers, auth_request, document, haproxy, key, nginx  # noqa: E402

SCRATCH = pathlib.Path(os.environ["GREAVE_BENCH_SCRATCH"])
RUN = SCRATCH / "run"
PROXY, LOAD = 0, 1  # cores
CONNECTIONS = 64
KNOWN = 150  # keys that the gate learns from one address within the hour in which it is measured

THINGS = [f"/v1/{kind}/{number}" for number in range(5) for kind in KINDS]
LISTS = [f"/v1/{kind}" for kind in KINDS]
BARE = "nginx, bare"


# --- starting ---------------------------------------------------------------


@contextlib.contextmanager
def on_core(core):
    """What is started inside runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pids, core):
    """Puts all threads of the processes onto the core."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), {core})


def greave(api, name, keys, mode, more="", watch="dry-run"):
    """Starts a gate that has learned the keys from real requests, and refuses all others; `more` ends its configuration."""
    identify = {"path": THINGS[0], "holder": "/owner"}
    gate = Gate(RUN / name, f"http://127.0.0.1:{api}", RUN / "openapi.json", identify=identify, more=more)
    gate.init()

    def configure(**said):
        # The same cap from the first start on: to keep less than before would wait for a code.
        gate.configure(**said)
        file = gate.folder / "greave.toml"
        text = re.sub(r'^# cap .*$', 'cap = "2 GiB"', file.read_text(), flags=re.MULTILINE)
        file.write_text(re.sub(r'^mode = "dry-run"', f'mode = "{watch}"', text, flags=re.MULTILINE))

    configure(unknown="learn")
    gate.start()
    for one in keys:
        found = Api(gate.port, f"Bearer {one}")("GET", THINGS[0])
        if found.status != 200:
            raise RuntimeError(f"the gate does not let a key in that it should learn: {found}")
    wait_until(lambda: sum(gate.person in str(it) for it in gate.keys()) == len(keys), 20, "every key and its holder are known")
    gate.stop()
    configure(mode=mode, unknown="refuse")
    return gate.start()


def start():
    """Starts everything; the peers in the order of the table."""
    thing, things = answers()
    keys = [key(number) for number in range(KNOWN)]
    with on_core(LOAD):
        api, program = nginx("api.conf", RUN / "api", OBJECT=thing, LIST=things)
    with on_core(PROXY):
        bare, passing = nginx("bare.conf", RUN / "bare", api)
        enforcing = greave(api, "enforcing", keys, "enforce")
        observing = greave(api, "observing", keys, None)
        peers = [
            Peer(BARE, bare, [passing], keys),
            haproxy("HAProxy, map of 10k keys", RUN / "haproxy-10k", api, 10_000, counting=False),
            haproxy("HAProxy, map of 1M keys, counting each", RUN / "haproxy-1m", api, 1_000_000, counting=True),
            auth_request(RUN / "auth_request", api, 10_000),
        ]
    gates = [
        Peer("Greave, reading", enforcing.port, [enforcing.program], keys),
        Peer("Greave, reading a list, rows counted", enforcing.port, [enforcing.program], keys, LISTS),
        Peer("Greave, sensitive reading, observed: on disk first", observing.port, [observing.program], keys, [LOG]),
    ]
    for peer in [*peers, *gates]:
        peer.paths = peer.paths or THINGS
        check(peer)
    check_record(enforcing, observing)
    return Peer("no proxy", api, [program], keys, THINGS), [*peers, *gates]


def check(peer):
    """A proxy that lets everything pass, or nothing, would be fast too."""
    good = Api(peer.port, f"Bearer {peer.keys[-1]}")("GET", peer.paths[0])
    bad = Api(peer.port, "Bearer sk_live_nobody")("GET", peer.paths[0])
    if (good.status, bad.status) != (200, 200 if peer.name == BARE else 401) or len(good.body) != 200:
        raise RuntimeError(f"{peer.name} answers {good} to a good key and {bad} to a bad one")


def check_record(enforcing, observing):
    """The gates judged what they are measured with as it is meant."""

    for gate, operation, mark in ((enforcing, LISTS[0], f"'rows': {ROWS}"), (observing, LOG, "would-ask")):
        wait_until(
            lambda gate=gate, words=(f"'GET {operation}'", mark): any(all(w in str(c) for w in words) for c in gate.calls()),
            10,
            f"a call of {operation} in the record with {mark}",
        )


# --- measuring --------------------------------------------------------------


def spent(pids):
    """Nanoseconds that the processes have run, over all their threads."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError):
                total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total


def ask(peer, seconds, connections):
    """Loads the proxy; what wrk saw."""
    files = {}
    for name, lines in (("KEYS", peer.keys), ("PATHS", peer.paths)):
        file = SCRATCH / name.lower()
        file.write_text("".join(f"{line}\n" for line in lines))
        files[name] = str(file)
    words = ["taskset", "-c", LOAD, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    words += ["-s", pathlib.Path(__file__).with_name("ask.lua"), f"http://127.0.0.1:{peer.port}/"]
    done = subprocess.run([str(w) for w in words], env={**os.environ, **files}, capture_output=True, text=True)
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if not found or (result := json.loads(found[1]))["failed"]:
        raise RuntimeError(f"{peer.name}: {done.stdout[-600:]} {done.stderr[-300:]}")
    return result


def measure(peer, seconds, connections):
    """One measurement, after a second to warm up."""
    ask(peer, 1, connections)
    pids = peer.pids()
    before = spent(pids)
    seen = ask(peer, seconds, connections)
    used = spent(pids) - before
    return {
        "peer": peer.name,
        "cpu": used / 1e3 / seen["requests"],
        "busy": used / 1e3 / seen["micros"],
        "rate": seen["requests"] / seen["micros"] * 1e6,
        "p50": seen["p50"],
        "p99": seen["p99"],
    }


def rounds(peers, count, seconds, connections, log):
    """Asks every proxy once a round, in an order of its own; the measurements by proxy."""
    found = {peer.name: [] for peer in peers}
    for number in range(count):
        for peer in random.sample(peers, len(peers)):
            seen = measure(peer, seconds, connections)
            found[peer.name].append(seen)
            log.write(json.dumps({"round": number, "connections": connections, **seen}) + "\n")
            print(
                f"{number} {connections:3} {peer.name:52} {seen['cpu']:6.1f} µs {seen['rate']:7.0f}/s "
                f"p50 {seen['p50']} p99 {seen['p99']} busy {seen['busy']:.2f}",
                file=sys.stderr,
            )
    return found


# --- telling ----------------------------------------------------------------


def of(measured, what):
    return statistics.median(seen[what] for seen in measured)


def tell_cost(found):
    print(f"\n{CONNECTIONS} connections, proxy on a core of its own\n")
    print("| what | CPU µs/request | vs bare nginx | min–max | requests/s | p50 / p99 ms | core busy |")
    print("|---|---|---|---|---|---|---|")
    for name, measured in found.items():
        ratios = [seen["cpu"] / bare["cpu"] for seen, bare in zip(measured, found[BARE], strict=True)]
        print(
            f"| {name} | {of(measured, 'cpu'):.1f} | {statistics.median(ratios):.2f} | {min(ratios):.2f}–{max(ratios):.2f} "
            f"| {of(measured, 'rate'):.0f} | {of(measured, 'p50') / 1e3:.2f} / {of(measured, 'p99') / 1e3:.2f} "
            f"| {of(measured, 'busy'):.0%} |"
        )


def tell_latency(found, straight):
    print("\nOne connection, everything on one core\n")
    print("| what | requests/s | added, mean µs | p50 / p99 µs |")
    print("|---|---|---|---|")
    base = [1e6 / seen["rate"] for seen in found[straight]]
    for name, measured in found.items():
        added = statistics.median(1e6 / seen["rate"] - mean for seen, mean in zip(measured, base, strict=True))
        print(
            f"| {name} | {of(measured, 'rate'):.0f} | {added:.1f} "
            f"| {of(measured, 'p50'):.0f} / {of(measured, 'p99'):.0f} |"
        )


def main(count, seconds):
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    (RUN / "openapi.json").write_text(json.dumps(document()))
    straight, peers = start()
    load = os.getloadavg()[0]
    with open(SCRATCH / "measured.jsonl", "a") as log:
        found = rounds(peers, count, seconds, CONNECTIONS, log)
        move([pid for peer in peers for pid in peer.pids()], LOAD)
        alone = rounds([straight, *peers], count, min(seconds, 2), 1, log)
    print(f"\n{count} rounds of {seconds} s, {os.cpu_count()} cores, load {load:.2f} before the first")
    if load > 0.5:
        print("the machine was busy with something else: believe the ratios a little, and nothing more")
    tell_cost(found)
    tell_latency(alone, straight.name)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

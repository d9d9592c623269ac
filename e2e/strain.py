# run.sh: tools
"""The gate under strain: streams, slow and idle clients, stops and kills under load, a full disk: `python3 strain.py`."""

import concurrent.futures
import contextlib
import hashlib
import itertools
import json
import logging
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import websockets.sync.client
import websockets.sync.server
from gate import Gate
from lib import LOOPBACK, SCRATCH, Api, Checks, Line, free_port, request, send, wait_until
from office import OVERRIDES, OWNER, PIECE, Office, content

FOLDER = SCRATCH / "run/strain"
LARGE = 200 * PIECE
IDLE = 2000
# What a client may take for the head of a request, and for each KiB of a body, in seconds.
HEAD_TIMEOUT, BODY_TIMEOUT = 75, 30
KEY = "Bearer office-key-1f0c8d6b2a"

later = concurrent.futures.ThreadPoolExecutor(80).submit


def memory(gate, what="VmRSS"):
    """Memory of the gate's process in MiB."""
    for line in open(f"/proc/{gate.program.process.pid}/status"):
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0


def highest(gate, work):
    """Does the work; its result, and by how many MiB the gate's memory rose at most."""
    with open(f"/proc/{gate.program.process.pid}/clear_refs", "w") as refs:
        refs.write("5")  # the mark of the highest begins anew
    before = memory(gate)
    done = work()
    return done, memory(gate, "VmHWM") - before


def ask(gate, method, target, headers=(), body=b"", key=KEY):
    """The bytes of a request with the key."""
    return request(method, target, f"{LOOPBACK}:{gate.port}", [("Authorization", key), *headers], body)


# --- streams ----------------------------------------------------------------


def large(office, gate, checks):
    with checks.scene("200 MiB"):

        def upload():
            digest = hashlib.sha256()
            with Line(gate.port, 60) as line:
                line.send(ask(gate, "PUT", "/files/large", [("Transfer-Encoding", "chunked")]).replace(b"Content-Length: 0\r\n", b""))
                for data in content(office.block, LARGE):
                    digest.update(data)
                    line.send(b"%x\r\n%s\r\n" % (len(data), data))
                line.send(b"0\r\n\r\n")
                return line.answer().json(), digest.hexdigest()

        (told, digest), rose = highest(gate, upload)
        checks.same((told["size"], told["sha256"]), (LARGE, digest), "200 MiB go up unharmed, in chunks")
        checks.that(rose < 32, "the gate's memory stays bounded while they go up", f"{rose:.1f} MiB")

        def download():
            digest, size, paused = hashlib.sha256(), 0, False
            with Line(gate.port, 60) as line:
                line.send(ask(gate, "GET", f"/files/{LARGE}"))
                line.head()
                while size < LARGE:
                    digest.update(line.rest)
                    size, line.rest = size + len(line.rest), b""
                    if size > PIECE and not paused:
                        time.sleep(1)  # a reader who pauses: the gate must not read on for it
                        paused = True
                    if size < LARGE and not line.more():
                        break
                return size, digest.hexdigest()

        found, rose = highest(gate, download)
        digest = hashlib.sha256()
        for data in content(office.block, LARGE):
            digest.update(data)
        checks.same(found, (LARGE, digest.hexdigest()), "200 MiB come down unharmed, by their length")
        checks.that(rose < 32, "nor does it grow for a reader who pauses", f"{rose:.1f} MiB")


def trailers(gate, checks):
    with checks.scene("trailers"), Line(gate.port) as line:
        headers = [("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Trailer", "X-Sum"), ("Connection", "TE")]
        head = ask(gate, "POST", "/echo", headers).replace(b"Content-Length: 0\r\n", b"")
        line.send(head + b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 5eb63bbb\r\n\r\n")
        line.head()
        raw = line.until(b"\r\n0\r\n") + b"\r\n"
        tail = line.until(b"\r\n\r\n")
        checks.that(b"hello" in raw and b"world" in raw, "a chunked body goes both ways", raw)
        checks.that(b"x-sum: 5eb63bbb" in tail.lower(), "and so do its trailers", tail)


def events(office, gate, checks):
    with checks.scene("events"), Line(gate.port, 5) as line:
        line.send(ask(gate, "GET", "/events"))
        status, headers = line.head()
        checks.that(
            status == 200 and ("content-type", "text/event-stream") in [(n.lower(), v) for n, v in headers],
            "a stream of events begins before the first event",
            status,
        )
        waits = []
        for number in range(5):
            began = time.monotonic()
            office.feed.put(f"event {number}")  # the next one is not even made before this one has come
            line.until(f"data: event {number}\n\n".encode())
            waits.append(time.monotonic() - began)
        office.feed.put(None)
        line.until(b"0\r\n\r\n")
        checks.that(max(waits) < 1, "events come one by one, and the stream's end too", f"{max(waits) * 1000:.0f} ms")


def sockets(office, gate, checks):
    with checks.scene("a WebSocket"):
        key = "Bearer socket-key-77e1a0d4c9"
        known = {k["id"] for k in gate.keys()}
        Api(gate.port, key)("GET", "/me")
        new = wait_until(lambda: [k["id"] for k in gate.keys() if k["id"] not in known and k.get("holder")], 10, "whose it is")
        url = f"ws://{LOOPBACK}:{gate.port}/socket"
        with websockets.sync.client.connect(url, additional_headers={"Authorization": key}, proxy=None) as talk:
            blob = os.urandom(300_000)
            said = []
            for words in ("hello", blob, ""):
                talk.send(words)
                said.append(talk.recv(timeout=10))
            talk.ping().wait(5)
            checks.that(said == ["hello", blob, ""], "a WebSocket talks both ways through the gate")
            gate.prove("keys", "name", new[0], "--name", "talker")  # another state of the key takes its place meanwhile
            gate.disable(new[0])
            began = time.monotonic()
            try:
                talk.recv(timeout=10)
                ended = "a message came"
            except (websockets.ConnectionClosed, TimeoutError) as error:
                ended = type(error).__name__
            took = time.monotonic() - began
            checks.that(
                took < 1 and ended != "TimeoutError", "it ends within a second when its key is disabled", f"{took:.2f} s, {ended}"
            )


def expecting(office, gate, checks):
    with checks.scene("100-continue"):
        office.slow.clear(), office.arrived.clear()
        with Line(gate.port, 10) as line:
            body = b"wanted " * 1000
            line.send(ask(gate, "PUT", "/files/wanted", [("Expect", "100-continue")], body)[: -len(body)])
            office.arrived.wait(5)
            line.socket.settimeout(0.3)
            early = b""
            with contextlib.suppress(TimeoutError):
                early = line.socket.recv(100)
            checks.same(early, b"", "100-continue: nobody is told to go on before the API says so")
            line.socket.settimeout(10)
            office.slow.set()
            first = line.until(b"\r\n\r\n")
            line.send(body)
            told = line.answer()
            checks.that(
                first.startswith(b"HTTP/1.1 100") and told.json()["sha256"] == hashlib.sha256(body).hexdigest(),
                "then the body goes on",
                f"{first} {told}",
            )
        with Line(gate.port, 10) as line:
            line.send(ask(gate, "PUT", "/files/unwanted", [("Expect", "100-continue")], body)[: -len(body)])
            first = line.until(b"\r\n")
            checks.that(first.startswith(b"HTTP/1.1 417"), "a body that the API does not want is never asked for", first)


# --- many, and slow ---------------------------------------------------------


def gone(line, drop=b"", pause=0.5, limit=HEAD_TIMEOUT + 30):
    """Sends a byte now and then until the gate ends the connection; after how many seconds, and what it said."""
    began, said = time.monotonic(), b""
    line.socket.settimeout(pause)
    while time.monotonic() - began < limit:
        try:
            if not (got := line.socket.recv(4096)):
                break
            said += got
        except TimeoutError:
            with contextlib.suppress(OSError):
                line.socket.send(drop)
        except OSError:
            break
    return time.monotonic() - began, said


def drip_head(gate):
    with Line(gate.port) as line:
        line.send(f"GET /me HTTP/1.1\r\nHost: {LOOPBACK}\r\nX-Slow: ".encode())
        return gone(line, b"a", 1)


def stall(gate, method, target, drop=b""):
    """A body that stops half-way, or drips: after how many seconds the gate ends it, and what it says."""
    with Line(gate.port) as line:
        line.send(ask(gate, method, target, (), b"x" * 1000)[:-900])
        return gone(line, drop, 1, limit=60)


def drip_body(gate):
    """A body of 100 bytes, ten a second."""
    with Line(gate.port) as line:
        line.send(ask(gate, "PUT", "/files/drip", (), b"x" * 100)[:-100])
        for _ in range(100):
            time.sleep(0.1)
            line.send(b"x")
        return line.answer()


def served(gate, seconds=3.0):
    """Calls one after another for so long: how many, how many failed, and the slowest in seconds."""
    mine, took, failed, end = Api(gate.port, KEY), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        failed += mine("GET", "/items/while-others-wait").status != 200
        took.append(time.monotonic() - began)
    return len(took), failed, max(took)


def crowd(gate, checks):
    """Many who connect and say nothing, beside slow ones. What ends them takes its time: the rest is told by the returned function."""
    with checks.scene("slow and idle clients"):
        before = memory(gate)
        idle = [socket.create_connection((LOOPBACK, gate.port), 10) for _ in range(IDLE)]
        files = f"/proc/{gate.program.process.pid}/fd"
        wait_until(lambda: len(os.listdir(files)) > IDLE, 10, "all are taken")
        rose = memory(gate) - before
        checks.that(rose < 96, f"{IDLE} idle connections cost little memory", f"{rose * 1024 / IDLE:.1f} KiB each")
        # The desk's connections take the same process's files; who may not come to it may reach it all the same.
        idle += [socket.create_connection((LOOPBACK, gate.desk), 10) for _ in range(500)]
        heads = [later(drip_head, gate) for _ in range(20)]
        bodies = [later(drip_body, gate) for _ in range(10)]
        stalled = [later(stall, gate, "PUT", "/files/stalled") for _ in range(5)]
        dripping = [later(stall, gate, "PUT", "/files/dripping", b"x") for _ in range(5)]
        held = [later(stall, gate, "POST", "/keys") for _ in range(5)]
        began = time.monotonic()
        count, failed, slowest = served(gate)
        checks.that(
            count > 50 and not failed and slowest < 1,
            f"others are served beside {IDLE} idle and 45 slow connections, and 500 idle ones to the desk",
            f"{count} calls, {failed} failed, the slowest {slowest * 1000:.0f} ms",
        )
        answers = [body.result(60) for body in bodies]
        checks.that(all(a.status == 200 for a in answers), "a body that comes slowly, but comes, arrives", answers[0])

    def in_the_end():
        with checks.scene("slow and idle clients, in the end"):
            for each, what in (
                (stalled, "a body that stops half-way is ended"),
                (dripping, "a body that drips is ended"),
                (held, "a body that would be held for a person, and stops half-way, is ended"),
            ):
                ends = [one.result(60) for one in each]
                checks.that(
                    all(BODY_TIMEOUT - 5 < seconds < BODY_TIMEOUT + 10 for seconds, _ in ends),
                    what,
                    f"{ends[0][0]:.0f} s",
                )
                checks.that(
                    all(said.startswith(b"HTTP/1.1 408") and b"client-slow" in said for _, said in ends),
                    "and told that it was the client who was slow",
                    f"{ends[0][1]}",
                )
            found, _ = written(gate)
            checks.same((found.get("stalled"), found.get("dripping")), (408, 408), "and so says the record")
            ends = [head.result(HEAD_TIMEOUT + 30) for head in heads]
            checks.that(
                all(HEAD_TIMEOUT - 5 < seconds < HEAD_TIMEOUT + 10 for seconds, _ in ends),
                "a head that comes byte by byte is ended when its time is over",
                f"{ends[0][0]:.0f} s, {ends[0][1][:60]}",
            )
            time.sleep(max(0, HEAD_TIMEOUT + 5 - (time.monotonic() - began)))
            open_still = 0
            for each in idle:
                each.setblocking(False)
                with contextlib.suppress(ConnectionError):
                    try:
                        each.recv(1000)
                    except BlockingIOError:
                        open_still += 1
                each.close()
            checks.same(open_still, 0, "and so are those who say nothing at all, to the gate or to the desk")

    return in_the_end


# --- ends under load --------------------------------------------------------


class Load:
    """Calls from many threads, each with a name of its own; what became of each."""

    def __init__(self, gate, method, word, threads=6):
        self.gate, self.method, self.word = gate, method, word
        self.answers, self.over, self.number = {}, threading.Event(), itertools.count()
        self.threads = [later(self.work) for _ in range(threads)]

    def work(self):
        mine = Api(self.gate.port, KEY)
        while not self.over.is_set():
            name = f"{self.word}-{next(self.number):05}"
            self.answers[name] = answer = mine(self.method, f"/items/{name}", timeout=20)
            if not answer.status:
                self.over.wait(0.02)  # nobody is there

    def well(self):
        """The names that were answered with a success."""
        return {name for name, answer in list(self.answers.items()) if 200 <= answer.status < 300}

    def end(self):
        self.over.set()
        for each in self.threads:
            each.result(30)


def written(gate):
    """The record on the command line: the status of every named call, and the damage that the command tells of."""
    code, out, err = gate.ended("--json", "calls", "--last", "100000")
    if code > 1:
        raise RuntimeError(err)
    found = {}
    for call in json.loads(out):
        for name, value in call.get("parameters", []):
            if name == "name":
                found[value] = (call.get("outcome") or {}).get("status")
    return found, err


def stopped_under_load(office, gate, checks):
    with checks.scene("stopped under load"):
        office.slow.clear(), office.arrived.clear()
        slow = later(Api(gate.port, KEY), "GET", "/slow")
        held = later(Api(gate.port, KEY), "POST", "/keys", {"for": "nobody"})
        load = Load(gate, "PUT", "stop")
        office.arrived.wait(10)
        gate.asked()
        wait_until(lambda: len(load.well()) > 100, 20, "calls run")
        minted, began = office.keys, time.monotonic()
        gate.program.process.send_signal(signal.SIGTERM)
        told = held.result(10)
        checks.that(
            told.status == 503 and told.header("retry-after") and office.keys == minted,
            "stopped: a held call is told so, and not executed",
            told,
        )
        checks.that(not slow.done(), "stopped: a call that is in flight goes on")
        office.slow.set()
        checks.same(slow.result(10).status, 200, "stopped: and finishes")
        code = gate.program.process.wait(20)
        checks.same(code, 0, f"stopped: the gate ends in good order, {time.monotonic() - began:.1f} s after it was told")
        load.end()
        lost = {name for name in office.written if name.startswith("stop-")} - load.well()
        checks.that(not lost, "stopped: what the API has done was answered", lost or f"{len(load.well())} calls")
        found, err = written(gate)
        wrong = {n: (a.status, found.get(n)) for n, a in load.answers.items() if a.status and found.get(n) != a.status}
        checks.that(not wrong and not err, "stopped: every answered call stands in the record with its answer", wrong or err)
        kinds = {a.status or a.note.split()[0] for a in load.answers.values()}
        checks.that(kinds <= {200, 503, "ConnectionRefusedError", "ConnectionResetError", "ConnectionError"}, "stopped: nobody hung", kinds)


# What a dying machine leaves at the end of a file.
DAMAGES = {
    "nothing": lambda file: None,
    "a byte too few": lambda file: os.truncate(file, file.stat().st_size - 1),
    "half an entry": lambda file: os.truncate(file, file.stat().st_size - 40),
    "a page of zeros": lambda file: file.write_bytes(file.read_bytes() + bytes(4096)),
    "noise": lambda file: file.write_bytes(file.read_bytes() + os.urandom(64)),
}


def killed_again_and_again(office, gate, checks):
    """An answer with a sensitive power is in the record before the API does anything, however the gate ends."""
    with checks.scene("killed again and again"):
        missing, broken, unsaid, acknowledged = set(), [], [], 0
        for turn, (what, damage) in enumerate(DAMAGES.items()):
            load = Load(gate, "DELETE", f"kill{turn}")
            wait_until(lambda load=load: len(load.well()) > 60, 20, "calls run")
            gate.kill()
            load.end()
            time.sleep(0.1)  # the API may still be at the last of them
            found, said = written(gate)
            done = load.well() | {name for name in office.deleted if name.startswith(f"kill{turn}-")}
            missing |= done - set(found)
            acknowledged += len(load.well())
            code, out, err = gate.ended("ledger", "verify")
            broken += [] if code == 0 else [out + err]
            newest = max((gate.folder / "state/record").glob("*"), key=lambda file: (file.stat().st_mtime, file.name))
            damage(newest)
            before = len(gate.log.read_bytes())
            gate.start()

            def told(before=before):
                return b"record has something to tell" in gate.log.read_bytes()[before:]

            if what != "nothing":
                try:
                    wait_until(told, 5, "the gate says what it has cut")
                except TimeoutError:
                    unsaid.append(what)
        checks.that(
            acknowledged > 200 and not missing,
            f"killed {len(DAMAGES)} times: no sensitive call that was done is missing in the record",
            missing or f"{acknowledged} calls",
        )
        checks.that(not broken, "killed: the ledger holds together each time", broken)
        checks.that(not unsaid, "killed: each start says what it cut", unsaid or list(DAMAGES)[1:])
        checks.same(Api(gate.port, KEY)("GET", "/me").status, 200, "killed: and serves again")


# --- a full disk ------------------------------------------------------------

# The state on a small disk, in a name space of its own: it goes with the gate, however that ends.
DISK = """
mkdir "$0.disk" && mount -t tmpfs -o size=8m,mode=700 greave-e2e "$0.disk" &&
cp -a "$0/." "$0.disk/" && mount --bind "$0.disk" "$0" && exec "$@"
"""
GRACE = 4  # for so many seconds what is usual passes unrecorded


def name_space():
    """The words that give a program mounts of its own, and those that lead to them; nothing where the system does not allow it."""
    ways = [(["unshare", "-m"], ["nsenter", "-m"]), (["unshare", "-rm"], ["nsenter", "-U", "-m", "--preserve-credentials"])]
    for inside, beside in ways:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            tried = subprocess.run([*inside, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, timeout=10)
            if tried.returncode == 0:
                return inside, beside
    return None, None


class Disk:
    """The gate's small disk, seen from outside."""

    def __init__(self, gate):
        self.others = f"/proc/{gate.program.process.pid}/root{gate.folder}/state/others"

    def fill(self):
        with contextlib.suppress(OSError), open(self.others, "ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(self):
        os.remove(self.others)


def full_disk(office, gate, checks):
    inside, beside = name_space()
    if not inside:
        print("skip strain: a full disk: neither root nor a user name space may mount here", flush=True)
        return
    gate.inside = [*inside, "sh", "-c", DISK, gate.folder / "state"]
    with checks.scene("a full disk"):
        gate.start()
        gate.beside = [*beside, "-t", str(gate.program.process.pid)]
        gate.prove("law", "accept")
        mine, disk, names = Api(gate.port, KEY), Disk(gate), itertools.count()
        mine("GET", "/me")
        wait_until(lambda: OWNER in str(gate.keys()), 10, "whose the key is")
        refused = 0

        def delete():
            nonlocal refused
            name = f"full-{next(names)}"
            answer = mine("DELETE", f"/items/{name}", timeout=20)
            refused += answer.status == 503
            return answer, name in office.deleted

        def health():
            return send(gate.metrics, request("GET", "/health", LOOPBACK))

        checks.same(delete()[0].status, 204, "a full disk: before it, a sensitive call passes")
        disk.fill()
        answer, done = wait_until(lambda: next((a for a in [delete()] if a[0].status != 204), None), 20, "the disk is full")
        checks.that(
            answer.status == 503 and "record-unavailable" in answer.json()["type"] and not done,
            "a full disk: a sensitive call answers 503 with the reason, and is not executed",
            answer.json(),
        )
        question = mine("POST", "/keys", headers=[("Prefer", "wait=0")], timeout=20)
        checks.that(
            question.status == 503 and not office.keys,
            "a full disk: a call for which a person would be asked is told that it cannot be",
            question,
        )
        reads = {mine("GET", f"/items/full-read-{number}").status for number in range(50)}
        checks.same(reads, {200}, "a full disk: reads go on")
        said = gate.log.read_text()
        checks.that(
            health().status == 503 and "the record cannot be written reason=the disk is full" in said,
            "a full disk: the gate says so in its log and to whoever asks for its health",
            health(),
        )
        told = lambda rule: gate.log.read_text().count(f'rule="{rule}"')
        wait_until(lambda: told("record-failing") and told("ledger-failing"), 10, "people are told")
        admin = Api(gate.metrics)("GET", "/health").body.decode()
        checks.that("the disk is full" in admin and "sensitive calls are refused" in admin, "a full disk: its health says how bad it is", admin)
        wait_until(lambda: mine("GET", "/items/late").status == 503, GRACE + 5, "the grace is over")
        wait_until(lambda: told("record-closed"), 10, "people are told that it is worse")
        checks.same([told("record-failing"), told("record-closed")], [1, 1], "a full disk: people are told once that it is, and once that it has lasted")
        checks.that(True, "a full disk: not for ever: after the grace reads stop, too", health())
        disk.free()
        wait_until(lambda: delete()[0].status == 204, 20, "a full disk: afterwards sensitive calls pass again")
        checks.that(
            mine("GET", "/me").status == 200 and health().status == 200, "a full disk: afterwards all is well again", health()
        )
        found, said = written(gate)
        kept = sum(name.startswith("full-read-") for name in found)
        gap = re.search(r"the disk is full: (\d+) calls and \d+ outcomes were not written, (\d+) calls were turned away", said)
        checks.that(
            gap and kept + int(gap[1]) >= 50 and int(gap[2]) >= refused,
            "a full disk: the gap stands in the record, and every read is written or counted",
            f"{kept} written, {refused} refused: {said}",
        )
        asked = mine("POST", "/keys", headers=[("Prefer", "wait=0")])
        checks.that(asked.status == 401 and gate.pending(), "a full disk: afterwards people are asked again", asked.status)
        checks.same(gate.ended("ledger", "verify")[0], 0, "a full disk: the ledger holds together")
    gate.stop()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * IDLE:
        raise SystemExit(f"strain needs {4 * IDLE} open files; `ulimit -Hn` says {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * IDLE), hard))
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)  # a key's end ends its conversation, too
    checks, port = Checks("strain"), free_port()

    def echo(connection):
        for words in connection:
            connection.send(words)

    talk = websockets.sync.server.serve(echo, LOOPBACK, port, max_size=None)
    threading.Thread(target=talk.serve_forever, daemon=True).start()
    office = Office(socket_port=port)

    def gate(name, **settings):
        made = Gate(
            FOLDER / name,
            office.base,
            office.document(FOLDER),
            identify={"path": "/me", "holder": "/login"},
            person=OWNER,
            law={"destroy": "secret"},  # sensitive, and nobody has to be asked
            **settings,
        )
        made.metrics = free_port()
        made.gate["metrics"] = f"{LOOPBACK}:{made.metrics}"
        made.init()
        made.configure(mode="enforce")
        made.run("catalogue", "accept", may_fail=True)
        return made

    with checks.scene("the gate starts"):
        first = gate("gate", gate={"answer_timeout": "3s"}, more=OVERRIDES)
        first.inside = ["prlimit", f"--nofile=1024:{hard}"]  # as most systems start a service
        first.start()
        first.prove("law", "accept")
        checks.same(Api(first.port, KEY)("GET", "/me").status, 200, "the key reads")
        wait_until(lambda: OWNER in str(first.keys()), 10, "whose the key is")
        in_the_end = crowd(first, checks)
        large(office, first, checks)
        trailers(first, checks)
        events(office, first, checks)
        sockets(office, first, checks)
        expecting(office, first, checks)
        full_disk(office, gate("full", more=f'grace = "{GRACE}s"\n{OVERRIDES}'), checks)
        in_the_end()
        stopped_under_load(office, first, checks)
        first.start()
        killed_again_and_again(office, first, checks)
        first.stop()
    checks.close()


if __name__ == "__main__":
    main()

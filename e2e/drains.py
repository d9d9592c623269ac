# run.sh: drains
"""What goes out of the gate: events held against OCSF's own schema, receivers that fail, stops and
kills, syslog, and traces decoded by OpenTelemetry's own messages: `python3 drains.py`."""

import concurrent.futures
import gzip
import http.server
import itertools
import json
import re
import shutil
import socket
import ssl
import threading
import time

import ocsf_lines
import trustme
from gate import Gate
from google.protobuf.json_format import MessageToDict
from lib import HERE, LOOPBACK, SCRATCH, Api, Checks, free_port, wait_until
from office import OVERRIDES, OWNER, Office
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FOLDER = SCRATCH / "run/drains"
SECRET = "office-key-5d2b9e7f4a1c"
KEY = f"Bearer {SECRET}"
TOKEN = "hec-token-77c1"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

later = concurrent.futures.ThreadPoolExecutor(16).submit


class Receiver(http.server.ThreadingHTTPServer):
    """Whoever takes events, or spans, over HTTP. `mood` is the status of its next answers."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Taker)
        self.mood, self.came, self.heads, self.asked = 200, [], [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def base(self):
        return f"http://{LOOPBACK}:{self.server_address[1]}"

    def events(self):
        return [json.loads(line) for body in list(self.came) for line in body.decode().splitlines()]

    def spans(self):
        found = []
        for body in list(self.came):
            message = ExportTraceServiceRequest()
            message.ParseFromString(body)
            for resource in message.resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.asked += 1
        mood = self.server.mood
        if mood == "hang":
            time.sleep(45)
            self.close_connection = True
            return
        if mood == 200:
            self.server.heads.append({name.lower(): value for name, value in self.headers.items()})
            self.server.came.append(body)
        self.send_response(mood)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Log:
    """A syslog server over a stream, TLS where it has a context: messages by their length."""

    def __init__(self, context=None):
        self.socket = socket.create_server((LOOPBACK, free_port()))
        self.port, self.context, self.came, self.open = self.socket.getsockname()[1], context, [], []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            plain, _ = self.socket.accept()
            line = self.context.wrap_socket(plain, server_side=True) if self.context else plain
            self.open.append(line)
            threading.Thread(target=self.take, args=(line,), daemon=True).start()

    def take(self, line):
        rest = b""
        while got := received(line):
            rest += got
            while found := re.match(rb"(\d+) ", rest):
                end = found.end() + int(found[1])
                if len(rest) < end:
                    break
                self.came.append(rest[found.end() : end].decode())
                rest = rest[end:]


def received(line):
    """What came on a connection; nothing where it has ended, here or there."""
    try:
        return line.recv(65536)
    except OSError:
        return b""


def lines(file):
    return [line for line in file.read_text().splitlines() if line] if file.exists() else []


def whole(file):
    """The events of a file; what a kill left half-written is none."""
    found = []
    for line in lines(file):
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def every(checks):
    """One of each change and call that there is, as the house's own tests keep them."""
    with checks.scene("every event"):
        pages = sorted((HERE.parent / "crates/ocsf/src").glob("*/snapshots/*.snap"))
        kept = [line for page in pages for line in ocsf_lines.page(page.read_text())]
        wrong = [(line[:80], faults) for line in kept if (faults := ocsf_lines.faults(line))]
        checks.that(len(kept) > 60 and not wrong, f"each of {len(kept)} kinds of events is one of OCSF {ocsf_lines.VERSION}", wrong[:3])
        broken = json.loads(kept[0]) | {"activity_id": 98}
        checks.that(ocsf_lines.faults(json.dumps(broken)), "and the schema finds one that is none")


def run_of_the_gate(office, gate, siem, disk, checks):
    """Everything that a gate brings about in ordinary life goes out, as OCSF, and without a secret."""
    with checks.scene("what goes out"):
        mine = Api(gate.port, KEY)
        checks.same(mine("GET", "/me").status, 200, "the key reads")
        wait_until(lambda: OWNER in str(gate.keys()), 10, "whose the key is")
        later(mine, "DELETE", "/items/held")
        question = gate.asked()
        gate.approve(question)
        held = mine("POST", "/keys", {}, headers=[("Prefer", "wait=0")])
        gate.deny(Gate.challenge(held)["challenge_id"])
        mine("GET", f"/items/x?token={SECRET}")
        mine("GET", "/nowhere")
        Api(gate.port)("GET", "/me")
        Api(gate.port, "Bearer nobody-knows-this-0001")("GET", "/me")
        Api(gate.port)("GET", f"/me?api_key={SECRET}")
        gate.prove("holders", "add", "carol")
        gate.run("keys", "disable", "k1", may_fail=True)
        mine("GET", "/me")
        wait_until(lambda: any(e["metadata"]["event_code"] == "key-disabled" for e in whole(disk)), 15, "the last change on disk")
        wait_until(lambda: any(e["metadata"]["event_code"] == "refuse" and e["unmapped"]["reason"] == "disabled" for e in siem.events() if e["class_uid"] == 6003), 15, "the last call at the receiver")
        sent = [json.dumps(event) for event in siem.events()]
        wrong = [(line[:120], faults) for line in sent + lines(disk) if (faults := ocsf_lines.faults(line))]
        classes = sorted({json.loads(line)["class_uid"] for line in sent + lines(disk)})
        checks.that(len(sent) > 20 and not wrong, f"{len(sent)} events over HTTP and {len(lines(disk))} in a file are OCSF", wrong[:3] or classes)
        checks.that({2004, 3001, 3002, 3003, 3004, 6003} <= set(classes), "calls, findings, accounts, factors, answers and keys are among them", classes)
        page = "\n".join(sent + lines(disk))
        seed = gate.codes.seed.replace(" ", "")
        checks.that(not any(word in page for word in (SECRET, seed, TOKEN, "nobody-knows-this")), "no secret goes out")
        heads = siem.heads[0]
        checks.that(heads.get("authorization") == f"Splunk {TOKEN}" and heads.get("content-encoding") == "gzip", "with the receiver's token, compressed")
        approved = [e for e in siem.events() if e["class_uid"] == 6003 and e["disposition"] == "Approved"]
        checks.that(approved and approved[0]["unmapped"]["approval"] and approved[0]["actor"]["user"]["name"] == OWNER, "a call that a person let pass says so, and whose key it was", approved[:1])
        file = oct(disk.stat().st_mode & 0o777)
        checks.same(file, "0o600", "the file is its owner's alone")
        same = [line for line in gate.run("ledger", "show", "--last", "1000", "--ocsf").splitlines() if line]
        uids = {json.loads(line)["metadata"]["uid"] for line in same}
        there = {e["metadata"]["uid"] for e in whole(disk) if e["metadata"]["log_name"] == "ledger"}
        checks.that(there and uids == there and not any(map(ocsf_lines.faults, same)), "`ledger show --ocsf` has the same changes", f"{len(uids)}, {uids ^ there}")
        calls = [line for line in gate.run("calls", "--last", "1000", "--ocsf").splitlines() if line]
        uids = {json.loads(line)["metadata"]["uid"] for line in calls}
        there = {e["metadata"]["uid"] for e in siem.events() if e["class_uid"] == 6003}
        checks.that(uids == there and not any(map(ocsf_lines.faults, calls)), "`calls --ocsf` has the same calls", f"{len(uids)}, {uids ^ there}")
        gate.run("keys", "enable", "k1", "--as", gate.person, typed=f"{gate.codes.next()}\n", may_fail=True)


def metrics(gate, name):
    page = Api(gate.metrics)("GET", "/metrics").body.decode()
    found = {m[1]: int(m[2]) for m in re.finditer(rf'^{name}\{{drain="([^"]+)"\}} (\d+)$', page, re.MULTILINE)}
    return found


def a_receiver_fails(office, gate, siem, checks):
    """Requests do not wait for a receiver, memory does not grow with it, and it has everything afterwards."""
    with checks.scene("a receiver that hangs"):
        mine = Api(gate.port, KEY)
        before = {e["metadata"]["uid"] for e in siem.events()}
        siem.mood = "hang"
        began = time.monotonic()
        for number in range(300):
            mine("PUT", f"/items/stuck-{number}")
        slow = (time.monotonic() - began) / 300
        checks.that(slow < 0.5, "requests do not wait for a receiver that hangs", f"{slow * 1000:.1f} ms each")
        siem.mood = 503
        wait_until(lambda: metrics(gate, "greave_drain_failures_total").get("siem", 0) > 0, 40, "the failure is counted")
        wait_until(lambda: metrics(gate, "greave_drain_lag_seconds").get("siem", 0) > 0, 40, "the lag shows")
        checks.that(metrics(gate, "greave_drain_lag_seconds")["siem"] > 0, "the lag shows in the metrics", metrics(gate, "greave_drain_lag_seconds"))
        code, out, _ = gate.ended("drains")
        checks.that(code == 1 and "fails since" in out and "siem" in out, "`greave drains` says what fails", out)
        code, out, _ = gate.ended("check")
        checks.that(code == 1 and "siem: fails since" in out, "so does `greave check`", out[:300])
        siem.mood = 200

        def stuck():
            return {e["api"]["operation"] + json.dumps(e["unmapped"].get("parameters")) for e in siem.events() if e["metadata"]["uid"] not in before and "stuck-" in json.dumps(e)}

        wait_until(lambda: len(stuck()) == 300, 60, "what waited arrives")
        checks.that(True, "a receiver that is back has all 300 calls that waited")
        code, out, _ = gate.ended("drains", "test", "siem")
        uid = re.search(r"metadata.uid (\S+),", out)
        arrived = uid and any(e["metadata"]["uid"] == uid[1] and e["verdict"] == "Test" for e in siem.events())
        checks.that(code == 0 and arrived, "`greave drains test` says what came back, and its event is there", out)
        siem.mood = 401
        code, out, _ = gate.ended("drains", "test", "siem")
        checks.that(code == 1 and "401" in out, "and what the receiver says where it refuses", out)
        siem.mood = 200


def killed(gate, siem, disk, checks):
    """However often the gate is killed, each call that it answered is at every receiver in the end."""
    with checks.scene("killed in a loop"):
        answered, number = set(), itertools.count()
        lock = threading.Lock()

        def work(over):
            mine = Api(gate.port, KEY)
            while not over.is_set():
                name = f"kill-{next(number):05}"
                if mine("PUT", f"/items/{name}", timeout=5).status == 200:
                    with lock:
                        answered.add(name)

        for turn in range(6):
            over = threading.Event()
            working = [later(work, over) for _ in range(6)]
            time.sleep(1.3 + turn * 0.17)
            gate.kill()
            over.set()
            for each in working:
                each.result(30)
            if turn == 3:
                disk.rename(disk.with_suffix(".rotated"))
            gate.start()

        def names(events):
            return {e["unmapped"]["parameters"]["name"] for e in events if e["class_uid"] == 6003 and "kill-" in json.dumps(e["unmapped"].get("parameters", {}))}

        recorded = {value for call in gate.table("calls", "--last", "100000") for name, value in call.get("parameters", []) if name == "name" and value.startswith("kill-")}

        def both():
            return whole(disk) + whole(disk.with_suffix(".rotated"))

        try:
            wait_until(lambda: answered & recorded <= names(siem.events()) and answered & recorded <= names(both()), 60, "everything arrives")
        except TimeoutError:
            pass
        for where, events in (("receiver", siem.events()), ("file", both())):
            calls = [e for e in events if e["class_uid"] == 6003 and "kill-" in json.dumps(e)]
            uids = {e["metadata"]["uid"] for e in calls}
            missing = (answered & recorded) - names(events)
            checks.that(len(answered) > 300 and not missing, f"killed 6 times under load: each recorded call that was answered is at the {where}", f"{len(answered)} answered, {len(uids)} events, {len(calls) - len(uids)} twice, missing {sorted(missing)[:3]}")
        ledger = gate.ended("ledger", "verify")
        checks.same(ledger[0], 0, "the ledger holds together")


def syslog(gate, log, secure, checks):
    with checks.scene("syslog"):
        mine = Api(gate.port, KEY)
        secure.came.clear()
        mine("PUT", "/items/to-syslog")
        form = re.compile(r"<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ greave \d+ calls - (\{.*\})$")
        for name, server in (("TCP", log), ("TLS", secure)):
            found = wait_until(lambda server=server: next((m for m in server.came if "to-syslog" in m), None), 15, f"a message over {name}")
            read = form.fullmatch(found)
            checks.that(read and read[1] == "134" and not ocsf_lines.faults(read[2]), f"syslog over {name} is RFC 5424 with an OCSF event", found[:120])
        log.open[-1].shutdown(socket.SHUT_RDWR)  # the receiver restarts
        time.sleep(0.3)
        mine("PUT", "/items/after-the-end")
        wait_until(lambda: any("after-the-end" in m for m in log.came), 15, "a message after the connection had ended")
        checks.that(True, "a connection that had ended is made anew, and nothing between is missing")


def traced(office, gate, collector, checks):
    with checks.scene("traces"):
        mine = Api(gate.port, KEY)
        collector.came.clear()
        mine("GET", f"/items/x?token={SECRET}", headers=[("traceparent", PARENT), ("tracestate", "vendor=1")])
        heads = office.saw[-1][2]
        found = re.fullmatch(r"00-4bf92f3577b34da6a3ce929d0e0e4736-([0-9a-f]{16})-01", heads.get("traceparent", ""))
        checks.that(found and found[1] != "00f067aa0ba902b7" and heads.get("tracestate") == "vendor=1", "the API hears of the gate's span in the client's trace", heads.get("traceparent"))
        spans = wait_until(lambda: [s for s in collector.spans() if s.trace_id.hex() == PARENT[3:35]], 15, "spans at the collector")
        own = next(s for s in spans if s.kind == 2)
        upstream = next(s for s in spans if s.kind == 3)
        checks.that(own.parent_span_id.hex() == "00f067aa0ba902b7" and own.trace_state == "vendor=1", "the gate's span is the client's child", MessageToDict(own))
        checks.that(upstream.parent_span_id == own.span_id and upstream.span_id.hex() == found[1], "and the API's time is a child of it, under the id that the API was told")
        page = str([MessageToDict(s) for s in collector.spans()])
        checks.that(SECRET not in page and "token" not in page and own.name == "GET /items/{name}", "without secrets, query or path", own.name)
        mine("GET", "/items/x", headers=[("traceparent", PARENT.replace("-01", "-00"))])
        heads = office.saw[-1][2]
        checks.same(heads.get("traceparent"), PARENT.replace("-01", "-00"), "a trace that its client does not record passes as it is")
        mine("GET", "/items/x", headers=[("traceparent", "00-nonsense"), ("tracestate", "a=1")])
        heads = office.saw[-1][2]
        checks.that("nonsense" not in str(heads) and "tracestate" not in heads, "one that cannot be read is dropped whole", heads.get("traceparent"))
        before = set(gate.pending())
        asked = later(mine, "POST", "/keys", {"name": "traced"}, [("traceparent", PARENT)])
        gate.approve(gate.asked(before))
        asked.result(60)
        hold = wait_until(lambda: [s for s in collector.spans() if s.name == "hold"], 15, "the span of a hold")
        values = {a.key: a.value.string_value or a.value.int_value for s in collector.spans() if s.span_id == hold[0].parent_span_id for a in s.attributes}
        checks.that(values.get("greave.held_ms", 0) > 0 and values["greave.decision"] == "permit", "a held call has a span of its hold, and says for how long", values)
        collector.mood = 503
        began = time.monotonic()
        for _ in range(50):
            mine("GET", "/items/x", headers=[("traceparent", PARENT)])
        checks.that(time.monotonic() - began < 20, "requests do not wait for a collector that fails")
        collector.mood = 200


def main():
    checks = Checks("drains")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    every(checks)
    office, siem, collector = Office(), Receiver(), Receiver()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(FOLDER / "authority.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    log, secure = Log(), Log(context)
    disk = FOLDER / "events.jsonl"
    more = f"""
{OVERRIDES}
[[drain]]
name = "siem"
to = "{siem.base}/services/collector/raw?channel=1"
secret = "siem"
scheme = "Splunk"
gzip = true
backfill = true
[[drain]]
name = "disk"
to = "file:{disk}"
backfill = true
[[drain]]
name = "log"
to = "syslog+tcp://{LOOPBACK}:{log.port}"
events = ["calls"]
facility = "local0"
[[drain]]
name = "log-tls"
to = "syslog+tls://localhost:{secure.port}"
events = ["calls"]
facility = "local0"
authorities = "{FOLDER}/authority.pem"
[trace]
to = "{collector.base}/v1/traces"
sample = 0.0
"""
    with checks.scene("the gate starts"):
        gate = Gate(FOLDER / "gate", office.base, office.document(FOLDER), identify={"path": "/me", "holder": "/login"}, person=OWNER, more=more)
        gate.metrics = free_port()
        gate.gate["metrics"] = f"{LOOPBACK}:{gate.metrics}"
        gate.init()
        secret = gate.folder / "state/secrets/siem"
        secret.write_text(TOKEN)
        secret.chmod(0o600)
        gate.configure(mode="enforce")
        gate.run("catalogue", "accept", may_fail=True)
        gate.start()
        gate.prove("law", "accept") if gate.table("law", "show").get("waits") else None
        run_of_the_gate(office, gate, siem, disk, checks)
        a_receiver_fails(office, gate, siem, checks)
        syslog(gate, log, secure, checks)
        traced(office, gate, collector, checks)
        killed(gate, siem, disk, checks)
        gate.stop()
        logged = gate.log.read_text(errors="replace")
        checks.that(SECRET not in logged and TOKEN not in logged, "no secret in the gate's own log")
    checks.close()


if __name__ == "__main__":
    main()

# run.sh: segments
"""The sealed record, read by an engine that knows nothing of the gate: `python3 segments.py`."""

import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import duckdb
from gate import BINARY, Gate
from lib import LOOPBACK, SCRATCH, Api, Checks, free_port, wait_until
from office import OVERRIDES, OWNER, Office

FOLDER = SCRATCH / "run/segments"
KEY = "Bearer office-key-1f0c8d6b2a"
CALLS = 60


def words(gate, *words):
    """A command beside the running gate: its lines."""
    argv = [BINARY, "--config", gate.folder / "greave.toml", *words]
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=30)


class Siem(http.server.ThreadingHTTPServer):
    """Takes events where it is `up`, and else answers 503."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Taker)
        self.up, self.came = True, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def calls(self):
        """The ids of the calls that came, each as often as it came."""
        events = [json.loads(line) for body in list(self.came) for line in body.splitlines()]
        return [event["metadata"]["uid"] for event in events if event["class_uid"] == 6003]


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.up:
            self.server.came.append(body)
        self.send_response(200 if self.server.up else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def lagging(checks):
    """What is sealed while a receiver is away goes out all the same, once, over a kill as well."""
    with checks.scene("sealed while a drain lags"):
        office, siem = Office(), Siem()
        more = f"""seal = "1s"
{OVERRIDES}
[[drain]]
name = "siem"
to = "http://{LOOPBACK}:{siem.server_address[1]}/"
events = ["calls"]
"""
        folder = FOLDER / "lagging"
        gate = Gate(folder, office.base, office.document(FOLDER), identify={"path": "/me", "holder": "/login"}, person=OWNER, more=more)
        gate.init()
        gate.configure()
        gate.start()
        api, record = Api(gate.port, KEY), folder / "state/record"
        api("GET", "/me")
        wait_until(siem.calls, 20, "the first call at the receiver")
        siem.up = False
        for turn in range(3):
            for number in range(40):
                api("GET", f"/items/{turn}-{number}")
            wait_until(lambda: not list(record.glob("*.calls")), 30, "everything is sealed")
            if turn == 1:
                gate.kill()
                gate.start()
        siem.up = True
        calls = {json.loads(line)["id"] for line in words(gate, "calls", "--format", "jsonl", "--last", "100000").stdout.splitlines()}
        try:
            wait_until(lambda: calls <= set(siem.calls()), 150, "every call at the receiver")
        except TimeoutError:
            pass
        came = siem.calls()
        checks.that(len(calls) > 120 and calls <= set(came), "each call that was sealed meanwhile arrives", f"{len(calls)} calls, missing {sorted(calls - set(came))[:3]}")
        checks.same(len(came), len(set(came)), "and none twice")
        gate.stop()


def evidence(checks, gate, api, key, public):
    """A key that did too much: told, proven, narrowed, and widened again."""
    told = gate.table("incident", key, "--since", "1h")
    checks.that(told["calls"]["passed"] > 0 and told["radius"]["works"], "an incident tells what a key did and could still do")
    checks.that(any("greave keys disable" in step["command"] for step in told["next"]), "and what is to be done next")
    bundle = FOLDER / "evidence"
    made = gate.run("incident", key, "--since", "1h", "--bundle", bundle)
    checks.that("with proofs" in made, "its evidence is a folder", made)

    def verify():
        argv = [BINARY, "record", "verify", str(bundle), "--key", str(public)]
        return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=30)

    seen = verify()
    checks.that(seen.returncode == 0 and "nothing is changed, missing or added" in seen.stdout, "that an auditor checks with the public key alone", seen.stdout + seen.stderr)
    calls = bundle / "calls.jsonl"
    lines = calls.read_text().splitlines(keepends=True)
    calls.write_text("".join(lines[:-1]))
    checks.same(verify().returncode, 1, "and where one call is left out it does not hold")
    calls.write_text("".join(lines))
    checks.same(verify().returncode, 0, "put back, it holds")

    proposed = gate.table("narrow", key, "--apply", "--even-so")
    names = proposed["scope"]["operations"]
    checks.that(proposed["applied"] and "GET /me" in names, "the key is narrowed to what it used", names)
    checks.same(api("GET", "/me").status, 200, "it goes on with that")
    refused = api("DELETE", "/users/nobody")
    checks.that(refused.status == 403 and b"out-of-scope" in refused.body, "and with nothing else", refused)
    without = gate.ended("narrow", key, "--undo")
    checks.that(without[0] == 2 and "--as" in without[2], "to take that back needs a code", without)
    gate.prove("narrow", key, "--undo")
    checks.that(b"out-of-scope" not in api("DELETE", "/users/nobody").body, "and with it one command does")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, office = Checks("segments"), Office()
    with checks.scene("the record is sealed and read"):
        gate = Gate(FOLDER / "gate", office.base, office.document(FOLDER), identify={"path": "/me", "holder": "/login"}, person=OWNER,
                    more=f'seal = "1s"\n{OVERRIDES}')
        gate.init()
        gate.configure()
        gate.start()
        api = Api(gate.port, KEY)
        for number in range(CALLS):
            api("GET", "/me" if number % 3 else "/nothing-there")
        record = gate.folder / "state/record"
        wait_until(lambda: not list(record.glob("*.calls")), 20, "everything is sealed")

        calls = words(gate, "calls", "--format", "jsonl", "--last", "100000").stdout.splitlines()
        segments = f"{record}/hour=*/*.parquet"
        read = duckdb.sql(f"SELECT * FROM read_parquet('{segments}', hive_partitioning = true) WHERE kind = 'call'")
        checks.same(duckdb.sql("SELECT count(*) FROM read").fetchall()[0][0], len(calls), "DuckDB counts as many calls as `greave calls`")
        checks.that(len(calls) >= CALLS, "and they are all there", len(calls))
        key = next(json.loads(line)["key"] for line in calls if "key" in json.loads(line))
        number = int(str(key).removeprefix("k"))
        theirs = words(gate, "calls", "--key", f"k{number}", "--format", "jsonl", "--last", "100000").stdout.splitlines()
        query = f"SELECT operation, status, decision, time FROM read WHERE key = {number} AND powers LIKE '%read%' ORDER BY time"
        found = duckdb.sql(query).fetchall()
        checks.same(len(found), sum("read" in json.loads(line)["powers"] for line in theirs), "and of one key")
        ids = {str(row[0]) for row in duckdb.sql("SELECT id FROM read").fetchall()}
        checks.same(ids, {json.loads(line)["id"] for line in calls}, "the same calls, by their ids")
        whole = duckdb.sql("SELECT call->>'$.id' = id::VARCHAR, call->>'$.operation' = operation FROM read").fetchall()
        checks.same(set(whole), {(True, True)}, "and each as it was recorded, in the column `call`")

        public = FOLDER / "public.key"
        public.write_text(words(gate, "record", "key").stdout)
        proof, call = FOLDER / "proof.json", json.loads(calls[7])["id"]
        words(gate, "record", "prove", call, "--output", proof)
        shown = subprocess.run([BINARY, "record", "verify", str(proof), "--key", str(public)], cwd="/", capture_output=True, text=True)
        checks.that(shown.returncode == 0 and call in shown.stdout, "a call is proven with the public key alone", shown.stdout + shown.stderr)
        evidence(checks, gate, api, f"k{number}", public)
        note = FOLDER / "kept.note"
        note.write_text(words(gate, "record", "checkpoint").stdout)
        gate.stop()
        copy = FOLDER / "copy"
        shutil.copytree(record, copy)

        def verify():
            argv = [BINARY, "record", "verify", str(copy), "--key", str(public), "--since", str(note)]
            return subprocess.run(argv, cwd="/", capture_output=True, text=True, timeout=30)

        seen = verify()
        checks.same(seen.returncode, 0, "a copy verifies without gate and state")
        segment = sorted(copy.glob("hour=*/*.parquet"))[0]
        changed = bytearray(pathlib.Path(segment).read_bytes())
        changed[len(changed) // 2] ^= 1
        segment.write_bytes(changed)
        seen = verify()
        checks.that(seen.returncode == 1 and segment.name in seen.stdout, "one changed bit is found", seen.stdout)
    lagging(checks)
    checks.close()


if __name__ == "__main__":
    main()

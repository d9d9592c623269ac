"""The sealed record, read by an engine that knows nothing of the gate: `python3 segments.py`."""

import json
import pathlib
import shutil
import subprocess

import duckdb
from gate import BINARY, Gate
from lib import SCRATCH, Api, Checks, wait_until
from office import OVERRIDES, OWNER, Office

FOLDER = SCRATCH / "run/segments"
KEY = "Bearer office-key-1f0c8d6b2a"
CALLS = 60


def words(gate, *words):
    """A command beside the running gate: its lines."""
    argv = [BINARY, "--config", gate.folder / "greave.toml", *words]
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=30)


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
    checks.close()


if __name__ == "__main__":
    main()

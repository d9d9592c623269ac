"""An inventory of so many keys: `GREAVE=… python3 bench/inventory.py [KEYS [--kill]]`, 100,000 where nothing is said.

Imports keys of people, programs and vendors with mixed births, ends and scopes, lists them in
several ways, starts the gate anew, and prints the seconds of each command as a person waits
for it, with the program's start and the printing. With `--kill` the gate is killed in the
middle of the import; the ledger must verify, and the same import completes what is there.
Nothing is asked of any API. A million keys take some 600 MB on disk.
"""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="greave-inventory-"))
os.environ["GREAVE_E2E_SCRATCH"] = str(SCRATCH)

from gate import BINARY, Gate  # noqa: E402

HEAD = "secret,name,holder,kind,owner,place,born,end,scopes"
LISTS = (
    ("keys",),
    ("keys", "--power", "mint", "--without-factor", "--sort", "end", "--limit", "50"),
    ("keys", "--sort", "holder", "--reverse", "--limit", "50"),
    ("keys", "--query", "program-77", "--limit", "50"),
    ("keys", "--format", "csv"),
    ("keys", "--format", "jsonl"),
    ("holders",),
    ("expiry",),
)


def document():
    """Three hundred operations."""
    rows = ["openapi: 3.1.0", "info: {title: Company, version: '1'}", "security: [{key: []}]"]
    rows += ["components: {securitySchemes: {key: {type: http, scheme: bearer}}}", "paths:"]
    for number in range(100):
        rows += [
            f"  /things{number}:",
            "    get: {summary: List things, responses: {'200': {description: All.}}}",
            f"  /things{number}/{{name}}:",
            "    parameters: [{name: name, in: path, required: true, schema: {type: string}}]",
            "    delete: {summary: Delete a thing, responses: {'204': {description: Deleted.}}}",
            "    post: {summary: Create an API token, responses: {'201': {description: Made.}}}",
        ]
    return "\n".join(rows)


def line(number, dice):
    """One key of some holder, who has ten of them."""
    holder = number // 10
    kind = ("person", "workload", "vendor")[holder % 3]
    name = f"{'person' if kind == 'person' else 'program'}-{holder}"
    owner = "" if kind == "person" else f"person-{holder // 30 * 30}"
    born = f"202{dice.randint(3, 6)}-0{dice.randint(1, 9)}-15"
    end = "" if number % 3 else f"202{dice.randint(7, 9)}-0{dice.randint(1, 9)}-01"
    secret = f"sk_live_{hashlib.sha256(str(number).encode()).hexdigest()[:32]}"
    scopes = "read write" if number % 2 else "read"
    return f"{secret},key {number},{name},{kind},{owner},authorization:bearer,{born},{end},{scopes}"


def timed(gate, *words, typed=""):
    """Runs one command; its seconds, and what it printed."""
    began = time.monotonic()
    argv = [BINARY, "--config", gate.folder / "greave.toml", *words]
    done = subprocess.run([str(word) for word in argv], input=typed, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode not in (0, 1):
        raise RuntimeError(f"greave {' '.join(words)} ended {done.returncode}: {done.stderr[-300:]}")
    return took, done.stdout


def tell(what, took, more=""):
    print(f"{what:<78}{took:>8.2f} s  {more}", flush=True)


def start(gate):
    began = time.monotonic()
    gate.start()
    return time.monotonic() - began


def memory(gate):
    status = pathlib.Path(f"/proc/{gate.program.process.pid}/status").read_text()
    return next(row.split(":")[1].strip() for row in status.splitlines() if row.startswith("VmRSS"))


def kill(gate, file, after):
    """Ends the gate in the middle of an import, as the machine's power does."""
    argv = [BINARY, "--config", gate.folder / "greave.toml", "keys", "import", file, "--as", gate.person]
    importing = subprocess.Popen(
        [str(word) for word in argv], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    importing.stdin.write(gate.codes.next() + "\n")
    importing.stdin.close()
    time.sleep(after)
    gate.kill()
    print(f"killed after {after:.1f} s of the import, which ended {importing.wait()}", flush=True)
    print(gate.run("ledger", "verify").strip(), flush=True)
    tell("start after that", start(gate))


def main(count, killed):
    (SCRATCH / "openapi.yaml").write_text(document())
    gate = Gate(SCRATCH / "gate", "http://127.0.0.1:9", SCRATCH / "openapi.yaml", person="ann")
    gate.init()
    gate.configure()
    gate.run("catalogue", "accept", may_fail=True)
    file, dice = SCRATCH / "keys.csv", random.Random(1)
    with file.open("w") as keys:
        keys.write(HEAD + "\n")
        keys.writelines(line(number, dice) + "\n" for number in range(count))
    tell("start without keys", start(gate))
    dry, said = timed(gate, "keys", "import", str(file), "--dry-run")
    tell("keys import --dry-run", dry, said.strip())
    if killed:
        kill(gate, file, dry * 1.4)
    took, said = timed(gate, "keys", "import", str(file), "--as", "ann", typed=gate.codes.next() + "\n")
    tell("keys import", took, said.strip())
    took, said = timed(gate, "keys", "import", str(file))
    tell("the same import again", took, said.strip())
    for words in LISTS:
        took, said = timed(gate, *words)
        tell(" ".join(words), took, f"{len(said.splitlines())} lines")
    gate.stop()
    tell(f"start with {count} keys", start(gate), memory(gate))
    print(gate.run("ledger", "verify").strip(), flush=True)
    size = (gate.folder / "state" / "state.db").stat().st_size
    print(f"the ledger takes {size / 1e6:.0f} MB, {size / count:.0f} bytes a key", flush=True)
    gate.stop()
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 100_000, "--kill" in sys.argv)

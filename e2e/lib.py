"""What every end-to-end check needs: programs, raw HTTP, one-time codes, counting.

Requests are written by hand onto a socket: HTTP libraries tidy paths and headers up,
and the untidy ones are what is to be tried. Standard library only.
"""

import atexit
import base64
import contextlib
import ctypes
import hashlib
import hmac
import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from urllib.parse import urlencode, urljoin, urlsplit

LOOPBACK = "127.0.0.1"
HERE = pathlib.Path(__file__).resolve().parent
SCRATCH = pathlib.Path(os.environ.get("GREAVE_E2E_SCRATCH", HERE / "scratch"))


# --- counting ---------------------------------------------------------------


class Checks:
    """Prints one line for each check, and knows whether all of them held."""

    def __init__(self, part):
        self.part, self.failed = part, 0

    def that(self, holds, what, seen=""):
        """One check. `seen` is printed either way: a reader wants to see what happened."""
        self.failed += not holds
        seen = " ".join(str(seen).split())
        seen = f"  [{seen[:300]}]" if seen else ""
        print(f"{'ok  ' if holds else 'FAIL'} {self.part}: {what}{seen}", flush=True)
        return bool(holds)

    def same(self, seen, wanted, what):
        """The check that two values are equal."""
        return self.that(seen == wanted, what, seen if seen == wanted else f"{seen!r}, wanted {wanted!r}")

    @contextlib.contextmanager
    def scene(self, what):
        """A group of checks that belong together: if one dies, it fails, and the next group is tried."""
        try:
            yield
        except Exception as error:  # the line must say what broke, whatever it was
            where = error.__traceback__
            while where.tb_next and str(HERE) in where.tb_next.tb_frame.f_code.co_filename:
                where = where.tb_next
            self.that(False, what, f"{type(error).__name__} at line {where.tb_lineno}: {error}")

    def close(self):
        sys.exit(1 if self.failed else 0)


# --- time -------------------------------------------------------------------


def wait_until(ask, seconds, what):
    """Asks until the answer is true, and returns it; raises when the time is up."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def totp(secret, at=None):
    """The six digits of a base32 secret (RFC 6238, SHA-1, 30 s steps)."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    step = int((time.time() if at is None else at) // 30)
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    cut = struct.unpack_from(">I", mac, mac[-1] & 15)[0] & 0x7FFFFFFF
    return f"{cut % 10**6:06}"


# --- programs ---------------------------------------------------------------

PR_SET_CHILD_SUBREAPER = 36
# What a program started in a session of its own becomes our child when that program dies, so that it is found.
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a time limit outside: end what was started


def children():
    """The ids of our own children, orphans that came to us included."""
    found = pathlib.Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for tasks in found for pid in tasks.read_text().split()]


@atexit.register
def end_children():
    """Ends what is left of what was started here, and nothing else."""
    for _ in range(20):
        left = children()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        if not left:
            return


taken = set()


def free_port():
    """A loopback port that nobody listens on now, and that the system does not hand out by itself:
    a client that polls a port of that range may be given the very port, and so occupy it."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind((LOOPBACK, port))
            if port not in taken:
                taken.add(port)
                return port


def answers(port):
    """Whether something accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
        return True
    return False


class Program:
    """A program that was started here, in a session of its own, so that its children end with it."""

    def __init__(self, argv, folder, log, env=None, files=()):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [str(a) for a in argv],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=files,
            )
        atexit.register(self.stop)  # also when a check dies half-way

    def ready(self, ask, seconds=60):
        """Waits until `ask()` is true; a program that ended first is an error that quotes its log."""

        def alive():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args[0]} ended early: {self.tail()}")
            return ask()

        wait_until(alive, seconds, f"{self.process.args[0]} ready ({self.log})")
        return self

    def tail(self, size=600):
        return self.log.read_text(errors="replace")[-size:]

    def hangup(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, patience=10):
        """Asks it to end, and makes it end: it, and what it started in its session."""
        if self.process.poll() is not None:
            return self.process.returncode
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                patience = 5
        return self.process.returncode


# --- HTTP, by hand ----------------------------------------------------------


class Answer:
    """One HTTP answer; `status` is 0 when there was none."""

    def __init__(self, status=0, headers=(), body=b"", note="", seconds=0.0):
        self.status, self.headers, self.body, self.note, self.seconds = status, list(headers), body, note, seconds

    def header(self, name, default=""):
        return next((v for n, v in self.headers if n.lower() == name.lower()), default)

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return (
            f"{self.status} {self.body[:120].decode('utf-8', 'replace')}" if self.status else f"no answer: {self.note}"
        )


class Line:
    """One connection: write bytes, read answers. `source` is the loopback address it comes from."""

    def __init__(self, port, timeout=10.0, source=LOOPBACK):
        self.socket = socket.create_connection((LOOPBACK, port), timeout, source_address=(source, 0))
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        """Reads once into `rest`; false at the end of the connection."""
        got = self.socket.recv(65536)
        self.rest += got
        return bool(got)

    def until(self, mark):
        while mark not in self.rest:
            if not self.more():
                raise ConnectionError(f"closed after {self.rest[:200]!r}")
        head, self.rest = self.rest.split(mark, 1)
        return head

    def exactly(self, size):
        while len(self.rest) < size:
            if not self.more():
                raise ConnectionError(f"closed {size - len(self.rest)} bytes early")
        body, self.rest = self.rest[:size], self.rest[size:]
        return body

    def head(self):
        """Status and headers of the next answer, interim answers left out."""
        while True:
            first, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(first.split(" ", 2)[1])
            if status >= 200 or status == 101:
                return status, [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]

    def answer(self, method="GET"):
        started = time.monotonic()
        status, headers = self.head()
        found = Answer(status, headers)
        if method == "HEAD" or status in (101, 204, 304):
            pass
        elif "chunked" in found.header("transfer-encoding").lower():
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                found.body += self.exactly(size)
                self.exactly(2)
            while self.until(b"\r\n"):
                pass
        elif length := found.header("content-length"):
            found.body = self.exactly(int(length))
        else:
            while self.more():
                pass
            found.body, self.rest = self.rest, b""
        found.seconds = time.monotonic() - started
        return found


def request(method, target, host, headers=(), body=b"", version="HTTP/1.1"):
    """The bytes of a request, exactly as said; a length is added when there is a body."""
    lines = [f"{method} {target} {version}", f"Host: {host}"] if host else [f"{method} {target} {version}"]
    lines += [f"{n}: {v}" for n, v in headers]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def send(port, data, timeout=10.0, source=LOOPBACK, method="GET"):
    """Sends the bytes on a fresh connection and reads one answer; never raises."""
    started = time.monotonic()
    try:
        with Line(port, timeout, source) as line:
            line.send(data)
            found = line.answer(method)
    except (OSError, ValueError, IndexError) as error:
        found = Answer(note=f"{type(error).__name__} {error}")
    found.seconds = time.monotonic() - started
    return found


class Api:
    """A client of an API with one credential, as a script would be."""

    def __init__(self, port, authorization="", source=LOOPBACK, base=""):
        self.port, self.source, self.base = port, source, base
        self.headers = [("Authorization", authorization)] if authorization else []

    def __call__(self, method, path, body=None, headers=(), timeout=70.0):
        data = b"" if body is None else json.dumps(body).encode()
        extra = [("Content-Type", "application/json")] if body is not None else []
        named = any(name.lower() == "user-agent" for name, _ in headers)
        extra += [] if named else [("User-Agent", "deploy-script/1.0")]
        extra += [("Connection", "close"), *self.headers, *headers]
        return send(
            self.port,
            request(method, self.base + path, f"{LOOPBACK}:{self.port}", extra, data),
            timeout,
            self.source,
            method,
        )


# --- a browser --------------------------------------------------------------


class Browser:
    """As much of a browser as a login needs: cookies by path, redirects, the headers of a navigation."""

    AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    def __init__(self, port):
        self.port, self.host = port, f"{LOOPBACK}:{port}"
        self.cookies = {}  # (name, path) -> value
        self.visited = []  # every target asked, with the status
        self.strayed = []  # redirects that led away from this host

    def cookie_header(self, path):
        fitting = [(p, n, v) for (n, p), v in self.cookies.items() if path.startswith(p)]
        return "; ".join(f"{n}={v}" for p, n, v in sorted(fitting, key=lambda c: -len(c[0])))

    def cookie(self, name, path):
        return next((v for (n, p), v in self.cookies.items() if n == name and path.startswith(p)), "")

    def once(self, method, target, headers=(), body=b""):
        path = target.split("?")[0]
        sent = [
            ("User-Agent", self.AGENT),
            ("Accept", "text/html,*/*;q=0.8"),
            ("Accept-Language", "en"),
            ("Connection", "close"),
        ]
        sent += [("Cookie", c)] if (c := self.cookie_header(path)) else []
        found = send(self.port, request(method, target, self.host, [*sent, *headers], body), 60, method=method)
        self.visited.append((method, target, found.status))
        for name, value in found.headers:
            if name.lower() == "set-cookie":
                self.keep(value, path)
        return found

    def keep(self, header, path):
        first, *rest = [part.strip() for part in header.split(";")]
        name, _, value = first.partition("=")
        said = {k.lower(): v for k, _, v in (part.partition("=") for part in rest)}
        place = said.get("path") or path.rsplit("/", 1)[0] or "/"
        if said.get("max-age") == "0" or "1970" in said.get("expires", "") or not value.strip('"'):
            self.cookies.pop((name, place), None)
        else:
            self.cookies[name, place] = value

    def go(self, target, form=None):
        """Navigates, following redirects; returns the last answer, its `at` set to where it ended."""
        headers = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Dest", "document")]
        if form is None:
            found = self.once("GET", target, headers)
        else:
            posted = [
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Origin", f"http://{self.host}"),
                ("Referer", f"http://{self.host}{target}"),
            ]
            found = self.once("POST", target, headers + posted, urlencode(form, doseq=True).encode())
        for _ in range(15):
            if found.status not in (301, 302, 303, 307, 308):
                break
            url = urlsplit(urljoin(f"http://{self.host}{target}", found.header("location")))
            if url.netloc != self.host:
                self.strayed.append(url.geturl())
                break
            target = url.path + (f"?{url.query}" if url.query else "")
            found = self.once("GET", target, headers)
        found.at = target
        return found

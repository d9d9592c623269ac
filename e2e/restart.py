# run.sh: python3
"""A gate whose sockets somebody else has opened, as systemd does: while it starts again, and while none runs, nobody is
refused: `python3 restart.py`."""

import os
import shutil
import socket
import sys
import threading

from gate import Gate
from lib import LOOPBACK, SCRATCH, Api, Checks, Line, free_port, request, wait_until
from office import Office

FOLDER = SCRATCH / "run/restart"
KEY = "Bearer office-key-1234567890abcdef"
MANY = 64

# As systemd does: the sockets are the files from 3 on, and the environment says how many there are, and to whom.
HAND_OVER = """
import fcntl, os, sys
files = [fcntl.fcntl(int(file), fcntl.F_DUPFD, 100) for file in sys.argv[1].split(",")]
for place, file in enumerate(files):
    os.dup2(file, 3 + place)
os.environ |= {"LISTEN_FDS": str(len(files)), "LISTEN_PID": str(os.getpid())}
os.execvp(sys.argv[2], sys.argv[2:])
"""


def listening(port):
    found = socket.create_server((LOOPBACK, port), backlog=4 * MANY)
    found.set_inheritable(True)
    return found


def hand_over(gate, sockets):
    gate.files = [s.fileno() for s in sockets]
    gate.inside = [sys.executable, "-c", HAND_OVER, ",".join(str(file) for file in gate.files)]


class Asked:
    """A request on a connection of its own; `sent` when it has gone out, answered or not."""

    def __init__(self, port, path, credential=""):
        self.sent, self.answer, self.error = threading.Event(), None, ""
        headers = [("Authorization", credential)] if credential else []
        data = request("GET", path, f"{LOOPBACK}:{port}", [*headers, ("Connection", "close")])

        def ask():
            try:
                with Line(port, 60) as line:
                    line.send(data)
                    self.sent.set()
                    self.answer = line.answer()
            except (OSError, ValueError) as error:
                self.error = f"{type(error).__name__} {error}"
            self.sent.set()

        self.thread = threading.Thread(target=ask, daemon=True)
        self.thread.start()

    def status(self):
        self.thread.join(70)
        return self.answer.status if self.answer else self.error


def while_none_runs(gate, checks):
    gate.stop()
    asked = [Asked(gate.port, "/me", KEY) for _ in range(MANY)]
    beside = [Asked(gate.desk, "/"), Asked(gate.metrics, "/health")]
    checks.that(all(it.sent.wait(10) and not it.error for it in [*asked, *beside]), "while no gate runs, who connects is not refused", [it.error for it in asked])
    checks.that(not any(it.answer for it in asked), "and waits")
    gate.start()
    checks.same({it.status() for it in asked}, {200}, "when it runs again, all who waited are answered")
    seen = [it.status() for it in beside]
    checks.that(seen[0] in (200, 303) and seen[1] == 200, "at the desk and at the metrics, too", seen)


def while_it_starts_again(gate, checks):
    over, seen = threading.Event(), []

    def ask_on():
        while not over.is_set():
            seen.append(Asked(gate.port, "/me", KEY).status())

    askers = [threading.Thread(target=ask_on, daemon=True) for _ in range(4)]
    for asker in askers:
        asker.start()
    for _ in range(3):
        before = len(seen)
        wait_until(lambda: len(seen) > before + 20, 30, "requests go through")
        gate.stop()
        gate.start()
    over.set()
    for asker in askers:
        asker.join(70)
    checks.same(set(seen), {200}, f"over three starts, none of {'so many' if len(seen) > 60 else len(seen)} requests is refused or broken off")


def told(checks, gate, heard):
    said = []

    def hears(word):
        said.append(heard.recv(4096).decode())
        return word in said[-1]

    gate.env = {"NOTIFY_SOCKET": heard.getsockname()}
    gate.stop()
    gate.start()
    checks.that(hears("READY=1"), "whoever started it hears when it is ready", said)
    gate.stop()
    checks.that(hears("STOPPING=1"), "and when it stops", said)
    gate.env = {}


def nobodys(gate, sockets, checks):
    stray = listening(free_port())
    hand_over(gate, [*sockets, stray])
    try:
        gate.start()
        checks.that(False, "a socket that no setting names is refused")
    except RuntimeError as error:
        checks.that("no setting listens there" in str(error) and str(stray.getsockname()[1]) in str(error), "a socket that no setting names is refused, and named", error)
    stray.close()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    checks, office = Checks("restart"), Office()
    threading.Thread(target=office.serve_forever, daemon=True).start()
    metrics = free_port()
    gate = Gate(FOLDER / "gate", f"http://{LOOPBACK}:{office.server_port}", office.document(FOLDER), gate={"metrics": f"{LOOPBACK}:{metrics}", "stop_timeout": "5s"})
    gate.metrics = metrics
    with checks.scene("sockets that are handed over"), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        gate.init()
        gate.configure()
        sockets = [listening(port) for port in (gate.port, gate.desk, metrics)]
        hand_over(gate, sockets)
        gate.start()
        checks.same(Api(gate.port, KEY)("GET", "/me").status, 200, "a gate serves sockets that were open before it")
        while_none_runs(gate, checks)
        while_it_starts_again(gate, checks)
        heard.bind(os.path.relpath(FOLDER / "notify") if len(str(FOLDER / "notify")) > 100 else str(FOLDER / "notify"))
        heard.settimeout(20)
        told(checks, gate, heard)
        nobodys(gate, sockets, checks)
    gate.stop()
    checks.close()


if __name__ == "__main__":
    main()

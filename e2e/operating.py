# run.sh: python3 jupyter node
"""Running the gate before a real JupyterHub: what its operator does, and what happens to it: `python3 operating.py`."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.server
import itertools
import json
import os
import re
import shutil
import sqlite3
import threading
import time

from gate import Gate, enrol, form_token
from hub import DOCUMENT, OWNER, Hub, fetch, log_in, sign_up
from jupyterhub import API, IDENTIFY, held, script
from lib import LOOPBACK, SCRATCH, Browser, Checks, free_port, wait_until

FOLDER = SCRATCH / "run/operating"
OBSERVE = "observe until 2099-01-01"

later = concurrent.futures.ThreadPoolExecutor(24).submit


class Receiver(http.server.ThreadingHTTPServer):
    """Whoever is told by webhook. Keeps what came with a signature that holds, and counts the rest."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Delivery)
        self.key, self.came, self.forged = os.urandom(32), [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def secret(self):
        """The shared secret as Standard Webhooks writes it."""
        return f"whsec_{base64.b64encode(self.key).decode()}"

    def told(self, kind, question, seconds=15):
        """Waits for a message of a kind about a question."""

        def fits(message):
            return message["type"] == kind and message["data"].get("challenge", message["id"].split("_")[0]) == question

        return wait_until(lambda: next(filter(fits, self.came), None), seconds, f"a webhook {kind} of {question}")


class Delivery(http.server.BaseHTTPRequestHandler):
    """One message, checked as https://www.standardwebhooks.com asks."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        sent, at = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        mac = hmac.new(self.server.key, f"{sent}.{at}.".encode() + body, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(mac).decode()}"
        if wanted in self.headers["webhook-signature"].split() and abs(time.time() - int(at)) < 60:
            self.server.came.append({**json.loads(body), "id": sent})
        else:
            self.server.forged += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def walked_around(hub, gate, checks):
    with checks.scene("a way around"):
        code, out, _ = gate.ended("check", "--direct", f"http://{LOOPBACK}:{hub.port}")
        checks.that(
            code == 3 and "It answers" in out and "gate.proof" in out,
            "check --direct: whoever is on this host reaches the hub without the gate",
            out,
        )
        code, out, _ = gate.ended("check", "--direct", f"http://{LOOPBACK}:{free_port()}")
        checks.that(
            code == 0 and "It does not answer" in out, "check --direct: nothing answers elsewhere", out
        )


def learned(hub, gate, token, checks):
    with checks.scene("observing"):
        checks.same(script(gate.port, token)("GET", "/user").status, 200, "observing: the token reads")
        wait_until(lambda: OWNER in str(gate.keys()), 10, "whose the key is")
        made = script(gate.port, token)("POST", "/users/observed")
        checks.same(made.status, 201, "observing: the token makes a user")


def killed_while_calls_run(hub, gate, token, checks):
    """What the hub has done for a key stands in the record, however the gate ended: the intent is on disk first."""
    with checks.scene("killed while calls run"):
        mine, over, number = script(gate.port, token), threading.Event(), itertools.count()

        def work():
            while not over.is_set():
                mine("POST", f"/users/killed-{next(number):04}", timeout=5)
                mine("GET", "/user", timeout=5)

        working = [later(work) for _ in range(8)]
        wait_until(lambda: sum("killed-" in user for user in hub.users()) > 30, 20, "calls run")
        gate.kill()
        over.set()
        for each in working:
            each.result(30)
        time.sleep(0.5)  # the hub may still be at the last of them

        code, out, err = gate.ended("ledger", "verify")
        checks.that(code == 0 and "hold together" in out, "killed: the ledger holds together", out + err)
        code, out, err = gate.ended("--json", "calls", "--last", "100000")
        checks.that(code == 0 and not err, "killed: the record can be read up to its end", err)
        written = {value for call in json.loads(out) for name, value in call.get("parameters", []) if name == "name"}
        done = {user for user in hub.users() if "killed-" in user}
        checks.that(
            done and done <= written, "killed: what the hub has done is written down", f"{len(done)}, {done - written}"
        )
        newest = max((gate.folder / "state/record").glob("*"), key=lambda file: file.stat().st_mtime)
        os.truncate(newest, newest.stat().st_size - 7)  # as if the disk had taken less than it was given
        before = len(gate.log.read_bytes())
        gate.start()
        checks.same(mine("GET", "/user").status, 200, "killed: the gate starts again, and knows the key")
        wait_until(lambda: b"Torn" in gate.log.read_bytes()[before:], 5, "the gate says what it has cut")
        code, out, err = gate.ended("calls")
        checks.that(
            code == 0 and "GET /user " in out and gate.ended("ledger", "verify")[0] == 0,
            "a torn tail is cut, the gate says so, and goes on behind it",
            err,
        )


def law_changes(hub, gate, token, checks):
    mine = script(gate.port, token)
    users = itertools.count()

    def asks():
        """Whether making a user is asked about now."""
        name = f"asked-{next(users)}"
        answer = mine("POST", f"/users/{name}", headers=[("Prefer", "wait=0")])
        if answer.status == 401:
            gate.deny(Gate.challenge(answer)["challenge_id"])
        return {201: False, 401: True}[answer.status], name in hub.users()

    file = gate.folder / "greave.toml"
    with checks.scene("a broken file"):
        good = file.read_text()
        breaks = {
            "no TOML": good + "\n[guard\n",
            "a guard that is none": good.replace('grant   = "person"', 'grant   = "persn"'),
            "a document that is not there": re.sub(r'(?m)^(document *= *"[^"]+)"', r'\1.gone"', good),
            "a setting that is none": good.replace("unknown_keys", "unknown_key"),
        }
        for how, text in breaks.items():
            file.write_text(text)
            said = gate.reload()
            checks.that(
                text != good and "is refused" in said and asks() == (False, True),
                f"reload: {how}: the last good one goes on, and the gate says so",
                said,
            )
        file.write_text(good)
    with checks.scene("a stricter law"):
        gate.configure(mode="enforce")
        said = gate.reload()
        checks.that("is loaded" in said and asks() == (True, False), "reload: a stricter law holds at once", said)
    with checks.scene("a weaker law"):
        gate.configure(mode=OBSERVE)
        said = gate.reload()
        checks.that(
            "waits for a code" in said and asks() == (True, False), "reload: a weaker law waits for a code", said
        )
        code, out, _ = gate.ended("law", "show")
        checks.that(code == 1 and OBSERVE in out, "reload: it can be read while it waits", out[-200:])
        gate.stop()
        gate.start()
        checks.same(asks(), (True, False), "a weaker law does not come into force by a restart")
        said = gate.run("law", "accept", "--as", gate.person, typed="000000\n", may_fail=True)
        checks.that(asks() == (True, False), "nor by a wrong code", said)
        said = gate.prove("law", "accept")
        checks.that("in force" in said and asks() == (False, True), "law accept: a code puts it in force", said)
        gate.configure(mode="enforce")
        gate.reload()
        checks.same(asks(), (True, False), "and the stricter one is back without a code")


def told_and_answered(hub, gate, token, receiver, checks):
    """A second person is invited, enrols, and answers as the owner's deputy; a receiver hears of it."""
    mine = script(gate.port, token)
    with checks.scene("an invitation"):
        link = gate.invite("bob")
        browser = Browser(gate.desk)
        codes, page = enrol(browser, link)
        checks.that(
            page.status == 200 and len(codes.recovery) == 10, "an invitation enrols a second person", len(codes.recovery)
        )
        checks.same(browser.go(link.removeprefix(f"http://{browser.host}")).status, 404, "an invitation serves once")
    with checks.scene("a deputy"):
        before = gate.pending()
        call = later(mine, "POST", "/users/by-deputy", {"admin": True})
        question = gate.asked(before)
        opened = receiver.told("challenge.opened", question)
        checks.that(
            opened["data"]["told"] == [OWNER] and "POST /users/{name}" in str(opened),
            "a signed webhook tells the owner of an opened question",
            opened,
        )
        checks.that(token not in str(receiver.came), "no webhook carries the key")
        browser, page = gate.sign_in("bob", codes.next())
        checks.that(
            browser.go(f"/questions/{question}").status == 404 and question.encode() not in page.body,
            "whoever does not answer for a key does not see its question",
            page.status,
        )
        gate.prove("holders", "change", OWNER, "--deputy", "bob")
        page = browser.go(f"/questions/{question}")
        checks.that(
            page.status == 200 and b"/hub/api/users/by-deputy" in page.body and b"&#34;admin&#34;: true" in page.body,
            "a deputy sees the call, its body included",
            page.status,
        )
        form = {"form": form_token(page), "at": f"/questions/{question}", "code": codes.next(), "q": question}
        browser.go("/approve", form)
        answer = call.result(70)
        checks.that(
            answer.status == 201 and hub.users().get("by-deputy"),
            "a deputy answers on the desk, and the call goes on",
            answer.status,
        )
        answered = receiver.told("challenge.answered", question)
        checks.that("approved" in str(answered), "a webhook tells that it was answered", answered)
    with checks.scene("an escalation"):
        before = gate.pending()
        call = later(mine, "POST", "/users/escalated")
        question = gate.asked(before)
        told = receiver.told("challenge.escalated", question, 20)
        checks.that(
            set(told["data"]["told"]) == {OWNER, "bob"} and not call.done(),
            "where nobody answers, the deputy is told too",
            told,
        )
        gate.deny(question)
        call.result(70)
        checks.same(receiver.forged, 0, "every webhook was signed with the shared secret")


def killed_while_held(hub, gate, token, checks):
    """A question is durable before anybody hears of it, so it outlives the gate that asked it."""
    mine = script(gate.port, token)
    with checks.scene("killed while a call is held"):
        before = gate.pending()
        call = later(mine, "POST", "/users/alice/tokens", {"note": "over a crash"})
        question, count = gate.asked(before), hub.tokens(OWNER)
        gate.kill()
        lost = call.result(30)
        checks.that(lost.status == 0 and hub.tokens(OWNER) == count, "killed: a held call breaks off unexecuted", lost)
        gate.start()
        again = later(mine, "POST", "/users/alice/tokens", {"note": "over a crash"})
        time.sleep(1)
        checks.same(gate.pending(), [question], "killed: the retry joins the question that stood")
        gate.approve(question)
        answer = again.result(70)
        checks.that(
            answer.status == 201 and hub.tokens(OWNER) == count + 1, "killed: it executes once after the yes", answer.status
        )
        checks.same(gate.ended("ledger", "verify")[0], 0, "killed: the ledger holds together with the answer in it")


def not_me(hub, gate, token, checks):
    mine = script(gate.port, token)
    with checks.scene("a code in the header"):
        code = gate.codes.totp()
        answer = mine("POST", "/users/by-header", headers=[("Greave-OTP", code)])
        checks.that(
            answer.status == 201 and "by-header" in hub.users(), "a person's code in the header answers at once", answer
        )
        again = mine("POST", "/users/by-header-2", headers=[("Greave-OTP", code)])
        checks.that(
            again.status in (401, 403) and "by-header-2" not in hub.users(), "the same code does not serve again", again
        )
    with checks.scene("not me"):
        key = next(k for k in gate.keys() if k.get("holder") == OWNER and k["passed"])["id"]
        answer, said = held(
            gate,
            hub,
            lambda: mine("DELETE", "/users/by-header"),
            lambda: "by-header" in hub.users(),
            lambda q: gate.run("deny", q, "--not-me"),
        )
        reads = mine("GET", "/user")
        checks.that(
            answer.status == 403 and reads.status == 401 and "by-header" in hub.users(),
            "deny --not-me ends the call and stops the key",
            f"{answer.status} {reads.status} {said}",
        )
        unproved = gate.run("keys", "enable", key, may_fail=True)
        checks.same(mine("GET", "/user").status, 401, f"enabling it asks for a code [{unproved.strip()}]")
        gate.prove("keys", "enable", key)
        checks.same(mine("GET", "/user").status, 200, "with a code it works again")


def touched(gate, checks):
    """Somebody with the state's file in their hands changes what was written."""
    with checks.scene("a ledger that was touched"):
        checks.same(gate.ended("ledger", "verify")[0], 0, "the ledger holds together in the end")
        (database,) = (
            file for file in (gate.folder / "state").iterdir() if file.is_file() and file.read_bytes()[:6] == b"SQLite"
        )
        book = sqlite3.connect(database)
        with book:
            # The database refuses at first: who means it drops what is in the way.
            book.execute("drop trigger ledger_is_not_changed")
            changed = book.execute(
                "update ledger set change = replace(change, 'bob', 'eve') where change like '%bob%'"
            ).rowcount
        book.close()
        code, out, err = gate.ended("ledger", "verify")
        checks.that(changed and code == 1, "a ledger that was touched does not hold together", out + err)
        log = gate.log.read_bytes()
        with contextlib.suppress(RuntimeError):
            gate.start()
        checks.that(gate.program.process.poll() is not None, "and no gate starts over it", gate.log.read_bytes()[len(log) :])


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, hub, receiver = Checks("operating"), Hub(FOLDER / "hub"), Receiver()
    sign_up(hub.port)
    browser, _ = log_in(hub.port, hub.code())
    token = fetch(browser, "POST", "/hub/api/users/alice/tokens", {"note": "deploy script"}).json()["token"]
    told = f'[tell]\nescalate = "3s"\n[[tell.webhook]]\nurl = "http://{LOOPBACK}:{receiver.server_port}/"\nsecret = "webhook"\n'
    gate = Gate(FOLDER / "gate", f"http://{LOOPBACK}:{hub.port}", DOCUMENT, API, IDENTIFY, more=told)
    with checks.scene("the gate starts"):
        gate.init()
        secret = gate.folder / "state/secrets/webhook"
        secret.touch(0o600)
        secret.write_text(receiver.secret)
        gate.configure()
        walked_around(hub, gate, checks)
        gate.start()
        learned(hub, gate, token, checks)
        killed_while_calls_run(hub, gate, token, checks)
        law_changes(hub, gate, token, checks)
        told_and_answered(hub, gate, token, receiver, checks)
        killed_while_held(hub, gate, token, checks)
        not_me(hub, gate, token, checks)
        gate.stop()
        touched(gate, checks)
    hub.stop()
    checks.close()


if __name__ == "__main__":
    main()

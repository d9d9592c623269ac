# run.sh: tools browser
"""A stolen key before a small API of our own, with every guard at `secret`: what is usual goes on, the thief is asked,
then frozen, over a kill, with what the key made; people are told, and a code lifts it: `python3 watch.py`."""

import gzip
import hashlib
import http.server
import json
import secrets
import shutil
import threading
import time

from chromium import chromium, looks
from gate import Gate
from lib import LOOPBACK, SCRATCH, Api, Checks, free_port, request, send, wait_until
from operating import Receiver
from prometheus_client.parser import text_string_to_metric_families
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

FOLDER = SCRATCH / "run/watch"
HOME, THIEF = "198.51.100.7", "203.0.113.66"
GUESSER = "198.51.100.99"  # behind the same addresses as the honest one
MONTH = 30 * 24 * 60  # minutes


def operation(name, summary, status="200", answer=None):
    schema = {"type": "object", "properties": answer or {"ok": {"type": "boolean"}}}
    content = {"application/json": {"schema": schema}}
    return {"operationId": name, "summary": summary, "responses": {status: {"description": "Done.", "content": content}}}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "servers": [{"url": "/"}],
    "security": [{"key": []}],
    "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    "paths": {
        "/me": {"get": operation("readMe", "Whose the key is")},
        "/orders": {"get": operation("listOrders", "List orders")},
        "/customers": {"get": operation("listCustomers", "List customers")},
        "/invoices": {"get": operation("listInvoices", "List invoices")},
        "/users": {"get": operation("listUsers", "List users")},
        "/users/{user}/role": {
            "parameters": [{"name": "user", "in": "path", "required": True, "schema": {"type": "string"}}],
            "put": operation("setRole", "Set the role of a user"),
        },
        "/keys": {
            "post": operation(
                "createKey", "Create an API key", "201", {"id": {"type": "string"}, "token": {"type": "string", "format": "password"}}
            )
        },
    },
}


class Orders(http.server.ThreadingHTTPServer):
    """The API: takes the keys that it knows, and makes others."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Clerk)
        self.keys, self.did = {secrets.token_urlsafe(24)}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Clerk(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("authorization", "").removeprefix("Bearer ") not in self.server.keys:
            return self.answer(401, {"error": "who are you?"})
        self.server.did.append((self.command, self.path))
        if (self.command, self.path) == ("POST", "/keys"):
            token = secrets.token_urlsafe(24)
            self.server.keys.add(token)
            return self.answer(201, {"id": "made", "token": token})
        if self.path == "/me":
            return self.answer(200, {"login": "alice"})
        return self.answer(201 if self.command == "POST" else 200, {"ok": True})

    do_GET = do_POST = do_PUT = serve

    def log_message(self, *_):
        pass


class Caller:
    """Somebody with a key, at an address that the proxy before the gate names, with a program."""

    def __init__(self, gate, key, source, agent):
        self.api, self.extra = Api(gate.port, f"Bearer {key}"), [("X-Forwarded-For", source), ("Prefer", "wait=0")]
        self.agent = agent

    def __call__(self, method, path, body=None):
        return self.api(method, path, body, [*self.extra, ("User-Agent", self.agent)])


def set_mode(gate, before, mode):
    file = gate.folder / "greave.toml"
    text = file.read_text()
    assert f'mode = "{before}"' in text
    file.write_text(text.replace(f'mode = "{before}"', f'mode = "{mode}"'))


def a_month_later(gate):
    """Makes what is remembered a month older: a key learns silently in its first days."""
    file = gate.folder / "state/watch.baselines"
    head, packed = file.read_bytes().split(b"\n", 1)
    kept = json.loads(gzip.decompress(packed))
    for profile in kept["keys"].values():
        profile["born"] -= MONTH
    packed = gzip.compress(json.dumps(kept).encode())
    words = head.decode().split(" ")
    file.write_bytes(" ".join([*words[:-1], hashlib.sha256(packed).hexdigest()]).encode() + b"\n" + packed)


def measured(gate):
    """What Prometheus reads, by name and labels."""
    answer = send(gate.metrics, request("GET", "/metrics", LOOPBACK))
    families = text_string_to_metric_families(answer.body.decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def lift_on_the_page(gate, checks):
    """An administrator looks at the desk's page of the watch and lifts what holds the key."""
    driver = chromium(FOLDER)
    try:
        driver.set_page_load_timeout(30)
        arrived = lambda css: WebDriverWait(driver, 20).until(lambda _: driver.find_elements(By.CSS_SELECTOR, css), f"no {css} on {driver.current_url}")[0]
        driver.get(f"http://{LOOPBACK}:{gate.desk}/watch")
        checks.that("freeze" not in driver.page_source, "nothing shows before somebody has signed in", driver.title)
        driver.find_element(By.NAME, "name").send_keys(gate.person)
        driver.find_element(By.NAME, "code").send_keys(gate.codes.next())
        driver.find_element(By.CSS_SELECTOR, "button.main").click()
        page = arrived("section.card").text
        checks.that("/watch" in driver.current_url and "freeze" in page and "until" in page, "the page says what holds the key, and until when", page)
        checks.that(THIEF in page and "unfamiliar" in page, "and why, part by part", page)
        checks.that("Held with it" in page, "and what it made", page)
        driver.get(f"http://{LOOPBACK}:{gate.desk}/")
        checks.that(arrived("nav .tag.bad").text.endswith("1"), "every page says that a key is contained", driver.find_element(By.TAG_NAME, "nav").text)
        driver.get(f"http://{LOOPBACK}:{gate.desk}/watch")
        wrong = looks(driver, FOLDER, "watch")
        checks.that(not wrong, "it fits a telephone and a desk, by day and by night", wrong)
        arrived("section.card input[name='code']").send_keys(gate.codes.next())
        arrived("section.card form button").click()
        said = arrived("p.said").text
        checks.that("not contained any more" in said, "a code lifts it there", said)
        log = driver.get_log("browser")
        checks.that(not log, "the browser's console has nothing to say: no policy was broken", log)
    finally:
        driver.quit()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, orders, receiver = Checks("watch"), Orders(), Receiver()
    FOLDER.mkdir(parents=True)
    document = FOLDER / "orders.json"
    document.write_text(json.dumps(DOCUMENT))
    told = f'[tell]\n[[tell.webhook]]\nurl = "http://{LOOPBACK}:{receiver.server_port}/"\nsecret = "webhook"\n[watch.person]\nhigh = "freeze"\n'
    metrics = free_port()
    powers = ["export", "run", "destroy", "spend", "grant", "mint", "disarm"]
    gate = Gate(
        FOLDER / "gate",
        f"http://{LOOPBACK}:{orders.server_address[1]}",
        document,
        identify={"path": "/me", "holder": "/login"},
        more=told,
        gate={"trusted_proxies": ["127.0.0.0/8"], "metrics": f"{LOOPBACK}:{metrics}"},
        law={power: "secret" for power in powers},
    )
    gate.metrics = metrics
    key = next(iter(orders.keys))
    with checks.scene("the gate starts"):
        gate.init()
        secret = gate.folder / "state/secrets/webhook"
        secret.touch(0o600)
        secret.write_text(receiver.secret)
        gate.configure("enforce")
        set_mode(gate, "dry-run", "on")
        gate.start()
    honest = Caller(gate, key, HOME, "month-end/1.0")
    thief = Caller(gate, key, THIEF, "python-requests/2.32")

    with checks.scene("a key is in use for a month"):
        statuses = {honest("GET", "/orders").status for _ in range(260)}
        checks.same(statuses, {200}, "honest calls pass")
        child = honest("POST", "/keys", {}).json()["token"]
        checks.same(honest("GET", "/me").status, 200, "and it made a key for another program")
        checks.that("no key is contained" in gate.run("watch"), "nothing is contained", gate.run("watch"))
        gate.stop()
        a_month_later(gate)
        gate.start()
        checks.same(honest("GET", "/orders").status, 200, "what is usual is remembered over a restart, and passes")
    made = Caller(gate, child, HOME, "month-end/1.0")

    with checks.scene("the thief"):
        seen = [thief("GET", path).status for path in ("/me", "/customers", "/invoices", "/users")]
        user = thief("PUT", "/users/mallory/role", {"role": "admin"})
        checks.that(user.status in (401, 403), "the thief's new role is asked about or refused, though every guard is at `secret`", f"{seen} {user}")
        again = [thief("PUT", "/users/mallory/role", {"role": "admin"}) for _ in range(2)][-1]
        checks.that(again.status == 403 and again.json()["type"] == "urn:greave:refusal:contained", "and then frozen", again)
        checks.that(("PUT", "/users/mallory/role") not in orders.did, "nothing of it reached the API")
        checks.same(honest("GET", "/orders").status, 200, "honest calls that are usual go on")
        status = gate.run("watch", may_fail=True)
        checks.that("freeze" in status and "greave watch lift" in status, "`greave watch` says why and how to lift it", status)
        taken = made("PUT", "/users/mallory/role", {"role": "admin"})
        checks.that(taken.status == 403 and taken.json()["type"] == "urn:greave:refusal:contained", "what the key made is frozen with it", taken)
        note = wait_until(
            lambda: next((m for m in receiver.came if m["type"] == "key.contained"), None), 15, "a webhook of the containment"
        )
        said = json.dumps(note)
        checks.that("greave watch lift" in said and THIEF in said, "its people are told by webhook, with the reason and the command", said)
        checks.that(key not in said and child not in said, "and of no key")

    with checks.scene("a kill"):
        gate.kill()
        gate.start()
        after = thief("PUT", "/users/mallory/role", {"role": "admin"})
        checks.that(after.status == 403 and after.json()["type"] == "urn:greave:refusal:contained", "after a kill it is still contained", after)
        checks.same(honest("GET", "/orders").status, 200, "and honest calls go on")

    with checks.scene("it is lifted"):
        contained = gate.table_anyway("watch")["contained"][0]["key"]
        code, _, refused = gate.ended("watch", "lift", contained)
        checks.that(code == 2 and "code" in refused, "nobody lifts it without a code", refused)
        before = measured(gate)
        checks.that(
            before["greave_watch_contained", "freeze"] == 1 and before["greave_watch_keys",] >= 2 and before["greave_watch_bytes",] > 1000,
            "the metrics say that a key is frozen, and how many are looked at",
            {name: value for name, value in before.items() if "watch" in name[0]},
        )
        lift_on_the_page(gate, checks)
        checks.that("no key is contained" in gate.run("watch"), "`greave watch` says so, too")
        after = measured(gate)
        checks.that(
            after["greave_watch_contained", "freeze"] == 0 and after["greave_watch_lifted_total",] == before["greave_watch_lifted_total",] + 1,
            "and so do the metrics",
            {name: value for name, value in after.items() if "watch" in name[0]},
        )
        delivered = [value for name, value in after.items() if name[0] == "greave_tell_delivered_total"]
        checks.that(delivered and delivered[0] > 0, "and they count what the webhook took", delivered)
        checks.same(made("PUT", "/users/mallory/role", {"role": "viewer"}).status, 200, "and what the key made works again")

    with checks.scene("somebody tries keys"):
        guesser = lambda number: Caller(gate, f"guess-number-{number}-{secrets.token_hex(8)}", GUESSER, "curl/8.5")
        statuses = {guesser(number)("GET", "/orders").status for number in range(40)}
        checks.that(statuses <= {401, 429}, "no guess passes", statuses)
        told = wait_until(
            lambda: next((m for m in receiver.came if m["type"] == "finding" and "guessing" in json.dumps(m)), None), 15, "a webhook of the guesses"
        )
        said = json.dumps(told)
        checks.that("198.51.100.0/24" in said and "different credentials" in said and "guess-number" not in said, "a webhook tells of it, without what was tried", said)
        status = gate.run("watch", may_fail=True)
        checks.that("198.51.100.0/24 tries credentials" in status, "`greave watch` shows it", status)
        checks.that(measured(gate)["greave_watch_guessing_blocks",] == 1, "and the metrics do")
        checks.same(honest("GET", "/orders").status, 200, "an honest key behind the same addresses is not kept out")
        checks.that("works from there" not in status, "and not named", status)

    with checks.scene("a dry run"):
        set_mode(gate, "on", "dry-run")
        checks.that("waits" in gate.reload(), "to turn the watch down waits for a code")
        gate.prove("law", "accept")
        time.sleep(1)
        other = Caller(gate, key, "192.0.2.99", "curl/8.5")
        statuses = [other("GET", path).status for path in ("/me", "/customers", "/invoices", "/users")]
        statuses.append(other("PUT", "/users/mallory/role", {"role": "admin"}).status)
        checks.that(401 not in statuses and 403 not in statuses, "a dry run holds nothing", statuses)
        found = wait_until(
            lambda: next((m for m in receiver.came if "dry run" in json.dumps(m)), None), 15, "a webhook of a dry run"
        )
        checks.that(found["type"] == "finding", "and is told", json.dumps(found))
    gate.stop()
    checks.close()


if __name__ == "__main__":
    main()

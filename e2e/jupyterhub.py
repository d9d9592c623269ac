# run.sh: python3 jupyter node
"""JupyterHub behind the gate: `python3 jupyterhub.py`; `--direct` shows what it does with a thief's spellings by itself."""

import concurrent.futures
import contextlib
import json
import re
import shutil
import sys

from gate import Gate
from hub import DOCUMENT, OWNER, PASSWORD, Hub, fetch, log_in, sign_up, static_files
from lib import LOOPBACK, SCRATCH, Api, Browser, Checks, Line, request, send, wait_until
from spellings import spellings

FOLDER = SCRATCH / "run/jupyterhub"
THIEF = "127.0.0.66"  # another loopback address, so that the thief's guesses are not the script's
WRONG = "0123456789abcdef0123456789abcdef"

# What a browser asks for before it has a session: pages that lead to the login, its files, and the start page itself.
OPEN = [
    "/hub/login",
    "/hub/signup",
    "/hub/logout",
    "/hub/home",
    "/hub/user/",
    "/hub/static/",
    "/hub/logo",
    "/hub/security/csp-report",
    "/user/",
    "=/favicon.ico",
    "=/hub/",
    "=/",
]
# The hub's own cookie goes to the hub alone; the session's id goes everywhere, servers of users included.
SESSIONS = ["cookie:jupyterhub-hub-login", "cookie:jupyterhub-session-id"]
API = {"open": OPEN, "sessions": SESSIONS}
IDENTIFY = {"path": "/user", "holder": "/name", "scopes": "/scopes"}

later = concurrent.futures.ThreadPoolExecutor(24).submit


def script(port, token, **more):
    """The deploy script: the API with the token, as it is."""
    return Api(port, f"token {token}", base="/hub/api", **more)


# --- without the gate -------------------------------------------------------


def settle_in(hub, checks):
    """Alice signs up with a second factor and mints the token that everything else is about."""
    with checks.scene("the owner signs up with a second factor"):
        sign_up(hub.port)
        for said, code in (("no code", ""), ("a wrong code", "000000")):
            page = log_in(hub.port, code)[1]
            checks.that(page.at.startswith("/hub/login"), f"the hub itself refuses a login with {said}", page.at)
    browser, page = log_in(hub.port, hub.code())
    checks.same(page.at, "/hub/token", "the hub itself lets password and code in")
    return fetch(browser, "POST", "/hub/api/users/alice/tokens", {"note": "deploy script"}).json()["token"]


def back_door(hub, token, checks):
    """What the whole project is for: the token alone does what its person cannot do without a code."""
    with checks.scene("the back door is open without the gate"):
        thief = script(hub.port, token)
        made = thief("POST", "/users/backdoor", {"admin": True})
        checks.that(
            made.status == 201 and hub.users().get("backdoor"),
            "without the gate the token alone makes an administrator",
            made,
        )
        minted = thief("POST", "/users/backdoor/tokens", {"note": "persist"})
        checks.that(
            minted.status == 201 and minted.json()["expires_at"] is None,
            "without the gate it mints a token that never ends",
            minted.status,
        )
        thief("POST", "/users/victim")
        left = script(hub.port, minted.json()["token"])("DELETE", "/users/victim")
        checks.that(
            left.status == 204 and "victim" not in hub.users(),
            "without the gate the minted token deletes a user",
            left.status,
        )
        thief("DELETE", "/users/backdoor")


def try_spellings(hub, port, token, source=LOOPBACK, timeout=2.0, together=1):
    """Sends every spelling; yields (name, answer, the users that came to be by it)."""

    def one(each):
        name, victim, data = each
        return name, victim, send(port, data, timeout, source, data.split(b" ", 1)[0].decode("latin-1"))

    before = set(hub.users())
    with concurrent.futures.ThreadPoolExecutor(together) as pool:
        tried = list(pool.map(one, spellings(port, token)))
    new = set(hub.users()) - before
    return [(name, answer, sorted(user for user in new if victim in user)) for name, victim, answer in tried]


def show_spellings(hub, token):
    """A table for people: which spellings the hub itself obeys."""
    for name, answer, made in try_spellings(hub, hub.port, token):
        print(
            f"{'CREATED' if made else '-':8} {answer.status or '---'} {name:58} {' '.join(made)!r} {answer.note[:50]}"
        )


# --- through the gate, observing --------------------------------------------


def people_log_in(hub, gate, checks, word):
    """A person's browser notices nothing of the gate. Returns the browser."""
    page = Browser(gate.port).go("/hub/login")
    files = static_files(page)
    broken = [f for f in files if (got := Browser(gate.port).once("GET", f)).status != 200 or not got.body]
    checks.that(
        page.status == 200 and len(files) > 4 and not broken,
        f"{word}: the login page and its files load",
        f"{len(files)} files, broken: {broken}",
    )
    led = [Browser(gate.port).go(t).at.split("?")[0] for t in ("/", "/hub/home", f"/user/{OWNER}/lab")]
    checks.same(led, ["/hub/login"] * 3, f"{word}: a browser without a session is led to the login page")
    refused = log_in(gate.port, "000000")[1]
    checks.that(
        refused.at.startswith("/hub/login"), f"{word}: a login with a wrong code is refused by the hub", refused.at
    )
    browser, page = log_in(gate.port, hub.code())
    checks.that(
        page.at == "/hub/token" and not browser.strayed,
        f"{word}: password and code log in",
        f"{page.at} {browser.strayed}",
    )
    me = fetch(browser, "GET", "/hub/api/user")
    checks.that(me.status == 200 and me.json()["name"] == OWNER, f"{word}: the session reads the API", me.status)
    minted = fetch(browser, "POST", "/hub/api/users/alice/tokens", {"note": f"by hand, {word}"})
    checks.that(
        minted.status == 201,
        f"{word}: a session with a second factor mints a token, and nobody is asked",
        minted.status,
    )
    return browser


def servers_work(gate, browser, checks, word):
    """A notebook server behind the hub: OAuth, server-sent events, a terminal over a WebSocket."""
    progress = spawn(browser)
    checks.that(
        progress.status == 200 and b'"ready": true' in progress.body,
        f"{word}: server-sent events tell of the start of a server",
        progress,
    )
    page = browser.go(f"/user/{OWNER}/files/")
    checks.that(
        any(t.startswith("/hub/api/oauth2/authorize") for _, t, _ in browser.visited)
        and not browser.strayed
        and any(n.startswith("jupyterhub-user-") and "oauth" not in n for n, _ in browser.cookies),
        f"{word}: the server's own login comes back to it",
        f"{page.status} {page.at} {browser.strayed}",
    )
    made = fetch(browser, "POST", f"/user/{OWNER}/api/terminals")
    checks.that(made.status == 200, f"{word}: the session starts a terminal", made)
    with Line(gate.port, 20) as line:
        line.send(
            request(
                "GET",
                f"/user/{OWNER}/terminals/websocket/{made.json()['name']}",
                browser.host,
                [
                    ("Connection", "Upgrade"),
                    ("Upgrade", "websocket"),
                    ("Sec-WebSocket-Version", "13"),
                    ("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
                    ("Origin", f"http://{browser.host}"),
                    ("Cookie", browser.cookie_header(f"/user/{OWNER}/")),
                    ("User-Agent", Browser.AGENT),
                ],
            )
        )
        status, _ = line.head()
        text = b'["stdin","echo $((6*7))-through\\n"]'
        line.send(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)  # one masked text frame, the mask all zeros
        wait_until(lambda: b"42-through" in line.rest or (line.more() and False), 20, "an echo of the terminal")
        checks.that(status == 101, f"{word}: a terminal echoes over a WebSocket", status)
    gone = fetch(browser, "DELETE", f"/hub/api/users/{OWNER}/server")
    checks.that(gone.status in (202, 204), f"{word}: the session stops the server", gone.status)


def spawn(browser):
    """Starts a server, and waits until the stream of its progress has ended."""
    browser.go("/hub/spawn")
    headers = [
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Accept", "text/event-stream"),
        ("X-XSRFToken", browser.cookie("_xsrf", "/hub/")),
    ]
    return browser.once("GET", f"/hub/api/users/{OWNER}/server/progress", headers)


def observing(hub, gate, token, checks):
    with checks.scene("observing: people"):
        servers_work(gate, people_log_in(hub, gate, checks, "observing"), checks, "observing")
    mine = script(gate.port, token)
    with checks.scene("observing: the script"):
        for path in ("/user", "/users", "/users?limit=1&offset=0", "/info", "/"):
            through, straight = mine("GET", path), script(hub.port, token)("GET", path)
            same = through.status == straight.status == 200 and stripped(through) == stripped(straight)
            checks.that(same, f"observing: GET {path} is answered as without the gate", through.status)
        made = mine("POST", "/users/observed", {"admin": True})
        checks.that(
            made.status == 201 and hub.users().get("observed"), "observing: an administrator is made as before", made
        )
        seen = [c for c in gate.calls() if "POST /users/{name}" in str(c) and "would-ask" in str(c)]
        checks.that(
            len(seen) == 1 and "person" in str(seen[0]), "observing: the record says what would have been asked", seen
        )
    with checks.scene("observing: the inventory"):
        keys = gate.keys()
        named = [k for k in keys if OWNER in str(k)]
        checks.that(len(named) == 1, "observing: the key is known with its holder", keys)
        checks.that("admin:users" in str(named), "observing: the key is known with its scopes", str(named)[:200])
        text = gate.preview()
        checks.that(
            OWNER in text and "/users/{name}" in text, "observing: the preview names the key and the operation", text
        )
    with checks.scene("observing: unknown tokens"):
        before = len(gate.keys())
        wrong, straight = script(gate.port, WRONG)("GET", "/user"), script(hub.port, WRONG)("GET", "/user")
        checks.that(
            wrong.status == straight.status == 403 and len(gate.keys()) == before,
            "learn: a token that the hub refuses is not learned",
            wrong,
        )
        other = fetch(
            log_in(hub.port, hub.code())[0], "POST", "/hub/api/users/alice/tokens", {"note": "second"}
        ).json()["token"]
        got = script(gate.port, other)("GET", "/user")
        wait_until(lambda: len(gate.keys()) > before, 10, "what is learned is written down")
        checks.that(
            got.status == 200 and len(gate.keys()) == before + 1,
            "learn: a token that the hub accepts is learned",
            got.status,
        )


def asks(hub, gate):
    """Gives the gate a token of its own with which it asks the hub about tokens; what the hub calls it."""
    own = fetch(log_in(hub.port, hub.code())[0], "POST", "/hub/api/users/alice/tokens", {"note": "the gate's own"}).json()
    secret = gate.folder / "state/secrets/hub"
    secret.write_text(own["token"])
    secret.chmod(0o600)
    gate.more = f"""
[api.credentials]
secret = "hub"
place = "authorization:token"
made_id = "/id"
revoke = "DELETE /users/{{holder}}/tokens/{{id}}"
list = "GET /users/{{holder}}/tokens"
items = "/api_tokens"
name = "/note"
created = "/created"
expires = "/expires_at"
last_used = "/last_activity"
ignore = [{json.dumps(own["id"])}]
"""


def true_at_the_hub(hub, gate, token, checks):
    """Revoked at the gate is revoked at the hub; and where the two differ is found."""
    mine = script(gate.port, token)

    def tokens():
        found = script(hub.port, token)("GET", "/users/alice/tokens").json()["api_tokens"]
        return {each["id"]: each["note"] for each in found}

    def reconciled():
        code, out, err = gate.ended("--json", "reconcile")
        if code not in (0, 1):
            raise RuntimeError(err)
        found = json.loads(out)["keys"]
        return (
            code,
            {each["id"] for each in found["unknown"]},
            [each["key"] for each in found["alive"]],
            [each["key"] for each in found["gone"]],
        )

    with checks.scene("observing: revoked at the hub, too"):
        known = {key["id"] for key in gate.keys()}
        made = [mine("POST", "/users/alice/tokens", {"note": note}).json() for note in ("to revoke", "to lose")]
        for each in made:  # the hub says whose a token is when it is used
            script(gate.port, each["token"])("GET", "/user")
        keys = sorted({key["id"] for key in gate.keys()} - known, key=lambda key: int(key[1:]))
        checks.that(all(each["id"] in tokens() for each in made), "the hub lists what it minted", tokens())
        said = gate.run("keys", "revoke", keys[0])
        gone = script(hub.port, made[0]["token"])("GET", "/user")
        checks.that(
            "here and at the API" in said and gone.status == 403 and made[0]["id"] not in tokens(),
            "a token that is revoked at the gate is dead at the hub",
            f"{said} {gone.status}",
        )
    with checks.scene("observing: what the hub has besides"):
        _, unknown, alive, gone = reconciled()
        deploy = next(name for name, note in tokens().items() if note == "deploy script")
        checks.that(
            deploy in unknown and made[1]["id"] not in unknown and not alive and not gone,
            "tokens of which the gate does not know the hub's name are told",
            f"{unknown} {alive} {gone}",
        )
        first = min(known, key=lambda key: int(key[1:]))
        gate.prove("keys", "name", first, "--upstream", deploy)
        script(hub.port, token)("DELETE", f"/users/alice/tokens/{made[1]['id']}")
        code, unknown, alive, gone = reconciled()
        checks.that(
            code == 1 and deploy not in unknown and gone == [keys[1]],
            "a name that is said by hand is known, and what the hub revoked by itself is gone",
            f"{code} {unknown} {alive} {gone}",
        )


def stripped(answer):
    """What of an answer does not depend on the moment it was given."""
    return re.sub(rb'"last_activity": "[^"]*"', b"", answer.body)


# --- through the gate, enforcing --------------------------------------------


def held(gate, hub, call, untouched, answer_it):
    """Makes a call that is held, sees that it has not happened, lets `answer_it(id)` answer, and returns (answer, what was said)."""
    before = gate.pending()
    waiting = later(call)
    question = gate.asked(before)
    if waiting.done() or not untouched():
        raise AssertionError(f"it did not wait: {waiting.result() if waiting.done() else 'the hub has done it'}")
    said = answer_it(question)
    return waiting.result(70), said


def enforcing(hub, gate, token, checks):
    mine = script(gate.port, token)
    with checks.scene("enforcing: people"):
        people_log_in(hub, gate, checks, "enforcing")
    with checks.scene("enforcing: reads go on"):
        checks.same(mine("GET", "/users").status, 200, "enforcing: the token reads")

    with checks.scene("enforcing: a new administrator"):
        answer, said = held(
            gate,
            hub,
            lambda: mine("POST", "/users/root2", {"admin": True}),
            lambda: "root2" not in hub.users(),
            lambda q: gate.approve(q, code=gate.codes.totp()),
        )
        checks.that(
            answer.status == 201 and hub.users().get("root2"),
            "enforcing: an administrator waits for a code and goes on by itself",
            f"{answer.status} after {answer.seconds:.1f} s; {said}",
        )
    with checks.scene("enforcing: a new token"):
        count, known = hub.tokens("root2"), len(gate.keys())
        answer, _ = held(
            gate,
            hub,
            lambda: mine("POST", "/users/root2/tokens", {"note": "ci"}),
            lambda: hub.tokens("root2") == count,
            gate.desk_approve,
        )
        checks.that(
            answer.status == 201 and hub.tokens("root2") == count + 1,
            "enforcing: a minted token waits for the desk and goes on by itself",
            answer.status,
        )
        wait_until(lambda: len(gate.keys()) > known, 10, "the minted token is written down")
        checks.same(len(gate.keys()), known + 1, "enforcing: the minted token is known before it is used")
        child = script(gate.port, answer.json()["token"])
        tried = child("POST", "/users/child", headers=[("Prefer", "wait=0")])
        checks.that(
            tried.status in (401, 403) and "child" not in hub.users(),
            "enforcing: the minted token cannot do what its parent could not",
            tried,
        )
    with checks.scene("enforcing: a deletion"):
        answer, _ = held(
            gate, hub, lambda: mine("DELETE", "/users/root2"), lambda: "root2" in hub.users(), gate.approve
        )
        checks.that(
            answer.status == 204 and "root2" not in hub.users(),
            "enforcing: a deletion waits for a code and goes on by itself",
            answer.status,
        )

    with checks.scene("enforcing: a denial"):
        answer, _ = held(
            gate, hub, lambda: mine("POST", "/users/denied"), lambda: "denied" not in hub.users(), gate.deny
        )
        checks.that(
            answer.status == 403 and "denied" in str(answer.json().get("type", "")) and answer.seconds < 20,
            "enforcing: a denial ends the call with its reason",
            answer,
        )
        checks.that("denied" not in hub.users(), "enforcing: what was denied did not happen")
    with checks.scene("enforcing: nobody answers"):
        answer = mine("POST", "/users/waited", headers=[("Prefer", "wait=1")])
        question = Gate.challenge(answer)
        missing = {"challenge_id", "step_up_uri", "expires_at", "interval"} - question.keys()
        checks.that(
            answer.status == 401
            and not missing
            and "insufficient_user_authentication" in answer.header("www-authenticate"),
            "enforcing: a call that waited enough is told what is missing",
            f"{answer} {answer.header('www-authenticate')}",
        )
        gate.deny(question["challenge_id"])

    dropped_and_retried(hub, gate, mine, checks)
    one_yes_for_one_call(hub, gate, token, checks)
    codes_are_spent(hub, gate, mine, checks)
    restarted(hub, gate, mine, checks)


def dropped_and_retried(hub, gate, mine, checks):
    """Minting is the act that cannot be repeated unseen: each time leaves a row."""
    path, body = "/users/alice/tokens", {"note": "once"}
    with checks.scene("enforcing: the connection drops"):
        count, before = hub.tokens(OWNER), gate.pending()
        lost = mine("POST", path, body, timeout=1.5)
        question = gate.asked(before)
        gate.approve(question)
        checks.that(
            lost.status == 0 and hub.tokens(OWNER) == count,
            "enforcing: nothing is forwarded for a client that has gone",
        )
        again = mine("POST", path, body)
        checks.that(
            again.status == 201 and again.seconds < 5,
            "enforcing: the retry uses the approval",
            f"{again.status} after {again.seconds:.1f} s",
        )
        third = mine("POST", path, body, headers=[("Prefer", "wait=0")])
        checks.that(
            third.status == 401 and hub.tokens(OWNER) == count + 1,
            "enforcing: dropped and retried, it happened once",
            f"{hub.tokens(OWNER) - count} times; then {third.status}",
        )
    with checks.scene("enforcing: a retry while the first waits"):
        count, before = hub.tokens(OWNER), gate.pending()
        body = {"note": "joined"}
        first = later(mine, "POST", path, body, [("Prefer", "wait=15")])
        question = gate.asked(before)
        second = later(mine, "POST", path, body, [("Prefer", "wait=15")])
        # The newer call takes the older one's place, which is told so at once.
        with contextlib.suppress(TimeoutError):
            wait_until(first.done, 3, "the second call arrives")
        gate.approve(question)
        statuses = sorted(f.result(70).status for f in (first, second))
        checks.that(
            201 in statuses and hub.tokens(OWNER) == count + 1,
            "enforcing: two of the same call happen once",
            f"{statuses}, {hub.tokens(OWNER) - count} times",
        )


def one_yes_for_one_call(hub, gate, token, checks):
    """A yes is for the call that was shown: not for another body, nor for somebody else who holds the same key."""
    mine, thief = script(gate.port, token), script(gate.port, token, source=THIEF)
    path = "/users/alice/tokens"
    with checks.scene("enforcing: a yes for one body"):
        before, count = gate.pending(), hub.tokens(OWNER)
        mine("POST", path, {"note": "short", "expires_in": 60}, timeout=1.5)
        gate.approve(gate.asked(before))
        other = mine("POST", path, {"note": "short"}, headers=[("Prefer", "wait=0")])
        checks.that(
            other.status == 401 and hub.tokens(OWNER) == count, "enforcing: a yes does not serve another body", other
        )
        gate.deny(Gate.challenge(other)["challenge_id"])
        checks.same(
            mine("POST", path, {"note": "short", "expires_in": 60}).status,
            201,
            "enforcing: it still serves the call that was shown",
        )
    with checks.scene("enforcing: a yes for one caller"):
        before, count, body = gate.pending(), hub.tokens(OWNER), {"note": "for the script"}
        first = later(mine, "POST", path, body)
        question = gate.asked(before)
        second = later(thief, "POST", path, body, [("Prefer", "wait=3")])
        wait_until(
            lambda: second.done() or len(gate.pending()) > len(before) + 1,
            10,
            "the thief's call is asked about or refused",
        )
        gate.approve(question)
        got, stolen = first.result(70), second.result(70)
        checks.that(
            got.status == 201 and stolen.status != 201 and hub.tokens(OWNER) == count + 1,
            "enforcing: the same call from another address does not ride along",
            f"the script {got.status}, the thief {stolen.status}",
        )
        for left in gate.pending():
            gate.deny(left)


def codes_are_spent(hub, gate, mine, checks):
    with checks.scene("enforcing: codes"):
        before = gate.pending()
        calls = [later(mine, "POST", f"/users/pair{n}") for n in (1, 2)]
        questions = wait_until(
            lambda: len(new := [q for q in gate.pending() if q not in before]) == 2 and new, 15, "two questions"
        )
        code = gate.codes.totp()
        gate.approve(*questions, code=code)
        checks.same(
            [c.result(70).status for c in calls],
            [201, 201],
            "enforcing: one code answers two questions that are shown together",
        )
        before = gate.pending()
        call = later(mine, "POST", "/users/replayed")
        question = gate.asked(before)
        said = gate.approve(question, code=code)
        checks.that(
            not call.done() and "replayed" not in hub.users(), "enforcing: a code that was used is no code", said
        )
        gate.deny(question)
        call.result(70)


def restarted(hub, gate, mine, checks):
    with checks.scene("enforcing: a restart"):
        before = gate.pending()
        call = later(mine, "POST", "/users/survivor")
        question = gate.asked(before)
        gate.stop()
        answer = call.result(70)
        checks.that(
            answer.status == 503 and answer.header("retry-after"),
            "enforcing: a stopping gate sends held calls away with a time",
            answer,
        )
        gate.start()
        checks.that(question in gate.pending(), "enforcing: the question survives a restart")
        gate.approve(question)
        again = mine("POST", "/users/survivor")
        checks.that(
            again.status == 201 and again.seconds < 5 and "survivor" in hub.users(),
            "enforcing: the retry after the restart goes on",
            again.status,
        )


# --- thieves ----------------------------------------------------------------


def thieves(hub, gate, token, checks):
    with checks.scene("thieves: the spellings are real"):
        obeyed = [name for name, _, made in try_spellings(hub, hub.port, token) if made]
        checks.that(len(obeyed) > 50, "thieves: the hub itself obeys many spellings", f"{len(obeyed)} of them")
    with checks.scene("thieves: no spelling gets past"):
        tried = try_spellings(hub, gate.port, token, THIEF, timeout=1.5, together=16)
        for name, answer, made in tried:
            if made:
                checks.that(False, f"thieves: {name}", f"made {made}, answered {answer}")
        checks.that(
            not any(made for *_, made in tried),
            "thieves: no spelling makes a user without a code",
            f"{len(tried)} spellings",
        )
        slipped = [user for user in hub.users() if "thief" in user and user in {u for *_, made in tried for u in made}]
        checks.same(slipped, [], "thieves: nor afterwards")
        checks.same(script(gate.port, token)("GET", "/user").status, 200, "thieves: the honest script still reads")


def servers_are_guarded(hub, gate, token, checks):
    """The token opens its person's notebook server, too, and a terminal there is a shell. No document describes it."""
    with checks.scene("thieves: a shell"):
        browser = log_in(gate.port, hub.code())[0]
        spawn(browser)
        browser.go(f"/user/{OWNER}/files/")
        terminals = f"/user/{OWNER}/api/terminals"
        straight = Api(hub.port, f"token {token}")("POST", terminals)
        count = len(fetch(browser, "GET", terminals).json())
        checks.that(
            straight.status == 200 and count == 1, "thieves: without the gate the token opens a shell", straight.status
        )
        now = ("Prefer", "wait=0")

        def call(authorization, *request, **more):
            answer = Api(gate.port, authorization, source=THIEF)(*request, **more)
            if question := Gate.challenge(answer):  # else the cap on prompts would answer the later ones
                gate.deny(question["challenge_id"])
            return answer

        def mine(*request, **more):
            return call(f"token {token}", *request, **more)

        def nobody(*request, **more):
            return call("", *request, **more)

        tried = {
            "as usual": mine("POST", terminals, headers=[now]),
            "in the query": nobody("POST", f"{terminals}?token={token}", headers=[now]),
            "beside a made-up session": mine("POST", terminals, headers=[now, ("Cookie", "jupyterhub-session-id=0a1b2c")]),
            "in the server's cookie": nobody("POST", terminals, headers=[now, ("Cookie", f"jupyterhub-user-{OWNER}={token}")]),
            "in the session's cookie": nobody("POST", terminals, headers=[now, ("Cookie", f"jupyterhub-session-id={token}")]),
            "through a read": mine("GET", f"/user/{OWNER}/api/contents", headers=[now]),
            "through a kernel": mine("POST", f"/user/{OWNER}/api/kernels", {}, headers=[now]),
            "through a socket": mine(
                "GET",
                f"/user/{OWNER}/terminals/websocket/{straight.json()['name']}",
                headers=[
                    now,
                    ("Upgrade", "websocket"),
                    ("Connection", "Upgrade"),
                    ("Sec-WebSocket-Version", "13"),
                    ("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
                ],
            ),
        }
        unasked = {how: str(answer) for how, answer in tried.items() if not Gate.challenge(answer)}
        left = len(fetch(browser, "GET", terminals).json())
        checks.that(
            not unasked and left == count,
            "thieves: behind the gate the token opens no shell unasked",
            f"{len(tried)} ways, not asked about: {unasked}, {left - count} terminals",
        )
        fetch(browser, "DELETE", f"/hub/api/users/{OWNER}/server")


def refusing(hub, gate, token, checks):
    """Unknown keys refused: one constant answer, whether the hub would know the token or not."""
    with checks.scene("refuse: unknown tokens"):
        fresh = fetch(
            log_in(hub.port, hub.code())[0], "POST", "/hub/api/users/alice/tokens", {"note": "unseen"}
        ).json()["token"]
        answers = [script(gate.port, t, source="127.0.0.67")("GET", "/user") for t in (fresh, WRONG, "x")]
        checks.that(
            {a.status for a in answers} == {401} and len({told(a) for a in answers}) == 1,
            "refuse: unknown tokens get one constant answer",
            answers[0],
        )
        checks.same(script(gate.port, token)("GET", "/user").status, 200, "refuse: a known token reads")
    with checks.scene("a disabled key"):
        key = next(k for k in gate.keys() if OWNER in str(k))["id"]
        gate.disable(key)
        answer = script(gate.port, token)("GET", "/user")
        checks.that(
            answer.status == 401 and "disabled" in str(answer),
            "a disabled key is refused from the next request, with the reason",
            answer,
        )


def told(problem):
    """What a problem says, but for the call's own number."""
    return json.dumps({**problem.json(), "instance": ""}, sort_keys=True)


def nothing_leaked(gate, checks, *secrets):
    with checks.scene("no secret is kept"):
        places = [p for p in [*gate.folder.rglob("*"), gate.log] if p.is_file()]
        found = [(p.name, s[:4]) for p in places for s in secrets if s.encode() in p.read_bytes()]
        checks.that(
            len(places) > 3 and not found,
            "no key, password or code stands in the gate's folder or log",
            f"{len(places)} files, {found}",
        )


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, hub = Checks("jupyterhub"), Hub(FOLDER / "hub")
    token = settle_in(hub, checks)
    back_door(hub, token, checks)
    if "--direct" in sys.argv:
        with checks.scene("without the gate: people"):
            servers_work(hub, people_log_in(hub, hub, checks, "direct"), checks, "direct")
        show_spellings(hub, token)
        return checks.close()
    gate = Gate(FOLDER / "gate", f"http://{LOOPBACK}:{hub.port}", DOCUMENT, API, IDENTIFY)
    with checks.scene("the gate starts"):
        gate.init()
        asks(hub, gate)
        gate.configure()
        gate.start()
        observing(hub, gate, token, checks)
        true_at_the_hub(hub, gate, token, checks)
        gate.stop()
        gate.configure(mode="enforce")
        gate.start()
        enforcing(hub, gate, token, checks)
        servers_are_guarded(hub, gate, token, checks)
        thieves(hub, gate, token, checks)
        gate.stop()
        gate.configure(mode="enforce", unknown="refuse")
        gate.start()
        refusing(hub, gate, token, checks)
        nothing_leaked(gate, checks, token, PASSWORD)
    gate.stop()
    hub.stop()
    checks.close()


if __name__ == "__main__":
    main()

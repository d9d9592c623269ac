# run.sh: tools
"""Rehearsed thefts against a real gate before a small API of our own, with every guard at `secret`: what is caught, who is
told, what nobody is harmed by: `python3 drill.py`."""

import json
import shutil
import threading
import time

from gate import Gate
from lib import LOOPBACK, SCRATCH, Api, Checks, wait_until
from operating import Receiver
from watch import DOCUMENT, HOME, Caller, Clerk, Orders, a_month_later, operation, set_mode

FOLDER = SCRATCH / "run/drill"

SCENARIO = """
name = "ours"
story = "somebody deletes an order, and again"
contain_by = 1
[[step]]
name = "look"
call = { reads = "new" }
times = 2
[[step]]
name = "delete"
call = { operation = "DELETE /orders/{order}" }
times = 2
"""


class Witness(Clerk):
    """Notes whatever comes, also with a key that the API does not take."""

    def handle_one_request(self):
        super().handle_one_request()
        if self.raw_requestline:
            self.server.came.append(self.raw_requestline.decode(errors="replace").strip())


def document():
    """The API of the watch's check, and some more that a thief wants."""
    order = {"parameters": [{"name": "order", "in": "path", "required": True, "schema": {"type": "string"}}]}
    more = {
        "/orders/{order}": {
            **order,
            "get": operation("showOrder", "Show an order"),
            "put": operation("changeOrder", "Change an order"),
            "delete": operation("deleteOrder", "Delete an order", "204"),
        },
        "/orders/export": {"get": operation("exportOrders", "Export all orders as CSV")},
        "/me/2fa": {"delete": operation("disableTwoFactor", "Disable two-factor authentication", "204")},
        "/notes": {"post": operation("createNote", "Write a note", "201")},
        "/products": {"get": operation("listProducts", "List products")},
        "/stores": {"get": operation("listStores", "List stores")},
    }
    return {**DOCUMENT, "paths": {**DOCUMENT["paths"], **more}}


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    checks, orders, receiver = Checks("drill"), Orders(), Receiver()
    orders.came, orders.RequestHandlerClass = [], Witness
    FOLDER.mkdir(parents=True)
    (FOLDER / "orders.json").write_text(json.dumps(document()))
    told = f'[tell]\n[[tell.webhook]]\nurl = "http://{LOOPBACK}:{receiver.server_port}/"\nsecret = "webhook"\n'
    powers = ["export", "run", "destroy", "spend", "grant", "mint", "disarm"]
    gate = Gate(
        FOLDER / "gate",
        f"http://{LOOPBACK}:{orders.server_address[1]}",
        FOLDER / "orders.json",
        identify={"path": "/me", "holder": "/login"},
        more=told,
        gate={"trusted_proxies": ["127.0.0.0/8"]},
        law={power: "secret" for power in powers},
    )
    key = next(iter(orders.keys))

    def drill(*words, code=True):
        """Plays, and gives the cards; the exit code, and what was said beside."""
        typed = f"{gate.codes.next()}\n" if code else ""
        words = [*words, "--as", gate.person] if code else words
        ended, out, err = gate.ended("--json", "drill", *words, typed=typed, seconds=300)
        return ended, json.loads(out) if out.strip() else None, err

    with checks.scene("the gate starts"):
        gate.init()
        secret = gate.folder / "state/secrets/webhook"
        secret.touch(0o600)
        secret.write_text(receiver.secret)
        gate.configure("enforce")
        set_mode(gate, "dry-run", "on")
        listed = gate.run("drill", "--list")
        checks.that("a1-smash" in listed and "a12-worm" in listed, "the scenarios are listed where no gate runs")
        code, _, said = gate.ended("drill", "a1-smash", "--as", gate.person)
        checks.that(code == 2 and "greave serve" in said, "where no gate runs nothing is played", said)
        gate.start()
    honest = Caller(gate, key, HOME, "month-end/1.0")

    with checks.scene("one scenario"):
        code, _, said = drill("a5-back-door-user", code=False)
        checks.that(code == 2 and "code" in said, "a drill needs a code", said)
        before = list(orders.came)
        code, view, said = drill("a5-back-door-user")
        played = view["played"][0]
        card = played["card"]
        checks.same(code, 0, "a back-door user is contained in time")
        checks.that(card["in_time"] and card["contained"] and card["sensitive"] == 0, "nothing sensitive passes", json.dumps(card))
        checks.that(card["contained"]["after"] > 0, "it is known how long after the call that showed it", card["contained"])
        checks.same(orders.came, before, "nothing of it reached the API")
        checks.that(any(it["by"] == "webhook" and it.get("taken") is not None for it in card["told"]), "it is known who was told, and when", card["told"])
        words = [json.dumps(message) for message in receiver.came if played["key"] in json.dumps(message)]
        checks.that(words and all("DRILL" in it for it in words), "what people are told says that it is a drill", words[:1])
        ledger = json.dumps(gate.table("ledger", "show", "--last", "200"))
        checks.that("drill-begun" in ledger and "drill-ended" in ledger, "the ledger has it")
        checks.that(played["key"] not in json.dumps(gate.keys()), "nobody knows its key any more")
        checks.that("no key is contained" in gate.run("watch"), "and nothing is contained")
        calls = [call for call in gate.calls() if call.get("key") == played["key"]]
        checks.that(calls and all(call["who"] == "drill" for call in calls), "its calls are in the record, as a drill's", len(calls))

    with checks.scene("a canary"):
        lure = FOLDER / "lure"
        code, view, said = drill("canary", "--into", lure)
        card = view["played"][0]["card"]
        checks.that(code == 0 and card["found"] is not None and card["refused"] == 1 and card["in_time"], "it is found by the scanner, and refused", said)
        checks.that(card["detected"]["what"] == "canary-used" and card["told"], "and told", json.dumps(card))
        checks.that(not lure.exists(), "its file is gone, and the folder that was made for it")
        checks.that("no canary" in gate.run("keys", "canaries"), "and nobody knows it any more")
        told = lambda: [it for it in map(json.dumps, receiver.came) if "DRILL" in it and "canary-used" in it]
        checks.that(wait_until(told, 20, "the message"), "who is told reads that it is a drill")
        _, view, _ = drill("canary", "--into", lure)
        checks.that(view["played"][0]["before"]["card"]["in_time"], "and it is held against the drill before")
        code, _, said = drill("canary")
        checks.that(code == 2 and "--into" in said, "where it is to lie must be said", said)
        code, _, said = drill("a1-smash", "--reads-pass")
        checks.that(code == 2 and "set-credential" in said, "nothing reads at the API where the gate has no credential of its own", said)

    with checks.scene("all of them"):
        before = list(orders.came)
        code, view, said = drill()
        for played in view["played"]:
            card = played["card"]
            checks.that(card["in_time"] and not card.get("broken_off"), f"{played['scenario']} is contained in time", json.dumps({k: card.get(k) for k in ("detected", "contained", "rows", "sensitive", "passed", "calls")}))
        checks.same(len(view["played"]), 19, "nineteen were played")
        cards = {played["scenario"]: played["card"] for played in view["played"]}
        child = cards["home-child"]
        checks.that(child["detected"]["what"] == "child" and child["done"] == 2, "a key that an answer brought is used, and found, and takes nothing out", json.dumps(child))
        ledger = json.dumps(gate.table("ledger", "show", "--last", "200"))
        checks.that("drill-minted" in ledger, "and the ledger has it")
        checks.that("DRILL" not in json.dumps(gate.keys()), "and it fell with its drill")
        checks.same(orders.came, before, "nothing of them reached the API")
        second = next(it for it in view["played"] if it["scenario"] == "a5-back-door-user")
        checks.that(second["before"]["card"]["in_time"], "it is held against the drill before")

    with checks.scene("a key that is in use, and a scenario of one's own"):
        statuses = {honest("GET", "/orders").status for _ in range(260)}
        checks.same(statuses, {200}, "honest calls pass")
        identity = gate.table("calls", "--last", "1")[0]["key"]
        code, _, said = drill("a1-smash", "--like", identity)
        checks.that(code == 2 and "learns" in said, "of a key that is new nothing is usual yet", said)
        gate.stop()
        a_month_later(gate)
        gate.start()
        baselines = honest("GET", "/orders").status
        (FOLDER / "ours.toml").write_text(SCENARIO)
        code, view, said = drill(FOLDER / "ours.toml", "--like", identity)
        card = view["played"][0]["card"]
        checks.that(baselines == 200 and code == 0 and card["in_time"], "a scenario of one's own is played as a key that is in use", json.dumps(card))
        checks.same(honest("GET", "/orders").status, 200, "whose own calls go on")
        checks.that(orders.came[-1].startswith("GET /orders "), "and reach the API, which notes what comes", orders.came[-1])
        checks.that("no key is contained" in gate.run("watch"), "and which is not contained")
        code, _, said = gate.ended("drill", FOLDER / "orders.json", "--as", gate.person)
        checks.that(code == 2 and "cannot be read" in said, "what is no scenario is refused", said)

    with checks.scene("a dry run"):
        set_mode(gate, "on", "dry-run")
        gate.reload()
        gate.prove("law", "accept")
        time.sleep(1)
        before = list(orders.came)
        code, view, said = drill("a5-back-door-user")
        card = view["played"][0]["card"]
        checks.that(code == 1 and card["watch"] == "dry-run" and card["sensitive"] > 0, "where the watch only tells, the drill shows what gets through", json.dumps(card))
        checks.that(card.get("detected"), "and that it was found")
        checks.same(orders.came, before, "and still nothing reached the API, though everything passed")

    with checks.scene("a kill"):
        typed = f"{gate.codes.next()}\n"
        playing = threading.Thread(target=lambda: gate.ended("drill", "a8-proxies", "--as", gate.person, typed=typed))
        playing.start()
        wait_until(lambda: any(it["who"] == "drill" and it["source"].startswith("24") for it in gate.calls()), 15, "its calls")
        gate.kill()
        playing.join()
        gate.start()
        checks.that("DRILL" not in json.dumps(gate.keys()), "what a killed gate left of a drill is ended when it starts")
        ledger = json.dumps(gate.table("ledger", "show", "--last", "200"))
        checks.that("the gate stopped" in ledger, "and the ledger says so")
        code, view, said = drill("a5-back-door-user")
        checks.that(view is not None and not view["goes_on"], "and another drill can be played", said)
    gate.stop()
    checks.close()


if __name__ == "__main__":
    main()

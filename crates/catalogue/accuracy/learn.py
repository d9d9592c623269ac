"""Tries a learned model on the labels: learn.py MARKS [OTHER | missed | doubted]

MARKS is what the crate's test writes down (README.md says how): a line an operation, with its set, document, name, label,
what the rules said, and its marks. Logistic regression over marks, one model a power. Providers are never split: it is
trained on four fifths of them and scored on the last, five times. A mark counts where eight providers have it; those of
rules weigh three times as much before training, so that words only say what rules do not.

Prints how the score grows with the rows. With OTHER, what another version of the classifier wrote down, its rules stand in
the place of those of MARKS. `missed` tells the marks that operations which the rules missed share, at four providers and
more, where no more providers are rightly without the power. `doubted` lists where label and model are furthest apart, to
look at. Needs scikit-learn and scipy.
"""
import collections
import random
import re
import sys

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

POWERS = ["export", "destroy", "spend", "run", "grant", "mint", "disarm"]
DANGEROUS = [POWERS.index(power) for power in ("grant", "mint", "disarm", "destroy")]
FEWEST, STRENGTH, RULE = 8, 0.03, 3.0


def provider(doc):
    return re.sub(r"\.(json|local)$", "", doc.split("/api/")[-1].split("/")[0]).split(".")[0]


class Labelled:
    """Operations with their marks as a matrix."""

    def __init__(self, path, other=None):
        instead = {tuple(line[:3]): line for line in lines(other)} if other else {}
        self.sets, self.names, self.providers, marks = [], [], [], []
        labels, ruled = [], []
        for line in lines(path):
            kind, doc, name, label, said, *found = line
            if instead:
                if (kind, doc, name) not in instead:
                    continue
                _, _, _, _, said, *others = instead[kind, doc, name]
                found = [m for m in found if not m.startswith("rule ")] + [m for m in others if m.startswith("rule ")]
            self.sets.append(kind)
            self.names.append((doc, name))
            self.providers.append(provider(doc))
            labels.append(label.split(" + "))
            ruled.append(said.split(" + "))
            marks.append(found)
        have = collections.defaultdict(set)
        for who, found in zip(self.providers, marks):
            for mark in found:
                have[mark].add(who)
        self.marks = sorted(mark for mark, who in have.items() if len(who) >= FEWEST)
        place = {mark: at for at, mark in enumerate(self.marks)}
        places = [[place[mark] for mark in found if mark in place] for found in marks]
        ends = np.cumsum([0] + [len(some) for some in places])
        columns = np.array([at for some in places for at in some])
        self.is_rule = np.array([mark.startswith("rule ") for mark in self.marks])
        values = np.where(self.is_rule[columns], RULE, 1.0)
        self.matrix = csr_matrix((values, columns, ends), (len(marks), len(self.marks)))
        self.labels = np.array([[power in some for power in POWERS] for some in labels])
        self.ruled = np.array([[power in some for power in POWERS] for some in ruled])
        self.sets, self.providers = np.array(self.sets), np.array(self.providers)


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def fit(matrix, labels, train, test):
    model = LogisticRegression(C=STRENGTH, solver="liblinear", tol=1e-2).fit(matrix[train], labels[train])
    return model.decision_function(matrix[test])


def cross(data, columns, rows, most=None):
    """How much speaks for each power of each operation, by models that never saw its provider."""
    names = sorted(set(data.providers))
    random.Random(1).shuffle(names)
    part = {name: at % 5 for at, name in enumerate(names)}
    parts = np.array([part[name] for name in data.providers])
    matrix = data.matrix[:, np.where(columns)[0]]
    jobs = []
    for k in range(5):
        train = np.where(rows & (parts != k))[0]
        if most:
            random.Random(k).shuffle(names)
            order = {name: at for at, name in enumerate(names)}
            train = np.array(sorted(train, key=lambda at: order[data.providers[at]])[:most])
        jobs += [(train, np.where(parts == k)[0], j) for j in range(len(POWERS))]
    found = Parallel(2)(delayed(fit)(matrix, data.labels[:, j], train, test) for train, test, j in jobs)
    out = np.zeros(data.labels.shape)
    for (_, test, j), scores in zip(jobs, found):
        out[test, j] = scores
    return out


def f1(y, judged):
    right = (y & judged).sum()
    return 2 * right / (2 * right + (y ^ judged).sum())


def tell(name, data, kind, scores=None):
    """F1 at its best threshold, and the recall of the four dangerous powers where so many plain ones are asked."""
    rows = data.sets == kind
    y, ruled = data.labels[rows], data.ruled[rows]
    plain = ~y.any(1)
    asked = ruled[plain].any(1).mean()
    if scores is None:
        recall = [ruled[y[:, j], j].mean() for j in DANGEROUS]
        each = " ".join(f"{one:.2f}" for one in recall)
        print(f"{kind} {name:<26} F1 {f1(y, ruled):.3f}  recall {ruled[:, DANGEROUS][y[:, DANGEROUS]].mean():.3f} ({each}) at {100 * asked:.1f} %", flush=True)
        return
    p = np.empty(y.shape)
    for j in range(len(POWERS)):
        s = scores[rows][:, j]
        p[:, j] = IsotonicRegression(out_of_bounds="clip").fit(s, y[:, j]).predict(s) + 1e-6 * s
    best = max(f1(y, p > at) for at in np.arange(0.1, 0.7, 0.02))
    highest = np.sort(p[plain].max(1))
    told = []
    for share in (0.05, 0.1, asked):
        over = p > highest[min(int(len(highest) * (1 - share)), len(highest) - 1)]
        each = " ".join(f"{over[y[:, j], j].mean():.2f}" for j in DANGEROUS)
        told.append(f"{over[:, DANGEROUS][y[:, DANGEROUS]].mean():.3f} ({each}) at {100 * share:.1f} %")
    print(f"{kind} {name:<26} F1 {best:.3f}  recall {', '.join(told)}", flush=True)


def missed(data):
    columns = data.matrix.tocsc()
    for j, power in enumerate(POWERS):
        without = ~data.ruled[:, j]
        shared = []
        for at in np.where(~data.is_rule)[0]:
            rows = columns.indices[columns.indptr[at]:columns.indptr[at + 1]]
            rows = rows[without[rows]]
            have = set(data.providers[rows[data.labels[rows, j]]])
            lack = set(data.providers[rows[~data.labels[rows, j]]])
            if len(have) >= 4 and len(have) >= len(lack):
                shared.append(data.marks[at])
        count = (without & data.labels[:, j]).sum()
        print(f"{power:<8} missed {count} of {data.labels[:, j].sum()}, shared: {shared}", flush=True)


def doubted(data):
    scores = cross(data, np.ones(len(data.marks), bool), np.ones(len(data.sets), bool))
    apart = np.where(data.labels, -scores, scores)
    for at, j in np.argwhere(apart > 1)[np.argsort(-apart[apart > 1])]:
        doc, name = data.names[at]
        print(f"{apart[at, j]:.1f} {POWERS[j]} is labelled {bool(data.labels[at, j])}: {data.sets[at]} {doc} {name}")


def main():
    what = sys.argv[2] if len(sys.argv) > 2 else None
    data = Labelled(sys.argv[1], what if what not in ("missed", "doubted") else None)
    if what in ("missed", "doubted"):
        return {"missed": missed, "doubted": doubted}[what](data)
    every, whole = np.ones(len(data.sets), bool), np.ones(len(data.marks), bool)
    for kind in ("train-i", "tune-g"):
        tell("rules alone", data, kind)
    for name, columns in (("words", ~data.is_rule), ("rules and words", whole)):
        for most in (1000, 2000, 4000, 8000, None):
            scores = cross(data, columns, every, most)
            for kind in ("train-i", "tune-g"):
                tell(f"{name}, {most or 'all'}", data, kind, scores)
    scores = cross(data, whole, data.sets != "train-i")
    for kind in ("train-i", "tune-g"):
        tell("rules and words, no train-i", data, kind, scores)


if __name__ == "__main__":
    main()

"""How well `check --deep` finds label errors, on labels that we made wrong ourselves.

A share of the training labels is changed at random (to any other label, or with --confusable to one of the three whose
rows are most alike on average); then all scores rank the rows by how much their label is to be doubted. "product" is
what `check --deep` uses. Reported: precision where 80 % of the changed rows are found, and precision and recall at the
product's cut-off. Real errors that the data had before count as false alarms, so the truth is better than the figures.

    python benchmarks/label_errors.py --data DIR
    python benchmarks/label_errors.py --data DIR --confusable

Then accuracy on dev: learnt from the labels as they were, with the changed ones, and without the rows found; by
logistic regression on the frozen encoder, or with --train by the product itself (minutes each).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality import label_errors as product
from autogen.data.quality.heads import Fold, probabilities
from autogen.data.quality.near_duplicates import NearestRows, centred, nearest
from autogen.data.splits import folds
from autogen.models.base_models import find_base_model
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.rows import LabelledText
from autogen.training.embedding import frozen_embeddings
from measuring import AS_THE_COMMAND_LINE, HERE, options, report, run, say, spread
from rows import OUT_OF_SCOPE, Row, file_of, limited, read_rows, write_rows

Floats = NDArray[np.floating[Any]]
FOUND = 0.8  # of the changed rows


def parse() -> argparse.Namespace:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train and dev (text, label)")
    parser.add_argument("--share", type=float, default=0.05, help="of the labels that are changed")
    parser.add_argument("--confusable", action="store_true", help="change them to labels that are alike")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--train", action="store_true", help="the product's own training on dev, first seed only")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep embeddings here for the next run")
    parser.add_argument("--base-model", default="minilm")
    return parser.parse_args()


def changed(gold: NDArray[np.intp], vectors: Floats, labels: int, given: argparse.Namespace, seed: int) -> Any:
    """Gold labels with some made wrong."""
    chance = np.random.default_rng(seed)
    rows = chance.choice(len(gold), round(given.share * len(gold)), replace=False)
    wrong = gold.copy()
    if given.confusable:
        means = np.stack([vectors[gold == label].mean(axis=0) for label in range(labels)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        near = np.argsort(-(means @ means.T - 2 * np.eye(labels)), axis=1)[:, : min(3, labels - 1)]
        wrong[rows] = near[gold[rows], chance.integers(0, near.shape[1], len(rows))]
    else:
        wrong[rows] = (gold[rows] + chance.integers(1, labels, len(rows))) % labels
    return wrong


def scores(vectors: Floats, gold: Any, labels: int, parts: Sequence[Fold], near: NearestRows) -> dict[str, Floats]:
    """Doubt in each label by everything that was tried."""
    head = np.zeros((len(gold), labels), dtype=np.float32)
    for learn, ask in parts:
        head[np.asarray(ask)] = probabilities(vectors, gold, learn, ask, labels)
    neighbours = product.votes(near, gold, labels, np.arange(len(gold)))
    found = {}
    for name, shares in (("head", head), ("neighbours", neighbours), ("both", (head + neighbours) / 2)):
        own = np.arange(len(gold))
        self_confidence = shares[own, gold]
        others = shares.copy()
        others[own, gold] = -1
        best = others.max(axis=1)
        entropy = -(shares * np.log(shares + 1e-12)).sum(axis=1) / np.log(labels)
        found[f"{name}: self-confidence"] = 1 - self_confidence
        found[f"{name}: normalised margin"] = best - self_confidence
        found[f"{name}: confidence-weighted entropy"] = -self_confidence / (entropy + 1e-6)
        found[f"{name}: ratio"] = best / np.maximum(self_confidence, 1e-6)
    return found


def precision_at(doubts: Floats, wrong: NDArray[np.bool_], share: float) -> float:
    """Precision where `share` of the wrong rows are found."""
    hits = wrong[np.argsort(-doubts, kind="stable")].cumsum()
    at = int(np.searchsorted(hits, share * wrong.sum()))
    return float(hits[at] / (at + 1))


def one_seed(rows: Sequence[Row], vectors: Floats, given: argparse.Namespace, seed: int) -> dict[str, Any]:
    names = sorted({row.label for row in rows})
    gold = np.array([names.index(row.label) for row in rows], dtype=np.intp)
    noisy = changed(gold, vectors, len(names), given, seed)
    wrong = noisy != gold
    started = time.perf_counter(), time.process_time()
    near = nearest(vectors)
    parts = folds([row.text for row in rows], [names[at] for at in noisy], product.FOLDS, seed)
    asked = product.opinions(vectors, noisy, len(names), parts, near)
    errors = product.label_errors(asked, noisy)
    seconds, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    found = np.zeros(len(rows), dtype=bool)
    found[[error.row for error in errors]] = True
    doubts = {"product": product.doubt(asked), **scores(vectors, noisy, len(names), parts, near)}
    right = [gold[error.row] == error.suggested_label for error in errors if wrong[error.row]]
    return {
        "names": names,
        "noisy": noisy,
        "found": found,
        "precision_at_80": {name: precision_at(values, wrong, FOUND) for name, values in doubts.items()},
        "precision": float(wrong[found].mean()) if found.any() else 0.0,
        "recall": float(found[wrong].mean()),
        "suggested_right": float(np.mean(right)) if right else 0.0,
        "seconds": seconds,
        "cpu": cpu,
    }


def variants(rows: Sequence[Row], one: Mapping[str, Any]) -> dict[str, tuple[list[Row], NDArray[np.intp]]]:
    """Rows to learn from, with their places among all."""
    names, every = one["names"], np.arange(len(rows))
    noisy = [Row(row.text, names[at]) for row, at in zip(rows, one["noisy"], strict=True)]
    kept = np.flatnonzero(~one["found"])
    return {
        "labels as they were": (list(rows), every),
        "some changed": (noisy, every),
        "without the rows found": ([noisy[at] for at in kept], kept),
    }


def frozen_accuracy(learn: Sequence[Row], vectors: Floats, test: Sequence[Row], test_vectors: Floats) -> float:
    names = sorted({row.label for row in learn})
    both = np.concatenate([vectors, test_vectors])
    gold = np.array([names.index(row.label) if row.label in names else -1 for row in (*learn, *test)], dtype=np.intp)
    ask = range(len(learn), len(both))
    shares = probabilities(both, gold, range(len(learn)), ask, len(names))
    return float((shares.argmax(axis=1) == gold[len(learn) :]).mean())


def product_accuracy(learn: Sequence[Row], test: Sequence[Row], base_model: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        files = ["--train", write_rows(Path(folder) / "train.csv", learn)]
        files += ["--test", write_rows(Path(folder) / "test.csv", test)]
        done = run(HERE / "learn.py", [*files, "--base-model", base_model], AS_THE_COMMAND_LINE)
    return float(done.result["metrics"]["accuracy"])


def main() -> None:
    given = parse()
    train, dev = limited(read_rows(file_of(given.data, "train")), read_rows(file_of(given.data, "dev")), given.limit)
    train, dev = ([row for row in part if row.label != OUT_OF_SCOPE] for part in (train, dev))
    say(f"embedding {len(train) + len(dev)} rows")
    examples = [LabelledText(row.text, row.label) for row in (*train, *dev)]
    base = find_base_model(given.base_model)
    started = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, TrainingProgress() as progress:
        both = frozen_embeddings(base, examples, 256, "auto", given.keep or Path(folder), progress)
    embedding = {"seconds": time.perf_counter() - started[0], "cpu": time.process_time() - started[1]}
    vectors = centred(both)[: len(train)]
    runs, recovered = [], {}
    for seed in range(given.seeds):
        one = one_seed(train, vectors, given, seed)
        say(f"seed {seed}: precision {one['precision']:.1%}, recall {one['recall']:.1%}, {one['cpu']:.1f} CPU-s")
        for name, (learn, places) in variants(train, one).items():
            right = frozen_accuracy(learn, both[places], dev, both[len(train) :])
            recovered.setdefault(name, []).append(right)
            if given.train and seed == 0:
                recovered[f"{name} (product)"] = [product_accuracy(learn, dev, given.base_model)]
        runs.append({key: value for key, value in one.items() if key not in ("names", "noisy", "found")})

    def line(key: str) -> str:
        return spread([one[key] for one in runs], 100)

    lines = [
        [f"precision at {FOUND:.0%} recall, {name}", spread([one["precision_at_80"][name] for one in runs], 100)]
        for name in sorted(runs[0]["precision_at_80"], key=lambda n: -runs[0]["precision_at_80"][n])
    ]
    lines += [[f"precision at the cut-off (×{product.TIMES_AS_LIKELY:g})", line("precision")]]
    lines += [["recall at the cut-off", line("recall")], ["right label suggested", line("suggested_right")]]
    lines += [[f"accuracy on dev, {name}", spread(values, 100)] for name, values in recovered.items()]
    lines += [[f"CPU-s for {len(train)} rows, embedded", spread([one["cpu"] for one in runs])]]
    if not given.keep:
        lines += [[f"CPU-s to embed {len(examples)} rows", f"{embedding['cpu']:.1f}"]]
    kind = "alike" if given.confusable else "at random"
    title = f"Label errors: {given.share:.0%} of {given.data.name}'s labels changed, {kind}"
    report(title, given, ("%, mean of seeds", "value"), lines, runs=json.loads(json.dumps(runs)), recovered=recovered)


if __name__ == "__main__":
    main()

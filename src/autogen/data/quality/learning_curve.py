"""Would more data help, and for which labels? And does a remedy for labels of unequal size help?

Both are answered by measuring: a head on the frozen encoder, cross-validated. What helps it mostly helps fine-tuning
too, which would take hours to ask.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.heads import Fold, Gold, Vectors, accuracy, guesses, macro_f1, recalls

SHARES = (0.25, 0.5, 0.75)  # of the rows learnt from; all of them is the last point
MUCH, SOME = 0.02, 0.005  # accuracy gained by twice the rows
RISING = 0.03  # recall gained from half of a label's rows to all of them
UNEQUAL = 3.0  # the largest label's rows ÷ the smallest's from which remedies are measured
WORTH = 0.005  # macro-F1 that a remedy must gain

Remedy = Literal["none", "class weights", "balanced sampling"]
Step = Callable[[str], None]


@dataclass(frozen=True)
class LabelCurve:
    """What more rows did for one label: recall learnt from half of its rows and from all. `advice`, in words."""

    label: str
    rows: int
    recall_half: float
    recall: float
    advice: str


@dataclass(frozen=True)
class LearningCurve:
    """`points`: rows learnt from and the accuracy on rows not learnt from. `projected`: with twice the last rows."""

    points: tuple[tuple[int, float], ...]
    projected: tuple[int, float]
    verdict: str
    labels: tuple[LabelCurve, ...]  # those that more rows, or a second look, would help most


@dataclass(frozen=True)
class RemedyScore:
    """A remedy and what came of it."""

    remedy: Remedy
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Imbalance:
    """`ratio`: rows of the largest label ÷ of the smallest. `remedies` is empty where labels are about equal."""

    ratio: float
    remedies: tuple[RemedyScore, ...]
    chosen: Remedy
    verdict: str


def learning_curve(
    vectors: Vectors,
    gold: Gold,
    names: Sequence[str],
    folds: Sequence[Fold],
    with_all: NDArray[np.intp],
    seed: int,
    step: Step,
) -> LearningCurve:
    """`with_all`: guesses learnt from all rows of each fold. `step` is told of each share measured."""
    labels, half = len(names), with_all
    points: list[tuple[int, float]] = []
    for share in SHARES:
        fewer = [(first_of_each(train_rows, gold, share, seed), eval_rows) for train_rows, eval_rows in folds]
        predictions = guesses(vectors, gold, fewer, labels)
        points.append((_rows_learnt(fewer), accuracy(predictions, gold)))
        half = predictions if share == 0.5 else half
        step(f"learning curve {share:.0%}")
    points.append((_rows_learnt(folds), accuracy(with_all, gold)))
    projected = project_error(points)
    return LearningCurve(
        points=tuple(points),
        projected=(2 * points[-1][0], 1 - projected),
        verdict=_verdict(points[-1][1], 1 - projected),
        labels=_label_curves(gold, names, half, with_all),
    )


def first_of_each(rows: Sequence[int], gold: Gold, share: float, seed: int) -> list[int]:
    """`share` of each label's rows, one at least, after a seeded shuffle: a larger share holds the smaller ones."""
    shuffled = np.random.default_rng(seed).permutation(np.asarray(rows, dtype=np.intp))
    by_label: defaultdict[int, list[int]] = defaultdict(list)
    for row in shuffled:
        by_label[int(gold[row])].append(int(row))
    return sorted(
        row for label_rows in by_label.values() for row in label_rows[: max(1, round(share * len(label_rows)))]
    )


def project_error(points: Sequence[tuple[int, float]]) -> float:
    """The error at twice the last point's rows, by the power law that fits the points best (a line through their
    logarithms: Cortes et al. 1993, Hestness et al. 2017). It never rises, and it starts from the last point."""
    rows = np.log([max(rows, 1) for rows, _ in points])
    errors = np.log([max(1 - score, 1e-4) for _, score in points])
    slope = np.polyfit(rows, errors, 1)[0] if np.ptp(rows) > 0 else 0.0
    return float((1 - points[-1][1]) * 2 ** min(float(slope), 0.0))


def _verdict(now: float, then: float) -> str:
    gain = then - now
    if gain >= MUCH:
        return f"More data would help: twice the rows would give about {then:.1%} instead of {now:.1%}."
    if gain >= SOME:
        return f"More data would help a little: twice the rows would give about {then:.1%} instead of {now:.1%}."
    return f"More data of the same kind would hardly help: {now:.1%} now, about {then:.1%} with twice the rows."


def _label_curves(
    gold: Gold, names: Sequence[str], half: NDArray[np.intp], with_all: NDArray[np.intp]
) -> tuple[LabelCurve, ...]:
    """Labels below the average, the lowest recall first."""
    rows, usual = np.bincount(gold, minlength=len(names)), accuracy(with_all, gold)
    before, after = recalls(half, gold, len(names)), recalls(with_all, gold, len(names))
    median_rows = float(np.median(rows[rows > 0]))
    curves = [
        LabelCurve(
            name,
            int(rows[label]),
            float(before[label]),
            float(after[label]),
            advice(after[label] - before[label], rows[label], median_rows),
        )
        for label, name in enumerate(names)
        if after[label] < usual
    ]
    return tuple(sorted(curves, key=lambda curve: (curve.recall, curve.rows, curve.label)))


def advice(rise: float, rows: int, usual: float) -> str:
    """What to do for a label below the average, in words."""
    if rise >= RISING:
        return "more rows: each half of them helped"
    if rows < usual / 2:
        return "more rows: it has few"
    return "look at its rows: more of them did not help"


def imbalance(
    vectors: Vectors,
    gold: Gold,
    labels: int,
    folds: Sequence[Fold],
    with_all: NDArray[np.intp],
    seed: int,
    step: Step,
) -> Imbalance:
    """Measure what each remedy does. `with_all`: guesses of the head without any."""
    counts = Counter(map(int, gold))
    ratio = max(counts.values()) / min(counts.values())
    if ratio < UNEQUAL:
        return Imbalance(ratio, (), "none", f"The largest label has {ratio:.1f}× the rows of the smallest: no remedy.")
    even = [(evenly(train_rows, gold, seed), eval_rows) for train_rows, eval_rows in folds]
    predictions: dict[Remedy, NDArray[np.intp]] = {"none": with_all}
    predictions["class weights"] = guesses(vectors, gold, folds, labels, "balanced")
    step("imbalance: class weights")
    predictions["balanced sampling"] = guesses(vectors, gold, even, labels)
    step("imbalance: balanced sampling")
    scores = tuple(RemedyScore(name, accuracy(g, gold), macro_f1(g, gold, labels)) for name, g in predictions.items())
    best = max(scores, key=lambda score: score.macro_f1)
    gain = best.macro_f1 - scores[0].macro_f1
    if gain < WORTH:
        words = f"The largest label has {ratio:.0f}× the rows of the smallest, but no remedy gains half a point."
        return Imbalance(ratio, scores, "none", words)
    words = f"Try {best.remedy}: macro-F1 {scores[0].macro_f1:.1%} → {best.macro_f1:.1%}, "
    words += f"accuracy {scores[0].accuracy:.1%} → {best.accuracy:.1%}."
    return Imbalance(ratio, scores, best.remedy, words)


def evenly(rows: Sequence[int], gold: Gold, seed: int) -> list[int]:
    """As many rows as there are, each label equally often: small labels' rows again and again, some of large ones."""
    chance = np.random.default_rng(seed)
    indices = np.asarray(rows, dtype=np.intp)
    by_label = [indices[gold[indices] == label] for label in np.unique(gold[indices])]
    per_label = max(1, len(indices) // len(by_label))
    return [int(row) for rows_of in by_label for row in np.resize(chance.permutation(rows_of), per_label)]


def _rows_learnt(folds: Sequence[Fold]) -> int:
    return round(float(np.mean([len(train_rows) for train_rows, _ in folds])))

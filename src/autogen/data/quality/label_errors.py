"""Likely label errors, and labels that are taken for one another.

For each row two witnesses that have not learnt from it say how likely each label is: a head on the frozen encoder
(cross-validated) and the labels of the row's nearest rows. Where their mean holds another label for many times as
likely as the given one, the given one is likely wrong. That labels are doubted by out-of-fold probabilities is
confident learning (Northcutt, Jiang & Chuang 2021, arXiv 1911.00068); which score, which mixture and which cut-off
serve best was measured: docs/decisions/0011-label-errors.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.heads import Fold, Gold, Vectors, probabilities
from autogen.data.quality.near_duplicates import NearestRows

FOLDS = 4
TIMES_AS_LIKELY = 12.0  # how much likelier another label must be
JUDGED_ROWS = 5  # a label with fewer rows cannot be told from an error
SHARPNESS = 20.0  # a neighbour's vote is exp(SHARPNESS * cosine)
UNDECIDED = 0.05  # of the neighbours' votes, spread over all labels
BLOCK_ROWS = 2_000

CONFUSED_ROWS = 3  # fewer rows say nothing of two labels
CONFUSED_RATE = 0.05
EXAMPLES = 3


@dataclass(frozen=True)
class Opinions:
    """What out-of-fold witnesses hold of each row, four arrays of one value a row. Rows that no fold measures (a
    label's only row) have -1 in `likeliest_label` and `other_label`."""

    label_probability: Vectors  # probability of the given label
    other_label: NDArray[np.intp]  # the likeliest of the other labels
    other_probability: Vectors  # its probability
    likeliest_label: NDArray[np.intp]  # of all labels


@dataclass(frozen=True)
class LabelError:
    """A row whose label is likely wrong: another is `times` as likely. `confidence` is that other's probability."""

    row: int
    given_label: int
    suggested_label: int
    confidence: float
    times: float


@dataclass(frozen=True)
class LabelConfusion:
    """Two labels that are taken for one another: `rows` of the `total_rows` that they have together."""

    labels: tuple[int, int]
    rows: int
    total_rows: int
    examples: tuple[int, ...]  # some of those rows, the surest first

    @property
    def rate(self) -> float:
        return self.rows / self.total_rows


def opinions(vectors: Vectors, gold: Gold, labels: int, folds: Sequence[Fold], neighbours: NearestRows) -> Opinions:
    """Ask both witnesses. No more than a block of rows by all labels is held at a time beside what a fold returns."""
    rows = len(gold)
    result = Opinions(
        np.zeros(rows, np.float32), np.full(rows, -1), np.zeros(rows, np.float32), np.full(rows, -1, np.intp)
    )
    for train_rows, eval_rows in folds:
        shares = probabilities(vectors, gold, train_rows, eval_rows, labels)
        for start in range(0, len(eval_rows), BLOCK_ROWS):
            batch = np.asarray(eval_rows[start : start + BLOCK_ROWS], dtype=np.intp)
            mixed = (shares[start : start + BLOCK_ROWS] + votes(neighbours, gold, labels, batch)) / 2
            _note_opinions(result, np.asarray(mixed, np.float32), batch, gold[batch])
    return result


def votes(neighbours: NearestRows, gold: Gold, labels: int, batch: NDArray[np.intp]) -> Vectors:
    """What share of each row's neighbours has which label, the nearer ones counting more: (rows of `batch`, labels)."""
    shares = np.zeros((len(batch), labels), dtype=np.float32)
    weights = np.exp(SHARPNESS * (neighbours.cosines[batch] - 1))
    for column in range(weights.shape[1]):
        shares[np.arange(len(batch)), gold[neighbours.places[batch, column]]] += weights[:, column]
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray((1 - UNDECIDED) * shares + UNDECIDED / labels, dtype=np.float32)


def _note_opinions(result: Opinions, shares: Vectors, batch: NDArray[np.intp], gold: Gold) -> None:
    index = np.arange(len(batch))
    result.likeliest_label[batch] = shares.argmax(axis=1)
    result.label_probability[batch] = shares[index, gold]
    shares[index, gold] = -1
    result.other_label[batch] = shares.argmax(axis=1)
    result.other_probability[batch] = shares.max(axis=1)


def doubt(views: Opinions) -> Vectors:
    """How much each given label is to be doubted: the likeliest other's probability ÷ its own; 0 where not measured."""
    times = views.other_probability / np.maximum(views.label_probability, 1e-6)
    return np.asarray(np.where(views.likeliest_label >= 0, times, 0), dtype=np.float32)


def label_errors(views: Opinions, gold: Gold, times: float = TIMES_AS_LIKELY) -> list[LabelError]:
    """Rows whose label is likely wrong, the surest first. Labels of fewer than JUDGED_ROWS rows are not judged."""
    doubts = doubt(views)
    large_enough = np.bincount(gold)[gold] >= JUDGED_ROWS
    rows = np.flatnonzero((doubts >= times) & large_enough)
    return [
        LabelError(
            int(row),
            int(gold[row]),
            int(views.other_label[row]),
            float(views.other_probability[row]),
            float(doubts[row]),
        )
        for row in rows[np.argsort(-doubts[rows], kind="stable")]
    ]


def confusions(views: Opinions, gold: Gold, leave_out: int | None = None) -> list[LabelConfusion]:
    """Pairs of labels that are confused both often and for a good share of their rows, the worst first. `leave_out`:
    the label of out-of-scope rows, which are of no kind and may be taken for anything."""
    rows_of_label = Counter(map(int, gold[views.likeliest_label >= 0]))
    rows_by_pair: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for row in np.flatnonzero((views.likeliest_label >= 0) & (views.likeliest_label != gold)):
        pair = int(gold[row]), int(views.likeliest_label[row])
        if leave_out not in pair:
            rows_by_pair[min(pair), max(pair)].append(int(row))
    doubts = doubt(views)
    pairs = [
        LabelConfusion(pair, len(rows), rows_of_label[pair[0]] + rows_of_label[pair[1]], _surest_rows(rows, doubts))
        for pair, rows in rows_by_pair.items()
    ]
    frequent = [pair for pair in pairs if pair.rows >= CONFUSED_ROWS and pair.rate >= CONFUSED_RATE]
    return sorted(frequent, key=lambda pair: (-pair.rate, pair.labels))


def _surest_rows(rows: Sequence[int], doubts: Vectors) -> tuple[int, ...]:
    return tuple(sorted(rows, key=lambda row: (-float(doubts[row]), row))[:EXAMPLES])

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
from autogen.data.quality.near_duplicates import Neighbours

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
    label's only row) have -1 in `likeliest` and `other`."""

    given: Vectors  # probability of the given label
    other: NDArray[np.intp]  # the likeliest of the other labels
    other_share: Vectors  # its probability
    likeliest: NDArray[np.intp]  # of all labels


@dataclass(frozen=True)
class LabelError:
    """A row whose label is likely wrong: another is `times` as likely. `confidence` is that other's probability."""

    row: int
    given: int
    suggested: int
    confidence: float
    times: float


@dataclass(frozen=True)
class Confusion:
    """Two labels that are taken for one another: `rows` of the `of` rows that they have together."""

    labels: tuple[int, int]
    rows: int
    of: int
    examples: tuple[int, ...]  # some of those rows, the surest first

    @property
    def rate(self) -> float:
        return self.rows / self.of


def opinions(vectors: Vectors, gold: Gold, labels: int, folds: Sequence[Fold], neighbours: Neighbours) -> Opinions:
    """Ask both witnesses. No more than a block of rows by all labels is held at a time beside what a fold returns."""
    rows = len(gold)
    found = Opinions(
        np.zeros(rows, np.float32), np.full(rows, -1), np.zeros(rows, np.float32), np.full(rows, -1, np.intp)
    )
    for learn, ask in folds:
        shares = probabilities(vectors, gold, learn, ask, labels)
        for start in range(0, len(ask), BLOCK_ROWS):
            at = np.asarray(ask[start : start + BLOCK_ROWS], dtype=np.intp)
            mixed = (shares[start : start + BLOCK_ROWS] + votes(neighbours, gold, labels, at)) / 2
            _note(found, np.asarray(mixed, np.float32), at, gold[at])
    return found


def votes(neighbours: Neighbours, gold: Gold, labels: int, at: NDArray[np.intp]) -> Vectors:
    """What share of each row's neighbours has which label, the nearer ones counting more: (rows `at`, labels)."""
    found = np.zeros((len(at), labels), dtype=np.float32)
    weights = np.exp(SHARPNESS * (neighbours.cosines[at] - 1))
    for column in range(weights.shape[1]):
        found[np.arange(len(at)), gold[neighbours.places[at, column]]] += weights[:, column]
    found /= np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
    return np.asarray((1 - UNDECIDED) * found + UNDECIDED / labels, dtype=np.float32)


def _note(found: Opinions, shares: Vectors, at: NDArray[np.intp], gold: Gold) -> None:
    own = np.arange(len(at))
    found.likeliest[at] = shares.argmax(axis=1)
    found.given[at] = shares[own, gold]
    shares[own, gold] = -1
    found.other[at] = shares.argmax(axis=1)
    found.other_share[at] = shares.max(axis=1)


def doubt(found: Opinions) -> Vectors:
    """How much each given label is to be doubted: the likeliest other's probability ÷ its own; 0 where not measured."""
    times = found.other_share / np.maximum(found.given, 1e-6)
    return np.asarray(np.where(found.likeliest >= 0, times, 0), dtype=np.float32)


def label_errors(found: Opinions, gold: Gold, times: float = TIMES_AS_LIKELY) -> list[LabelError]:
    """Rows whose label is likely wrong, the surest first. Labels of fewer than JUDGED_ROWS rows are not judged."""
    doubts = doubt(found)
    judged = np.bincount(gold)[gold] >= JUDGED_ROWS
    rows = np.flatnonzero((doubts >= times) & judged)
    return [
        LabelError(int(at), int(gold[at]), int(found.other[at]), float(found.other_share[at]), float(doubts[at]))
        for at in rows[np.argsort(-doubts[rows], kind="stable")]
    ]


def confusions(found: Opinions, gold: Gold, leave_out: int | None = None) -> list[Confusion]:
    """Pairs of labels that are confused both often and for a good share of their rows, the worst first. `leave_out`:
    the label of out-of-scope rows, which are of no kind and may be taken for anything."""
    of = Counter(map(int, gold[found.likeliest >= 0]))
    confused: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for at in np.flatnonzero((found.likeliest >= 0) & (found.likeliest != gold)):
        pair = int(gold[at]), int(found.likeliest[at])
        if leave_out not in pair:
            confused[min(pair), max(pair)].append(int(at))
    doubts = doubt(found)
    pairs = [
        Confusion(pair, len(rows), of[pair[0]] + of[pair[1]], _surest(rows, doubts)) for pair, rows in confused.items()
    ]
    kept = [one for one in pairs if one.rows >= CONFUSED_ROWS and one.rate >= CONFUSED_RATE]
    return sorted(kept, key=lambda one: (-one.rate, one.labels))


def _surest(rows: Sequence[int], doubts: Vectors) -> tuple[int, ...]:
    return tuple(sorted(rows, key=lambda at: (-float(doubts[at]), at))[:EXAMPLES])

"""What the exported model answered, and the figures that pictures are drawn from. No matplotlib."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.config.settings import RESERVED_LABEL
from autogen.markup import DataTable, share
from autogen.tasks.text_classification.decoding import LabelPrediction

Counts = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]

BINS = 10


@dataclass(frozen=True)
class Answers:
    """Labelled rows and what the exported model says of each, in the same order."""

    texts: Sequence[str]
    labels: Sequence[str]
    predictions: Sequence[LabelPrediction]
    threshold: float | None  # on the score; None rejects nothing
    calibrated_on: bool = False  # temperature and threshold were fitted on these very rows

    @property
    def decided(self) -> list[str]:
        return [prediction.decided for prediction in self.predictions]

    @property
    def out_of_scope(self) -> NDArray[np.bool_]:
        return np.array([label == RESERVED_LABEL for label in self.labels], dtype=bool)

    @property
    def scores(self) -> Floats:
        return np.array([prediction.score for prediction in self.predictions], dtype=float)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the best label is the right one, before rejection."""
        return np.array(
            [prediction.label == label for prediction, label in zip(self.predictions, self.labels, strict=True)],
            dtype=bool,
        )


@dataclass(frozen=True)
class ConfusionMatrix:
    """`counts[i, j]`: rows of label i that were answered with label j, rejection included."""

    labels: tuple[str, ...]
    counts: Counts

    @property
    def mistakes(self) -> Counts:
        return self.counts - np.diag(np.diag(self.counts))

    def only(self, places: Sequence[int]) -> ConfusionMatrix:
        at = list(places)
        return ConfusionMatrix(tuple(self.labels[i] for i in at), self.counts[np.ix_(at, at)])

    def pairs(self, limit: int) -> list[tuple[str, str, int]]:
        """The most frequent mistakes: (right label, answered label, rows)."""
        mistakes = self.mistakes
        order = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
        places = [np.unravel_index(at, mistakes.shape) for at in order]
        return [(self.labels[i], self.labels[j], int(mistakes[i, j])) for i, j in places if mistakes[i, j]]

    def most_confused(self, limit: int) -> ConfusionMatrix:
        """The labels with the most mistakes between them, at most `limit`: pairs are taken in whole, worst first."""
        between = self.mistakes + self.mistakes.T
        chosen: dict[int, None] = {}
        for at in np.argsort(-np.triu(between), axis=None, kind="stable"):
            pair = [int(place) for place in np.unravel_index(at, between.shape)]
            if not between[*pair] or len(chosen) >= limit:
                break
            if len({*chosen, *pair}) <= limit:
                chosen |= dict.fromkeys(pair)
        return self.only(sorted(chosen))

    def clustered(self) -> ConfusionMatrix:
        """Confused labels side by side, so that they form blocks on the diagonal; `oos` comes last."""
        in_scope = [at for at, label in enumerate(self.labels) if label != RESERVED_LABEL]
        last = [at for at, label in enumerate(self.labels) if label == RESERVED_LABEL]
        between = self.mistakes + self.mistakes.T
        return self.only([*(in_scope[at] for at in seriated(between[np.ix_(in_scope, in_scope)])), *last])


def count_confusion(labels: Sequence[str], decided: Sequence[str]) -> ConfusionMatrix:
    """All labels that occur on either side, in alphabetical order."""
    names = tuple(sorted({*labels, *decided}))
    index = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), dtype=np.intp)
    np.add.at(counts, ([index[name] for name in labels], [index[name] for name in decided]), 1)
    return ConfusionMatrix(names, counts)


def seriated(between: Counts) -> list[int]:
    """An order in which what has much between it is side by side: chains are joined end to end, the strongest link
    first (single linkage, each chain turned so that the linked ends meet). Unlinked ones follow in the order given."""
    chain_of = {at: [at] for at in range(len(between))}
    for flat in np.argsort(-np.triu(between, 1), axis=None, kind="stable"):
        i, j = (int(at) for at in np.unravel_index(flat, between.shape))
        if not between[i, j]:
            break
        left, right = chain_of[i], chain_of[j]
        if left is right:
            continue
        if left.index(i) < len(left) / 2:
            left.reverse()
        if right.index(j) >= len(right) / 2:
            right.reverse()
        left.extend(right)
        chain_of.update(dict.fromkeys(right, left))
    chains = {id(chain): chain for chain in chain_of.values()}.values()
    return [at for chain in sorted(chains, key=lambda chain: -len(chain)) for at in chain]


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, bin by bin; bins without rows are left out. `ece` is the expected calibration error
    of Guo et al. (2017): the mean distance between the two, weighted by rows."""

    edges: Floats  # (bins, 2): from, to
    confidence: Floats  # mean, in each bin
    accuracy: Floats
    rows: Counts
    ece: float


def reliability(answers: Answers, bins: int = BINS) -> Reliability | None:
    """Over in-scope rows, before rejection, in `bins` of equal width. None when there are no such rows."""
    in_scope = ~answers.out_of_scope
    if not in_scope.any():
        return None
    confidence = np.array([prediction.confidence for prediction in answers.predictions], dtype=float)[in_scope]
    right = answers.right[in_scope].astype(float)
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = np.bincount(bin_of, minlength=bins)
    filled = np.flatnonzero(rows)
    mean = np.bincount(bin_of, confidence, bins)[filled] / rows[filled]
    accuracy = np.bincount(bin_of, right, bins)[filled] / rows[filled]
    ece = float((rows[filled] * np.abs(mean - accuracy)).sum() / len(confidence))
    return Reliability(np.stack([filled, filled + 1], axis=1) / bins, mean, accuracy, rows[filled], ece)


@dataclass(frozen=True)
class Tradeoff:
    """In-scope accuracy after rejection and out-of-scope recall at every threshold, lowest first."""

    thresholds: Floats
    in_scope_accuracy: Floats
    oos_recall: Floats


def tradeoff(answers: Answers) -> Tradeoff | None:
    """None unless there are rows in scope and out of it. A row is rejected when its score is below the threshold."""
    out_of_scope = answers.out_of_scope
    if not out_of_scope.any() or out_of_scope.all():
        return None
    scores = answers.scores
    thresholds = np.unique(np.append(scores, np.nextafter(scores.max(), np.inf)))
    right_scores = np.sort(scores[~out_of_scope & answers.right])
    oos_scores = np.sort(scores[out_of_scope])
    right_kept = len(right_scores) - np.searchsorted(right_scores, thresholds, side="left")
    accuracy = right_kept / max(int((~out_of_scope).sum()), 1)
    recall = np.searchsorted(oos_scores, thresholds, side="left") / len(oos_scores)
    return Tradeoff(thresholds, np.asarray(accuracy), np.asarray(recall))


@dataclass(frozen=True)
class Mistake:
    text: str
    label: str
    answered: str
    confidence: float


def mistakes(answers: Answers, limit: int) -> list[Mistake]:
    """The most confident mistakes, no more than two of one pair of labels while others are left."""
    rows = zip(answers.texts, answers.labels, answers.predictions, strict=True)
    wrong = [Mistake(text, label, p.decided, p.confidence) for text, label, p in rows if p.decided != label]
    wrong.sort(key=lambda mistake: -mistake.confidence)
    pairs: Counter[tuple[str, str]] = Counter()
    first: list[Mistake] = []
    later: list[Mistake] = []
    for mistake in wrong:
        pairs[mistake.label, mistake.answered] += 1
        (first if pairs[mistake.label, mistake.answered] <= 2 else later).append(mistake)
    return [*first, *later][:limit]


MOST_MISTAKES = 40
MOST_PAIRS = 15
LONGEST_TEXT = 300


def mistake_tables(answers: Answers) -> Iterator[DataTable]:
    """The most frequent mistakes and the surest ones, where there are any."""
    pairs = count_confusion(answers.labels, answers.decided).pairs(MOST_PAIRS)
    if pairs:
        yield DataTable("Most frequent mistakes", ("right label", "answered", "rows"), pairs, right=(2,))
    worst = mistakes(answers, MOST_MISTAKES)
    if worst:
        rows = [(_cut(mistake.text), mistake.label, mistake.answered, share(mistake.confidence)) for mistake in worst]
        columns = ("text", "right label", "answered", "confidence")
        yield DataTable("Mistakes, the surest first", columns, rows, right=(3,))


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST_TEXT else f"{words[:LONGEST_TEXT]}…"


def wilson(share: float, rows: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which stays within 0–1 and holds for few rows."""
    if rows == 0:
        return 0.0, 1.0
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * (share * (1 - share) / rows + z * z / (4 * rows * rows)) ** 0.5
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))

"""What declining rests on: a detector of outliers and a threshold, from rows and outliers that were not learnt.

Each detector learns known rows against outliers of some kinds, and is measured on outliers of the other kinds, with
rows that its model has not seen. The weight of the detector beside the largest logit is the one that declines most of
those, none of it among them; so a project whose intents are like the outliers is not harmed. What looks more like the
project's intents than its own unseen rows do is no outlier for it, and is left out.

Scores of several models, such as those of cross-validation, lie on different scales. No encoder has learnt the
packaged outliers, so their mean and spread say where each scale lies: a threshold moves from one to another with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from autogen.config.settings import RESERVED_LABEL
from autogen.tasks.text_classification.calibration import fit_threshold
from autogen.tasks.text_classification.detector import OutlierDetector
from autogen.tasks.text_classification.rows import LabelledText

PARTS = 3  # of the kinds: a detector that is measured on one of them has learnt the others
WEIGHTS = (0.0, 0.5, 1.0, 2.0)  # of the detector beside the largest logit
WITHIN = (1.0, 2.0)  # times the loss that declining may cost: where a weight's gain is measured
ALIKE = 0.5  # an outlier that scores above this quantile of unseen rows is no outlier for the project
MOST_ALIKE = 1 / 3  # of the outliers; where more score like the intents, the model cannot tell which of them are
LEAST_USABLE = 20  # outliers; with fewer nothing is compared with them
MOST_ROWS = 2_000  # known rows that a detector learns
MOST_OUTLIERS = 0.9  # a threshold above this quantile of theirs gains little
SPREAD = 3.0  # times the embedding, of length one; with C = 1
OUT_OF_SCOPE = -1

Floats = NDArray[np.float32]
Places = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Answers(NamedTuple):
    """A model's outputs: (texts, labels) and (texts, width)."""

    logits: Floats
    embeddings: Floats

    def at(self, places: Places | Mask) -> Answers:
        return Answers(self.logits[places], self.embeddings[places])

    @property
    def largest(self) -> Floats:
        return np.asarray(self.logits.max(axis=1))


class Labelled(NamedTuple):
    """A model's outputs for rows, and the index of each row's label: -1 for one that is out of scope."""

    answers: Answers
    gold: Places

    @property
    def in_scope(self) -> Answers:
        return self.answers.at(self.gold >= 0)

    @property
    def out_of_scope(self) -> Answers:
        return self.answers.at(self.gold == OUT_OF_SCOPE)


class ModelView(NamedTuple):
    """What one model answers: to rows that it has learnt, to rows that it has not, and to outliers."""

    learnt: Labelled
    unseen: Labelled
    outliers: Answers


def view_of(answers: Answers, gold: Places, unseen: int) -> ModelView:
    """What a model answered to `unseen` rows, then to learnt ones, then to outliers. `gold`: of all rows."""
    learnt = slice(unseen, len(gold))
    return ModelView(
        Labelled(Answers(answers.logits[learnt], answers.embeddings[learnt]), gold[learnt]),
        Labelled(Answers(answers.logits[:unseen], answers.embeddings[:unseen]), gold[:unseen]),
        Answers(answers.logits[len(gold) :], answers.embeddings[len(gold) :]),
    )


def some_of(rows: Sequence[LabelledText]) -> list[LabelledText]:
    """As many known rows as a detector learns, from everywhere, and all that are out of scope."""
    known = [row for row in rows if row.label != RESERVED_LABEL]
    own = [row for row in rows if row.label == RESERVED_LABEL]
    return [*known[:: -(-len(known) // MOST_ROWS) or 1], *own[:MOST_ROWS]]


def parts_of(kinds: Sequence[str]) -> Places:
    """The part of each outlier: a kind is in one part as a whole."""
    part_of_kind = {kind: at % PARTS for at, kind in enumerate(dict.fromkeys(kinds))}
    return np.array([part_of_kind[kind] for kind in kinds], dtype=np.intp)


def find_alike(views: Sequence[ModelView]) -> Mask:
    """Which outliers look more like the intents than half of the unseen rows do, to most of the models. None, where
    that would be more than a third of them."""
    votes = [
        view.outliers.largest > np.quantile(known, ALIKE)
        for view in views
        if len(known := view.unseen.in_scope.largest)
    ]
    alike = np.mean(votes, axis=0) > 0.5 if votes else np.zeros(len(views[0].outliers.logits), bool)
    return alike if alike.mean() <= MOST_ALIKE else np.zeros_like(alike)


def fit_detector(learnt: Labelled, outliers: Answers) -> OutlierDetector:
    """A logistic regression of known rows against outliers and the rows' own out-of-scope ones. Both sides weigh the
    same. Its log odds are scaled so that they spread over outliers as the largest logit does, and are 0 at their mean.
    """
    known, own = learnt.in_scope, learnt.out_of_scope
    unknown = Answers(*(np.concatenate(pair) for pair in zip(outliers, own, strict=True)))
    points = SPREAD * np.concatenate([known.embeddings, unknown.embeddings])
    is_known = np.arange(len(points)) < len(known.logits)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=300).fit(points, is_known)
    odds = model.decision_function(SPREAD * unknown.embeddings)
    scale = unknown.largest.std() / max(float(odds.std()), 1e-6)
    direction = SPREAD * scale * model.coef_[0]
    return OutlierDetector(tuple(map(float, direction)), float(scale * (model.intercept_[0] - odds.mean())))


def weighted(detector: OutlierDetector, weight: float) -> OutlierDetector:
    """The detector with this weight, of one with weight 1."""
    if not weight:
        return replace(detector, direction=(), offset=0.0, weight=0.0)
    direction = tuple(weight * value for value in detector.direction)
    return replace(detector, direction=direction, offset=weight * detector.offset, weight=weight)


class Scale(NamedTuple):
    """Where the scores of packaged outliers lie."""

    mean: float
    spread: float

    def standard(self, scores: Floats) -> Floats:
        """In spreads above the mean."""
        return np.asarray((scores - self.mean) / self.spread)

    def restored(self, scores: Floats) -> Floats:
        """The reverse of `standard`."""
        return np.asarray(self.mean + self.spread * scores)


def scale_of(detector: OutlierDetector, outliers: Answers) -> Scale:
    scores = detector.scores(*outliers)
    return Scale(float(scores.mean()), max(float(scores.std()), 1e-6))


@dataclass(frozen=True)
class UnseenScores:
    """Scores of what neither the models nor their detectors have learnt."""

    known: Floats
    right: Mask  # of the known rows: the best label is the right one
    own: Floats  # the project's own out-of-scope rows
    packaged: Floats

    def on(self, scale: Scale) -> UnseenScores:
        """Standard scores on the scale of one model."""
        known, own, packaged = map(scale.restored, (self.known, self.own, self.packaged))
        return UnseenScores(known, self.right, own, packaged)

    def declined(self, threshold: float) -> list[float]:
        """The share of each kind of outlier that is below a threshold, own and packaged."""
        return [float((scores < threshold).mean()) for scores in (self.own, self.packaged) if len(scores)]

    def highest(self, max_loss: float) -> float:
        return fit_threshold(self.known, self.right, np.empty(0, np.float32), max_loss)

    def careful(self, threshold: float, max_loss: float) -> float:
        """No higher than halfway between where most outliers end and where known rows begin, by the lower half of
        their spread: what few rows of other models say of the lowest ones is far from sure."""
        end = float(np.quantile(self.packaged, MOST_OUTLIERS))
        if threshold <= end:
            return threshold
        right = self.known[self.right]
        middle = float(np.median(right))
        spread = float(np.sqrt(np.mean((right[right <= middle] - middle) ** 2)))
        begin = min(threshold, middle + NormalDist().inv_cdf(min(max(max_loss, 1e-6), 0.5)) * spread)
        return min(threshold, (begin + end) / 2)


@dataclass(frozen=True)
class CrossFittedDetectors:
    """Models with their detectors: number `at` has not learnt the outliers of that part."""

    views: Sequence[ModelView]
    parts: Places  # of the outliers
    usable: Mask  # which outliers are unlike the project's intents

    def detectors(self) -> list[OutlierDetector]:
        return [
            fit_detector(view.learnt, view.outliers.at(self.usable & (self.parts != at)))
            for at, view in enumerate(self.views)
        ]

    def scales(self, detectors: Sequence[OutlierDetector]) -> list[Scale]:
        return [
            scale_of(detector, view.outliers.at(self.usable))
            for view, detector in zip(self.views, detectors, strict=True)
        ]

    def scores(self, detectors: Sequence[OutlierDetector]) -> UnseenScores:
        """In standard units."""
        known, right, own, packaged = [], [], [], []
        scales = self.scales(detectors)
        for at, (view, detector, scale) in enumerate(zip(self.views, detectors, scales, strict=True)):
            in_scope = view.unseen.in_scope
            known.append(scale.standard(detector.scores(*in_scope)))
            right.append(in_scope.logits.argmax(axis=1) == view.unseen.gold[view.unseen.gold >= 0])
            own.append(scale.standard(detector.scores(*view.unseen.out_of_scope)))
            packaged.append(scale.standard(detector.scores(*view.outliers.at(self.usable & (self.parts == at)))))
        return UnseenScores(*map(np.concatenate, (known, right, own, packaged)))

    def choose_weight(self, max_loss: float) -> tuple[float, UnseenScores]:
        """The detector's weight that declines most for the loss that declining may cost, and the scores with it."""
        detectors = self.detectors()
        best: tuple[float, float, UnseenScores] | None = None
        for weight in WEIGHTS:
            scores = self.scores([weighted(detector, weight) for detector in detectors])
            shares = [fmean(scores.declined(scores.highest(times * max_loss))) for times in WITHIN]
            if best is None or fmean(shares) > best[0] + 1e-9:
                best = fmean(shares), weight, scores
        assert best is not None
        return best[1], best[2]


def fit_probability(detector: OutlierDetector, scores: UnseenScores) -> OutlierDetector:
    """With the probability that a text of a score is in scope, where one is as likely as the other."""
    outside = np.concatenate([scores.own, scores.packaged])
    values = np.concatenate([scores.known, outside])[:, None]
    if not len(outside) or not len(scores.known):
        return detector
    model = LogisticRegression(C=1e3, class_weight="balanced").fit(values, np.arange(len(values)) < len(scores.known))
    slope = float(model.coef_[0, 0])
    return replace(detector, slope=slope, middle=float(-model.intercept_[0] / slope)) if slope > 0 else detector

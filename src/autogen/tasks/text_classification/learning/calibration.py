"""Temperature, threshold and detector of the exported model, by rows and outliers that it has not learnt, and its
metrics on those rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from autogen.config.settings import RESERVED_LABEL
from autogen.progress import TrainingProgress
from autogen.tasks.text_classification.calibration import fit_threshold
from autogen.tasks.text_classification.decoding import LabelPrediction, TextClassification
from autogen.tasks.text_classification.detector import OutlierDetector
from autogen.tasks.text_classification.learning.classifier_fit import texts_of
from autogen.tasks.text_classification.learning.cross_validation import OutOfFold
from autogen.tasks.text_classification.learning.rejection import (
    LEAST_USABLE,
    PARTS,
    Answers,
    CrossFittedDetectors,
    ModelView,
    Scale,
    UnseenScores,
    find_alike,
    fit_detector,
    fit_probability,
    parts_of,
    scale_of,
    some_of,
    view_of,
    weighted,
)
from autogen.tasks.text_classification.model import TunedModel
from autogen.tasks.text_classification.outliers.packaged import Outlier
from autogen.tasks.text_classification.rows import LabelledText

MAY_DECLINE = 0.1  # of the training rows, by a threshold that other models' scores have set


@dataclass(frozen=True)
class RejectionReport:
    """What declining rests on, and what it declines of packaged outliers that were not learnt."""

    own: int  # out-of-scope rows of the project's own that were not learnt
    packaged: int  # outliers whose like was not learnt when they were measured
    kinds: int  # of those
    alike: int  # packaged outliers left out: they look like the project's intents
    declined: float  # the share of the packaged outliers
    weight: float  # of the detector beside the largest logit

    def __str__(self) -> str:
        own = f"{self.own} `oos` rows that were not learnt" if self.own else "no `oos` rows"
        if not self.packaged:
            return f"declining: {own}, no packaged outliers"
        left_out = f"; {self.alike} more look like the intents and were left out" if self.alike else ""
        return (
            f"declining: {own}; calibrated with {self.packaged} packaged outliers of {self.kinds} kinds, not learnt, "
            f"of which {self.declined:.0%} are declined{left_out}"
        )


class Calibrated(NamedTuple):
    task: TextClassification
    metrics: dict[str, float]
    rejection: RejectionReport | None = None  # None: nothing was calibrated


@dataclass(frozen=True)
class Calibration:
    """Of the tuned model in `folder`. `max_loss`: in-scope accuracy that rejection may cost. `outliers`: packaged ones
    to compare with, perhaps none."""

    task: TextClassification
    folder: Path
    max_loss: float
    progress: TrainingProgress
    outliers: Sequence[Outlier] = ()

    def by_eval_rows(self, eval_rows: Sequence[LabelledText], train: Sequence[LabelledText]) -> Calibrated:
        view = self._view(eval_rows, train)
        rows = OutOfFold(view.unseen.answers.logits, [row.label for row in eval_rows])
        fit = self._cross_fit([view] * PARTS)
        if fit is None:
            return self._by_rows(rows, train)
        weight, unseen = fit.choose_weight(self.max_loss)
        detector, scale = self._detector(view, fit, weight, unseen)
        known = detector.scores(*view.unseen.in_scope)
        right = view.unseen.in_scope.logits.argmax(axis=1) == view.unseen.gold[view.unseen.gold >= 0]
        own, packaged = detector.scores(*view.unseen.out_of_scope), scale.restored(unseen.packaged)
        scores = UnseenScores(known, right, own, packaged)
        task = self._calibrated(rows, detector, scores, train)
        predictions = task.decode(view.unseen.answers.logits, embeddings=view.unseen.answers.embeddings)
        return Calibrated(task, task.metrics(predictions, rows.labels), self._report(task, scores, fit, weight))

    def by_out_of_fold(self, out_of_fold: OutOfFold, train: Sequence[LabelledText]) -> Calibrated:
        """By what other models answered: where their threshold would decline what this one has learnt, the two score on
        different scales, and it is of no use."""
        view = self._view([], train)
        fit = self._cross_fit(out_of_fold.views)
        if fit is None:
            calibrated = self._by_rows(out_of_fold, train)
        else:
            weight, unseen = fit.choose_weight(self.max_loss)
            detector, scale = self._detector(view, fit, weight, unseen)
            scores = unseen.on(scale)
            task = self._calibrated(out_of_fold, detector, scores, train)
            if task.threshold is not None:
                task = task.with_threshold(scores.careful(task.threshold, self.max_loss))
            metrics = task.metrics(_predictions(task, scale, fit, weight), out_of_fold.labels)
            calibrated = Calibrated(task, metrics, self._report(task, scores, fit, weight))
        share = _declined_share(calibrated.task, view.learnt.in_scope)
        return calibrated if share <= MAY_DECLINE else self._without_threshold(calibrated.task, out_of_fold, share)

    def as_before(self, task: TextClassification, train: Sequence[LabelledText]) -> Calibrated:
        """Of a model that went on from a version and has seen every row: what the version had stays, but for the
        detector's direction, for the embedding has moved."""
        before = task.detector
        view = self._view([], train)
        if before is None or not before.direction or not len(view.outliers.logits):
            return Calibrated(task, {})
        detector = weighted(fit_detector(view.learnt, view.outliers.at(~find_alike([view]))), before.weight)
        return Calibrated(replace(task, detector=replace(detector, slope=before.slope, middle=before.middle)), {})

    def _cross_fit(self, views: Sequence[ModelView]) -> CrossFittedDetectors | None:
        """None where there are no outliers, or too few that are unlike the intents."""
        if not self.outliers or not views:
            return None
        usable = ~find_alike(views)
        parts = parts_of([outlier.kind for outlier in self.outliers])
        return CrossFittedDetectors(views, parts, usable) if usable.sum() >= LEAST_USABLE else None

    def _view(self, unseen: Sequence[LabelledText], train: Sequence[LabelledText]) -> ModelView:
        """What the exported model answers."""
        learnt = some_of(train)
        model = TunedModel.load(self.folder)
        outliers = [LabelledText(outlier.text, RESERVED_LABEL) for outlier in self.outliers]
        answers = _answers(model, [*unseen, *learnt, *outliers])
        return view_of(answers, self.task.gold([row.label for row in [*unseen, *learnt]]), len(unseen))

    def _detector(
        self, view: ModelView, fit: CrossFittedDetectors, weight: float, unseen: UnseenScores
    ) -> tuple[OutlierDetector, Scale]:
        """Of all kinds, with the probability that the unseen scores give; and its scale."""
        outliers = view.outliers.at(fit.usable)
        detector = weighted(fit_detector(view.learnt, outliers), weight)
        scale = scale_of(detector, outliers)
        return fit_probability(detector, unseen.on(scale)), scale

    def _calibrated(
        self, rows: OutOfFold, detector: OutlierDetector, scores: UnseenScores, train: Sequence[LabelledText]
    ) -> TextClassification:
        temperature = self.task.calibrated(rows.logits, rows.labels, self.max_loss).temperature
        return replace(self.task, temperature=temperature, threshold=self._threshold(scores, train), detector=detector)

    def _threshold(self, scores: UnseenScores, train: Sequence[LabelledText]) -> float:
        """The project's own outliers lower it only where none like them were learnt: those that were score far below
        every other kind."""
        outside = scores.packaged if _has_own(train) else np.concatenate([scores.own, scores.packaged])
        return fit_threshold(scores.known, scores.right, outside, self.max_loss)

    def _by_rows(self, rows: OutOfFold, train: Sequence[LabelledText]) -> Calibrated:
        """Without packaged outliers; see `_threshold`."""
        is_own = np.array([label == RESERVED_LABEL for label in rows.labels], bool)
        used = np.flatnonzero(~is_own) if _has_own(train) else np.arange(len(is_own))
        task = self.task.calibrated(rows.logits[used], [rows.labels[at] for at in used], self.max_loss)
        own = int(is_own.sum())
        report = RejectionReport(own, 0, 0, 0, 0.0, 0.0)
        return Calibrated(task, task.metrics(task.decode(rows.logits), rows.labels), report)

    def _without_threshold(self, task: TextClassification, rows: OutOfFold, share: float) -> Calibrated:
        self.progress.say(
            f"warning: the threshold found by cross-validation would decline {share:.0%} of the training rows, so "
            "none is set and nothing is declined. Hold rows out (`eval`), or set `threshold`."
        )
        task = replace(task, threshold=None, detector=None)
        return Calibrated(task, task.metrics(task.decode(rows.logits), rows.labels))

    def _report(
        self, task: TextClassification, scores: UnseenScores, fit: CrossFittedDetectors, weight: float
    ) -> RejectionReport:
        kinds = {outlier.kind for outlier, usable in zip(self.outliers, fit.usable, strict=True) if usable}
        declined = scores.declined(task.threshold)[-1] if task.threshold is not None and len(scores.packaged) else 0.0
        alike = int((~fit.usable).sum())
        return RejectionReport(len(scores.own), len(scores.packaged), len(kinds), alike, declined, weight)


def _has_own(train: Sequence[LabelledText]) -> bool:
    """Whether out-of-scope rows of the project's own are learnt."""
    return any(row.label == RESERVED_LABEL for row in train)


def _predictions(
    task: TextClassification, scale: Scale, fit: CrossFittedDetectors, weight: float
) -> list[LabelPrediction]:
    """Of the unseen rows of all views, each by its own view's detector, whose threshold moves with its scale."""
    detectors = [weighted(detector, weight) for detector in fit.detectors()]
    predictions: list[LabelPrediction] = []
    for view, detector, own in zip(fit.views, detectors, fit.scales(detectors), strict=True):
        view_task = _moved(task, scale, detector, own)
        predictions += view_task.decode(view.unseen.answers.logits, embeddings=view.unseen.answers.embeddings)
    return predictions


def _moved(task: TextClassification, scale: Scale, detector: OutlierDetector, to: Scale) -> TextClassification:
    assert task.detector is not None and task.threshold is not None
    threshold, middle = to.restored(scale.standard(np.array([task.threshold, task.detector.middle])))
    slope = task.detector.slope * scale.spread / to.spread
    moved = replace(detector, slope=slope, middle=float(middle))
    return replace(task, threshold=float(threshold), detector=moved)


def _declined_share(task: TextClassification, learnt: Answers) -> float:
    """The share of learnt rows in scope that it would decline."""
    floor = -np.inf if task.threshold is None else task.threshold
    return float((task.scores(learnt.logits, learnt.embeddings) < floor).mean())


def _answers(model: TunedModel, rows: Sequence[LabelledText]) -> Answers:
    outputs = model.outputs(model.encoder.encode(*texts_of(rows)))
    return Answers(outputs["logits"], outputs["text_embedding"])

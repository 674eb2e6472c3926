"""The task `text-classification`: one label for a text, or none when the text is out of scope.

Rejection: a text whose score is below a threshold is out of scope. The score is the largest logit (Hendrycks et al.
2022, "Scaling Out-of-Distribution Detection for Real-World Settings"), which with the cosine head is the cosine to the
nearest label vector, and what a detector of outliers adds to it (`detector`). Confidence: softmax of the logits divided
by a temperature (Guo et al. 2017), times the detector's probability that the text is in scope at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.config.settings import RESERVED_LABEL
from autogen.tasks.text_classification.calibration import fit_temperature, fit_threshold, softmax
from autogen.tasks.text_classification.detector import OutlierDetector
from autogen.tasks.text_classification.metrics import auroc, per_label

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelPrediction:
    """The best label with its calibrated probability, what else it may be, and whether it is in scope at all."""

    label: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    score: float
    in_scope: bool

    @property
    def decided(self) -> str:
        """The label after rejection."""
        return self.label if self.in_scope else RESERVED_LABEL


@dataclass(frozen=True)
class TextClassification:
    """What is needed, besides the exported model, to turn its outputs into predictions."""

    labels: tuple[str, ...]
    temperature: float = 1.0
    threshold: float | None = None  # on the score; None rejects nothing
    detector: OutlierDetector | None = None  # None: the score is the largest logit

    name = "text-classification"

    def to_json(self) -> dict[str, Any]:
        values = {"labels": list(self.labels), "temperature": self.temperature, "threshold": self.threshold}
        return values if self.detector is None else values | {"detector": self.detector.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TextClassification:
        detector = OutlierDetector.from_json(values["detector"]) if values.get("detector") else None
        return cls(tuple(values["labels"]), float(values["temperature"]), values["threshold"], detector)

    def decode(self, logits: Floats, ranked: int = 5, embeddings: Floats | None = None) -> list[LabelPrediction]:
        """Predictions for logits of shape (rows, labels); a detector needs the embeddings too, (rows, width)."""
        scores = self.scores(logits, embeddings)
        probabilities = softmax(logits / self.temperature)
        if self.detector is not None:
            probabilities = probabilities * self.detector.in_scope_probability(scores)[:, None]
        best = _largest(logits, ranked)
        floor = -np.inf if self.threshold is None else self.threshold
        return [self._prediction(probabilities[at], best[at], float(scores[at]), floor) for at in range(len(logits))]

    def scores(self, logits: Floats, embeddings: Floats | None = None) -> NDArray[np.floating[Any]]:
        """The score of each row, the higher the surer that it is in scope. Raises ValueError where the embeddings are
        needed and not given."""
        if self.detector is None:
            return np.asarray(logits.max(axis=1))
        if embeddings is None:
            raise ValueError("Expected embeddings beside the logits: this task has a detector of outliers.")
        return self.detector.scores(logits, embeddings)

    def _prediction(self, shares: Floats, best: NDArray[np.intp], score: float, floor: float) -> LabelPrediction:
        ranking = tuple((self.labels[at], float(shares[at])) for at in best)
        return LabelPrediction(ranking[0][0], ranking[0][1], ranking, score, score >= floor)

    def probabilities(self, logits: Floats) -> Floats:
        return softmax(logits / self.temperature)

    def gold(self, labels: Sequence[str]) -> NDArray[np.intp]:
        """The index of each label; -1 for `oos`, -2 for a label that the model does not know."""
        index = {label: at for at, label in enumerate(self.labels)} | {RESERVED_LABEL: -1}
        return np.array([index.get(label, -2) for label in labels], dtype=np.intp)

    def calibrated(self, logits: Floats, labels: Sequence[str], max_loss: float = 0.01) -> TextClassification:
        """The same task with temperature and threshold fitted on held-out rows.

        The threshold is the one with the most out-of-scope recall for at most `max_loss` of in-scope accuracy lost.
        Recall only grows with the threshold, so that is the highest one within the loss; among those that reject the
        same out-of-scope rows, the lowest, which keeps more in scope.
        """
        gold = self.gold(labels)
        known = gold >= 0
        if not known.any():
            return self
        temperature = fit_temperature(logits[known], gold[known])
        scores, right = logits.max(axis=1), logits.argmax(axis=1) == gold
        threshold = fit_threshold(scores[known], right[known], scores[gold == -1], max_loss)
        return replace(self, temperature=temperature, threshold=threshold, detector=None)

    def with_threshold(self, threshold: float | None) -> TextClassification:
        return replace(self, threshold=threshold)

    def by_largest_logit(self, threshold: float) -> TextClassification:
        """The same with a threshold on the largest logit alone."""
        return replace(self, threshold=threshold, detector=None)

    def outcomes(self, predictions: Sequence[LabelPrediction], labels: Sequence[str]) -> list[bool]:
        """Row by row: was the person answered rightly, rejection included?"""
        return [prediction.decided == label for prediction, label in zip(predictions, labels, strict=True)]

    def metrics(self, predictions: Sequence[LabelPrediction], labels: Sequence[str]) -> dict[str, float]:
        """`accuracy`, `precision`, `recall`, `f1`, `macro_f1` over in-scope rows before rejection, `in_scope_accuracy`
        after it (a rejected row is wrong); with `oos` rows also `oos_recall`, `oos_precision` and `oos_auroc`.

        precision, recall and f1 are macro-averaged over the labels that occur among the rows or the predictions,
        as in scikit-learn.
        """
        in_scope = [(p, label) for p, label in zip(predictions, labels, strict=True) if label != RESERVED_LABEL]
        out_of_scope = [p for p, label in zip(predictions, labels, strict=True) if label == RESERVED_LABEL]
        values: dict[str, float] = {}
        if in_scope:
            values["accuracy"] = float(np.mean([p.label == label for p, label in in_scope]))
            table = per_label([p.label for p, _ in in_scope], [label for _, label in in_scope])
            for key in ("precision", "recall", "f1"):
                values[key] = float(np.mean([row[key] for row in table.values()]))
            values["macro_f1"] = values["f1"]
            values["in_scope_accuracy"] = float(np.mean([p.decided == label for p, label in in_scope]))
        if out_of_scope:
            rejected = sum(not p.in_scope for p in out_of_scope)
            all_rejected = rejected + sum(not p.in_scope for p, _ in in_scope)
            values["oos_recall"] = rejected / len(out_of_scope)
            values["oos_precision"] = rejected / all_rejected if all_rejected else 0.0
            if in_scope:
                values["oos_auroc"] = auroc([p.score for p, _ in in_scope], [p.score for p in out_of_scope])
        return values


def _largest(logits: Floats, count: int) -> NDArray[np.intp]:
    """The columns of each row's largest values, in order; of a thousand labels only these are sorted."""
    if logits.shape[1] > 4 * count:
        few = np.sort(np.argpartition(-logits, count, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(logits, few, axis=1), axis=1, kind="stable")
        return np.asarray(np.take_along_axis(few, order, axis=1))
    return np.asarray(np.argsort(-logits, axis=1, kind="stable")[:, :count])

"""The task `text-classification`: one label for a text, or none when the text is out of scope.

Rejection: a text whose largest logit is below a threshold is out of scope (maximum logit, Hendrycks et al. 2022,
"Scaling Out-of-Distribution Detection for Real-World Settings"); with the cosine head that is the cosine to the nearest
label vector. Confidence: softmax of the logits divided by a temperature (Guo et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.config import RESERVED_LABEL
from autogen.data.problems import Problem
from autogen.data.rows import Row, is_missing, require_label, require_text

Floats = NDArray[np.floating[Any]]

MAX_TEXT = 100_000  # characters in one row of a data file; longer ones are a sign of a wrong file
MAX_LABEL = 200


@dataclass(frozen=True, slots=True)
class Example:
    """A text, perhaps with a second one, and its label (`oos` for out of scope)."""

    text: str
    label: str
    text_pair: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
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
    threshold: float | None = None  # on the largest logit; None rejects nothing

    name = "text-classification"
    required_fields = ("text", "label")
    optional_fields = ("text_pair",)

    def to_json(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "temperature": self.temperature, "threshold": self.threshold}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TextClassification:
        return cls(tuple(values["labels"]), float(values["temperature"]), values["threshold"])

    @staticmethod
    def examples(rows: Sequence[Row]) -> tuple[list[Example], list[Row], list[Problem]]:
        """Typed examples with the rows they came from, and a problem for each field that is not as it should be."""
        examples, kept, problems = [], [], []
        for row in rows:
            text = require_text(row, "text", MAX_TEXT)
            label = require_label(row, "label", MAX_LABEL)
            pair = None if is_missing(row, "text_pair") else require_text(row, "text_pair", MAX_TEXT)
            wrong = [value for value in (text, label, pair) if isinstance(value, Problem)]
            problems += wrong
            if isinstance(text, str) and isinstance(label, str) and not isinstance(pair, Problem):
                examples.append(Example(text, label, pair))
                kept.append(row)
        return examples, kept, problems

    def decode(self, logits: Floats, ranked: int = 5) -> list[Prediction]:
        """Predictions for logits of shape (rows, labels)."""
        probabilities = softmax(logits / self.temperature)
        best = _largest(logits, ranked)
        scores = logits.max(axis=1)
        floor = -np.inf if self.threshold is None else self.threshold
        return [self._prediction(probabilities[at], best[at], float(scores[at]), floor) for at in range(len(logits))]

    def _prediction(self, shares: Floats, best: NDArray[np.intp], score: float, floor: float) -> Prediction:
        ranking = tuple((self.labels[at], float(shares[at])) for at in best)
        return Prediction(ranking[0][0], ranking[0][1], ranking, score, score >= floor)

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
        threshold = fit_threshold(logits[known], gold[known], logits[gold == -1], max_loss)
        return replace(self, temperature=temperature, threshold=threshold)

    def with_threshold(self, threshold: float | None) -> TextClassification:
        return replace(self, threshold=threshold)

    def outcomes(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> list[bool]:
        """Row by row: was the person answered rightly, rejection included?"""
        return [prediction.decided == label for prediction, label in zip(predictions, labels, strict=True)]

    def metrics(self, predictions: Sequence[Prediction], labels: Sequence[str]) -> dict[str, float]:
        """`accuracy`, `precision`, `recall`, `f1`, `macro_f1` over in-scope rows before rejection, `in_scope_accuracy`
        after it (a rejected row is wrong); with `oos` rows also `oos_recall`, `oos_precision` and `oos_auroc`.

        precision, recall and f1 are macro-averaged over the labels that occur among the rows or the predictions,
        as in scikit-learn.
        """
        inside = [(p, label) for p, label in zip(predictions, labels, strict=True) if label != RESERVED_LABEL]
        outside = [p for p, label in zip(predictions, labels, strict=True) if label == RESERVED_LABEL]
        result: dict[str, float] = {}
        if inside:
            result["accuracy"] = float(np.mean([p.label == label for p, label in inside]))
            table = per_label([p.label for p, _ in inside], [label for _, label in inside])
            for key in ("precision", "recall", "f1"):
                result[key] = float(np.mean([row[key] for row in table.values()]))
            result["macro_f1"] = result["f1"]
            result["in_scope_accuracy"] = float(np.mean([p.decided == label for p, label in inside]))
        if outside:
            rejected = sum(not p.in_scope for p in outside)
            all_rejected = rejected + sum(not p.in_scope for p, _ in inside)
            result["oos_recall"] = rejected / len(outside)
            result["oos_precision"] = rejected / all_rejected if all_rejected else 0.0
            if inside:
                result["oos_auroc"] = auroc([p.score for p, _ in inside], [p.score for p in outside])
        return result


def _largest(logits: Floats, count: int) -> NDArray[np.intp]:
    """The columns of each row's largest values, in order; of a thousand labels only these are sorted."""
    if logits.shape[1] > 4 * count:
        few = np.sort(np.argpartition(-logits, count, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(logits, few, axis=1), axis=1, kind="stable")
        return np.asarray(np.take_along_axis(few, order, axis=1))
    return np.asarray(np.argsort(-logits, axis=1, kind="stable")[:, :count])


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: Floats, gold: NDArray[np.intp]) -> float:
    """The temperature in 0.05–20 with the least negative log likelihood, by golden-section search on its logarithm.

    As many rows cannot prove more than so much: the targets are smoothed by 1 / (rows + 2), as Platt (1999) does, or
    a few rows that are all right would make every answer certain.
    """
    doubt = 1 / (len(gold) + 2)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peak = scaled.max(axis=1)
        log_sum = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        right, any_label = scaled[np.arange(len(gold)), gold], scaled.mean(axis=1)
        return float(np.mean(log_sum - (1 - doubt) * right - doubt * any_label))

    low, high, golden = np.log(0.05), np.log(20.0), (5**0.5 - 1) / 2
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def fit_threshold(logits: Floats, gold: NDArray[np.intp], outside: Floats, max_loss: float) -> float:
    """See `TextClassification.calibrated`. `outside` holds the logits of out-of-scope rows, perhaps none."""
    scores = logits.max(axis=1)
    right = np.sort(scores[logits.argmax(axis=1) == gold])
    may_lose = int(max_loss * len(scores) + 1e-9)
    highest = float(right[may_lose]) if may_lose < len(right) else float(scores.max())
    if not len(outside):
        return highest if may_lose or not len(right) else _below(right, max_loss)
    rejected = np.sort(outside.max(axis=1))
    rejected = rejected[rejected < highest]
    if not len(rejected):
        return min(highest, float(right[0])) if len(right) else highest
    last = float(rejected[-1])  # float64: there may be no float32 between this score and the next
    kept = right[right > last]
    # halfway between the last rejected out-of-scope row and the first in-scope row that stays
    return (last + min(highest, float(kept[0]))) / 2 if len(kept) else highest


def _below(right: Floats, max_loss: float) -> float:
    """A threshold below the scores of rows that are too few for one of them to be the `max_loss` quantile: where that
    quantile of a normal distribution would be, and no higher than the lowest."""
    quantile = right.mean() + NormalDist().inv_cdf(min(max(max_loss, 1e-6), 0.5)) * right.std()
    return float(min(right[0], quantile))


def per_label(predicted: Sequence[str], gold: Sequence[str]) -> dict[str, dict[str, float]]:
    """precision, recall, f1 and rows of each label that occurs, 0 where there is nothing to divide by."""
    names = sorted({*predicted, *gold})
    index = {name: at for at, name in enumerate(names)}
    guesses = np.array([index[name] for name in predicted], dtype=np.intp)
    truths = np.array([index[name] for name in gold], dtype=np.intp)
    hits = np.bincount(truths[guesses == truths], minlength=len(names))
    guessed, rows = np.bincount(guesses, minlength=len(names)), np.bincount(truths, minlength=len(names))
    precision, recall = hits / np.maximum(guessed, 1), hits / np.maximum(rows, 1)
    f1 = 2 * hits / np.maximum(guessed + rows, 1)
    return {
        name: {
            "precision": float(precision[at]),
            "recall": float(recall[at]),
            "f1": float(f1[at]),
            "rows": float(rows[at]),
        }
        for name, at in index.items()
    }


def auroc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """The chance that an in-scope row scores above an out-of-scope one, ties counting half (Mann-Whitney)."""
    high, low = np.sort(np.asarray(outside)), np.asarray(inside)
    below = np.searchsorted(high, low, side="left") + np.searchsorted(high, low, side="right")
    return float(below.sum() / (2 * len(low) * len(high)))

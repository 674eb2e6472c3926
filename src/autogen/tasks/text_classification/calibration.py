"""Temperature and threshold, fitted on rows that the model has not learnt from."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


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


def fit_threshold(scores: Floats, answered_rightly: NDArray[np.bool_], oos_scores: Floats, max_loss: float) -> float:
    """See `TextClassification.calibrated`. `scores`: of in-scope rows; `oos_scores`: of out-of-scope rows, perhaps
    none."""
    right = np.sort(scores[answered_rightly])
    may_lose = int(max_loss * len(scores) + 1e-9)
    highest = float(right[may_lose]) if may_lose < len(right) else float(scores.max())
    if not len(oos_scores):
        return highest if may_lose or not len(right) else _below(right, max_loss)
    oos_scores = np.sort(oos_scores[oos_scores < highest])
    if not len(oos_scores):
        return min(highest, float(right[0])) if len(right) else highest
    last = float(oos_scores[-1])  # float64: there may be no float32 between this score and the next
    higher = right[right > last]
    # halfway between the last rejected out-of-scope row and the first in-scope row that stays
    return (last + min(highest, float(higher[0]))) / 2 if len(higher) else highest


def _below(right: Floats, max_loss: float) -> float:
    """A threshold below the scores of rows that are too few for one of them to be the `max_loss` quantile: where that
    quantile of a normal distribution would be, and no higher than the lowest."""
    quantile = right.mean() + NormalDist().inv_cdf(min(max(max_loss, 1e-6), 0.5)) * right.std()
    return float(min(right[0], quantile))

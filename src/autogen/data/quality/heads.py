"""A quick classifier on the embeddings of a frozen encoder, cross-validated: what the deep checks of data ask.

Logistic regression by scikit-learn. Its strength was chosen on two data sets: docs/decisions/0011-label-errors.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Gold = NDArray[np.intp]
Fold = tuple[Sequence[int], Sequence[int]]  # rows to learn from, rows to measure on

STRENGTH = 3.0  # inverse of the regularisation
STEPS = 100
# scikit-learn stops when no part of the mean gradient is larger. That part shrinks with the labels' number: at its
# default, 150 labels of equal size are left where they started.
STOP_PER_LABEL = 0.05

Weights = Literal["balanced"] | None


def probabilities(
    vectors: Vectors, gold: Gold, learn: Sequence[int], ask: Sequence[int], labels: int, weights: Weights = None
) -> Vectors:
    """Shares of shape (rows asked, labels), learnt from the rows `learn`; 0 for a label that none of them has."""
    from sklearn.linear_model import LogisticRegression

    inside, outside = np.asarray(learn, dtype=np.intp), np.asarray(ask, dtype=np.intp)
    known = np.unique(gold[inside])
    found = np.zeros((len(outside), labels), dtype=np.float32)
    if len(known) < 2:
        found[:, known] = 1.0
        return found
    head: Any = LogisticRegression(C=STRENGTH, max_iter=STEPS, tol=STOP_PER_LABEL / len(known), class_weight=weights)
    head.fit(vectors[inside], gold[inside])
    found[:, head.classes_] = head.predict_proba(vectors[outside])
    return found


def guesses(
    vectors: Vectors, gold: Gold, folds: Sequence[Fold], labels: int, weights: Weights = None
) -> NDArray[np.intp]:
    """The likeliest label of each row by a head that has not learnt from it; -1 for a row that no fold measures."""
    found = np.full(len(gold), -1, dtype=np.intp)
    for learn, ask in folds:
        found[np.asarray(ask, dtype=np.intp)] = probabilities(vectors, gold, learn, ask, labels, weights).argmax(axis=1)
    return found


def recalls(guessed: NDArray[np.intp], gold: Gold, labels: int) -> NDArray[np.float64]:
    """The share of each label's measured rows that were guessed right; NaN for a label without any."""
    measured = guessed >= 0
    rows = np.bincount(gold[measured], minlength=labels)
    hits = np.bincount(gold[measured & (guessed == gold)], minlength=labels)
    return np.where(rows > 0, hits / np.maximum(rows, 1), np.nan)


def accuracy(guessed: NDArray[np.intp], gold: Gold) -> float:
    """Over measured rows; 0 without any."""
    measured = guessed >= 0
    return float((guessed[measured] == gold[measured]).mean()) if measured.any() else 0.0


def macro_f1(guessed: NDArray[np.intp], gold: Gold, labels: int) -> float:
    """F1 averaged over the labels that occur among measured rows or guesses."""
    measured = guessed >= 0
    truth, told = gold[measured], guessed[measured]
    hits = np.bincount(truth[truth == told], minlength=labels)
    both = np.bincount(truth, minlength=labels) + np.bincount(told, minlength=labels)
    return float((2 * hits[both > 0] / both[both > 0]).mean()) if (both > 0).any() else 0.0

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
    vectors: Vectors,
    gold: Gold,
    train_rows: Sequence[int],
    eval_rows: Sequence[int],
    labels: int,
    weights: Weights = None,
) -> Vectors:
    """Shares of shape (eval rows, labels), learnt from `train_rows`; 0 for a label that none of them has."""
    from sklearn.linear_model import LogisticRegression

    train, test = np.asarray(train_rows, dtype=np.intp), np.asarray(eval_rows, dtype=np.intp)
    train_labels = np.unique(gold[train])
    shares = np.zeros((len(test), labels), dtype=np.float32)
    if len(train_labels) < 2:
        shares[:, train_labels] = 1.0
        return shares
    head: Any = LogisticRegression(
        C=STRENGTH, max_iter=STEPS, tol=STOP_PER_LABEL / len(train_labels), class_weight=weights
    )
    head.fit(vectors[train], gold[train])
    shares[:, head.classes_] = head.predict_proba(vectors[test])
    return shares


def guesses(
    vectors: Vectors, gold: Gold, folds: Sequence[Fold], labels: int, weights: Weights = None
) -> NDArray[np.intp]:
    """The likeliest label of each row by a head that has not learnt from it; -1 for a row that no fold measures."""
    predicted = np.full(len(gold), -1, dtype=np.intp)
    for train_rows, eval_rows in folds:
        predicted[np.asarray(eval_rows, dtype=np.intp)] = probabilities(
            vectors, gold, train_rows, eval_rows, labels, weights
        ).argmax(axis=1)
    return predicted


def recalls(predicted: NDArray[np.intp], gold: Gold, labels: int) -> NDArray[np.float64]:
    """The share of each label's measured rows that were guessed right; NaN for a label without any."""
    mask = predicted >= 0
    rows = np.bincount(gold[mask], minlength=labels)
    hits = np.bincount(gold[mask & (predicted == gold)], minlength=labels)
    return np.where(rows > 0, hits / np.maximum(rows, 1), np.nan)


def accuracy(predicted: NDArray[np.intp], gold: Gold) -> float:
    """Over measured rows; 0 without any."""
    mask = predicted >= 0
    return float((predicted[mask] == gold[mask]).mean()) if mask.any() else 0.0


def macro_f1(predicted: NDArray[np.intp], gold: Gold, labels: int) -> float:
    """F1 averaged over the labels that occur among measured rows or guesses."""
    mask = predicted >= 0
    targets, answers = gold[mask], predicted[mask]
    hits = np.bincount(targets[targets == answers], minlength=labels)
    totals = np.bincount(targets, minlength=labels) + np.bincount(answers, minlength=labels)
    return float((2 * hits[totals > 0] / totals[totals > 0]).mean()) if (totals > 0).any() else 0.0

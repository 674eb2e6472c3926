"""Metrics of predicted labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


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


def auroc(in_scope: Sequence[float], out_of_scope: Sequence[float]) -> float:
    """The chance that an in-scope row scores above an out-of-scope one, ties counting half (Mann-Whitney)."""
    high, low = np.sort(np.asarray(out_of_scope)), np.asarray(in_scope)
    below = np.searchsorted(high, low, side="left") + np.searchsorted(high, low, side="right")
    return float(below.sum() / (2 * len(low) * len(high)))

"""EASE (Steck 2019, arXiv 1905.03375): the item-item weights that best rebuild every history from its other items, in
closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogen.tasks.recommendation.interactions import Interactions
from autogen.tasks.recommendation.model import Linear
from autogen.tasks.recommendation.trend import Floats

MOST_ITEMS = 12_000  # of which weights are found, the most chosen ones: they take 12 bytes × its square
KEPT = 256  # weights of an item that are kept, the largest


def fit_linear(events: Interactions, items: int, regularisation: float) -> Linear | None:
    """The weights, truncated; None where no user did two things. Memory: 12 bytes × (items chosen twice or more)²."""
    chosen = np.bincount(events.item, minlength=items)
    known = np.sort(np.argsort(-chosen, kind="stable")[: min(MOST_ITEMS, int((chosen > 1).sum()))])
    if len(known) < 2:
        return None
    weights = _closed_form(_co_occurrences(events, known, items), regularisation)
    count = min(KEPT, len(known) - 1)
    best = np.argpartition(-np.abs(weights), count - 1, axis=1)[:, :count]
    places = np.zeros((items, count), np.int32)
    values = np.zeros((items, count), np.float32)
    places[known] = known[best]
    values[known] = np.take_along_axis(weights, best, axis=1)
    return Linear(places, values)


def _co_occurrences(events: Interactions, known: NDArray[np.int64], items: int) -> Floats:
    """How many users chose both of two items, (known, known)."""
    from scipy import sparse

    at = np.full(items, -1)
    at[known] = np.arange(len(known))
    is_known = at[events.item] >= 0
    cells = events.user[is_known], at[events.item[is_known]]
    shape = len(events.users), len(known)
    matrix = sparse.csr_matrix((np.ones(len(cells[0]), np.float32), cells), shape=shape)
    matrix.data[:] = 1  # chosen twice is chosen
    co_counts: Floats = (matrix.T @ matrix).toarray()
    return co_counts


def _closed_form(co_counts: Floats, regularisation: float) -> Floats:
    from scipy import linalg

    co_counts[np.diag_indices_from(co_counts)] += regularisation
    factor = linalg.cho_factor(co_counts, lower=True, overwrite_a=True, check_finite=False)
    inverse = linalg.cho_solve(factor, np.eye(len(co_counts), dtype=np.float32), overwrite_b=True, check_finite=False)
    weights: Floats = inverse / -np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0
    return weights

"""Nearest neighbours by cosine, exactly: in blocks, so that memory grows with the rows, not with their pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
BLOCK_CELLS = 8_000_000  # cosines held at once: 32 MB


def neighbours(points: Floats, among: Floats, k: int, others: bool = False) -> tuple[NDArray[np.intp], Floats]:
    """The `k` rows of `among` nearest to each row of `points`, nearest first: indices and cosines, each of shape
    (points, k), fewer where there are fewer rows. Rows are of length one. `others`: `points` is `among`, and a row is
    no neighbour of itself."""
    k = max(0, min(k, len(among) - others))
    places, cosines = np.empty((len(points), k), np.intp), np.empty((len(points), k), np.float32)
    block = max(1, BLOCK_CELLS // max(1, len(among)))
    for start in range(0, len(points) if k else 0, block):
        block_rows = slice(start, start + block)
        similarities = points[block_rows] @ among.T
        if others:
            similarities[np.arange(len(similarities)), np.arange(start, start + len(similarities))] = -np.inf
        best = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
        top = np.take_along_axis(similarities, best, axis=1)
        order = np.argsort(-top, axis=1, kind="stable")
        places[block_rows], cosines[block_rows] = np.take_along_axis(best, order, 1), np.take_along_axis(top, order, 1)
    return places, cosines

"""Texts that say the same in other words, found by the embeddings of a frozen encoder.

Every row's nearest rows are looked up exactly, block by block: memory grows with the rows, time with their square
(100,000 rows of 384 numbers are some 8 billion comparisons, minutes on two cores).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.neighbours import neighbours
from autogen.data.text import normalise

Vectors = NDArray[np.float32]
Places = NDArray[np.intp]

NEAREST = 20
ALIKE = 0.97  # cosine of centred embeddings from which two texts of real data say the same


@dataclass(frozen=True)
class NearestRows:
    """The nearest other rows of each row: `places` and `cosines` of shape (rows, k), the nearest first."""

    places: Places
    cosines: Vectors


@dataclass(frozen=True)
class NearDuplicate:
    """Two rows, `first` before `second`, whose texts differ but hardly mean different things."""

    first: int
    second: int
    cosine: float


def centred(embeddings: NDArray[np.floating[Any]]) -> Vectors:
    """Embeddings (rows, width) less their mean, each of length one: encoders differ in how much all texts are alike to
    them, and one threshold must do for all (Mu & Viswanath 2018, "All-but-the-Top")."""
    vectors = np.asarray(embeddings, dtype=np.float32)
    vectors = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), dtype=np.float32)


def nearest(vectors: Vectors, k: int = NEAREST) -> NearestRows:
    """The `k` nearest other rows of each row (all others, when there are fewer), by cosine; exact."""
    return NearestRows(*neighbours(vectors, vectors, k, others=True))


def near_duplicates(texts: Sequence[str], nearest_rows: NearestRows, alike: float = ALIKE) -> list[NearDuplicate]:
    """Pairs at or above `alike`, the most alike first; texts that are the same are another check's. Of a crowd of more
    than `k` like texts, each row is paired with its `k` nearest."""
    keys = [normalise(text) for text in texts]
    rows, columns = np.nonzero(nearest_rows.cosines >= alike)
    cosines: dict[tuple[int, int], float] = {}
    for row, column in zip(rows, columns, strict=True):
        other = int(nearest_rows.places[row, column])
        if keys[row] != keys[other]:
            cosines[min(int(row), other), max(int(row), other)] = float(nearest_rows.cosines[row, column])
    pairs = [NearDuplicate(first, second, min(cosine, 1.0)) for (first, second), cosine in cosines.items()]
    return sorted(pairs, key=lambda pair: (-pair.cosine, pair.first, pair.second))


def across(pairs: Sequence[NearDuplicate], eval_rows: Collection[int]) -> list[NearDuplicate]:
    """The pairs of which one row is held out and the other learnt from: they measure memory."""
    eval_set = set(eval_rows)
    return [pair for pair in pairs if (pair.first in eval_set) != (pair.second in eval_set)]

"""Embeddings as a good encoder gives them: rows of one label lie together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.near_duplicates import Vectors, centred


def clusters(labels: int, each: int, spread: float = 0.6, seed: int = 0) -> tuple[Vectors, NDArray[np.intp]]:
    """Vectors (labels * each, 32) and their labels, in order."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(labels, 32))
    gold = np.repeat(np.arange(labels), each)
    return centred(middles[gold] + spread * chance.normal(size=(labels * each, 32))), gold

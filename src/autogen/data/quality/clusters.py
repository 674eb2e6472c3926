"""Groups of texts that are alike, by their embeddings. scikit-learn is imported when it is used: to answer, none is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.neighbours import Floats


@dataclass(frozen=True)
class Cluster:
    """Rows that are alike: their indices, the nearest to the centre first."""

    rows: NDArray[np.intp]
    centre: Floats  # of length one
    cohesion: float  # mean cosine to the centre


def clusters(points: Floats, smallest: int, apart: float) -> list[Cluster]:
    """Groups of at least `smallest` rows, the largest first; rows in none are too few of their kind. `points` are of
    length one; two groups stay two when the mean cosine distance between their rows is above `apart` (agglomerative
    clustering by average linkage, Sokal & Michener 1958). Memory grows with the square of the rows."""
    from sklearn.cluster import AgglomerativeClustering

    if len(points) < max(smallest, 2):
        return []
    linkage = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=apart)
    numbers = linkage.fit_predict(points)
    groups = [_cluster(points, np.flatnonzero(numbers == number)) for number in np.unique(numbers)]
    large = [group for group in groups if len(group.rows) >= smallest]
    return sorted(large, key=lambda group: (-len(group.rows), -group.cohesion))


def _cluster(points: Floats, rows: NDArray[np.intp]) -> Cluster:
    centre = points[rows].mean(axis=0)
    centre = centre / max(float(np.linalg.norm(centre)), 1e-12)
    cosines = points[rows] @ centre
    return Cluster(rows[np.argsort(-cosines, kind="stable")], centre, float(cosines.mean()))

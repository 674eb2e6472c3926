from __future__ import annotations

import numpy as np
import pytest

from autogen.data.quality import neighbours as module
from autogen.data.quality.clusters import clusters
from autogen.data.quality.neighbours import Floats, neighbours


def around(centre: int, rows: int, seed: int) -> Floats:
    """Points of length one near an axis."""
    points = 0.1 * np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    points[:, centre] += 1
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_like_rows_are_grouped_the_largest_group_first_the_most_typical_row_first() -> None:
    points = np.concatenate([around(0, 12, 0), around(1, 20, 1), around(2, 3, 2)])
    groups = clusters(points, smallest=5, apart=0.5)
    assert [sorted(group.rows.tolist()) for group in groups] == [list(range(12, 32)), list(range(12))]
    cosines = points[groups[0].rows] @ groups[0].centre
    assert (np.diff(cosines) <= 1e-6).all() and abs(groups[0].cohesion - cosines.mean()) < 1e-6


def test_too_few_rows_are_no_group() -> None:
    assert clusters(around(0, 4, 0), smallest=5, apart=0.5) == []
    assert clusters(around(0, 1, 0)[:0], smallest=5, apart=0.5) == []


def test_neighbours_are_those_of_all_pairs_also_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", 1024 * 1074)
    points = np.random.default_rng(0).normal(size=(1074, 4)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    places, cosines = neighbours(points, points, 3, others=True)
    similarities = points @ points.T
    np.fill_diagonal(similarities, -2)
    assert (places == np.argsort(-similarities, axis=1)[:, :3]).all()
    assert np.allclose(cosines, -np.sort(-similarities, axis=1)[:, :3])
    assert neighbours(points[:2], points[:2], 5, others=True)[0].tolist() == [[1], [0]]

from __future__ import annotations

import numpy as np
import pytest

from autogen.data.quality import neighbours as module
from autogen.data.quality.near_duplicates import NearDuplicate, across, centred, near_duplicates, nearest

VECTORS = centred(np.random.default_rng(0).normal(size=(50, 8)))


@pytest.mark.parametrize("cells", [60, 1_000, 8_000_000])
def test_nearest_rows_are_exact_whatever_the_block(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", cells)
    nearest_rows = nearest(VECTORS, k=3)
    similarities = VECTORS @ VECTORS.T - 3 * np.eye(50)
    assert (nearest_rows.places == np.argsort(-similarities, axis=1)[:, :3]).all()
    assert np.allclose(nearest_rows.cosines, np.sort(similarities, axis=1)[:, :-4:-1], atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_have_as_many_neighbours_as_there_are(rows: int) -> None:
    assert nearest(VECTORS[:rows]).places.shape == (rows, rows - 1)


def test_rows_that_mean_the_same_are_one_pair_and_equal_texts_none() -> None:
    vectors = VECTORS.copy()
    vectors[7], vectors[9] = vectors[3], vectors[4]
    texts = [f"text {at}" for at in range(50)]
    texts[9] = texts[4].upper()
    pairs = near_duplicates(texts, nearest(vectors))
    assert [(pair.first, pair.second) for pair in pairs] == [(3, 7)]
    assert pairs[0].cosine == pytest.approx(1, abs=1e-5)


def test_leakage_is_a_pair_with_one_row_on_each_side() -> None:
    pairs = [NearDuplicate(0, 1, 0.99), NearDuplicate(1, 8, 0.98), NearDuplicate(8, 9, 0.97)]
    assert across(pairs, {8, 9}) == [pairs[1]]

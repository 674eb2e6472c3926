"""The nearest of many vectors by an index, against comparing everything."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from autogen.errors import VersionDamaged
from autogen.knowledge.half_precision import as_float32
from autogen.knowledge.vector_index import FEW, RECALL, IndexFigures, Places, VectorIndex, Vectors, nearest

ITEMS, WIDTH = 30_000, 32


def vectors_of(count: int, seed: int) -> NDArray[np.float32]:
    chance = np.random.default_rng(seed)
    kinds = np.random.default_rng(7).normal(size=(200, WIDTH))
    vectors = kinds[chance.integers(0, 200, count)] + 0.5 * chance.normal(size=(count, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    np.save(folder / "vectors.npy", vectors_of(ITEMS, 0).astype(np.float16))
    return folder


@pytest.fixture(scope="module")
def figures(folder: Path) -> IndexFigures:
    return VectorIndex.build(np.load(folder / "vectors.npy", mmap_mode="r"), folder / "index.faiss")


@pytest.fixture(scope="module")
def index(folder: Path, figures: IndexFigures) -> VectorIndex:  # noqa: ARG001 it is what was written
    return VectorIndex.load(folder / "index.faiss", np.load(folder / "vectors.npy", mmap_mode="r"))


class Index(Protocol):
    def search(self, query: NDArray[np.float32], count: int, passing: NDArray[np.bool_] | None = None) -> Places: ...


def recall(index: Index, vectors: Vectors, passing: NDArray[np.bool_] | None) -> float:
    allowed = np.arange(len(vectors)) if passing is None else np.flatnonzero(passing)
    queries = vectors_of(50, 1)
    true_nearest = allowed[nearest(vectors[allowed], queries, 100)]
    places = [index.search(query, 100, passing) for query in queries]
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(true_nearest, places, strict=True)]))


def test_it_looks_into_as_few_clusters_as_its_recall_needs(figures: IndexFigures) -> None:
    assert figures.recall >= RECALL
    assert figures.probes < figures.clusters / 8


def test_nearly_all_of_the_nearest_are_found_best_first(index: VectorIndex, folder: Path) -> None:
    assert recall(index, np.load(folder / "vectors.npy"), None) > 0.95
    query = vectors_of(1, 1)[0]
    scores = as_float32(np.load(folder / "vectors.npy"))[index.search(query, 20)] @ query
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("share", [0.7, 0.4, 0.05])
def test_of_those_that_pass_a_filter_nearly_all_of_the_nearest_are_found(
    index: VectorIndex, folder: Path, share: float
) -> None:
    passing = np.random.default_rng(3).random(ITEMS) < share
    assert recall(index, np.load(folder / "vectors.npy"), passing) > (0.95 if passing.sum() > FEW else 0.999)
    assert passing[index.search(vectors_of(1, 2)[0], 50, passing)].all()


def test_a_filter_that_nothing_passes_finds_nothing(index: VectorIndex) -> None:
    assert len(index.search(vectors_of(1, 2)[0], 50, np.zeros(ITEMS, bool))) == 0


def test_the_index_of_other_vectors_and_a_broken_one_are_refused(
    folder: Path,
    figures: IndexFigures,  # noqa: ARG001 it is what was written
    tmp_path: Path,
) -> None:
    with pytest.raises(VersionDamaged, match="30000"):
        VectorIndex.load(folder / "index.faiss", vectors_of(10, 0))
    (tmp_path / "index.faiss").write_bytes((folder / "index.faiss").read_bytes()[:1000])
    with pytest.raises(VersionDamaged, match="index of vectors"):
        VectorIndex.load(tmp_path / "index.faiss", np.load(folder / "vectors.npy"))


def test_halves_are_read_as_numpy_reads_them() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    assert np.array_equal(as_float32(halves), halves.astype(np.float32), equal_nan=True)
    assert np.array_equal(as_float32(halves[::3, 5]), halves[::3, 5].astype(np.float32), equal_nan=True)
    assert as_float32(np.ones(3, np.float32)).dtype == np.float32


def test_a_filter_that_lets_only_far_items_pass_finds_as_many(index: VectorIndex, folder: Path) -> None:
    query = vectors_of(1, 1)[0]
    scores = as_float32(np.load(folder / "vectors.npy")) @ query
    passing = scores < np.quantile(scores, 0.8)
    places = index.search(query, 5_000, passing)
    assert len(places) == 5_000
    assert passing[places].all()


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_a_few_vectors_have_an_index_too(tmp_path: Path, count: int) -> None:
    small = vectors_of(count, 0)
    VectorIndex.build(small, tmp_path / "index.faiss")
    assert len(VectorIndex.load(tmp_path / "index.faiss", small).search(small[0], 5)) == min(count, 5)

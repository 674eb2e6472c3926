"""The nearest of many vectors, in milliseconds and without holding them in memory: an inverted file of clusters with
8-bit codes (FAISS, Douze et al. 2024, arXiv 2401.08281), memory-mapped, exact again on the best it finds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.quality.neighbours import neighbours
from autogen.errors import MissingDependency, VersionDamaged
from autogen.installation import install_extra
from autogen.knowledge.half_precision import as_float32

Vectors = NDArray[np.float16] | NDArray[np.float32]  # (items, width)
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

INDEX_FROM = 50_000  # items; fewer are compared one by one in about as many milliseconds
FEW = 5_000  # passing a filter: these are compared one by one
BLOCK = 65_536  # vectors in memory at once
OF_EACH = 50  # vectors of each cluster that k-means learns from
ROUNDS = 10  # of k-means
RECALL = 0.975  # of the 100 nearest, that the number of clusters looked into is chosen for
MOST_LOOKED_INTO = 0.125  # of the clusters: more is hardly faster than comparing everything
FARTHER = 2  # times as many clusters as the share that passes asks for: the nearest that pass lie farther out
MOST_WITH_FILTER = 0.6  # of the clusters
TRIALS = 100  # queries that it is chosen on
AGAIN = 2  # times as many as asked for are compared exactly


@dataclass(frozen=True)
class IndexFigures:
    """What an index is like: clusters, how many each search looks into, and the recall of the 100 nearest so reached on
    queries between two items each."""

    clusters: int
    probes: int
    recall: float


class VectorIndex:
    """Answers which items' vectors have the greatest inner product with what is sought."""

    def __init__(self, index: Any, vectors: Vectors) -> None:
        self._index, self._vectors = index, vectors

    @classmethod
    def build(cls, vectors: Vectors, path: Path, seed: int = 0) -> IndexFigures:
        """Write the index of `vectors` (of about equal length) to `path`. Memory: 1.1 bytes for each number, and the
        sample that k-means learns from. Raises MissingDependency."""
        faiss, (count, width) = require_faiss(), vectors.shape
        clusters = min(2 ** round(math.log2(2 * math.sqrt(count))), count)
        index = faiss.index_factory(width, f"IVF{clusters},SQ8", faiss.METRIC_INNER_PRODUCT)
        index.cp.niter, index.cp.seed = ROUNDS, seed + 1
        chance = np.random.default_rng(seed)
        sample = np.sort(chance.choice(count, min(count, OF_EACH * clusters), replace=False))
        index.train(as_float32(vectors[sample]))
        for start in range(0, count, BLOCK):
            index.add(as_float32(vectors[start : start + BLOCK]))
        figures = _tune(cls(index, vectors), chance, clusters)
        index.nprobe = figures.probes
        faiss.write_index(index, str(path))
        return figures

    @classmethod
    def load(cls, path: Path, vectors: Vectors) -> VectorIndex:
        """Memory-mapped: pages are read as they are needed. Raises MissingDependency, VersionDamaged."""
        faiss = require_faiss()
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise VersionDamaged(f"{path}: expected an index of vectors: {error}") from error
        if (index.ntotal, index.d) != vectors.shape:
            shape = index.ntotal, index.d
            raise VersionDamaged(f"{path}: expected an index of {vectors.shape} vectors, found one of {shape}.")
        # else every search starts 32 threads that read whole clusters, of which a filter may need little
        faiss.downcast_InvertedLists(index.invlists).prefetch_nthread = 0
        return cls(index, vectors)

    def search(self, query: NDArray[np.float32], count: int, passing: Mask | None = None) -> Places:
        """The places of the `count` best, best first; fewer where fewer are found. `passing`: only these."""
        probes, most_probes = self._index.nprobe, int(MOST_WITH_FILTER * self._index.nlist)
        if passing is not None:
            passing_count = np.count_nonzero(passing)
            if passing_count <= max(FEW, count):
                return self._exact(query, np.flatnonzero(passing), count)
            probes = max(probes, min(most_probes, math.ceil(FARTHER * probes * len(passing) / passing_count)))
        candidates = self._approximate(query, AGAIN * count, probes, passing)
        while (
            len(candidates) < AGAIN * count and probes < self._index.nlist
        ):  # what passes lies far from what is sought
            probes = min(2 * probes, self._index.nlist)
            candidates = self._approximate(query, AGAIN * count, probes, passing)
        return self._exact(query, candidates, count)

    def _approximate(self, query: NDArray[np.float32], count: int, probes: int, passing: Mask | None) -> Places:
        faiss = require_faiss()
        parameters = faiss.SearchParametersIVF(nprobe=probes)
        if passing is not None:
            bits = np.packbits(passing, bitorder="little")
            parameters = faiss.SearchParametersIVF(nprobe=probes, sel=faiss.IDSelectorBitmap(bits))
        places: Places = self._index.search(query[None], count, params=parameters)[1][0]
        return places[places >= 0]

    def _exact(self, query: NDArray[np.float32], places: Places, count: int) -> Places:
        scores = as_float32(self._vectors[np.sort(places)]) @ query
        best = np.argsort(-scores, kind="stable")[:count]
        nearest_places: Places = np.sort(places)[best]
        return nearest_places

    def recall(self, queries: NDArray[np.float32], nearest: Places, probes: int) -> float:
        """The share of `nearest` (queries, count) that is found by looking into so many clusters."""
        count = nearest.shape[1]
        results = [
            self._exact(query, self._approximate(query, AGAIN * count, probes, None), count) for query in queries
        ]
        return float(np.mean([np.isin(a, b).mean() for a, b in zip(nearest, results, strict=True)]))


def nearest(vectors: Vectors, queries: NDArray[np.float32], count: int) -> Places:
    """The `count` best of each query by comparing everything, block by block, (queries, count), in no order."""
    blocks = range(0, len(vectors), BLOCK)
    results = [neighbours(queries, as_float32(vectors[start : start + BLOCK]), count) for start in blocks]
    places = np.concatenate(
        [start + neighbour_places for start, (neighbour_places, _) in zip(blocks, results, strict=True)], axis=1
    )
    scores = np.concatenate([score for _, score in results], axis=1)
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    return np.take_along_axis(places, best, axis=1)


def _tune(index: VectorIndex, chance: np.random.Generator, clusters: int) -> IndexFigures:
    """The fewest clusters that reach RECALL on queries between two items each, which lie between clusters as wishes
    do."""
    vectors = index._vectors
    pairs = chance.integers(0, len(vectors), (2, TRIALS))
    queries = as_float32(vectors[pairs[0]]) + as_float32(vectors[pairs[1]])
    queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-12)
    true_nearest = nearest(vectors, queries, min(100, len(vectors)))
    most_probes = max(1, int(clusters * MOST_LOOKED_INTO))
    probes = 1
    while (recall := index.recall(queries, true_nearest, probes)) < RECALL and probes < most_probes:
        probes = min(2 * probes, most_probes)
    return IndexFigures(clusters, probes, recall)


def require_faiss() -> Any:
    """The library. Raises MissingDependency."""
    try:
        import faiss
    except ImportError as error:
        raise MissingDependency(f"An index of many items needs FAISS: {install_extra('large')}.") from error
    return faiss

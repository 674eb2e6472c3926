"""Of a large catalogue, the items that are scored: those that what trends, the linear reading, the sequential one or a
wish could put near the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.data.interactions import Places
from autogen.knowledge.vector_index import FEW, INDEX_FROM, Built, Mask, VectorIndex
from autogen.runtime.recommender import VECTORS_FILE, Part
from autogen.skills.live import LiveRecommender
from autogen.tasks.recommendation import RECENT, Floats, Query, top

TEXTS_FILE = "texts.npy"  # float16 (items, width): what items say of themselves, of length one
TEXT_INDEX = "texts.faiss"
SEQUENCE_INDEX = "vectors.faiss"
OF_EACH = 256  # items of each source
BY_CHANCE = 2_048  # items that stand for all others


@dataclass(frozen=True)
class Shortlist:
    """The indexes of a large catalogue."""

    live: LiveRecommender
    texts: VectorIndex | None
    sequence: VectorIndex | None
    by_chance: Places  # in order

    @classmethod
    def load(cls, live: LiveRecommender, folder: Path, texts: NDArray[np.float16] | None) -> Shortlist | None:
        """None for a catalogue that has no index. Raises VersionDamaged, MissingDependency."""
        model = live.model
        if not any((folder / name).exists() for name in (TEXT_INDEX, SEQUENCE_INDEX)):
            return None
        sequence, said = folder / SEQUENCE_INDEX, folder / TEXT_INDEX
        drawn = np.random.default_rng(0).choice(model.card.offered, min(BY_CHANCE, model.card.offered), replace=False)
        return cls(
            live,
            VectorIndex.load(said, texts) if texts is not None and said.exists() else None,
            VectorIndex.load(sequence, model.sequence.vectors) if model.sequence and sequence.exists() else None,
            np.sort(drawn).astype(np.int32),
        )

    def of(self, query: Query, passing: Mask, sought: Sequence[Floats]) -> Part:
        """What is to be scored for a query. `passing`: bool (catalogue,); `sought`: what items' texts should be like,
        each (width,)."""
        inside = np.flatnonzero(passing) if passing.sum() <= FEW else self._near(query, passing, sought)
        places = np.unique(np.concatenate([inside, self.by_chance, query.items[-RECENT:]])).astype(np.int32)
        stands_for = np.zeros(len(places), np.float32)
        others = max(self.live.model.card.offered - len(places) + len(self.by_chance), 1)
        stands_for[np.searchsorted(places, self.by_chance)] = np.log(others / len(self.by_chance))
        return Part(places, stands_for)

    def _near(self, query: Query, passing: Mask, sought: Sequence[Floats]) -> NDArray[np.int64]:
        found: list[NDArray[np.integer]] = [self.live.trending(OF_EACH), self._linear(query)]
        found = [places[places < len(passing)] for places in found]
        found = [places[passing[places]] for places in found]
        if self.sequence is not None and self.live.model.sequence is not None:
            everything = np.zeros(len(self.live.model.items), bool)
            everything[: len(passing)] = passing
            wanted = self.live.model.sequence.sought(query)
            found.append(self.sequence.search(wanted, OF_EACH, everything))
        if self.texts is not None:
            found += [self.texts.search(one, OF_EACH, passing) for one in sought]
        return np.concatenate(found).astype(np.int64)

    def _linear(self, query: Query) -> Places:
        """What the linear reading says most for."""
        linear = self.live.model.linear
        if linear is None or not len(query.items):
            return np.empty(0, np.int32)
        spoken_for = np.unique(linear.places[query.items])
        return spoken_for[top(linear.scores(query.items)[spoken_for], OF_EACH)]


def is_large(items: int) -> bool:
    """Whether a catalogue needs an index: a smaller one is compared item by item as fast."""
    return items >= INDEX_FROM


def build_indexes(folder: Path) -> dict[str, Built]:
    """Index what the folder of a recommender holds: the items' texts and the sequential reading's vectors. What each
    index is like, by its file. Raises MissingDependency."""
    built = {}
    for vectors, index in ((TEXTS_FILE, TEXT_INDEX), (VECTORS_FILE, SEQUENCE_INDEX)):
        if (folder / vectors).exists():
            kept = np.load(folder / vectors, mmap_mode="r", allow_pickle=False)
            built[index] = VectorIndex.build(kept, folder / index)
    return built

"""Of a large catalogue, the items that are scored: those that what trends, the linear reading, the sequential one or a
query in words could put near the top."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.errors import StorageError
from autogen.knowledge.pgvector_index import PgVectorIndex
from autogen.knowledge.vector_index import Mask, VectorIndex
from autogen.skills.recommendation.live import LiveRecommender
from autogen.tasks.recommendation.indexes import EMBEDDED, SEQUENCE_INDEX, TABLE_FILE, TEXT_INDEX, _index_of_texts
from autogen.tasks.recommendation.interactions import Places
from autogen.tasks.recommendation.model import LONGEST, Candidates
from autogen.tasks.recommendation.trend import RECENT, Floats, Query, top

ALL_SCORED = 20_000  # items that pass filters and rules: no shortlist is made of so few
OF_EACH = 256  # items of each source
TRENDING = 0.99  # quantile of this week's counts from which an item is popular
BY_CHANCE = 2_048  # items that stand for all others


@dataclass(frozen=True)
class Shortlist:
    """The indexes of a large catalogue."""

    live: LiveRecommender
    texts: VectorIndex | PgVectorIndex | None
    sequence: VectorIndex | None
    by_chance: Places  # in order

    @classmethod
    def load(
        cls, live: LiveRecommender, folder: Path, texts: NDArray[np.float16] | None, where: str = EMBEDDED
    ) -> Shortlist | None:
        """None for a catalogue that has no index. `where`: see `build_indexes`. Raises VersionDamaged,
        MissingDependency."""
        model = live.model
        if not any((folder / name).exists() for name in (TEXT_INDEX, TABLE_FILE, SEQUENCE_INDEX)):
            return None
        sequence = folder / SEQUENCE_INDEX
        drawn = np.random.default_rng(0).choice(model.card.offered, min(BY_CHANCE, model.card.offered), replace=False)
        return cls(
            live,
            _index_of_texts(folder, texts, where),
            VectorIndex.load(sequence, model.sequence.vectors) if model.sequence and sequence.exists() else None,
            np.sort(drawn).astype(np.int32),
        )

    def of(
        self,
        query: Query,
        passing: Mask,
        vectors: Sequence[Floats],
        extra_places: Sequence[int] = (),
        new: bool = False,
    ) -> Candidates:
        """What is to be scored for a query. `passing`: bool (catalogue,); `vectors`: what items' texts should be like,
        each (width,); `extra_places`: places that are to be among it; `new`: with items that nobody has chosen."""
        near = np.flatnonzero(passing) if passing.sum() <= ALL_SCORED else self._near(query, passing, vectors, new)
        certain = np.unique(np.concatenate([near, query.items[-RECENT:], np.array(extra_places, np.int64)]))
        rest = np.setdiff1d(self.by_chance, certain)
        places = np.union1d(certain, rest).astype(np.int32)
        stands_for = np.zeros(len(places), np.float32)
        others = self.live.model.card.offered - int((certain < self.live.model.card.offered).sum())
        if len(rest):
            stands_for[np.searchsorted(places, rest)] = np.log(max(others, 1) / len(rest))
        return Candidates(places, stands_for)

    def _near(self, query: Query, passing: Mask, vectors: Sequence[Floats], new: bool) -> NDArray[np.int64]:
        sources: list[NDArray[np.integer]] = [self.live.trending(OF_EACH), self._linear(query)]
        sources = [places[places < len(passing)] for places in sources]
        sources = [places[passing[places]] for places in sources]
        masks = [passing]
        if new:
            masks.append(passing & self.live.never_chosen()[: len(passing)])
        sources += self._sequence(query, masks) or [np.flatnonzero(new_items)[:OF_EACH] for new_items in masks[1:]]
        sources += [self._texts(vector, passing) for vector in vectors]
        return np.concatenate(sources).astype(np.int64)

    def _sequence(self, query: Query, masks: Sequence[Mask]) -> list[NDArray[np.int64]]:
        """What the sequential reading seeks, of what passes each mask; none without such a reading."""
        if self.sequence is None or self.live.model.sequence is None:
            return []
        vector, places = self.live.model.sequence.query_vector(query), []
        for passing in masks:
            everything = np.zeros(len(self.live.model.items), bool)
            everything[: len(passing)] = passing
            places.append(self.sequence.search(vector, OF_EACH, everything))
        return places

    def _texts(self, vector: Floats, passing: Mask) -> NDArray[np.int64]:
        """Items whose texts are like it. While the database is away there are none: what the other sources propose is
        still ordered by its likeness."""
        if self.texts is None:
            return np.empty(0, np.int64)
        try:
            return self.texts.search(vector, OF_EACH, passing)
        except StorageError as error:
            logging.getLogger(__name__).warning("A wish is answered without the index: %s", error)
            return np.empty(0, np.int64)

    def _linear(self, query: Query) -> Places:
        """What the linear reading says most for."""
        linear = self.live.model.linear
        if linear is None or not len(query.items):
            return np.empty(0, np.int32)
        spoken_for = np.unique(linear.places[query.items[-LONGEST:]])
        return spoken_for[top(linear.scores(query.items)[spoken_for], OF_EACH)]


def in_catalogue(items: int, part: Candidates | None) -> Places:
    """The places of the catalogue that are scored."""
    if part is None:
        return np.arange(items, dtype=np.int32)
    return part.places[: np.searchsorted(part.places, items)]


def popular(week: Floats, part: Candidates | None) -> NDArray[np.bool_]:
    """Which items everybody chooses this week. Of a part, those count for more that stand for others."""
    if part is None:
        least = np.quantile(week, TRENDING)
    else:
        weights = np.exp(part.stands_for[: len(week)])
        least = np.quantile(week, TRENDING, weights=weights, method="inverted_cdf")
    return (week > 0) & (week >= least)

"""Indexes over a large catalogue, built with a version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.knowledge.pgvector_index import PgVectorIndex
from autogen.knowledge.vector_index import INDEX_FROM, IndexFigures, VectorIndex
from autogen.tasks.recommendation.model import VECTORS_FILE

TEXTS_FILE = "texts.npy"  # float16 (items, width): what items say of themselves, of length one


TEXT_INDEX = "texts.faiss"


TABLE_FILE = "texts.table"  # instead: the name of the table in PostgreSQL


SEQUENCE_INDEX = "vectors.faiss"


EMBEDDED = "embedded"


def is_large(items: int) -> bool:
    """Whether a catalogue needs an index: a smaller one is compared item by item as fast."""
    return items >= INDEX_FROM


def build_indexes(folder: Path, where: str = EMBEDDED) -> dict[str, IndexFigures]:
    """Index what the folder of a recommender holds: the items' texts (in the folder, or in PostgreSQL at an address)
    and the sequential reading's vectors. What each index in the folder is like, by its file. Raises MissingDependency,
    StorageError."""
    built = {}
    for vectors, index in ((TEXTS_FILE, TEXT_INDEX), (VECTORS_FILE, SEQUENCE_INDEX)):
        if not (folder / vectors).exists():
            continue
        array = np.load(folder / vectors, mmap_mode="r", allow_pickle=False)
        if index == TEXT_INDEX and where != EMBEDDED:
            (folder / TABLE_FILE).write_text(PgVectorIndex.build(array, where).table, "ascii")
        else:
            built[index] = VectorIndex.build(array, folder / index)
    return built


def _index_of_texts(folder: Path, texts: NDArray[np.float16] | None, where: str) -> VectorIndex | PgVectorIndex | None:
    if texts is None:
        return None
    if (folder / TABLE_FILE).exists():
        return PgVectorIndex(where, (folder / TABLE_FILE).read_text("ascii"))
    return VectorIndex.load(folder / TEXT_INDEX, texts) if (folder / TEXT_INDEX).exists() else None

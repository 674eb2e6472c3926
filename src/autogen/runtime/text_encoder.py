"""A base model as it is, exported: texts to vectors of length one. No torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autogen.errors import VersionDamaged
from autogen.runtime.encoding import TextEncoder
from autogen.runtime.session import MODEL_FILE, ExportedModel

ENCODER_FILE = "encoder.json"
Floats = NDArray[np.float32]


class TextVectors:
    """Safe to use from several threads."""

    def __init__(self, encoder: TextEncoder, graph: ExportedModel) -> None:
        self._encoder, self._graph = encoder, graph

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> TextVectors:
        """Raises VersionDamaged."""
        try:
            card = json.loads((folder / ENCODER_FILE).read_text("utf-8"))
            encoder = TextEncoder.load(folder, int(card["max_length"]), int(card["pad_id"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VersionDamaged(f"{folder} does not hold a whole text encoder: {error}") from error
        return cls(encoder, ExportedModel(folder / MODEL_FILE, threads))

    def has_word(self, word: str) -> bool:
        """Whether the model's vocabulary has this word whole; of others it knows the pieces, which may mean nothing."""
        return self._encoder.has_word(word)

    def embed(self, texts: Sequence[str]) -> Floats:
        """(texts, width), of length one."""
        rows = self._encoder.encode(texts)
        embeddings = [self._graph.run(self._encoder.pad([row]))["text_embedding"][0] for row in rows]
        vectors = np.stack(embeddings)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        unit: Floats = (vectors / lengths).astype(np.float32)
        return unit

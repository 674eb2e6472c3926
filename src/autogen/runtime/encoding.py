"""Texts to arrays, the same way when learning and when answering, so that the two cannot drift apart.

The tokenizer is the Rust one (`tokenizers`), which needs no torch; it is read from the `tokenizer.json` that every
version carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"

Arrays = dict[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One row as token ids; `type_ids` tells the first text (0) from its pair (1)."""

    ids: list[int]
    type_ids: list[int]

    def __len__(self) -> int:
        return len(self.ids)


class TextEncoder:
    """A tokenizer with a length limit in tokens, special tokens included."""

    def __init__(self, tokenizer: Tokenizer, max_length: int, pad_id: int) -> None:
        self.max_length = max_length
        self.pad_id = pad_id
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()  # batches are padded to their own longest row, not to a fixed length
        self._tokenizer.enable_truncation(max_length)

    @classmethod
    def load(cls, folder: Path, max_length: int, pad_id: int) -> TextEncoder:
        return cls(Tokenizer.from_file(str(folder / TOKENIZER_FILE)), max_length, pad_id)

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[Encoded]:
        if len(texts) == 1 and pairs is None:  # the batch call costs more than it saves for one message
            row = self._tokenizer.encode(texts[0])
            return [Encoded(row.ids, row.type_ids)]
        rows = list(texts) if pairs is None else list(zip(texts, pairs, strict=True))
        return [Encoded(row.ids, row.type_ids) for row in self._tokenizer.encode_batch(rows)]

    def has_word(self, word: str) -> bool:
        """Whether its vocabulary has this word whole."""
        pieces = [piece for piece in self._tokenizer.encode(word, add_special_tokens=False).tokens if piece != "▁"]
        return len(pieces) == 1 and pieces[0] not in ("[UNK]", "<unk>")

    def pad(self, rows: Sequence[Encoded]) -> Arrays:
        """`input_ids`, `attention_mask` and `token_type_ids`, each int64 of shape (rows, longest row)."""
        shape = (len(rows), max(len(row) for row in rows))
        ids = np.full(shape, self.pad_id, dtype=np.int64)
        mask, types = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)], types[index, : len(row)], mask[index, : len(row)] = row.ids, row.type_ids, 1
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}

    def sorted_batches(self, rows: Sequence[Encoded], size: int) -> Iterator[tuple[list[int], Arrays]]:
        """The rows in batches of like length, with their places; unsorted batches take about twice the time."""
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        for start in range(0, len(order), size):
            places = order[start : start + size]
            yield places, self.pad([rows[place] for place in places])

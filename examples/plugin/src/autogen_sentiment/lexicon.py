"""The model: a weight of each word for each sentiment, in a file that a person can read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.errors import VersionDamaged

LEXICON_FILE = "lexicon.json"
Floats = NDArray[np.floating[Any]]


def words_of(text: str) -> list[str]:
    """The different words of a text, in order, in lower case."""
    return list(dict.fromkeys(re.findall(r"\w+", normalise(text))))


@dataclass(frozen=True)
class Prediction:
    """The most likely sentiment of a text. `ranking`: all with their probabilities, the most likely first; `words`:
    those that spoke for it, with what each added, the heaviest first. `known`: whether the lexicon has any word of the
    text."""

    label: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    words: tuple[tuple[str, float], ...]
    known: bool


@dataclass(frozen=True)
class Lexicon:
    """`weights` has shape (words, labels), `bias` (labels,); `words` are their places."""

    labels: tuple[str, ...]
    words: Mapping[str, int]
    weights: Floats
    bias: Floats
    folder: Path | None = None

    base_model = ""  # it is tuned from nothing
    answer_column = "prediction"

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """Raises VersionDamaged."""
        try:
            values = json.loads((folder / LEXICON_FILE).read_text("utf-8"))
            labels, words = (
                tuple(map(str, values["labels"])),
                {str(word): at for at, word in enumerate(values["words"])},
            )
            weights = np.array(list(values["words"].values()), np.float32).reshape(len(words), len(labels))
            bias = np.array(values["bias"], np.float32).reshape(len(labels))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise VersionDamaged(f"{folder} does not hold a whole lexicon: {error}") from error
        return cls(labels, words, weights, bias, folder)

    def save(self, folder: Path) -> None:
        rows = zip(self.words, self.weights.astype(np.float32).tolist(), strict=True)
        values = {"labels": self.labels, "bias": self.bias.astype(np.float32).tolist(), "words": dict(rows)}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LEXICON_FILE).write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")

    @property
    def answers(self) -> tuple[str, ...]:
        return self.labels

    @cached_property
    def digest(self) -> str:
        values = (json.dumps([self.labels, list(self.words)]).encode(), self.weights.tobytes(), self.bias.tobytes())
        return hashlib.sha256(b"\n".join(values)).hexdigest()

    def logits(self, texts: Sequence[str]) -> Floats:
        """Shape (texts, labels)."""
        return np.stack([self.bias + self._parts(text)[1].sum(axis=0) for text in texts])

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self._predict(text) for text in texts]

    def predict_rows(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        predictions = self.predict([str(row.values["text"]) for row in rows])
        return [{"prediction": one.label, "confidence": round(one.confidence, 6)} for one in predictions]

    def heaviest(self, label: str, count: int) -> list[tuple[str, float]]:
        """The words that speak for a sentiment more than for the others, the heaviest first."""
        column = (self.weights - self.weights.mean(axis=1, keepdims=True))[:, self.labels.index(label)]
        names = list(self.words)
        return [(names[at], float(column[at])) for at in np.argsort(-column, kind="stable")[:count]]

    def _predict(self, text: str) -> Prediction:
        words, parts = self._parts(text)
        odds = np.exp((logits := self.bias + parts.sum(axis=0)) - logits.max())
        chances = odds / odds.sum()
        order = np.argsort(-chances, kind="stable")
        best = int(order[0])
        spoke = sorted(
            ((word, float(part[best])) for word, part in zip(words, parts, strict=True)), key=lambda w: -w[1]
        )
        ranking = tuple((self.labels[at], float(chances[at])) for at in order)
        return Prediction(self.labels[best], float(chances[best]), ranking, tuple(spoke), bool(words))

    def _parts(self, text: str) -> tuple[list[str], Floats]:
        """The known words of a text, and what each adds to the logits: long texts weigh no more than short ones."""
        known = [word for word in words_of(text) if word in self.words]
        parts = self.weights[[self.words[word] for word in known]] / np.sqrt(max(len(known), 1))
        return known, parts.reshape(len(known), len(self.labels))

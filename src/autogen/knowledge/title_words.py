"""Which items' titles have words of a wish, and how much these say: "savings" is of the Young Saver Account."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from autogen.knowledge.words import plain_words

SHORTEST = 3  # characters of a word that counts, and of what is left of one without its ending
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "s")


class TitleWords:
    """Safe to use from several threads."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._size = len(titles)
        self._places: dict[str, list[int]] = {}
        for at, title in enumerate(titles):
            for stem in {stem_of(word) for word in plain_words(title) if len(word) >= SHORTEST}:
                self._places.setdefault(stem, []).append(at)

    def __contains__(self, word: str) -> bool:
        return stem_of(word) in self._places

    def rarity_shared(self, words: Collection[str]) -> NDArray[np.float32]:
        """Of each title, (titles,), the mean over the words of how rare each is that it has: 1 where it alone has them
        all."""
        weights = np.zeros(self._size, np.float32)
        stems = {stem_of(word) for word in words if len(word) >= SHORTEST}
        for stem in stems:
            if places := self._places.get(stem):
                weights[places] += self._rarity(len(places)) / len(stems)
        return weights

    def _rarity(self, titles: int) -> float:
        return math.log((self._size + 1) / titles) / math.log(self._size + 1)


def stem_of(word: str) -> str:
    """A word without the ending that its relatives have others of: "savings" and "saver" are both "sav"."""
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= SHORTEST), "")
    stem = word if word.endswith("ss") else word.removesuffix(ending)
    return stem[:-1] if stem.endswith("e") and len(stem) > SHORTEST else stem

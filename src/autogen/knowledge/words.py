"""Words as people write them and as they are compared: case, accents and punctuation made equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

# Writing without spaces (Chinese, Japanese, Thai) gives a token for each character, so that phrases are found in it.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(
    rf"\d+(?:[.,]\d+)*|[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W\d_])+(?:['’](?![{_UNSPACED}])[^\W\d_]+)*"
    r"|[$€£¥₹<>=~≤≥+\-–—#%&.,;:!?()\[\]\"“”„‘’'«»「」《》/|。，、！？；：（）]"
)
_ASIAN_MARKS = str.maketrans("。，、！？；：（）", ".,,!?;:()")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark of a text: `word` to compare by, and where it stands."""

    word: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words, numbers and marks of a text, in order; anything else is passed over."""
    return [Token(_normalise_word(match.group()), match.start(), match.end()) for match in _TOKEN.finditer(text)]


def plain_words(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, to compare by: "Sci-Fi" and "sci fi" are the same."""
    words = (_normalise_word(match.group()) for match in _TOKEN.finditer(text.replace("&", " and ")))
    return tuple(word for word in words if word[0].isalnum())


def _normalise_word(word: str) -> str:
    if word.isascii():
        return word.lower().replace("'", "") if len(word) > 1 else word.lower()
    word = word.translate(_ASIAN_MARKS)
    letters = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter) and letter not in "'’")
    return unicodedata.normalize("NFC", bare) or word


class Phrases(Generic[T]):
    """Phrases to be found in a sentence, the longest first."""

    def __init__(self, meanings: Mapping[tuple[str, ...], T]) -> None:
        self._meanings = meanings
        self._longest: dict[str, int] = {}
        for phrase in meanings:
            self._longest[phrase[0]] = max(len(phrase), self._longest.get(phrase[0], 0))

    def __contains__(self, phrase: tuple[str, ...]) -> bool:
        return phrase in self._meanings

    def get(self, phrase: tuple[str, ...]) -> T | None:
        return self._meanings.get(phrase)

    def at(self, words: Sequence[str], place: int) -> tuple[int, T] | None:
        """How many words the longest phrase that begins at `place` has, and its meaning."""
        if place >= len(words):
            return None
        for length in range(min(self._longest.get(words[place], 0), len(words) - place), 0, -1):
            phrase = tuple(words[place : place + length])
            if phrase in self._meanings:
                return length, self._meanings[phrase]
        return None

    def before(self, words: Sequence[str], place: int, longest: int = 4) -> tuple[int, T] | None:
        """How many words the longest phrase that ends just before `place` has, and its meaning."""
        for length in range(min(longest, place), 0, -1):
            phrase = tuple(words[place - length : place])
            if phrase in self._meanings:
                return length, self._meanings[phrase]
        return None


def phrases(spellings: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Phrases to compare by → as written. Marks such as "<" are words here."""
    by_words = {tuple(token.word for token in tokens(phrase)): phrase for phrase in spellings}
    by_words.pop((), None)
    return by_words

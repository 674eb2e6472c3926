"""Titles as people write them: case, accents, punctuation, a leading "The" and a year may be left out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property

from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.words import plain_words

_LONGEST = 20  # words of a title that are compared
_ARTICLES = frozenset("the a an der die das le la les el".split())
_LAST_ARTICLE = re.compile(r"^(.*), (the|a|an|der|die|das|le|la|les|el)$", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_SUBTITLE = re.compile(r":\s|\s[-–—]\s|\sor:\s")
_COMPARED = 3000  # titles that a misspelt one is compared with
_SERIES = 8  # titles that may begin alike and still be one thing: the films about Harry Potter


class Titles:
    """Which items a title means."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._full: dict[str, list[int]] = {}
        self._short: dict[str, list[int]] = {}
        for position, item in enumerate(catalogue.items):
            self._add(position, item.title)
        self._lengths: dict[str, int] = {}
        for table in (self._full, self._short):
            for key in table:
                first, length = key.split(" ", 1)[0], key.count(" ") + 1
                self._lengths[first] = max(length, self._lengths.get(first, 0))

    def _add(self, position: int, title: str) -> None:
        bare = title
        while _IN_BRACKETS.search(bare) and _IN_BRACKETS.sub("", bare):
            bare = _IN_BRACKETS.sub("", bare)
        for variant in dict.fromkeys((title, bare)):
            words = plain_words(_LAST_ARTICLE.sub(r"\2 \1", variant))
            for key in _keys(words):
                _add_place(self._full, key, position)
        main = plain_words(_SUBTITLE.split(bare, maxsplit=1)[0])
        if 2 <= len(main) < len(plain_words(bare)):
            for key in _keys(main):
                _add_place(self._short, key, position)

    def longest(self, words: Sequence[str], place: int) -> int:
        """How many words a title that begins at `place` may have."""
        return min(self._lengths.get(words[place], 0), _LONGEST, len(words) - place)

    def find(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items with this title; of those it is the main title of, if none has it whole."""
        key = " ".join(words)
        return self._full.get(key) or self._short.get(key) or ()

    def beginning(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items whose titles begin so, if they are few."""
        key = " ".join(words) + " "
        start = bisect_left(self._sorted, key)
        candidates = self._sorted[start : start + 2 * _SERIES]
        places = dict.fromkeys(place for title in candidates if title.startswith(key) for place in self._full[title])
        return tuple(places) if len(places) <= _SERIES else ()

    def close(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items with the title most like this, for one who misspelt it."""
        key = " ".join(words)
        if len(key) < 6:
            return ()
        start = bisect_left(self._sorted, key[:2])
        end = bisect_left(self._sorted, key[:2] + "\U0010ffff")
        if end - start > _COMPARED:
            start, end = bisect_left(self._sorted, key[:4]), bisect_left(self._sorted, key[:4] + "\U0010ffff")
        alike = [title for title in self._sorted[start:end] if abs(len(title) - len(key)) <= 2][:_COMPARED]
        matches = get_close_matches(key, alike, n=1, cutoff=0.88)
        return tuple(self._full[matches[0]]) if matches else ()

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._full)


def _keys(words: Sequence[str]) -> list[str]:
    compared = words[:_LONGEST]
    keys = [" ".join(compared)] if compared else []
    if len(compared) > 1 and compared[0] in _ARTICLES:
        keys.append(" ".join(compared[1:]))
    return keys


def _add_place(places_by_key: dict[str, list[int]], key: str, position: int) -> None:
    places = places_by_key.setdefault(key, [])
    if not places or places[-1] != position:
        places.append(position)

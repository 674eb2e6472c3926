"""Titles as people write them: case, accents, punctuation, a leading "The" and a year may be left out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property

from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.words import plain

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
        self._whole: dict[str, list[int]] = {}
        self._short: dict[str, list[int]] = {}
        for at, item in enumerate(catalogue.items):
            self._add(at, item.title)
        self._lengths: dict[str, int] = {}
        for known in (self._whole, self._short):
            for key in known:
                first, length = key.split(" ", 1)[0], key.count(" ") + 1
                self._lengths[first] = max(length, self._lengths.get(first, 0))

    def _add(self, at: int, title: str) -> None:
        bare = title
        while _IN_BRACKETS.search(bare) and _IN_BRACKETS.sub("", bare):
            bare = _IN_BRACKETS.sub("", bare)
        for written in dict.fromkeys((title, bare)):
            words = plain(_LAST_ARTICLE.sub(r"\2 \1", written))
            for key in _keys(words):
                _put(self._whole, key, at)
        main = plain(_SUBTITLE.split(bare, maxsplit=1)[0])
        if 2 <= len(main) < len(plain(bare)):
            for key in _keys(main):
                _put(self._short, key, at)

    def longest(self, words: Sequence[str], place: int) -> int:
        """How many words a title that begins at `place` may have."""
        return min(self._lengths.get(words[place], 0), _LONGEST, len(words) - place)

    def find(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items with this title; of those it is the main title of, if none has it whole."""
        key = " ".join(words)
        return self._whole.get(key) or self._short.get(key) or ()

    def beginning(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items whose titles begin so, if they are few."""
        key = " ".join(words) + " "
        at = bisect_left(self._sorted, key)
        found = self._sorted[at : at + 2 * _SERIES]
        places = dict.fromkeys(p for title in found if title.startswith(key) for p in self._whole[title])
        return tuple(places) if len(places) <= _SERIES else ()

    def close(self, words: Sequence[str]) -> Sequence[int]:
        """Positions of the items with the title most like this, for one who misspelt it."""
        key = " ".join(words)
        if len(key) < 6:
            return ()
        at = bisect_left(self._sorted, key[:2])
        end = bisect_left(self._sorted, key[:2] + "\U0010ffff")
        if end - at > _COMPARED:
            at, end = bisect_left(self._sorted, key[:4]), bisect_left(self._sorted, key[:4] + "\U0010ffff")
        alike = [title for title in self._sorted[at:end] if abs(len(title) - len(key)) <= 2][:_COMPARED]
        near = get_close_matches(key, alike, n=1, cutoff=0.88)
        return tuple(self._whole[near[0]]) if near else ()

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._whole)


def _keys(words: Sequence[str]) -> list[str]:
    kept = words[:_LONGEST]
    keys = [" ".join(kept)] if kept else []
    if len(kept) > 1 and kept[0] in _ARTICLES:
        keys.append(" ".join(kept[1:]))
    return keys


def _put(known: dict[str, list[int]], key: str, at: int) -> None:
    places = known.setdefault(key, [])
    if not places or places[-1] != at:
        places.append(at)

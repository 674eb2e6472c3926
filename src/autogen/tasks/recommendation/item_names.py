"""Why events name none of a catalogue's items: a guess at how the two files write the same id."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from autogen.data.names import name_key
from autogen.data.problems import shown

MOST_NAMES = 1_000  # of the events that are compared
_ENOUGH = 0.5  # of them must be explained


def _without_zeros(name: str) -> str:
    return name.lstrip("0") or "0" if name.isdigit() else ""


def _digits(name: str) -> str:
    """Of an id such as "SKU-015" the number."""
    runs = re.findall(r"\d+", name)
    return _without_zeros(runs[-1]) if runs else ""


def _last_part(name: str) -> str:
    """Of an address or a path the end."""
    return re.split(r"[/:#]", name.rstrip("/"))[-1]


_GUESSES: tuple[tuple[Callable[[str], str], str], ...] = (
    (name_key, "they differ in case or width: write them alike in both files"),
    (
        _without_zeros,
        "a number loses its leading zeros, in JSON as in spreadsheets: write ids as text, in both files alike",
    ),
    (_last_part, "one file has only the end of the other's ids: write them alike in both files"),
    (_digits, "one file has a prefix that the other lacks: write ids alike in both files"),
)


def guess_item_names(names: Sequence[str], ids: Sequence[str], titles: Sequence[str]) -> str:
    """A sentence that says which id of the catalogue such a name likely is, and what to do; empty without a guess."""
    sample = names[:MOST_NAMES]
    for key, advice in _GUESSES:
        by_key: dict[str, str] = {}
        for id_ in ids:
            by_key.setdefault(key(id_), id_)
        matches = [(name, by_key[key(name)]) for name in sample if key(name) and key(name) in by_key]
        if matches and len(matches) >= _ENOUGH * len(sample) and len(by_key) >= _ENOUGH * len(ids):
            name, id_ = matches[0]
            return f"{shown(name)} is likely the catalogue's {shown(id_)}: {advice}"
    known_titles = {name_key(title): title for title in titles}
    matches = [(name, known_titles[name_key(name)]) for name in sample if name_key(name) in known_titles]
    if matches and len(matches) >= _ENOUGH * len(sample):
        return f"{shown(matches[0][0])} is a title: name items by their id in the events"
    return ""

"""Names of labels, users and items compared as people read them, and the words that people write where there is none.

What cannot be seen is made equal wherever a name is read (`plain_name`). What can be seen, but is hardly ever meant to
tell two names apart, is compared by `name_key`: it is asked about, and joined where a project says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from autogen.data.problems import Problem, shown
from autogen.data.text import IGNORABLE, normalise

# As programs write what is missing: pandas, databases, spreadsheets.
_BY_PROGRAMS = frozenset(r"n/a #n/a <na> null <null> (null) \n none nan".split())
# And as people do.
WORDS_FOR_NOTHING = _BY_PROGRAMS | {*"na n.a. n.a nil undefined - -- – — ? unknown unbekannt tbd tba k.a. 未知".split()}
EXAMPLES = 3  # groups of names that a finding lists
_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_JOINERS = "\u200c\u200d"  # between letters of Persian and Indic scripts, and between emoji, they are seen


def plain_name(name: str) -> str:
    """The name without what cannot be seen: composed (NFC), white space single and none around it, no zero-width
    characters, and whole numbers without ".0", which a gap in a column of numbers leaves."""
    if not name.isascii():
        name = IGNORABLE.sub(_unless_joiner, unicodedata.normalize("NFC", name))
    name = " ".join(name.split())
    number = _WHOLE.fullmatch(name) if name.endswith("0") else None
    return number[1] if number else name


def _unless_joiner(character: re.Match[str]) -> str:
    before, after = character.string[: character.start()][-1:], character.string[character.end() :][:1]
    seen = character[0] in _JOINERS and before and after and not before.isascii() and not after.isascii()
    return character[0] if seen else ""


def name_key(name: str) -> str:
    """What two names must have in common to be likely the same: `plain_name` whatever the case and the width."""
    return normalise(plain_name(name))


def is_word_for_nothing(value: object) -> bool:
    """Whether programs and people write this where there is nothing, such as "nan", "n/a" or "-"."""
    return isinstance(value, str) and (value.strip().casefold() in WORDS_FOR_NOTHING or value.strip() == "NaT")


def is_written_by_programs(value: str) -> bool:
    """Whether programs write this where there is nothing: a film may be called "Unknown", hardly "nan"."""
    return value.strip().casefold() in _BY_PROGRAMS or value.strip() == "NaT"


class Spellings:
    """How the names of one kind are written, counted."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._rows: Counter[str] = Counter(names)
        self._plain: dict[str, str] = {}

    def add(self, name: str) -> str:
        """Count a name as it is written; the plain one."""
        self._rows[name] += 1
        plain = self._plain.get(name)
        if plain is None:
            plain = self._plain[name] = plain_name(name)
        return plain

    def counts(self) -> Counter[str]:
        """Rows of each plain name."""
        counts: Counter[str] = Counter()
        for name, rows in self._rows.items():
            counts[plain_name(name)] += rows
        return counts

    def alike(self) -> list[list[str]]:
        """Names that look the same, as they are written, in groups of two and more."""
        return _groups(self._rows, plain_name)

    def similar(self) -> list[list[str]]:
        """Plain names that differ in case or width alone, in groups of two and more, the most frequent first."""
        counts = self.counts()
        return [sorted(group, key=lambda name: _rank(name, counts)) for group in _groups(counts, name_key)]

    def usual(self) -> dict[str, str]:
        """By key the spelling that most rows have."""
        counts = self.counts()
        ranked = sorted(counts, key=lambda name: _rank(name, counts), reverse=True)
        return {name_key(name): name for name in ranked}


def _rank(name: str, counts: Mapping[str, int]) -> tuple[int, bool, str]:
    return -counts[name], not name.islower(), name


def _groups(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def note_alike(spellings: Spellings, kind: str) -> tuple[str, ...]:
    """A note on names that look the same and are read as one; `kind`: what they are names of, such as "label"."""
    groups = spellings.alike()
    if not groups:
        return ()
    examples = " = ".join(shown(name) for name in groups[0][:EXAMPLES])
    count = f"1 {kind} is" if len(groups) == 1 else f"{len(groups)} {kind}s are"
    return (f"Read as one: {count} written in several ways that look the same ({examples}).",)


def check_similar(spellings: Spellings, kind: str, source: str, in_project: bool = True) -> list[Problem]:
    """A warning where names differ in case or width alone."""
    groups = spellings.similar()
    if not groups:
        return []
    counts = spellings.counts()
    examples = "; ".join(
        ", ".join(f"{shown(name)} ({counts[name]:,} rows)" for name in group[:10]) for group in groups[:EXAMPLES]
    )
    more = f", and {len(groups) - EXAMPLES:,} more such" if len(groups) > EXAMPLES else ""
    message = f"expected each {kind} written in one way, found {examples}{more}"
    setting = ", or let them be one: `join_names = true` for the skill in agent.toml" if in_project else ""
    return [Problem("warning", "similar-names", source, None, message, f"write it in one way{setting}")]

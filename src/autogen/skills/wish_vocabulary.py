"""What a catalogue's values, numbers and titles are called by people who wish for its items."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.titles import Titles
from autogen.knowledge.words import Phrases, phrases, tokens
from autogen.skills import wish_words as words_

AT_MOST, AT_LEAST, ABOUT, BETWEEN, NOT, LIKE = (
    Phrases(phrases(table))
    for table in (words_.AT_MOST, words_.AT_LEAST, words_.ABOUT, words_.BETWEEN, words_.NOT, words_.LIKE)
)
YEARS_ONLY, EXACTLY = Phrases(phrases(words_.YEARS_ONLY)), Phrases(phrases(words_.EXACTLY))
FOLLOWING = {
    name: Phrases(phrases(table))
    for name, table in (
        ("cheaper", words_.CHEAPER),
        ("dearer", words_.DEARER),
        ("newer", words_.NEWER),
        ("older", words_.OLDER),
        ("else", words_.ELSE),
    )
}
RECENT, CLASSIC = Phrases(phrases(words_.RECENT)), Phrases(phrases(words_.CLASSIC))


class Vocabulary:
    """What a catalogue's values and titles are called."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.titles = Titles(catalogue)
        values: dict[tuple[str, ...], tuple[str, str]] = {}
        for attribute in catalogue.attributes.values():
            if attribute.kind == "category" and not attribute.is_flag:
                for name in attribute.counts:
                    for form in _forms(name):
                        values.setdefault(form, (attribute.name, name))
        known = dict(values)
        for said, meant in phrases(words_.SYNONYMS).items():
            target = known.get(tuple(token.word for token in tokens(words_.SYNONYMS[meant])))
            if target is not None:
                values.setdefault(said, target)
        values.pop((), None)
        self.values = Phrases(values)
        numeric = [a for a in catalogue.attributes.values() if a.kind == "number"]
        self.numbers = {word: a for a in reversed(numeric) for word in a.words if len(word) > 2}


_VOCABULARIES: WeakKeyDictionary[Catalogue, Vocabulary] = WeakKeyDictionary()


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """Made once for each catalogue."""
    if catalogue not in _VOCABULARIES:
        _VOCABULARIES[catalogue] = Vocabulary(catalogue)
    return _VOCABULARIES[catalogue]


def _forms(name: str) -> list[tuple[str, ...]]:
    """A value as written, in the plural and in the singular."""
    form = tuple(token.word for token in tokens(name))
    if not form or len(form[-1]) < 3:
        return [form] if form and len(name) > 2 else []
    last = form[-1]
    others = [f"{last}s", f"{last}es", last[:-1] + "ies" if last.endswith("y") else last]
    others += [last[:-1]] if last.endswith("s") and not last.endswith("ss") else []
    return [form, *((*form[:-1], other) for other in others)]

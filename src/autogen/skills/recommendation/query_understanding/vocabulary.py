"""What a catalogue's values, numbers and titles are called by people who ask for its items."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from autogen.knowledge.attributes import Attribute
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.title_words import TitleWords
from autogen.knowledge.titles import Titles
from autogen.knowledge.words import Phrases, phrases, tokens
from autogen.skills.recommendation.query_understanding import words as words_

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
SUPERLATIVES = Phrases(
    {
        phrase: order
        for table, order in (
            (words_.CHEAPEST, ("money", True)),
            (words_.DEAREST, ("money", False)),
            (words_.NEWEST, ("year", False)),
            (words_.OLDEST, ("year", True)),
            (words_.LOWEST, ("", True)),
            (words_.HIGHEST, ("", False)),
        )
        for phrase in phrases(table)
    }
)
RECENT, CLASSIC = Phrases(phrases(words_.RECENT)), Phrases(phrases(words_.CLASSIC))
FREE = Phrases(phrases(words_.FREE))
_SILENT = words_.ASKING | words_.LITTLE


class Vocabulary:
    """What a catalogue's values and titles are called."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.titles = Titles(catalogue)
        self.title_words = TitleWords([item.title for item in catalogue.items])
        values: dict[tuple[str, ...], tuple[str, str]] = {}
        for attribute in catalogue.attributes.values():
            if attribute.kind == "category" and not attribute.is_flag:
                for name in attribute.counts:
                    for form in _forms(name):
                        values.setdefault(form, (attribute.name, name))
        known = {**_codes(catalogue), **values}
        for phrase, synonym in phrases(words_.SYNONYMS).items():
            value = known.get(tuple(token.word for token in tokens(words_.SYNONYMS[synonym])))
            if value is not None:
                values.setdefault(phrase, value)
        values.pop((), None)
        self.values = Phrases(values)
        numeric = [a for a in catalogue.attributes.values() if a.kind == "number"]
        named = [(word, a) for a in reversed(numeric) for word in a.words if len(word) > 2]
        # "years" is an age or a time, not a date
        self.numbers = dict([*((f"{word}s", a) for word, a in named if a.role != "year"), *named])
        self._numeric, self._money = numeric, catalogue.money()

    def in_full(self, words: Sequence[str]) -> Attribute | None:
        """The number whose name of two words or more is said whole: "minimum amount"."""
        return next((a for a in self._numeric if len(a.words) > 1 and {*a.words} <= {*words}), None)

    def number_at(self, words: Sequence[str], place: int) -> tuple[int, Attribute | None]:
        """How many words from `place` on name a number, and which."""
        count, attribute = 0, self.numbers.get(words[place]) if place < len(words) else None
        while attribute and place + count < len(words) and self.numbers.get(words[place + count]) is attribute:
            count += 1
        return count, attribute

    def nothing_of(self, words: Sequence[str], place: int, denied: bool) -> tuple[int, Attribute] | None:
        """How many words say that a number shall be nothing, and which: "fees" where they are `denied`, "free" of
        money. None where every item of the catalogue has more than nothing of it."""
        free = FREE.at(words, place)
        stands_alone = not place or words[place - 1] in words_.ASKING  # not "sugar free"
        count, attribute = self.number_at(words, place) if denied else (0, None)
        if free is not None and stands_alone and not denied:
            count, attribute = free[0], self._money
        if attribute is None or attribute.role == "year" or attribute.low > 0:
            return None
        return count, attribute


_VOCABULARIES: WeakKeyDictionary[Catalogue, Vocabulary] = WeakKeyDictionary()


def content_words(text: str) -> tuple[str, ...]:
    """The words of a text that carry meaning: those that ask, join or say little are left out."""
    words = (token.word for token in tokens(text))
    return tuple(dict.fromkeys(word for word in words if word[0].isalnum() and word not in _SILENT))


def vocabulary_of(catalogue: Catalogue) -> Vocabulary:
    """Made once for each catalogue."""
    if catalogue not in _VOCABULARIES:
        _VOCABULARIES[catalogue] = Vocabulary(catalogue)
    return _VOCABULARIES[catalogue]


def _codes(catalogue: Catalogue) -> dict[tuple[str, ...], tuple[str, str]]:
    """Values that nobody says, such as "F", but that there are words for."""
    categories = (
        attribute
        for attribute in catalogue.attributes.values()
        if attribute.kind == "category" and not attribute.is_flag
    )
    return {
        (name.casefold(),): (attribute.name, name)
        for attribute in categories
        for name in attribute.counts
        if len(name) < 3
    }


def _forms(name: str) -> list[tuple[str, ...]]:
    """A value as written, in the plural and in the singular."""
    form = tuple(token.word for token in tokens(name))
    if not form or len(form[-1]) < 3:
        return [form] if form and len(name) > 2 else []
    last = form[-1]
    others = [f"{last}s", f"{last}es", last[:-1] + "ies" if last.endswith("y") else last]
    others += [last[:-1]] if last.endswith("s") and not last.endswith("ss") else []
    return [form, *((*form[:-1], other) for other in others)]


def continues_list(words: Sequence[str], at: int) -> bool:
    """Whether what is denied before `at` goes on there: "no jackets, rings"; but "no jackets, a ring" begins anew."""
    return words[at - 1] in words_.GOES_ON and not (words[at - 1] in ("a", "an") and words[at - 2 : at - 1] == [","])


def number_of(word: str) -> float | None:
    """ "1,299.00", "19,99" and "20" as numbers."""
    if not word[0].isdigit():
        return None
    plain = word.replace(",", "") if "." in word or len(word.rpartition(",")[2]) == 3 else word.replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return None

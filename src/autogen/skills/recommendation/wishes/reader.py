"""Wishes in words to what can be looked for: filters over the catalogue's attributes, items that were named, and the
words that remain, to be sought by their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autogen.knowledge.attributes import CURRENCIES, Attribute
from autogen.knowledge.catalogue import MENTIONS, Catalogue, Filter
from autogen.knowledge.words import Phrases, Token, tokens
from autogen.skills.recommendation.request import Order
from autogen.skills.recommendation.wishes import words as words_
from autogen.skills.recommendation.wishes.vocabulary import (
    ABOUT,
    AT_LEAST,
    AT_MOST,
    BETWEEN,
    CLASSIC,
    EXACTLY,
    FOLLOWING,
    LIKE,
    NOT,
    RECENT,
    SUPERLATIVES,
    YEARS_ONLY,
    goes_on,
    number_of,
    vocabulary_of,
)
from autogen.skills.recommendation.wishes.wish import Wish

MOST_TOKENS = 400  # of a wish that are read
NEAR = 4  # words within which a negation finds what it denies
MARKS = 4  # of punctuation within a title
ROUND = 0.2  # "around 100" is 80 to 120


def read_wish(text: str, catalogue: Catalogue, shown: Sequence[str] = (), before: Wish | None = None) -> Wish:
    """`shown`: ids shown last, the first first; `before`: the wish that they answered, whose filters still hold where
    this one goes on from it."""
    found = _Reader(text, catalogue, shown).read()
    if before is not None and (found.follows or found.only_orders):
        found = found.refining(before)
    return replace(found, problem=found.problem or found.question())


@dataclass
class _Bounds:
    """What is said of one attribute so far."""

    at_least: float | None = None
    at_most: float | None = None
    any_of: list[str] = field(default_factory=list)
    none_of: list[str] = field(default_factory=list)


class _Reader:
    """One wish, word by word; what has been understood is not read again."""

    def __init__(self, text: str, catalogue: Catalogue, shown: Sequence[str]) -> None:
        self.text, self.catalogue, self.shown = text, catalogue, shown
        self.tokens: list[Token] = tokens(text)[:MOST_TOKENS]
        self.words = [token.word for token in self.tokens]
        self.read_already = [False] * len(self.words)
        self.known = vocabulary_of(catalogue)
        self.bounds: dict[str, _Bounds] = {}
        self.like: list[str] = []
        self.unlike: list[str] = []
        self.follows = False
        self.problem = ""
        self.order: Order | None = None
        self.unmet: list[str] = []

    def read(self) -> Wish:
        for step in (
            self._titles,
            self._shown,
            self._superlative,
            self._relative,
            self._numbers,
            self._times,
            self._values,
            self._free,
            self._unwanted,
        ):
            for place in range(len(self.words)):
                if not self.read_already[place]:
                    step(place)
        filters = tuple(
            Filter(name, one.at_least, one.at_most, tuple(one.any_of), tuple(one.none_of))
            for name, one in self.bounds.items()
        )
        like, unlike = tuple(dict.fromkeys(self.like)), tuple(dict.fromkeys(self.unlike))
        return Wish(
            self._rest(), filters, like, unlike, self.problem, self.follows, self.order, unmet=tuple(self.unmet)
        )

    def _take(self, place: int, count: int) -> None:
        self.read_already[place : place + count] = [True] * count

    def _of(self, attribute: str) -> _Bounds:
        return self.bounds.setdefault(attribute, _Bounds())

    def _titles(self, place: int) -> None:
        """Titles after "like", in quotes, or written with capitals: "It" and "Up" are words elsewhere."""
        longest = min(self.known.titles.longest(self.words, place) + MARKS, len(self.words) - place)
        for count in range(longest, 0, -1):
            span = self.words[place : place + count]
            if not span[-1][0].isalnum():
                continue
            found = self.known.titles.find([word for word in span if word[0].isalnum()])
            if found and self._is_title(place, count):
                denied = self._denied(place)
                (self.unlike if denied else self.like).append(self.catalogue.items[found[0]].id)
                self._take(place, count)
                return

    def _is_title(self, place: int, count: int) -> bool:
        start, end = self.tokens[place].start, self.tokens[place + count - 1].end
        quoted = self.text[start - 1 : start] in {'"', "“", "'", "«", "《"} and self.text[end : end + 1] in {*"\"”'»》"}
        if quoted:
            return True
        written = self.text[start:end]
        capital = written[:1].isupper() or written[:1].isdigit()
        after_like = LIKE.before(self.words, place) is not None
        if after_like:
            return capital or (count > 1 and self.words[place : place + count] != ["the", "one"])
        if count == 1 or all(word in words_.ASKING for word in self.words[place : place + count]):
            return False
        return capital and all(part[:1].isupper() or part[:1].isdigit() or len(part) < 4 for part in written.split())

    def _shown(self, place: int) -> None:
        """ "more like the second", "not the first": of what was shown."""
        at = words_.ORDINALS.get(self.words[place])
        number = self.words[place]
        if at is None and number.isdigit() and place and self.words[place - 1] in ("#", "number", "no", "nr"):
            at = int(number) - 1
        if at is None or not self._points(place):
            return
        if at >= len(self.shown):
            asked = words_.UNKNOWN_NUMBER.format(count=len(self.shown)) if self.shown else words_.NOTHING_SHOWN
            self.problem = self.problem or asked
        else:
            (self.unlike if self._denied(place) else self.like).append(self.shown[at])
        self.follows = True
        self._take(place, 1)

    def _points(self, place: int) -> bool:
        before = self.words[max(0, place - 2) : place]
        if not before:
            return False
        return before[-1] in ("the", "number", "#", "no", "nr") and (
            LIKE.before(self.words, place - 1) is not None or self._denied(place) or place + 1 == len(self.words)
        )

    def _superlative(self, place: int) -> None:
        """ "the cheapest", "newest", "lowest fee": what is first in order of a number."""
        found = SUPERLATIVES.at(self.words, place)
        if found is None or self._denied(place):
            return
        count, (what, least) = found
        named, attribute = self.known.number_at(self.words, place + count)
        attribute = attribute or (self.catalogue.money() if what == "money" else None)
        attribute = attribute or (self.catalogue.year() if what == "year" else None)
        if attribute is not None:
            self.order = Order(attribute.name, least)
        elif what:
            self.unmet.append(" ".join(self.words[place : place + count]))
        if attribute is not None or what:
            self._take(place, count + named)

    def _relative(self, place: int) -> None:
        for name, table in FOLLOWING.items():
            found = table.at(self.words, place)
            if found is None or (place + found[0] < len(self.words) and self.words[place + found[0]] == "than"):
                continue
            if not self.shown:
                continue
            self.follows = True
            self._take(place, found[0])
            self._than_shown(name)
            return

    def _than_shown(self, relation: str) -> None:
        attribute = self.catalogue.money() if relation in ("cheaper", "dearer") else self.catalogue.year()
        if relation == "else" or attribute is None:
            return
        position = self.catalogue.position
        values = [
            self.catalogue.items[position[one]].values.get(attribute.name) for one in self.shown if one in position
        ]
        numbers = sorted(value for value in values if isinstance(value, float))
        if not numbers:
            return
        middle, step = numbers[len(numbers) // 2], 1.0 if attribute.role == "year" else 0.01
        if relation in ("cheaper", "older"):
            self._of(attribute.name).at_most = middle - step
        else:
            self._of(attribute.name).at_least = middle + step

    def _numbers(self, place: int) -> None:
        number = number_of(self.words[place])
        if number is None:
            return
        second = self._second(place)
        attribute = self._measured(place, second or place, number)
        if attribute is None:
            return
        compared = self._compared(place)
        if second is not None:
            other = number_of(self.words[second])
            self._range(attribute, number, other if other is not None else number)
            self._take(place, second - place + 1)
        elif compared is not None:
            self._bound(attribute, compared, number)
        elif attribute.role == "year":
            self._range(attribute, number, number)
        else:
            return
        self._take(place, 1)
        self._take_around(place, second or place)

    def _second(self, place: int) -> int | None:
        """Where the other end of "between 10 and 20", "20-30" stands."""
        for step in (2, 3):
            if place + step < len(self.words) and number_of(self.words[place + step]) is not None:
                between = [word for word in self.words[place + 1 : place + step] if word not in CURRENCIES]
                opened = BETWEEN.before(self.words, place) is not None or self._after_money(place, BETWEEN)
                if between and between[0] in words_.TO and (opened or between[0] not in ("and", "und")):
                    return place + step
        return None

    def _after_money(self, place: int, table: Phrases[str]) -> bool:
        return bool(place) and self.words[place - 1] in CURRENCIES and table.before(self.words, place - 1) is not None

    def _compared(self, place: int) -> str | None:
        at = place - 1 if place and self.words[place - 1] in CURRENCIES else place
        for name, table in (("at most", AT_MOST), ("at least", AT_LEAST), ("about", ABOUT)):
            if table.before(self.words, at) is not None:
                return name
        return None

    def _measured(self, first: int, last: int, number: float) -> Attribute | None:
        """The attribute that a number is about: the one named beside it, the year, or money."""
        around = self.words[max(0, first - 5) : first] + self.words[last + 1 : last + 3]
        near = [self.known.numbers[word] for word in reversed(around) if word in self.known.numbers]
        money, year = self.catalogue.money(), self.catalogue.year()
        if self.known.in_full(around):
            return self.known.in_full(around)
        if any(
            word in CURRENCIES for word in (*self.words[max(0, first - 1) : first], *self.words[last + 1 : last + 2])
        ):
            return money
        if near and not near[0].is_count:
            return near[0]
        whole = number.is_integer() and 1800 <= number <= 2100
        if year is not None and whole and (self._compared(first) or EXACTLY.before(self.words, first) or last != first):
            return year
        years_only = YEARS_ONLY.before(self.words, first) is not None
        bare = (
            last + 1 >= len(self.words) or not self.words[last + 1].isalpha() or self.words[last + 1] in words_.ASKING
        )
        return money if self._compared(first) and bare and not years_only else None

    def _bound(self, attribute: Attribute, compared: str, number: float) -> None:
        bounds, after = self._of(attribute.name), attribute.role == "year"
        if compared == "about":
            reach = 2 if attribute.role == "year" else ROUND * number
            bounds.at_least, bounds.at_most = number - reach, number + reach
        elif compared == "at most":
            bounds.at_most = number - 1 if after and self._strictly(number, ("before", "older than", "vor")) else number
        else:
            strictly = after and self._strictly(number, ("after", "newer than", "nach"))
            bounds.at_least = number + 1 if strictly else number

    def _strictly(self, number: float, said: Sequence[str]) -> bool:
        place = self.words.index(f"{number:.0f}")
        found = YEARS_ONLY.before(self.words, place)
        return found is not None and found[1] in said

    def _range(self, attribute: Attribute, low: float, high: float) -> None:
        bounds = self._of(attribute.name)
        bounds.at_least, bounds.at_most = float(min(low, high)), float(max(low, high))

    def _take_around(self, first: int, last: int) -> None:
        """Currency, comparison and the attribute's name are understood with the number."""
        while first and (self.words[first - 1] in CURRENCIES or self.words[first - 1] in self.known.numbers):
            first -= 1
            self._take(first, 1)
        for table in (AT_MOST, AT_LEAST, ABOUT, BETWEEN, EXACTLY):
            found = table.before(self.words, first)
            if found is not None:
                self._take(first - found[0], found[0])
                break
        after = last + 1
        while after < len(self.words) and (self.words[after] in CURRENCIES or self.words[after] in self.known.numbers):
            self._take(after, 1)
            after += 1

    def _times(self, place: int) -> None:
        """Decades, and what is new or old for this catalogue."""
        year = self.catalogue.year()
        if year is None:
            return
        decade = self._decade(place)
        if decade is not None:
            self._range(year, decade[1], decade[1] + 9)
            self._take(place, decade[0])
        elif found := RECENT.at(self.words, place):
            self._of(year.name).at_least = year.high - words_.NEW
            self._take(place, found[0])
        elif found := CLASSIC.at(self.words, place):
            self._of(year.name).at_most = year.high - words_.OLD
            self._take(place, found[0])

    def _decade(self, place: int) -> tuple[int, int] | None:
        """How many words, and its first year."""
        word = self.words[place]
        if word in words_.DECADES:
            return 1, words_.DECADES[word]
        after = self.words[place + 1 : place + 2] == ["s"]
        if not (after and word.isdigit()):
            return None
        number = int(word)
        if len(word) == 4 and number % 10 == 0 and 1800 < number < 2100:
            return 2, number
        if len(word) == 2 and number % 10 == 0:
            return 2, 1900 + number if number > 20 else 2000 + number
        return None

    def _values(self, place: int) -> None:
        found = self.known.values.at(self.words, place)
        if found is None:
            return
        count, (attribute, value) = found
        bounds = self._of(attribute)
        wanted = bounds.none_of if self._denied(place) else bounds.any_of
        if value not in wanted:
            wanted.append(value)
        self._take(place, count)

    def _free(self, place: int) -> None:
        """ "without a monthly fee", "a free account": where the catalogue has what costs nothing."""
        found = self.known.nothing_of(self.words, place, self._denied(place))
        if found is not None and self._of(found[1].name).at_most in (None, 0.0):
            self._of(found[1].name).at_most = 0.0
            self._take(place, found[0])

    def _unwanted(self, place: int) -> None:
        """ "not black": what no attribute knows must not be mentioned."""
        word = self.words[place]
        says = len(word) > 2 and word.isalpha() and word not in words_.ASKING and NOT.at(self.words, place) is None
        if says and self._denied(place):
            self._of(MENTIONS).none_of.append(word)
            self._take(place, 1)

    def _denied(self, place: int) -> bool:
        """Whether a negation stands before, with nothing between them but what lists go on with."""
        at = place
        for _ in range(NEAR * 2):
            if NOT.before(self.words, at) is not None:
                return True
            if not at or not (goes_on(self.words, at) or (self.read_already[at - 1] and at != place)):
                return LIKE.before(self.words, at) is not None and NOT.before(self.words, at - 1) is not None
            at -= 1
        return False

    def _rest(self) -> str:
        """The words that are left, from the first that says something to the last."""
        kept = [
            self.text[token.start : token.end]
            for token, read in zip(self.tokens, self.read_already, strict=True)
            if not read
        ]
        says = [part for part in kept if part.casefold().strip("'’") not in words_.ASKING and part[0].isalnum()]
        meaning = [part for part in says if part.casefold() not in words_.NOT]
        return " ".join(part for part in kept if part[0].isalnum()) if meaning else ""

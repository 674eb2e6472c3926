"""Queries in words to what can be looked for: filters over the catalogue's attributes, items that were named, and the
words that remain, to be matched by their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from autogen.knowledge.attributes import CURRENCIES, Attribute
from autogen.knowledge.catalogue import MENTIONS, Catalogue, Filter
from autogen.knowledge.words import Phrases, Token, tokens
from autogen.skills.recommendation.item_request import Order
from autogen.skills.recommendation.query_understanding import words as words_
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.recommendation.query_understanding.vocabulary import (
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
    continues_list,
    number_of,
    vocabulary_of,
)

MOST_TOKENS = 400  # of a query that are read
NEAR = 4  # words within which a negation finds what it denies
MARKS = 4  # of punctuation within a title
ROUND = 0.2  # "around 100" is 80 to 120


def parse_query(
    text: str, catalogue: Catalogue, shown: Sequence[str] = (), earlier: ParsedQuery | None = None
) -> ParsedQuery:
    """Parse a text into filters, named items, an order and free text.

    `shown`: ids shown last, the first first; `earlier`: the query that they answered, whose filters still hold where
    this one goes on from it."""
    parsed_query = _QueryParser(text, catalogue, shown).parse()
    if earlier is not None and (parsed_query.follows or parsed_query.only_orders):
        parsed_query = parsed_query.refine(earlier)
    return replace(parsed_query, problem=parsed_query.problem or parsed_query.question())


@dataclass
class _Bounds:
    """What is said of one attribute so far."""

    at_least: float | None = None
    at_most: float | None = None
    any_of: list[str] = field(default_factory=list)
    none_of: list[str] = field(default_factory=list)


class _QueryParser:
    """One query, word by word; what has been understood is not read again."""

    def __init__(self, text: str, catalogue: Catalogue, shown: Sequence[str]) -> None:
        self.text, self.catalogue, self.shown = text, catalogue, shown
        self.tokens: list[Token] = tokens(text)[:MOST_TOKENS]
        self.words = [token.word for token in self.tokens]
        self.consumed = [False] * len(self.words)
        self.vocabulary = vocabulary_of(catalogue)
        self.bounds: dict[str, _Bounds] = {}
        self.like: list[str] = []
        self.unlike: list[str] = []
        self.follows = False
        self.problem = ""
        self.order: Order | None = None
        self.unmet: list[str] = []

    def parse(self) -> ParsedQuery:
        for step in (
            self._titles,
            self._references,
            self._superlative,
            self._relative,
            self._numbers,
            self._times,
            self._values,
            self._free,
            self._mentions,
        ):
            for place in range(len(self.words)):
                if not self.consumed[place]:
                    step(place)
        filters = tuple(
            Filter(name, bounds.at_least, bounds.at_most, tuple(bounds.any_of), tuple(bounds.none_of))
            for name, bounds in self.bounds.items()
        )
        like, unlike = tuple(dict.fromkeys(self.like)), tuple(dict.fromkeys(self.unlike))
        return ParsedQuery(
            self._rest(), filters, like, unlike, self.problem, self.follows, self.order, unmet=tuple(self.unmet)
        )

    def _take(self, place: int, count: int) -> None:
        self.consumed[place : place + count] = [True] * count

    def _of(self, attribute: str) -> _Bounds:
        return self.bounds.setdefault(attribute, _Bounds())

    def _titles(self, place: int) -> None:
        """Titles after "like", in quotes, or written with capitals: "It" and "Up" are words elsewhere."""
        longest = min(self.vocabulary.titles.longest(self.words, place) + MARKS, len(self.words) - place)
        for count in range(longest, 0, -1):
            span = self.words[place : place + count]
            if not span[-1][0].isalnum():
                continue
            items = self.vocabulary.titles.find([word for word in span if word[0].isalnum()])
            if items and self._is_title(place, count):
                denied = self._denied(place)
                (self.unlike if denied else self.like).append(self.catalogue.items[items[0]].id)
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

    def _references(self, place: int) -> None:
        """ "more like the second", "not the first": of what was shown."""
        at = words_.ORDINALS.get(self.words[place])
        number = self.words[place]
        if at is None and number.isdigit() and place and self.words[place - 1] in ("#", "number", "no", "nr"):
            at = int(number) - 1
        if at is None or not self._points(place):
            return
        if at >= len(self.shown):
            question = words_.UNKNOWN_NUMBER.format(count=len(self.shown)) if self.shown else words_.NOTHING_SHOWN
            self.problem = self.problem or question
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
        match = SUPERLATIVES.at(self.words, place)
        if match is None or self._denied(place):
            return
        count, (kind, least) = match
        name_length, attribute = self.vocabulary.number_at(self.words, place + count)
        attribute = attribute or (self.catalogue.money() if kind == "money" else None)
        attribute = attribute or (self.catalogue.year() if kind == "year" else None)
        if attribute is not None:
            self.order = Order(attribute.name, least)
        elif kind:
            self.unmet.append(" ".join(self.words[place : place + count]))
        if attribute is not None or kind:
            self._take(place, count + name_length)

    def _relative(self, place: int) -> None:
        for name, table in FOLLOWING.items():
            match = table.at(self.words, place)
            if match is None or (place + match[0] < len(self.words) and self.words[place + match[0]] == "than"):
                continue
            if not self.shown:
                continue
            self.follows = True
            self._take(place, match[0])
            self._than_shown(name)
            return

    def _than_shown(self, relation: str) -> None:
        attribute = self.catalogue.money() if relation in ("cheaper", "dearer") else self.catalogue.year()
        if relation == "else" or attribute is None:
            return
        position = self.catalogue.position
        values = [
            self.catalogue.items[position[item]].values.get(attribute.name) for item in self.shown if item in position
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
        attribute = self._measured_attribute(place, second or place, number)
        if attribute is None:
            return
        comparison = self._comparison(place)
        if second is not None:
            other = number_of(self.words[second])
            self._range(attribute, number, other if other is not None else number)
            self._take(place, second - place + 1)
        elif comparison is not None:
            self._bound(attribute, comparison, number)
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
                has_opening = BETWEEN.before(self.words, place) is not None or self._after_money(place, BETWEEN)
                if between and between[0] in words_.TO and (has_opening or between[0] not in ("and", "und")):
                    return place + step
        return None

    def _after_money(self, place: int, table: Phrases[str]) -> bool:
        return bool(place) and self.words[place - 1] in CURRENCIES and table.before(self.words, place - 1) is not None

    def _comparison(self, place: int) -> str | None:
        at = place - 1 if place and self.words[place - 1] in CURRENCIES else place
        for name, table in (("at most", AT_MOST), ("at least", AT_LEAST), ("about", ABOUT)):
            if table.before(self.words, at) is not None:
                return name
        return None

    def _measured_attribute(self, first: int, last: int, number: float) -> Attribute | None:
        """The attribute that a number is about: the one named beside it, the year, or money."""
        around = self.words[max(0, first - 5) : first] + self.words[last + 1 : last + 3]
        near = [self.vocabulary.numbers[word] for word in reversed(around) if word in self.vocabulary.numbers]
        money, year = self.catalogue.money(), self.catalogue.year()
        if self.vocabulary.in_full(around):
            return self.vocabulary.in_full(around)
        if any(
            word in CURRENCIES for word in (*self.words[max(0, first - 1) : first], *self.words[last + 1 : last + 2])
        ):
            return money
        if near and not near[0].is_count:
            return near[0]
        whole = number.is_integer() and 1800 <= number <= 2100
        if (
            year is not None
            and whole
            and (self._comparison(first) or EXACTLY.before(self.words, first) or last != first)
        ):
            return year
        years_only = YEARS_ONLY.before(self.words, first) is not None
        bare = (
            last + 1 >= len(self.words) or not self.words[last + 1].isalpha() or self.words[last + 1] in words_.ASKING
        )
        return money if self._comparison(first) and bare and not years_only else None

    def _bound(self, attribute: Attribute, comparison: str, number: float) -> None:
        bounds, is_year = self._of(attribute.name), attribute.role == "year"
        if comparison == "about":
            reach = 2 if attribute.role == "year" else ROUND * number
            bounds.at_least, bounds.at_most = number - reach, number + reach
        elif comparison == "at most":
            bounds.at_most = (
                number - 1 if is_year and self._strictly(number, ("before", "older than", "vor")) else number
            )
        else:
            strictly = is_year and self._strictly(number, ("after", "newer than", "nach"))
            bounds.at_least = number + 1 if strictly else number

    def _strictly(self, number: float, phrases: Sequence[str]) -> bool:
        place = self.words.index(f"{number:.0f}")
        match = YEARS_ONLY.before(self.words, place)
        return match is not None and match[1] in phrases

    def _range(self, attribute: Attribute, low: float, high: float) -> None:
        bounds = self._of(attribute.name)
        bounds.at_least, bounds.at_most = float(min(low, high)), float(max(low, high))

    def _take_around(self, first: int, last: int) -> None:
        """Currency, comparison and the attribute's name are understood with the number."""
        while first and (self.words[first - 1] in CURRENCIES or self.words[first - 1] in self.vocabulary.numbers):
            first -= 1
            self._take(first, 1)
        for table in (AT_MOST, AT_LEAST, ABOUT, BETWEEN, EXACTLY):
            match = table.before(self.words, first)
            if match is not None:
                self._take(first - match[0], match[0])
                break
        after = last + 1
        while after < len(self.words) and (
            self.words[after] in CURRENCIES or self.words[after] in self.vocabulary.numbers
        ):
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
        elif match := RECENT.at(self.words, place):
            self._of(year.name).at_least = year.high - words_.NEW
            self._take(place, match[0])
        elif match := CLASSIC.at(self.words, place):
            self._of(year.name).at_most = year.high - words_.OLD
            self._take(place, match[0])

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
        match = self.vocabulary.values.at(self.words, place)
        if match is None:
            return
        count, (attribute, value) = match
        bounds = self._of(attribute)
        names = bounds.none_of if self._denied(place) else bounds.any_of
        if value not in names:
            names.append(value)
        self._take(place, count)

    def _free(self, place: int) -> None:
        """ "without a monthly fee", "a free account": where the catalogue has what costs nothing."""
        match = self.vocabulary.nothing_of(self.words, place, self._denied(place))
        if match is not None and self._of(match[1].name).at_most in (None, 0.0):
            self._of(match[1].name).at_most = 0.0
            self._take(place, match[0])

    def _mentions(self, place: int) -> None:
        """ "not black": what no attribute knows must not be mentioned."""
        word = self.words[place]
        is_content_word = (
            len(word) > 2 and word.isalpha() and word not in words_.ASKING and NOT.at(self.words, place) is None
        )
        if is_content_word and self._denied(place):
            self._of(MENTIONS).none_of.append(word)
            self._take(place, 1)

    def _denied(self, place: int) -> bool:
        """Whether a negation stands before, with nothing between them but what lists go on with."""
        at = place
        for _ in range(NEAR * 2):
            if NOT.before(self.words, at) is not None:
                return True
            if not at or not (continues_list(self.words, at) or (self.consumed[at - 1] and at != place)):
                return LIKE.before(self.words, at) is not None and NOT.before(self.words, at - 1) is not None
            at -= 1
        return False

    def _rest(self) -> str:
        """The words that are left, from the first that says something to the last."""
        parts = [
            self.text[token.start : token.end]
            for token, is_consumed in zip(self.tokens, self.consumed, strict=True)
            if not is_consumed
        ]
        meaningful = [part for part in parts if part.casefold().strip("'’") not in words_.ASKING and part[0].isalnum()]
        meaning = [part for part in meaningful if part.casefold() not in words_.NOT]
        return " ".join(part for part in parts if part[0].isalnum()) if meaning else ""

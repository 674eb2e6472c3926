"""A catalogue of items: their titles, their attributes, and which of them pass a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from autogen.data.names import is_written_by_programs, plain_name
from autogen.data.problems import Problem, shown
from autogen.data.rows import Row
from autogen.data.text import normalise
from autogen.errors import VersionDamaged
from autogen.knowledge.attributes import (
    ALMOST_ALL,
    Attribute,
    Cell,
    Value,
    clean_cell,
    infer_attribute,
    non_numeric_cells,
    spoken_number,
)
from autogen.knowledge.words import plain_words
from autogen.storage.files import explain_os_errors, write_atomically

Mask = NDArray[np.bool_]

MENTIONS = "mentions"  # a filter's attribute that every item has: the words of its title and texts
ITEM, TITLE, YEAR = "item", "title", "year"
_FORMAT = 1
_TITLE_YEAR = re.compile(r"\((\d{4})\)\s*$")
# Columns that say nothing of what an item is like.
_MEANINGLESS = frozenset(
    "id ids uuid guid sku asin isbn ean upc gtin url uri link image img picture poster thumbnail lang language locale "
    "stock visible visibility path file hash timestamp status".split()
)


@dataclass(frozen=True, slots=True)
class Item:
    """`values`: all that was given of it besides, cleaned: numbers as such, several values as a tuple."""

    id: str
    title: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Filter:
    """What an item's attribute must be. Of `any_of` and `none_of`, numbers or a category's values in any case."""

    attribute: str
    at_least: float | None = None
    at_most: float | None = None
    any_of: tuple[str | float, ...] = ()
    none_of: tuple[str | float, ...] = ()

    def describe(self) -> str:
        """In words, such as "price at most 20" or "genres not Horror"."""
        name = self.attribute.replace("_", " ")
        phrases = [self._range(name)] if self.at_least is not None or self.at_most is not None else []
        if self.any_of:
            phrases.append(f"{'mentioning' if name == MENTIONS else name} {_either(self.any_of)}")
        if self.none_of:
            phrases.append(f"{'not mentioning' if name == MENTIONS else f'{name} not'} {_either(self.none_of)}")
        return ", ".join(phrases)

    def _range(self, name: str) -> str:
        if self.at_most is None:
            return f"{name} at least {spoken_number(self.at_least or 0.0)}"
        if self.at_least is None:
            return f"{name} at most {spoken_number(self.at_most)}"
        low, high = spoken_number(self.at_least), spoken_number(self.at_most)
        return f"{name} {low}" if low == high else f"{name} {low}–{high}"


def _either(values: Sequence[str | float]) -> str:
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) > 2 and len(numbers) == len(values) == max(numbers) - min(numbers) + 1:
        return f"{spoken_number(float(min(numbers)))}–{spoken_number(float(max(numbers)))}"
    return " or ".join(value if isinstance(value, str) else spoken_number(float(value)) for value in values)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items in their order, and what their attributes are. Equal to itself alone: it may have a million items."""

    items: tuple[Item, ...]
    attributes: Mapping[str, Attribute]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def from_rows(cls, rows: Iterable[Row]) -> tuple[Catalogue, list[Problem]]:
        """The catalogue that rows with `item`, `title` and any other columns make, and what is wrong with them. A row
        without an id is left out, as is every row but the first of an id."""
        unique_rows, problems = _unique_rows(rows)
        columns = dict.fromkeys(name for _, _, row in unique_rows for name in row.values if name not in (ITEM, TITLE))
        attributes: dict[str, Attribute] = {}
        values: list[dict[str, Value]] = [{} for _ in unique_rows]
        titles = [title for _, title, _ in unique_rows]
        for name in columns:
            cells = [clean_cell(row.values.get(name)) for _, _, row in unique_rows]
            _add(name, cells, attributes, values)
            if name in attributes and not _MEANINGLESS & {*attributes[name].words}:
                problems += _no_numbers(attributes[name], cells, [row for _, _, row in unique_rows])
        if not any(attribute.role == "year" for attribute in attributes.values()) and YEAR not in attributes:
            _add_years(titles, attributes, values)
        items = (
            Item(id_, title, item_values) for (id_, title, _), item_values in zip(unique_rows, values, strict=True)
        )
        return cls(tuple(items), attributes), problems

    @cached_property
    def position(self) -> Mapping[str, int]:
        return {item.id: at for at, item in enumerate(self.items)}

    def money(self) -> Attribute | None:
        """The attribute that an amount of money is about."""
        return self._of_role("money")

    def year(self) -> Attribute | None:
        """The attribute that a year is about."""
        return self._of_role("year")

    def _of_role(self, role: str) -> Attribute | None:
        candidates = [attribute for attribute in self.attributes.values() if attribute.role == role]
        return min(candidates, key=lambda a: (-a.rows > -0.5 * len(self), len(a.words), len(a.name)), default=None)

    def text_of(self, item: Item) -> str:
        """What it is, in one line for a sentence encoder: "Alien (1979). Horror, Sci-Fi"."""
        year = self.year()
        number = item.values.get(year.name) if year else None
        dated = isinstance(number, float) and not _TITLE_YEAR.search(item.title)
        parts = [f"{item.title} ({spoken_number(number)})" if isinstance(number, float) and dated else item.title]
        for kind in ("category", "text"):
            texts = [_value_text(item.values[name]) for name in self._meaningful[kind] if name in item.values]
            parts += [", ".join(texts)] if kind == "category" and texts else texts
        return ". ".join(part.rstrip(" .") for part in parts if part.strip(" ."))

    @cached_property
    def _meaningful(self) -> Mapping[str, Sequence[str]]:
        """Names of the attributes that say what an item is like, by kind."""
        names_by_kind: dict[str, list[str]] = {"category": [], "text": [], "number": []}
        for name, attribute in self.attributes.items():
            if not _MEANINGLESS & {*attribute.words} and _tells_apart(attribute, self.items):
                names_by_kind[attribute.kind].append(name)
        return names_by_kind

    def numbers(self, attribute: str) -> NDArray[np.float64]:
        """An attribute's number of each item; NaN where it has none."""
        if attribute not in self._numbers:
            values = (item.values.get(attribute) for item in self.items)
            numbers = (value if isinstance(value, float) else np.nan for value in values)
            self._numbers[attribute] = np.fromiter(numbers, np.float64, len(self))
        return self._numbers[attribute]

    def mask(self, filters: Iterable[Filter]) -> Mask:
        """Which items pass all filters. Without the attribute an item passes `none_of` only."""
        passing = np.ones(len(self), dtype=np.bool_)
        for condition in filters:
            passing &= self._passing(condition)
        return passing

    def _passing(self, condition: Filter) -> Mask:
        passing = np.ones(len(self), dtype=np.bool_)
        if condition.at_least is not None or condition.at_most is not None:
            numbers = self.numbers(condition.attribute)
            low = -np.inf if condition.at_least is None else condition.at_least
            high = np.inf if condition.at_most is None else condition.at_most
            passing &= (numbers >= low) & (numbers <= high)
        if condition.any_of:
            passing &= self._having(condition.attribute, condition.any_of)
        if condition.none_of:
            passing &= ~self._having(condition.attribute, condition.none_of)
        return passing

    def _having(self, attribute: str, values: Sequence[str | float]) -> Mask:
        having = np.zeros(len(self), dtype=np.bool_)
        texts = [value for value in values if isinstance(value, str)]
        numbers = [value for value in values if not isinstance(value, str)]
        if attribute == MENTIONS and MENTIONS not in self.attributes:
            for text in texts:
                having |= self.mentioning(text)
            return having
        if numbers:
            having |= np.isin(self.numbers(attribute), numbers)
        places = self._places_of(attribute) if texts else {}
        for text in texts:
            having[places.get(normalise(text), [])] = True
        return having

    def _places_of(self, attribute: str) -> Mapping[str, NDArray[np.intp]]:
        """For each value of an attribute, to compare by, which items have it."""
        if attribute not in self._places:
            by_spelling: dict[str, list[int]] = {}  # by the value as written: most items write it alike
            for at, item in enumerate(self.items):
                value = item.values.get(attribute)
                for part in value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ():
                    by_spelling.setdefault(part, []).append(at)
            by_value: dict[str, list[int]] = {}
            for spelling, places in by_spelling.items():
                by_value.setdefault(normalise(spelling), []).extend(places)
            self._places[attribute] = {value: np.array(places, np.intp) for value, places in by_value.items()}
        return self._places[attribute]

    def mentioning(self, phrase: str) -> Mask:
        """Which items' titles or texts hold the words of `phrase`, one after the other."""
        mask = np.zeros(len(self), dtype=np.bool_)
        padded_phrase = f" {' '.join(plain_words(phrase))} "
        text, starts = self._words
        start = text.find(padded_phrase) if padded_phrase.strip() else -1
        while start >= 0:
            item = int(np.searchsorted(starts, start, side="right")) - 1
            mask[item] = True
            start = text.find(padded_phrase, int(starts[item + 1]) if item + 1 < len(starts) else len(text))
        return mask

    def says(self, word: str) -> bool:
        """Whether any item's title or texts have this word, as `plain_words` writes it."""
        return f" {word} " in self._words[0]

    @cached_property
    def _words(self) -> tuple[str, NDArray[np.intp]]:
        """The words of all items in one string, and where each item's begin: searching it is far faster than them."""
        lines = [f" {' '.join(plain_words(self.text_of(item)))} \n" for item in self.items]
        starts = np.cumsum([0, *map(len, lines)], dtype=np.intp)[:-1]
        return "".join(lines), starts

    @cached_property
    def _numbers(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached_property
    def _places(self) -> dict[str, Mapping[str, NDArray[np.intp]]]:
        return {}

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all. Raises StorageError."""
        write_atomically(path, _SAVED_CATALOGUE.dump_json(_SavedCatalogue(_FORMAT, self.items, dict(self.attributes))))

    @classmethod
    def load(cls, path: Path) -> Catalogue:
        """Raises VersionDamaged when the file is missing or is not what `save` writes; StorageError."""
        with explain_os_errors(path):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                raise VersionDamaged(f"{path}: expected the catalogue of this version, found no file.") from None
        try:
            saved = _SAVED_CATALOGUE.validate_json(data)
        except ValidationError as error:
            problem: Any = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, problem["loc"])) or "the file"
            raise VersionDamaged(f"{path}: expected a saved catalogue; {place}: {problem['msg']}.") from error
        if saved.format != _FORMAT:
            raise VersionDamaged(f"{path}: expected a catalogue of format {_FORMAT}, found {saved.format}.")
        return cls(saved.items, saved.attributes)


@dataclass(frozen=True)
class _SavedCatalogue:
    format: int
    items: tuple[Item, ...]
    attributes: dict[str, Attribute]


_SAVED_CATALOGUE = TypeAdapter(_SavedCatalogue)


def _unique_rows(rows: Iterable[Row]) -> tuple[list[tuple[str, str, Row]], list[Problem]]:
    unique: list[tuple[str, str, Row]] = []
    problems: list[Problem] = []
    first_rows: dict[str, Row] = {}
    for row in rows:
        id_, title = plain_name(_name(row.values.get(ITEM))), _name(row.values.get(TITLE))
        if not id_ or is_written_by_programs(id_):
            message = f"expected the id of an item in {shown(ITEM)}, found {shown(row.values.get(ITEM))}"
            problems.append(row.error("missing-id", message, "give every item an id of its own"))
            continue
        if id_ in first_rows:
            problems.append(_duplicate_item(row, id_, first_rows[id_]))
            continue
        if not title or is_written_by_programs(title):
            title = ""
            fix = "write one; until then it is called by its id"
            problems.append(
                _warning(row, "missing-title", f"expected a title of the item {shown(id_)}, found none", fix)
            )
        first_rows[id_] = row
        unique.append((id_, title or id_, row))
    return unique, problems


def _name(value: object) -> str:
    cell = None if isinstance(value, bool) else value if isinstance(value, str) else clean_cell(value)
    if isinstance(cell, float):
        return spoken_number(cell)
    return " ".join(cell.split()) if isinstance(cell, str) else ""


def _duplicate_item(row: Row, id_: str, first: Row) -> Problem:
    place = f"row {first.number}" if first.source == row.source else f"{first.source}, row {first.number}"
    message = f"expected each item once, found {shown(id_)} again, first in {place}"
    return _warning(row, "duplicate-item", message, "delete one of them; the first is used")


def _warning(row: Row, kind: str, message: str, fix: str) -> Problem:
    return Problem("warning", kind, row.source, row.number, message, fix)


def _no_numbers(attribute: Attribute, cells: Sequence[Cell | None], rows: Sequence[Row]) -> list[Problem]:
    fixes = {
        "unknown-number": "it counts as not given; leave the cell empty",
        "no-number": f"the column counts as {attribute.kind}; write numbers alone where it is to be compared",
    }
    return [
        _warning(
            rows[places[0]],
            kind,
            f"expected a number in {shown(attribute.name)}, found {shown(cells[places[0]])} ({len(places)} such rows)",
            fixes[kind],
        )
        for kind, places in non_numeric_cells(attribute, cells).items()
        if places
    ]


def _add(
    name: str, cells: Sequence[Cell | None], attributes: dict[str, Attribute], values: Sequence[dict[str, Value]]
) -> None:
    if all(cell is None for cell in cells):
        return
    attributes[name], column = infer_attribute(name, cells)
    for item_values, value in zip(values, column, strict=True):
        if value is not None:
            item_values[name] = value


def _add_years(titles: Sequence[str], attributes: dict[str, Attribute], values: Sequence[dict[str, Value]]) -> None:
    """Many a catalogue has its years in the titles only: "Toy Story (1995)"."""
    years = [_TITLE_YEAR.search(title) for title in titles]
    if titles and sum(year is not None for year in years) >= ALMOST_ALL * len(titles):
        _add(YEAR, [year[1] if year else None for year in years], attributes, values)


def _value_text(value: Value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _tells_apart(attribute: Attribute, items: Sequence[Item]) -> bool:
    """Not what nearly every item has, nor codes, nor numbers in a list."""
    if attribute.kind == "number" or attribute.is_flag:
        return False
    if attribute.kind == "category":
        top_value, common = next(iter(attribute.counts.items()))
        letters = sum(n for value, n in attribute.counts.items() if len(value) > 1 and not value.isdigit())
        nearly_constant = len(items) > 20 and common >= ALMOST_ALL * len(items) and not attribute.several
        return bool(top_value) and not nearly_constant and 2 * letters >= sum(attribute.counts.values())
    some = [_value_text(item.values[attribute.name]) for item in items[:200] if attribute.name in item.values]
    wordy = sum(bool(re.search(r"[^\W\d_]{2}", text)) and "://" not in text for text in some)
    return 2 * wordy >= len(some)

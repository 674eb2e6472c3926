"""What the columns of a catalogue are: numbers, categories or text, inferred from the values they hold."""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from numbers import Real
from typing import Literal

from autogen.data.names import is_word_for_nothing
from autogen.data.text import normalise

Value = str | float | tuple[str, ...]
Cell = str | float | bool | tuple[str, ...]
Kind = Literal["number", "category", "text"]
Role = Literal["money", "year", ""]

ALMOST_ALL = 0.95  # of a column's values that must be of a kind: real files have a "n/a" here and there
MOSTLY = 0.5  # of a column's values: where more are numbers, the others are a surprise
YES, NO = "yes", "no"
CURRENCIES = frozenset("$ € £ ¥ ₹ eur euro euros usd gbp dollar dollars chf kr rs yen yuan rmb 元 块 欧元 美元".split())
_MONEY = frozenset("price prices cost costs msrp fee fare rent preis kosten prix precio 价格 售价 价钱".split())
_YEAR = frozenset(
    "year yr date released release published publication vintage jahr datum annee ano 年份 年 日期".split()
)
_COUNTS = frozenset("n num number count total counts no votes".split())
_FLAGS = {"true": YES, "false": NO, "yes": YES, "no": NO}
_NUMBER = re.compile(r"([^\d\s.,+\-]{0,5}) ?([+\-]?\d[\d.,]*)(?: ?([^\d\s.,]{1,12}))?\.?")
_NAMES = ("name", "title", "label", "value")
_LIST_CHARS = 10_000  # of a list written as text


@dataclass(frozen=True)
class Attribute:
    """A column of a catalogue. `counts`: a category's values as mostly written, and how many items have each, the
    most frequent first. `low` and `high`: the range of a number. `several`: an item may have several values."""

    name: str
    kind: Kind
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    several: bool = False
    low: float = 0.0
    high: float = 0.0
    unit: str = ""

    @cached_property
    def spellings(self) -> Mapping[str, str]:
        """A category's values to compare by → as written."""
        return {normalise(value): value for value in self.counts}

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its name: `list_price`, `listPrice` and "List price" are the same."""
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)
        return tuple(re.findall(r"[^\W\d_]+", spaced.casefold()))

    @cached_property
    def role(self) -> Role:
        """Money and years are asked for without naming the column."""
        if self.kind != "number":
            return ""
        if _MONEY & {*self.words} or self.unit.casefold() in CURRENCIES:
            return "money"
        return "year" if _YEAR & {*self.words} and self.high <= 2200 and self.high >= 1000 else ""

    @property
    def is_flag(self) -> bool:
        return self.kind == "category" and {*self.counts} <= {YES, NO}

    @property
    def is_count(self) -> bool:
        """Whether it counts something: the number of ratings is not what "rating" means."""
        return bool(_COUNTS & {*self.words})


def clean_cell(value: object) -> Cell | None:
    """A cell as it is kept; None where nothing was given."""
    if isinstance(value, str):
        return _parse_list(" ".join(value.split()))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Real | Decimal):
        number = float(value) if abs(float(value)) < 1e300 else math.inf  # NaN compares as false
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        text = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), None)
        return clean_cell(text)
    if isinstance(value, list | tuple | set | frozenset) or hasattr(value, "tolist"):
        return _elements(value)
    return value.isoformat() if isinstance(value, date) else " ".join(str(value).split()) or None


def _parse_list(text: str) -> Cell | None:
    """A list that was written as text, in JSON or as Python prints it, is a list."""
    if not (text.startswith("[") and text.endswith("]") and len(text) <= _LIST_CHARS):
        return text or None
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list):
            return _elements(value)
    return text


def _elements(value: object) -> tuple[str, ...] | str | float | bool | None:
    elements = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(elements, list | tuple | set | frozenset):
        return clean_cell(elements)
    cells = (
        clean_cell(element)
        for element in (elements if isinstance(elements, list | tuple) else sorted(elements, key=str))
    )
    texts = (spoken_number(cell) if isinstance(cell, float) else str(cell) for cell in cells if cell is not None)
    return tuple(dict.fromkeys(texts)) or None


def spoken_number(number: float) -> str:
    """1994.0 is 1994, 12.5 is 12.5."""
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else f"{number:.12g}"


def number_in(text: str) -> float | None:
    """The number that digits with separators are: 1,299.00 · 1.299,00 · 12,50 · 1,299."""
    last_dot, last_comma = text.rfind("."), text.rfind(",")
    if last_dot >= 0 and last_comma >= 0:
        point = "." if last_dot > last_comma else ","
    elif last_comma >= 0:
        point = "." if re.fullmatch(r"[+\-]?\d{1,3}(,\d{3})+", text) else ","
    else:
        point = "," if text.count(".") > 1 else "."
    digits = text.replace("," if point == "." else ".", "").replace(point, ".")
    try:
        return float(digits)
    except ValueError:  # "1.2.3,4,5" and other marks that are no number
        return None


def number_and_unit(cell: Cell) -> tuple[float, str] | None:
    if isinstance(cell, float):
        return cell, ""
    if not isinstance(cell, str) or len(cell) > 40:
        return None
    match = _NUMBER.fullmatch(cell)
    number = number_in(match[2]) if match else None
    if not match or number is None or (match[1] and match[3]):
        return None
    return number, match[1] or match[3] or ""


def infer_attribute(name: str, cells: Sequence[Cell | None]) -> tuple[Attribute, list[Value | None]]:
    """What a column is, and its values as such. A value that is no number in a column of numbers stays text."""
    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, bool) or str(cell).lower() in _FLAGS for cell in present) or {*present} == {0.0, 1.0}:
        flags: list[Value | None] = [None if cell is None else _flag(cell) for cell in cells]
        return _category(name, flags, several=False), flags
    if any(isinstance(cell, tuple) for cell in present):
        return _several_values(
            name, [cell if isinstance(cell, tuple) else (_text(cell),) if cell else None for cell in cells]
        )
    # "unknown" may be a category, but is no number
    known_cells = [None if is_unknown(cell) else cell for cell in cells]
    filled_cells = [cell for cell in known_cells if cell is not None]
    if filled_cells:
        inferred = _numbers(name, known_cells, filled_cells) or _years(name, known_cells, filled_cells)
        if inferred is not None:
            return inferred
    texts = [None if cell is None else _text(cell) for cell in cells]
    separator = _separator([text for text in texts if text])
    if separator:
        return _several_values(name, [text and tuple(_parts(text, separator)) for text in texts])
    values: list[Value | None] = [*texts]
    filled = [text for text in texts if text]
    return _category(name, values, several=False) if _names_things(filled) else _text_attribute(name, values), values


def is_unknown(cell: Cell | None) -> bool:
    """Whether people write this where there is no number."""
    return is_word_for_nothing(cell)


def non_numeric_cells(attribute: Attribute, cells: Sequence[Cell | None]) -> dict[str, list[int]]:
    """Places of the cells that are no numbers in a column that is mostly numbers, by what is wrong with them: they say
    that nothing is known, or something else."""
    if attribute.is_flag or attribute.several:
        return {}
    unknown = [place for place, cell in enumerate(cells) if is_unknown(cell)]
    present = [place for place, cell in enumerate(cells) if cell is not None and not is_unknown(cell)]
    non_numeric = [place for place in present if _is_no_number(attribute, cells[place])]
    if len(present) - len(non_numeric) <= MOSTLY * len(present):
        return {}
    return {"unknown-number": unknown if attribute.kind == "number" else [], "no-number": non_numeric}


def _is_no_number(attribute: Attribute, cell: Cell | None) -> bool:
    dated = attribute.role == "year" and isinstance(cell, str) and _dates(attribute.name).search(cell)
    return not dated and (cell is None or number_and_unit(cell) is None)


def _flag(cell: Cell) -> str:
    return _FLAGS[cell.lower()] if isinstance(cell, str) else YES if cell else NO


def _text(cell: Cell) -> str:
    return spoken_number(cell) if isinstance(cell, float) else str(cell)


def _numbers(
    name: str, cells: Sequence[Cell | None], present: Sequence[Cell]
) -> tuple[Attribute, list[Value | None]] | None:
    parsed = [number_and_unit(cell) for cell in present]
    numbers = [pair for pair in parsed if pair is not None]
    units = {unit for _, unit in numbers if unit}
    # "500 g" beside "1 kg": comparing the bare numbers would be wrong
    if len(numbers) < ALMOST_ALL * len(present) or len(units) > 1:
        return None
    values: list[Value | None] = [None if cell is None else _as_number(cell) for cell in cells]
    low, high = min(number for number, _ in numbers), max(number for number, _ in numbers)
    return Attribute(name, "number", len(present), low=low, high=high, unit="".join(units)), values


def _as_number(cell: Cell) -> Value:
    pair = number_and_unit(cell)
    return _text(cell) if pair is None else pair[0]


def _years(
    name: str, cells: Sequence[Cell | None], present: Sequence[Cell]
) -> tuple[Attribute, list[Value | None]] | None:
    """Dates are kept as their years: that is what people ask for."""
    date_like = _dates(name)
    years = [date_like.search(cell) if isinstance(cell, str) and len(cell) <= 40 else None for cell in present]
    numbers = [float(year[1]) for year in years if year]
    if len(numbers) < ALMOST_ALL * len(present):
        return None
    values: list[Value | None] = []
    for cell in cells:
        year = date_like.search(cell) if isinstance(cell, str) else None
        values.append(float(year[1]) if year else cell if cell is None else _text(cell))
    return Attribute(name, "number", len(present), low=min(numbers), high=max(numbers)), values


def _dates(name: str) -> re.Pattern[str]:
    return re.compile(r"\b(1\d{3}|20\d\d)\b" if _YEAR & {*Attribute(name, "text", 0).words} else r"^(\d{4})-\d\d")


def _several_values(name: str, cells: Sequence[tuple[str, ...] | str | None]) -> tuple[Attribute, list[Value | None]]:
    values: list[Value | None] = [cell or None for cell in cells]
    parts = [part for cell in cells for part in cell or ()]
    # each value of one item only: aliases, ratings by star, not something to choose by
    said_once = len(parts) > 20 and len({*parts}) > 0.9 * len(parts)
    return _text_attribute(name, values) if said_once else _category(name, values, several=True), values


def _parts(text: str, separator: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(separator) if part.strip()))


def _separator(texts: Sequence[str]) -> str:
    """What stands between the values of a column that holds several in one cell; empty when it does not."""
    for separator in ("|", ";", ","):
        parts_by_text = [_parts(text, separator) for text in texts]
        counts = Counter(part for parts in parts_by_text for part in parts)
        total = sum(counts.values())
        if total < 1.1 * len(texts) or sum(len(part) * n for part, n in counts.items()) > 25 * total:
            continue
        if len(counts) > 0.7 * total and len(texts) > 10:
            continue
        # "King, Stephen" is one name: its parts never stand alone
        alone = {parts[0] for parts in parts_by_text if len(parts) == 1}
        if separator == "|" or 2 * sum(n for part, n in counts.items() if part in alone) >= total:
            return separator
    return ""


def _names_things(texts: Sequence[str]) -> bool:
    """Whether a column of strings names classes of items rather than describing each."""
    if not texts or any("://" in text for text in texts[:20]):
        return False
    distinct = len({*texts})
    length = sum(map(len, texts)) / len(texts)
    words = sum(text.count(" ") + 1 for text in texts) / len(texts)
    if length <= 40 and words <= 5 and (distinct <= 12 or 2 * distinct <= len(texts)):
        return True
    return length <= 25 and words <= 3 and (len(texts) < 50 or distinct <= 0.9 * len(texts))


def _category(name: str, values: Sequence[Value | None], *, several: bool) -> Attribute:
    spelled: dict[str, Counter[str]] = {}
    for value in values:
        for part in value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ():
            spelled.setdefault(normalise(part), Counter())[part] += 1
    counts = {spelling.most_common(1)[0][0]: spelling.total() for spelling in spelled.values()}
    sorted_counts = dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
    return Attribute(name, "category", sum(value is not None for value in values), sorted_counts, several)


def _text_attribute(name: str, values: Sequence[Value | None]) -> Attribute:
    several = any(isinstance(value, tuple) for value in values)
    return Attribute(name, "text", sum(value is not None for value in values), several=several)

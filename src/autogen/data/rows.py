"""A row as it was read, and the small checks by which a task turns its cells into text and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real

from autogen.data.names import plain_name
from autogen.data.problems import Problem, shown
from autogen.data.text import is_blank


@dataclass(frozen=True)
class Row:
    """Named values, the file they came from, and the number by which a person finds them there.

    `number` is the line of a CSV, TSV or JSON lines file, else the row's place counted from 1.
    """

    values: Mapping[str, object]
    source: str
    number: int

    def error(self, kind: str, message: str, fix: str) -> Problem:
        return Problem("error", kind, self.source, self.number, message, fix)


def is_missing(row: Row, field: str) -> bool:
    """Whether nothing was given: no such cell, None, NaN, or nothing but white space."""
    value = row.values.get(field)
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Real) and value != value)


def require_text(row: Row, field: str, max_chars: int) -> str | Problem:
    """The text in `field` as it stands there, or what is wrong with it. Numbers are not text."""
    if is_missing(row, field):
        return _missing_value(row, field)
    value = row.values[field]
    if not isinstance(value, str):
        message = f'expected text in "{field}", found {shown(value)} ({type(value).__name__})'
        return row.error("not-text", message, "write it as text, in quotes")
    return _check_text(row, field, str(value), max_chars)


def require_visible_text(row: Row, field: str, max_chars: int) -> str | Problem:
    """The same, where a text of which nothing is to be seen is none."""
    text = require_text(row, field, max_chars)
    return _missing_value(row, field) if isinstance(text, str) and is_blank(text) else text


def require_label(row: Row, field: str, max_chars: int) -> str | Problem:
    """The name in `field` without what cannot be seen of it (see `names.plain_name`), or what is wrong with it."""
    name = require_name(row, field, max_chars)
    return name if isinstance(name, Problem) else plain_name(name) or _missing_value(row, field)


def require_name(row: Row, field: str, max_chars: int) -> str | Problem:
    """The name in `field` as it is written, without the space around it, or what is wrong with it.

    A number becomes its decimal string, `1.0` the same as `1`: a gap in an integer column makes floats of it.
    """
    if is_missing(row, field):
        return _missing_value(row, field)
    value = row.values[field]
    label = value.strip() if isinstance(value, str) else _decimal(value)
    if label is None:
        message = f'expected a name or a number in "{field}", found {shown(value)} ({type(value).__name__})'
        return row.error("not-a-label", message, "write one label as text, in quotes")
    return _check_text(row, field, label, max_chars)


def _missing_value(row: Row, field: str) -> Problem:
    cell = shown(row.values[field]) if field in row.values else "nothing"
    message = f'expected a value in "{field}", found {cell}'
    return row.error("missing-value", message, "fill it in or delete the row")


def _check_text(row: Row, field: str, text: str, max_chars: int) -> str | Problem:
    if len(text) > max_chars:
        message = f'expected at most {max_chars} characters in "{field}", found {len(text)}'
        return row.error("too-long", message, "shorten or split it")
    # JSON may escape half of a character ("\ud83d"); no file, database or tokenizer can take it from there.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        message = f'expected whole characters in "{field}", found a lone surrogate in {shown(text)}'
        return row.error("broken-character", message, "write the character itself, in UTF-8")
    return text


def _decimal(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, Integral | Real | Decimal):
        return None
    try:
        if isinstance(value, Integral):
            return str(int(value))
        number = float(value)
    except (ValueError, OverflowError):  # thousands of digits
        return None
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    return repr(number) if math.isfinite(number) else None

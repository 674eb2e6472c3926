"""CSV and TSV: every record is checked against the header and keeps the line it starts on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autogen.data.problems import Problem, listed, shown
from autogen.data.readers.lines import Lines, decode_lines
from autogen.data.rows import Row

NAMES = {",": "comma", "\t": "tab"}


@dataclass(frozen=True)
class _Record:
    first_line: int
    last_line: int
    cells: list[str]
    fault: str = ""

    def touches(self, damaged: set[int]) -> bool:
        return bool(damaged) and not damaged.isdisjoint(range(self.first_line, self.last_line + 1))


def read_delimited(data: bytes, source: str, delimiter: str) -> tuple[list[Row], list[Problem]]:
    """Rows under a header line. A record that does not fit is an error, and the others are still read."""
    lines = decode_lines(data, source)
    _find_nul(lines, source)
    problems = lines.problems
    records = _records(lines.texts, delimiter)
    header = next(records, None)
    if header is None or header.touches(lines.damaged):
        return [], problems
    names = [cell.strip() for cell in header.cells]
    fault = _header_fault(header, names, delimiter, source)
    if fault:
        return [], [*problems, fault]
    rows: list[Row] = []
    for record in records:
        problem = _record_fault(record, len(names), delimiter, source)
        if record.touches(lines.damaged):
            continue  # reported with the line, and no cell of it can be trusted
        if problem:
            problems.append(problem)
        else:
            values = {name: cell for name, cell in zip(names, record.cells, strict=True) if name}
            rows.append(Row(values, source, record.first_line))
    return rows, problems


def _records(lines: list[str], delimiter: str) -> Iterator[_Record]:
    # Strict, for otherwise a quote that is never closed swallows the rest of the file without a word.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first_line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(first_line, reader.line_num, [], fault=str(error))
            continue
        if cells:
            yield _Record(first_line, reader.line_num, cells)


def _find_nul(lines: Lines, source: str) -> None:
    for number, text in enumerate(lines.texts, start=1):
        if "\0" in text and number not in lines.damaged:
            message = f"expected text, found a NUL byte in column {text.index(chr(0)) + 1}"
            fix = "delete it, or save the file again as UTF-8 text"
            lines.problems.append(Problem("error", "nul-byte", source, number, message, fix))
            lines.damaged.add(number)


def _header_fault(record: _Record, names: list[str], delimiter: str, source: str) -> Problem | None:
    def fault(kind: str, message: str, fix: str) -> Problem:
        return Problem("error", kind, source, record.first_line, message, fix)

    if record.fault:
        return _broken_quotes(record, source)
    if not any(names):
        message = "expected a header line, found empty cells"
        return fault("missing-header", message, "name the columns, as in text,label")
    repeated = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if repeated:
        message = f"expected each column once in the header, found {listed(repeated)} more than once"
        return fault("duplicate-header", message, "rename or delete one of them")
    delimiter_in_cell = next((mark for mark in ";\t|,".replace(delimiter, "") if mark in names[0]), None)
    if len(names) == 1 and delimiter_in_cell:
        message = f"expected cells with a {NAMES[delimiter]} between them, found {shown(names[0])}"
        fix = 'name the file ".tsv"' if delimiter_in_cell == "\t" else f"save it with {NAMES[delimiter]}s"
        return fault("delimiter", message, fix)
    return None


def _record_fault(record: _Record, expected: int, delimiter: str, source: str) -> Problem | None:
    if record.fault:
        return _broken_quotes(record, source)
    cells = len(record.cells)
    if cells == expected:
        return None
    message = f"expected {expected} cells as in the header, found {cells}"
    quotes = f"put quotes around a cell that has a {NAMES[delimiter]} in it"
    fix = quotes if cells > expected else "add what is missing"
    return Problem("error", "cell-count", source, record.first_line, message, fix)


def _broken_quotes(record: _Record, source: str) -> Problem:
    if "field limit" in record.fault:
        kind, cell = "cell-too-large", f"a longer one ({record.fault})"
        message = f"expected cells of at most {csv.field_size_limit()} characters, found {cell}"
        fix = "close the quote if one is open, or use JSON lines for texts this long"
    else:
        kind = "broken-quotes"
        message = f"expected every opened quote to be closed before the next cell, found: {record.fault}"
        fix = 'close the quote, and write "" for a quote inside a quoted cell'
    return Problem("error", kind, source, record.first_line, message, fix)

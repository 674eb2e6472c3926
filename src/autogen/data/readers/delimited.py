"""CSV and TSV: every record is checked against the header and keeps the line it starts on."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from autogen.data.problems import Problem, listed, shown
from autogen.data.readers.lines import Lines, decode_lines
from autogen.data.readers.records import Record, find_swallowed, find_wrapped, leave_out
from autogen.data.rows import Row

NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # spreadsheets write and read it as the first line
_SPACE_AND_QUOTE = re.compile(r'[,;|\t] +"(?!")')
SAMPLE = 200  # records that must agree on a delimiter


def read_delimited(data: bytes, source: str, delimiter: str) -> tuple[list[Row], list[Problem]]:
    """Rows under a header line. A record that does not fit is an error, and the others are still read.

    `delimiter`: what the file's name promises; another one is read where a first line `sep=;` names it, or where the
    header and the records under it agree on it.
    """
    lines = decode_lines(data, source)
    _find_nul(lines, source)
    delimiter = find_delimiter(lines.texts, delimiter)
    if lines.texts and _SEPARATOR_LINE.fullmatch(lines.texts[0]):
        lines.texts[0] = "\n"
    records = parse_records(lines.texts, delimiter)
    if not records or records[0].touches(lines.damaged):
        return [], lines.problems
    return rows_of_records(records, lines, delimiter, source)


def rows_of_records(
    records: Sequence[Record], lines: Lines, delimiter: str, source: str
) -> tuple[list[Row], list[Problem]]:
    """Rows of records, the first of which is the header; `lines`: what they were parsed from."""
    header, problems = records[0], [*lines.problems]
    names = [cell.strip() for cell in header.cells]
    fault = _header_fault(header, names, delimiter, source)
    if fault:
        return [], [*problems, fault]
    swallowed = find_swallowed(records[1:], delimiter, source)
    swallowing = {problem.row for problem in swallowed}
    sound = [r for r in records[1:] if not r.touches(lines.damaged) and r.first_line not in swallowing]
    row_records, left_out = leave_out(sound, names, source)
    problems += [*swallowed, *left_out]
    rows: list[Row] = []
    for record in row_records:
        problem = _record_fault(record, len(names), delimiter, source)
        if problem:
            problems.append(problem)
        else:
            values = {name: cell for name, cell in zip(names, record.cells, strict=True) if name}
            rows.append(Row(values, source, record.first_line))
    return rows, [*problems, *find_wrapped(rows, source)]


def find_delimiter(lines: Sequence[str], expected: str) -> str:
    """What stands between the cells: what a first line `sep=;` names; else what is expected, unless the header is one
    cell by it and several by another mark, of which the records below have as many."""
    if lines and (named := _SEPARATOR_LINE.fullmatch(lines[0])):
        return named[1]
    if next(iter(_widths(lines, expected)), 0) != 1:
        return expected
    agreed = {}
    for mark in NAMES:
        widths = _widths(lines, mark)
        if widths and widths[0] > 1 and 2 * widths.count(widths[0]) > len(widths):
            agreed[mark] = widths[0]
    return max(agreed, key=lambda mark: agreed[mark], default=expected)


def names_delimiter(line: bytes) -> bool:
    """Whether this first line is none of the table but says what stands between its cells: `sep=;`."""
    return _SEPARATOR_LINE.fullmatch(line.decode("utf-8-sig", "replace")) is not None


def _widths(lines: Sequence[str], delimiter: str) -> list[int]:
    """How many cells the header and the records below it have by this delimiter."""
    records = (record for record in _parse(lines, delimiter, lenient_space=True) if not record.is_empty)
    return [len(record.cells) for record in islice(records, SAMPLE)]


def parse_records(lines: Sequence[str], delimiter: str) -> list[Record]:
    """Records that are not blank. Where quotes stand behind a space, as in `a, "b"`, they are read as quotes if more
    records are whole so."""
    records = list(_parse(lines, delimiter))
    if any(_SPACE_AND_QUOTE.search(line) for line in lines):
        lenient = list(_parse(lines, delimiter, lenient_space=True))
        if _misfits(lenient) <= _misfits(records):
            return lenient
    return records


def _misfits(records: Sequence[Record]) -> int:
    return sum(bool(record.fault) or len(record.cells) != len(records[0].cells) for record in records)


def _parse(lines: Sequence[str], delimiter: str, lenient_space: bool = False) -> Iterator[Record]:
    # Strict, for otherwise a quote that is never closed swallows the rest of the file without a word.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=lenient_space)
    while True:
        first_line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(first_line, reader.line_num, [], fault=str(error))
            continue
        if cells:
            yield Record(first_line, reader.line_num, cells)


def _find_nul(lines: Lines, source: str) -> None:
    for number, text in enumerate(lines.texts, start=1):
        if "\0" in text and number not in lines.damaged:
            message = f"expected text, found a NUL byte in column {text.index(chr(0)) + 1}"
            fix = "delete it, or save the file again as UTF-8 text"
            lines.problems.append(Problem("error", "nul-byte", source, number, message, fix))
            lines.damaged.add(number)


def _header_fault(record: Record, names: list[str], delimiter: str, source: str) -> Problem | None:
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
        between = NAMES.get(delimiter, delimiter)
        message = f"expected cells with a {between} between them, found {shown(names[0])}"
        fix = 'name the file ".tsv"' if delimiter_in_cell == "\t" else f"save it with {between}s"
        return fault("delimiter", message, fix)
    return None


def _record_fault(record: Record, expected: int, delimiter: str, source: str) -> Problem | None:
    if record.fault:
        return _broken_quotes(record, source)
    cells = len(record.cells)
    if cells == expected:
        return None
    message = f"expected {expected} cells as in the header, found {cells}"
    quotes = f"put quotes around a cell that has a {NAMES.get(delimiter, delimiter)} in it"
    fix = quotes if cells > expected else "add what is missing"
    return Problem("error", "cell-count", source, record.first_line, message, fix)


def _broken_quotes(record: Record, source: str) -> Problem:
    if "field limit" in record.fault:
        kind, cell = "cell-too-large", f"a longer one ({record.fault})"
        message = f"expected cells of at most {csv.field_size_limit()} characters, found {cell}"
        fix = "close the quote if one is open, or use JSON lines for texts this long"
    else:
        kind = "broken-quotes"
        message = f"expected every opened quote to be closed before the next cell, found: {record.fault}"
        fix = 'close the quote, and write "" for a quote inside a quoted cell'
    return Problem("error", kind, source, record.first_line, message, fix)

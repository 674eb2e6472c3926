"""Records of a table that parse but were not meant so: a quote that swallowed lines, a header again, empty rows, and
the lines that an export writes below its rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autogen.data.problems import Problem, shown
from autogen.data.rows import Row

QUOTES = "\"“”„‟«»'‘’"
WRAPPED_ROWS = 3  # rows of a column in quotes from which on they look like marks that were left over
# What programs write below a table: totals, counts of rows, when and by what it was exported.
_BELOW = re.compile(
    r"\W*(\d[\d.,]* (rows?|records?|results?)\b|(grand )?total\b|sum\b|gesamt|summe\b|end of\b|page \d|export(ed)?\b|"
    r"generated\b|report\b|applied filters?\b|source:|copyright\b|©|--|\(\d+ row)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Record:
    """The cells of one record and the lines that it stands on; `fault`: why it could not be parsed."""

    first_line: int
    last_line: int
    cells: list[str]
    fault: str = ""

    def touches(self, damaged: set[int]) -> bool:
        return bool(damaged) and not damaged.isdisjoint(range(self.first_line, self.last_line + 1))

    @property
    def is_empty(self) -> bool:
        return not self.fault and not any(cell.strip() for cell in self.cells)


def leave_out(records: Sequence[Record], names: Sequence[str], source: str) -> tuple[list[Record], list[Problem]]:
    """The records that are rows, and a warning for each kind of those that are none."""
    problems: list[Problem] = []
    empty = [record for record in records if record.is_empty]
    below = _lines_below(records, len(names))
    plain_names = [name.casefold() for name in names]
    repeated = [record for record in records if [cell.strip().casefold() for cell in record.cells] == plain_names]
    for kind, records_of_kind, what in (
        ("empty-row", empty, "found rows without a single value"),
        ("repeated-header", repeated, "found the header again"),
        ("trailing-line", below, "found what an export writes below its rows"),
    ):
        if records_of_kind:
            first = records_of_kind[0]
            example = f", {shown(' '.join(first.cells).strip())}" if kind == "trailing-line" else ""
            message = f"expected rows under the header, {what}{example} ({len(records_of_kind)} such rows)"
            fix = "they are left out; delete them"
            problems.append(Problem("warning", kind, source, first.first_line, message, fix))
    left_out = {id(record) for record in (*empty, *below, *repeated)}
    return [record for record in records if id(record) not in left_out], problems


def _lines_below(records: Sequence[Record], width: int) -> list[Record]:
    """The records at the end with one value alone that read like what an export adds, or stand under an empty row."""
    below: list[Record] = []
    for at in range(len(records) - 1, 0, -1):
        record = records[at]
        values = [cell for cell in record.cells if cell.strip()]
        if record.is_empty:
            continue
        is_short = not record.fault and width > 1 and (len(values) == 1 or len(record.cells) < width)
        after_gap = records[at - 1].is_empty or record.first_line - records[at - 1].last_line > 1
        if not (is_short and record.cells[0].strip() and (_BELOW.match(record.cells[0]) or after_gap)):
            break
        below.append(record)
    return below[::-1]


def find_swallowed(records: Sequence[Record], delimiter: str, source: str) -> list[Problem]:
    """An error for each record over several lines most of which would be rows by themselves: as many cells as others
    have, none empty, and values that other rows have in the same column. A quote was opened and never meant to."""
    single = [record.cells for record in records if record.first_line == record.last_line]
    width = Counter(map(len, single)).most_common(1)[0][0] if single else 0
    if width < 2:
        return []
    columns = [{cells[at].strip() for cells in single if len(cells) == width} for at in range(width)]
    problems = []
    for record in records:
        if record.fault or record.first_line == record.last_line:
            continue
        # what stands before the quote is no part of what it has swallowed
        inner = [line for cell in record.cells for line in cell.splitlines()[:-1] if line.strip()]
        if inner and _are_rows(inner, columns, delimiter):
            count = record.last_line - record.first_line + 1
            message = (
                f"expected one row, found a quote that is closed {count - 1} lines below: {count} lines that look like "
                "rows became one"
            )
            fix = (
                f"delete the quote in row {record.first_line} and the one in row {record.last_line}, or close it where "
                'the cell ends and write "" for a quote inside a quoted cell'
            )
            problems.append(Problem("error", "swallowed-lines", source, record.first_line, message, fix))
    return problems


def _are_rows(lines: Sequence[str], columns: Sequence[set[str]], delimiter: str) -> bool:
    split = [[cell.strip(' \r\n"') for cell in line.split(delimiter)] for line in lines]
    fitting = [cells for cells in split if len(cells) == len(columns) and all(cells)]
    if 2 * len(fitting) <= len(lines):
        return False
    known = any(cell in column for cells in fitting for cell, column in zip(cells, columns, strict=True))
    known |= any(len({*cells}) < len(cells) for cells in zip(*fitting, strict=True))  # one label, again and again
    return known or (len(fitting) >= 2 and (len(columns) > 2 or delimiter != ","))


def find_wrapped(rows: Sequence[Row], source: str) -> list[Problem]:
    """A warning for each column most of whose cells stand in quotes, or have quotes around what others have without."""
    problems = []
    for name in dict.fromkeys(name for row in rows[:1] for name in row.values):
        cells = [value.strip() for row in rows if isinstance(value := row.values.get(name), str) and value.strip()]
        wrapped = [cell for cell in cells if len(cell) > 2 and cell[0] in QUOTES and cell[-1] in QUOTES]
        if not wrapped:
            continue
        bare = {*cells}
        twins = sum(cell[1:-1] in bare for cell in wrapped)
        if twins or (len(wrapped) >= WRAPPED_ROWS and 2 * len(wrapped) > len(cells)):
            message = f"expected values in {shown(name)}, found quotes that belong to them: {shown(wrapped[0])}"
            message += f" ({len(wrapped)} such rows)"
            fix = "delete the quotes, or export the file again: a quoted cell begins right after the delimiter"
            problems.append(Problem("warning", "quotes-in-cell", source, None, message, fix))
    return problems

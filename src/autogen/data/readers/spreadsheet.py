"""Excel workbooks (.xlsx): the rows of the first sheet that has any."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from autogen.data.problems import Problem, listed, shown
from autogen.data.readers.columnar import first_line, repeated_columns
from autogen.data.readers.records import Record, leave_out
from autogen.data.rows import Row
from autogen.errors import MissingDependency
from autogen.installation import install_extra


def read_spreadsheet(data: bytes, source: str) -> tuple[list[Row], list[Problem]]:
    """Rows under a header, numbered as the sheet numbers them, with numbers and dates as such; of formulas the values
    that were saved. Raises MissingDependency without openpyxl."""
    try:
        import openpyxl
    except ImportError:
        message = f"Reading {source} needs openpyxl, which is not installed: {install_extra('excel')}"
        raise MissingDependency(message) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = [(sheet.title, list(sheet.iter_rows(values_only=True))) for sheet in book.worksheets]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        message = f"expected a whole .xlsx workbook, found: {first_line(error)}"
        return [], [Problem("error", "broken-spreadsheet", source, None, message, "save it again, or save it as CSV")]
    filled = [(title, cells) for title, cells in sheets if any(value is not None for row in cells for value in row)]
    if not filled:
        return [], []
    rows, problems = _rows(filled[0][1], source)
    if len(filled) > 1:
        message = f"expected one sheet with rows, found {len(filled)}: {shown(filled[0][0])} is read"
        fix = f"save {listed(title for title, _ in filled[1:])} as files of their own if they are meant too"
        problems.append(Problem("warning", "other-sheets", source, None, message, fix))
    return rows, problems


def _rows(cells: Sequence[Sequence[object]], source: str) -> tuple[list[Row], list[Problem]]:
    start = next(at for at, row in enumerate(cells) if any(value is not None for value in row))
    names = [_text(value) for value in cells[start]]
    repeated = repeated_columns(filter(None, names), source)
    if repeated:
        return [], repeated
    records = [Record(at + 1, at + 1, [*map(_text, row)]) for at, row in enumerate(cells) if at > start]
    sound, problems = leave_out(records, names, source)
    rows = []
    for record in sound:
        values = zip(names, cells[record.first_line - 1], strict=False)
        rows.append(Row({name: value for name, value in values if name}, source, record.first_line))
    return rows, problems


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()

"""Excel workbooks."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autogen.data.problems import Problem
from autogen.data.readers.files import read_rows
from autogen.data.rows import Row

openpyxl = pytest.importorskip("openpyxl")


def read(folder: Path, *sheets: list[list[Any]]) -> tuple[list[Row], list[Problem]]:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for cells in sheets:
        sheet = book.create_sheet()
        for row in cells:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    (folder / "train.xlsx").write_bytes(file.getvalue())
    return read_rows(folder / "train.xlsx")


def test_rows_have_the_numbers_of_the_sheet_and_cells_their_types(tmp_path: Path) -> None:
    moment = datetime(2024, 3, 1, 12)
    cells = [[None], ["text", "label", "when"], ["where is it", 3, moment], ["refund", 4, None]]
    rows, problems = read(tmp_path, cells)
    assert problems == []
    assert [row.number for row in rows] == [3, 4]
    assert dict(rows[0].values) == {"text": "where is it", "label": 3, "when": moment}


def test_empty_rows_and_a_header_again_are_left_out_with_a_warning(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, [["text", "label"], ["a", "x"], [None, None], ["text", "label"], ["b", "y"]])
    assert [row.values["text"] for row in rows] == ["a", "b"]
    assert [(problem.severity, problem.kind) for problem in problems] == [
        ("warning", "empty-row"),
        ("warning", "repeated-header"),
    ]


def test_the_first_sheet_with_rows_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, [], [["text", "label"], ["a", "x"]], [["text", "label"], ["b", "y"]])
    assert [row.values["text"] for row in rows] == ["a"]
    assert [problem.kind for problem in problems] == ["other-sheets"]
    assert '"Sheet2"' in problems[0].fix


@pytest.mark.parametrize("content", [b"PK\x03\x04 and no more", b"text,label\na,x\n"])
def test_a_file_that_is_no_workbook_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "train.xlsx").write_bytes(content)
    assert [problem.kind for problem in read_rows(tmp_path / "train.xlsx")[1]] == ["broken-spreadsheet"]


def test_a_workbook_without_a_value_is_an_error(tmp_path: Path) -> None:
    assert [problem.kind for problem in read(tmp_path, [[None]])[1]] == ["no-rows"]

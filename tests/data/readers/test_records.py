"""Records that parse but were not meant so."""

from pathlib import Path

import pytest

from autogen.data.problems import Problem
from autogen.data.readers.files import read_rows
from autogen.data.rows import Row

PARCELS = """text,label
track my package please,track_parcel
redirect it to my neighbour,change_address
when do you open,opening_hours
where is my parcel,track_parcel
{}can i be reimbursed,refund
reimburse me for the damage,refund
how do i get a refund,refund
my address is wrong{},change_address
how late are you open,opening_hours
"""


def read(folder: Path, text: str, name: str = "train.csv") -> tuple[list[Row], list[Problem]]:
    (folder / name).write_text(text, "utf-8", newline="")
    return read_rows(folder / name)


def findings(problems: list[Problem]) -> list[tuple[str, str, int | None]]:
    return [(problem.severity, problem.kind, problem.row) for problem in problems]


def texts(rows: list[Row]) -> list[object]:
    return [row.values["text"] for row in rows]


@pytest.mark.parametrize(("name", "mark"), [("train.csv", ","), ("train.tsv", "\t"), ("train.csv", ";")])
def test_lines_that_a_quote_swallowed_are_an_error_that_names_both_quotes(name: str, mark: str, tmp_path: Path) -> None:
    rows, problems = read(tmp_path, PARCELS.format('"', '"').replace(",", mark), name)
    assert findings(problems) == [("error", "swallowed-lines", 6)]
    assert "row 6 and the one in row 9" in problems[0].fix
    assert len(rows) == 5


def test_two_lines_that_became_one_are_seen_by_a_label_within(tmp_path: Path) -> None:
    text = (
        'text,label\n"can i be reimbursed,refund\nmy address is wrong",change\nrefund me,refund\nnew address,change\n'
    )
    _, problems = read(tmp_path, text)
    assert findings(problems) == [("error", "swallowed-lines", 2)]


@pytest.mark.parametrize(
    "cell",
    [
        "Dear team,\nI wrote yesterday, and nobody answers\nBob",
        "Hello, all\nthank you, I am waiting\nfor it, still",
        "one\n\ntwo\n",
        "1,5 kg\nof it",
    ],
)
def test_a_text_of_several_lines_with_commas_is_a_text(cell: str, tmp_path: Path) -> None:
    rows, problems = read(tmp_path, f'text,label\n"{cell}",refund\nmoney back,refund\nwhere,track\n')
    assert problems == []
    assert texts(rows)[0] == cell


def test_quotes_behind_a_space_are_quotes(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, 'text, label\n"one, two", "refund"\n"say ""hi""", "track"\nplain, track\n')
    assert problems == []
    assert [dict(row.values) for row in rows] == [
        {"text": "one, two", "label": "refund"},
        {"text": 'say "hi"', "label": "track"},
        {"text": "plain", "label": "track"},
    ]


def test_spaces_without_quotes_behind_them_are_kept(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, "text,label\n  indented, refund\n")
    assert (problems, dict(rows[0].values)) == ([], {"text": "  indented", "label": " refund"})


@pytest.mark.parametrize("quotes", ["'{}'", "“{}”", '"""{}"""'])
def test_quotes_that_stay_in_a_column_are_a_warning(quotes: str, tmp_path: Path) -> None:
    lines = "".join(f"text {at},{quotes.format(label)}\n" for at, label in enumerate(["refund", "track", "refund"]))
    rows, problems = read(tmp_path, "text,label\n" + lines)
    assert len(rows) == 3
    assert findings(problems) == [("warning", "quotes-in-cell", None)]


def test_a_label_with_quotes_beside_the_same_without_is_a_warning(tmp_path: Path) -> None:
    lines = "".join(f"text {at},refund\n" for at in range(20))
    assert findings(read(tmp_path, "text,label\n" + lines + "last,'refund'\n")[1]) == [
        ("warning", "quotes-in-cell", None)
    ]


def test_a_text_that_quotes_somebody_is_no_finding(tmp_path: Path) -> None:
    lines = "".join(f"text {at},refund\n" for at in range(5))
    assert read(tmp_path, "text,label\n" + lines + '"""where is it?""",track\n')[1] == []


def test_a_header_that_stands_there_again_is_left_out_with_a_warning(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, "text,label\none,a\ntext,label\ntwo,b\nText,Label\nthree,b\n")
    assert texts(rows) == ["one", "two", "three"]
    assert findings(problems) == [("warning", "repeated-header", 3)]
    assert "2 such rows" in problems[0].message


def test_rows_without_a_value_are_left_out_with_a_warning(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, "text,label\none,a\n,\n , \n,,,\ntwo,b\n")
    assert texts(rows) == ["one", "two"]
    assert findings(problems) == [("warning", "empty-row", 3)]
    assert "3 such rows" in problems[0].message


@pytest.mark.parametrize(
    "below", ["Total,2\n", "(2 rows affected)\n", "\nExported by desk on Monday\n", ",\nall rights reserved,\n", "--\n"]
)
def test_what_an_export_writes_below_its_rows_is_left_out_with_a_warning(below: str, tmp_path: Path) -> None:
    rows, problems = read(tmp_path, "text,label,note\none,a,x\ntwo,b,y\n" + below)
    assert texts(rows) == ["one", "two"]
    assert ("warning", "trailing-line") in {finding[:2] for finding in findings(problems)}
    assert not [problem for problem in problems if problem.severity == "error"]


def test_a_last_line_that_breaks_off_stays_an_error(tmp_path: Path) -> None:
    assert findings(read(tmp_path, "text,label\none,a\ntwo,b\nhow do i ret")[1]) == [("error", "cell-count", 4)]

"""What stands between the cells of a table."""

from pathlib import Path

import pytest

from autogen.data.readers.chunks import read_chunks
from autogen.data.readers.files import read_rows


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_csv_file_with_another_delimiter_is_read(mark: str, tmp_path: Path) -> None:
    lines = ["text,label", "one,a", '"two, too",b', "3,c"]
    written = [lines[0].replace(",", mark), *(mark.join(line.rsplit(",", 1)) for line in lines[1:])]
    (tmp_path / "train.csv").write_text("\n".join(written), "utf-8")
    rows, problems = read_rows(tmp_path / "train.csv")
    assert problems == []
    assert [tuple(row.values.values()) for row in rows] == [("one", "a"), ("two, too", "b"), ("3", "c")]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\ufeffSEP=;\n"])
def test_a_first_line_may_name_the_delimiter(first: str, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(first + "text;label\nyes, please;a\n", "utf-8", newline="")
    rows, problems = read_rows(tmp_path / "train.csv")
    assert (problems, [(row.number, *row.values.values()) for row in rows]) == ([], [(3, "yes, please", "a")])


def test_unquoted_commas_under_a_header_with_semicolons_are_text(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text;label\nyes, please;a\nwell, no;b\nyes;a\n", "utf-8")
    rows, problems = read_rows(tmp_path / "train.csv")
    assert (problems, [row.values["text"] for row in rows]) == ([], ["yes, please", "well, no", "yes"])


def test_a_single_column_of_texts_stays_one(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\nyes; please\nwell\n", "utf-8")
    rows, problems = read_rows(tmp_path / "texts.csv")
    assert (problems, [row.values["text"] for row in rows]) == ([], ["yes; please", "well"])


@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_a_long_file_with_semicolons_is_the_same_rows_in_chunks(first: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(first + "user;item;timestamp\n" + 'u;"two\nlines";1\n' * 100, "utf-8")
    chunks = list(read_chunks(path, 200))
    assert len(chunks) > 3
    numbered = [(row.number + chunk.offset, dict(row.values)) for chunk in chunks for row in chunk.rows]
    assert numbered == [(row.number, dict(row.values)) for row in read_rows(path)[0]]
    assert len(numbered) == 100

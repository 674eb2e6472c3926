from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import datasets
import numpy as np
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from autogen.data.problems import Problem
from autogen.data.readers.files import EXTENSIONS, Row, locate, read_rows, rows_of
from autogen.errors import DataError, MissingDependency

TWO = [{"text": "I lost my card", "label": "lost"}, {"text": "Café, 余额", "label": "balance"}]
FIELDS = ("text", "label", "text_pair")


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_and_read(path: Path, content: str | bytes) -> tuple[list[Row], list[Problem]]:
    return read_rows(write(path, content))


def values(rows: list[Row]) -> list[dict[str, object]]:
    return [dict(row.values) for row in rows]


def places(problems: list[Problem]) -> list[tuple[str, int | None]]:
    return [(problem.kind, problem.row) for problem in problems]


def csv_bytes() -> bytes:
    return 'text,label\nI lost my card,lost\n"Café, 余额",balance\n'.encode()


def tsv_bytes() -> bytes:
    return "text\tlabel\nI lost my card\tlost\nCafé, 余额\tbalance\n".encode()


def json_lines_bytes() -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in TWO).encode()


def parquet_bytes() -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(TWO), sink)
    return bytes(sink.getvalue().to_pybytes())


CONTENTS = {
    "a.csv": csv_bytes(),
    "bom.csv": b"\xef\xbb\xbf" + csv_bytes(),
    "crlf.csv": csv_bytes().replace(b"\n", b"\r\n"),
    "a.tsv": tsv_bytes(),
    "a.json": json.dumps(TWO, indent=1).encode(),
    "data.json": json.dumps({"data": TWO}).encode(),
    "in-truth-lines.json": json_lines_bytes(),
    "a.jsonl": json_lines_bytes(),
    "blank-lines.ndjson": b"\n" + json_lines_bytes() + b"\n  \n",
    "A.PARQUET": parquet_bytes(),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_format_gives_the_same_rows_plain_and_compressed(name: str, zipped: bool, tmp_path: Path) -> None:
    content = gzip.compress(CONTENTS[name]) if zipped else CONTENTS[name]
    path = tmp_path / (name + ".gz" if zipped else name)
    rows, problems = write_and_read(path, content)
    assert problems == []
    assert values(rows) == TWO
    assert {row.source for row in rows} == {str(path)}


def test_a_file_is_decompressed_whatever_its_name_says(tmp_path: Path) -> None:
    assert values(write_and_read(tmp_path / "a.csv", gzip.compress(csv_bytes()))[0]) == TWO
    assert values(write_and_read(tmp_path / "b.csv.gz", csv_bytes())[0]) == TWO


# Numbers


def test_a_csv_row_has_the_line_number_on_which_its_record_starts(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", '\ntext,label\n"two\nlines",a\n\nplain,b\r\nlast,c')
    assert problems == []
    assert [(row.number, row.values["text"]) for row in rows] == [
        (3, "two\nlines"),
        (6, "plain"),
        (7, "last"),
    ]


def test_other_line_separators_inside_a_cell_count_no_line(tmp_path: Path) -> None:
    rows, _ = write_and_read(tmp_path / "a.csv", "text,label\none\u2028\x0b\x85,a\ntwo,b\n")
    assert [row.number for row in rows] == [2, 3]


def test_json_lines_count_lines_and_json_counts_objects(tmp_path: Path) -> None:
    assert [row.number for row in write_and_read(tmp_path / "a.jsonl", '\n{"a": 1}\n\n{"a": 2}')[0]] == [2, 4]
    assert [row.number for row in write_and_read(tmp_path / "a.json", '[\n\n{"a": 1},\n{"a": 2}]')[0]] == [1, 2]


def test_json_numbers_and_nulls_are_kept_as_they_are(tmp_path: Path) -> None:
    rows, _ = write_and_read(tmp_path / "a.jsonl", '{"text": 1.5, "label": null, "n": 3, "tags": ["a"]}')
    assert values(rows) == [{"text": 1.5, "label": None, "n": 3, "tags": ["a"]}]


# Encoding


# One line of UTF-8 among lines of something else: the file is neither.
@pytest.mark.parametrize(
    ("name", "head", "line"),
    [("a.csv", "text,label\n", "caf{} {},a\n"), ("a.jsonl", "\n", '{{"text": "caf{} {}"}}\n')],
)
def test_each_line_of_another_encoding_is_one_error_and_the_others_are_read(
    name: str, head: str, line: str, tmp_path: Path
) -> None:
    content = (head + line.format("é", "ü") + line.format("e", "u") + line.format("e", "ü")).encode("latin1")
    rows, problems = write_and_read(tmp_path / name, content + line.format("é", "u").encode())
    assert places(problems) == [("encoding", 2), ("encoding", 4)]
    assert [row.number for row in rows] == [3, 5]
    column = line.format("é", "").index("é") + 1
    assert f"found byte 0xE9 in column {column}" in str(problems[0])
    assert "iconv -f cp1252 -t utf-8" in problems[0].fix


def test_the_lines_of_a_json_document_in_another_encoding_are_named(tmp_path: Path) -> None:
    content = '[\n{"text": "é"},\n'.encode("latin1") + '{"text": "é"}]'.encode()
    rows, problems = write_and_read(tmp_path / "a.json", content)
    assert (rows, places(problems)) == ([], [("encoding", 2)])


def test_a_record_over_a_damaged_line_is_left_out_and_the_next_keeps_its_number(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", b'text,label\n"one\n\xe9",a\ntwo\xc3\xa9,b\n')
    assert places(problems) == [("encoding", 3)]
    assert [row.number for row in rows] == [4]


def test_a_header_of_another_encoding_is_one_error(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", b"\x8d\xe9tiquette,text\na,b\n")
    assert (rows, places(problems)) == ([], [("encoding", 1)])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_windows_1252_is_read_with_a_warning_that_shows_how(name: str, tmp_path: Path) -> None:
    line = '{"text": "isn’t it – 5 €", "label": "größer"}'
    content = f"[{line}]" if name == "a.json" else line if name == "a.jsonl" else "text,label\nisn’t it – 5 €,größer\n"
    rows, problems = write_and_read(tmp_path / name, content.encode("cp1252"))
    assert values(rows) == [{"text": "isn’t it – 5 €", "label": "größer"}]
    assert [(problem.severity, problem.kind) for problem in problems] == [("warning", "encoding")]
    assert "isn’t" in problems[0].message
    assert "iconv -f cp1252 -t utf-8" in problems[0].fix


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("где моя посылка", "cp1251"), ("gdzie jest moja przesyłka, wciąż", "cp1250"), ("我的包裹在哪里", "gbk")],
)
def test_what_windows_1252_would_make_nonsense_of_is_an_error(text: str, encoding: str, tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", f"text,label\n{text},a\n".encode(encoding))
    assert (rows, places(problems)) == ([], [("encoding", 2)])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_and_utf_32_are_read(encoding: str, tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", "text,label\nwo ist größe,b\n".encode(encoding))
    assert (values(rows), problems) == ([{"text": "wo ist größe", "label": "b"}], [])


def test_utf_16_that_breaks_off_is_named_once(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", "text,label\na,b\n".encode("utf-16")[:-1])
    assert (rows, places(problems)) == ([], [("encoding", None)])


@pytest.mark.parametrize(("text", "how"), [("isn’t", "latin1"), ("isn’t", "cp1252"), ("réclamation", "cp1252")])
def test_text_that_was_decoded_wrongly_before_is_a_warning(text: str, how: str, tmp_path: Path) -> None:
    wrong = text.encode("cp1252").decode("latin1") if how == "latin1" else text.encode().decode("cp1252")
    rows, problems = write_and_read(tmp_path / "a.csv", f"text,label\n{wrong},a\nfine,b\n")
    assert len(rows) == 2
    assert [(problem.severity, problem.kind, problem.row) for problem in problems] == [("warning", "misread-text", 2)]


# CSV


def test_a_record_with_too_many_or_too_few_cells_is_an_error_and_the_others_are_read(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", "text,label\nyes, please,a\nfine,b\nlonely\n")
    assert [row.number for row in rows] == [3]
    assert places(problems) == [("cell-count", 2), ("cell-count", 4)]
    assert "expected 2 cells as in the header, found 3; put quotes around" in str(problems[0])


def test_header_cells_lose_their_space_and_nameless_columns_are_left_out(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", ",text, label ,\n0,hello,a,\n")
    assert problems == []
    assert values(rows) == [{"text": "hello", "label": "a"}]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (",,\na,b,c\n", "missing-header"),
        ("text,label,text\na,b,c\n", "duplicate-header"),
        ("text;label\na\nb\nc\n", "delimiter"),
        ("text\tlabel\na\nb\nc\n", "delimiter"),
        ('"text"x,label\na,b\n', "broken-quotes"),
    ],
)
def test_a_header_that_names_no_columns_is_an_error(content: str, kind: str, tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", content)
    assert (rows, places(problems)) == ([], [(kind, 1)])


def test_a_nul_byte_is_an_error_with_its_line(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", b"text,label\na\0b,x\nc,y\n")
    assert places(problems) == [("nul-byte", 2)]
    assert [row.number for row in rows] == [3]


def test_a_quote_that_is_never_closed_is_named_where_its_record_starts(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", 'text,label\nfine,a\n"open,b\nlost,c\n')
    assert places(problems) == [("broken-quotes", 3)]
    assert [row.number for row in rows] == [2]


def test_text_after_a_closing_quote_is_an_error_and_the_next_line_is_read(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", 'text,label\n"say "hi"",a\nfine,b\n')
    assert places(problems) == [("broken-quotes", 2)]
    assert [row.number for row in rows] == [3]


def test_a_cell_over_the_limit_is_an_error_and_the_next_line_is_read(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", f"text,label\n{'x' * 200_000},a\nfine,b\n")
    assert places(problems) == [("cell-too-large", 2)]
    assert [row.number for row in rows] == [3]


@pytest.mark.parametrize(
    "text",
    ['label,text\na,one\na,"line one\nline two"\nb,two\n', 'text,label\none,a\n"line one\nline two",a\ntwo,b\n'],
)
def test_a_cell_of_two_lines_swallows_nothing(tmp_path: Path, text: str) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv", text)
    assert problems == [] and [row.number for row in rows] == [2, 3, 5]
    assert rows[1].values["text"] == "line one\nline two"


MISREAD = "ÂÃâ" + "".join(map(chr, range(0x80, 0xA0)))  # what a wrong conversion leaves, which is a warning
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0" + MISREAD), max_size=8)
RECORDS = st.tuples(CELLS, CELLS).filter(lambda cells: any(cell.strip() for cell in cells))


@settings(max_examples=100, deadline=None)
@given(records=st.lists(RECORDS, min_size=1, max_size=5), mark=st.sampled_from(",\t"))
def test_what_the_csv_writer_writes_is_read_as_it_was_and_where_it_stands(
    records: list[tuple[str, str]], mark: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=mark, quoting=csv.QUOTE_ALL)
    starts = []
    for record in [FIELDS[:2], *records]:
        starts.append(len(file.getvalue().encode().splitlines()) + 1)
        writer.writerow(record)
    name = "round.csv" if mark == "," else "round.tsv"
    rows, problems = write_and_read(tmp_path_factory.getbasetemp() / name, file.getvalue())
    assert problems == []
    assert [(row.values["text"], row.values["label"]) for row in rows] == records
    assert [row.number for row in rows] == starts[1:]


# JSON


def test_a_broken_json_line_is_named_with_its_number_and_the_others_are_read(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.jsonl", '{"text": "a"}\n{"text": "b"\n[1]\n{"text": "d"}\n')
    assert [row.number for row in rows] == [1, 4]
    assert places(problems) == [("broken-json", 2), ("not-an-object", 3)]
    assert "in column" in problems[0].message


@pytest.mark.parametrize("value", ["[" * 100_000, '{"a": ' * 100_000, '{"a": ' + "9" * 5000 + "}", "NULL", "\0"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_that_would_break_the_parser_is_a_problem(name: str, value: str, tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / name, value)
    assert rows == []
    assert [problem.kind for problem in problems] == ["broken-json"]


def test_broken_json_is_named_with_line_and_column(tmp_path: Path) -> None:
    _, problems = write_and_read(tmp_path / "a.json", '[{"text": "a"},\n {"text" "b"}]')
    assert "in line 2, column 10" in problems[0].message


def test_a_list_without_its_commas_is_broken_json_and_not_json_lines(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.json", '[\n{"a": 1}\n{"a": 2}\n]')
    assert (rows, places(problems)) == ([], [("broken-json", None)])
    assert "in line 3, column 1" in problems[0].message


def test_json_with_several_lists_says_which_keys_it_has(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.json", '{"train": [], "test": []}')
    assert (rows, places(problems)) == ([], [("not-a-list", None)])
    assert '"train", "test"' in problems[0].message


def test_a_broken_line_in_json_lines_named_json_leaves_the_others(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.json", '{"a": 1}\n{"a": \n{"a": 3}\n')
    assert [row.number for row in rows] == [1, 3]
    assert places(problems) == [("broken-json", 2)]


# Files


@pytest.mark.parametrize("name", [f"a{extension}{gz}" for extension in EXTENSIONS for gz in ("", ".gz")])
def test_an_empty_file_is_an_error(name: str, tmp_path: Path) -> None:
    assert places(write_and_read(tmp_path / name, b"")[1]) == [("empty-file", None)]


@pytest.mark.parametrize(("name", "content"), [("a.csv", "text,label\n"), ("a.json", "[]"), ("a.json", '{"data": []}')])
def test_a_file_without_rows_is_an_error(name: str, content: str, tmp_path: Path) -> None:
    assert places(write_and_read(tmp_path / name, content)[1]) == [("no-rows", None)]


def test_a_missing_file_names_the_nearest_in_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", csv_bytes())
    rows, problems = read_rows(tmp_path / "trian.csv")
    assert (rows, places(problems)) == ([], [("missing-file", None)])
    assert 'Did you mean "train.csv"?' in problems[0].fix


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    _, problems = read_rows(tmp_path / "nowhere" / "train.csv")
    assert f'no folder "{tmp_path / "nowhere"}"' in problems[0].message


def test_a_folder_instead_of_a_file_names_the_files_in_it(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", csv_bytes())
    _, problems = read_rows(tmp_path)
    assert places(problems) == [("folder", None)]
    assert '"train.csv"' in problems[0].fix


def test_an_unknown_extension_lists_the_known_ones(tmp_path: Path) -> None:
    _, problems = write_and_read(tmp_path / "train.docx", b"PK")
    assert places(problems) == [("unknown-extension", None)]
    assert all(extension in problems[0].message for extension in EXTENSIONS)


@pytest.mark.parametrize("cut", [3, 12, 40, -1])
def test_a_truncated_gzip_file_is_an_error(cut: int, tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.csv.gz", gzip.compress(csv_bytes())[:cut])
    assert (rows, places(problems)) == ([], [("broken-gzip", None)])


def test_a_truncated_parquet_file_is_an_error(tmp_path: Path) -> None:
    rows, problems = write_and_read(tmp_path / "a.parquet", parquet_bytes()[:-20])
    assert (rows, places(problems)) == ([], [("broken-parquet", None)])


@pytest.mark.parametrize("name", ["x" * 5000 + ".csv", "nul\0.csv", ""])
def test_an_impossible_path_is_a_problem(name: str, tmp_path: Path) -> None:
    assert [problem.severity for problem in read_rows(tmp_path / name)[1]] == ["error"]


def test_a_parquet_file_with_a_column_twice_is_an_error(tmp_path: Path) -> None:
    table = pyarrow.table([["a"], ["b"]], names=["text", "text"])
    parquet.write_table(table, tmp_path / "a.parquet")
    assert places(read_rows(tmp_path / "a.parquet")[1]) == [("duplicate-header", None)]


@pytest.mark.parametrize(("package", "name"), [("pyarrow", "a.parquet"), ("datasets", "owner/name")])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    write(tmp_path / "a.parquet", parquet_bytes())
    with pytest.raises(MissingDependency, match=r"pip install .*\.\[learn\]"):
        read_rows(locate(name, tmp_path))


# Any bytes at all

PIECES = [
    b"text,label",
    b"\t",
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"\xe9",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    "é".encode(),
]
PIECES += [
    b"{",
    b"}",
    b"[",
    b"]",
    b'{"text": "a"}',
    b'"data":',
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"a",
    b"\x1f\x8b\x08",
]


@settings(max_examples=150, deadline=None)
@given(
    extension=st.sampled_from(EXTENSIONS),
    content=st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(b"".join)),
    zipped=st.booleans(),
)
def test_no_bytes_raise_anything(
    extension: str, content: bytes, zipped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{extension}"
    rows, problems = write_and_read(path, gzip.compress(content) if zipped else content)
    assert rows or any(problem.severity == "error" for problem in problems)
    assert all(str(problem).encode("utf-8") for problem in problems)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(parquet_bytes()) - 1), new=st.binary(min_size=1, max_size=4))
def test_no_damage_to_a_parquet_file_raises_anything(
    at: int, new: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = parquet_bytes()
    rows, problems = write_and_read(
        tmp_path_factory.getbasetemp() / "fuzz.parquet", whole[:at] + new + whole[at + len(new) :]
    )
    assert rows or problems


# The hub


def test_a_relative_path_is_found_in_the_project_and_a_hub_id_stays_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert locate("data/train.csv", tmp_path) == tmp_path / "data" / "train.csv"
    assert locate("nowhere/train.csv", tmp_path) == tmp_path / "nowhere" / "train.csv"
    assert locate("data/train", tmp_path) == tmp_path / "data" / "train"
    assert locate("owner/name:train[:10%]", tmp_path) == "owner/name:train[:10%]"


def hub_set() -> datasets.DatasetDict:
    names = datasets.ClassLabel(names=["a", "b"])
    features = datasets.Features({"text": datasets.Value("string"), "label": names})
    rows = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [1, -1]}, features=features)
    return datasets.DatasetDict(train=rows, test=rows.select([0]))


def serve(monkeypatch: pytest.MonkeyPatch, splits: datasets.DatasetDict) -> None:
    """Stand in for the network: the hub has one data set, owner/name."""

    def load_dataset(name: str, split: str | None) -> object:
        assert name == "owner/name"
        return splits if split is None else splits[split]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


def test_a_hub_data_set_gives_its_train_split_with_class_names(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, hub_set())
    rows, problems = read_rows("owner/name")
    assert problems == []
    assert values(rows) == [{"text": "x", "label": "b"}, {"text": "y", "label": None}]
    assert [(row.source, row.number) for row in rows] == [("owner/name", 1), ("owner/name", 2)]


def test_a_hub_data_set_gives_the_split_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, hub_set())
    assert values(read_rows("owner/name:test")[0]) == [{"text": "x", "label": "b"}]


def test_a_hub_data_set_gives_its_only_split(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, datasets.DatasetDict(only=hub_set()["train"]))
    assert len(read_rows("owner/name")[0]) == 2


def test_a_hub_data_set_without_a_train_split_says_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, datasets.DatasetDict(first=hub_set()["test"], second=hub_set()["test"]))
    with pytest.raises(DataError, match='expected a split named train, found "first", "second"'):
        read_rows("owner/name")


def test_a_hub_data_set_that_cannot_be_loaded_says_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"could not be loaded: \w*Error: .*Check the name"):
        read_rows("no-such-owner/no-such-name")


# Python data


def test_dicts_and_tuples_become_rows_numbered_from_one() -> None:
    rows, problems = rows_of([TWO[0], ("Café, 余额", "balance"), ["only text"]], FIELDS)
    assert problems == []
    assert values(rows) == [*TWO, {"text": "only text"}]
    assert [(row.source, row.number) for row in rows] == [("train_data", n) for n in (1, 2, 3)]


def test_a_path_is_read_as_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", csv_bytes())
    assert values(rows_of(path, FIELDS)[0]) == values(rows_of(str(path), FIELDS)[0]) == TWO


def test_items_that_are_no_rows_are_errors_with_their_numbers() -> None:
    rows, problems = rows_of([("a", "b"), "text", ("a", "b", "c", "d"), 7, ()], FIELDS, "eval_data")
    assert len(rows) == 1
    assert places(problems) == [("not-a-row", number) for number in (2, 3, 4, 5)]
    assert str(problems[0]).startswith("eval_data, row 2: expected a dict or a tuple (text, label, text_pair)")


@pytest.mark.parametrize(
    "frame", [pandas.DataFrame(TWO, index=[7, 9]), polars.DataFrame(TWO), datasets.Dataset.from_list(TWO)]
)
def test_frames_and_data_sets_become_rows_numbered_from_one(frame: object) -> None:
    rows, problems = rows_of(frame, FIELDS)
    assert problems == []
    assert values(rows) == TWO
    assert [row.number for row in rows] == [1, 2]


def test_every_kind_of_nothing_in_a_pandas_frame_is_none() -> None:
    frame = pandas.DataFrame(
        {
            "text": pandas.Series(["a", None, pandas.NA], dtype="string"),
            "label": [1.0, np.nan, 2.0],
            "at": [pandas.NaT, pandas.NaT, pandas.NaT],
            "kind": pandas.Categorical(["x", None, "y"]),
            "tags": [["p"], None, []],
        }
    )
    rows = values(rows_of(frame, FIELDS)[0])
    assert rows[1] == dict.fromkeys(frame.columns)
    assert [type(row["label"]) for row in rows] == [float, type(None), float]
    assert [row["kind"] for row in rows] == ["x", None, "y"]
    assert [row["tags"] for row in rows] == [["p"], None, []]


def test_a_frame_with_a_column_twice_is_an_error() -> None:
    frame = pandas.DataFrame([["a", "b"]], columns=["text", "text"])
    assert places(rows_of(frame, FIELDS)[1]) == [("duplicate-header", None)]


def test_class_numbers_in_lists_become_names_too() -> None:
    tags = datasets.Sequence(datasets.ClassLabel(names=["O", "B-city"]))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "tags": tags})
    dataset = datasets.Dataset.from_dict({"tokens": [["to", "Bern"]], "tags": [[0, 1]]}, features=features)
    assert values(rows_of(dataset.with_format("numpy"), ("tokens", "tags"))[0]) == [
        {"tokens": ["to", "Bern"], "tags": ["O", "B-city"]}
    ]


@pytest.mark.parametrize("empty", [[], pandas.DataFrame({"text": []}), polars.DataFrame({"text": []})])
def test_python_data_without_rows_is_an_error(empty: object) -> None:
    assert places(rows_of(empty, FIELDS)[1]) == [("no-rows", None)]


@pytest.mark.parametrize("data", [None, 7, {"text": ["a"]}, {"a", "b"}, (row for row in TWO), pandas.Series(["a"])])
def test_other_data_is_an_error_that_lists_what_is_accepted(data: object) -> None:
    with pytest.raises(DataError, match="expected a path, a list of dicts, a list of tuples"):
        rows_of(data, FIELDS)


def test_a_data_set_of_splits_is_an_error_that_names_them() -> None:
    with pytest.raises(DataError, match=r'found DatasetDict\. Give one of its splits: "train", "test"'):
        rows_of(hub_set(), FIELDS)

"""Long files, chunk by chunk."""

import gzip
from pathlib import Path

import pytest

from autogen.data.readers.chunks import RowChunk, read_chunks
from autogen.data.readers.files import read_rows
from autogen.tasks.recommendation.event_files import read_interactions

SMALL = 200  # bytes of a chunk
START = 1_700_000_000


def numbered_rows(chunks: list[RowChunk]) -> list[tuple[int, dict[str, object]]]:
    return [(row.number + chunk.offset, dict(row.values)) for chunk in chunks for row in chunk.rows]


def rows_read_whole(path: Path) -> list[tuple[int, dict[str, object]]]:
    return [(row.number, dict(row.values)) for row in read_rows(path)[0]]


def log(rows: int) -> str:
    lines = [f'u{at},"a ""quoted""\nname, {at}",{at}\n' for at in range(rows)]
    return "user,item,timestamp\n" + "".join(lines)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.jsonl"])
def test_a_long_file_is_the_same_rows_in_chunks_as_whole(tmp_path: Path, name: str, packed: bool) -> None:
    text = log(200)
    if name == "log.tsv":
        text = text.replace(", ", " ").replace(",", "\t")
    if name == "log.jsonl":
        text = "\n".join(f'{{"user": "u{at}", "item": "\\"", "timestamp": {at}}}' for at in range(200))
    path = tmp_path / (name + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    chunks = list(read_chunks(path, SMALL))
    assert len(chunks) > 3
    assert numbered_rows(chunks) == rows_read_whole(path)
    assert not any(chunk.problems for chunk in chunks)


def test_a_problem_has_the_line_where_a_person_finds_it(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "u,i,1\n" * 99 + "u,i\n" + "u,i,2\n" * 50, "utf-8")
    problems = [problem for chunk in read_chunks(path, SMALL) for problem in chunk.problems]
    assert problems == read_rows(path)[1]
    assert problems[0].row == 101


def test_a_file_in_utf_16_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(log(50).encode("utf-16"))
    (chunk,) = read_chunks(path, SMALL)
    assert numbered_rows([chunk]) == rows_read_whole(path)


def test_a_packed_file_that_breaks_off_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(log(2000).encode())[:-200])
    chunks = list(read_chunks(path, SMALL))
    assert [problem.kind for chunk in chunks for problem in chunk.problems] == ["broken-gzip"]


def test_a_small_or_missing_file_is_read_as_any(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,timestamp\nu,i,1\n", "utf-8")
    (chunk,) = read_chunks(tmp_path / "log.csv")
    assert len(chunk.rows) == 1
    (chunk,) = read_chunks(tmp_path / "none.csv")
    assert chunk.problems[0].kind == "missing-file"


def test_events_of_a_long_log_are_read_with_copies_and_missing_columns_said_once(tmp_path: Path) -> None:
    rows = "".join(f"user {at % 500:03d} of the shop,item {at % 50},{START + at}\n" for at in range(30_000))
    (tmp_path / "log.csv").write_text(
        "user,item,timestamp\n" + rows + f"user 000 of the shop,item 0,{START}\n" * 3, "utf-8"
    )
    (tmp_path / "other.csv").write_text("user,thing,timestamp\n" + "u,i,1\n" * 200_000, "utf-8")
    events, (missing, again) = read_interactions(tmp_path, ["log.csv", "other.csv"], {})
    assert (len(events), len(events.users), len(events.items)) == (30_000, 500, 50)
    assert missing.kind == "missing-column"
    assert again.kind == "duplicate-event"
    assert "3 such rows" in again.message
    assert again.row == 30_002


def chunks_of(path: Path) -> list[RowChunk]:
    return list(read_chunks(path, SMALL))


@pytest.mark.parametrize(
    "text",
    [
        "\n\nuser,item,timestamp\n" + "u,i,1\n" * 100,
        "user,item,timestamp\r" + "u,i,1\r" * 100,
        "user,item,timestamp\r\n" + "u,i,1\r\n" * 100,
        "user,item,timestamp\n" + 'u,5" pipe,1\n' * 100,
        "user,item,timestamp\n" + 'u,5" pipe,1\nu,"two\nlines",2\n' * 50,
        "\ufeffuser,item,timestamp\n" + "u,i,1\n" * 100,
    ],
    ids=["blank lines first", "old Mac lines", "Windows lines", "inch marks", "inch marks and quotes", "a mark first"],
)
def test_files_as_people_have_them_are_the_same_rows_in_chunks(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode())
    assert numbered_rows(chunks_of(path)) == rows_read_whole(path)
    assert len(rows_read_whole(path)) >= 100
    assert not any(chunk.problems for chunk in chunks_of(path))


def test_a_plain_cell_with_a_quote_does_not_make_one_chunk_of_all(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + 'u,5" pipe,1\n' * 500, "utf-8")
    assert len(chunks_of(path)) > 10


@pytest.mark.parametrize(
    "text", ["user,user,timestamp\n" + "u,i,1\n" * 100, "\n" * 500, "user,item,timestamp\n" + "\n" * 500]
)
def test_what_is_wrong_with_a_whole_file_is_said_once_as_of_a_short_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, "utf-8")
    problems = [problem for chunk in chunks_of(path) for problem in chunk.problems]
    assert problems == read_rows(path)[1]
    assert len(problems) == 1


def test_a_quote_that_never_ends_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,timestamp\n" + "u,i,1\n" * 50 + 'u,"i,1\n' + "u,i,1\n" * 5000, "utf-8")
    assert "broken-quotes" in {problem.kind for chunk in chunks_of(path) for problem in chunk.problems}


def test_a_name_that_no_file_can_have_is_a_problem(tmp_path: Path) -> None:
    (chunk,) = read_chunks(tmp_path / ("x" * 300 + ".csv"))
    assert chunk.problems[0].severity == "error"


def test_a_column_that_only_later_rows_have_is_read(tmp_path: Path) -> None:
    rows = [f'{{"user": "user {at:05d} of the shop", "item": "i", "timestamp": {START + at}}}' for at in range(90_000)]
    rows += [f'{{"user": "u", "item": "i", "timestamp": {START + at}, "stars": 4}}' for at in range(10)]
    (tmp_path / "log.jsonl").write_text("\n".join(rows), "utf-8")
    events, problems = read_interactions(tmp_path, ["log.jsonl"], {"rating": "stars"})
    assert not problems
    assert len(events) == 90_010
    assert (events.rating == 4).sum() == 10

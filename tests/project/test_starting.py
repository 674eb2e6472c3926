"""Projects of people's own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autogen.errors import DataError, UsageError
from autogen.project import Project
from autogen.project.starting import StartedProject, start_project

PARCELS = [
    ("where is it", "track"),
    ("give it back", "refund"),
    ("is it on its way", "track"),
    ("money back", "refund"),
]


def start(folder: Path, name: str, content: str | bytes) -> StartedProject:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return start_project(folder / "desk", folder / name)


def labels_of(folder: Path) -> dict[str, int]:
    (check,) = Project.open(folder / "desk").check()
    assert not check.errors
    return {label: counts["train"] for label, counts in check.to_json()["labels"].items()}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_table_with_columns_of_other_names_is_a_project(mark: str, tmp_path: Path) -> None:
    lines = [mark.join(cells) for cells in [("Utterance", "Intent"), *PARCELS]]
    started = start(tmp_path, "mine.csv", "\n".join(lines))
    assert started.columns == {"text": "Utterance", "label": "Intent"}
    assert labels_of(tmp_path) == {"track": 2, "refund": 2}
    assert started.assumed[0].startswith("Read 4 rows of mine.csv: CSV, cells parted by")


def test_what_was_taken_for_what_is_said(tmp_path: Path) -> None:
    content = "sep=;\nutterance;intent;note\nwo ist es – jetzt;track;a\ngib geld zurück;refund;b\n".encode("cp1252")
    started = start(tmp_path, "mine.csv", content)
    words = "\n".join(started.assumed)
    assert "cells parted by semicolon, windows-1252" in words
    assert 'text ("utterance"), label ("intent")' in words
    assert 'Not read: "note".' in words
    assert '"–", "zurück"' in words


def test_columns_are_told_by_what_they_hold_where_names_say_nothing(tmp_path: Path) -> None:
    started = start(tmp_path, "mine.csv", "\n".join(f"{label},{text}" for text, label in [("B", "A"), *PARCELS]))
    assert started.columns == {"text": "B", "label": "A"}
    assert labels_of(tmp_path) == {"track": 2, "refund": 2}


def test_events_are_a_project_that_recommends(tmp_path: Path) -> None:
    started = start(tmp_path, "log.csv", "user_id,product_id,date\na,x,2024-03-01\nb,y,2024-03-02\n")
    assert started.columns == {"user": "user_id", "item": "product_id", "timestamp": "date"}
    (check,) = Project.open(tmp_path / "desk").check()
    assert "2 events of 2 users" in str(check.to_json()["learns_from"])


@pytest.mark.parametrize("export", ["label studio", "doccano", "prodigy"])
def test_exports_of_annotation_tools_are_projects(export: str, tmp_path: Path) -> None:
    rows: list[object] = [{"text": text, "label": [label], "id": at} for at, (text, label) in enumerate(PARCELS)]
    if export == "prodigy":
        rows = [{"text": text, "label": label, "answer": "accept"} for text, label in PARCELS]
        rows.append({"text": "no", "label": "track", "answer": "reject"})
    if export == "label studio":
        results = [[{"type": "choices", "value": {"choices": [label]}}] for _, label in PARCELS]
        answers = zip(PARCELS, results, strict=True)
        rows = [{"data": {"text": text}, "annotations": [{"result": result}]} for (text, _), result in answers]
    started = start(tmp_path, "export.json", json.dumps(rows))
    assert started.columns == {}
    assert labels_of(tmp_path) == {"track": 2, "refund": 2}
    assert any("rejected" in line or "reject" in line for line in started.assumed) == (export == "prodigy")


def test_marked_parts_are_a_project_that_finds_entities(tmp_path: Path) -> None:
    rows = [{"text": "to Berlin", "label": [[3, 9, "CITY"]]}, {"text": "to Rome", "label": [[3, 7, "CITY"]]}]
    start(tmp_path, "export.jsonl", "\n".join(map(json.dumps, rows)))
    (check,) = Project.open(tmp_path / "desk").check()
    assert list(check.to_json()["labels"]) == ["CITY"]


def test_a_workbook_is_a_project(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in [("Question", "Category"), *PARCELS]:
        book.active.append(cells)
    book.save(tmp_path / "mine.xlsx")
    started = start_project(tmp_path / "desk", tmp_path / "mine.xlsx")
    assert started.columns == {"text": "Question", "label": "Category"}
    assert labels_of(tmp_path) == {"track": 2, "refund": 2}


@pytest.mark.parametrize(
    "content", ["where is it,track\ngive it back,refund\nis it there,track\nback,refund\n", "a,b\n1,2\n3,4\n"]
)
def test_a_file_that_does_not_say_what_it_holds_makes_nothing(content: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match='expected columns that hold "text", "label"'):
        start(tmp_path, "mine.csv", content)
    assert not (tmp_path / "desk").exists()


def test_a_folder_with_files_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk/mine.txt").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="Nothing was changed"):
        start(tmp_path, "mine.csv", "text,label\na,b\n")
    assert [path.name for path in (tmp_path / "desk").iterdir()] == ["mine.txt"]

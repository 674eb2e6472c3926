"""What annotation tools export, as plain rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autogen.data.problems import Problem
from autogen.data.readers.files import read_rows, rows_of
from autogen.data.rows import Row, require_label


def read(folder: Path, objects: list[dict[str, Any]], name: str = "export.jsonl") -> tuple[list[Row], list[Problem]]:
    text = json.dumps(objects) if name.endswith(".json") else "\n".join(map(json.dumps, objects))
    (folder / name).write_text(text, "utf-8")
    return read_rows(folder / name)


def findings(problems: list[Problem]) -> list[tuple[str, str, int | None]]:
    return [(problem.severity, problem.kind, problem.row) for problem in problems]


def labelled(rows: list[Row]) -> list[tuple[object, object]]:
    return [(row.values["text"], row.values["label"]) for row in rows]


def task(text: str, *answers: list[dict[str, Any]], cancelled: bool = False) -> dict[str, Any]:
    annotations = [{"id": 1, "was_cancelled": cancelled, "result": answer} for answer in answers]
    return {"id": 7, "data": {"text": text}, "annotations": annotations, "predictions": []}


def choice(label: str) -> list[dict[str, Any]]:
    return [{"type": "choices", "from_name": "intent", "to_name": "text", "value": {"choices": [label]}}]


def test_what_prodigy_s_user_rejected_or_skipped_is_left_out_with_a_warning(tmp_path: Path) -> None:
    objects = [
        {"text": "where is it", "label": "track", "_input_hash": 1, "answer": "accept"},
        {"text": "give it back", "label": "track", "_input_hash": 2, "answer": "reject"},
        {"text": "hm", "label": "track", "_input_hash": 3, "answer": "ignore"},
    ]
    rows, problems = read(tmp_path, objects)
    assert labelled(rows) == [("where is it", "track")]
    assert findings(problems) == [("warning", "rejected-row", 2)]
    assert '"ignore", "reject" (2 such rows)' in problems[0].message


@pytest.mark.parametrize("name", ["train.csv", "in memory"])
def test_an_answer_turns_a_row_s_meaning_round_in_any_form(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label,answer\na,x,accept\nb,x,reject\n", "utf-8")
    data = [{"text": "a", "label": "x", "answer": "accept"}, {"text": "b", "label": "x", "answer": "reject"}]
    rows, problems = rows_of(str(tmp_path / "train.csv") if name == "train.csv" else data, ("text", "label"))
    assert labelled(rows) == [("a", "x")]
    assert [kind for _, kind, _ in findings(problems)] == ["rejected-row"]


def test_a_column_answer_with_answers_is_left_alone(tmp_path: Path) -> None:
    objects = [{"question": "may I?", "answer": "reject"}, {"question": "who?", "answer": "Ann"}]
    rows, problems = read(tmp_path, objects)
    assert (len(rows), problems) == (2, [])


def test_prodigy_s_choices_are_labels_and_its_spans_entities(tmp_path: Path) -> None:
    options = [{"id": "track", "text": "Track"}, {"id": "refund", "text": "Refund"}]
    span = {"start": 3, "end": 9, "token_start": 1, "token_end": 1, "label": "CITY"}
    objects = [
        {"text": "where is it", "options": options, "accept": ["track"], "answer": "accept"},
        {"text": "to Berlin", "spans": [span], "tokens": [], "answer": "accept"},
    ]
    rows, problems = read(tmp_path, objects)
    assert problems == []
    assert rows[0].values["label"] == "track"
    assert rows[1].values["entities"] == [{"start": 3, "end": 9, "label": "CITY"}]


def test_doccano_s_labels_are_labels_or_entities(tmp_path: Path) -> None:
    objects = [
        {"id": 1, "text": "where is it", "label": ["track"]},
        {"id": 2, "text": "to Berlin", "label": [[3, 9, "CITY"]]},
        {"id": 3, "text": "hm", "label": []},
    ]
    rows, problems = read(tmp_path, objects)
    assert problems == []
    assert rows[0].values["label"] == "track"
    assert rows[1].values["entities"] == [{"start": 3, "end": 9, "label": "CITY"}]
    assert rows[2].values["label"] is None and rows[2].values["entities"] == []


def test_several_labels_of_a_text_stay_a_list_which_is_no_label(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, [{"text": "both", "label": ["a", "b"]}, {"text": "one", "label": ["a"]}])
    assert (labelled(rows), problems) == ([("both", ["a", "b"]), ("one", "a")], [])
    label = require_label(rows[0], "label", 200)
    assert isinstance(label, Problem) and label.kind == "not-a-label"


def test_a_catalogue_s_status_turns_no_item_round(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, [{"item": 1, "status": "draft"}, {"item": 2, "status": "completed"}])
    assert (len(rows), problems) == (2, [])


def test_label_studio_s_tasks_are_rows(tmp_path: Path) -> None:
    mark = [{"type": "labels", "value": {"start": 3, "end": 9, "text": "Berlin", "labels": ["CITY"]}}]
    objects = [task("where is it", choice("track")), task("to Berlin", mark)]
    rows, problems = read(tmp_path, objects, "export.json")
    assert problems == []
    assert labelled(rows[:1]) == [("where is it", "track")]
    assert rows[1].values["entities"] == [{"start": 3, "end": 9, "label": "CITY"}]


def test_tasks_without_a_submitted_annotation_are_left_out_and_those_that_differ_said(tmp_path: Path) -> None:
    objects = [
        task("where", choice("track")),
        task("skipped", choice("track"), cancelled=True),
        task("nobody"),
        task("two", choice("track"), choice("refund")),
    ]
    rows, problems = read(tmp_path, objects, "export.json")
    assert labelled(rows) == [("where", "track"), ("two", "track")]
    assert findings(problems) == [("warning", "rejected-row", 2), ("warning", "several-annotations", 4)]


def test_label_studio_s_short_form_is_read(tmp_path: Path) -> None:
    mark = {"start": 3, "end": 9, "text": "Berlin", "labels": ["CITY"]}
    rows, problems = read(tmp_path, [{"id": 1, "text": "to Berlin", "label": [mark]}], "min.json")
    assert problems == []
    assert rows[0].values["entities"] == [{"start": 3, "end": 9, "label": "CITY"}]


def test_argilla_s_discarded_records_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,status\na,x,submitted\nb,x,discarded\n", "utf-8")
    rows, problems = read_rows(tmp_path / "a.csv")
    assert labelled(rows) == [("a", "x")]
    assert findings(problems) == [("warning", "rejected-row", 3)]


def test_a_mark_of_people_s_own_is_said_not_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,is_correct\na,x,true\nb,x,false\nc,y,true\n", "utf-8")
    rows, problems = read_rows(tmp_path / "a.csv")
    assert len(rows) == 3
    assert findings(problems) == [("warning", "unread-mark", None)]
    assert '"is_correct" beside them, 1 of 3 rows with a no' in problems[0].message

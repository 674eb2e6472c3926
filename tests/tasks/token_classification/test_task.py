"""The task in a project: check, train, evaluate, chat, correct, improve."""

from __future__ import annotations

from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.data.rows import Row
from autogen.feedback.entities import EntitySpan
from autogen.progress import TrainingProgress
from autogen.tasks.token_classification.data import TokenData, annotated_rows, split_rows
from tests.tasks.token_classification.annotated import annotated, write_rows


def rows_of(rows: list[dict[str, object]]) -> list[Row]:
    return [Row(row, "rows", at) for at, row in enumerate(rows, start=1)]


def data_of(rows: list[dict[str, object]], seed: int = 0) -> TokenData:
    return split_rows(annotated_rows(rows_of(rows), {}), None, seed)


def test_a_project_is_checked_trained_measured_asked_corrected_and_improved(project: Path) -> None:
    opened = Project.open(project)
    (checked,) = opened.check()
    assert not [problem for problem in checked.problems if problem.severity == "error"]
    measured = opened.evaluate().skills["finder"]
    assert measured.metrics["entity_f1"] > 0.9
    assert {"precision", "recall", "f1", "f1_low", "f1_high"} <= {*measured.needs["model"].per_label["lost_card"]}
    agent = Agent.load(project)
    reply = agent.respond("tell me about the thief please")
    assert reply.text == "lost_card: thief"
    assert [(entity["start"], entity["end"], entity["label"]) for entity in reply.details["entities"]] == [
        (18, 23, "lost_card")
    ]
    declined = agent.respond("please tell me about it")
    assert declined.action == "decline" and declined.details["entities"] == []
    agent.feedback(declined.id, entities=[EntitySpan(21, 23, "lost_card")])
    corrections = [{"text": row["text"], "entities": row["entities"]} for row in annotated(10, seed=9)]
    opened.import_feedback(write_rows(project / "corrections.jsonl", corrections))
    candidate = Project.open(project).improve(TrainingProgress(quiet=True))
    assert candidate.version == "0002" and candidate.parent == "0001"
    assert candidate.verdict is not None
    (record,) = candidate.skills["finder"].models.values()
    assert record.train_rows > 160  # the corrections that were not set aside were learnt
    assert record.held_out_rows > 60  # and some were


def test_held_out_rows_are_the_same_each_time_have_every_label_and_do_not_teach() -> None:
    rows = annotated(30, seed=1)
    data, again = data_of(rows), data_of(list(reversed(rows)))
    assert {*data.eval.texts} == {*again.eval.texts}
    assert not {*data.eval.texts} & {*data.train.texts}
    assert data.eval.labels == data.train.labels
    assert 0.1 < len(data.eval) / len(rows) < 0.3


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_of_few_rows_some_are_held_out_and_some_are_learnt(count: int) -> None:
    data = data_of(annotated(3, seed=1)[:count])
    assert len(data.eval) >= 1 and len(data.train) >= 1


def test_files_with_tags_and_files_with_entities_are_read_together(project: Path) -> None:
    write_rows(project / "tags.jsonl", [{"tokens": ["a", "thief"], "tags": ["O", "B-lost_card"]}])
    text = (project / "agent.toml").read_text("utf-8")
    (project / "agent.toml").write_text(text.replace('"train.jsonl"', '["train.jsonl", "tags.jsonl"]'), "utf-8")
    (checked,) = Project.open(project).check()
    assert not [problem for problem in checked.problems if problem.severity == "error"]


def test_rows_without_any_entity_are_an_error() -> None:
    problems = data_of([{"text": "please", "entities": []}]).problems
    assert [problem.kind for problem in problems if problem.severity == "error"] == ["no-entities"]


LABELS = ["City", "CITY\u200b", "City", "Day"]


def test_labels_of_entities_that_differ_in_case_alone_are_asked_about_or_joined() -> None:
    rows = rows_of(
        [
            {"text": f"to Berlin {at}", "entities": [{"start": 3, "end": 9, "label": label}]}
            for at, label in enumerate(LABELS)
        ]
    )
    asked = split_rows(annotated_rows(rows, {}), None, 0)
    assert {*asked.train.labels, *asked.eval.labels} == {"City", "CITY", "Day"}
    assert [problem.kind for problem in asked.problems] == ["similar-names"]
    joined = split_rows(annotated_rows(rows, {}), None, 0, join_names=True)
    assert {*joined.train.labels, *joined.eval.labels} == {"City", "Day"}
    assert joined.problems == ()


def test_advice_to_who_has_no_project_names_no_settings() -> None:
    _, (problem,) = annotated_rows(rows_of([{"sentence": "to Berlin", "entities": []}]), {}, in_project=False)
    assert problem.fix == 'rename "sentence" to "text"'

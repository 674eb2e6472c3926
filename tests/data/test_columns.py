from __future__ import annotations

import tomllib
from collections.abc import Mapping

import pytest

from autogen.data.columns import find_columns, select
from autogen.data.problems import Problem
from autogen.data.rows import Row

REQUIRED = ("text", "label")
OPTIONAL = ("text_pair",)


def rows(*values: Mapping[str, object], source: str = "train.csv") -> list[Row]:
    return [Row(value, source, number) for number, value in enumerate(values, start=2)]


def problem(values: Mapping[str, object], columns: Mapping[str, str] | None = None) -> Problem:
    picked, problems = select(rows(values, values), REQUIRED, OPTIONAL, columns or {})
    assert picked == []
    assert [(mistake.severity, mistake.kind, mistake.row) for mistake in problems] == [
        ("error", "missing-column", None)
    ]
    return problems[0]


def test_only_the_fields_of_the_task_are_picked() -> None:
    picked, problems = select(rows({"text": "a", "label": "x", "id": 1}), REQUIRED, OPTIONAL, {})
    assert problems == []
    assert picked == rows({"text": "a", "label": "x"})


def test_mapped_columns_become_fields() -> None:
    columns = {"text": "utterance", "text_pair": "second", "answer": "of another task"}
    values = {"utterance": "a", "label": "x", "second": "b", "text": "other"}
    picked, problems = select(rows(values), REQUIRED, OPTIONAL, columns)
    assert problems == []
    assert picked == rows({"text": "a", "label": "x", "text_pair": "b"})


def test_a_column_that_single_rows_lack_is_left_to_the_task() -> None:
    picked, problems = select(rows({"text": "a", "label": "x"}, {"text": "b"}), REQUIRED, OPTIONAL, {})
    assert problems == []
    assert [dict(row.values) for row in picked] == [{"text": "a", "label": "x"}, {"text": "b"}]


def test_a_missing_column_is_one_problem_for_each_source_and_spares_the_others() -> None:
    table = rows({"text": "a"}, {"text": "b"}, source="a.csv") + rows({"label": "x"}, source="b.csv")
    picked, problems = select(table + rows({"text": "a", "label": "x"}), REQUIRED, (), {})
    assert [mistake.source for mistake in problems] == ["a.csv", "b.csv"]
    assert [row.source for row in picked] == ["train.csv"]


@pytest.mark.parametrize("name", ["utterance", "sentence", "query", "question", "message", "Text", "texts", "TEXT "])
def test_a_usual_name_of_the_text_is_suggested_as_a_line_to_write(name: str) -> None:
    mistake = problem({name: "a", "label": "x"})
    assert f'expected the column "text", found "{name}", "label"' in mistake.message
    assert f'columns = {{text = "{name}"}}' in mistake.fix


@pytest.mark.parametrize("name", ["intent", "category", "class", "target", "topic", "labels", "Label"])
def test_a_usual_name_of_the_label_is_suggested(name: str) -> None:
    assert f'columns = {{label = "{name}"}}' in problem({"text": "a", name: "x"}).fix


def test_several_missing_columns_are_one_line_to_write() -> None:
    assert 'columns = {text = "query", label = "intent"}' in problem({"intent": "x", "query": "a"}).fix


def test_what_is_already_mapped_stays_in_the_suggested_line() -> None:
    mistake = problem({"said": "a", "intent": "x"}, {"text": "said"})
    assert 'columns = {text = "said", label = "intent"}' in mistake.fix


def test_a_mapped_column_that_does_not_exist_is_an_error_with_the_nearest() -> None:
    mistake = problem({"utterance": "a", "label": "x"}, {"text": "utterence"})
    assert 'expected the column "utterence"' in mistake.message
    assert 'columns = {text = "utterance"}' in mistake.fix


def test_a_mapped_optional_column_that_does_not_exist_is_an_error() -> None:
    assert '"second"' in problem({"text": "a", "label": "x"}, {"text_pair": "second"}).message


def test_a_file_without_a_header_is_told_which_to_add() -> None:
    mistake = problem({"I lost my card": "Where is it?", "card-07": "card-09"})
    assert 'columns = {text = "…", label = "…"}' in mistake.fix
    assert "add a header line (text,label,text_pair)" in mistake.fix


def test_one_column_is_not_suggested_for_two_fields() -> None:
    assert 'columns = {text = "message", label = "…"}' in problem({"message": "a"}).fix


def test_a_strange_column_name_is_still_valid_toml() -> None:
    mistake = problem({'the "text"\n': "a", "intent": "x"}, {"text": 'the "text"'})
    line = mistake.fix.removeprefix("write ").split(" in agent.toml")[0]
    assert tomllib.loads(line) == {"columns": {"text": 'the "text"\n', "label": "intent"}}


def test_no_rows_give_no_problems() -> None:
    assert select([], REQUIRED, OPTIONAL, {"text": "utterance"}) == ([], [])


def test_advice_without_a_project_is_to_rename() -> None:
    rows = [Row({"utterance": "a", "x": "b"}, "train_data", 1)]
    (problem,) = select(rows, ("text", "label"), (), {}, in_project=False)[1]
    assert problem.fix == 'rename "utterance" to "text"; name the columns "label"'


def test_columns_are_found_by_their_names_or_not_at_all() -> None:
    assert find_columns(["Utterance", "Intent"], ("text", "label")) == {"text": "Utterance", "label": "Intent"}
    assert find_columns(["text", "zzz"], ("text", "label")) is None

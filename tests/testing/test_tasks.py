"""`check_task` finds what is wrong with a task, and says what was expected and which part of the contract says so."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from autogen.testing import check_task
from autogen_sentiment.task import SentimentTask
from tests.testing import broken
from tests.testing.importing_torch import HEAVY

DATA = Path(__file__).parents[2] / "examples/plugin/project/data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sentiments() -> dict[str, Any]:
    eval_rows = rows("eval.csv")
    words = "today tomorrow now again always here there soon later still yet once".split()
    feedback = [{"text": f"I am chuffed {word}", "label": "glad"} for word in words]
    corrections = [{**row, "label": "glad"} for row in eval_rows[-20:]]
    return {"rows": {"train": rows("train.csv"), "eval": eval_rows}, "feedback": [*feedback, *corrections]}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NAMED_IN_CAPITALS", "found 'SentimentLexicon' (see Task.name)"),
        ("WITHOUT_TRAIN_ROWS", 'expected "train" among the roles'),
        ("FIELD_TWICE", "Task.fields"),
        ("WITHOUT_LEARNER", "no method fit (see Task.learner)"),
        ("RAISING_FOR_BAD_ROWS", "raised (see Task.read)"),
        ("SILENT_ABOUT_BAD_ROWS", "expected a problem with text = None"),
        ("BY_ORDER", "whatever the order of the rows"),
        ("OTHER_ROWS_IN_MEMORY", "Task.from_rows"),
        ("MEASURING_MEMORY", "Task.unseen"),
        ("PICKLED", "expected nothing pickled, found ['model.pkl']"),
        ("RECORD_NO_JSON", "expected the record of a fit as JSON"),
        ("ONE_DIGEST", "expected another digest of another model"),
        ("UNMEASURED_METRIC", "expected the metrics ['top_5'] too"),
        ("IN_PERCENT", "each in 0–1, found {'accuracy': 8"),
        ("SCORED_OTHERWISE", "as evaluated, found 0.4"),
        ("SCORED_IN_BOOLEANS", "expected 75 flags, found float64"),
        ("DEAF_TO_FEEDBACK", "found that none does"),
        ("LEARNING_FROM_EVAL_ROWS", "expected that no eval row teaches"),
        ("LOADING_TORCH", "found ['torch'] imported (see Task.load)"),
    ],
)
def test_a_task_with_one_thing_wrong_is_refused_with_a_sentence(name: str, words: str) -> None:
    task: SentimentTask = getattr(broken, name)
    with pytest.raises(AssertionError) as raised:
        check_task(task, **sentiments())
    assert words in str(raised.value)


def test_a_task_whose_module_imports_torch_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"importing it imports \['torch'\]"):
        check_task(HEAVY, **sentiments())


def test_a_task_that_lies_in_no_module_cannot_be_named_by_an_entry_point() -> None:
    with pytest.raises(AssertionError, match="found it in none"):
        check_task(SentimentTask(), **sentiments())

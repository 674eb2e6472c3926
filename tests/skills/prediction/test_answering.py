"""The skill that answers with whatever its task is: here entities of a text."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autogen import Agent, Project
from autogen.data.rows import Row
from autogen.errors import DataError
from autogen.feedback.entities import EntitySpan
from autogen.feedback.events import Feedback
from autogen.skills.prediction import SKILL
from autogen.skills.prediction.answering import MODEL, Prediction
from autogen.skills.prediction.settings import DECLINE_TEXT
from autogen.skills.skill import Turn
from tests.cli.process import called
from tests.skills.replies import replies_of

THIEF = "what is the thief"


@pytest.fixture
def project(trained_finder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained_finder, tmp_path / "project"))


@pytest.fixture
def skill(trained_finder: Path) -> Prediction:
    model = Project.open(trained_finder).model("finder")
    return SKILL.ready({"task": "token-classification", "decline_text": DECLINE_TEXT}, {MODEL: model})


def test_the_reply_is_what_the_model_predicts_and_its_details_are_the_other_columns(skill: Prediction) -> None:
    answer, refusal = replies_of(skill, [Turn(THIEF), Turn("tell me about it")])
    assert (answer.text, answer.action) == ("lost_card: thief", "answer")
    (entity,) = answer.details["entities"]
    assert (entity["start"], entity["end"], entity["text"]) == (12, 17, "thief")
    assert answer.confidence == entity["confidence"]
    assert (refusal.text, refusal.action, refusal.details) == (DECLINE_TEXT, "decline", {"entities": []})


def test_rows_without_text_are_refused_and_named(skill: Prediction) -> None:
    (columns,) = skill.predict([Row({"text": THIEF}, "rows.csv", 1)])
    assert columns["prediction"] == "lost_card: thief"
    with pytest.raises(DataError, match=r"rows.csv, row 2: expected a value in \"text\""):
        skill.predict([Row({"text": THIEF}, "rows.csv", 1), Row({"text": ""}, "rows.csv", 2)])


def test_a_label_that_the_model_does_not_know_is_noted(skill: Prediction, project: Path) -> None:
    agent = Agent.load(project)
    feedback: Feedback = agent.feedback(agent.respond(THIEF).id, entities=[EntitySpan(12, 17, "lost_cart")])
    note = skill.note_on(feedback)
    assert note is not None and '"lost_cart" is no label yet' in note and 'Did you mean "lost_card"?' in note
    assert skill.note_on(replace(feedback, entities=(EntitySpan(12, 17, "lost_card"),))) is None


def test_a_thumb_up_in_chat_teaches_what_was_answered_and_a_thumb_down_asks_for_more(project: Path) -> None:
    typed = f"{THIEF}\n/up\nwhat is the euro\n/down\n"
    assert called("chat", "-p", project, "--json", typed=typed).code == 0
    curation = Project.open(project).curation()
    (example,) = (*curation.train, *curation.evaluation)
    assert (example.text, example.entities) == (THIEF, (EntitySpan(12, 17, "lost_card"),))
    (item,) = called("review", "-p", project, "--json").json["waiting"]
    assert (item["text"], item["reason"]) == ("what is the euro", "down-rated")
    assert item["predicted_entities"] == [{"start": 12, "end": 16, "label": "exchange_rate"}]
    right = f"{item['feedback_id']}={json.dumps(item['predicted_entities'])}"
    assert called("review", "-p", project, "--json", "--entities", right).json["settled"] == 1
    assert len(Project.open(project).curation().train) + len(Project.open(project).curation().evaluation) == 2

"""`autogen review` of entities: listed, settled, and learnt by `autogen improve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autogen import Agent, Project
from autogen.data.fingerprints import row_fingerprint
from autogen.errors import UsageError
from autogen.versions.fingerprints import TRAIN_ROWS_FILE, read_fingerprints
from tests.cli.process import called, refused
from tests.tasks.token_classification.annotated import annotated, write_rows

# texts whose hash sets none of them aside, so that all are learnt
TEXTS = ("the thief please", "my burglar now", "his balance")
BURGLAR = {"start": 3, "end": 10, "label": "lost_card"}


@pytest.fixture
def corrected(project: Path) -> Path:
    """Three strangers have corrected a text each, and the owner others."""
    spans = [{"start": 4, "end": 9, "label": "lost_card"}, {"start": 0, "end": 2, "label": "top_up"}, None]
    rows: list[dict[str, Any]] = [
        {"text": text, "entities": [span] if span else [], "user": "ann"}
        for text, span in zip(TEXTS, spans, strict=True)
    ]
    owners = [{**row, "user": None} for row in annotated(10, seed=9)]
    file = write_rows(project / "corrections.jsonl", [*rows, *owners])
    assert called("feedback", "import", "-p", project, "--input", file).code == 0
    return project


def waiting(project: Path) -> dict[str, dict[str, Any]]:
    return {item["text"]: item for item in called("review", "-p", project, "--json").json["waiting"]}


def test_strangers_corrections_are_listed_with_the_entities_proposed_and_predicted(corrected: Path) -> None:
    items = waiting(corrected)
    assert {*items} == {*TEXTS}
    thief = items["the thief please"]
    assert (thief["reason"], thief["proposed_label"], thief["user"]) == ("untrusted", None, "ann")
    assert thief["proposed_entities"] == [{"start": 4, "end": 9, "label": "lost_card"}]
    assert thief["predicted_entities"] == [{"start": 4, "end": 9, "label": "lost_card"}]
    assert thief["champion_says"] == "lost_card: thief"
    assert items["his balance"]["proposed_entities"] == []
    shown = " ".join(called("review", "-p", corrected).out.split())
    assert "3 waiting" in shown and "top_up: my" in shown and "no entities" in shown
    assert "autogen review --entities" in shown


def test_what_is_settled_in_review_is_learnt_by_improve(corrected: Path) -> None:
    accepted, other, dropped = (waiting(corrected)[text]["feedback_id"] for text in TEXTS)
    words = ("--accept", accepted, "--entities", f"{other}={json.dumps([BURGLAR])}", "--drop", dropped)
    settled = called("review", "-p", corrected, "--json", *words)
    assert settled.json == {"settled": 3, "waiting": [], "groups": [], "corrections_of_held_out": []}
    exported = {
        line["id"]: line for line in called("feedback", "export", "-p", corrected).objects if line["user"] == "ann"
    }
    assert [exported[name]["decision"] for name in (accepted, other, dropped)] == ["accept", "relabel", "drop"]
    assert exported[other]["decided_entities"] == [BURGLAR]
    called("improve", "-p", corrected, "--json")
    manifest = json.loads((corrected / ".autogen/versions/0002/manifest.json").read_text("utf-8"))
    assert {accepted, other} <= {*manifest["feedback"]} and dropped not in manifest["feedback"]
    learnt = read_fingerprints(corrected / ".autogen/versions/0002/models/finder/model" / TRAIN_ROWS_FILE)
    assert [row_fingerprint(text) in learnt for text in TEXTS] == [True, True, False]


@pytest.mark.parametrize(
    ("entities", "words"),
    [
        ('[{"start": 0, "end": 99, "label": "x"}]', ("0 to 99", "16 characters")),
        ('[{"start": 0, "end": 5, "label": "x"}, {"start": 4, "end": 9, "label": "y"}]', ("apart from each other",)),
        ('[{"start": 3, "end": 4, "label": "x"}]', ("from 3 to 4",)),
        ('[{"start": 0, "end": 3}]', ("--entities ID=[", "start, end and label")),
        ("thief", ("--entities ID=[",)),
        ("", ("--entities ID=[",)),
    ],
)
def test_bad_entities_are_refused_and_nothing_is_settled(
    corrected: Path, entities: str, words: tuple[str, ...]
) -> None:
    item = waiting(corrected)["the thief please"]["feedback_id"]
    refused(called("review", "-p", corrected, "--entities", f"{item}={entities}"), 2, *words)
    assert len(waiting(corrected)) == 3
    other = waiting(corrected)["his balance"]["feedback_id"]
    words_of_both = ["--accept", other, "--entities", f"{item}=thief"]
    refused(called("review", "-p", corrected, *words_of_both), 2, "--entities ID=[")
    assert len(waiting(corrected)) == 3


def test_a_label_of_another_skill_is_accepted_where_it_waits_and_one_beside_entities_is_none_of_theirs(
    corrected: Path,
) -> None:
    """A stranger's intent on what the finder answered is the other skill's to learn."""
    words = (corrected / "agent.toml").read_text("utf-8")
    other = '[skills.support]\ntype = "customer-service"\ntrain = "intents.csv"\n'
    (corrected / "agent.toml").write_text(words + other, "utf-8")
    (corrected / "intents.csv").write_text("text,label\nthief,lost_card\nwallet,lost_card\nhi,greet\nhello,greet\n")
    project = Project.open(corrected)
    response = Agent.load(corrected).respond("the thief please")
    stored = Agent.load(corrected).feedback(response.id, label="lost_card", user="ann")
    project.decide(stored.id, "accept")
    assert project.memory.feedback.decisions()[stored.id].decision == "accept"


def test_a_label_is_refused_where_entities_wait(corrected: Path) -> None:
    item = waiting(corrected)["my burglar now"]["feedback_id"]
    refused(called("review", "-p", corrected, "--relabel", f"{item}=lost_card"), 2, "on entities, not on a label")


def test_with_several_skills_a_label_that_no_skill_knows_is_refused_where_entities_wait(corrected: Path) -> None:
    words = (corrected / "agent.toml").read_text("utf-8")
    other = '[skills.support]\ntype = "customer-service"\ntrain = "intents.csv"\n'
    (corrected / "agent.toml").write_text(words + other, "utf-8")
    (corrected / "intents.csv").write_text("text,label\nhello you,greet\nhi there,greet\nbye now,leave\nbye,leave\n")
    project = Project.open(corrected)
    (item, *_) = (entry for entry in project.memory.feedback.all() if entry.message == "my burglar now")
    with pytest.raises(UsageError, match="on entities, not on a label"):
        project.decide(item.id, "relabel", "no_such_label")
    project.decide(item.id, "relabel", "greet")
    assert project.memory.feedback.decisions()[item.id].label == "greet"

"""The whole loop from the command line, each step a process of its own: feedback, improve, promote, roll back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from autogen import Project
from tests.cli.process import autogen, refused
from tests.project.batches import give, write_beginner
from tests.tiny import rows, sentence, write_csv

REFUND = ["refund", "returned", "payback"]
# So small an evaluation shows only large differences, and a busy machine's clock is no judge.
GATE = "\n[gate]\nmargin = 0.05\nlatency_ratio = 10\nsize_ratio = 2\n"


@pytest.fixture
def left_out(tiny_base_model: Path, tmp_path: Path) -> Path:
    """A project with right corrections, and a colleague's wrong ones that were accepted unread."""
    folder = write_beginner(tmp_path / "beginner", tiny_base_model)
    give(Project.open(folder), right=60, wrong=150)
    return folder


def test_a_new_intent_is_learnt_from_feedback_promoted_and_taken_back(project: Path, tmp_path: Path) -> None:
    with (project / "agent.toml").open("a", encoding="utf-8") as config:
        config.write(GATE)
    chance = random.Random(4)
    new = write_csv(tmp_path / "new.csv", [(sentence(chance, REFUND), "refund") for _ in range(60)])
    assert autogen("feedback", "import", "-p", project, "--input", new, "--json").json["imported"] == 60

    improved = autogen("improve", "-p", project, "--json")
    assert improved.code == 0, improved.err
    report = improved.json
    assert (report["version"], report["champion"], report["passed"]) == ("0002", "0001", True)
    assert report["verdict"]["summary"].startswith("Accepted")
    assert "new labels (refund)" in " ".join(check["finding"] for check in report["verdict"]["checks"])
    assert report["metrics"]["support"]["accuracy"] > 0.9

    shown = autogen("versions", "-p", project, "--show", "2")
    assert "Gate: version 0002 against 0001" in shown.out
    assert "Accepted" in shown.out
    listed = {
        manifest["version"]: manifest for manifest in autogen("versions", "-p", project, "--json").json["versions"]
    }
    assert (listed["0002"]["parent"], listed["0002"]["made_by"], len(listed["0002"]["feedback"])) == (
        *("0001", "improve"),
        60,
    )

    message = "refund returned payback please\n"
    assert autogen("promote", "-p", project, "--json").json == {"champion": "0002", "before": "0001"}
    (answer,) = autogen("chat", "-p", project, "--json", typed=message).objects
    assert (answer["version"], answer["alternatives"][0][0]) == ("0002", "refund")
    (before,) = autogen("chat", "-p", project, "--version", "0001", "--json", typed=message).objects
    assert "refund" not in [label for label, _ in before["alternatives"]]
    assert autogen("rollback", "-p", project, "--json").json == {"champion": "0001", "before": "0002"}
    refused(autogen("rollback", "-p", project), 2, "nothing was changed")
    assert autogen("promote", "-p", project, "--json").json == {"champion": "0002", "before": "0001"}


def test_a_candidate_that_the_gate_refuses_ends_with_1_and_says_why(project: Path, tmp_path: Path) -> None:
    arrivals = [text for text, label in rows(60, seed=7) if label == "card_arrival"]
    wrong = write_csv(tmp_path / "wrong.csv", [(text, "top_up") for text in arrivals])
    assert autogen("feedback", "import", "-p", project, "--input", wrong).code == 0
    improved = autogen("improve", "-p", project, "--json")
    assert improved.code == 1
    assert not improved.json["passed"]
    assert "Version 0002 was not accepted; the champion goes on answering." in improved.err
    refused(autogen("promote", "-p", project), 1, "nothing to promote")
    refused(autogen("promote", "-p", project, "--version", "2"), 1, "The gate said no to version 0002", "--force")
    assert autogen("promote", "-p", project, "--version", "2", "--force", "--json").json["champion"] == "0002"


def test_improve_says_what_it_learnt_of_whom_and_what_it_left_out_and_where_to_decide(left_out: Path) -> None:
    improved = autogen("improve", "-p", left_out, "--json")
    assert improved.code == 0, improved.err
    report = improved.json
    assert (report["version"], report["passed"], report["instead_of"]) == ("0003", True, "0002")
    (part,) = report["left_out"]
    assert (
        part["part"] == "all by eve" and part["users"] == {"eve": part["rows"]} and "trusted rows" in part["evidence"]
    )
    assert [*report["batch_users"]] == [""] and report["batch_users"][""] + part["rows"] == len(
        autogen("feedback", "export", "-p", left_out, "--json").json["feedback"]
    )
    shown = autogen("versions", "-p", left_out, "--show", "3")
    assert "without a name" in shown.out and "all by eve" in shown.out and "autogen review" in shown.out
    assert "Version 0002 was turned down" in shown.out
    (group,) = autogen("review", "-p", left_out, "--json").json["groups"]
    assert (group["title"], group["evidence"][0]) == ("left out of version 0002: all by eve", part["evidence"])
    assert autogen("review", "-p", left_out, "--drop", group["id"], "--json").json["settled"] == part["rows"]
    assert autogen("promote", "-p", left_out, "--json").json["champion"] == "0003"

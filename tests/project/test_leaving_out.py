"""A batch is not all or nothing: what harms waits for a person, the rest is learnt."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from autogen import Project
from autogen.errors import Refused
from autogen.feedback.events import Feedback
from autogen.progress import TrainingProgress
from autogen.project.leaving_out import needs_harmed
from autogen.versions.manifest import Manifest
from autogen.versions.verdict import NOT_TAUGHT, Check, Verdict
from tests.tiny import TOPICS, rows, write_csv, write_tiny_project

BAD = "eve"


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    """A champion that has seen little, beside enough older rows to tell harm by."""
    folder = write_tiny_project(
        tmp_path_factory.mktemp("beginner") / "project", tiny_base_model, per_label=12, held_out=60, epochs=2
    )
    Project.open(folder).train(progress=TrainingProgress(quiet=True))
    config = (folder / "agent.toml").read_text("utf-8").replace("epochs = 2", "epochs = 6")
    (folder / "agent.toml").write_text(config, "utf-8")
    return folder


def give(project: Project, right: int, wrong: int) -> None:
    """The owner's right corrections, and those of a colleague who calls all a top-up, accepted unread."""
    taken = {text for text, _ in rows(right, seed=7)}
    chance = random.Random(5)
    others = [row for row in rows(wrong, seed=9) if row[0] not in taken and row[1] != "top_up"]
    bad = [(text, "top_up") for text, _ in chance.sample(others, min(wrong, len(others)))]
    project.import_feedback(write_csv(project.folder / "right.csv", rows(right, seed=7)))
    lines = "".join(f"{text},{label},{BAD}\n" for text, label in bad)
    (project.folder / "wrong.csv").write_text("text,label,user\n" + lines, "utf-8")
    project.import_feedback(project.folder / "wrong.csv")
    for group in project.to_review().groups:
        project.decide(group.id, "accept")


@pytest.fixture(scope="module")
def improved(beginner: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Right corrections beside a colleague's wrong ones, and what `improve` made of them."""
    folder = Path(shutil.copytree(beginner, tmp_path_factory.mktemp("improved") / "project"))
    project = Project.open(folder)
    give(project, right=60, wrong=150)
    project.improve(TrainingProgress(quiet=True))
    return folder


@pytest.fixture
def project(improved: Path, tmp_path: Path) -> Project:
    return Project.open(shutil.copytree(improved, tmp_path / "project"))


def given_by(project: Project, user: str | None) -> set[str]:
    return {item.id for item in project.memory.feedback.all() if item.user == user}


def improve(project: Project) -> Manifest:
    return Project.open(project.folder).improve(TrainingProgress(quiet=True))


def test_the_rest_of_a_batch_that_was_turned_down_is_learnt_and_judged_as_another_version(project: Project) -> None:
    rejected, candidate = project.versions.manifest("0002"), project.versions.manifest("0003")
    print(rejected.verdict["summary"], candidate.verdict["summary"], rejected.left_out, candidate.left_out)
    assert not rejected.passed and candidate.passed
    assert (rejected.instead_of, candidate.instead_of) == (None, "0002")
    assert candidate.parent == "0001" and candidate.left_out == rejected.left_out
    (part,) = candidate.left_out
    assert {*part.feedback} == given_by(project, BAD)
    assert {*rejected.feedback} == {*candidate.feedback} | {*part.feedback}
    (first,) = [check for check in candidate.verdict["checks"] if check["name"] == "enough rows"]
    assert first["figures"]["look"] == 2

"""A batch is not all or nothing: what harms waits for a person, the rest is learnt."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autogen import Project
from autogen.errors import Refused
from autogen.progress import TrainingProgress
from autogen.project.learning import Learning, interrupted
from autogen.project.leaving_out import find_harmful_parts, needs_harmed
from autogen.versions.manifest import Manifest
from autogen.versions.verdict import NOT_JUDGED, NOT_TAUGHT, Check, Verdict, reject_incomparable
from tests.project.batches import BAD, give, write_beginner
from tests.tiny import rows, write_csv


@pytest.fixture(scope="module")
def beginner(tmp_path_factory: pytest.TempPathFactory, tiny_base_model: Path) -> Path:
    return write_beginner(tmp_path_factory.mktemp("beginner") / "project", tiny_base_model)


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
    assert not rejected.passed and candidate.passed
    assert (rejected.instead_of, candidate.instead_of) == (None, "0002")
    assert candidate.parent == "0001" and candidate.left_out == rejected.left_out
    (part,) = candidate.left_out
    assert {*part.feedback} == given_by(project, BAD)
    assert {*rejected.feedback} == {*candidate.feedback} | {*part.feedback}
    (first,) = [check for check in candidate.verdict["checks"] if check["name"] == "enough rows"]
    assert first["figures"]["look"] == 2


def test_what_is_left_out_waits_in_review_as_a_group_with_what_it_harms(project: Project) -> None:
    (group,) = project.to_review().groups
    assert group.title == f"left out of version 0002: all by {BAD}"
    assert {item.feedback_id for item in group.items} == given_by(project, BAD)
    assert (
        "trusted rows wrong" in group.evidence[0]
        and group.evidence[0] == project.versions.all()[1].left_out[0].evidence
    )
    assert {item.reason for item in project.review()} == {"left-out"}


def test_once_the_rest_is_champion_there_is_nothing_to_learn_until_a_person_decides(project: Project) -> None:
    assert project.promote() == "0003"
    with pytest.raises(Refused, match="No feedback to learn from"):
        improve(project)
    assert len(project.to_review().groups) == 1


def test_more_feedback_is_learnt_beside_it_without_asking_again_whether_it_harms(project: Project) -> None:
    project.promote()
    project.import_feedback(write_csv(project.folder / "more.csv", rows(10, seed=31)))
    manifest = improve(project)
    assert not {*manifest.feedback} & given_by(project, BAD)
    assert {item.reason for item in project.review()} == {"left-out"}


def test_what_a_person_accepts_after_the_evidence_is_learnt_and_not_left_out_again(project: Project) -> None:
    project.promote()
    (group,) = project.to_review().groups
    assert project.decide(group.id, "accept") == len(group.items)
    manifest = improve(project)
    assert manifest.version == "0004" and given_by(project, BAD) <= {*manifest.feedback}
    assert not manifest.passed and not manifest.left_out  # the gate still has its say
    assert not project.to_review().groups


def test_what_a_person_refuses_is_dropped(project: Project) -> None:
    project.promote()
    (group,) = project.to_review().groups
    project.decide(group.id, "drop")
    assert not project.to_review().groups
    ignored = {item.feedback.id for item in project.curation().ignored if item.reason == "dropped"}
    assert ignored == given_by(project, BAD)


def test_promoting_the_version_that_was_turned_down_ends_the_wait(project: Project) -> None:
    project.promote("0002", force=True)
    assert not project.to_review().groups
    project.rollback()
    assert len(project.to_review().groups) == 1


def test_the_version_that_was_turned_down_is_measured_on_what_it_was_judged_by(project: Project) -> None:
    rows_by_version = {
        version: project.evaluate(version=version).skills["support"].needs["intent"].rows
        for version in ("0002", "0003")
    }
    assert rows_by_version["0002"] > rows_by_version["0003"]


def test_whose_feedback_was_learnt_and_left_out_is_told_from_the_database(project: Project) -> None:
    report = project.batch_report(project.versions.manifest("0003"))
    assert {*report.users} == {""} and sum(report.users.values()) == len(project.versions.manifest("0003").feedback)
    (part,) = report.left_out
    assert (part.part, part.users) == (f"all by {BAD}", {BAD: part.rows})
    assert report.rows_left_out == len(given_by(project, BAD))
    assert BAD not in project.versions.manifest("0003").model_dump_json()
    project.forget(BAD)
    forgotten = project.batch_report(project.versions.manifest("0003"))
    assert BAD not in str(forgotten.to_json()) and forgotten.left_out[0].part == "feedback that was erased since"


def test_a_batch_that_is_nothing_but_harm_waits_and_makes_no_second_version(beginner: Path, tmp_path: Path) -> None:
    project = Project.open(shutil.copytree(beginner, tmp_path / "project"))
    give(project, right=0, wrong=150)
    manifest = improve(project)
    assert (manifest.version, manifest.passed, len(manifest.left_out)) == ("0002", False, 1)
    assert project.versions.names() == ["0001", "0002"]
    with pytest.raises(Refused, match="No feedback to learn from"):
        improve(project)


def test_of_an_honest_batch_that_is_accepted_nothing_is_left_out(beginner: Path, tmp_path: Path) -> None:
    project = Project.open(shutil.copytree(beginner, tmp_path / "project"))
    give(project, right=60, wrong=0)
    manifest = improve(project)
    assert manifest.passed and not manifest.left_out and manifest.version == "0002"
    assert not project.memory.left_out.all()


def test_where_a_task_cannot_tell_which_part_harms_it_is_said(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learning = Learning(
        shop, Project.open(shop).config, "improve", Project.open(shop).memory, TrainingProgress(quiet=False)
    )
    (work, *_), champion = learning.read(), learning.champion
    assert champion is not None
    assert find_harmful_parts(work, champion, learning.job(work, shop / "new"), learning.progress) == []
    assert "cannot be told of the task recommendation" in capsys.readouterr().err


def check(name: str, passed: bool = False) -> Check:
    return Check(name, passed, "", {})


def verdict(*checks: Check) -> Verdict:
    return Verdict(False, "Rejected.", 100, checks)


def test_only_what_other_rows_could_mend_is_looked_into() -> None:
    assert needs_harmed(verdict(check("no label worse"), check("size", passed=True))) == {""}
    assert needs_harmed(verdict(check("cards: no label worse"), check("money: size"))) == {"cards"}
    for name in NOT_TAUGHT:
        assert needs_harmed(verdict(check("no label worse"), check(name))) == {""}
        assert needs_harmed(verdict(check(name))) == frozenset()
    for name in NOT_JUDGED:
        assert needs_harmed(verdict(check("no label worse"), check(name))) == frozenset()
        assert needs_harmed(verdict(check("cards: no label worse"), check(f"cards: {name}"))) == frozenset()


def test_what_rows_do_not_mend_are_checks_of_the_gate(project: Project) -> None:
    names = {check["name"] for check in (project.versions.manifest("0003").verdict or {})["checks"]}
    incomparable = {check.name for check in reject_incomparable("gone").checks}
    assert names >= NOT_TAUGHT and names | incomparable >= NOT_JUDGED


def test_whoever_interrupts_the_second_training_is_told_what_is_there(project: Project) -> None:
    words = str(interrupted("improve", rejected=project.versions.manifest("0002")))
    assert "Version 0002 was turned down" in words and "autogen review" in words

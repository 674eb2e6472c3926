"""An interrupted training goes on with the same, or is forced to with something else, as far as its checkpoints fit."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from autogen import Project
from autogen.errors import ConfigError, Interrupted, UsageError
from autogen.progress import TrainingProgress
from autogen.project.resuming import RUN_FILE, resume_run
from tests.cli.process import called, refused


class Impatient(TrainingProgress):
    """Presses Ctrl-C after so many rows."""

    def __init__(self, rows: int) -> None:
        super().__init__(quiet=True)
        self.left = rows

    def advance(self, rows: int, note: str = "") -> None:
        super().advance(rows, note)
        self.left -= rows
        if rows and self.left <= 0:
            signal.raise_signal(signal.SIGINT)
            self.left = 10**9


@pytest.fixture
def interrupted(untrained: Path) -> Path:
    """Stopped in its third epoch of six."""
    with pytest.raises(Interrupted):
        Project.open(untrained).train(progress=Impatient(280))
    assert list((untrained / ".autogen/training/train/support/intent/final").glob("checkpoint-*"))
    return untrained


def change(project: Path, before: str, after: str) -> None:
    path = project / "agent.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def add_row(project: Path, row: str) -> None:
    with (project / "data/train.csv").open("a", encoding="utf-8") as file:
        file.write(f"{row}\n")


def test_changed_data_and_settings_are_named_and_go_on_when_forced(interrupted: Path) -> None:
    add_row(interrupted, "please block my stolen wallet now,lost_card")
    change(interrupted, "epochs = 6", "epochs = 5\nweight_decay = 0.02")
    result = called("train", "-p", interrupted, "--resume")
    refused(result, 2, "data (support/intent)", "skills.support.training.epochs", "--resume --force")
    result = called("train", "-p", interrupted, "--resume", "--force", "--json")
    assert result.code == 0, result.err
    warning = " ".join(result.err.split())
    assert "warning: The training goes on although this has changed since it began: data (support/intent)" in warning
    assert "Its checkpoints keep skills.support.training.weight_decay as before" in warning
    history = Project.open(interrupted).versions.all()[0].skills["support"].models["intent"].training["history"]
    assert max(entry["epoch"] for entry in history) >= 5


def test_the_skill_s_own_keys_count_as_settings(interrupted: Path) -> None:
    change(interrupted, 'type = "customer-service"', 'type = "customer-service"\ndecline_text = "Sorry."')
    refused(called("train", "-p", interrupted, "--resume"), 2, "settings (skills.support.decline_text)")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("[skills.support.training]", '[skills.support.training]\nmethod = "head"', "skills.support.training.method"),
        ("freeze_embeddings = false", "freeze_embeddings = true", "freeze_embeddings"),
    ],
)
def test_what_its_checkpoints_do_not_fit_is_refused_also_when_forced(
    interrupted: Path, before: str, after: str, reason: str
) -> None:
    change(interrupted, before, after)
    refused(called("train", "-p", interrupted, "--resume", "--force"), 2, "do not fit any more", reason)


def test_other_labels_are_refused_also_when_forced(interrupted: Path) -> None:
    add_row(interrupted, "my money was returned,refund")
    add_row(interrupted, "please payback my money,refund")
    result = called("train", "-p", interrupted, "--resume", "--force")
    refused(result, 2, "labels of support/intent: new refund")


def test_rows_that_were_learnt_and_are_held_out_now_are_refused_also_when_forced(interrupted: Path) -> None:
    train = interrupted / "data/train.csv"
    *lines, last = train.read_text("utf-8").splitlines()
    train.write_text("\n".join(lines) + "\n", "utf-8")
    with (interrupted / "data/eval.csv").open("a", encoding="utf-8") as file:
        file.write(f"{last}\n")
    result = called("train", "-p", interrupted, "--resume", "--force")
    refused(result, 2, "1 rows of support/intent that were learnt are no training rows now")


def test_force_alone_is_bad_usage(untrained: Path) -> None:
    refused(called("train", "-p", untrained, "--force"), 2, "--resume")


def test_what_is_not_there_or_damaged_cannot_be_resumed(untrained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none"):
        Project.open(untrained).train(resume=True, progress=TrainingProgress(quiet=True))
    (tmp_path / RUN_FILE).write_text('{"config"', "utf-8")
    with pytest.raises(UsageError, match="damaged"):
        resume_run(tmp_path, {}, force=True)


def test_another_champion_is_named_and_folds_of_other_data_are_forgotten(tmp_path: Path) -> None:
    labels, learnt = {"a/b": ["x", "y"]}, {"a/b": ["r", "s"]}
    record = {"config": {}, "champion": "0001", "data": {"a/b": ["1"]}, "labels": labels, "learnt": learnt}
    before = {"config": {}, "champion": None, "data": {"a/b": ["0"]}, "learnt": {"a/b": ["r"]}}
    (tmp_path / RUN_FILE).write_text(json.dumps(before), "utf-8")
    for name in ("fold-1", "held-back", "final"):
        (tmp_path / "a/b" / name).mkdir(parents=True)
    (tmp_path / "a/b/fold-1.npy").touch()
    with pytest.raises(ConfigError, match=r"champion \(none before, 0001 now\)"):
        resume_run(tmp_path, record, force=False)
    assert "champion (none before, 0001 now)" in resume_run(tmp_path, record, force=True)
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["final"]
    assert resume_run(tmp_path, record, force=False) == ""


def run_of(support: dict[str, object]) -> dict[str, object]:
    """What a run writes down, with these settings of its only skill."""
    return {"config": {"skills": {"support": support}}, "champion": None, "data": {}, "labels": {}, "learnt": {}}


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        ({"base_model": None}, {"base_model": "./other"}, "skills.support.base_model"),
        (
            {"need_training": None},
            {"need_training": {"intent": {"method": "head"}}},
            "skills.support.training.intent.method",
        ),
        (
            {"need_training": {"intent": {"r": 8}}},
            {"need_training": {"intent": {"r": 4}}},
            "skills.support.training.intent.r",
        ),
    ],
)
def test_a_skill_s_base_model_and_a_need_s_method_shape_the_weights(
    tmp_path: Path, before: dict[str, object], now: dict[str, object], reason: str
) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(run_of(before)), "utf-8")
    with pytest.raises(ConfigError, match="do not fit any more") as raised:
        resume_run(tmp_path, run_of(now), force=True)
    assert reason in str(raised.value)


def test_a_need_s_other_settings_are_named_as_in_the_file_and_may_be_forced(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(run_of({"need_training": {"intent": {"epochs": 6}}})), "utf-8")
    now = run_of({"need_training": {"intent": {"epochs": 5}}})
    with pytest.raises(ConfigError, match=r"settings \(skills\.support\.training\.intent\.epochs\)"):
        resume_run(tmp_path, now, force=False)
    assert "skills.support.training.intent.epochs" in resume_run(tmp_path, now, force=True)


def test_settings_that_an_older_run_did_not_know_and_that_are_not_set_have_not_changed(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(run_of({"type": "customer-service"})), "utf-8")
    now = run_of({"type": "customer-service", "base_model": None, "need_training": None, "options": {}})
    assert resume_run(tmp_path, now, force=False) == ""

"""Trackers, each really installed and writing to this machine's disk."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autogen.config.training import TrainingSettings
from autogen.errors import ConfigError, Interrupted
from autogen.progress import RunPlace, TrainingProgress
from autogen.runtime.encoding import TextEncoder
from autogen.tasks.text_classification.learning.fine_tune import FineTuning
from autogen.tasks.text_classification.learning.sources import FromBaseModel
from autogen.training.loop.trainer import fit
from autogen.training.tracking import Tracking, tracker_names
from tests.training.conftest import LABELS, QUIET, encoded, examples, fit_of, recipe

SETTINGS = {"epochs": 3, "tuning": {"method": "full"}, "base_model": "tiny"}


class Run:
    """A run of three epochs that ends with a metric, and can be interrupted and resumed."""

    def __init__(self, source: FromBaseModel, encoder: TextEncoder, folder: Path) -> None:
        self.source, self.encoder, self.state = source, encoder, folder / "state"
        self.place = RunPlace(folder / "runs/0001/support", folder / "runs", "bank/support")

    def go(self, tracker: str, progress: TrainingProgress = QUIET) -> None:
        rows = encoded(self.encoder, examples(8, seed=1))
        eval_rows = encoded(self.encoder, examples(5, seed=2))
        gold = np.array([row.target for row in eval_rows])
        with Tracking([tracker], self.place, SETTINGS) as tracking:
            job = fit_of(
                self.source.build(LABELS, 0),
                recipe(epochs=3),
                rows,
                self.encoder,
                self.state,
                [row.encoded for row in eval_rows],
                lambda outputs: float((outputs[0].argmax(axis=1) == gold).mean()),
            )
            fit(job, progress, tracking.callbacks)
            tracking.finish({"accuracy": 0.75})


@pytest.fixture
def run(source: FromBaseModel, encoder: TextEncoder, tmp_path: Path) -> Run:
    return Run(source, encoder, tmp_path)


class Stop(TrainingProgress):
    """Presses Ctrl-C when the first epoch has been scored."""

    def advance(self, rows: int, note: str = "") -> None:  # noqa: ARG002 as its parent's
        if note.startswith("held-out"):
            signal.raise_signal(signal.SIGINT)


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads in a run's folder: tag → (step, value)."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    values = accumulator.EventAccumulator(str(folder))
    values.Reload()
    return {tag: [(entry.step, entry.value) for entry in values.Scalars(tag)] for tag in values.Tags()["scalars"]}


def test_tensorboard_shows_loss_rate_score_and_final_metrics(run: Run) -> None:
    run.go("tensorboard")
    values = scalars(run.place.folder)
    assert len(values["train/loss"]) == len(values["eval/score"]) == len(values["train/learning_rate"]) == 3
    assert values["final/accuracy"][0][1] == 0.75


def test_a_resumed_run_goes_on_in_the_same_log(run: Run) -> None:
    with pytest.raises(Interrupted):
        run.go("tensorboard", Stop(quiet=True))
    before = scalars(run.place.folder)["train/loss"]
    run.go("tensorboard")
    after = scalars(run.place.folder)["train/loss"]
    assert 1 <= len(before) < len(after) <= 3  # the epoch that was interrupted logs no loss
    assert after[: len(before)] == before


def test_weights_and_biases_keeps_the_run_here_when_offline(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run.go("wandb")
    assert wandb.run is None, "the run is ended"
    wandb.teardown()  # as at the process's end: waits until all is on disk
    (log,) = run.place.folder.glob("wandb/offline-run-*/run-*.wandb")
    text = log.read_bytes()
    for name in ("train/loss", "train/learning_rate", "eval/score", "final/accuracy", "tuning.method", "0001/support"):
        assert name.encode() in text
    assert (run.place.folder / "wandb.id").read_text() in log.name, "a resumed run has the same id"


@pytest.fixture
def mlflow() -> Iterator[Any]:
    client = pytest.importorskip("mlflow")
    yield client
    client.set_tracking_uri("")


@pytest.mark.slow  # MLflow takes some ten seconds to make its database
def test_mlflow_keeps_one_run_also_when_it_is_resumed(run: Run, mlflow: Any) -> None:
    with pytest.raises(Interrupted):
        run.go("mlflow", Stop(quiet=True))
    run.go("mlflow")
    assert mlflow.active_run() is None
    assert not mlflow.is_tracking_uri_set(), "the next project's runs go to its own database"

    client = mlflow.MlflowClient(f"sqlite:///{run.place.runs}/mlflow.db")
    (runs,) = client.search_runs([client.get_experiment_by_name("bank/support").experiment_id])
    assert runs.info.status == "FINISHED" and runs.info.run_name == "0001/support"
    assert runs.data.params["autogen/tuning.method"] == "full"
    assert runs.data.metrics["final/accuracy"] == 0.75
    losses = client.get_metric_history(runs.info.run_id, "loss")
    assert len({entry.step for entry in losses}) == len(losses) >= 2  # the epoch that was interrupted logs no loss


def test_unless_told_tensorboard_s_files_are_written_and_none_is_none() -> None:
    assert tracker_names(None) == ["tensorboard"]
    assert tracker_names(["none"]) == []
    assert TrainingSettings.model_validate({"report_to": "mlflow"}).report_to == ["mlflow"]
    with pytest.raises(ConfigError, match="report_to"):
        TrainingSettings().report_to = ["tensorbord"]  # type: ignore[list-item]


def test_a_tracker_that_is_not_installed_is_named_before_anything_is_learnt(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autogen.training.tracking.PACKAGES", {"wandb": "no_such_package"})
    settings = TrainingSettings.model_validate({"report_to": "wandb"})
    job = FineTuning(examples(8, seed=1), (), settings, run.source, tmp_path / "model", run.state, log=run.place)
    with pytest.raises(ConfigError, match=r"no_such_package.*pip install"):
        job.run(QUIET)
    assert not run.state.exists()


def test_without_a_place_nothing_is_logged() -> None:
    with Tracking(["tensorboard"], None, {}) as tracking:
        assert tracking.callbacks == []
        tracking.finish({"accuracy": 1.0})


def test_a_project_s_runs_are_named_by_the_versions_they_made(trained: Path) -> None:
    assert set(scalars(trained / ".autogen/runs/0001/support/intent")) > {
        "train/loss",
        "eval/score",
        "final/accuracy",
    }

"""Trackers: a run's loss, learning rate, scores, settings and metrics in TensorBoard, Weights & Biases or MLflow.

What happens while training is logged by transformers' own callbacks; the settings and the final metrics by us.

Each run has a folder. What identifies it to a tracker is kept there, so that a run that is resumed goes on in the same
log. Nothing is sent anywhere unless the tracker itself was told to: TensorBoard's files and MLflow's are local.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from transformers import TrainerCallback
from transformers.integrations import MLflowCallback, TensorBoardCallback, WandbCallback

from autogen.config.project import flatten_settings
from autogen.errors import ConfigError
from autogen.installation import install_extra
from autogen.progress import RunPlace
from autogen.storage.files import explain_os_errors

PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow"}
RUNS_FOLDER = "runs"  # of a project, by the version that the run makes
EXTRAS = {"tensorboard": "learn", "wandb": "tracking", "mlflow": "tracking"}

Values = Mapping[str, Any]


class Tracker(Protocol):
    """One tracker's log of one run."""

    callback: TrainerCallback

    def finish(self, metrics: Mapping[str, float]) -> None:
        """The run is done: the exported model's metrics."""

    def close(self, failed: bool) -> None: ...


def tracker_names(report_to: Sequence[str] | None) -> list[str]:
    """The trackers named; unless told, TensorBoard's files where they can be written. Raises ConfigError."""
    if report_to is None:
        return ["tensorboard"] if find_spec(PACKAGES["tensorboard"]) else []
    names = [name for name in dict.fromkeys(report_to) if name != "none"]
    for name in names:
        if not find_spec(PACKAGES[name]):
            raise ConfigError(
                f"`report_to` names {name}: expected the package {PACKAGES[name]}, which is not installed. "
                f"Install it with {install_extra(EXTRAS[name])}, or take {name} out."
            )
    return names


class Tracking:
    """The logs of one run, in a `with` block: what leaves it by an exception is marked as failed."""

    def __init__(self, report_to: Sequence[str] | None, place: RunPlace | None, settings: Values) -> None:
        """No place, no logs. Raises ConfigError, StorageError."""
        names = tracker_names(report_to) if place is not None else []
        self._trackers: list[Tracker] = []
        for name in names:
            assert place is not None
            with explain_os_errors(place.folder):
                place.folder.mkdir(parents=True, exist_ok=True)
                self._trackers.append(TRACKERS[name](place, flatten_settings(settings)))

    @property
    def callbacks(self) -> list[TrainerCallback]:
        return [tracker.callback for tracker in self._trackers]

    def finish(self, metrics: Mapping[str, float]) -> None:
        for tracker in self._trackers:
            tracker.finish(metrics)

    def __enter__(self) -> Tracking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for tracker in self._trackers:
            tracker.close(failed=kind is not None)


class TensorBoardFiles:
    """Event files in the run's folder: `tensorboard --logdir .autogen/runs` shows all versions side by side, and their
    settings with their metrics under HPARAMS. Of several files in a folder TensorBoard reads one after the other."""

    def __init__(self, place: RunPlace, settings: Values) -> None:
        from tensorboardX import SummaryWriter

        self._open: Callable[[], Any] = lambda: SummaryWriter(str(place.folder))
        self._settings = settings
        self._writer = self._open()
        self.callback: TrainerCallback = TensorBoardCallback(self._writer)

    def finish(self, metrics: Mapping[str, float]) -> None:
        """What `add_hparams` writes, but into this run: of its own accord it would make another."""
        from tensorboardX.summary import hparams

        final = {f"final/{name}": value for name, value in metrics.items()}
        settings = {n: v if isinstance(v, bool | int | float) else str(v) for n, v in self._settings.items()}
        self._writer = self._open()  # the callback has closed the other
        for summary in hparams(settings, final):
            self._writer.file_writer.add_summary(summary)
        for name, value in final.items():
            self._writer.add_scalar(name, value)

    def close(self, failed: bool) -> None:  # noqa: ARG002 an event file has no mark for it
        self._writer.close()


class WandbRun:
    """A run of Weights & Biases. Its own variables decide where it goes (WANDB_MODE=offline keeps it here)."""

    def __init__(self, place: RunPlace, settings: Values) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self._run: Any = wandb.run
        self._started_here = self._run is None  # one that the person has begun is theirs to end
        if self._run is None:
            try:
                self._run = wandb.init(
                    project=os.environ.get("WANDB_PROJECT") or re.sub(r"[/\\#?%:]", "-", place.project)[:128],
                    name=place.name,
                    id=_read_or_write(place.folder / "wandb.id", secrets.token_hex(4)),
                    resume="allow",
                    dir=str(place.folder),
                    settings=wandb.Settings(console="off"),
                )
            except (wandb.errors.UsageError, wandb.errors.CommError) as error:
                raise ConfigError(
                    f"`report_to` names wandb, and it could not begin: {error} Log in with `wandb login`, keep the run "
                    "on this machine with WANDB_MODE=offline, or take wandb out."
                ) from error
        self._run.config.update(dict(settings), allow_val_change=True)
        self.callback: TrainerCallback = WandbCallback()

    def finish(self, metrics: Mapping[str, float]) -> None:
        self._run.summary.update({f"final/{name}": value for name, value in metrics.items()})

    def close(self, failed: bool) -> None:
        if self._started_here:
            self._run.finish(exit_code=int(failed))


class MLflowRun:
    """A run of MLflow, in the store that MLFLOW_TRACKING_URI or the caller names, else in one beside the runs."""

    def __init__(self, place: RunPlace, settings: Values) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        import mlflow

        self._mlflow: Any = mlflow
        self._started_here, self._own_store = mlflow.active_run() is None, False
        try:
            if self._started_here:
                self._begin(place)
            self.log_settings(settings)
        except mlflow.exceptions.MlflowException as error:
            raise ConfigError(
                f"`report_to` names mlflow, and it could not begin: {error} Check MLFLOW_TRACKING_URI."
            ) from error
        self.callback: TrainerCallback = MLflowCallback()

    def _begin(self, place: RunPlace) -> None:
        mlflow = self._mlflow
        if not mlflow.is_tracking_uri_set():
            mlflow.set_tracking_uri(f"sqlite:///{(place.runs / 'mlflow.db').resolve()}")
            self._own_store = True
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or place.project)
        record = place.folder / "mlflow.id"
        run_id = record.read_text("ascii") if record.is_file() else None
        run = mlflow.start_run(run_id=run_id, run_name=None if run_id else place.name)
        _read_or_write(record, run.info.run_id)

    def log_settings(self, settings: Values) -> None:
        self._mlflow.log_params({f"autogen/{name}": str(value)[:250] for name, value in settings.items()})

    def finish(self, metrics: Mapping[str, float]) -> None:
        self._mlflow.log_metrics({f"final/{name}": value for name, value in metrics.items()})

    def close(self, failed: bool) -> None:
        self._mlflow.flush_async_logging()
        if self._started_here:
            self._mlflow.end_run("FAILED" if failed else "FINISHED")
        if self._own_store:
            self._mlflow.set_tracking_uri("")  # the next run in this process may be another project's


TRACKERS: Mapping[str, Any] = {"tensorboard": TensorBoardFiles, "wandb": WandbRun, "mlflow": MLflowRun}


def _read_or_write(record: Path, value: str) -> str:
    """The value in the file; this one, kept there, when there is no file yet."""
    if not record.is_file():
        record.write_text(value, "ascii")
    return record.read_text("ascii")

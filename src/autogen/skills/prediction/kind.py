"""The kind of skill `prediction`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogen.config.project import validate_settings
from autogen.config.settings import CONFIG_NAME
from autogen.data.problems import Problem, listed
from autogen.plugins import tasks
from autogen.skills.kind import StartingPoint
from autogen.skills.prediction.answering import MODEL, Prediction
from autogen.skills.prediction.settings import Answering, PredictionSettings
from autogen.tasks.task import Fields, Need, Predicts, TaskData


class PredictionKind:
    name = "prediction"
    settings = PredictionSettings
    predicts = Fields(("text",), ("text_pair",))
    wording = frozenset({"decline_text"})
    answers_with = ""
    commands = ""
    routes = ""
    starting_points = (
        StartingPoint(("text", "entities"), "train", {"task": "token-classification"}),
        StartingPoint(("tokens", "tags"), "train", {"task": "token-classification"}),
    )

    def needs(self, settings: PredictionSettings, base_model: str) -> tuple[Need, ...]:
        task = tasks()[settings.task]
        sources = {"train": settings.train, "eval": settings.eval, "unlabelled": settings.unlabelled}
        where = f"{CONFIG_NAME}, [skills.….options] of {settings.task}"
        return (
            Need(
                name=MODEL,
                task=settings.task,
                base_model=settings.base_model or base_model,
                sources={role: tuple(files or ()) for role, files in sources.items() if role in task.roles},
                columns=settings.columns,
                training=settings.training_of(MODEL),
                options=validate_settings(task.options, settings.options, where),
                join_names=settings.join_names,
            ),
        )

    def keeps(self, settings: PredictionSettings, project: Path) -> dict[str, Any]:  # noqa: ARG002 as all are asked
        return settings.model_dump(include=set(Answering.model_fields))

    def bare(self, task: str) -> PredictionSettings:
        return PredictionSettings(type="prediction", task=task, train=["train_data"])

    def check(
        self,
        settings: PredictionSettings,
        project: Path,  # noqa: ARG002 as every kind is asked
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> list[Problem]:
        roles = tasks()[settings.task].roles
        if not settings.unlabelled or "unlabelled" in roles:
            return []
        message = f"expected data of the roles {listed(roles)} for {settings.task}, found `unlabelled`"
        return [Problem("warning", "unlabelled", CONFIG_NAME, None, message, "remove it: nothing is learnt from it")]

    def require(self, settings: PredictionSettings, data: Mapping[str, TaskData]) -> None:
        """Nothing."""

    def build(
        self,
        settings: PredictionSettings,  # noqa: ARG002 as every kind is asked
        models: Mapping[str, Path],  # noqa: ARG002
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> dict[str, Any]:
        return {}

    def ready(self, record: Mapping[str, Any], models: Mapping[str, Any]) -> Prediction:
        answering, model = Answering.model_validate(dict(record)), models[MODEL]
        if not isinstance(model, Predicts):
            raise ValueError(f"expected a task whose model answers rows by itself (`Predicts`), found {answering.task}")
        return Prediction(model, answering)

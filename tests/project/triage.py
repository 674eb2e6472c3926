"""A skill with two needs, as a package of its own might bring it: what a message is about, and how urgent it is.

Rows have `text`, `label` and `urgency`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from autogen.config.project import SkillSettings, Sources
from autogen.data.problems import Problem
from autogen.data.rows import Row
from autogen.errors import UsageError
from autogen.feedback.events import Feedback
from autogen.skills.skill import Offer, Reply, Turn
from autogen.tasks.task import Fields, Need, TaskData
from autogen.tasks.text_classification.settings import ClassificationOptions

COLUMN = {"topic": "label", "urgency": "urgency"}  # of each need's label


class TriageSettings(SkillSettings):
    type: Literal["triage"]
    train: Sources
    eval: Sources | None = None


@dataclass(frozen=True)
class Triage:
    """Says both."""

    models: Mapping[str, Any]

    def consider(self, turns: Sequence[Turn]) -> list[Offer]:
        answers = self.predict([Row({"text": turn.text}, "message", at) for at, turn in enumerate(turns)])
        texts = [f"{answer['topic']}, {answer['urgency']}" for answer in answers]
        return [Offer(True, 1.0, lambda text=text: Reply(text, "answer", 1.0)) for text in texts]

    def predict(self, rows: Sequence[Row]) -> list[Mapping[str, object]]:
        columns = {name: self.models[name].predict_rows(rows) for name in COLUMN}
        return [{name: columns[name][at]["prediction"] for name in COLUMN} for at in range(len(rows))]

    def note_on(self, feedback: Feedback) -> str | None:  # noqa: ARG002 it has nothing to say
        return None


class TriageKind:
    name = "triage"
    settings = TriageSettings
    predicts = Fields(("text",))
    wording: frozenset[str] = frozenset()
    answers_with = ""
    commands = ""
    routes = ""

    def needs(self, settings: TriageSettings, base_model: str) -> tuple[Need, ...]:
        return tuple(
            Need(
                name=name,
                task="text-classification",
                base_model=settings.base_model or base_model,
                sources={"train": tuple(settings.train), "eval": tuple(settings.eval or ())},
                columns={"label": column, **settings.columns},
                training=settings.training_of(name),
                options=ClassificationOptions(),
            )
            for name, column in COLUMN.items()
        )

    def keeps(self, settings: TriageSettings, project: Path) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def bare(self, task: str) -> TriageSettings:
        raise UsageError(f"Expected a skill, found the task {task} alone.")

    def check(self, settings: TriageSettings, project: Path, data: Mapping[str, TaskData]) -> list[Problem]:  # noqa: ARG002
        return []

    def require(self, settings: TriageSettings, data: Mapping[str, TaskData]) -> None:
        """Nothing."""

    def build(
        self,
        settings: TriageSettings,  # noqa: ARG002
        models: Mapping[str, Path],  # noqa: ARG002
        data: Mapping[str, TaskData],  # noqa: ARG002
    ) -> dict[str, Any]:
        return {}

    def ready(self, record: Mapping[str, Any], models: Mapping[str, Any]) -> Triage:  # noqa: ARG002
        return Triage(models)


SKILL = TriageKind()

"""What the skill may be told in `agent.toml`, and what a version keeps of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from autogen.config.project import SkillSettings, Sources
from autogen.errors import did_you_mean
from autogen.plugins import tasks

DECLINE_TEXT = "I found nothing in that."


class PredictionSettings(SkillSettings):
    """An agent that answers with the model of one task, such as the entities of a text."""

    type: Literal["prediction"] = Field(description="Prediction: what the model of one task says of a text.")
    task: str = Field(description='The task: one whose rows have a `text`, such as `"token-classification"`.')
    train: Sources = Field(description="Files or hub data sets of the task's rows to learn from.")
    eval: Sources | None = Field(
        default=None, description="Files of rows to measure on. Without it some train rows are held out."
    )
    unlabelled: Sources | None = Field(
        default=None, description="Files of texts without labels, for tasks that learn from such."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="What the task itself may be told: the table `[skills.NAME.options]`."
    )
    decline_text: str = Field(default=DECLINE_TEXT, description="What the agent says when the model finds nothing.")

    @field_validator("task")
    @classmethod
    def _task_of_texts(cls, name: str) -> str:
        known = [task for task in tasks() if "text" in tasks()[task].fields.required]
        if name not in known:
            raise ValueError(f"expected a task of texts among {', '.join(known)}.{did_you_mean(name, known)}")
        return name

    @model_validator(mode="before")
    @classmethod
    def _split_training(cls, values: Any) -> Any:
        """The training settings are of the task's own type."""
        parted = super()._split_training(values)  # type: ignore[operator] # pydantic wraps it
        training = parted.get("training") if isinstance(parted, dict) else None
        if not isinstance(training, dict) or parted.get("task") not in tasks():
            return parted
        return {**parted, "training": tasks()[parted["task"]].training.model_validate(training)}


class Answering(BaseModel):
    """What a version keeps of the settings."""

    task: str
    decline_text: str

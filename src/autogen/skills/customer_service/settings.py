"""What the skill may be told in `agent.toml`, and what a version keeps of it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from autogen.config.project import SkillSettings, Sources


class CustomerServiceSettings(SkillSettings):
    type: Literal["customer-service"]
    train: Sources
    eval: Sources | None = None
    responses: str | None = None
    unlabelled: Sources | None = None
    rejection_loss: float = Field(default=0.01, ge=0, le=1)  # in-scope accuracy that declining may cost
    threshold: float | None = None  # on the model's score; None: calibrated within rejection_loss
    clarify_margin: float = Field(default=0.2, ge=0, le=1)  # ask back when the two best are closer than this
    clarify_text: str = "Did you mean {choices}?"
    decline_text: str = "I am sorry, I do not know about that. Could you say it in other words?"


class SavedCustomerServiceSettings(BaseModel):
    """What a version keeps of the settings."""

    responses: dict[str, list[str]]
    threshold: float | None
    clarify_margin: float
    clarify_text: str
    decline_text: str

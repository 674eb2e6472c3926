"""What may be set, in the package's own types: of the learning, of the task, and of the skill."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autogen.config.project import SkillSettings, Sources
from autogen.config.settings import Settings
from autogen.config.training import TrainingSettings


class LexiconTraining(TrainingSettings):
    """`[skills.NAME.training]`: `epochs`, `learning_rate`, `weight_decay` and `seed` of what all learners share, and
    one of our own."""

    min_rows: int = Field(default=1, ge=1)  # rows that a word must stand in to be weighed


class LexiconOptions(Settings):
    """What a skill decides of how the task is learnt."""

    ignored: tuple[str, ...] = ()  # words that must not decide


class Kept(Settings):
    """What a version keeps of the skill's settings."""

    replies: dict[str, str] = Field(default_factory=dict)  # sentiment -> text; without one, the sentiment is named
    clarify_below: float = Field(default=0.5, ge=0, le=1)  # ask back when the most likely is less likely than this
    clarify_text: str = "Would you say {choices}?"
    decline_text: str = "I cannot tell how you feel about it."


class SentimentSettings(SkillSettings):
    """`[skills.NAME]` with `type = "sentiment"`."""

    type: Literal["sentiment"]
    train: Sources
    eval: Sources | None = None
    ignored: list[str] = Field(default_factory=list)  # words that must not decide
    replies: dict[str, str] = Field(default_factory=dict)
    clarify_below: float = Kept.model_fields["clarify_below"].default
    clarify_text: str = Kept.model_fields["clarify_text"].default
    decline_text: str = Kept.model_fields["decline_text"].default
    training: LexiconTraining = Field(default_factory=LexiconTraining)

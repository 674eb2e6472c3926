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

    min_rows: int = Field(default=1, ge=1, description="Rows that a word must stand in to be weighed.")


class LexiconOptions(Settings):
    """What a skill decides of how the task is learnt."""

    ignored: tuple[str, ...] = Field(default=(), description="Words that must not decide.")


class Kept(Settings):
    """What a version keeps of the skill's settings."""

    replies: dict[str, str] = Field(
        default_factory=dict, description="Sentiment = text. Without one the sentiment is named."
    )
    clarify_below: float = Field(
        default=0.5, ge=0, le=1, description="Ask back when the most likely sentiment is less likely than this."
    )
    clarify_text: str = Field(
        default="Would you say {choices}?", description="What it asks then; `{choices}` becomes the sentiments."
    )
    decline_text: str = Field(
        default="I cannot tell how you feel about it.", description="What it says when it knows none of the words."
    )


class SentimentSettings(SkillSettings):
    """`[skills.NAME]` with `type = "sentiment"`."""

    type: Literal["sentiment"] = Field(description="Sentiment: the tone of a message.")
    train: Sources = Field(description="Files of rows `text, label` to learn from.")
    eval: Sources | None = Field(default=None, description="Files of rows to measure on.")
    ignored: list[str] = Field(default_factory=list, description="Words that must not decide.")
    replies: dict[str, str] = Field(
        default_factory=dict, description="Sentiment = text. Without one the sentiment is named."
    )
    clarify_below: float = Field(
        default=Kept.model_fields["clarify_below"].default,
        description="Ask back when the most likely sentiment is less likely than this.",
    )
    clarify_text: str = Field(
        default=Kept.model_fields["clarify_text"].default,
        description="What it asks then; `{choices}` becomes the sentiments.",
    )
    decline_text: str = Field(
        default=Kept.model_fields["decline_text"].default,
        description="What it says when it knows none of the words.",
    )
    training: LexiconTraining = Field(
        default_factory=LexiconTraining, description="How to learn: the table `[skills.NAME.training]`."
    )

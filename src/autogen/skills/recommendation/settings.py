"""What agent.toml may say of a recommender, what a version keeps of it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from autogen.config.project import SkillSettings, Sources
from autogen.config.settings import CONFIG_NAME
from autogen.data.problems import Problem, shown
from autogen.errors import ConfigError
from autogen.knowledge.pgvector_index import checked_url
from autogen.tasks.recommendation.indexes import EMBEDDED

MOST_SHOWN = 100
USED = {"epochs", "learning_rate", "train_batch_size", "precision", "seed"}  # of the training settings


class RecommendationSettings(SkillSettings):
    """An agent that recommends what each user will want next, also by a wish in words.

    Of the training settings it reads `epochs`, `learning_rate`, `train_batch_size`, `precision` and `seed`; the others
    do nothing.
    """

    type: Literal["recommendation"] = Field(description="Recommendation: items of a catalogue for users.")
    interactions: Sources = Field(description="Files of events `user, item, timestamp[, rating|event]` to learn from.")
    items: Sources | None = Field(
        default=None,
        description=(
            "The catalogue: files of rows `item, title` with any text or attribute. Without it the ids are all "
            "there is."
        ),
    )
    eval: Sources | None = Field(
        default=None, description="Files of later events to measure on. Without it some events are held out."
    )
    split: Literal["last", "time"] = Field(
        default="last",
        description="Which events are held out without `eval`: the last one of some users, or the last tenth of all.",
    )
    min_rating: float | None = Field(
        default=None, description="Eval events rated below this are not counted as wanted."
    )
    shown: int = Field(
        default=5,
        ge=1,
        le=MOST_SHOWN,
        description="How many items an answer has, unless it is asked for another number.",
    )
    diversity: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="0: the best items, however alike; 1: items as unlike each other as can be.",
    )
    exploration: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="The share of what is shown that is left to chance, so that versions can be compared on clicks.",
    )
    allow: list[str] | None = Field(default=None, description="Ids of items: nothing else is shown.")
    block: list[str] = Field(default_factory=list, description="Ids of items that are never shown.")
    boost: dict[str, float] = Field(
        default_factory=dict, description="Id = how many times as likely the item is taken to be; above 0."
    )
    stock: str | None = Field(
        default=None, description="The attribute of items that must be above 0 for an item to be shown."
    )
    index: str = Field(
        default=EMBEDDED,
        description=(
            "Where the texts of a catalogue of 50,000 items and more are searched: in the version's own folder, or "
            'in PostgreSQL with pgvector at `"postgresql://host/database"`.'
        ),
    )
    new_items: int = Field(
        default=0,
        ge=0,
        le=MOST_SHOWN,
        description="How many of the items shown, the last ones, are items that nobody has chosen yet.",
    )
    decline_text: str = Field(
        default="I have found nothing that fits {wish}. Try asking for less.",
        description="What the agent says when nothing fits; `{wish}` becomes what was asked for.",
    )


class SavedRecommendationSettings(BaseModel):
    """What a version keeps of the settings."""

    shown: int
    diversity: float
    exploration: float = 0.0
    allow: list[str] | None
    block: list[str]
    boost: dict[str, float]
    stock: str | None
    decline_text: str
    index: str = EMBEDDED
    new_items: int = 0
    join_names: bool = False


def settings_problems(settings: RecommendationSettings) -> list[Problem]:
    wrong = [(name, factor) for name, factor in settings.boost.items() if not factor > 0]
    idle = sorted(settings.training.model_fields_set - USED)
    problems = [_idle(idle)] if idle else []
    if settings.index != EMBEDDED:
        try:
            checked_url(settings.index)
        except ConfigError as error:
            fix = "correct it, or take it out"
            problems.append(Problem("error", "index", CONFIG_NAME, None, str(error).rstrip("."), fix))
    return [*problems, *(_no_factor(name, factor) for name, factor in wrong)]


def _idle(names: Sequence[str]) -> Problem:
    message = f"expected training settings that a recommender has ({', '.join(sorted(USED))}), found {', '.join(names)}"
    return Problem("warning", "idle-setting", CONFIG_NAME, None, message, "take it out: it does nothing here")


def _no_factor(name: str, factor: float) -> Problem:
    message = f"expected a factor above 0 for {shown(name)} in boost, found {factor}"
    fix = "write 2.0 for twice as likely, or put the item into block"
    return Problem("error", "boost", CONFIG_NAME, None, message, fix)

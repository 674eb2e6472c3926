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
    type: Literal["recommendation"]
    interactions: Sources
    items: Sources | None = None
    eval: Sources | None = None
    split: Literal["last", "time"] = "last"  # without `eval`: held out is some users' last event, or the last tenth
    min_rating: float | None = None  # held-out events rated below are not what is to be found
    shown: int = Field(default=5, ge=1, le=MOST_SHOWN)
    diversity: float = Field(default=0.0, ge=0, le=1)
    exploration: float = Field(default=0.0, ge=0, le=1)  # share of what is shown that is left to chance
    allow: list[str] | None = None  # ids: nothing else is shown
    block: list[str] = Field(default_factory=list)  # ids: never shown
    boost: dict[str, float] = Field(default_factory=dict)  # id = how many times as likely
    stock: str | None = None  # the attribute that must be above 0
    index: str = EMBEDDED  # where a large catalogue's texts are searched: here, or postgresql://host/database
    new_items: int = Field(default=0, ge=0, le=MOST_SHOWN)  # of those shown, the last: items that nobody chose yet
    decline_text: str = "I have found nothing that fits {wish}. Try asking for less."


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

"""What a skill decides of how a recommender is learnt and measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from autogen.config.settings import Settings


class RecommendationOptions(Settings):
    split: Literal["last", "time"] = Field(
        default="last",
        description=(
            "Which events are held out without eval events: the last one of some users, or the last tenth of all."
        ),
    )
    min_rating: float | None = Field(
        default=None, description="Eval events rated below this are not counted as wanted."
    )

"""What a skill decides of how a recommender is learnt and measured."""

from __future__ import annotations

from typing import Literal

from autogen.config.settings import Settings


class RecommendationOptions(Settings):
    split: Literal["last", "time"] = "last"  # without eval events: some users' last event, or the last tenth
    min_rating: float | None = None  # eval events rated below are not what is to be found

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.agents.agent import load_skills
from autogen.tasks.recommendation.interactions import Interactions, interactions_of
from autogen.tasks.recommendation.model import Recommender
from autogen.tasks.recommendation.ranking import rank
from autogen.versions.registry import Versions
from tests.shop import BEGAN, DAY, NEW

LATE = BEGAN + 100.0 * DAY


@pytest.fixture
def model(trained_shop: Path) -> Recommender:
    versions = Versions(trained_shop)
    recommender = load_skills(versions.folder / "0001", versions.manifest("0001"))["films"].models["items"]
    assert isinstance(recommender, Recommender)
    return recommender


def chosen_late(item: str) -> Interactions:
    return interactions_of([("u0", item, LATE, float("nan"))])


def test_one_new_item_among_new_items_alone_measures_nothing(model: Recommender) -> None:
    metrics = rank(model, chosen_late(NEW)).metrics
    assert "cold_hit_rate_at_10" in metrics
    assert "cold_only_hit_rate_at_10" not in metrics


def test_more_new_items_than_are_shown_measure_something(model: Recommender) -> None:
    events = model.events
    known = [at for at, name in enumerate(events.items) if name.startswith("h")]
    model.events = events.where(np.isin(events.item, known))
    assert "cold_only_hit_rate_at_10" in rank(model, chosen_late(NEW)).metrics

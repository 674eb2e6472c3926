"""Events that say what a user did not like."""

from __future__ import annotations

import numpy as np
import pytest

from autogen.data.problems import Problem
from autogen.tasks.recommendation.opinions import check_low_ratings, is_dislike, is_impression

NONE = float("nan")


def check(ratings: list[float], items: list[int], min_rating: float | None = None) -> list[Problem]:
    names = ["tea", "mug", "cup"]
    return check_low_ratings(np.array(ratings, np.float32), np.array(items, np.int32), names, min_rating, "log.csv")


def test_words_of_shops_and_apps_are_known_in_any_spelling() -> None:
    assert all(map(is_dislike, ("RETURN", "thumbs-down", "Not interested", "removeFromCart", "👎")))
    assert not any(map(is_dislike, ("purchase", "like", "view", "returning_customer_view", 1, None)))
    assert is_impression("Impression") and not is_impression("click")


def test_ratings_below_min_rating_are_said_to_be_learnt_all_the_same() -> None:
    (problem,) = check([5, 5, 4, 3], [0, 0, 1, 2], min_rating=4)
    assert (problem.severity, problem.kind) == ("warning", "low-rating")
    assert "1 of 4 rated events with a rating below min_rating = 4" in problem.message
    assert check([5, 5, 4], [0, 0, 1], min_rating=4) == []


def test_an_item_that_most_rate_low_is_named() -> None:
    (problem,) = check([1] * 12 + [5] * 30, [0] * 12 + [1] * 30)
    assert "12 of 42" in problem.message and '"tea"' in problem.message


@pytest.mark.parametrize("ratings", [[5, 4, 3, 1, 5, 4, 4, 3], [NONE] * 8, [3] * 8])
def test_some_low_ratings_none_or_one_alone_are_no_finding(ratings: list[float]) -> None:
    assert check(ratings, [0, 1, 2, 0, 1, 2, 0, 1]) == []

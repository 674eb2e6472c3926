from __future__ import annotations

import numpy as np

from autogen.skills.recommendation.ordering import by_number, extreme
from autogen.tasks.recommendation.trend import top

NAN, NEVER = np.nan, -np.inf


def test_the_least_are_kept_with_all_that_equal_the_last_of_them() -> None:
    passing = np.array([True, True, True, True, True, False])
    numbers = np.array([5.0, 3.0, NAN, 3.0, 1.0, 0.0])
    assert np.flatnonzero(extreme(passing, numbers, 2)).tolist() == [1, 3, 4]
    assert np.flatnonzero(extreme(passing, numbers, 9)).tolist() == [0, 1, 3, 4]


def test_numbers_come_first_and_scores_among_equals() -> None:
    scores = np.array([9.0, 1.0, 2.0, 3.0, NEVER], np.float32)
    numbers = np.array([NAN, 1.0, 1.0, 0.5, 0.0])
    assert top(by_number(scores, numbers, fitting=False), 5).tolist() == [3, 2, 1]


def test_what_does_not_fit_as_well_comes_after_what_does() -> None:
    scores = np.array([9.0, 8.0, 2.0, 1.0], np.float32)
    numbers = np.array([4.0, 3.0, 2.0, 1.0])
    assert top(by_number(scores, numbers, fitting=True), 4).tolist() == [1, 0, 2, 3]


def test_of_nothing_nothing_is_first() -> None:
    assert top(by_number(np.array([NEVER], np.float32), np.array([1.0]), fitting=True), 1).tolist() == []

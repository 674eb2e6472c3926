from __future__ import annotations

import numpy as np
import pytest

from autogen.data.quality.heads import guesses
from autogen.data.quality.learning_curve import (
    Imbalance,
    LearningCurve,
    advice,
    evenly,
    first_of_each,
    imbalance,
    learning_curve,
    project_error,
)
from autogen.data.splits import folds
from tests.data.quality.clusters import clusters


def curve(each: int, spread: float) -> tuple[LearningCurve, list[str]]:
    vectors, gold = clusters(6, each, spread)
    parts = folds([str(index) for index in range(len(gold))], list(map(str, gold)), 4, 0)
    steps: list[str] = []
    with_all = guesses(vectors, gold, parts, 6)
    return learning_curve(vectors, gold, list("abcdef"), parts, with_all, 0, steps.append), steps


def unequal(counts: list[int], spread: float = 1.5) -> Imbalance:
    vectors, gold = clusters(len(counts), max(counts), spread)
    index = [label * max(counts) + row for label, count in enumerate(counts) for row in range(count)]
    vectors, gold = vectors[index], gold[index]
    parts = folds([str(index) for index in range(len(gold))], list(map(str, gold)), 4, 0)
    with_all = guesses(vectors, gold, parts, len(counts))
    return imbalance(vectors, gold, len(counts), parts, with_all, 0, lambda _: None)


def test_few_rows_that_are_hard_to_tell_apart_call_for_more() -> None:
    result, steps = curve(each=10, spread=2.0)
    assert [rows for rows, _ in result.points] == sorted(rows for rows, _ in result.points)
    assert result.points[-1][1] > result.points[0][1]
    assert result.projected[0] == 2 * result.points[-1][0] and result.projected[1] > result.points[-1][1]
    assert result.verdict.startswith("More data would help")
    assert len(steps) == 3
    assert [label.recall for label in result.labels] == sorted(label.recall for label in result.labels)


def test_rows_that_are_told_apart_already_call_for_none() -> None:
    assert "hardly help" in curve(each=40, spread=0.3)[0].verdict


def test_the_error_at_twice_the_rows_follows_the_power_law_of_the_points() -> None:
    points = [(rows, 1 - 2 * rows**-0.5) for rows in (100, 200, 300, 400)]
    assert project_error(points) == pytest.approx(2 * 800**-0.5)
    assert project_error([(100, 0.9), (200, 0.8)]) == pytest.approx(0.2)  # it is never said to rise


def test_a_larger_share_of_a_label_s_rows_holds_the_smaller_one() -> None:
    gold = np.repeat([0, 1, 2], [1, 8, 40])
    quarter, half = (set(first_of_each(range(49), gold, share, seed=1)) for share in (0.25, 0.5))
    assert quarter < half
    assert [int((gold[sorted(half)] == label).sum()) for label in range(3)] == [1, 4, 20]


def test_what_would_help_a_label_is_said_in_words() -> None:
    assert "each half" in advice(0.1, 30, 30)
    assert "few" in advice(0.0, 5, 30)
    assert "look at its rows" in advice(0.0, 30, 30)


def test_labels_of_about_equal_size_need_no_remedy() -> None:
    result = unequal([20, 25, 30])
    assert (result.chosen, result.remedies) == ("none", ())


def test_remedies_are_measured_where_labels_are_unequal() -> None:
    result = unequal([6, 6, 150, 150], spread=2.5)
    assert [score.remedy for score in result.remedies] == ["none", "class weights", "balanced sampling"]
    best = max(result.remedies, key=lambda score: score.macro_f1)
    assert result.chosen == best.remedy != "none"
    assert best.remedy in result.verdict


def test_even_rows_are_as_many_of_each_label() -> None:
    gold = np.repeat([0, 1], [3, 27])
    assert np.bincount(gold[evenly(range(30), gold, seed=0)]).tolist() == [15, 15]

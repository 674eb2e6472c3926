"""The part that harms is named, and none where none does: on counts made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autogen.feedback.parts import Part
from autogen.project.harm import find_harm
from autogen.versions.scores import Scores

ROWS = 100


def part(title: str, *texts: str) -> Part:
    return Part(title, frozenset(texts), frozenset(f"fb-{text}" for text in texts))


def scores_of(wrong: set[int], measured: int = ROWS) -> Scores:
    right = np.array([row not in wrong for row in range(measured)])
    return Scores(
        metric="accuracy",
        statistic="share",
        rows=tuple(f"row {row}" for row in range(measured)),
        counts=np.stack([right, np.ones(measured)], axis=1).astype(np.float64),
        right=right,
        groups=tuple("card" if row < ROWS // 2 else "loan" for row in range(measured)),
        beyond=np.zeros(measured, bool),
        from_feedback=np.zeros(measured, bool),
    )


class QuickModels:
    """Each text that is learnt makes certain rows wrong, or keeps certain rows right."""

    def __init__(self, harms: Mapping[str, set[int]], helps: Mapping[str, set[int]] | None = None) -> None:
        self.harms, self.helps = harms, helps or {}

    def __call__(self, left_out: frozenset[str]) -> Scores:
        wrong = {row for text, rows in self.harms.items() if text not in left_out for row in rows}
        return scores_of(wrong | {row for text, rows in self.helps.items() if text in left_out for row in rows})


def test_the_part_that_takes_rows_is_named_with_what_it_takes() -> None:
    parts = [part("all by ann", "a", "b"), part("all by eve", "c", "d")]
    (harm,) = find_harm(parts, QuickModels({"c": set(range(8)), "d": set(range(60, 64))}))
    assert harm.part.title == "all by eve"
    assert (harm.rows, dict(harm.lost), harm.gained) == (100, {"card": 8, "loan": 4}, 0)
    assert "12 of 100 trusted rows wrong" in harm.evidence and '"card" (8), "loan" (4)' in harm.evidence


def test_nothing_is_named_where_as_much_is_gained_or_little_is_lost() -> None:
    parts = [part("all by ann", "a"), part("all by eve", "b")]
    even = QuickModels({"a": set(range(12))}, {"a": set(range(20, 32))})
    few = QuickModels({"a": {1, 2, 3}, "b": {4, 5}})
    assert find_harm(parts, even) == [] and find_harm(parts, few) == []
    assert find_harm([], few) == []


def test_of_parts_that_take_the_same_the_smaller_is_named() -> None:
    parts = [part('all as "loan"', "a", "b", "c"), part("all by eve", "b", "c")]
    (harm,) = find_harm(parts, QuickModels({"b": set(range(15))}))
    assert harm.part.title == "all by eve"


def test_a_second_part_is_named_by_what_it_takes_once_the_first_is_left_out() -> None:
    parts = [part("all by ann", "a"), part("all by bob", "b"), part("all by eve", "c")]
    models = QuickModels({"b": set(range(30)), "c": set(range(20, 45))})
    harms = find_harm(parts, models)
    assert [harm.part.title for harm in harms] == ["all by bob", "all by eve"]
    assert [sum(harm.lost.values()) for harm in harms] == [20, 25]


def test_rows_that_are_the_part_s_own_are_not_counted_for_it() -> None:
    def scores(left_out: frozenset[str]) -> Scores:  # the last 20 rows were set aside of the part itself
        return scores_of(set(), measured=80) if "a" in left_out else scores_of(set(range(80, 100)))

    assert find_harm([part("all by eve", "a")], scores) == []

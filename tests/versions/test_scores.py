from __future__ import annotations

import numpy as np
import pytest

from tests.versions.pairs import Row, gains, labelled_spans, paired, rows


def test_the_value_is_of_all_rows_together() -> None:
    assert paired(rows("a", right=3, lost=1)).candidate.value == 0.75
    assert paired(gains([0.0, 0.0], [0.5, 1.0]), "mean").candidate.value == 0.75
    f1 = paired([Row("", (0, 0, 0), (3, 4, 3)), Row("", (0, 0, 0), (0, 0, 5))], "ratio").candidate
    assert f1.value == pytest.approx(2 * 3 / (4 + 8))
    assert f1.by_row.tolist() == [pytest.approx(6 / 7), 0.0]


def test_no_rows_have_no_metric() -> None:
    for statistic in ("share", "mean", "ratio"):
        scores = paired([], statistic).candidate
        assert (len(scores), scores.value, scores.by_row.tolist()) == (0, 0.0, [])
        assert len(scores.where(np.zeros(0, bool))) == 0


def test_some_rows_keep_all_that_belongs_to_them() -> None:
    scores = paired([*rows("a", right=1), *rows("b", lost=1, from_earlier_eval=False), *rows("c", right=1)]).candidate
    some = scores.where(np.array([False, True, True]))
    assert some.groups == ("b", "c")
    assert some.rows == scores.rows[1:]
    assert some.right.tolist() == [False, True]
    assert some.from_feedback.tolist() == [True, False]
    assert some.counts.tolist() == [[0, 1], [1, 1]]
    assert (some.metric, some.statistic, some.unit, some.group) == ("accuracy", "share", "rows", "label")


def test_a_row_may_belong_to_several_groups() -> None:
    right = (1.0, 1.0, 1.0)
    scores = labelled_spans({"a": (right, right), "b": (right, right)}, {"b": (right, right)}, {}).candidate
    assert scores.in_groups(["a"]).tolist() == [True, False, False]
    assert scores.in_groups(["b", "other"]).tolist() == [True, True, False]
    assert scores.in_groups([]).tolist() == [False] * 3
    some = scores.where(np.array([False, True, True]))
    assert some.of_group("b").tolist() == [[1, 1, 1], [0, 0, 0]]
    assert some.of_group("other").tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_row_of_one_group_is_in_no_other() -> None:
    scores = paired([*rows("a", right=1), *rows("b", right=1), *rows("", right=1)]).candidate
    assert scores.in_groups(["a", "c"]).tolist() == [True, False, False]

"""The figures behind the pictures, against other libraries' and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from autogen.tasks.text_classification.answers import (
    Answers,
    ConfusionMatrix,
    count_confusion,
    mistakes,
    reliability,
    seriated,
    tradeoff,
)
from autogen.tasks.text_classification.decoding import LabelPrediction, TextClassification
from tests.reports.conftest import answered


def test_the_matrix_is_scikit_learn_s() -> None:
    answers = answered(6, 200, oos=20)
    matrix = count_confusion(answers.labels, answers.decided)
    assert (matrix.counts == confusion_matrix(answers.labels, answers.decided, labels=matrix.labels)).all()


def test_confused_labels_lie_side_by_side_and_oos_last() -> None:
    labels = ["a", "b", "c", "d", "oos"]
    counts = np.diag([9, 9, 9, 9, 9])
    counts[0, 3], counts[2, 1], counts[0, 4] = 4, 3, 5
    order = ConfusionMatrix(tuple(labels), counts).clustered().labels
    assert order[-1] == "oos"
    assert abs(order.index("a") - order.index("d")) == 1
    assert abs(order.index("b") - order.index("c")) == 1


@given(st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_an_order_holds_every_label_once(size: int, seed: int) -> None:
    between = np.random.default_rng(seed).integers(0, 3, (size, size))
    assert sorted(seriated(between + between.T)) == list(range(size))


def test_of_a_thousand_labels_the_most_confused_are_kept() -> None:
    answers = answered(1_000, 2_000)
    whole = count_confusion(answers.labels, answers.decided)
    worst = whole.most_confused(40)
    assert 30 < len(worst.labels) <= 40
    right, wrong, _ = whole.pairs(1)[0]
    assert {right, wrong} <= {*worst.labels}
    assert whole.only(range(10)).most_confused(40).labels == whole.only(range(10)).most_confused(10).labels


def test_calibration_error_is_the_weighted_distance() -> None:
    diagram = reliability(_sure([(0.95, True)] * 9 + [(0.95, False)] + [(0.55, True)] * 5 + [(0.55, False)] * 5))
    assert diagram is not None
    assert diagram.rows.tolist() == [10, 10]
    assert diagram.ece == pytest.approx((0.05 + 0.05) / 2)


def _sure(rows: list[tuple[float, bool]]) -> Answers:
    predictions = [LabelPrediction("a", confidence, (("a", confidence),), 1.0, True) for confidence, _ in rows]
    return Answers(["text"] * len(rows), ["a" if right else "b" for _, right in rows], predictions, None)


def test_the_tradeoff_at_the_threshold_in_use_is_what_is_measured() -> None:
    answers = answered(5, 300, oos=60, seed=3)
    curve = tradeoff(answers)
    assert curve is not None and answers.threshold is not None
    metrics = TextClassification(()).metrics(answers.predictions, answers.labels)
    at = int(np.searchsorted(curve.thresholds, answers.threshold))
    assert curve.in_scope_accuracy[at] == pytest.approx(metrics["in_scope_accuracy"])
    assert curve.oos_recall[at] == pytest.approx(metrics["oos_recall"])
    assert curve.in_scope_accuracy[0] == pytest.approx(metrics["accuracy"])
    assert (curve.oos_recall[-1], curve.in_scope_accuracy[-1]) == (1, 0)


def test_without_out_of_scope_rows_there_is_no_tradeoff() -> None:
    assert tradeoff(answered(3, 30)) is None
    assert reliability(answered(2, 0, oos=5)) is None


def test_the_surest_mistakes_come_first_two_of_a_kind_before_a_third() -> None:
    worst = mistakes(answered(8, 800), limit=10)
    kinds = [(mistake.label, mistake.answered) for mistake in worst[:6]]
    assert all(kinds.count(kind) <= 2 for kind in kinds)
    assert len(mistakes(answered(8, 800), limit=3)) == 3

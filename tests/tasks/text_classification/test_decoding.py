from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.metrics import (
    accuracy_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
    roc_auc_score,
)

from autogen.data.rows import Row
from autogen.tasks.text_classification.calibration import fit_temperature, softmax
from autogen.tasks.text_classification.decoding import TextClassification
from autogen.tasks.text_classification.metrics import auroc, per_label
from autogen.tasks.text_classification.rows import MAX_TEXT, labelled_rows

LABELS = ("a", "b", "c", "d")
TASK = TextClassification(LABELS)
Logits = NDArray[np.float32]


@st.composite
def answered(draw: Any, labels: tuple[str, ...]) -> tuple[Logits, list[str]]:
    """Logits of a few rows, better than chance and with ties, and what the rows really are."""
    rows = draw(st.integers(2, 60))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = [labels[at] for at in chance.integers(0, len(labels), rows)]
    logits = chance.normal(0, 2, (rows, len(LABELS)))
    for at, label in enumerate(truth):
        if label in LABELS:
            logits[at, LABELS.index(label)] += draw(st.sampled_from([0.0, 2.0, 8.0]))
    digits = draw(st.sampled_from([0, 1, 7]))
    return logits.round(digits).astype(np.float32), truth


@given(answered((*LABELS, "oos", "unheard_of")), st.sampled_from([None, 0.0, 2.0, 3.0]))
def test_the_metrics_are_those_of_scikit_learn(rows: tuple[Logits, list[str]], threshold: float | None) -> None:
    logits, truth = rows
    predictions = TASK.with_threshold(threshold).decode(logits)
    metrics = TASK.metrics(predictions, truth)
    in_scope_at = [at for at, label in enumerate(truth) if label != "oos"]
    gold, guesses = [truth[at] for at in in_scope_at], [predictions[at].label for at in in_scope_at]
    expected: dict[str, float] = {}
    if in_scope_at:
        precision, recall, f1, _ = precision_recall_fscore_support(gold, guesses, average="macro", zero_division=0)
        expected = {"precision": precision, "recall": recall, "f1": f1, "macro_f1": f1}
        expected["accuracy"] = accuracy_score(gold, guesses)
        expected["in_scope_accuracy"] = accuracy_score(gold, [predictions[at].decided for at in in_scope_at])
    if len(in_scope_at) < len(truth):
        is_oos, rejected = [label == "oos" for label in truth], [not prediction.in_scope for prediction in predictions]
        expected["oos_recall"] = recall_score(is_oos, rejected, zero_division=0)
        expected["oos_precision"] = precision_score(is_oos, rejected, zero_division=0)
        if in_scope_at:
            expected["oos_auroc"] = roc_auc_score(
                [not out for out in is_oos], [prediction.score for prediction in predictions]
            )
    assert metrics == pytest.approx(expected)


@given(answered((*LABELS, "oos", "unheard_of")))
def test_every_row_of_the_table_per_label_is_that_of_scikit_learn(rows: tuple[Logits, list[str]]) -> None:
    logits, truth = rows
    guesses = [prediction.decided for prediction in TASK.with_threshold(1.0).decode(logits)]
    table = per_label(guesses, truth)
    names = sorted({*guesses, *truth})
    columns = zip(*precision_recall_fscore_support(truth, guesses, labels=names, zero_division=0), strict=True)
    for name, values in zip(names, columns, strict=True):
        assert list(table[name].values()) == pytest.approx(list(values))
    assert list(table) == names


def test_a_row_whose_label_the_model_does_not_know_is_wrong() -> None:
    predictions = TASK.decode(np.eye(4, dtype=np.float32))
    assert TASK.metrics(predictions, ["a", "b", "c", "unheard_of"])["accuracy"] == 0.75
    assert TASK.gold(["b", "oos", "unheard_of"]).tolist() == [1, -1, -2]


def test_no_rows_have_no_metrics() -> None:
    assert TASK.metrics([], []) == {}


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
    st.lists(st.integers(0, 5), min_size=1, max_size=20),
)
def test_auroc_is_the_share_of_pairs_in_the_right_order_and_ties_count_half(
    inside: list[int], outside: list[int]
) -> None:
    pairs = [(high > low) + 0.5 * (high == low) for high in inside for low in outside]
    assert auroc(inside, outside) == pytest.approx(sum(pairs) / len(pairs))


def negative_log_likelihood(logits: Logits, gold: NDArray[np.intp], temperature: float) -> float:
    """Of targets that are smoothed as Platt (1999) does."""
    scaled = logits.astype(np.float64) / temperature
    log_shares = scaled - logsumexp(scaled, axis=1, keepdims=True)
    doubt = 1 / (len(gold) + 2)
    right = log_shares[np.arange(len(gold)), gold]
    return float(-np.mean((1 - doubt) * right + doubt * log_shares.mean(axis=1)))


@given(answered(LABELS))
def test_the_temperature_fits_the_rows_better_than_none_and_as_well_as_scipys(rows: tuple[Logits, list[str]]) -> None:
    logits, truth = rows
    gold = TASK.gold(truth)
    loss = negative_log_likelihood(logits, gold, fit_temperature(logits, gold))
    reference = minimize_scalar(
        lambda log: negative_log_likelihood(logits, gold, float(np.exp(log))),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    assert loss <= negative_log_likelihood(logits, gold, 1.0) + 1e-6
    assert loss == pytest.approx(reference.fun, abs=1e-4)


def test_the_temperature_is_found_that_the_logits_were_made_with() -> None:
    chance = np.random.default_rng(0)
    shares = softmax(chance.normal(0, 2, (20_000, 4)))
    gold = np.array([chance.choice(4, p=row) for row in shares])
    assert fit_temperature(np.log(shares) * 3, gold) == pytest.approx(3, rel=0.05)


def test_rows_that_are_all_right_by_far_give_a_temperature_within_its_bounds() -> None:
    assert 0.05 <= fit_temperature(np.eye(4) * 1000, np.arange(4)) <= 20
    assert 0.05 <= fit_temperature(np.zeros((4, 4)), np.arange(4)) <= 20


def test_a_few_rows_that_are_all_right_make_no_answer_certain() -> None:
    logits = np.eye(3)[np.arange(18) % 3] * 10.0
    temperature = fit_temperature(logits, np.arange(18) % 3)
    assert 0.9 < softmax(logits / temperature).max() < 0.99


def test_few_rows_without_out_of_scope_ones_leave_room_below_the_lowest_score() -> None:
    chance = np.random.default_rng(0)

    def drawn(rows: int) -> tuple[Logits, list[str]]:
        logits = np.zeros((rows, 4), np.float32)
        logits[np.arange(rows), np.arange(rows) % 4] = chance.normal(10, 1, rows)
        return logits, [LABELS[at % 4] for at in range(rows)]

    lost = []
    for _ in range(50):
        task = TASK.calibrated(*drawn(30))
        lost.append(balance(task, *drawn(1000))[1])
    assert np.mean(lost) < 0.02


def balance(task: TextClassification, logits: Logits, truth: list[str]) -> tuple[float, float]:
    """(rejected out-of-scope rows, in-scope accuracy lost) of a task with a threshold."""
    metrics = task.metrics(task.decode(logits), truth)
    return metrics.get("oos_recall", 0.0), metrics["accuracy"] - metrics["in_scope_accuracy"]


@given(answered((*LABELS, "oos")), st.sampled_from([0.0, 0.01, 0.05, 0.2]))
def test_no_threshold_rejects_more_out_of_scope_rows_for_the_loss_allowed(
    rows: tuple[Logits, list[str]], max_loss: float
) -> None:
    logits, truth = rows
    assume(set(truth) - {"oos"})
    task = TASK.calibrated(logits, truth, max_loss)
    assume(TASK.metrics(TASK.decode(logits), truth)["accuracy"] > max_loss)
    recall, lost = balance(task, logits, truth)
    balances = [balance(task.with_threshold(float(score)), logits, truth) for score in {*logits.max(axis=1), np.inf}]
    allowed = [(share, loss) for share, loss in balances if loss <= max_loss + 1e-9]
    assert lost <= max_loss + 1e-9
    assert recall == pytest.approx(max((share for share, _ in allowed), default=0.0))
    if "oos" in truth:  # what rejects the same rows for less is better
        assert lost == pytest.approx(min(loss for share, loss in balances if share == pytest.approx(recall)))


def test_two_scores_that_differ_by_the_last_digit_are_told_apart() -> None:
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2))
    logits = np.array([[low, 0], [high, 0]], dtype=np.float32)
    for _ in range(2):
        task = TextClassification(("a", "b")).calibrated(logits, ["oos", "a"])
        assert [prediction.in_scope for prediction in task.decode(logits)] == [False, True]
        logits = np.nextafter(logits, np.float32(2))


def test_without_out_of_scope_rows_the_threshold_costs_what_it_may_and_no_more() -> None:
    chance = np.random.default_rng(0)
    truth = [LABELS[at % 4] for at in range(1000)]
    logits = chance.normal(0, 1, (1000, 4)).astype(np.float32)
    logits[np.arange(1000), np.arange(1000) % 4] += 3
    task = TASK.calibrated(logits, truth)
    assert balance(task, logits, truth)[1] == pytest.approx(0.01)


def test_rows_of_no_known_label_leave_the_task_uncalibrated() -> None:
    assert TASK.calibrated(np.ones((2, 4), np.float32), ["oos", "unheard_of"]) == TASK


def test_a_rejected_text_is_decided_to_be_out_of_scope_and_keeps_its_best_label() -> None:
    sure, unsure = TASK.with_threshold(2.0).decode(np.array([[3.0, 0, 0, 0], [0, 1.0, 0, 0]]))
    assert (sure.label, sure.in_scope, sure.decided) == ("a", True, "a")
    assert (unsure.label, unsure.in_scope, unsure.decided) == ("b", False, "oos")
    assert TASK.outcomes([sure, unsure], ["a", "oos"]) == [True, True]
    assert TASK.outcomes([sure, unsure], ["oos", "b"]) == [False, False]


@given(answered(LABELS), st.integers(1, 6))
def test_the_ranking_is_by_probability_and_begins_with_the_prediction(
    rows: tuple[Logits, list[str]], ranked: int
) -> None:
    logits, _ = rows
    task = TextClassification(LABELS, temperature=2.5)
    expected = softmax(logits / 2.5)
    assert task.probabilities(logits) == pytest.approx(expected)
    for prediction, shares in zip(task.decode(logits, ranked), expected, strict=True):
        assert prediction.ranking[0] == (prediction.label, prediction.confidence)
        assert [share for _, share in prediction.ranking] == pytest.approx(sorted(shares, reverse=True)[:ranked])
        assert all(shares[LABELS.index(name)] == pytest.approx(share) for name, share in prediction.ranking)


@pytest.mark.parametrize("digits", [0, 7])
def test_of_many_labels_the_best_are_ranked_as_of_few(digits: int) -> None:
    task = TextClassification(tuple(f"label-{at}" for at in range(150)))
    logits = np.random.default_rng(0).normal(0, 5, (50, 150)).round(digits)
    for prediction, row, shares in zip(task.decode(logits), logits, softmax(logits), strict=True):
        assert row[task.labels.index(prediction.label)] == row.max() == prediction.score
        assert [share for _, share in prediction.ranking] == pytest.approx(np.sort(shares)[::-1][:5])


def test_probabilities_of_very_large_logits_are_finite() -> None:
    assert softmax(np.array([[1e30, 0], [-1e30, 0]])).tolist() == [[1, 0], [0, 1]]


def test_a_task_written_as_json_and_read_again_is_the_same() -> None:
    for task in (TASK, TextClassification(LABELS, 1.7, -0.25)):
        assert TextClassification.from_json(json.loads(json.dumps(task.to_json()))) == task


def examples(*values: dict[str, object]) -> tuple[list[tuple[str, str, str | None]], list[int], list[str]]:
    rows = [Row(row, "train.csv", number) for number, row in enumerate(values, start=2)]
    labelled, problems = labelled_rows(rows, {})
    return (
        [(example.text, example.label, example.text_pair) for example in labelled.examples],
        [row.number for row in labelled.rows],
        [str(problem) for problem in problems],
    )


def test_examples_are_made_of_good_rows_and_every_bad_one_is_named() -> None:
    labelled, kept, problems = examples(
        {"text": "my card is lost", "label": "lost_card"},
        {"text": " ", "label": "lost_card"},
        {"text": "where is it", "label": None},
        {"text": "a", "label": 3, "text_pair": "b"},
        {"text": 7, "label": ""},
        {"text": "x" * (MAX_TEXT + 1), "label": "long"},
        {"text": "a", "label": "b", "text_pair": 1},
    )
    assert labelled == [("my card is lost", "lost_card", None), ("a", "3", "b")]
    assert kept == [2, 5]
    assert [problem.split(":")[0] for problem in problems] == [
        f"train.csv, row {number}" for number in (3, 4, 6, 6, 7, 8)
    ]
    assert 'expected a value in "text"' in problems[0] and 'in "text_pair"' in problems[-1]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from autogen.tasks.token_classification.metrics import entity_scores, f1_of, ratio_interval, span_counts
from autogen.tasks.token_classification.rows import Span, spans_of_tags


def spans(tags: str) -> list[Span]:
    read = spans_of_tags(tags.split())
    assert isinstance(read, list)
    return read


# Tags, and what seqeval 1.2.2 says of them: precision, recall, f1 (micro), macro f1.
SEQEVAL = [
    (["O O B-A I-A I-A O", "B-B I-B O"], ["O O B-A I-A O O", "B-B I-B O"], (0.5, 0.5, 0.5, 0.5)),
    (["B-A O B-A B-B"], ["B-A O B-B I-B"], (0.5, 1 / 3, 0.4, 1 / 3)),
    (["B-C I-C O", "O O B-A B-B I-B"], ["O O O", "B-A O B-A O B-B"], (1 / 3, 1 / 3, 1 / 3, 2 / 9)),
    (["B-A I-A B-B", "O B-A B-A"], ["B-A I-A I-B", "O B-A I-A"], (2 / 3, 0.5, 4 / 7, 0.7)),
]


@pytest.mark.parametrize(("gold", "guesses", "expected"), SEQEVAL)
def test_the_metrics_are_those_of_seqeval(
    gold: list[str], guesses: list[str], expected: tuple[float, float, float, float]
) -> None:
    metrics = entity_scores([spans(row) for row in guesses], [spans(row) for row in gold]).metrics
    names = ("entity_precision", "entity_recall", "entity_f1", "entity_macro_f1")
    assert [metrics[name] for name in names] == pytest.approx(expected)


def test_each_label_has_its_own_figures() -> None:
    scores = entity_scores([spans("B-A O B-B I-B")], [spans("B-A O B-A B-B")])
    assert list(scores.per_label) == ["A", "B"]
    assert scores.per_label["A"] == pytest.approx(
        {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "spans": 2, "rows": 1}
        | {name: scores.per_label["A"][name] for name in ("f1_low", "f1_high")}
    )
    assert scores.per_label["B"]["f1"] == 0.0


COUNTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(COUNTS)
def test_every_interval_holds_its_metric_and_stays_within_0_and_1(rows: list[tuple[int, int, int]]) -> None:
    guesses = [[Span(at, at + 1, "a") for at in range(hits + wrong)] for hits, wrong, _ in rows]
    gold = [
        [Span(at, at + 1, "a") for at in range(hits)] + [Span(at, at + 2, "b") for at in range(missed)]
        for hits, _, missed in rows
    ]
    scores = entity_scores(guesses, gold)
    for name, (low, high) in scores.intervals.items():
        assert 0 <= low <= scores.metrics[name] + 1e-12
        assert scores.metrics[name] - 1e-12 <= high <= 1
    for row in scores.per_label.values():
        assert row["f1_low"] - 1e-12 <= row["f1"] <= row["f1_high"] + 1e-12


def test_nothing_to_measure_has_no_interval() -> None:
    assert entity_scores([[]], [[]]).intervals == {}
    assert entity_scores([], []).metrics["entity_f1"] == 0.0


def test_spans_that_are_all_right_leave_doubt_by_their_number() -> None:
    few, many = (ratio_interval(np.ones(n), np.ones(n)) for n in (5, 500))
    assert few is not None and many is not None
    assert few[0] < 0.6 and many[0] > 0.99
    assert few[1] == many[1] == pytest.approx(1.0)


def clustered(chance: np.random.Generator, texts: int) -> NDArray[np.float64]:
    """Counts of texts whose three entities are right with a chance that is the text's own, 0.7 on average: what is
    wrong is predicted and missed."""
    right = chance.binomial(3, chance.beta(1.4, 0.6, texts))
    return np.stack([right, np.full(texts, 3), np.full(texts, 3)], axis=1).astype(np.float64)


def test_the_interval_of_f1_holds_the_truth_95_times_in_100_though_spans_of_a_text_hang_together() -> None:
    chance = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        counts = clustered(chance, 120)
        bounds = ratio_interval(counts[:, 0], counts[:, 1] + counts[:, 2] - counts[:, 0])
        assert bounds is not None
        low, high = (2 * bound / (1 + bound) for bound in bounds)
        covered += low <= 0.7 <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_the_interval_agrees_with_the_bootstrap_over_texts() -> None:
    chance = np.random.default_rng(1)
    counts = clustered(chance, 150)
    draws = [f1_of(counts[chance.integers(0, 150, 150)].sum(axis=0)) for _ in range(4000)]
    bounds = ratio_interval(counts[:, 0], counts[:, 1] + counts[:, 2] - counts[:, 0])
    assert bounds is not None
    assert [2 * b / (1 + b) for b in bounds] == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.01)


def test_counts_are_true_positives_predicted_and_gold() -> None:
    counts = span_counts([spans("B-A O B-B"), []], [spans("B-A O B-A"), spans("B-A I-A O")])
    assert counts.tolist() == [[1, 2, 2], [0, 0, 1]]

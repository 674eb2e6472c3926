from __future__ import annotations

import random
import time
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from autogen.data.quality.labels import check_labelled
from autogen.data.rows import Row
from autogen.data.splits import folds, has_rows_to_spare, hold_out
from autogen.data.text import normalise

PLENTY = 10**9
TEXTS = [f"text {number}" for number in range(300)]
LABELS = ["a"] * 200 + ["b"] * 80 + ["oos"] * 20

labelled_texts = st.lists(
    st.tuples(st.sampled_from(["p", "P ", "q", "r", "s", "t", "\ud800"]), st.sampled_from("abcd"))
)


def eval_texts(texts: list[str], labels: list[str], share: float = 0.2, seed: int = 0) -> set[str]:
    return {texts[index] for index in hold_out(texts, labels, share, seed, PLENTY)[1]}


def test_each_label_gives_its_share() -> None:
    train_rows, eval_rows = hold_out(TEXTS, LABELS, 0.2, 0, PLENTY)
    assert Counter(LABELS[index] for index in eval_rows) == {"a": 40, "b": 16, "oos": 4}
    assert sorted(train_rows + eval_rows) == list(range(300))
    assert (train_rows, eval_rows) == (sorted(train_rows), sorted(eval_rows))


def test_the_limit_keeps_the_proportions() -> None:
    _, eval_rows = hold_out(TEXTS, LABELS, 0.2, 0, 30)
    assert Counter(LABELS[index] for index in eval_rows) == {"a": 20, "b": 8, "oos": 2}
    assert set(eval_rows) < set(hold_out(TEXTS, LABELS, 0.2, 0, PLENTY)[1])
    assert hold_out(TEXTS, LABELS, 0.2, 0, 0)[1] == []


def test_the_limit_spreads_over_many_labels() -> None:
    texts = [f"text {number}" for number in range(1000)]
    labels = [f"label {number % 100}" for number in range(1000)]
    _, eval_rows = hold_out(texts, labels, 0.2, 0, 100)
    assert len({labels[index] for index in eval_rows}) == 100


def test_the_order_of_rows_changes_nothing() -> None:
    pairs = list(zip(TEXTS, LABELS, strict=True))
    random.Random(1).shuffle(pairs)
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    assert eval_texts(texts, labels) == eval_texts(TEXTS, LABELS)
    assert {texts[i] for i in folds(texts, labels, 5, 0)[0][1]} == {TEXTS[i] for i in folds(TEXTS, LABELS, 5, 0)[0][1]}


def test_new_rows_hardly_move_the_old_ones() -> None:
    eval_before = eval_texts(TEXTS, LABELS)
    eval_after = eval_texts([*TEXTS, *(f"new {n}" for n in range(30))], [*LABELS, *["a"] * 30])
    assert len(eval_before - eval_after) <= 6


def test_the_seed_chooses_other_rows() -> None:
    assert eval_texts(TEXTS, LABELS, seed=1) != eval_texts(TEXTS, LABELS, seed=2)


@settings(max_examples=100, deadline=None)
@given(pairs=labelled_texts, share=st.floats(0, 1), at_most=st.integers(0, 20))
def test_holding_out_never_parts_a_text_nor_empties_a_label(
    pairs: list[tuple[str, str]], share: float, at_most: int
) -> None:
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    train_rows, eval_rows = hold_out(texts, labels, share, 3, at_most)
    assert sorted(train_rows + eval_rows) == list(range(len(pairs)))
    assert len(eval_rows) <= at_most
    check_sides(texts, labels, train_rows, eval_rows)


@settings(max_examples=100, deadline=None)
@given(pairs=labelled_texts, k=st.integers(2, 6))
def test_folds_never_part_a_text_nor_empty_a_label_nor_measure_a_row_twice(
    pairs: list[tuple[str, str]], k: int
) -> None:
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    parts = folds(texts, labels, k, 3)
    assert len(parts) <= k
    measured = Counter(index for _, eval_rows in parts for index in eval_rows)
    assert all(count == 1 for count in measured.values())
    for train_rows, eval_rows in parts:
        assert eval_rows
        assert sorted(train_rows + eval_rows) == list(range(len(pairs)))
        check_sides(texts, labels, train_rows, eval_rows)


def check_sides(texts: list[str], labels: list[str], train_rows: list[int], eval_rows: list[int]) -> None:
    assert not {normalise(texts[index]) for index in train_rows} & {normalise(texts[index]) for index in eval_rows}
    assert {labels[index] for index in train_rows} == set(labels)


def test_folds_are_stratified_and_cover_every_row() -> None:
    parts = folds(TEXTS, LABELS, 5, 0)
    assert sorted(index for _, eval_rows in parts for index in eval_rows) == list(range(300))
    for _, eval_rows in parts:
        assert Counter(LABELS[index] for index in eval_rows) == {"a": 40, "b": 16, "oos": 4}


def test_small_labels_do_not_all_fall_to_the_first_folds() -> None:
    labels = [f"label {number // 2}" for number in range(100)]
    sizes = [len(eval_rows) for _, eval_rows in folds(TEXTS[:100], labels, 5, 0)]
    assert sizes == [20] * 5


def test_the_only_row_of_a_label_is_always_learnt_from() -> None:
    parts = folds(["x", *TEXTS[:20]], ["rare", *["a"] * 20], 4, 0)
    assert all(0 in train_rows for train_rows, _ in parts)


def test_rows_are_to_spare_when_the_median_label_has_enough() -> None:
    assert has_rows_to_spare(["a"] * 20 + ["b"] * 20 + ["c"])
    assert not has_rows_to_spare(["a"] * 500 + ["b"] * 19 + ["c"])
    assert not has_rows_to_spare(["a"] * 5 + ["oos"] * 1000)
    assert has_rows_to_spare(["a"] * 5, per_label=5)
    assert not has_rows_to_spare([])


def test_tens_of_thousands_of_rows_take_a_moment() -> None:
    texts = [f"a text of some length with number {number}" for number in range(30_000)]
    labels = [f"label {number % 5000}" for number in range(30_000)]
    rows = [Row({}, "train.csv", number) for number in range(30_000)]
    start = time.process_time()
    hold_out(texts, labels, 0.1, 0, 5000)
    folds(texts, labels, 5, 0)
    check_labelled(texts, labels, rows)
    assert time.process_time() - start < 10

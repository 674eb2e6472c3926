from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from autogen.data.quality.heads import Vectors
from autogen.data.quality.label_errors import FOLDS, Opinions, confusions, doubt, label_errors, opinions
from autogen.data.quality.near_duplicates import nearest
from autogen.data.splits import folds
from tests.data.quality.clusters import clusters


def opinions_of(vectors: Vectors, gold: NDArray[np.intp]) -> Opinions:
    texts = [f"text {at}" for at in range(len(gold))]
    parts = folds(texts, list(map(str, gold)), FOLDS, seed=0)
    return opinions(vectors, gold, int(gold.max()) + 1, parts, nearest(vectors))


def test_rows_whose_labels_were_changed_are_found_with_the_right_label_suggested() -> None:
    vectors, gold = clusters(labels=5, each=30)
    noisy = gold.copy()
    noisy[[3, 40, 77]] = [1, 4, 0]
    errors = label_errors(opinions_of(vectors, noisy), noisy)
    assert {error.row: error.suggested_label for error in errors} == {3: 0, 40: 1, 77: 2}
    assert all(0 <= error.confidence <= 1 and error.times >= 12 for error in errors)
    assert [error.times for error in errors] == sorted((error.times for error in errors), reverse=True)


def test_right_labels_are_left_alone() -> None:
    vectors, gold = clusters(labels=5, each=30)
    assert label_errors(opinions_of(vectors, gold), gold) == []
    assert confusions(opinions_of(vectors, gold), gold) == []


def test_one_wrong_row_among_hundreds_of_labels_is_found() -> None:
    """scikit-learn's default tolerance would stop the head where it starts."""
    vectors, gold = clusters(labels=200, each=6)
    gold[100] = 3
    assert [error.row for error in label_errors(opinions_of(vectors, gold), gold)] == [100]


@pytest.mark.parametrize("each", [1, 2])
def test_labels_of_one_or_two_rows_are_not_judged(each: int) -> None:
    vectors, gold = clusters(labels=6, each=each)
    assert label_errors(opinions_of(vectors, gold), gold) == []


def test_a_row_that_no_fold_measures_is_not_doubted() -> None:
    vectors, gold = clusters(labels=3, each=10)
    gold[0] = 3  # a label's only row
    views = opinions_of(vectors, gold)
    assert views.likeliest_label[0] == -1
    assert doubt(views)[0] == 0


def test_labels_that_lie_upon_each_other_are_confusable_and_named_with_examples() -> None:
    vectors, gold = clusters(labels=4, each=40)
    gold[:80] = np.random.default_rng(1).permutation(np.repeat([0, 1], 40))  # 0 and 1 say the same
    (pair, *others) = confusions(opinions_of(vectors, gold), gold)
    assert pair.labels == (0, 1)
    assert not others
    assert pair.total_rows == 80 and pair.rate > 0.2 and len(pair.examples) == 3


def test_the_label_that_is_left_out_is_in_no_confusable_pair() -> None:
    vectors, gold = clusters(labels=4, each=40)
    gold[:80] = np.random.default_rng(1).permutation(np.repeat([0, 1], 40))
    assert confusions(opinions_of(vectors, gold), gold, leave_out=1) == []

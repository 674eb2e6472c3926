from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score, recall_score

from autogen.data.quality.heads import accuracy, guesses, macro_f1, probabilities, recalls
from autogen.data.splits import folds
from tests.data.quality.clusters import clusters


def test_figures_are_those_of_scikit_learn() -> None:
    chance = np.random.default_rng(0)
    gold, predicted = chance.integers(0, 5, 200), chance.integers(0, 5, 200)
    assert np.isclose(macro_f1(predicted, gold, 5), f1_score(gold, predicted, average="macro"))
    assert np.allclose(recalls(predicted, gold, 5), recall_score(gold, predicted, average=None))


def test_rows_that_are_not_measured_do_not_count() -> None:
    gold, predicted = np.array([0, 0, 1]), np.array([0, -1, 1])
    assert accuracy(predicted, gold) == 1.0
    assert accuracy(np.array([-1]), np.array([0])) == 0.0
    assert np.isnan(recalls(predicted, gold, 3)[2])


def test_a_label_that_no_row_teaches_has_no_share() -> None:
    vectors, gold = clusters(labels=3, each=5)
    shares = probabilities(vectors, gold, range(10), range(10, 15), labels=3)
    assert (shares[:, 2] == 0).all() and np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert (probabilities(vectors, gold, range(5), [7], labels=3) == [[1, 0, 0]]).all()


def test_every_row_is_guessed_by_a_head_that_has_not_seen_it() -> None:
    vectors, gold = clusters(labels=4, each=10)
    predicted = guesses(vectors, gold, folds([str(at) for at in range(40)], list(map(str, gold)), 4, 0), 4)
    assert accuracy(predicted, gold) > 0.95 and (predicted >= 0).all()

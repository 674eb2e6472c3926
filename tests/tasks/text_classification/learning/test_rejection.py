from __future__ import annotations

import numpy as np
import pytest

from autogen.tasks.text_classification.learning.rejection import (
    PARTS,
    Answers,
    CrossFittedDetectors,
    Labelled,
    ModelView,
    UnseenScores,
    find_alike,
    fit_probability,
    parts_of,
)

WIDTH = 8
KINDS = [f"kind {at % 6}" for at in range(120)]


def answers(rows: int, largest: float, towards: int, seed: int) -> Answers:
    """Answers of two labels whose largest logit is about `largest`, with embeddings about one of the axes."""
    chance = np.random.default_rng(seed)
    embeddings = chance.normal(0, 0.4, (rows, WIDTH))
    embeddings[:, towards] += 1
    logits = np.stack([chance.normal(largest, 1, rows), np.full(rows, -5.0)], axis=1)
    return Answers(
        logits.astype(np.float32), (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    )


def view(outliers: Answers, own: int = 0) -> ModelView:
    learnt = Labelled(answers(200, 9, 0, seed=1), np.zeros(200, np.intp))
    known, own_rows = answers(200, 8, 0, seed=2), answers(own, 0, 2, seed=3)
    unseen = Answers(*(np.concatenate(pair) for pair in zip(known, own_rows, strict=True)))
    return ModelView(learnt, Labelled(unseen, np.repeat([0, -1], [200, own])), outliers)


def cross_fit(outliers: Answers) -> CrossFittedDetectors:
    views = [view(outliers)] * PARTS
    return CrossFittedDetectors(views, parts_of(KINDS), ~find_alike(views))


def test_a_direction_that_tells_outliers_of_unlearnt_kinds_is_used() -> None:
    weight, scores = cross_fit(answers(120, 6, 1, seed=4)).choose_weight(0.01)
    assert weight > 0
    assert scores.declined(scores.highest(0.01))[0] > 0.9
    _, logit_alone = CrossFittedDetectors(
        [view(answers(120, 6, 0, seed=4))] * PARTS, parts_of(KINDS), np.ones(120, bool)
    ).choose_weight(0.01)
    assert logit_alone.declined(logit_alone.highest(0.01))[0] < 0.5  # there is nothing else to tell them by


def test_a_direction_that_tells_only_the_kinds_learnt_is_left_aside() -> None:
    """Each part has an axis of its own, and what is unlearnt lies where the intents are."""
    parts = parts_of(KINDS)
    outliers = answers(120, 4, 0, seed=5)
    for part in range(PARTS):
        outliers.embeddings[parts == part] = answers(int((parts == part).sum()), 4, 2 + part, seed=part).embeddings
    fit = CrossFittedDetectors([view(outliers)] * PARTS, parts, np.ones(120, bool))
    for at, detector in enumerate(fit.detectors()):
        direction = np.asarray(detector.direction)
        learnt = [2 + part for part in range(PARTS) if part != at]
        assert direction[learnt].max() < direction[2 + at]  # away from the kinds learnt, not from the other


def test_kinds_stay_whole_in_their_parts() -> None:
    parts = parts_of(KINDS)
    assert {len(set(parts[[kind == name for kind in KINDS]])) for name in set(KINDS)} == {1}
    assert set(parts) == set(range(PARTS))


def test_what_looks_like_the_intents_is_no_outlier() -> None:
    outliers = answers(120, 3, 1, seed=6)
    outliers.logits[:10, 0] = 12.0
    assert np.flatnonzero(find_alike([view(outliers)])).tolist() == list(range(10))


def test_the_probability_of_being_in_scope_falls_with_the_score() -> None:
    fit = cross_fit(answers(120, 3, 1, seed=7))
    _, scores = fit.choose_weight(0.01)
    detector = fit_probability(fit.detectors()[0], scores)
    known, unknown = (detector.in_scope_probability(values).mean() for values in (scores.known, scores.packaged))
    assert known > 0.9 and unknown < 0.1


def test_without_outliers_nothing_says_how_likely_a_text_is_in_scope() -> None:
    fit = cross_fit(answers(120, 3, 1, seed=7))
    _, scores = fit.choose_weight(0.01)
    none = scores.__class__(scores.known, scores.right, scores.own[:0], scores.packaged[:0])
    assert fit_probability(fit.detectors()[0], none).in_scope_probability(np.zeros(2)) == pytest.approx([1, 1])


def unseen(known: np.ndarray, packaged: np.ndarray) -> UnseenScores:
    return UnseenScores(known, np.ones(len(known), bool), np.empty(0), packaged)


def test_a_threshold_that_declines_most_outliers_stays_halfway_below_the_lowest_rows() -> None:
    scores = unseen(np.linspace(9, 11, 101), np.linspace(0, 10, 101))  # 90 % of the outliers are below 9
    assert scores.careful(8.5, 0.01) == 8.5  # there it is worth more
    begin = 10 - 2.326 * np.sqrt(np.mean(np.linspace(0, 1, 51) ** 2))
    assert scores.careful(9.9, 0.01) == pytest.approx((begin + 9) / 2, abs=0.01)
    assert scores.careful(9.9, 0.5) == pytest.approx(9.45)  # what declining may cost moves it


def test_of_rows_that_spread_far_the_threshold_does_not_trust_the_lowest_one() -> None:
    outliers, lower = np.linspace(0, 1, 101), np.append(np.full(50, 2.0), np.full(50, 6.0))
    assert unseen(lower, outliers).careful(2.0, 0.01) < unseen(np.full(100, 6.0), outliers).careful(6.0, 0.01)

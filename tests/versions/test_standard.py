from __future__ import annotations

import numpy as np
import pytest

from autogen.config.project import GateSettings
from autogen.versions.comparison import paired_bounds
from autogen.versions.standard import LEAST_MARGIN, MOST_MARGIN, Standard, resolved_margin, spent_confidence
from tests.versions.pairs import paired, rows


def test_the_margin_shrinks_with_the_root_of_the_rows_between_its_bounds() -> None:
    assert [resolved_margin(count) for count in (250, 1000, 4000)] == pytest.approx([0.04, 0.02, 0.01])
    assert resolved_margin(0) == resolved_margin(50) == MOST_MARGIN
    assert resolved_margin(1_000_000) == resolved_margin(250, look=100) == LEAST_MARGIN


def test_the_levels_of_all_verdicts_on_the_same_rows_sum_to_the_whole() -> None:
    levels = [1 - spent_confidence(0.95, look) for look in range(1, 10_000)]
    assert sum(levels) == pytest.approx(0.05, abs=1e-5) and sum(levels) <= 0.05
    assert levels[:3] == pytest.approx([0.0304, 0.0076, 0.0034], abs=1e-4)


def test_the_user_s_margin_takes_the_place_of_all_others() -> None:
    standard = Standard(GateSettings(margin=0.01), look=3)
    assert standard.margin(50) == standard.margin(5000) == 0.01


def accepted(count: int, difference: float, look: int, chance: np.random.Generator, draws: int = 2000) -> np.ndarray:
    """Whether candidates that truly differ by so much pass, a tenth of the rows being answered otherwise."""
    gain, loss = 0.05 + difference / 2, 0.05 - difference / 2
    changes = chance.multinomial(count, [1 - gain - loss, gain, loss], draws)[:, 1:]
    margin, confidence = resolved_margin(count, look), spent_confidence(0.95, look)
    bounds = [paired_bounds(int(g), int(b), count, confidence)[0] for g, b in changes]
    return (changes[:, 0] > changes[:, 1]) & (np.array(bounds) >= -margin)


def test_a_candidate_two_points_worse_passes_a_thousand_rows_once_in_twenty_at_most() -> None:
    assert accepted(1000, -0.02, 1, np.random.default_rng(5)).mean() <= 0.05


@pytest.mark.parametrize("count", [100, 200, 1000])
def test_asking_again_and_again_hardly_helps_a_candidate_that_is_worse(count: int) -> None:
    chance = np.random.default_rng(6)
    for difference in (-0.01, -resolved_margin(count)):
        looks = np.array([accepted(count, difference, look, chance, 1000) for look in range(1, 21)])
        once, ever = looks[0].mean(), looks.any(axis=0).mean()
        assert ever <= once + 0.05
        assert difference == -0.01 or ever <= 0.06


def test_rows_that_hardly_differ_are_taken_at_their_word() -> None:
    standard = Standard(GateSettings())
    few_lost = paired(rows("a", right=394, lost=6))
    comparison = standard.compare(few_lost)
    assert standard.is_within(comparison) and standard.is_worse(few_lost)
    assert not standard.is_not_inferior(few_lost, comparison)
    many = paired(rows("a", right=99_800, gained=50, lost=150))
    assert standard.is_worse(many) and standard.is_not_inferior(many, standard.compare(many)), "a tenth of a point"

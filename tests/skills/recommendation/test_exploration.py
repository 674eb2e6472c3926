from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogen.skills.recommendation.exploration import draw, draw_places, pool_size, propensities


def counted_propensities(
    pool: int, count: int, exploration: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The same chances by following every list there can be, in whole answers and slot by slot."""
    chances = np.zeros((pool, count))

    def add_lists(left: tuple[int, ...], slot: int, chance: float, by_slot: float) -> None:
        if slot == count:
            return
        for at, rank in enumerate(left):
            joint_chance = chance * ((1 - by_slot) * (at == 0) + by_slot / len(left))
            chances[rank, slot] += joint_chance
            add_lists(left[:at] + left[at + 1 :], slot + 1, joint_chance, by_slot)

    add_lists(tuple(range(pool)), 0, exploration / 2, 1.0)
    add_lists(tuple(range(pool)), 0, 1 - exploration / 2, exploration / (2 - exploration))
    return chances


@pytest.mark.parametrize("exploration", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(("pool", "count"), [(1, 1), (2, 2), (3, 2), (5, 3), (6, 4), (5, 5)])
def test_propensities_are_those_of_all_possible_lists_together(pool: int, count: int, exploration: float) -> None:
    assert np.allclose(
        propensities(pool, count, exploration), counted_propensities(pool, count, exploration), atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(pool=st.integers(1, 120), count=st.integers(1, 60), exploration=st.floats(0, 1))
def test_every_slot_shows_one_item_and_no_item_stands_twice(pool: int, count: int, exploration: float) -> None:
    chances = propensities(pool, count, exploration)
    assert chances.shape == (pool, min(pool, count))
    assert np.allclose(chances.sum(axis=0), 1)
    assert (chances >= 0).all()
    assert (chances.sum(axis=1) <= 1 + 1e-9).all()


def test_lists_come_as_often_as_their_propensities_say() -> None:
    chance, draws = np.random.default_rng(0), 20_000
    counts = np.zeros((20, 5))
    for _ in range(draws):
        counts[draw(20, 5, 0.3, chance), np.arange(5)] += 1
    expected = propensities(20, 5, 0.3)
    spread = np.sqrt(expected * (1 - expected) / draws)
    assert (np.abs(counts / draws - expected) <= 4.5 * spread + 1e-9).all()


def test_every_item_of_the_pool_has_a_chance_that_bounds_its_weight() -> None:
    for exploration in (0.01, 0.1, 1.0):
        assert propensities(pool_size(5), 5, exploration).min() >= exploration / 2 / pool_size(5)
    assert propensities(20, 5, 0.1)[0, 0] == pytest.approx(0.9 + 0.1 / 20)


def test_exploration_is_the_share_of_slots_left_to_chance() -> None:
    """In a large pool, what chance shows is hardly ever among the best."""
    chance = np.random.default_rng(0)
    shown = np.array([draw(5_000, 5, 0.2, chance) for _ in range(2_000)])
    assert (shown > 10).mean() == pytest.approx(0.2, abs=0.02)


def test_what_is_shown_comes_with_its_propensity() -> None:
    places, chances = draw_places([7, 3, 9, 1, 5, 2], 3, 0.5, np.random.default_rng(0))
    assert len({*places}) == 3
    table = propensities(6, 3, 0.5)
    assert chances == tuple(table[[7, 3, 9, 1, 5, 2].index(at), slot] for slot, at in enumerate(places))


def test_without_exploration_the_best_are_shown_in_order() -> None:
    assert draw(20, 5, 0.0, np.random.default_rng(0)) == [0, 1, 2, 3, 4]
    assert (propensities(20, 5, 0.0)[:5] == np.eye(5)).all()


def test_a_pool_smaller_than_what_is_asked_for_is_shown_whole() -> None:
    assert sorted(draw(3, 5, 1.0, np.random.default_rng(0))) == [0, 1, 2]
    assert draw(0, 5, 1.0, np.random.default_rng(0)) == []
    assert propensities(0, 5, 1.0).shape == (0, 0)


def test_the_pool_is_larger_than_what_is_shown() -> None:
    assert (pool_size(5), pool_size(10), pool_size(50)) == (20, 20, 100)

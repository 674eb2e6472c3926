from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from autogen.tasks.recommendation.interactions import DAY, interactions_of
from autogen.tasks.recommendation.metrics import interval, metrics, relevant_items, score_query
from autogen.tasks.recommendation.trend import HALF_LIVES, Histories, Query, Replay, Trend, gap_buckets, top

NONE = float("nan")


def counted(events: list[tuple[int, float]], items: int, now: float) -> np.ndarray:
    """The definition, event by event."""
    counts = np.zeros((len(HALF_LIVES), items))
    for item, time in events:
        counts[:, item] += np.exp2(-(now - time) / (np.array(HALF_LIVES) * DAY))
    return counts


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 400 * DAY)), max_size=30), st.floats(400, 1000))
@settings(max_examples=60, deadline=None)
def test_what_trends_is_every_event_halved_as_often_as_its_age_says(
    events: list[tuple[int, float]], day: float
) -> None:
    trend, now = Trend(4), day * DAY
    for item, time in sorted(events, key=lambda event: event[1]):
        trend.add(np.array([item], np.int32), np.array([time]))
    assert trend.at(now) == pytest.approx(counted(events, 4, now), rel=1e-3, abs=1e-6)


def test_a_late_event_may_be_counted_in_any_order() -> None:
    trend = Trend(2)
    trend.add(np.array([0], np.int32), np.array([900 * DAY]))
    trend.add(np.array([1], np.int32), np.array([899 * DAY]))
    assert trend.at(900 * DAY)[1] == pytest.approx([1, 0.5], rel=1e-4)


def test_a_replay_counts_only_what_is_earlier() -> None:
    events = interactions_of([("u", "a", 10.0, NONE), ("u", "b", 20.0, NONE), ("v", "a", 20.0, NONE)])
    replay = Replay(events, 2)
    assert replay.before(10.0).sum() == 0
    assert replay.before(20.0)[-1] == pytest.approx([1, 0], abs=1e-3)
    assert replay.before(21.0)[-1] == pytest.approx([2, 1], abs=1e-3)
    with pytest.raises(ValueError, match="forward"):
        replay.before(5.0)


def test_a_history_ends_with_what_the_user_did_by_then() -> None:
    events = interactions_of([("u", "a", 10.0, NONE), ("v", "b", 11.0, NONE), ("u", "c", 20.0, NONE)])
    histories = Histories(events)
    assert histories.query(0, 15.0).items.tolist() == [0]
    assert histories.query(0, 20.0).items.tolist() == [0, 2], "own events of that very second came before"
    assert histories.query(7, 20.0).items.tolist() == [], "of a stranger there is none"


def test_gaps_are_between_events_and_to_the_query() -> None:
    buckets = gap_buckets(np.array([0.0, 15.0, 15.0 + 60]), 10 * DAY)
    assert buckets.tolist() == [0, 2, 15]
    assert gap_buckets(np.array([0.0]), 1e12).max() < 24


def test_ties_go_to_the_item_that_comes_first_in_the_catalogue() -> None:
    scores = np.array([1, 2, 2, 2, 0], np.float32)
    assert top(scores, 2).tolist() == [1, 2]
    assert top(scores, 4, np.array([1], np.int32)).tolist() == [2, 3, 0, 4]
    assert top(np.full(3, -np.inf, np.float32), 2).tolist() == []


def test_what_is_to_be_found_is_by_user_in_order_of_time() -> None:
    events = interactions_of([("u", "a", 9.0, 2.0), ("v", "z", 5.0, 8.0), ("u", "b", 7.0, NONE)])
    one, two = relevant_items(events, {"a": 0, "b": 1})
    assert (one.now, one.items) == (5.0, frozenset({-1}))
    assert (two.now, two.items) == (7.0, frozenset({0, 1}))
    assert [query.items for query in relevant_items(events, {"a": 0, "b": 1}, 5.0)] == [{-1}, {1}]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_ndcg_agrees_with_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.permutation(40).astype(np.float32)
    relevant = frozenset(chance.choice(40, chance.integers(1, 15), replace=False).tolist())
    truth = np.array([[item in relevant for item in range(40)]], float)
    assert score_query(top(scores, 10), relevant).ndcg == pytest.approx(ndcg_score(truth, scores[None], k=10))


def test_metrics_are_in_0_to_1_and_tell_cold_items() -> None:
    counts = np.array([5, 3, 0, 1])
    shown = [np.array([0, 1], np.int32), np.array([0, 2], np.int32)]
    values = metrics(shown, [frozenset({1}), frozenset({2})], counts)
    assert values["hit_rate_at_10"] == values["recall_at_10"] == 1
    assert values["ndcg_at_10"] == pytest.approx(1 / np.log2(3))
    assert values["coverage_at_10"] == 0.75
    assert values["cold_hit_rate_at_10"] == 1
    assert all(0 <= value <= 1 for value in values.values())
    assert metrics([], [], counts)["ndcg_at_10"] == 0


def test_an_interval_holds_the_mean_and_is_whole_for_one_value() -> None:
    low, high = interval([0.0, 1.0, 1.0, 0.0])
    assert 0 <= low < 0.5 < high <= 1
    assert interval([0.5]) == (0, 1)


def test_a_query_is_nothing_but_its_history_and_its_time() -> None:
    assert Query(np.empty(0, np.int32), np.empty(0), 5.0).now == 5.0

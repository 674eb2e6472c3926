from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autogen.agents.agent import load_skills
from autogen.skills.recommendation.answering import ITEMS
from autogen.skills.recommendation.live import LiveRecommender
from autogen.skills.recommendation.point_in_time import PointInTimeRecommender
from autogen.tasks.recommendation.clicks import Click, clicks_from_feedback, current_likes
from autogen.versions.registry import Versions
from tests.shop import DAY
from tests.skills.recommendation.test_answering import feedback_on


@pytest.fixture(scope="module")
def live(trained_shop: Path) -> LiveRecommender:
    """For reading: what one test clicks, another would see."""
    versions = Versions(trained_shop)
    skill = load_skills(versions.folder / "0001", versions.manifest("0001"))["films"]
    return LiveRecommender(skill.models[ITEMS])


def click(user: str, item: str, time: float, liked: bool = True) -> Click:
    return Click(user, item, time, liked, f"fb-{user}-{item}-{time}")


@pytest.mark.parametrize(
    ("rating", "liked"), [(None, [True]), (1.0, [True]), (0.5, [True]), (0.49, []), (0.01, []), (0.0, [False])]
)
def test_a_rating_likes_from_the_middle_on_dislikes_at_the_end_and_says_neither_between(
    rating: float | None, liked: list[bool]
) -> None:
    """A look of 15 of 30 seconds likes; a shorter one says nothing against the item; "down" does."""
    feedback = feedback_on("c1", rating)
    assert [click.liked for click in clicks_from_feedback([feedback], {feedback.id: "u"}, {})] == liked


def test_a_like_that_was_taken_back_does_not_stand() -> None:
    all_clicks = [
        click("a", "x", 1),
        click("b", "x", 2),
        click("a", "x", 3, liked=False),
        click("a", "y", 4, liked=False),
    ]
    all_clicks += [click("a", "y", 5)]
    assert [
        (standing_click.user, standing_click.item, standing_click.time) for standing_click in current_likes(all_clicks)
    ] == [("b", "x", 2), ("a", "y", 5)]


def test_what_is_turned_down_after_a_click_leads_nowhere_and_is_not_shown(live: LiveRecommender) -> None:
    fresh = LiveRecommender(live.model)
    now = fresh.clock() + fresh.model.card.lag
    fresh.observe([click("new", "c1", now - 9), click("new", "c2", now - 8), click("new", "c1", now - 7, liked=False)])
    query, seen = fresh.query("new")
    assert [fresh.model.items[at] for at in query.items] == ["c2"]
    assert {fresh.model.items[at] for at in seen} == {"c1", "c2"}


def test_a_click_that_was_learnt_is_not_counted_twice(live: LiveRecommender) -> None:
    fresh, events = LiveRecommender(live.model), live.model.events
    user, item = events.users[events.user[-1]], events.items[events.item[-1]]
    before = len(fresh.query(user)[0].items)
    fresh.observe([click(user, item, float(events.time[-1]) + fresh.model.card.lag)])
    assert len(fresh.query(user)[0].items) == before
    fresh.observe([click(user, item, float(events.time[-1]) + fresh.model.card.lag + DAY)])
    assert len(fresh.query(user)[0].items) == before + 1


def test_the_past_knows_only_what_had_happened_by_then(live: LiveRecommender) -> None:
    events, lag = live.model.events, live.model.card.lag
    middle = len(events) // 2
    user, moment = events.users[events.user[middle]], float(events.time[middle])
    recommender = PointInTimeRecommender(
        live.model, [click(user, "h7", moment + lag - 5), click(user, "h8", moment + lag + 5)]
    )
    recommender.move_to(moment + lag)
    query, seen = recommender.query(user)
    own = (events.user == events.user[middle]) & (events.time <= moment)
    assert sorted(query.items) == sorted([*events.item[own], recommender.place_of["h7"]])
    assert recommender.place_of["h8"] not in seen or recommender.place_of["h8"] in events.item[own]
    everything = live.model.trend().at(moment + 400 * DAY).sum()
    assert 0 < recommender.counts(moment + 400 * DAY).sum() < everything
    with pytest.raises(ValueError, match="forward"):
        recommender.move_to(moment + lag - 100 * DAY)


def test_the_present_is_a_past_too(live: LiveRecommender) -> None:
    """Moved to now, it says what the live one says."""
    recommender = PointInTimeRecommender(live.model, [])
    recommender.move_to(live.clock() + live.model.card.lag)
    query, seen = recommender.query("u1")
    now, seen_now = live.query("u1")
    assert list(query.items) == list(now.items) and list(seen) == list(seen_now)
    assert np.allclose(recommender.counts(recommender.clock()), live.counts(recommender.clock()), rtol=1e-4)


def test_a_user_is_known_whatever_cannot_be_seen_of_the_name(live: LiveRecommender) -> None:
    assert live.knows(" u1\u200b") and not live.knows("U1")
    assert live.query("u1\ufeff")[0].items.tolist() == live.query("u1")[0].items.tolist() != []


def test_a_user_is_known_in_any_case_where_names_are_joined(live: LiveRecommender) -> None:
    joined = LiveRecommender(live.model, join_names=True)
    assert joined.knows("U1")
    assert joined.query("U1")[0].items.tolist() == live.query("u1")[0].items.tolist()
    joined.observe([click("U1", joined.model.items[0], joined.clock() + joined.model.card.lag)])
    assert joined.query("u1")[0].items.tolist()[-1] == 0

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autogen.feedback.events import Decision, Feedback
from autogen.storage.responses import OfferedNames
from autogen.tasks.recommendation.clicks import Standing, apply_reviews, clicks_from_feedback, standing_of, teaches

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN = {"r1": OfferedNames("talk", frozenset({"x", "y"}))}
CLICK = Feedback(
    id="fb-1",
    response_id="r1",
    message="",
    skill="films",
    version="0001",
    intent=None,
    confidence=None,
    rating=1.0,
    label="x",
    answer=None,
    comment=None,
    user="ann",
    trusted=False,
    source="http",
    created_at=NOW,
)


def clickers(*feedback: Feedback) -> list[tuple[str, str]]:
    who = {entry.id: entry.user for entry in feedback if entry.user}
    return [(click.user, click.item) for click in clicks_from_feedback(feedback, who, SHOWN)]


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({}, Standing.STRANGER),
        ({"vouched": True}, Standing.VOUCHED),
        ({"vouched": True, "user": None}, Standing.STRANGER),
        ({"trusted": True}, Standing.OWNER),
        ({"source": "import"}, Standing.OWNER),
    ],
)
def test_standing_is_by_who_hands_it_in(changes: dict[str, object], standing: Standing) -> None:
    assert standing_of(replace(CLICK, **changes)) is standing  # type: ignore[arg-type]


def test_a_stranger_s_click_is_the_conversation_s_and_a_vouched_one_the_user_s() -> None:
    assert clickers(CLICK) == [("talk", "x")]
    assert clickers(replace(CLICK, vouched=True)) == [("ann", "x")]


@pytest.mark.parametrize("changes", [{"label": "z"}, {"response_id": "r2"}, {"response_id": None}])
def test_what_the_response_did_not_show_is_clicked_by_the_owner_only(changes: dict[str, str | None]) -> None:
    click = replace(CLICK, **changes)  # type: ignore[arg-type]
    assert clickers(click, replace(click, vouched=True)) == []
    assert clickers(replace(click, trusted=True)) == [("ann", click.label)]


def test_a_response_is_clicked_once_for_each_item_and_a_stranger_takes_no_user_s_turn() -> None:
    names = [replace(CLICK, id=f"fb-{name}", user=name, vouched=True) for name in ("ann", "ben", "eve")]
    assert clickers(CLICK, *names) == [("talk", "x"), ("ann", "x")]
    assert clickers(names[0], replace(names[1], label="y")) == [("ann", "x"), ("ben", "y")]


def test_what_a_person_decided_is_the_owner_s_word() -> None:
    accepted, relabelled, dropped, left = (replace(CLICK, id=f"fb-{number}") for number in range(4))
    decisions = {
        "fb-0": Decision("accept", None, NOW),
        "fb-1": Decision("relabel", "y", NOW),
        "fb-2": Decision("drop", None, NOW),
    }
    reviewed = apply_reviews([accepted, relabelled, dropped, left], decisions)
    assert [(entry.id, entry.label, entry.trusted) for entry in reviewed] == [
        ("fb-0", "x", True),
        ("fb-1", "y", True),
        ("fb-3", "x", False),
    ]


def test_whose_clicks_may_teach_is_as_the_setting_says() -> None:
    owner, vouched, stranger = Standing.OWNER, Standing.VOUCHED, Standing.STRANGER
    assert [standing for standing in Standing if teaches(standing, "owner")] == [owner]
    assert [standing for standing in Standing if teaches(standing, "reviewed")] == [vouched, owner]
    assert [standing for standing in Standing if teaches(standing, "trusted-users")] == [vouched, owner]
    assert [standing for standing in Standing if teaches(standing, "everyone")] == [stranger, vouched, owner]

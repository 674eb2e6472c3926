from __future__ import annotations

from autogen.tasks.recommendation.admission import WEEK, Admission, admitted_clicks
from autogen.tasks.recommendation.clicks import Click, Standing
from autogen.tasks.recommendation.interactions import Interactions, interactions_of

BEGAN = 1_700_000_000.0
KNOWN = {f"u{user}" for user in range(100)}


def data(most: int = 8) -> Interactions:
    """Of a hundred users in two weeks, the most chosen item so often in one."""
    events = [(f"u{user}", f"i{user % 20}", BEGAN + user * WEEK / 50, float("nan")) for user in range(100)]
    more = [(f"u{user}", "hit", BEGAN + user, float("nan")) for user in range(most)]
    return interactions_of([*events, *more])


def click(user: str, item: str = "x", at: float = 0.0, standing: Standing = Standing.VOUCHED) -> Click:
    return Click(user, item, BEGAN + 3 * WEEK + at, True, f"fb-{user}-{item}-{at}", None, standing)


def users(clicks: list[Click]) -> list[str]:
    return [entry.user for entry in clicks]


def test_newcomers_count_as_many_as_users_with_a_history_and_wait_for_them() -> None:
    admission = Admission(data(), KNOWN)
    assert [admission.admit(click(f"v{at}")) for at in range(300)] == [[]] * 300
    assert users(admission.admit(click("u1"))) == ["u1", "v0"]
    assert users(admission.admit(click("u2"))) == ["u2", "v1"]
    assert users(admission.admit(click("v1000", "y"))) == [], "each item for itself"


def test_a_few_sources_count_once_each() -> None:
    admission = Admission(data(), KNOWN)
    assert sum(len(admission.admit(click("u1", at=at * 86_400.0))) for at in range(5)) == 1


def test_no_item_rises_beyond_what_the_data_ever_had() -> None:
    admission = Admission(data(most=8), KNOWN)
    admitted = [entry for at in range(50) for entry in admission.admit(click(f"u{at}", at=at))]
    assert users(admitted) == [f"u{at}" for at in range(8)]


def test_a_busy_week_has_room_for_more_of_each_item() -> None:
    admission = Admission(data(most=8), KNOWN)
    for item in range(100):
        for user in range(8):
            admission.admit(click(f"u{user}", f"other{item}"))
    admitted = [entry for at in range(90) for entry in admission.admit(click(f"u{at}"))]
    assert 50 < len(admitted) <= 90


def test_the_owner_s_word_counts_as_it_is_and_for_newcomers() -> None:
    admission = Admission(data(), KNOWN)
    assert users(admission.admit(click("v1"))) == []
    assert users(admission.admit(click("anybody", standing=Standing.OWNER))) == ["anybody", "v1"]


def test_a_stranger_is_never_admitted() -> None:
    admission = Admission(data(), KNOWN)
    assert admission.admit(click("u1", standing=Standing.STRANGER)) == []


def test_what_is_learnt_stands_in_order_of_arrival() -> None:
    clicks = [click("v1"), click("v2"), click("u1", at=1)]
    assert users(admitted_clicks(clicks, data(), KNOWN)) == ["v1", "u1"]


def test_without_data_nothing_but_the_owner_s_word_makes_a_trend() -> None:
    admission = Admission(interactions_of([]), set())
    assert admission.admit(click("u1")) == []
    assert users(admission.admit(click("u1", standing=Standing.OWNER))) == ["u1"]


def test_the_owner_alone_counts_where_nobody_else_is_learnt_from() -> None:
    admission = Admission(data(), KNOWN)
    assert admission.admit(click("u1"), "owner") == []
    assert users(admission.admit(click("o", standing=Standing.OWNER), "owner")) == ["o"]


def test_users_who_are_vouched_for_and_trusted_need_no_history_but_no_item_rises_beyond_the_data() -> None:
    admission = Admission(data(), KNOWN)
    admitted = [entry for at in range(50) for entry in admission.admit(click(f"v{at}", at=at), "trusted-users")]
    assert users(admitted) == [f"v{at}" for at in range(8)]
    assert admission.admit(click("talk", standing=Standing.STRANGER), "trusted-users") == []


def test_everybody_counts_once_where_everybody_is_learnt_from() -> None:
    admission, stranger = Admission(data(), KNOWN), click("u1", standing=Standing.STRANGER)
    admitted = [entry for at in range(50) for entry in admission.admit(click(f"v{at}"), "everyone")]
    assert len(admitted) == 50
    assert users(admission.admit(click("u1"), "everyone")) == ["u1"]
    assert users(admission.admit(stranger, "everyone")) == ["u1"], "a conversation of a user's name is not that user"
    assert admission.admit(stranger, "everyone") == []

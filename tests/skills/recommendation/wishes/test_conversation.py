from __future__ import annotations

from autogen.skills.recommendation.wishes.conversation import in_full
from autogen.skills.recommendation.wishes.wish import Wish
from autogen.skills.skill import Turn


def test_the_messages_of_one_wish_are_kept_as_one_text() -> None:
    turn = Turn("cheaper", state={"question": "a comedy"})
    assert in_full(turn, Wish(refines=True)) == "a comedy; cheaper"
    assert in_full(turn, Wish()) is None


def test_of_a_long_conversation_the_oldest_messages_are_left_out() -> None:
    kept = in_full(Turn("cheaper", state={"question": "; ".join(["a comedy"] * 5_000)}), Wish(refines=True))
    assert kept is not None
    assert len(kept) <= 10_000
    assert kept.startswith("a comedy; a comedy; ") and kept.endswith("a comedy; cheaper")

from __future__ import annotations

from autogen.skills.recommendation.query_understanding.conversation import in_full
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.skill import Turn


def test_the_messages_of_one_wish_are_kept_as_one_text() -> None:
    turn = Turn("cheaper", state={"question": "a comedy"})
    assert in_full(turn, ParsedQuery(refines=True)) == "a comedy; cheaper"
    assert in_full(turn, ParsedQuery()) is None


def test_of_a_long_conversation_the_oldest_messages_are_left_out() -> None:
    text = in_full(Turn("cheaper", state={"question": "; ".join(["a comedy"] * 5_000)}), ParsedQuery(refines=True))
    assert text is not None
    assert len(text) <= 10_000
    assert text.startswith("a comedy; a comedy; ") and text.endswith("a comedy; cheaper")

"""What a message wishes for in its conversation: also what earlier messages asked for, where it goes on from them.

The skill's state from one turn to the next is `question`, the messages of the last good wish, and `offered`, the ids of
what was shown for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.words import tokens
from autogen.skills.recommendation.request import Wanted
from autogen.skills.recommendation.wishes.reader import read_wish
from autogen.skills.recommendation.wishes.vocabulary import FOLLOWING
from autogen.skills.recommendation.wishes.wish import Wish
from autogen.skills.skill import Turn

BESIDE = "; "  # between the messages of one wish


def state_of(question: str, offered: Sequence[str]) -> dict[str, Any]:
    return {"question": question, "offered": list(offered)}


def question_of(turn: Turn) -> str:
    """The messages of the wish before; empty where there was none."""
    return str(turn.state.get("question", ""))


def offered_by(turn: Turn) -> tuple[str, ...]:
    """Ids of what was shown before, the first first."""
    return tuple(turn.state.get("offered", ()))


def wishes_of(turn: Turn, catalogue: Catalogue) -> list[Wish]:
    """How a message may be meant, the likeliest first. What follows a question back or a refusal refines the last good
    wish; it may be a new one, where nothing fits both."""
    offered = offered_by(turn)
    alone, before = read_wish(turn.text, catalogue, offered), _before(question_of(turn), catalogue)
    if before is None or (alone.problem and not alone.only_orders and not alone.follows):
        return [alone]
    refined = alone.refining(before)
    refined = replace(refined, problem=alone.problem or refined.question())
    if (alone.follows and offered) or alone.only_orders:
        return [refined]
    return [refined, alone] if turn.last_action in ("clarify", "decline") else [alone]


def wanted_in(turn: Turn, wish: Wish) -> Wanted:
    """What a recommender is asked for, in this turn."""
    return Wanted(
        user=turn.user,
        query=wish.query,
        filters=wish.filters,
        like=wish.like,
        unlike=wish.unlike,
        order=wish.order,
        exclude=offered_by(turn) if wish.follows else (),
    )


def in_full(turn: Turn, wish: Wish) -> str | None:
    """The messages that the wish is of, as one text, the oldest left out where they would be longer than any message
    may be; None where it is of this one alone."""
    if not wish.refines:
        return None
    said = f"{question_of(turn)}{BESIDE}{turn.text}"
    while len(said) > MAX_TEXT_LENGTH and BESIDE in said:
        said = said.partition(BESIDE)[2]
    return said


def _before(question: str, catalogue: Catalogue) -> Wish | None:
    """What was asked for by several messages, the later refining the earlier; None where nothing was."""
    found = Wish()
    for part in question.split(BESIDE):
        if not _only_goes_on(part):
            found = read_wish(part, catalogue).refining(found)
    return None if replace(found, follows=False).empty else replace(found, refines=False)


def _only_goes_on(said: str) -> bool:
    """ "cheaper" and "something else" say nothing without what was shown then."""
    words = [token.word for token in tokens(said)]
    return any((table.at(words, 0) or (0,))[0] == len(words) for table in FOLLOWING.values())

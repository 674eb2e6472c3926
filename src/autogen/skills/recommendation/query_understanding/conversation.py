"""What a message asks for in its conversation: also what earlier messages asked for, where it goes on from them.

The skill's state from one turn to the next is `question`, the messages of the last good query, and `offered`, the ids
of what was shown for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.words import tokens
from autogen.skills.recommendation.item_request import ItemRequest
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.recommendation.query_understanding.parser import parse_query
from autogen.skills.recommendation.query_understanding.vocabulary import FOLLOWING
from autogen.skills.skill import Turn

BESIDE = "; "  # between the messages of one query


def state_of(question: str, offered: Sequence[str]) -> dict[str, Any]:
    return {"question": question, "offered": list(offered)}


def question_of(turn: Turn) -> str:
    """The messages of the query before; empty where there was none."""
    return str(turn.state.get("question", ""))


def offered_by(turn: Turn) -> tuple[str, ...]:
    """Ids of what was shown before, the first first."""
    return tuple(turn.state.get("offered", ()))


def parse_turn(turn: Turn, catalogue: Catalogue) -> list[ParsedQuery]:
    """How a message may be meant, the likeliest first. What follows a question back or a refusal refines the last good
    query; it may be a new one, where nothing fits both."""
    offered = offered_by(turn)
    latest, earlier = parse_query(turn.text, catalogue, offered), _parse_earlier(question_of(turn), catalogue)
    if earlier is None or (latest.problem and not latest.only_orders and not latest.follows):
        return [latest]
    refined = latest.refine(earlier)
    refined = replace(refined, problem=latest.problem or refined.question())
    if (latest.follows and offered) or latest.only_orders:
        return [refined]
    return [refined, latest] if turn.last_action in ("clarify", "decline") else [latest]


def request_of(turn: Turn, parsed_query: ParsedQuery) -> ItemRequest:
    """What a recommender is asked for, in this turn."""
    return ItemRequest(
        user=turn.user,
        query=parsed_query.free_text,
        filters=parsed_query.filters,
        like=parsed_query.like,
        unlike=parsed_query.unlike,
        order=parsed_query.order,
        exclude=offered_by(turn) if parsed_query.follows else (),
        conversation=turn.conversation,
    )


def in_full(turn: Turn, parsed_query: ParsedQuery) -> str | None:
    """The messages that the query is of, as one text, the oldest left out where they would be longer than any message
    may be; None where it is of this one alone."""
    if not parsed_query.refines:
        return None
    text = f"{question_of(turn)}{BESIDE}{turn.text}"
    while len(text) > MAX_TEXT_LENGTH and BESIDE in text:
        text = text.partition(BESIDE)[2]
    return text


def _parse_earlier(question: str, catalogue: Catalogue) -> ParsedQuery | None:
    """What was asked for by several messages, the later refining the earlier; None where nothing was."""
    parsed_query = ParsedQuery()
    for part in question.split(BESIDE):
        if not _only_goes_on(part):
            parsed_query = parse_query(part, catalogue).refine(parsed_query)
    return None if replace(parsed_query, follows=False).empty else replace(parsed_query, refines=False)


def _only_goes_on(text: str) -> bool:
    """ "cheaper" and "something else" say nothing without what was shown then."""
    words = [token.word for token in tokens(text)]
    return any((table.at(words, 0) or (0,))[0] == len(words) for table in FOLLOWING.values())

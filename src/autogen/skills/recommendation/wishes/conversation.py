"""What a message wishes for in its conversation: also what earlier messages asked for, where it goes on from them."""

from __future__ import annotations

from dataclasses import replace

from autogen.feedback.events import MAX_TEXT_LENGTH
from autogen.knowledge.catalogue import Catalogue
from autogen.knowledge.words import tokens
from autogen.skills.recommendation.wishes.reader import read_wish
from autogen.skills.recommendation.wishes.vocabulary import FOLLOWING
from autogen.skills.recommendation.wishes.wish import Wish
from autogen.skills.skill import Turn

BESIDE = "; "  # between the messages of one wish


def wishes_of(turn: Turn, catalogue: Catalogue) -> list[Wish]:
    """How a message may be meant, the likeliest first. What follows a question back or a refusal refines the last good
    wish; it may be a new one, where nothing fits both."""
    alone, before = read_wish(turn.text, catalogue, turn.offered), _before(turn.question, catalogue)
    if before is None or (alone.problem and not alone.only_orders and not alone.follows):
        return [alone]
    refined = alone.refining(before)
    refined = replace(refined, problem=alone.problem or refined.question())
    if (alone.follows and turn.offered) or alone.only_orders:
        return [refined]
    return [refined, alone] if turn.last_action in ("clarify", "decline") else [alone]


def in_full(turn: Turn, wish: Wish) -> str | None:
    """The messages that the wish is of, as one text, the oldest left out where they would be longer than any message
    may be; None where it is of this one alone."""
    if not wish.refines:
        return None
    said = f"{turn.question}{BESIDE}{turn.text}"
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

"""From items that are shown, or a query that nothing fits, to what the skill says and keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autogen.knowledge.catalogue import Catalogue
from autogen.skills.recommendation.cards import ScoredItem, cards
from autogen.skills.recommendation.exploration import Exploration
from autogen.skills.recommendation.query_understanding.conversation import in_full, offered_by, question_of, state_of
from autogen.skills.recommendation.query_understanding.notes import not_understood, notes_on
from autogen.skills.recommendation.query_understanding.parsed_query import ParsedQuery
from autogen.skills.skill import Reply, Turn


@dataclass(frozen=True)
class ShownItems:
    """One answer to be kept. `confidence`: the score of the best item, whether chance showed it or not."""

    items: list[ScoredItem]
    confidence: float
    exploration: Exploration | None = None

    def as_fields(self) -> dict[str, Any]:
        """The fields of a reply that say which items these are."""
        return {
            "confidence": self.confidence,
            "alternatives": tuple((scored.item.id, scored.score) for scored in self.items),
            "details": {"items": [scored.to_json() for scored in self.items]},
            "log": self.exploration.to_json() if self.exploration else None,
        }


def reply_with(
    shown: ShownItems, turn: Turn, parsed_query: ParsedQuery, unknown: Sequence[str], catalogue: Catalogue
) -> Reply:
    """The reply that shows items. `unknown`: words of the query that are not known."""
    about = in_full(turn, parsed_query)
    return Reply(
        text=_not_understood_line(parsed_query, unknown) + cards(shown.items, catalogue),
        action="answer",
        about=about,
        notes=tuple(notes_on(parsed_query, unknown)),
        state=state_of(about or turn.text, [scored.item.id for scored in shown.items]),
        **shown.as_fields(),
    )


def reply_without(
    turn: Turn, parsed_query: ParsedQuery, unknown: Sequence[str], catalogue: Catalogue, decline_text: str
) -> Reply:
    """Ask back, or decline. The conversation stays at the last good query and at what was shown for it."""
    offered, question = offered_by(turn), question_of(turn)
    text = parsed_query.problem or decline_text.replace("{wish}", parsed_query.describe() or "that")
    return Reply(
        text=_not_understood_line(parsed_query, unknown) + text,
        action="clarify" if parsed_query.problem else "decline",
        confidence=0.0,
        alternatives=tuple((name, 0.0) for name in offered),
        about=question or None,
        notes=tuple(notes_on(parsed_query, unknown)),
        state=state_of(question or turn.text, offered),
        details={"items": [_still_shown(name, catalogue) for name in offered]},
    )


def reply_to_request(shown: ShownItems) -> Reply:
    """To a request for items alone, outside of any conversation."""
    titles = "\n".join(scored.item.title for scored in shown.items)
    return Reply(text=titles, action="answer" if shown.items else "decline", **shown.as_fields())


def prediction(items: Sequence[ScoredItem]) -> Mapping[str, object]:
    """The columns of `autogen predict`."""
    names = " ".join(scored.item.id for scored in items)
    best = (items[0].item.id, round(items[0].score, 6)) if items else ("", 0.0)
    return {"prediction": best[0], "confidence": best[1], "predictions": names}


def _still_shown(name: str, catalogue: Catalogue) -> dict[str, Any]:
    """What was shown before, and may still be pointed at; another version may have known more."""
    at = catalogue.position.get(name)
    title = name if at is None else catalogue.items[at].title
    return {"item": name, "title": title, "score": 0.0, "reason": "shown before"}


def _not_understood_line(parsed_query: ParsedQuery, unknown: Sequence[str]) -> str:
    """A line of its own before what is shown all the same."""
    note = not_understood(parsed_query, unknown)
    return f"{note.capitalize()}.\n" if note else ""

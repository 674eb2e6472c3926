"""From items that are shown, or a wish that nothing fits, to what the skill says and keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autogen.knowledge.catalogue import Catalogue
from autogen.skills.recommendation.cards import Recommended, cards
from autogen.skills.recommendation.exploration import Exploration
from autogen.skills.recommendation.wishes.conversation import in_full, offered_by, question_of, state_of
from autogen.skills.recommendation.wishes.understood import not_understood, notes_on
from autogen.skills.recommendation.wishes.wish import Wish
from autogen.skills.skill import Reply, Turn


@dataclass(frozen=True)
class Shown:
    """One answer to be kept. `confidence`: the score of the best item, whether chance showed it or not."""

    items: list[Recommended]
    confidence: float
    exploration: Exploration | None = None

    def as_fields(self) -> dict[str, Any]:
        """The fields of a reply that say which items these are."""
        return {
            "confidence": self.confidence,
            "alternatives": tuple((one.item.id, one.score) for one in self.items),
            "details": {"items": [one.to_json() for one in self.items]},
            "log": self.exploration.to_json() if self.exploration else None,
        }


def reply_with(shown: Shown, turn: Turn, wish: Wish, unknown: Sequence[str], catalogue: Catalogue) -> Reply:
    """`unknown`: words of the wish that are not known."""
    about = in_full(turn, wish)
    return Reply(
        text=_missed(wish, unknown) + cards(shown.items, catalogue),
        action="answer",
        about=about,
        notes=tuple(notes_on(wish, unknown)),
        state=state_of(about or turn.text, [one.item.id for one in shown.items]),
        **shown.as_fields(),
    )


def reply_without(turn: Turn, wish: Wish, unknown: Sequence[str], catalogue: Catalogue, decline_text: str) -> Reply:
    """Ask back, or decline. The conversation stays at the last good wish and at what was shown for it."""
    offered, question = offered_by(turn), question_of(turn)
    text = wish.problem or decline_text.replace("{wish}", wish.describe() or "that")
    return Reply(
        text=_missed(wish, unknown) + text,
        action="clarify" if wish.problem else "decline",
        confidence=0.0,
        alternatives=tuple((name, 0.0) for name in offered),
        about=question or None,
        notes=tuple(notes_on(wish, unknown)),
        state=state_of(question or turn.text, offered),
        details={"items": [_still_shown(name, catalogue) for name in offered]},
    )


def reply_to_request(shown: Shown) -> Reply:
    """To a request for items alone, outside of any conversation."""
    titles = "\n".join(one.item.title for one in shown.items)
    return Reply(text=titles, action="answer" if shown.items else "decline", **shown.as_fields())


def prediction(items: Sequence[Recommended]) -> Mapping[str, object]:
    """The columns of `autogen predict`."""
    names = " ".join(one.item.id for one in items)
    best = (items[0].item.id, round(items[0].score, 6)) if items else ("", 0.0)
    return {"prediction": best[0], "confidence": best[1], "predictions": names}


def _still_shown(name: str, catalogue: Catalogue) -> dict[str, Any]:
    """What was shown before, and may still be pointed at; another version may have known more."""
    at = catalogue.position.get(name)
    title = name if at is None else catalogue.items[at].title
    return {"item": name, "title": title, "score": 0.0, "reason": "shown before"}


def _missed(wish: Wish, unknown: Sequence[str]) -> str:
    """A line of its own before what is shown all the same."""
    missed = not_understood(wish, unknown)
    return f"{missed.capitalize()}.\n" if missed else ""
